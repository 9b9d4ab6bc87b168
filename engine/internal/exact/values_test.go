package exact

import (
	"math"
	"testing"
)

func TestKindsOfValues(t *testing.T) {
	for _, c := range []struct {
		name              string
		bits              uint32
		finite, subnormal bool
		canonical         uint32
	}{
		{"zero", 0, true, false, 0},
		{"minus zero", 0x80000000, true, false, 0x80000000},
		{"the smallest subnormal number", 1, true, true, 1},
		{"the largest subnormal number, negative", 0x807fffff, true, true, 0x807fffff},
		{"the smallest normal number", 0x00800000, true, false, 0x00800000},
		{"the largest number", 0x7f7fffff, true, false, 0x7f7fffff},
		{"infinity", 0x7f800000, false, false, 0x7f800000},
		{"minus infinity", 0xff800000, false, false, 0xff800000},
		{"a quiet NaN with sign and payload", 0xffc12345, false, false, NaNBits},
		{"a signalling NaN", 0x7f800001, false, false, NaNBits},
	} {
		x := math.Float32frombits(c.bits)
		if IsFinite(x) != c.finite || IsSubnormal(x) != c.subnormal || CanonicalBits(x) != c.canonical {
			t.Errorf("%s: expected finite %v, subnormal %v, canonical %#08x; got %v, %v, %#08x",
				c.name, c.finite, c.subnormal, c.canonical, IsFinite(x), IsSubnormal(x), CanonicalBits(x))
		}
		if got := math.Float32bits(Canonical(x)); got != c.canonical {
			t.Errorf("%s: expected Canonical to return %#08x, got %#08x", c.name, c.canonical, got)
		}
	}
	if math.Float32bits(Inf(true)) != 0xff800000 || math.Float32bits(Inf(false)) != 0x7f800000 || math.Float32bits(NaN()) != 0x7fc00000 {
		t.Error("expected the bit patterns of the infinities and of the canonical NaN")
	}
	if i := FirstNonFinite([]float32{1, 2, Inf(true), NaN()}); i != 2 {
		t.Errorf("expected the first element that is not finite at 2, got %d", i)
	}
	if i := FirstNonFinite([]float32{1, 2}); i != -1 {
		t.Errorf("expected -1 when all are finite, got %d", i)
	}
}
