package main

// The functions of package exact without branches: arguments are clamped to where the formula gives the result of the branch, or both
// sides are computed and one is chosen. The tests of package vector compare them with package exact.

const (
	signBit = 0x80000000
	nanBits = 0x7fc00000
	infBits = 0x7f800000

	roundMagic = 12582912 // 1.5·2^23
	log2E      = 0x3fb8aa3b
	ln2Hi      = 0x3f317200
	ln2Lo      = 0x35bfbe8e
)

// polynomial is the Horner form of the coefficients, highest first.
func polynomial(k *kernel, x value, coefficients ...uint32) value {
	p := k.bits(coefficients[0])
	for _, c := range coefficients[1:] {
		p = k.fma(p, x, k.bits(c))
	}
	return p
}

func abs(k *kernel, x value) value { return k.and(x, k.bits(^uint32(signBit))) }

// minusAbs is -|x|.
func minusAbs(k *kernel, x value) value { return k.or(x, k.bits(signBit)) }

// canonical is y, or the canonical NaN where x is NaN.
func canonical(k *kernel, x, y value) value { return k.choose(k.isNaN(x), k.bits(nanBits), y) }

// exponential is e^x = y·2^n as exact.expParts has it; low < 0 stands for no low part.
func exponential(k *kernel, x, low value) (y, n, shifted value) {
	magic := k.number(roundMagic)
	shifted = k.fma(x, k.bits(log2E), magic)
	n = k.sub(shifted, magic)
	r := k.fnma(n, k.bits(ln2Hi), x)
	r = k.fnma(n, k.bits(ln2Lo), r)
	if low >= 0 {
		r = k.add(r, low)
	}
	q := polynomial(k, r, 0x3ab511a6, 0x3c091d36, 0x3d2aac7a, 0x3e2aaa48, 0x3efffffe)
	return k.add(k.number(1), k.fma(k.mul(r, r), q, r)), n, shifted
}

const noLow = value(-1)

// expClamped is e^x for x that the caller has kept below the overflow; below the underflow the clamp gives zero.
func expClamped(k *kernel, x value) value {
	return k.scale(exponential(k, k.max(x, k.bits(0xc2cff1b5)), noLow))
}

func exp(k *kernel, x value) value {
	return canonical(k, x, expClamped(k, k.min(x, k.bits(0x42b17218))))
}

func log(k *kernel, x value) value {
	zero := k.number(0)
	subnormal := k.greater(k.number(0x1p-126), x)
	positive := k.choose(subnormal, k.mul(x, k.number(1<<23)), x)
	e := k.choose(subnormal, k.number(-23), zero)
	b := k.isub(positive, k.bits(0x3f3504f3))
	e = k.add(k.emit(opToFloat, k.shr(b, 23)), e)
	f := k.sub(k.iadd(k.and(b, k.bits(1<<23-1)), k.bits(0x3f3504f3)), k.number(1))
	p := polynomial(k, f, 0x3d8a2b9b, 0xbdef1dd8, 0x3df37833, 0xbdfe110c, 0x3e119bb5, 0xbe2aae26, 0x3e4cd25b, 0xbe800003, 0x3eaaaaa4)
	q := k.mul(f, f)
	t := k.mul(k.mul(q, f), p)
	t = k.fma(e, k.bits(ln2Lo), t)
	t = k.fma(q, k.number(-0.5), t)
	t = k.add(f, t)
	y := k.fma(e, k.bits(ln2Hi), t)
	y = k.choose(k.greater(k.bits(infBits), x), y, x) // +∞ stays
	other := k.choose(k.equal(x, zero), k.bits(signBit|infBits), k.bits(nanBits))
	return k.choose(k.greater(x, zero), y, other)
}

