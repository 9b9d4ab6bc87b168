package engine

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/pold-network/pold/engine/internal/gemm"
	"github.com/pold-network/pold/engine/internal/vector"
)

func TestSelfTestPassesHere(t *testing.T) {
	if err := SelfTest(); err != nil {
		t.Error(err)
	}
}

// faultyProduct is a matrix product with one plausible mistake.
type faultyProduct struct {
	multiplier
	twice bool // rounds twice; otherwise adds blocks of k
}

func (f faultyProduct) Multiply(p *gemm.Product) {
	if f.twice {
		for i := range p.M {
			for j := range p.N {
				acc := float32(0)
				if p.Accumulate {
					acc = p.C[i*p.LDC+j]
				}
				for k := range p.K {
					a, b := i*p.LDA+k, k*p.LDB+j
					if p.TransA {
						a = k*p.LDA + i
					}
					if p.TransB {
						b = j*p.LDB + k
					}
					acc = float32(math.FMA(float64(p.A[a]), float64(p.B[b]), float64(acc)))
				}
				p.C[i*p.LDC+j] = acc
			}
		}
		return
	}
	// Products of two blocks of k added afterwards, as many libraries do.
	half := *p
	half.K = p.K / 2
	f.multiplier.Multiply(&half)
	rest := *p
	rest.K -= half.K
	step := func(x []float32, ld int, trans bool, byRow bool) []float32 {
		if trans != byRow {
			return x[half.K*ld:]
		}
		return x[half.K:]
	}
	rest.A, rest.B = step(p.A, p.LDA, p.TransA, false), step(p.B, p.LDB, p.TransB, true)
	rest.Accumulate, rest.C, rest.LDC = false, make([]float32, p.M*p.N), p.N
	f.multiplier.Multiply(&rest)
	for i := range p.M {
		for j := range p.N {
			p.C[i*p.LDC+j] += rest.C[i*p.N+j]
		}
	}
}

// faulty returns a machine with one plausible mistake.
func faulty(mistake string) *machine {
	m := *defaultMachine()
	right := m.vec
	wrong := *right
	m.vec = &wrong
	switch mistake {
	case "matrix product":
		m.mul = faultyProduct{multiplier: m.mul}
	case "matrix product (rounds twice)":
		m.mul = faultyProduct{multiplier: m.mul, twice: true}
	case "exponential":
		wrong.Exp = func(dst, src []float32) {
			right.Exp(dst, src)
			for i, v := range dst {
				if v < 0x1p-126 {
					dst[i] = 0 // flushes subnormal results
				}
			}
		}
	case "logarithm":
		wrong.Log = func(dst, src []float32) {
			right.Log(dst, src)
			for i, v := range dst {
				if v > 5 {
					dst[i] = math.Nextafter32(v, 0) // one unit in the last place
				}
			}
		}
	case "hyperbolic tangent":
		wrong.Tanh = func(dst, src []float32) {
			right.Tanh(dst, src)
			for i, v := range dst {
				dst[i] = v + 0 // loses the sign of minus zero
			}
		}
	case "reductions":
		wrong.Sum = func(x []float32) float32 {
			var total float32
			for _, v := range x {
				total += v
			}
			return total
		}
	case "training steps (sgd)":
		wrong.SGD = func(w, velocity, g []float32, rate, momentum float32) float32 {
			for i := range w {
				velocity[i] = float32(momentum*velocity[i]) + g[i] // two roundings
				w[i] -= float32(rate * velocity[i])
			}
			return 0
		}
	case "training steps (adam)":
		wrong.Adam = func(w, m, v, g []float32, c *vector.AdamCoefficients) float32 {
			other := *c
			other.Epsilon *= 2
			return right.Adam(w, m, v, g, &other)
		}
	}
	return &m
}

func TestSelfTestFindsEveryFaultyKernel(t *testing.T) {
	for _, mistake := range []string{"matrix product", "matrix product (rounds twice)", "exponential", "logarithm", "hyperbolic tangent", "reductions",
		"training steps (sgd)", "training steps (adam)"} {
		name, _, _ := strings.Cut(mistake, " (rounds")
		for _, item := range selfTestItems() {
			if err := item.check(faulty(mistake)); item.name == name && !errors.Is(err, ErrSelfTest) {
				t.Errorf("a backend with a wrong %s: expected the self-test to find it, got %v", mistake, err)
			}
		}
		if err := selfTest(faulty(mistake)); !errors.Is(err, ErrSelfTest) {
			t.Errorf("a backend with a wrong %s: expected the self-test to fail, got %v", mistake, err)
		}
	}
}
