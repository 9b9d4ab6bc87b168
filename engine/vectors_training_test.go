package engine

import (
	"encoding/hex"
	"slices"
	"testing"

	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/modelspec"
)

// layerVector is one layer by itself: the last one of the spec.
type layerVector struct {
	Name    string
	Spec    string
	Seed    string  `json:",omitempty"` // dropout: of the training; sml: of the mapping
	Step    uint64  `json:",omitempty"`
	Tensors hexBits `json:",omitempty"` // all, one after the other
	Rows    int
	X       hexBits
	X2      hexBits `json:",omitempty"` // second input of add
	DY      hexBits

	Y          hexBits
	DX         hexBits `json:",omitempty"`
	DX2        hexBits `json:",omitempty"`
	Gradients  hexBits `json:",omitempty"` // of the trained tensors
	Statistics hexBits `json:",omitempty"` // after the forward pass in training
	Evaluated  hexBits `json:",omitempty"` // y in evaluation after it, where it differs
}

func (v *layerVector) compute(t *testing.T, on *machine) {
	t.Helper()
	n := lastNode(t, vectorSpec(t, v.Spec))
	var mapping *Mapping
	b := &io{rows: v.Rows, training: true, step: v.Step, x: [][]float32{slices.Clone(v.X), slices.Clone(v.X2)}, dy: slices.Clone(v.DY),
		y: make([]float32, v.Rows*n.Outputs()), dx: [][]float32{make([]float32, len(v.X)), make([]float32, len(v.X2))}}
	if v.Seed != "" {
		b.seed = seedFromHex(t, v.Seed)
	}
	switch n.Kind {
	case modelspec.KindSML:
		var err error
		if mapping, err = NewMapping(n.Inputs(), b.seed); err != nil {
			t.Fatal(err)
		}
		b.dx = [][]float32{nil, nil}
	case modelspec.KindEmbedding:
		b.dx = [][]float32{nil, nil}
	}
	var tensors layerTensors
	rest := slices.Clone(v.Tensors)
	for i := range n.Tensors {
		size := n.Tensors[i].Size()
		if n.Tensors[i].Buffer {
			tensors.buffers = append(tensors.buffers, rest[:size:size])
		} else {
			tensors.params = append(tensors.params, rest[:size:size])
			tensors.gradients = append(tensors.gradients, make([]float32, size))
		}
		rest = rest[size:]
	}
	l := newLayer(on, n, tensors, v.Rows, training, mapping)
	l.forward(b)
	v.Y = slices.Clone(b.y)
	l.backward(b)
	v.DX, v.DX2 = b.dx[0], b.dx[1]
	v.Gradients = slices.Concat(tensors.gradients...)
	v.Statistics = slices.Clone(slices.Concat(tensors.buffers...))

	tensors.gradients = nil
	evaluation := &io{rows: v.Rows, x: [][]float32{v.X, v.X2}, y: make([]float32, len(b.y))}
	newLayer(on, n, tensors, v.Rows, evaluating, mapping).forward(evaluation)
	v.Evaluated = nil
	if !slices.EqualFunc(evaluation.y, v.Y, func(a, b float32) bool { return exact.CanonicalBits(a) == exact.CanonicalBits(b) }) {
		v.Evaluated = evaluation.y
	}
}

// rowLossVector is a loss by itself.
type rowLossVector struct {
	Objective          Objective
	Positions, Classes int
	Smoothing          hexBits
	Outputs            hexBits
	Labels             []uint32 `json:",omitempty"`
	Targets            hexBits  `json:",omitempty"`

	Losses, Gradient hexBits
}

func (v *rowLossVector) compute(on *machine) {
	rows := len(v.Outputs) / (v.Positions * v.Classes)
	l := newLoss(on, v.Objective, rows, v.Positions, v.Classes)
	l.smoothing = v.Smoothing[0]
	v.Gradient = make(hexBits, len(v.Outputs))
	v.Losses = slices.Clone(l.rows(v.Outputs, &Data{Labels: v.Labels, Y: v.Targets}, v.Gradient))
}

