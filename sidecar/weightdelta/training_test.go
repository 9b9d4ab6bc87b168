package weightdelta

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/dataset/digits"
	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/modelspec"
	"github.com/pold-network/pold/testutil/models"
)

// handwriting returns the digits with pixels from 0 to 1.
func handwriting(t testing.TB) *engine.Data {
	t.Helper()
	table, err := dataset.Parse(bytes.NewReader(digits.CSV()))
	if err != nil {
		t.Fatal(err)
	}
	x, y, err := table.Numeric(1)
	if err != nil {
		t.Fatal(err)
	}
	d := &engine.Data{Features: digits.Features, X: x}
	for i := range x {
		x[i] /= digits.MaxValue
	}
	for _, v := range y {
		d.Labels = append(d.Labels, uint32(v))
	}
	return d
}

// characters returns rows of a text in which each character depends on the two before it, and in them the character that follows.
func characters(vocabulary, positions, rows int) *engine.Data {
	text := models.Integers(positions*rows+1, vocabulary, 3)
	surprise := models.Integers(len(text), 4, 4)
	for i := 2; i < len(text); i++ {
		if surprise[i] != 0 {
			text[i] = (5*text[i-1] + 3*text[i-2] + 1) % uint32(vocabulary)
		}
	}
	d := &engine.Data{Features: positions}
	for r := range rows {
		row := text[r*positions : (r+1)*positions+1]
		d.X = append(d.X, models.Floats(row[:positions])...)
		d.Labels = append(d.Labels, row[1:]...)
	}
	return d
}

// checkpoints trains a model from its first weights and returns its canonical files after the given numbers of steps, 0 for the first
// weights. With states they are the states of the training, which hold what the optimiser keeps too.
func checkpoints(t testing.TB, model *modelspec.Spec, d *engine.Data, r engine.Recipe, states bool, after ...int) map[int][]byte {
	t.Helper()
	spec, err := engine.ParseSpec(model.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	m, err := engine.NewModel(spec, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	r.BatchSize, r.Steps, r.Seed = 32, slices.Max(after), [32]byte{2}
	training, err := engine.NewTraining(m, d, engine.CrossEntropy, r)
	if err != nil {
		t.Fatal(err)
	}
	files := map[int][]byte{}
	for step := 0; ; step++ {
		if slices.Contains(after, step) {
			if files[step] = m.Encode(); states {
				files[step] = training.State()
			}
		}
		if step == r.Steps {
			return files
		}
		if _, err := training.Step(); err != nil {
			t.Fatal(err)
		}
	}
}

// withFrozen returns the file with all tensors of the base but those of one layer.
func withFrozen(t testing.TB, base, full []byte, layer string) []byte {
	t.Helper()
	before, err := engine.DecodeSafetensors(base)
	if err != nil {
		t.Fatal(err)
	}
	after, err := engine.DecodeSafetensors(full)
	if err != nil {
		t.Fatal(err)
	}
	for i := range before {
		if strings.HasPrefix(before[i].Name, layer+".") {
			before[i] = after[i]
		}
	}
	return file(t, before...)
}

var (
	sgd      = engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.05}
	slowSGD  = engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.001}
	momentum = engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.02, Momentum: 0.9}
	adam     = adamAt(1e-3)
	slowAdam = adamAt(1e-5)
)

func adamAt(rate float32) engine.Recipe {
	return engine.Recipe{Optimizer: engine.OptimizerAdam, LearningRate: rate, Momentum: 0.9, Beta2: 0.999, Epsilon: 1e-8}
}

// late is a step at which the first quick changes are over.
const late = 40

// TestDeltasOfTrainings trains, ships checkpoints that are 1, 10 and 100 steps apart, and asserts what a delta is for: at most 0.70 of the
// full file after one step of any optimiser, early or late. With -v it prints the table of docs/reference/weight-deltas.md.
func TestDeltasOfTrainings(t *testing.T) {
	digits, text := handwriting(t), characters(64, 16, 512)
	perceptron := models.MLP(64, 320, 320, 10)
	convolutions := models.ConvNet(8, 16, 192, 10)
	transformer := models.Transformer(64, 16, 96, 4, 1)
	ratio := func(base, full []byte) float64 {
		delta, smaller := Encode(base, full)
		if !smaller {
			return 1
		}
		got, err := Apply(base, delta, int64(len(full)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, full) {
			t.Fatal("expected the full file")
		}
		return float64(len(delta)) / float64(len(full))
	}
	t.Logf("| %-33s | first step | 1 step | 10 steps | 100 steps |", "training")
	for _, c := range []struct {
		name   string
		model  *modelspec.Spec
		data   *engine.Data
		recipe engine.Recipe
		states bool
	}{
		{"perceptron, SGD 0.05", perceptron, digits, sgd, false},
		{"perceptron, SGD 0.001", perceptron, digits, slowSGD, false},
		{"perceptron, SGD 0.02 momentum 0.9", perceptron, digits, momentum, false},
		{"perceptron, Adam 1e-3", perceptron, digits, adam, false},
		{"perceptron, Adam 1e-5", perceptron, digits, slowAdam, false},
		{"conv net, SGD 0.05", convolutions, digits, sgd, false},
		{"conv net, Adam 1e-3", convolutions, digits, adam, false},
		{"transformer, SGD 0.05", transformer, text, sgd, false},
		{"transformer, Adam 1e-3", transformer, text, adam, false},
		{"training state, Adam 1e-3", perceptron, digits, adam, true},
	} {
		files := checkpoints(t, c.model, c.data, c.recipe, c.states, 0, 1, late, late+1, late+10, late+100)
		first, one := ratio(files[0], files[1]), ratio(files[late], files[late+1])
		ten, hundred := ratio(files[late], files[late+10]), ratio(files[late], files[late+100])
		t.Logf("| %-33s | %10.3f | %6.3f | %8.3f | %9.3f |", c.name, first, one, ten, hundred)
		if !c.states && (first > 0.7 || one > 0.7) {
			t.Errorf("%s: expected at most 0.70 of the full file after one step, got %.3f for the first and %.3f later", c.name, first, one)
		}
		if max(first, one, ten, hundred) >= 1 {
			t.Errorf("%s: expected deltas smaller than their files", c.name)
		}
		if c.name == "perceptron, Adam 1e-3" {
			frozen := ratio(files[late], withFrozen(t, files[late], files[late+100], "dense3"))
			t.Logf("| %-33s | %10s | %6s | %8s | %9.3f |", "  all but the last layer frozen", "", "", "", frozen)
			if frozen > 0.05 {
				t.Errorf("frozen layers: expected at most 0.05 of the full file, got %.3f", frozen)
			}
		}
	}
}
