package engine

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pold-network/pold/engine/internal/isa"
	"github.com/pold-network/pold/modelspec"
)

// blobs returns rows around one centre per class.
func blobs(rows, classes int) *Data {
	d := &Data{Features: 2}
	s := newStream([32]byte{}, "blobs", 0)
	for i := range rows {
		class := i % classes
		angle := 2 * math.Pi * float64(class) / float64(classes)
		d.X = append(d.X, float32(3*math.Cos(angle))+s.symmetric(), float32(3*math.Sin(angle))+s.symmetric())
		d.Labels = append(d.Labels, uint32(class))
	}
	return d
}

var sgdRecipe = Recipe{Optimizer: OptimizerSGD, LearningRate: 0.1, Momentum: 0.9, BatchSize: 16, Steps: 200, Seed: [32]byte{9}}
var adamRecipe = Recipe{Optimizer: OptimizerAdam, LearningRate: 0.02, Momentum: 0.9, Beta2: 0.999, Epsilon: 1e-8, BatchSize: 16, Steps: 200, Seed: [32]byte{9}}

func TestTrainingLearnsToClassify(t *testing.T) {
	xor := &Data{Features: 2, X: []float32{0, 0, 0, 1, 1, 0, 1, 1}, Labels: []uint32{0, 1, 1, 0}}
	for _, c := range []struct {
		name    string
		data    *Data
		classes uint64
	}{{"exclusive or", xor, 2}, {"five blobs", blobs(200, 5), 5}} {
		for _, r := range []Recipe{sgdRecipe, adamRecipe} {
			for _, kind := range []string{modelspec.KindTanh, modelspec.KindReLU} {
				spec := &Spec{InputShape: []uint32{2}, Layers: layers(denseLayer("a", 16), Layer{Name: "b", Kind: kind}, denseLayer("c", c.classes))}
				m := newTestModel(t, spec, 1)
				before, err := m.Evaluate(c.data, CrossEntropy)
				if err != nil {
					t.Fatal(err)
				}
				if err := m.Train(c.data, CrossEntropy, r, nil); err != nil {
					t.Fatal(err)
				}
				after, err := m.Evaluate(c.data, CrossEntropy)
				if err != nil || after.MetricE9 != 1e9 || after.LossE9 > before.LossE9/5 {
					t.Errorf("%s with %s and %s: expected every row right and a fifth of the loss %d, got accuracy %d, loss %d, %v",
						c.name, r.Optimizer, kind, before.LossE9, after.MetricE9, after.LossE9, err)
				}
			}
		}
	}
}

func TestTrainingLearnsToFit(t *testing.T) {
	const rows = 200
	d := &Data{Features: 1, Targets: 2}
	for i := range rows {
		x := float64(i)/rows*4 - 2
		d.X = append(d.X, float32(x))
		d.Y = append(d.Y, float32(math.Sin(2*x)), float32(x*x/4))
	}
	spec := &Spec{InputShape: []uint32{1}, Layers: layers(denseLayer("a", 24), Layer{Name: "b", Kind: modelspec.KindTanh}, denseLayer("c", 2))}
	for _, r := range []Recipe{sgdRecipe, adamRecipe} {
		r.Steps = 600
		m := newTestModel(t, spec, 1)
		if err := m.Train(d, MeanSquaredError, r, nil); err != nil {
			t.Fatal(err)
		}
		if e, err := m.Evaluate(d, MeanSquaredError); err != nil || e.LossE9 > 20_000_000 || e.MetricE9 > 150_000_000 {
			t.Errorf("%s: expected a loss below 0.02 and an error below 0.15, got %+v, %v", r.Optimizer, e, err)
		}
	}
}

func TestTrainingIsRepeatable(t *testing.T) {
	train := func(threads int, r Recipe) []byte {
		m, d := digitsLike(t, 200)
		m.machine = newMachine(isa.Best(), threads)
		r.BatchSize, r.Steps = 64, 8
		if err := m.Train(d, CrossEntropy, r, nil); err != nil {
			t.Fatal(err)
		}
		return m.Encode()
	}
	for _, r := range []Recipe{sgdRecipe, adamRecipe} {
		want := train(1, r)
		for _, threads := range []int{1, 2, 3, 7} {
			if !bytes.Equal(train(threads, r), want) {
				t.Errorf("%s: %d threads give another checkpoint", r.Optimizer, threads)
			}
		}
		r.Seed[0]++
		if bytes.Equal(train(1, r), want) {
			t.Errorf("%s: another order seed gives the same checkpoint", r.Optimizer)
		}
	}
}

func TestTrainingReportsItsSteps(t *testing.T) {
	d := blobs(50, 3)
	spec := &Spec{InputShape: []uint32{2}, Layers: layers(denseLayer("a", 3))}
	r := sgdRecipe
	r.Steps = 10

	var steps []int
	m := newTestModel(t, spec, 1)
	first := newTestModel(t, spec, 1)
	batch := make([]int, r.BatchSize)
	newBatches(r.Seed, d.Rows()).take(batch)
	clipped := r
	clipped.ClipNorm = 1
	training, err := NewTraining(first, d, CrossEntropy, clipped)
	if err != nil {
		t.Fatal(err)
	}
	want, err := training.Loss(d.Select(batch))
	if err != nil {
		t.Fatal(err)
	}
	err = m.Train(d, CrossEntropy, r, func(step int, loss float32) bool {
		if step == 1 && loss != want {
			t.Errorf("expected the loss %v of the first batch before the update, got %v", want, loss)
		}
		steps = append(steps, step)
		return step < 4
	})
	if err != nil || !slices.Equal(steps, []int{1, 2, 3, 4}) {
		t.Errorf("expected to stop after step 4, got steps %v, %v", steps, err)
	}
	stopped := newTestModel(t, spec, 1)
	r.Steps = 4
	if err := stopped.Train(d, CrossEntropy, r, nil); err != nil || !bytes.Equal(stopped.Encode(), m.Encode()) {
		t.Errorf("expected a stopped training to leave the weights of its last step, got other weights, %v", err)
	}
}

func TestTrainingStopsWhenItDiverges(t *testing.T) {
	d := &Data{Features: 1, Targets: 1, X: []float32{1e18}, Y: []float32{1}}
	spec := &Spec{InputShape: []uint32{1}, Layers: layers(denseLayer("a", 1))}
	r := Recipe{Optimizer: OptimizerSGD, LearningRate: 1000, BatchSize: 1, Steps: 100}
	err := newTestModel(t, spec, 1).Train(d, MeanSquaredError, r, nil)
	if !errors.Is(err, ErrNonFinite) || !strings.Contains(err.Error(), "step ") || !strings.Contains(err.Error(), "lower learning rate") {
		t.Errorf("expected ErrNonFinite with the step and advice, got %v", err)
	}
}
