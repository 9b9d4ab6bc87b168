package exact

import (
	"math"
	"os"
	"testing"
)

// The oracles compute in float64 with e^-|w|, so that they keep the far negative tail.

func sigmoid64(x float64) float64 {
	e := math.Exp(-math.Abs(x))
	if x < 0 {
		return e / (1 + e)
	}
	return 1 / (1 + e)
}

func silu64(x float64) float64 { return x * sigmoid64(x) }

func siluDerivative64(x float64) float64 {
	return sigmoid64(x) * (1 + x*sigmoid64(-x))
}

func geluArgument64(x float64) float64 { return 2 * math.Sqrt(2/math.Pi) * (x + 0.044715*x*x*x) }

func gelu64(x float64) float64 { return x * sigmoid64(geluArgument64(x)) }

func geluDerivative64(x float64) float64 {
	w := geluArgument64(x)
	slope := 2 * math.Sqrt(2/math.Pi) * (1 + 3*0.044715*x*x)
	return sigmoid64(w) + x*slope*sigmoid64(w)*sigmoid64(-w)
}

// sweep calls f with bit patterns from the whole range, and evenly over the range that networks use. POLD_LONG=1 takes one pattern in
// 257; POLD_SWEEP=1 takes all 2^32, which is several minutes a function (and needs -timeout).
func sweep(f func(x float32)) {
	step := uint64(9973)
	switch {
	case os.Getenv("POLD_SWEEP") == "1":
		step = 1
	case os.Getenv("POLD_LONG") == "1":
		step = 257
	}
	for b := uint64(0); b < 1<<32; b += step {
		f(math.Float32frombits(uint32(b)))
	}
	for i := range 400_000 {
		f(float32(i-200_000) * 0.0001)
	}
	for i := range 100_000 { // the tail down to where every result is zero
		f(float32(i) * -0.0015)
	}
}

func TestActivationsAreAccurate(t *testing.T) {
	for _, f := range []struct {
		name  string
		got   func(float32) float32
		want  func(float64) float64
		limit float64
	}{
		{"sigmoid", Sigmoid, sigmoid64, 2.5},
		{"silu", SiLU, silu64, 3.5},
		{"gelu", GELU, gelu64, 3.5},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			worst, at := 0.0, float32(0)
			sweep(func(x float32) {
				if !IsFinite(x) || x == 0 {
					return
				}
				if e := ulpError(f.got(x), f.want(float64(x))); !(e <= worst) {
					worst, at = e, x
				}
			})
			t.Logf("largest error %.3f ulp at %v", worst, at)
			if !(worst <= f.limit) {
				t.Errorf("%s(%v): error of %.3f ulp, expected at most %v", f.name, at, worst, f.limit)
			}
		})
	}
}

// TestDerivativesAreAccurate bounds the absolute error: the derivatives pass through zero and are at most about 1.13.
func TestDerivativesAreAccurate(t *testing.T) {
	for _, f := range []struct {
		name  string
		got   func(float32) float32
		want  func(float64) float64
		limit float64
	}{
		{"silu", SiLUDerivative, siluDerivative64, 0x1p-22},
		{"gelu", GELUDerivative, geluDerivative64, 0x1p-22},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			worst, at := 0.0, float32(0)
			sweep(func(x float32) {
				if !IsFinite(x) || math.Abs(float64(x)) > 1e30 {
					return // the oracle itself would overflow
				}
				if e := math.Abs(float64(f.got(x)) - f.want(float64(x))); !(e <= worst) {
					worst, at = e, x
				}
			})
			t.Logf("largest error %.3g at %v", worst, at)
			if !(worst <= f.limit) {
				t.Errorf("derivative of %s at %v: error of %.3g, expected at most %.3g", f.name, at, worst, f.limit)
			}
		})
	}
}

func TestActivationsAtTheirEdges(t *testing.T) {
	inf, nan := Inf(false), NaN()
	otherNaN := math.Float32frombits(0xffc00001)
	negZero := math.Float32frombits(SignBit)
	tiny := math.Float32frombits(1)
	for _, c := range []struct {
		name    string
		f       func(float32) float32
		x, want float32
	}{
		{"sigmoid of zero", Sigmoid, 0, 0.5},
		{"sigmoid of minus zero", Sigmoid, negZero, 0.5},
		{"sigmoid of infinity", Sigmoid, inf, 1},
		{"sigmoid of minus infinity", Sigmoid, -inf, 0},
		{"sigmoid of a large negative number", Sigmoid, -math.MaxFloat32, 0},
		{"sigmoid keeps its tail", Sigmoid, -103, tiny},
		{"sigmoid of NaN is the canonical NaN", Sigmoid, otherNaN, nan},
		{"silu of zero", SiLU, 0, 0},
		{"silu of minus zero keeps its sign", SiLU, negZero, negZero},
		{"silu of infinity", SiLU, inf, inf},
		{"silu of minus infinity", SiLU, -inf, negZero},
		{"silu of the largest number", SiLU, math.MaxFloat32, math.MaxFloat32},
		{"silu of the most negative number", SiLU, -math.MaxFloat32, negZero},
		{"silu keeps its tail", SiLU, -108, -tiny},
		{"silu of NaN is the canonical NaN", SiLU, otherNaN, nan},
		{"gelu of zero", GELU, 0, 0},
		{"gelu of minus zero keeps its sign", GELU, negZero, negZero},
		{"gelu of infinity", GELU, inf, inf},
		{"gelu of minus infinity", GELU, -inf, negZero},
		{"gelu of the largest number", GELU, math.MaxFloat32, math.MaxFloat32},
		{"gelu of the most negative number", GELU, -math.MaxFloat32, negZero},
		{"gelu keeps its tail", GELU, -10.7, -3 * tiny},
		{"gelu of NaN is the canonical NaN", GELU, otherNaN, nan},
		{"derivative of silu at infinity", SiLUDerivative, inf, 1},
		{"derivative of silu at minus infinity", SiLUDerivative, -inf, 0},
		{"derivative of silu at zero", SiLUDerivative, 0, 0.5},
		{"derivative of gelu at infinity", GELUDerivative, inf, 1},
		{"derivative of gelu at minus infinity", GELUDerivative, -inf, 0},
		{"derivative of gelu at zero", GELUDerivative, negZero, 0.5},
	} {
		if got := c.f(c.x); math.Float32bits(got) != math.Float32bits(c.want) {
			t.Errorf("%s: expected %v (%#08x), got %v (%#08x)", c.name, c.want, math.Float32bits(c.want), got, math.Float32bits(got))
		}
	}
	for _, f := range []func(float32) float32{SiLUDerivative, GELUDerivative} {
		if y := f(otherNaN); y == y {
			t.Errorf("expected NaN from the derivative at NaN, got %v", y)
		}
	}
}
