package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/atomicfile"
	"github.com/pold-network/pold/sidecar/training"
)

// fitReport tells people or programs about a run: results go to standard output, progress for people to standard error.
type fitReport struct {
	o      *fitOptions
	job    *training.Job
	run    *training.Run
	began  time.Time
	out    io.Writer
	live   *training.Live
	encode *json.Encoder // nil: for people
}

func newFitReport(o *fitOptions, job *training.Job, run *training.Run) *fitReport {
	r := &fitReport{o: o, job: job, run: run, began: time.Now(), out: os.Stdout}
	r.live = training.NewLive(os.Stderr, isTerminal(os.Stderr))
	if o.asJSON {
		r.live = training.NewLive(io.Discard, false)
		r.encode = json.NewEncoder(os.Stdout)
	}
	return r
}

// fitEvent is one line of --json. Fields that an event has nothing to say about are empty.
type fitEvent struct {
	Event            string       `json:"event"` // started, progress, evaluated, finished
	Run              string       `json:"run,omitempty"`
	Rows             int          `json:"rows,omitempty"`
	ValidationRows   int          `json:"validation_rows,omitempty"`
	Parameters       int64        `json:"parameters,omitempty"`
	Step             int          `json:"step,omitempty"`
	Steps            int          `json:"steps,omitempty"`
	Loss             *float32     `json:"loss,omitempty"` // moving average over a fortieth of the run, 5 to 50 steps
	SamplesPerSecond float64      `json:"samples_per_second,omitempty"`
	SecondsLeft      float64      `json:"seconds_left,omitempty"`
	LossE9           *uint64      `json:"loss_e9,omitempty"`
	MetricE9         *uint64      `json:"metric_e9,omitempty"`
	Training         *exactResult `json:"training,omitempty"`
	Validation       *exactResult `json:"validation,omitempty"`
	Checkpoint       string       `json:"checkpoint,omitempty"`
	SHA256           string       `json:"sha256,omitempty"`
	Plot             string       `json:"plot,omitempty"`
	Seconds          float64      `json:"seconds,omitempty"`
	Stopped          bool         `json:"stopped,omitempty"` // before the last step
}

// exactResult is an evaluation for programs.
type exactResult struct {
	Rows     int    `json:"rows"`
	LossE9   uint64 `json:"loss_e9"`
	MetricE9 uint64 `json:"metric_e9"`
	Digest   string `json:"digest"`
}

func newExactResult(e engine.Evaluation) *exactResult {
	if e.Rows == 0 {
		return nil
	}
	return &exactResult{Rows: e.Rows, LossE9: e.LossE9, MetricE9: e.MetricE9, Digest: hex.EncodeToString(e.Digest[:])}
}

func rows(d *engine.Data) int {
	if d == nil {
		return 0
	}
	return d.Rows()
}

// started prints the model, the data and the recipe.
func (r *fitReport) started() error {
	e, recipe := r.job.Examples, r.job.Recipe
	if r.encode != nil {
		return r.encode.Encode(fitEvent{Event: "started", Run: r.run.Dir, Rows: rows(e.Training), ValidationRows: rows(e.Validation),
			Parameters: r.job.Spec.Parameters(), Steps: recipe.Steps})
	}
	_, err := fmt.Fprintf(r.out, "%s\ndata    %s: %s rows to learn from, %s held out\nrecipe  %s\nrun     %s\n        watch it with: tensorboard --logdir %s\n\n",
		r.job.Spec.Summary(), e.Name, grouped(rows(e.Training)), grouped(rows(e.Validation)), describeRecipe(recipe), r.run.Dir, r.o.logdir)
	return err
}

func (r *fitReport) progress(m *training.Monitor) {
	if !r.live.Due() {
		return
	}
	p := m.Progress()
	r.live.Show(p.String())
	if r.encode != nil {
		_ = r.encode.Encode(fitEvent{Event: "progress", Step: p.Step, Steps: p.Steps, Loss: &p.Loss, SamplesPerSecond: p.SamplesPerSecond, SecondsLeft: p.Left.Seconds()})
	}
}

