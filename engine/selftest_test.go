package engine

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestSelfTestPassesHere(t *testing.T) {
	if err := SelfTest(); err != nil {
		t.Error(err)
	}
}

// faulty is a backend with one plausible mistake at a time.
type faulty struct {
	portable
	mistake string
}

func (f faulty) gemm(p product) {
	switch f.mistake {
	case "matrix product (rounds twice)":
		for i := range p.m {
			for j := range p.n {
				p.c[i*p.ldc+j] = chainWith(twiceRounded, p, i, j, p.c[i*p.ldc+j])
			}
		}
		return
	case "matrix product":
	default:
		f.portable.gemm(p)
		return
	}
	// Products of two blocks of k added afterwards, as many libraries do.
	half := p
	half.k = p.k / 2
	f.portable.gemm(half)
	rest := p
	rest.k -= half.k
	step := func(x []float32, ld int, trans bool, byRow bool) []float32 {
		if trans != byRow {
			return x[half.k*ld:]
		}
		return x[half.k:]
	}
	rest.a, rest.b = step(p.a, p.lda, p.transA, false), step(p.b, p.ldb, p.transB, true)
	rest.accumulate, rest.c, rest.ldc = false, make([]float32, p.m*p.n), p.n
	f.portable.gemm(rest)
	for i := range p.m {
		for j := range p.n {
			p.c[i*p.ldc+j] += rest.c[i*p.n+j]
		}
	}
}

func (f faulty) exp(dst, src []float32) {
	f.portable.exp(dst, src)
	if f.mistake == "exponential" {
		for i, v := range dst {
			if v < 0x1p-126 {
				dst[i] = 0 // flushes subnormal results
			}
		}
	}
}

func (f faulty) log(dst, src []float32) {
	f.portable.log(dst, src)
	if f.mistake == "logarithm" {
		for i, v := range dst {
			if v > 5 {
				dst[i] = math.Nextafter32(v, 0) // one unit in the last place
			}
		}
	}
}

func (f faulty) tanh(dst, src []float32) {
	f.portable.tanh(dst, src)
	if f.mistake == "hyperbolic tangent" {
		for i, v := range dst {
			dst[i] = v + 0 // loses the sign of minus zero
		}
	}
}

func (f faulty) sum(x []float32) float32 {
	if f.mistake != "reductions" {
		return f.portable.sum(x)
	}
	var total float32
	for _, v := range x {
		total += v
	}
	return total
}

func (f faulty) sgd(c sgdCoefficients, w, velocity, g []float32) {
	if f.mistake != "training steps (sgd)" {
		f.portable.sgd(c, w, velocity, g)
		return
	}
	for i := range w {
		velocity[i] = float32(c.momentum*velocity[i]) + g[i] // two roundings
		w[i] -= float32(c.rate * velocity[i])
	}
}

func (f faulty) adam(c adamCoefficients, w, m, v, g []float32) {
	if f.mistake == "training steps (adam)" {
		c.epsilon *= 2
	}
	f.portable.adam(c, w, m, v, g)
}

func TestSelfTestFindsEveryFaultyKernel(t *testing.T) {
	for _, mistake := range []string{"matrix product", "matrix product (rounds twice)", "exponential", "logarithm", "hyperbolic tangent", "reductions",
		"training steps (sgd)", "training steps (adam)"} {
		name, _, _ := strings.Cut(mistake, " (rounds")
		for _, item := range selfTestItems() {
			if err := item.check(faulty{mistake: mistake}); item.name == name && !errors.Is(err, ErrSelfTest) {
				t.Errorf("a backend with a wrong %s: expected the self-test to find it, got %v", mistake, err)
			}
		}
		if err := selfTest(faulty{mistake: mistake}); !errors.Is(err, ErrSelfTest) {
			t.Errorf("a backend with a wrong %s: expected the self-test to fail, got %v", mistake, err)
		}
	}
}
