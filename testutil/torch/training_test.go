package torch

import (
	"encoding/base64"
	"slices"
	"testing"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/modelspec"
	"github.com/pold-network/pold/testutil/models"
)

func TestTrainingStepsAreThoseOfPyTorch(t *testing.T) {
	sgd := engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.1}
	// A larger epsilon than usual: with a tiny one Adam turns the rounding of a gradient near 0 into a whole step.
	adam := engine.Recipe{Optimizer: engine.OptimizerAdam, LearningRate: 0.01, Momentum: 0.9, Beta2: 0.99, Epsilon: 1e-3}
	change := func(r engine.Recipe, f func(*engine.Recipe)) engine.Recipe { f(&r); return r }
	for _, c := range []struct {
		name   string
		recipe engine.Recipe
	}{
		{"gradient descent", sgd},
		{"momentum", change(sgd, func(r *engine.Recipe) { r.Momentum = 0.9 })},
		{"momentum and weight decay", change(sgd, func(r *engine.Recipe) { r.Momentum, r.WeightDecay = 0.9, 0.1 })},
		{"Nesterov", change(sgd, func(r *engine.Recipe) { r.Optimizer, r.Momentum = engine.OptimizerNesterov, 0.9 })},
		{"Adam", adam},
		{"Adam with weight decay", change(adam, func(r *engine.Recipe) { r.WeightDecay = 0.1 })},
		{"AdamW", change(adam, func(r *engine.Recipe) { r.Optimizer, r.WeightDecay = engine.OptimizerAdamW, 0.1 })},
		{"clipped gradients", change(sgd, func(r *engine.Recipe) { r.ClipNorm = 0.3 })},
		{"label smoothing", change(sgd, func(r *engine.Recipe) { r.LabelSmoothing = 0.2 })},
		{"step schedule", change(sgd, func(r *engine.Recipe) { r.Schedule, r.StepSize, r.Gamma = engine.ScheduleStep, 2, 0.5 })},
		{"cosine schedule", change(sgd, func(r *engine.Recipe) { r.Schedule = engine.ScheduleCosine })},
		{"constant after warm-up", change(sgd, func(r *engine.Recipe) { r.Schedule, r.WarmupSteps = engine.ScheduleConstant, 3 })},
		{"cosine after warm-up", change(adam, func(r *engine.Recipe) { r.Schedule, r.WarmupSteps = engine.ScheduleCosine, 2 })},
	} {
		t.Run(c.name, func(t *testing.T) {
			model := comparison{spec: spec([]uint32{23}, dense("a", 17), plain(modelspec.KindTanh), dense("b", 5)), rows: 12}
			m := model.model(t)
			d, objective := model.data(t)
			c.recipe.BatchSize, c.recipe.Steps = d.Rows(), 6
			var want struct {
				Losses  []float32
				Tensors map[string]floats
			}
			r := request(m, d, objective, c.recipe.LabelSmoothing)
			r["recipe"] = c.recipe
			call(t, "steps", r, &want)
			var losses []float32
			if err := m.Train(d, objective, c.recipe, func(_ int, loss float32) bool { losses = append(losses, loss); return true }); err != nil {
				t.Fatal(err)
			}
			expectClose(t, "losses", losses, want.Losses, tolerance)
			got := tensors(t, m)
			for name, w := range want.Tensors {
				expectClose(t, name, got[name], w, tolerance)
			}
		})
	}
}

func TestAStateDictOfPyTorchPredictsTheSame(t *testing.T) {
	for _, c := range []comparison{
		{name: "perceptron", spec: models.MLP(64, 32, 10), rows: 50},
		{name: "conv net", spec: models.ConvNet(12, 4, 16, 10), rows: 20},
		{name: "batch norm", spec: spec([]uint32{2, 6, 6}, conv("a", 4, 3, 3, 1, 1, 1),
			modelspec.Layer{Name: "norm", Kind: modelspec.KindBatchNorm, EpsilonE9: 10_000, MomentumE6: 100_000}, dense("b", 5)), rows: 20},
		{name: "transformer", spec: models.Transformer(17, 9, 12, 3, 2), rows: 10, vocabulary: 17},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, _ := c.data(t)
			var exported struct {
				File    string
				Outputs floats
			}
			call(t, "state_dict", map[string]any{"spec": c.spec, "rows": c.rows, "x": floats(d.X)}, &exported)
			file, err := base64.StdEncoding.DecodeString(exported.File)
			if err != nil {
				t.Fatal(err)
			}
			canonical, changes, err := engine.Canonicalize(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(changes) == 0 {
				t.Error("expected a file that is not canonical yet, as PyTorch's are")
			}
			m, err := engine.DecodeModel(c.spec, canonical)
			if err != nil {
				t.Fatal(err)
			}
			outputs, err := m.Forward(d.X, c.rows)
			if err != nil {
				t.Fatal(err)
			}
			expectClose(t, "outputs", outputs, exported.Outputs, tolerance)
			width := c.spec.Outputs()
			if _, classes, err := c.spec.Classification(); err == nil {
				width = classes
			}
			for i := 0; i < len(outputs); i += width {
				ours, theirs := largest(outputs[i:i+width]), largest(exported.Outputs[i:i+width])
				if ours != theirs {
					t.Errorf("prediction %d: expected class %d, got %d", i/width, theirs, ours)
				}
			}
		})
	}
}

func largest(x []float32) int { return slices.Index(x, slices.Max(x)) }

// The secure mapping is not a layer that PyTorch has: what it does to an input is read off the unit vectors.
func TestAMappedModelIsThePlainOneOnMappedInputs(t *testing.T) {
	const inputs, rows = 13, 9
	sml := modelspec.Layer{Name: "map", Kind: modelspec.KindSML}
	mapping, err := engine.NewMapping(inputs, [32]byte{9})
	if err != nil {
		t.Fatal(err)
	}
	mapped := func(spec *engine.Spec, x []float32, rows int) []float32 {
		m, err := engine.NewModel(spec, [32]byte{4})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.SetMapping(mapping); err != nil {
			t.Fatal(err)
		}
		y, err := m.Forward(x, rows)
		if err != nil {
			t.Fatal(err)
		}
		return y
	}
	x := models.Numbers(rows*inputs, 1)
	alone := mapped(spec([]uint32{inputs}, sml), x, rows)
	moved := false
	for i := range x {
		moved = moved || x[i] != alone[i]
	}
	if !moved {
		t.Fatal("expected the mapping to change something")
	}
	plain, err := engine.NewModel(spec([]uint32{inputs}, dense("a", 5)), [32]byte{4})
	if err != nil {
		t.Fatal(err)
	}
	d := &engine.Data{Features: inputs, X: alone, Labels: models.Integers(rows, 5, 2)}
	var want struct{ Outputs floats }
	call(t, "gradients", request(plain, d, engine.CrossEntropy, 0), &want)
	expectClose(t, "outputs", mapped(spec([]uint32{inputs}, sml, dense("a", 5)), x, rows), want.Outputs, tolerance)
}
