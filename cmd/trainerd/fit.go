package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/modelspec"
	"github.com/pold-network/pold/sidecar/atomicfile"
	"github.com/pold-network/pold/sidecar/training"
)

// Files in the folder of a run.
const (
	modelFile      = "model.json"
	checkpointFile = "checkpoint.safetensors"
	vocabularyFile = "vocabulary.json"
)

type fitOptions struct {
	examples     exampleFlags
	recipe       recipeFlags
	architecture training.Architecture
	model        string // file
	printModel   bool
	epochs       int
	every        int
	seed         string
	from, out    string
	plot, logdir string
	asJSON       bool
}

func newFitCommand() *cobra.Command {
	var o fitOptions
	cmd := &cobra.Command{
		Use:   "fit",
		Short: "Train a model on this machine, without a chain",
		Long: `Fit trains a model from a table, images or a text, shows how it goes, and saves the weights with their exact loss: equal flags give equal
bytes on every machine. Each run has a folder under --logdir with the model, the checkpoint and a TensorBoard event file. Ctrl-C ends the
training early and saves; a second one ends the program at once.

The model is a ready-made one (--arch mlp, conv or transformer; --print-model shows it, to edit) or the JSON of pold.pol.v1.ModelSpec, as
training groups hold it (--model). Normalisation is part of the model, so data are given raw.`,
		Example: `  trainerd fit --digits --plot digits.png
  trainerd fit --letters --optimizer adam --epochs 30 --plot letters.png
  trainerd fit --text /usr/share/common-licenses/GPL-3 --optimizer adam --steps 1000 --plot text.png
  trainerd fit --data iris.csv --model model.json --from checkpoint.safetensors --out better.safetensors`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	o.examples.add(cmd)
	cmd.Flags().StringVar(&o.model, "model", "", "JSON file of the model")
	cmd.Flags().StringVar(&o.architecture.Name, "arch", "", "ready-made model: mlp, conv or transformer (default: what suits the data)")
	cmd.Flags().IntVar(&o.architecture.Width, "width", 0, "units of a hidden layer, channels of the first convolution or features of a position, for --arch (default 128, 16, 128)")
	cmd.Flags().IntVar(&o.architecture.Depth, "depth", 0, "hidden layers, convolutions or blocks, for --arch (default 2)")
	cmd.Flags().Float64Var(&o.architecture.Dropout, "dropout", 0, "part of the hidden values that training sets to 0 at random, for --arch")
	cmd.Flags().BoolVar(&o.printModel, "print-model", false, "print the model's JSON and stop")
	o.recipe.add(cmd, 0, "number of steps (default: --epochs)")
	cmd.Flags().IntVar(&o.epochs, "epochs", 20, "how often every row is seen")
	cmd.Flags().StringVar(&o.seed, "seed", "1", "any text; decides the first weights and the order of the rows")
	cmd.Flags().IntVar(&o.every, "evaluate-every", 0, "steps between two evaluations of the rows held out (default: about an epoch)")
	cmd.Flags().StringVar(&o.from, "from", "", "safetensors file of the first weights; the optimiser starts afresh")
	cmd.Flags().StringVar(&o.out, "out", "", "where to save the weights (default: "+checkpointFile+" in the run's folder)")
	cmd.Flags().StringVar(&o.plot, "plot", "", "draw the training curve into this PNG file")
	cmd.Flags().StringVar(&o.logdir, "logdir", "runs", "folder of the runs")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print one JSON object per event")
	return cmd
}

// run is the whole command.
func (o *fitOptions) run(cmd *cobra.Command) error {
	if err := o.check(cmd); err != nil {
		return err
	}
	examples, err := o.examples.load()
	if err != nil {
		return err
	}
	spec, err := o.spec(examples)
	if err != nil {
		return err
	}
	if o.printModel {
		b, err := training.MarshalSpec(spec)
		if err == nil {
			_, err = os.Stdout.Write(b)
		}
		return err
	}
	job := &training.Job{Spec: spec, Examples: examples, EvaluateEvery: o.every}
	if job.Recipe, err = o.completeRecipe(cmd, examples); err != nil {
		return err
	}
	if o.from != "" {
		if job.From, err = os.ReadFile(o.from); err != nil {
			return err
		}
	}
	if _, err := job.Model(); err != nil { // before a folder is made
		return err
	}
	if err := examples.Check(spec); err != nil {
		return err
	}
	return o.train(cmd.Context(), job)
}

// check finds what is wrong before anything takes time.
func (o *fitOptions) check(cmd *cobra.Command) error {
	switch {
	case o.model != "" && (o.architecture != training.Architecture{}):
		return usage("expected --model, or --arch with --width, --depth and --dropout, but not both")
	case cmd.Flags().Changed("steps") && cmd.Flags().Changed("epochs"):
		return usage("expected --steps or --epochs, but not both")
	case o.epochs < 1 || o.epochs > engine.MaxSteps:
		return usage("--epochs: expected 1 to %d, got %d", engine.MaxSteps, o.epochs)
	case o.every < 0:
		return usage("--evaluate-every: expected at least 1, or 0 for about an epoch, got %d", o.every)
	case o.logdir == "":
		return usage("--logdir: expected a folder, got an empty name")
	}
	for _, path := range []string{o.out, o.plot} {
		if path == "" {
			continue
		}
		if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
			return fmt.Errorf("%s: expected a folder %s to write into: %w; make it first", path, filepath.Dir(path), fs.ErrNotExist)
		}
	}
	return nil
}

