package exact

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// source is a reproducible source of random words.
type source struct{ *rand.Rand }

func newSource(seed uint64) source { return source{rand.New(rand.NewPCG(seed, 0))} }

// below returns a number in [0, n).
func (s source) below(n uint32) uint32 { return s.Uint32N(n) }

// exactFMA is the oracle: the exact sum x·y + z in 700 bits, rounded once to float32 with ties to even and gradual underflow.
func exactFMA(x, y, z float32) float32 {
	wide := func(v float32) *big.Float { return new(big.Float).SetPrec(700).SetFloat64(float64(v)) }
	sum := wide(x)
	sum.Mul(sum, wide(y)).Add(sum, wide(z))
	if sum.Sign() == 0 { // the sign of an exact zero follows the addition of the exact product
		return float32(float64(float64(x)*float64(y)) + float64(z))
	}
	r, _ := sum.Float32()
	return r
}

// twiceRounded is the tempting wrong definition.
func twiceRounded(x, y, z float32) float32 {
	return float32(math.FMA(float64(x), float64(y), float64(z)))
}

// floatNear returns a finite number with few or many significant bits and an exponent within spread of the given one.
func floatNear(s source, exponent, spread int32) float32 {
	fraction := s.Uint32() & 0x7fffff
	if s.Uint32()&1 == 0 {
		fraction &= 0x7fffff << (s.Uint32() % 23) // short fractions make ties likely
	}
	e := min(254, max(0, exponent+127+int32(s.below(uint32(2*spread+1)))-spread))
	return math.Float32frombits(s.Uint32()&SignBit | uint32(e)<<23 | fraction)
}

func scaled(x float64, exponent int32) float32 { return float32(math.Ldexp(x, int(exponent))) }

func TestFMARoundsOnce(t *testing.T) {
	s := newSource(1)
	sign := func() float64 { return 1 - 2*float64(s.below(2)) }
	near := func(e1, e2, e3, spread, spread3 int32) func() (x, y, z float32) {
		return func() (x, y, z float32) {
			return floatNear(s, e1, spread), floatNear(s, e2, spread), floatNear(s, e3, spread3)
		}
	}
	for _, c := range []struct {
		name string
		next func() (x, y, z float32)
		trap bool // rounding through float64 must give wrong answers among these, or the cases are too easy
	}{
		{"ordinary numbers", near(0, 0, 0, 3, 3), false},
		{"products far below the sum", near(-30, -30, 0, 30, 2), false},
		{"sums far below the product", near(0, 0, -60, 2, 40), false},
		{"subnormal results", near(-70, -60, -127, 6, 8), false},
		{"subnormal factors", near(-127, 0, -127, 12, 8), false},
		{"results near overflow", near(64, 63, 127, 2, 1), false},
		{"anything", near(0, 0, 0, 127, 127), false},
		{"a product half way between two numbers, moved by a tiny sum", func() (x, y, z float32) {
			e := int32(s.below(60)) - 30
			a, b := 1<<11|s.below(1<<11)|1, 1<<12|s.below(1<<12)|1 // an odd product of 24 or 25 bits
			return scaled(sign()*float64(a), e), float32(b), scaled(sign(), e-int32(s.below(80)))
		}, true},
		{"a sum moved half way by a product that misses it slightly", func() (x, y, z float32) {
			e := int32(s.below(60)) - 30
			odd := float64(1<<23 | s.below(1<<23))
			miss := 1 - 2*float64(s.below(2))
			return scaled(sign()*(1+0x1p-23), e), float32(0.5 * (1 - miss*0x1p-23)), scaled(sign()*odd, e)
		}, true},
		{"a subnormal result half way, missed slightly", func() (x, y, z float32) {
			k := int32(s.below(8))
			miss := 1 - 2*float64(s.below(2))
			return scaled(sign()*(1+0x1p-23), -75), scaled(1-miss*0x1p-23, -75+k), scaled(sign()*float64(s.below(1<<22)), -149)
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			wrong := 0
			for range 50_000 {
				x, y, z := c.next()
				got, want := FMA(x, y, z), exactFMA(x, y, z)
				if math.Float32bits(got) != math.Float32bits(want) {
					t.Fatalf("FMA(%x, %x, %x): expected %x, got %x", x, y, z, want, got)
				}
				if twiceRounded(x, y, z) != want {
					wrong++
				}
			}
			if c.trap && wrong == 0 {
				t.Error("expected cases that rounding twice gets wrong, got none")
			}
		})
	}
}

func TestFMAOfSpecialValues(t *testing.T) {
	inf, nan := Inf(false), NaN()
	negZero := math.Float32frombits(SignBit)
	for _, c := range []struct {
		name       string
		x, y, z    float32
		want       float32
		wantsAnNaN bool
	}{
		{"infinity times a number", inf, 2, 1, inf, false},
		{"infinity times a negative number", inf, -2, 1, -inf, false},
		{"infinity times zero", inf, 0, 1, 0, true},
		{"infinity minus infinity", inf, 1, -inf, 0, true},
		{"NaN as factor", nan, 1, 1, 0, true},
		{"NaN as sum", 1, 1, nan, 0, true},
		{"zero times NaN", 0, nan, 1, 0, true},
		{"a product beyond float32 that the sum brings back", 0x1p100, 0x1p28, -0x1.fffffep127, 0x1p104, false},
		{"overflow", 0x1p100, 0x1p100, 0, inf, false},
		{"half an ulp above the largest number", 0x1p52, 0x1p51, math.MaxFloat32, inf, false},
		{"less than half an ulp above the largest number", 0x1p51, 0x1p51, math.MaxFloat32, math.MaxFloat32, false},
		{"minus zero plus minus zero", negZero, 1, negZero, negZero, false},
		{"minus zero plus zero", negZero, 1, 0, 0, false},
		{"a difference that cancels", 3, 5, -15, 0, false},
		{"a product below every subnormal number", 0x1p-100, 0x1p-100, 0, 0, false},
		{"a negative product below every subnormal number", -0x1p-100, 0x1p-100, 0, negZero, false},
	} {
		got := FMA(c.x, c.y, c.z)
		if c.wantsAnNaN {
			if got == got {
				t.Errorf("%s: expected NaN, got %v", c.name, got)
			}
		} else if math.Float32bits(got) != math.Float32bits(c.want) {
			t.Errorf("%s: expected %x, got %x", c.name, c.want, got)
		}
	}
}

func FuzzFMA(f *testing.F) {
	f.Add(uint32(0x3f800800), uint32(0x39800000), uint32(0x3f800000))
	f.Add(uint32(0x3f800001), uint32(0x337ffffe), uint32(0x3f800001))
	f.Add(uint32(1), uint32(0x3f000000), uint32(1))
	f.Add(uint32(0x7f800000), uint32(0), uint32(0x7fc00000))
	f.Fuzz(func(t *testing.T, a, b, c uint32) {
		x, y, z := math.Float32frombits(a), math.Float32frombits(b), math.Float32frombits(c)
		got := FMA(x, y, z)
		if !IsFinite(x) || !IsFinite(y) || !IsFinite(z) {
			if want := twiceRounded(x, y, z); CanonicalBits(got) != CanonicalBits(want) {
				t.Errorf("FMA(%v, %v, %v): expected %v, got %v", x, y, z, want, got)
			}
			return
		}
		if want := exactFMA(x, y, z); math.Float32bits(got) != math.Float32bits(want) {
			t.Errorf("FMA(%x, %x, %x): expected %x, got %x", x, y, z, want, got)
		}
	})
}
