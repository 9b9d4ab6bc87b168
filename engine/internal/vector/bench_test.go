package vector

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pold-network/pold/engine/internal/isa"
)

// BenchmarkKernels measures every kernel at every level on data in the first-level cache; run it with
//
//	go test -bench . -benchtime 2000x ./engine/internal/vector
func BenchmarkKernels(b *testing.B) {
	for i := range subjects {
		s := &subjects[i]
		for _, level := range isa.Supported() {
			benchmark(b, fmt.Sprintf("%s/%v", s.name, level), For(level), s, 2048)
		}
	}
}

// BenchmarkShortRows shows the cost of a call.
func BenchmarkShortRows(b *testing.B) {
	for i := range subjects {
		switch s := &subjects[i]; s.name {
		case "Add", "Exp", "Sum", "Max", "ExpSubSum", "SumSquaredDiff":
			for _, level := range isa.Supported()[1:] {
				for _, n := range []int{10, 64, 128} {
					benchmark(b, fmt.Sprintf("%s/%v/%d", s.name, level, n), For(level), s, n)
				}
			}
		}
	}
}

func benchmark(b *testing.B, name string, k *Kernels, s *subject, n int) {
	b.Run(name, func(b *testing.B) {
		c := newCall(s, n, rand.New(rand.NewPCG(1, 1)), &generators[0])
		c.scalars = AdamCoefficients{Rate: 0x1p-10, Beta1: 0.875, Beta2: 0.75, Rest1: 0.125, Rest2: 0.25, Epsilon: 1, Correction1: 1, Correction2: 1, Keep: 1}
		for b.Loop() {
			s.run(k, c)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/element")
	})
}
