package exact

import "math"

// FMA returns x*y + z with a single rounding to float32 (round to nearest, ties to even, subnormals kept), the step of which every sum
// of products is a chain.
//
// Rounding the float64 sum a second time would be wrong for a few inputs in a billion: when the first rounding lands exactly half way
// between two float32 values. All others, recognised by the 29 bits that the second rounding drops, may take the short way.
func FMA(x, y, z float32) float32 {
	p := float64(float64(x) * float64(y)) // exact: 24 + 24 bits; the conversion forbids fusing
	r := p + float64(z)
	// Values below the smallest normal float32 drop more than 29 bits, so they never take the short way (0x381 is its exponent).
	if b := math.Float64bits(r); b&(1<<29-1) != 1<<28 && b>>52&0x7ff >= 0x381 {
		return float32(r)
	}
	return fmaRoundOdd(p, float64(z), r)
}

// fmaRoundOdd finishes FMA for a sum r = p + z that may be a half-way case: it replaces r by the neighbour with an odd last bit on the
// side of the exact sum ("round to odd"), after which a second rounding is the only one that counts.
//
//go:noinline
func fmaRoundOdd(p, z, r float64) float32 {
	b := math.Float64bits(r)
	if b<<1 == 0 || b>>52&0x7ff == 0x7ff {
		return float32(r) // zero is exact here (no float64 underflow is possible), infinity and NaN are final
	}
	// Knuth's two-sum: the error of p + z, exactly.
	t := r - p
	e := (p - (r - t)) + (z - t)
	if e != 0 && b&1 == 0 {
		if (e > 0) == (r > 0) {
			b++
		} else {
			b--
		}
	}
	return float32(math.Float64frombits(b))
}

// Sqrt returns the correctly rounded square root. One float64 operation rounded again to float32 is exact for a single square root.
func Sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }
