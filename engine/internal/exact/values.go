package exact

import "math"

// Bit patterns of the float32 values that the definition names.
const (
	NaNBits  = 0x7fc00000 // the one NaN that is ever stored or hashed
	SignBit  = 0x80000000
	expMask  = 0x7f800000
	fracMask = 0x007fffff
)

// NaN returns the canonical NaN.
func NaN() float32 { return math.Float32frombits(NaNBits) }

// Inf returns plus infinity, or minus infinity.
func Inf(negative bool) float32 {
	if negative {
		return math.Float32frombits(SignBit | expMask)
	}
	return math.Float32frombits(expMask)
}

// IsFinite reports whether x is neither infinite nor NaN.
func IsFinite(x float32) bool { return math.Float32bits(x)&expMask != expMask }

// IsSubnormal reports whether x is not zero and below the smallest normal number in magnitude.
func IsSubnormal(x float32) bool {
	b := math.Float32bits(x)
	return b&expMask == 0 && b&fracMask != 0
}

// FirstNonFinite returns the index of the first infinite or NaN element, or -1.
func FirstNonFinite(x []float32) int {
	for i, v := range x {
		if !IsFinite(v) {
			return i
		}
	}
	return -1
}

// CanonicalBits returns the bits of x, with every NaN replaced by 0x7fc00000: sign and payload of a NaN differ between processors.
func CanonicalBits(x float32) uint32 {
	if x != x {
		return NaNBits
	}
	return math.Float32bits(x)
}

// Canonical returns x, with every NaN replaced by the canonical one.
func Canonical(x float32) float32 { return math.Float32frombits(CanonicalBits(x)) }

// pow2 returns 2^n for -126 ≤ n ≤ 127.
func pow2(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }

// abs clears the sign bit.
func abs(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ SignBit) }

// atMost returns x, or limit if x is above it; NaN stays NaN.
func atMost(limit, x float32) float32 {
	if limit < x {
		return limit
	}
	return x
}
