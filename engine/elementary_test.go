package engine

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
		{"exp", exp32, math.Exp, -104, 88.72283, 1.0},
		{"log", log32, math.Log, 0, math.Inf(1), 1.0},
		{"tanh", tanh32, math.Tanh, math.Inf(-1), math.Inf(1), 1.5},
	} {
		t.Run(f.name, func(t *testing.T) {
			worst, at := 0.0, float32(0)
			check := func(x float32) {
				v := float64(x)
				if !isFinite(x) || v < f.low || v > f.high || x == 0 {
					return
				}
				if e := ulpError(f.got(x), f.want(v)); e > worst {
					worst, at = e, x
				}
			}
			for b := uint64(0); b < 1<<32; b += 9973 {
				check(math.Float32frombits(uint32(b)))
			}
			for i := range 400_000 { // the range that networks use, evenly
				check(float32(i-200_000) * 0.0001)
			}
			t.Logf("%s: largest error %.3f ulp at %v", f.name, worst, at)
			if worst > f.limit {
				t.Errorf("%s(%v): error of %.3f ulp, expected at most %v", f.name, at, worst, f.limit)
			}
		})
	}
}

func TestElementaryFunctionsAtTheirEdges(t *testing.T) {
	inf, nan := inf32(false), nan32()
	otherNaN := math.Float32frombits(0xffc00001)
	bitsOf := math.Float32frombits
	for _, c := range []struct {
		name string
		f    func(float32) float32
		x    float32
		want float32
	}{
		{"exp of zero is one", exp32, 0, 1},
		{"exp of minus zero is one", exp32, bitsOf(signBit32), 1},
		{"exp of infinity", exp32, inf, inf},
		{"exp of minus infinity", exp32, -inf, 0},
		{"exp of the largest argument with a finite result", exp32, bitsOf(0x42b17217), bitsOf(0x7f7fff84)},
		{"exp just above it", exp32, bitsOf(0x42b17218), inf},
		{"exp with a subnormal result", exp32, -100, bitsOf(0x0000001b)},
		{"exp with the smallest subnormal as result", exp32, -103, bitsOf(1)},
		{"exp just above underflow", exp32, bitsOf(0xc2cff1b4), bitsOf(1)},
		{"exp just below underflow", exp32, bitsOf(0xc2cff1b5), 0},
		{"exp of NaN is the canonical NaN", exp32, otherNaN, nan},
		{"log of one is plus zero", log32, 1, 0},
		{"log of zero", log32, 0, -inf},
		{"log of minus zero", log32, bitsOf(signBit32), -inf},
		{"log of a negative number", log32, -1, nan},
		{"log of infinity", log32, inf, inf},
		{"log of minus infinity", log32, -inf, nan},
		{"log of the smallest subnormal", log32, bitsOf(1), -103.27893},
		{"log of NaN is the canonical NaN", log32, otherNaN, nan},
		{"tanh of zero", tanh32, 0, 0},
		{"tanh of minus zero keeps its sign", tanh32, bitsOf(signBit32), bitsOf(signBit32)},
		{"tanh of the smallest subnormal", tanh32, bitsOf(1), bitsOf(1)},
		{"tanh of a large number", tanh32, 20, 1},
		{"tanh of minus infinity", tanh32, -inf, -1},
		{"tanh of NaN is the canonical NaN", tanh32, otherNaN, nan},
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
		{"exp at its underflow", exp32, -103.97208}, {"tanh where the polynomial ends", tanh32, 0.625},
		{"tanh where it saturates", tanh32, 9.5}, {"log at one", log32, 1}, {"log at the smallest normal number", log32, 0x1p-126},
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