type recipeVector struct {
	Optimizer   string
	Rates       hexBits // learning rate, momentum, beta2, epsilon
	BatchSize   int
	Steps       int
	Seed        string
	More        hexBits `json:",omitempty"` // weight decay, clip norm, label smoothing, gamma
	Schedule    string  `json:",omitempty"`
	WarmupSteps int     `json:",omitempty"`
	StepSize    int     `json:",omitempty"`
}

func (v *recipeVector) recipe(t *testing.T) Recipe {
	t.Helper()
	r := Recipe{Optimizer: v.Optimizer, LearningRate: v.Rates[0], Momentum: v.Rates[1], Beta2: v.Rates[2], Epsilon: v.Rates[3],
		BatchSize: v.BatchSize, Steps: v.Steps, Seed: seedFromHex(t, v.Seed), Schedule: v.Schedule, WarmupSteps: v.WarmupSteps, StepSize: v.StepSize}
	if v.More != nil {
		r.WeightDecay, r.ClipNorm, r.LabelSmoothing, r.Gamma = v.More[0], v.More[1], v.More[2], v.More[3]
	}
	if err := r.Validate(); err != nil {
		t.Fatal(err)
	}
	return r
}

type scheduleVector struct {
	Recipe recipeVector

	Rates hexBits // of each step
}

func (v *scheduleVector) compute(t *testing.T) {
	r := v.Recipe.recipe(t)
	v.Rates = nil
	for step := 1; step <= r.Steps; step++ {
		v.Rates = append(v.Rates, r.RateAt(step))
	}
}

// updateVector is an optimiser by itself, fed with gradients.
type updateVector struct {
	Recipe    recipeVector
	Sizes     []int // of the tensors, for clipping
	Weights   hexBits
	Gradients []hexBits // of each step

	Results []hexBits // weights after each step
}

func (v *updateVector) compute(t *testing.T, on *machine) {
	r := v.Recipe.recipe(t)
	o, w := newOptimizer(r, on, len(v.Weights)), slices.Clone(v.Weights)
	v.Results = nil
	for i, g := range v.Gradients {
		g = slices.Clone(g)
		o.begin(i + 1)
		if r.ClipNorm > 0 {
			var tensors [][]float32
			rest := g
			for _, size := range v.Sizes {
				tensors, rest = append(tensors, rest[:size]), rest[size:]
			}
			o.clipTo(norm(on.vec, tensors))
		}
		o.update(w, g, 0)
		if !o.finite() {
			t.Fatal("a vector must keep the weights finite")
		}
		v.Results = append(v.Results, slices.Clone(w))
	}
}

type trainingVector struct {
	Name      string
	Spec      string // canonical protobuf bytes
	ModelSeed string
	Objective Objective
	Features  int
	Targets   int
	X         hexBits
	Labels    []uint32
	Y         hexBits
	Recipe    recipeVector

	InitialSHA256 string
	Losses        hexBits
	FinalSHA256   string
	LossE9        uint64
	MetricE9      uint64
	Digest        string

	Mapping string `json:",omitempty"` // seed of the mapping that is set before
}

func (v *trainingVector) compute(t *testing.T, on *machine) {
	t.Helper()
	m := vectorModel(t, on, v.Spec, v.ModelSeed)
	if v.Mapping != "" {
		to, err := NewMapping(m.inputs(), seedFromHex(t, v.Mapping))
		if err != nil {
			t.Fatal(err)
		}
		if err := m.SetMapping(to); err != nil {
			t.Fatal(err)
		}
	}
	d := &Data{Features: v.Features, Targets: v.Targets, X: v.X, Labels: v.Labels, Y: v.Y}
	v.InitialSHA256 = fingerprint(m)
	v.Losses = nil
	if err := m.Train(d, v.Objective, v.Recipe.recipe(t), func(_ int, loss float32) bool { v.Losses = append(v.Losses, loss); return true }); err != nil {
		t.Fatalf("%s: %v", v.Name, err)
	}
	v.FinalSHA256 = fingerprint(m)
	e, err := m.Evaluate(d, v.Objective)
	if err != nil {
		t.Fatal(err)
	}
	v.LossE9, v.MetricE9, v.Digest = e.LossE9, e.MetricE9, hex.EncodeToString(e.Digest[:])
}
