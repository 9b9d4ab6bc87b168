package engine

import "math"

// Bit patterns of the float32 values that the definition names.
const (
	nanBits    = 0x7fc00000 // the one NaN that is ever stored or hashed
	signBit32  = 0x80000000
	expMask32  = 0x7f800000
	fracMask64 = 1<<52 - 1
)

// fma32 returns x*y + z with a single rounding to float32 (round to nearest, ties to even, subnormals kept), the step of which every
// sum of products in this package is a chain.
//
// Rounding the float64 sum a second time would be wrong for a few inputs in a billion: when the first rounding lands exactly half way
// between two float32 values. All others, recognised by the 29 bits that the second rounding drops, may take the short way.
func fma32(x, y, z float32) float32 {
	p := float64(float64(x) * float64(y)) // exact: 24 + 24 bits; the conversion forbids fusing
	r := p + float64(z)
	// Values below the smallest normal float32 drop more than 29 bits, so they never take the short way (0x381 is its exponent).
	if b := math.Float64bits(r); b&(1<<29-1) != 1<<28 && b>>52&0x7ff >= 0x381 {
		return float32(r)
	}
	return fmaRoundOdd(p, float64(z), r)
}

// fmaRoundOdd finishes fma32 for a sum r = p + z that may be a half-way case: it replaces r by the neighbour with an odd last bit on
// the side of the exact sum ("round to odd"), after which a second rounding is the only one that counts.
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

// sqrt32 returns the correctly rounded square root. One float64 operation rounded again to float32 is exact for a single square root.
func sqrt32(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// isFinite reports whether x is neither infinite nor NaN.
func isFinite(x float32) bool { return math.Float32bits(x)&expMask32 != expMask32 }

// canonicalBits returns the bits of x, with every NaN replaced by 0x7fc00000: sign and payload of a NaN differ between processors.
func canonicalBits(x float32) uint32 {
	if x != x {
		return nanBits
	}
	return math.Float32bits(x)
}

// firstNonFinite returns the index of the first infinite or NaN element, or -1.
func firstNonFinite(x []float32) int {
	for i, v := range x {
		if !isFinite(v) {
			return i
		}
	}
	return -1
}
