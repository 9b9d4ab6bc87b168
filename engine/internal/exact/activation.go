package exact

// The activations are built on e^-|…|, which never overflows and keeps the far negative tail: there the scale 2^n is applied to the
// finished quotient, so that even subnormal results are right to about a unit in the last place.

// Sigmoid returns 1/(1 + e^-x); +0 below -103.97209, canonical NaN for NaN.
func Sigmoid(x float32) float32 {
	e := Exp(-abs(x))
	y := float32(1)
	if x < 0 {
		y = e
	}
	return Canonical(y / (1 + e))
}

// siluLimit is an argument below whose negative x·sigmoid(x) rounds to zero and above which sigmoid(x) rounds to one.
const siluLimit = float32(112)

// SiLU returns x·sigmoid(x); -0 for minus infinity, canonical NaN for NaN.
func SiLU(x float32) float32 {
	a := atMost(siluLimit, abs(x))
	y, n := expParts(-a, 0)
	return gate(x, a, y, n)
}

// gate returns x·e/(1 + e) for negative x and x/(1 + e) for others, where e = y·2^n and a is |x| or a limit beyond which the negative
// result is zero.
func gate(x, a, y float32, n int32) float32 {
	below := 1 + scale(y, n)
	if x < 0 {
		return scale(float32(-a*y)/below, n)
	}
	return Canonical(x / below)
}

// SiLUDerivative returns sigmoid(x)·(1 + x·(1 - sigmoid(x))); any NaN for NaN.
func SiLUDerivative(x float32) float32 {
	a := atMost(siluLimit, abs(x))
	e := Exp(-a)
	r := 1 / (1 + e)
	er := float32(e * r)
	s, signed := r, a // s = sigmoid(x)
	if x < 0 {
		s, signed = er, -a
	}
	return FMA(float32(er*r), signed, s) // er·r = sigmoid(x)·(1 - sigmoid(x))
}

// GELU in the tanh form is x·(1 + tanh(u))/2 = x·sigmoid(w) with w = 2u = x·(geluA + geluB·x²). The constants come in two parts; with
// the short first part of A the error of each step of w can be had exactly.
const (
	geluAHi   = float32(0x1.988p+0)     // 11 bits of A = 2·sqrt(2/π)
	geluALo   = float32(0x1.14cf5p-14)  // A - geluAHi
	geluA     = float32(0x1.988454p+0)  // A
	geluB     = float32(0x1.2444f2p-4)  // B = 0.044715·A
	geluBLo   = float32(0x1.49b16ap-29) // B - geluB
	geluB3    = float32(0x1.b6676cp-3)  // 3·B
	geluLimit = float32(11)             // beyond it the result rounds to -0 or to x
)

// GELU returns x·(1 + tanh(sqrt(2/π)·(x + 0.044715·x³)))/2, the tanh form of the Gaussian error linear unit; -0 for minus infinity,
// canonical NaN for NaN.
func GELU(x float32) float32 {
	a := atMost(geluLimit, abs(x))
	// w + low = a·(A + B·a²) to about 45 bits: w reaches 112, and every unit in its last place would be 64 in that of e^-w.
	s := float32(a * a)
	sLow := FMA(a, a, -s)
	q := FMA(geluB, s, geluAHi)
	d := q - geluAHi // exact, because geluAHi is short
	qLow := FMA(geluB, s, -d)
	qLow = FMA(geluB, sLow, qLow)
	qLow = FMA(geluBLo, s, qLow)
	qLow += geluALo
	w := float32(a * q)
	low := FMA(a, q, -w)
	low = FMA(a, qLow, low)
	y, n := expParts(-w, -low)
	return gate(x, a, y, n)
}

// GELUDerivative returns sigmoid(w) + x·w'·sigmoid(w)·(1 - sigmoid(w)) for the w of GELU; any NaN for NaN.
func GELUDerivative(x float32) float32 {
	a := atMost(geluLimit, abs(x))
	s := float32(a * a)
	e := Exp(-float32(a * FMA(geluB, s, geluA)))
	r := 1 / (1 + e)
	er := float32(e * r)
	g, signed := r, a
	if x < 0 {
		g, signed = er, -a
	}
	slope := float32(signed * FMA(geluB3, s, geluA)) // x·w'
	return FMA(float32(er*r), slope, g)
}