func (r *fitReport) evaluated(m *training.Monitor) {
	if v := m.Progress().Validation; v != nil && r.encode != nil {
		_ = r.encode.Encode(fitEvent{Event: "evaluated", Step: v.Step, Steps: r.job.Recipe.Steps, LossE9: &v.LossE9, MetricE9: &v.MetricE9})
	}
}

func (r *fitReport) savePlot(c *training.Curve) error {
	r.live.Clear()
	var b bytes.Buffer
	title := fmt.Sprintf("%s: %s parameters\n%s", r.job.Examples.Name, grouped(int(r.job.Spec.Parameters())), describeRecipe(r.job.Recipe))
	if err := c.WritePNG(&b, title, r.job.Examples.Objective); err != nil {
		return err
	}
	return atomicfile.Write(r.o.plot, b.Bytes(), 0o644)
}

// finished saves the weights and prints the exact figures.
func (r *fitReport) finished(result *training.Result) error {
	r.live.Clear()
	path := r.o.out
	if path == "" {
		path = r.run.Path(checkpointFile)
	}
	file := result.Model.Encode()
	if err := atomicfile.Write(path, file, 0o644); err != nil {
		return fmt.Errorf("save the weights: %w", err)
	}
	sum := sha256.Sum256(file)
	stopped := result.Steps < r.job.Recipe.Steps
	seconds := time.Since(r.began).Seconds()
	if r.encode != nil {
		return r.encode.Encode(fitEvent{Event: "finished", Run: r.run.Dir, Step: result.Steps, Steps: r.job.Recipe.Steps, Stopped: stopped, Seconds: seconds,
			Training: newExactResult(result.Training), Validation: newExactResult(result.Validation), Checkpoint: path, SHA256: hex.EncodeToString(sum[:]), Plot: r.o.plot})
	}
	state := "trained"
	if stopped {
		state = "stopped after"
	}
	fmt.Fprintf(r.out, "%s %s of %s steps in %.1f s\n\n", state, grouped(result.Steps), grouped(r.job.Recipe.Steps), seconds)
	w := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\tROWS\tLOSS\t%s\tDIGEST\n", strings.ToUpper(training.MetricName(r.job.Examples.Objective)))
	r.figures(w, "training", result.Training)
	r.figures(w, "validation", result.Validation)
	w.Flush()
	fmt.Fprintf(r.out, "\ncheckpoint  %s\nsha256      %x\n", path, sum)
	if r.o.plot != "" {
		fmt.Fprintf(r.out, "plot        %s\n", r.o.plot)
	}
	return r.nextSteps(path)
}

func (r *fitReport) figures(w io.Writer, name string, e engine.Evaluation) {
	if e.Rows == 0 {
		return
	}
	metric := e9(e.MetricE9)
	if r.job.Examples.Objective != engine.MeanSquaredError {
		metric = fmt.Sprintf("%d.%02d %%", e.MetricE9/1e7, e.MetricE9%1e7/1e5)
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%x\n", name, grouped(e.Rows), e9(e.LossE9), metric, e.Digest)
}

func (r *fitReport) nextSteps(checkpoint string) error {
	fmt.Fprintf(r.out, "\nnext:\n  tensorboard --logdir %s\n", r.o.logdir)
	if r.job.Examples.Vocabulary != nil {
		fmt.Fprintf(r.out, "  trainerd generate --run %s --checkpoint %s\n", r.run.Dir, checkpoint)
	}
	_, err := fmt.Fprintf(r.out, "  trainerd fit%s --model %s --from %s\n  trainerd submit --group GROUP %s\n", r.o.examples.given()+r.o.recipe.given(), r.run.Path(modelFile), checkpoint, checkpoint)
	return err
}

// e9 prints a number in 10^-9 exactly.
func e9(v uint64) string { return fmt.Sprintf("%d.%09d", v/1e9, v%1e9) }

// grouped writes n with a comma between thousands.
func grouped(n int) string { return training.Grouped(int64(n)) }
