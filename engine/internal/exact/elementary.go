package exact

import "math"

// The elementary functions are straight lines of float32 operations: range reduction by adding and subtracting a power of two, a
// polynomial in Horner form with FMA, exponent scaling by integer arithmetic. The coefficients are minimax fits (relative error) of
// our own, rounded to float32; they are part of the definition. Errors are below 1.5 units in the last place, see the tests.

// roundMagic = 1.5·2^23: adding it to |x| < 2^22 rounds x to an integer, ties to even, which then stands in the low bits.
const roundMagic = 12582912

const (
	ln2Hi = float32(0x1.62e4p-1)    // 15 bits: n·ln2Hi is exact for |n| < 512
	ln2Lo = float32(0x1.7f7d1cp-20) // ln 2 - ln2Hi
	log2E = float32(0x1.715476p+0)
)

// Exp returns e^x: +Inf above 88.72284, +0 below -103.97209, gradual underflow in between, canonical NaN for NaN.
func Exp(x float32) float32 {
	const (
		overflow  = float32(0x1.62e43p+6)   // above it the result is infinite
		underflow = float32(-0x1.9fe368p+6) // below it the result rounds to zero
	)
	switch {
	case x != x:
		return NaN()
	case x > overflow:
		return Inf(false)
	case x < underflow:
		return 0
	}
	return scale(expParts(x, 0))
}

// expParts returns y and n with e^(x+low) = y·2^n, where y is near [0.7, 1.42]. x lies in [-170, 89] and low is far smaller; zero
// changes nothing.
func expParts(x, low float32) (y float32, n int32) {
	shifted := FMA(x, log2E, roundMagic)
	n = int32(math.Float32bits(shifted)) - int32(math.Float32bits(roundMagic))
	k := shifted - roundMagic
	r := FMA(-k, ln2Hi, x)
	r = FMA(-k, ln2Lo, r)
	r += low
	// e^r = 1 + (r + r²·q(r)) for |r| ≤ ln(2)/2.
	q := math.Float32frombits(0x3ab511a6)
	q = FMA(q, r, math.Float32frombits(0x3c091d36))
	q = FMA(q, r, math.Float32frombits(0x3d2aac7a))
	q = FMA(q, r, math.Float32frombits(0x3e2aaa48))
	q = FMA(q, r, math.Float32frombits(0x3efffffe))
	return 1 + FMA(float32(r*r), q, r), n
}

// scale returns y·2^n for -252 ≤ n ≤ 254. Two steps keep both factors normal; only the second can round, and only into the subnormal
// range or to infinity.
func scale(y float32, n int32) float32 {
	half := n >> 1
	return float32(float32(y*pow2(half)) * pow2(n-half))
}

// Log returns the natural logarithm: -Inf for ±0, +Inf for +Inf, canonical NaN for NaN and negative x.
func Log(x float32) float32 {
	switch {
	case x != x || x < 0:
		return NaN()
	case x == 0:
		return Inf(true)
	case x > math.MaxFloat32:
		return x
	}
	const (
		smallestNormal = float32(0x1p-126)
		sqrtHalfBits   = 0x3f3504f3
	)
	var e int32
	if x < smallestNormal {
		x *= 1 << 23
		e = -23
	}
	// x = 2^e·m with sqrt(1/2) ≤ m < sqrt(2).
	b := int32(math.Float32bits(x)) - sqrtHalfBits
	e += b >> 23
	m := math.Float32frombits(uint32(b&fracMask + sqrtHalfBits))
	f := m - 1
	ef := float32(e)
	// log(1+f) = f - f²/2 + f³·p(f).
	p := math.Float32frombits(0x3d8a2b9b)
	p = FMA(p, f, math.Float32frombits(0xbdef1dd8))
	p = FMA(p, f, math.Float32frombits(0x3df37833))
	p = FMA(p, f, math.Float32frombits(0xbdfe110c))
	p = FMA(p, f, math.Float32frombits(0x3e119bb5))
	p = FMA(p, f, math.Float32frombits(0xbe2aae26))
	p = FMA(p, f, math.Float32frombits(0x3e4cd25b))
	p = FMA(p, f, math.Float32frombits(0xbe800003))
	p = FMA(p, f, math.Float32frombits(0x3eaaaaa4))
	f2 := float32(f * f)
	t := float32(float32(f2*f) * p)
	t = FMA(ef, ln2Lo, t)
	t = FMA(f2, -0.5, t)
	t = f + t
	return FMA(ef, ln2Hi, t)
}

// Tanh returns the hyperbolic tangent; its sign is that of x, canonical NaN for NaN.
func Tanh(x float32) float32 {
	const (
		small     = float32(0.625)
		saturated = float32(9.5) // from here on the result rounds to ±1
	)
	if x != x {
		return NaN()
	}
	sign := math.Float32bits(x) & SignBit
	a := abs(x)
	var y float32
	switch {
	case a < small:
		// tanh(a) = a + a³·p(a²).
		s := float32(a * a)
		p := math.Float32frombits(0xbbbaf0ec)
		p = FMA(p, s, math.Float32frombits(0x3ca9134f))
		p = FMA(p, s, math.Float32frombits(0xbd5c1e2d))
		p = FMA(p, s, math.Float32frombits(0x3e088393))
		p = FMA(p, s, math.Float32frombits(0xbeaaaa99))
		y = FMA(float32(s*a), p, a)
	case a < saturated:
		y = 1 - 2/(Exp(a+a)+1)
	default:
		y = 1
	}
	return math.Float32frombits(math.Float32bits(y) | sign)
}