func tanh(k *kernel, x value) value {
	a := abs(k, x)
	s := k.mul(a, a)
	p := polynomial(k, s, 0xbbbaf0ec, 0x3ca9134f, 0xbd5c1e2d, 0x3e088393, 0xbeaaaa99)
	small := k.fma(k.mul(s, a), p, a)
	// From 9.5 on the formula gives 1 as well.
	c := k.min(a, k.number(9.5))
	e, _, shifted := exponential(k, k.add(c, c), noLow)
	e = k.iadd(e, k.shl(shifted, 23)) // n is at most 28, so one step keeps it normal
	one := k.number(1)
	large := k.sub(one, k.div(k.number(2), k.add(e, one)))
	y := k.choose(k.greater(k.number(0.625), a), small, large)
	return canonical(k, x, k.or(y, k.and(x, k.bits(signBit))))
}

func sigmoid(k *kernel, x value) value {
	e := expClamped(k, minusAbs(k, x))
	one := k.number(1)
	y := k.choose(k.greater(k.number(0), x), e, one)
	return canonical(k, x, k.div(y, k.add(one, e)))
}

// gate is exact.gate: x·e/(1 + e) for negative x, x/(1 + e) for others, with e = y·2^n; minusA is -|x|, clamped.
func gate(k *kernel, x, minusA, y, n, shifted value) value {
	e := k.scale(y, n, shifted)
	negative := k.greater(k.number(0), x)
	over := k.choose(negative, k.mul(minusA, y), x)
	quotient := k.div(over, k.add(k.number(1), e))
	return canonical(k, x, k.choose(negative, k.scaleSmall(quotient, n, shifted), quotient))
}

func silu(k *kernel, x value) value {
	a := k.max(minusAbs(k, x), k.number(-112))
	y, n, shifted := exponential(k, a, noLow)
	return gate(k, x, a, y, n, shifted)
}

func siluDerivative(k *kernel, x value) value {
	a := k.max(k.number(-112), minusAbs(k, x)) // a NaN comes through
	e := expClamped(k, a)
	return derivative(k, x, e, k.or(k.and(x, k.bits(signBit)), k.and(a, k.bits(^uint32(signBit)))))
}

// derivative is sigmoid + slope·sigmoid·(1 - sigmoid) from e = e^-|…|.
func derivative(k *kernel, x, e, slope value) value {
	one := k.number(1)
	r := k.div(one, k.add(one, e))
	er := k.mul(e, r)
	s := k.choose(k.greater(k.number(0), x), er, r)
	return k.fma(k.mul(er, r), slope, s)
}

const (
	geluAHi = 0x3fcc4000
	geluALo = 0x388a67a8
	geluA   = 0x3fcc422a
	geluB   = 0x3d922279
	geluBLo = 0x3124d8b5
	geluB3  = 0x3e5b33b6
)

func gelu(k *kernel, x value) value {
	a := k.max(minusAbs(k, x), k.number(-11)) // the sign goes through all products of a, so this is minus the w of package exact
	s := k.mul(a, a)
	sLow := k.fms(a, a, s)
	q := k.fma(k.bits(geluB), s, k.bits(geluAHi))
	d := k.sub(q, k.bits(geluAHi))
	qLow := k.fms(k.bits(geluB), s, d)
	qLow = k.fma(k.bits(geluB), sLow, qLow)
	qLow = k.fma(k.bits(geluBLo), s, qLow)
	qLow = k.add(qLow, k.bits(geluALo))
	w := k.mul(a, q)
	low := k.fms(a, q, w)
	low = k.fma(a, qLow, low)
	y, n, shifted := exponential(k, w, low)
	return gate(k, x, a, y, n, shifted)
}

func geluDerivative(k *kernel, x value) value {
	a := k.max(k.number(-11), minusAbs(k, x)) // a NaN comes through
	s := k.mul(a, a)
	w := k.mul(a, k.fma(k.bits(geluB), s, k.bits(geluA)))
	e := expClamped(k, w)
	slope := k.mul(a, k.fma(k.bits(geluB3), s, k.bits(geluA)))
	slope = k.or(k.and(slope, k.bits(^uint32(signBit))), k.and(x, k.bits(signBit)))
	return derivative(k, x, e, slope)
}
