package engine

import "testing"

// digitsLike returns a 64-32-10 network and made-up rows for it.
func digitsLike(tb testing.TB, rows int) (*Model, *Data) {
	tb.Helper()
	spec := &Spec{InputShape: []uint32{8, 8}, Layers: layers(denseLayer("hidden", 32), Layer{Name: "cut", Kind: KindReLU}, denseLayer("classes", 10))}
	d := &Data{Features: 64, X: selfTestNumbers("digits", rows*64)}
	for i := range rows {
		d.Labels = append(d.Labels, uint32(i%10))
	}
	return newTestModel(tb, spec, 7), d
}

// BenchmarkGemm reports the cost of one multiply-add of the portable product on one thread.
func BenchmarkGemm(b *testing.B) {
	const n = 128
	x, c := selfTestNumbers("bench", n*n), make([]float32, n*n)
	be := portable{threads: 1}
	for b.Loop() {
		be.gemm(product{m: n, n: n, k: n, a: x, lda: n, b: x, ldb: n, c: c, ldc: n})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(n*n*n), "ns/fma")
}

// BenchmarkTrainStep is one step with a batch of 64 rows.
func BenchmarkTrainStep(b *testing.B) {
	m, d := digitsLike(b, 1438)
	t := m.newTrainer(d, CrossEntropy, Recipe{Optimizer: OptimizerSGD, LearningRate: 0.01, Momentum: 0.9, BatchSize: 64, Steps: 1})
	for b.Loop() {
		if _, err := t.step(); err != nil {
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