func (o *fitOptions) spec(examples *training.Examples) (*modelspec.Spec, error) {
	if o.model != "" {
		b, err := os.ReadFile(o.model)
		if err != nil {
			return nil, err
		}
		spec, err := training.ParseSpec(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.model, err)
		}
		return spec, nil
	}
	if o.architecture.Name == "" {
		o.architecture.Name = training.Usual(examples)
	}
	spec, err := o.architecture.Spec(examples)
	if err != nil {
		return nil, usage("%w", err)
	}
	return spec, nil
}

// completeRecipe adds the seed and turns epochs into steps.
func (o *fitOptions) completeRecipe(cmd *cobra.Command, examples *training.Examples) (engine.Recipe, error) {
	if !cmd.Flags().Changed("steps") {
		batch := max(1, o.recipe.recipe.BatchSize)
		steps := (uint64(o.epochs)*uint64(examples.Training.Rows()) + uint64(batch) - 1) / uint64(batch)
		o.recipe.recipe.Steps = int(min(steps, engine.MaxSteps+1))
	}
	o.recipe.recipe.Seed = sha256.Sum256([]byte(o.seed))
	return o.recipe.complete()
}

// train runs the job in a folder of its own.
func (o *fitOptions) train(ctx context.Context, job *training.Job) (err error) {
	run, err := training.OpenRun(o.logdir, job.Examples.Name+"-"+time.Now().Format("20060102-150405"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.Close()) }()
	r := newFitReport(o, job, run)
	if err := errors.Join(r.saveInputs(), r.started()); err != nil {
		return err
	}
	// The first signal ends the training; with this, a second one ends the program.
	defer context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt, syscall.SIGTERM) })()
	job.Events, job.Progress, job.Evaluated = run.Events, r.progress, r.evaluated
	result, err := job.Run(ctx)
	if result != nil && len(result.Curve.Points) > 0 && o.plot != "" {
		err = errors.Join(err, r.savePlot(result.Curve))
	}
	if errors.Is(err, engine.ErrNonFinite) {
		return fmt.Errorf("training diverged, so no weights were saved: %w", err)
	}
	if err != nil {
		return err
	}
	return r.finished(result)
}

// saveInputs keeps in the run's folder what the weights are worth nothing without.
func (r *fitReport) saveInputs() error {
	spec, err := training.MarshalSpec(r.job.Spec)
	if err != nil {
		return err
	}
	err = errors.Join(
		atomicfile.Write(r.run.Path(modelFile), spec, 0o644),
		r.run.Events.Text("model", "```\n"+r.job.Spec.Summary()+"```\n"),
		r.run.Events.Text("recipe", "```\n"+describeRecipe(r.job.Recipe)+"\n```\n"))
	if v := r.job.Examples.Vocabulary; v != nil && err == nil {
		var b []byte
		if b, err = json.Marshal(string(v)); err == nil {
			err = atomicfile.Write(r.run.Path(vocabularyFile), b, 0o644)
		}
	}
	return err
}
