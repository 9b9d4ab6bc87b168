package exact

import (
	"math"
	"testing"
)

// ulpError returns |got - want| in units of the last place of a float32 near want.
func ulpError(got float32, want float64) float64 {
	if float64(got) == want {
		return 0
	}
	_, e := math.Frexp(want)
	unit := math.Ldexp(1, max(e-24, -149))
	return math.Abs(float64(got)-want) / unit
}

// TestElementaryFunctionsAreAccurate compares with float64 functions over bit patterns from the whole float32 range.
func TestElementaryFunctionsAreAccurate(t *testing.T) {
	for _, f := range []struct {
		name      string
		got       func(float32) float32
		want      func(float64) float64
		low, high float64 // where the exact result is neither zero nor infinite as float32
		limit     float64
	}{
		{"exp", Exp, math.Exp, -104, 88.72283, 1.1},
		{"log", Log, math.Log, 0, math.Inf(1), 1.0},
		{"tanh", Tanh, math.Tanh, math.Inf(-1), math.Inf(1), 1.5},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			worst, at := 0.0, float32(0)
			check := func(x float32) {
				v := float64(x)
				if !IsFinite(x) || v < f.low || v > f.high || x == 0 {
					return
				}
				if e := ulpError(f.got(x), f.want(v)); e > worst {
					worst, at = e, x
				}
			}
			sweep(check)
			t.Logf("%s: largest error %.3f ulp at %v", f.name, worst, at)
			if worst > f.limit {
				t.Errorf("%s(%v): error of %.3f ulp, expected at most %v", f.name, at, worst, f.limit)
			}
		})
	}
}

func TestElementaryFunctionsAtTheirEdges(t *testing.T) {
	inf, nan := Inf(false), NaN()
	otherNaN := math.Float32frombits(0xffc00001)
	bitsOf := math.Float32frombits
	for _, c := range []struct {
		name string
		f    func(float32) float32
		x    float32
		want float32
	}{
		{"exp of zero is one", Exp, 0, 1},
		{"exp of minus zero is one", Exp, bitsOf(SignBit), 1},
		{"exp of infinity", Exp, inf, inf},
		{"exp of minus infinity", Exp, -inf, 0},
		{"exp of the largest argument with a finite result", Exp, bitsOf(0x42b17217), bitsOf(0x7f7fff84)},
		{"exp just above it", Exp, bitsOf(0x42b17218), inf},
		{"exp with a subnormal result", Exp, -100, bitsOf(0x0000001b)},
		{"exp with the smallest subnormal as result", Exp, -103, bitsOf(1)},
		{"exp just above underflow", Exp, bitsOf(0xc2cff1b4), bitsOf(1)},
		{"exp just below underflow", Exp, bitsOf(0xc2cff1b5), 0},
		{"exp of NaN is the canonical NaN", Exp, otherNaN, nan},
		{"log of one is plus zero", Log, 1, 0},
		{"log of zero", Log, 0, -inf},
		{"log of minus zero", Log, bitsOf(SignBit), -inf},
		{"log of a negative number", Log, -1, nan},
		{"log of infinity", Log, inf, inf},
		{"log of minus infinity", Log, -inf, nan},
		{"log of the smallest subnormal", Log, bitsOf(1), -103.27893},
		{"log of NaN is the canonical NaN", Log, otherNaN, nan},
		{"tanh of zero", Tanh, 0, 0},
		{"tanh of minus zero keeps its sign", Tanh, bitsOf(SignBit), bitsOf(SignBit)},
		{"tanh of the smallest subnormal", Tanh, bitsOf(1), bitsOf(1)},
		{"tanh of a large number", Tanh, 20, 1},
		{"tanh of minus infinity", Tanh, -inf, -1},
		{"tanh of NaN is the canonical NaN", Tanh, otherNaN, nan},
	} {
		if got := c.f(c.x); math.Float32bits(got) != math.Float32bits(c.want) {
			t.Errorf("%s: expected %v (%#08x), got %v (%#08x)", c.name, c.want, math.Float32bits(c.want), got, math.Float32bits(got))
		}
	}
}

// TestElementaryFunctionsJoin checks that the functions rise, up to their rounding errors, across the seams between branches.
func TestElementaryFunctionsJoin(t *testing.T) {
	for _, seam := range []struct {
		name string
		f    func(float32) float32
		x    float32
	}{
		{"exp at its underflow", Exp, -103.97208}, {"tanh where the polynomial ends", Tanh, 0.625},
		{"tanh where it saturates", Tanh, 9.5}, {"log at one", Log, 1}, {"log at the smallest normal number", Log, 0x1p-126},
	} {
		b := int32(math.Float32bits(seam.x))
		step := int32(1)
		if seam.x < 0 {
			step = -1
		}
		for i := int32(-2000); i < 2000; i++ {
			lo, hi := math.Float32frombits(uint32(b+i*step)), math.Float32frombits(uint32(b+(i+1)*step))
			if seam.f(lo) > seam.f(hi) && float64(seam.f(lo)-seam.f(hi)) > 2.5e-7*math.Abs(float64(seam.f(hi))) {
				t.Fatalf("%s: f(%v) = %v is above f(%v) = %v", seam.name, lo, seam.f(lo), hi, seam.f(hi))
			}
		}
	}
}
