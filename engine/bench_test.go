package engine

import (
	"testing"

	"github.com/pold-network/pold/modelspec"
)

// digitsLike returns a 64-32-10 network and made-up rows for it.
func digitsLike(tb testing.TB, rows int) (*Model, *Data) {
	tb.Helper()
	spec := &Spec{InputShape: []uint32{8, 8}, Layers: layers(denseLayer("hidden", 32), Layer{Name: "cut", Kind: modelspec.KindReLU}, denseLayer("classes", 10))}
	d := &Data{Features: 64, X: selfTestNumbers("digits", rows*64)}
	for i := range rows {
		d.Labels = append(d.Labels, uint32(i%10))
	}
	return newTestModel(tb, spec, 7), d
}

// BenchmarkTrainStep is one step with a batch of 64 rows.
func BenchmarkTrainStep(b *testing.B) {
	m, d := digitsLike(b, 1438)
	t, err := NewTraining(m, d, CrossEntropy, Recipe{Optimizer: OptimizerSGD, LearningRate: 0.01, Momentum: 0.9, BatchSize: 64, Steps: 1})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := t.Step(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEvaluate evaluates 1,438 rows, the training split of the digits.
func BenchmarkEvaluate(b *testing.B) {
	m, d := digitsLike(b, 1438)
	for b.Loop() {
		if _, err := m.Evaluate(d, CrossEntropy); err != nil {
			b.Fatal(err)
		}
	}
}
