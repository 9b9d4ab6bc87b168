package engine

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/pold-network/pold/modelspec"
)

// TestGradientsAreThoseOfTheNextStep takes one step of plain descent and recovers the gradient from it.
func TestGradientsAreThoseOfTheNextStep(t *testing.T) {
	d := blobs(32, 3)
	spec := &Spec{InputShape: []uint32{2}, Layers: layers(denseLayer("a", 5), denseLayer("b", 3))}
	m := newTestModel(t, spec, 3)
	before := slices.Clone(m.params)
	r := Recipe{Optimizer: OptimizerSGD, LearningRate: 0.5, ClipNorm: 1e9, BatchSize: 32, Steps: 2}
	training, err := NewTraining(m, d, CrossEntropy, r)
	if err != nil {
		t.Fatal(err)
	}
	first, err := training.Loss(d)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	var all []float32
	training.Gradients(func(tensor string, shape []int, g []float32) {
		names = append(names, tensor)
		if sizeOf(shape) != len(g) {
			t.Errorf("%s: shape %v with %d values", tensor, shape, len(g))
		}
		all = append(all, g...)
	})
	if want := []string{"a.weight", "a.bias", "b.weight", "b.bias"}; !slices.Equal(names, want) {
		t.Fatalf("expected %v, got %v", want, names)
	}
	if again, err := training.Loss(d); err != nil || again != first || !slices.Equal(before, m.params) {
		t.Fatalf("expected Loss to change nothing, got %v after %v, %v", again, first, err)
	}
	if _, err := training.Step(); err != nil { // the same rows in another order
		t.Fatal(err)
	}
	for i, g := range all {
		if got := float64(before[i]-m.params[i]) / 0.5; math.Abs(got-float64(g)) > 1e-5 {
			t.Errorf("parameter %d: expected gradient %v, the step used %v", i, g, got)
		}
	}
}

func TestATrainingDoesNotOutliveItsMapping(t *testing.T) {
	spec := &Spec{InputShape: []uint32{2}, Layers: layers(Layer{Name: "map", Kind: modelspec.KindSML}, denseLayer("a", 3))}
	m := newTestModel(t, spec, 1)
	training, err := NewTraining(m, blobs(20, 3), CrossEntropy, Recipe{Optimizer: OptimizerSGD, LearningRate: 0.1, BatchSize: 4, Steps: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := training.Step(); err != nil {
		t.Fatal(err)
	}
	other, err := NewMapping(2, [32]byte{7})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.SetMapping(other); err != nil {
		t.Fatal(err)
	}
	if _, err := training.Step(); !errors.Is(err, ErrInvalidRecipe) {
		t.Errorf("expected the step to be refused, got %v", err)
	}
}
