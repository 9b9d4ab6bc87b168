package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pold-network/pold/modelspec"
)

// recorded is a training with everything that its trainer kept.
type recorded struct {
	spec           *Spec
	mapping        *Mapping
	data           *Data
	parent, model  *Model
	transcript     *Transcript
	states, traces [][]byte
}

// keep stores files in the test's memory.
func (r *recorded) keep(leaf int, state, trace []byte) (string, string, error) {
	r.states, r.traces = append(r.states, state), append(r.traces, trace)
	if leaf == 0 {
		return "state-0", "", nil
	}
	return fmt.Sprintf("state-%d", leaf), fmt.Sprintf("trace-%d", leaf), nil
}

// record trains a new model of spec and keeps all.
func record(t testing.TB, spec *Spec, o Objective, r Recipe, segments int) *recorded {
	t.Helper()
	x := &recorded{spec: spec, data: testData(t, spec, 23), parent: newTestModel(t, spec, 3)}
	unsettle(x.parent)
	if spec.Layers[0].Kind == modelspec.KindSML {
		x.mapping = newTestMapping(t, spec.Inputs(), 8)
		if err := x.parent.SetMapping(x.mapping); err != nil {
			t.Fatal(err)
		}
	}
	x.model = x.parent.Clone()
	var err error
	x.transcript, err = Record(x.model, x.data, o, TranscriptHeader{Context: [32]byte{1}, DataRoot: [32]byte{2}, Recipe: r, Segments: segments}, x.keep, nil)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// replay replays one segment from the trainer's own state.
func (r *recorded) replay(t testing.TB, i int) *Replay {
	t.Helper()
	got, err := r.transcript.ReplaySegment(r.spec, r.mapping, r.data, i, r.states[i], nil)
	if err != nil {
		t.Fatalf("segment %d: %v", i, err)
	}
	return got
}

// transcriptRecipes are trainings of every sort.
func transcriptRecipes() map[string]Recipe {
	base := Recipe{Optimizer: OptimizerSGD, LearningRate: 0.01, BatchSize: 5, Steps: 13, Seed: [32]byte{4}}
	with := func(change func(*Recipe)) Recipe {
		r := base
		change(&r)
		return r
	}
	return map[string]Recipe{
		"sgd":            base,
		"momentum":       with(func(r *Recipe) { r.Momentum = 0.9; r.WeightDecay = 0.01 }),
		"nesterov, clip": with(func(r *Recipe) { r.Optimizer, r.Momentum, r.ClipNorm = OptimizerNesterov, 0.8, 0.5 }),
		"adam, cosine": with(func(r *Recipe) {
			r.Optimizer, r.Momentum, r.Beta2, r.Epsilon, r.Schedule, r.WarmupSteps = OptimizerAdam, 0.9, 0.99, 1e-8, ScheduleCosine, 3
		}),
		"adamw, step": with(func(r *Recipe) {
			r.Optimizer, r.Momentum, r.Beta2, r.Epsilon, r.WeightDecay = OptimizerAdamW, 0.9, 0.99, 1e-8, 0.1
			r.Schedule, r.StepSize, r.Gamma = ScheduleStep, 4, 0.5
		}),
		"whole epochs": with(func(r *Recipe) { r.BatchSize, r.Steps = 23, 6 }),
		"long epochs":  with(func(r *Recipe) { r.BatchSize, r.Steps = 31, 9 }),
	}
}

func TestEverySegmentReplaysToTheSameBits(t *testing.T) {
	specs := map[string]*Spec{"convolutions": convNet(), "transformer": transformerNet(), "residual": residualNet(),
		"mapped": network([]uint32{6}, plain(modelspec.KindSML), denseOf(5), plain(modelspec.KindTanh), denseOf(3))}
	for name, spec := range specs {
		for how, recipe := range transcriptRecipes() {
			t.Run(name+", "+how, func(t *testing.T) {
				x := record(t, spec, CrossEntropy, recipe, 4)
				plainModel := x.parent.Clone()
				if err := plainModel.Train(x.data, CrossEntropy, recipe, nil); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(plainModel.Encode(), x.model.Encode()) {
					t.Fatal("recording changed the training")
				}
				if err := errors.Join(x.transcript.CheckStart(x.parent), x.transcript.CheckEnd(sha256.Sum256(plainModel.Encode()))); err != nil {
					t.Fatal(err)
				}
				parsed, err := ParseTranscript(x.transcript.Encode())
				if err != nil || parsed.Root() != x.transcript.Root() {
					t.Fatalf("the transcript does not survive its encoding: %v", err)
				}
				for i := range x.transcript.Header.Segments {
					if r := x.replay(t, i); !parsed.Matches(i, r) || !bytes.Equal(r.StateFile, x.states[i+1]) || !bytes.Equal(r.TraceFile, x.traces[i+1]) {
						t.Errorf("segment %d ends elsewhere", i)
					}
				}
			})
		}
	}
}

func TestRandomNetworksReplay(t *testing.T) {
	n := 12
	if os.Getenv("POLD_LONG") != "" {
		n = 150
	}
	r := transcriptRecipes()["adam, cosine"]
	for i, spec := range randomNetworks(t, n) {
		x := record(t, spec, MeanSquaredError, r, 5)
		for s := range 5 {
			if !x.transcript.Matches(s, x.replay(t, s)) {
				t.Errorf("network %d, segment %d ends elsewhere", i, s)
			}
		}
	}
}

func TestAStateGoesOnOnEveryMachine(t *testing.T) {
	x := record(t, convNet(), CrossEntropy, transcriptRecipes()["adam, cosine"], 3)
	onEveryMachine(t, func(name string, on *machine) {
		m, training, err := ResumeTraining(x.spec, nil, x.data, CrossEntropy, x.transcript.Header.Recipe, x.states[1])
		if err != nil {
			t.Fatal(err)
		}
		m.machine = on
		// The machine is taken up by what is made for it.
		again, err := NewTraining(m, x.data, CrossEntropy, x.transcript.Header.Recipe)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.load(x.states[1]); err != nil {
			t.Fatal(err)
		}
		again.batches.seek(training.Done(), x.transcript.Header.Recipe.BatchSize)
		for again.Done() < x.transcript.Header.Boundary(2) {
			if _, err := again.Step(); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(again.State(), x.states[2]) {
			t.Errorf("%s: another state", name)
		}
	})
}

// forgery is a way to hand in a transcript of a training that did not happen.
type forgery struct {
	name string
	// forge returns the record with forged leaves; wrong is the first segment whose replay must differ.
	forge func(t *testing.T, x *recorded)
	wrong int
	// what Bisect must name: the first wrong step, or 0 when only the state differs.
	step int
	what string
}

// relabel makes leaf i say what the files of the record hold.
func (r *recorded) relabel(t *testing.T, i int) {
	t.Helper()
	m, _, err := ResumeTraining(r.spec, r.mapping, r.data, r.transcript.Header.Objective, r.transcript.Header.Recipe, r.states[i])
	if err != nil {
		t.Fatal(err)
	}
	l := &r.transcript.Leaves[i]
	l.State, l.Weights, l.StateSize = sha256.Sum256(r.states[i]), sha256.Sum256(m.Encode()), uint64(len(r.states[i]))
	if i > 0 {
		l.Trace = sha256.Sum256(r.traces[i])
	}
}

// retrain runs segment i with a changed recipe or data and goes on honestly from there.
func (r *recorded) retrain(t *testing.T, i int, change func(training *Training)) {
	t.Helper()
	h := r.transcript.Header
	_, training, err := ResumeTraining(r.spec, r.mapping, r.data, h.Objective, h.Recipe, r.states[i])
	if err != nil {
		t.Fatal(err)
	}
	training.trace = newTrace(training.m)
	change(training)
	for s := i; s < h.Segments; s++ {
		for training.steps < h.Boundary(s+1) {
			if _, err := training.Step(); err != nil {
				t.Fatal(err)
			}
		}
		// A cheater that changed the rate writes the right recipe into its files.
		training.optimizer.recipe = h.Recipe
		r.states[s+1], r.traces[s+1] = training.State(), training.trace.take()
		r.relabel(t, s+1)
	}
}

func forgeries() []forgery {
	return []forgery{
		{name: "one skipped step", wrong: 1, step: 5, what: "loss", forge: func(t *testing.T, x *recorded) {
			x.retrain(t, 1, func(training *Training) {
				training.batches.take(training.idx) // its rows are never trained on
				training.steps++
				training.trace.step(0)
			})
		}},
		{name: "one swapped batch", wrong: 1, step: 5, what: "loss", forge: func(t *testing.T, x *recorded) {
			x.retrain(t, 1, func(training *Training) { training.batches.take(training.idx) })
		}},
		{name: "one changed learning rate", wrong: 1, step: 6, what: "loss", forge: func(t *testing.T, x *recorded) {
			x.retrain(t, 1, func(training *Training) { training.optimizer.recipe.LearningRate *= 2 })
		}},
		{name: "trained on other rows", wrong: 0, step: 1, what: "loss", forge: func(t *testing.T, x *recorded) {
			x.retrain(t, 0, func(training *Training) {
				other := *x.data
				other.X = append([]float32(nil), x.data.X...)
				for i := range other.X {
					other.X[i] += 0.5
				}
				training.data = &other
			})
		}},
		{name: "right end, invented middle", wrong: 1, step: 5, what: "value", forge: func(t *testing.T, x *recorded) {
			// The state in the middle is a mean of its neighbours; the traces are the honest ones.
			a, _, err := ResumeTraining(x.spec, nil, x.data, CrossEntropy, x.transcript.Header.Recipe, x.states[1])
			if err != nil {
				t.Fatal(err)
			}
			b, mid, err := ResumeTraining(x.spec, nil, x.data, CrossEntropy, x.transcript.Header.Recipe, x.states[2])
			if err != nil {
				t.Fatal(err)
			}
			for i := range b.params {
				b.params[i] = (a.params[i] + b.params[i]) / 2
			}
			x.states[2] = mid.State()
			x.relabel(t, 2)
		}},
		{name: "a nudged weight", wrong: 2, what: "value", forge: func(t *testing.T, x *recorded) {
			m, training, err := ResumeTraining(x.spec, nil, x.data, CrossEntropy, x.transcript.Header.Recipe, x.states[3])
			if err != nil {
				t.Fatal(err)
			}
			m.params[0] += 0.001
			x.states[3] = training.State()
			x.relabel(t, 3)
		}},
	}
}

func TestForgedTranscriptsAreFound(t *testing.T) {
	spec := network([]uint32{6}, denseOf(5), plain(modelspec.KindTanh), denseOf(3))
	recipe := transcriptRecipes()["momentum"]
	recipe.Steps = 12
	for _, f := range forgeries() {
		t.Run(f.name, func(t *testing.T) {
			x := record(t, spec, CrossEntropy, recipe, 3)
			f.forge(t, x)
			if _, err := ParseTranscript(x.transcript.Encode()); err != nil {
				t.Fatalf("the forgery has a wrong form, so it proves nothing: %v", err)
			}
			for i := range 3 {
				r := x.replay(t, i)
				if got, want := x.transcript.Matches(i, r), i < f.wrong; got != want && i <= f.wrong {
					t.Fatalf("segment %d: expected a match to be %v, got %v", i, want, got)
				}
				if i != f.wrong {
					continue
				}
				d, found := x.transcript.Bisect(x.model, i, r, x.traces[i+1], x.states[i+1])
				if !found || d.What != f.what || f.what == "loss" && d.Step != f.step || d.Claimed == d.Replayed {
					t.Errorf("expected the first difference to be the %s of step %d, got %+v, %v", f.what, f.step, d, found)
				}
			}
		})
	}
}

func TestTheEndsOfATranscriptAreBound(t *testing.T) {
	spec := network([]uint32{6}, denseOf(5), plain(modelspec.KindTanh), denseOf(3))
	x := record(t, spec, CrossEntropy, transcriptRecipes()["momentum"], 3)
	other := newTestModel(t, spec, 9)
	if err := x.transcript.CheckStart(other); !errors.Is(err, ErrBadTranscript) {
		t.Errorf("another parent: got %v", err)
	}
	if err := x.transcript.CheckEnd(sha256.Sum256(other.Encode())); !errors.Is(err, ErrBadTranscript) {
		t.Errorf("another checkpoint: got %v", err)
	}
	// An optimiser that has momentum before the first step could carry the weights anywhere.
	_, training, err := ResumeTraining(spec, nil, x.data, CrossEntropy, x.transcript.Header.Recipe, x.states[0])
	if err != nil {
		t.Fatal(err)
	}
	training.optimizer.first[0] = 100
	x.states[0] = training.State()
	x.relabel(t, 0)
	if err := x.transcript.CheckStart(x.parent); !errors.Is(err, ErrBadTranscript) {
		t.Errorf("an optimiser that is not at zero: got %v", err)
	}
}

func TestBadStatesAreRefused(t *testing.T) {
	spec := network([]uint32{6}, denseOf(5), plain(modelspec.KindTanh), denseOf(3))
	recipe := transcriptRecipes()["adam, cosine"]
	x := record(t, spec, CrossEntropy, recipe, 3)
	tensors, err := DecodeSafetensors(x.states[1])
	if err != nil {
		t.Fatal(err)
	}
	change := func(name string, value float32) []byte {
		var list []Tensor
		for _, y := range tensors {
			if y.Name == name {
				values, err := y.Float32s()
				if err != nil {
					t.Fatal(err)
				}
				values[0] = value
				y = NewTensor(y.Name, y.Shape, values)
			}
			list = append(list, y)
		}
		b, err := EncodeSafetensors(list)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	zero := float32(0)
	for name, state := range map[string][]byte{
		"empty":                nil,
		"a checkpoint":         x.model.Encode(),
		"padded":               append(bytes.Clone(x.states[1]), 0),
		"too many steps":       change(stateSteps, 14),
		"half a step":          change(stateSteps, 3.5),
		"negative steps":       change(stateSteps, -1),
		"other powers of beta": change(stateBetas, 0.5),
		"infinite momentum":    change(stateFirst, 1/zero),
	} {
		if _, _, err := ResumeTraining(spec, nil, x.data, CrossEntropy, recipe, state); !errors.Is(err, ErrBadState) {
			t.Errorf("%s: expected ErrBadState, got %v", name, err)
		}
	}
	sgd := transcriptRecipes()["sgd"]
	if _, _, err := ResumeTraining(spec, nil, x.data, CrossEntropy, sgd, x.states[1]); !errors.Is(err, ErrBadState) {
		t.Errorf("the state of another optimiser: expected ErrBadState, got %v", err)
	}
}

func TestARecordingCanBeStopped(t *testing.T) {
	x := record(t, network([]uint32{6}, denseOf(3)), CrossEntropy, transcriptRecipes()["sgd"], 3)
	h := TranscriptHeader{Recipe: x.transcript.Header.Recipe, Segments: 3}
	_, err := Record(x.parent.Clone(), x.data, CrossEntropy, h, x.keep, func(step int, _ float32) bool { return step < 4 })
	if !errors.Is(err, ErrStopped) {
		t.Errorf("expected ErrStopped, got %v", err)
	}
	h.Segments = 14 // of 13 steps
	if _, err := Record(x.parent.Clone(), x.data, CrossEntropy, h, x.keep, nil); !errors.Is(err, ErrInvalidRecipe) {
		t.Errorf("more segments than steps: expected ErrInvalidRecipe, got %v", err)
	}
}

// transcriptVector is a stored answer: the definition of states and transcripts does not change unnoticed.
type transcriptVector struct {
	Recipe  string   `json:"recipe"`
	Root    string   `json:"root"`
	States  []string `json:"states"`
	Traces  []string `json:"traces"`
	Encoded string   `json:"transcript,omitempty"`
}

func TestTranscriptVectors(t *testing.T) {
	path := filepath.Join("testdata", "transcripts.json")
	stored := map[string]transcriptVector{}
	if b, err := os.ReadFile(path); err == nil {
		if err := json.Unmarshal(b, &stored); err != nil {
			t.Fatal(err)
		}
	}
	for name, recipe := range transcriptRecipes() {
		x := record(t, convNet(), CrossEntropy, recipe, 4)
		root := x.transcript.Root()
		v := transcriptVector{Recipe: name, Root: hex.EncodeToString(root[:])}
		for i, l := range x.transcript.Leaves {
			v.States = append(v.States, hex.EncodeToString(l.State[:]))
			if i > 0 {
				v.Traces = append(v.Traces, hex.EncodeToString(l.Trace[:]))
			}
		}
		if name == "sgd" {
			v.Encoded = hex.EncodeToString(x.transcript.Encode())
		}
		want, ok := stored[name]
		if !ok && *update {
			stored[name] = v
			continue
		}
		if fmt.Sprint(want) != fmt.Sprint(v) {
			t.Errorf("%s: expected %v, got %v", name, want, v)
		}
	}
	if *update {
		b, err := json.MarshalIndent(stored, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzParseTranscript(f *testing.F) {
	x := record(f, network([]uint32{6}, denseOf(3)), CrossEntropy, transcriptRecipes()["adam, cosine"], 3)
	valid := x.transcript.Encode()
	f.Add(valid)
	f.Add(valid[:len(valid)-1])
	f.Add(append(bytes.Clone(valid), 0))
	f.Add([]byte(transcriptMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		parsed, err := ParseTranscript(b)
		if err != nil {
			if !errors.Is(err, ErrBadTranscript) {
				t.Fatalf("unexpected error %v", err)
			}
			return
		}
		if !bytes.Equal(parsed.Encode(), b) {
			t.Fatal("two encodings of one transcript")
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	m, d := digitsLike(b, 1024)
	r := Recipe{Optimizer: OptimizerAdam, LearningRate: 0.001, Momentum: 0.9, Beta2: 0.999, Epsilon: 1e-8, BatchSize: 64, Steps: 256}
	b.Run("train", func(b *testing.B) {
		for b.Loop() {
			if err := m.Clone().Train(d, CrossEntropy, r, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("record", func(b *testing.B) {
		for b.Loop() {
			keep := func(int, []byte, []byte) (string, string, error) { return "s", "t", nil }
			keep0 := func(i int, s, tr []byte) (string, string, error) {
				if i == 0 {
					return "s", "", nil
				}
				return keep(i, s, tr)
			}
			if _, err := Record(m.Clone(), d, CrossEntropy, TranscriptHeader{Recipe: r, Segments: 64}, keep0, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
