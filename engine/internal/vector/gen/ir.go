package main

import (
	"math"
	"slices"
)

// op is one instruction of the intermediate form. All work on sixteen lanes of 32 bits each, which hold a float32, an integer or, after
// a comparison, a truth value.
type op uint8

const (
	opConst      op = iota // the bit pattern imm in every lane
	opScalar               // scalar parameter number index in every lane
	opLoad                 // elements of slice index
	opLoadEven             // elements 0, 2, 4 … of a slice of pairs
	opLoadOdd              // elements 1, 3, 5 …
	opStore                // elements of slice index = a
	opStorePairs           // pairs of slice index = (a, b)
	opAdd                  // a + b
	opSub                  // a - b
	opMul                  // a · b
	opDiv                  // a / b
	opSqrt                 // square root of a
	opFMA                  // a·b + c, one rounding
	opFNMA                 // -a·b + c
	opFMS                  // a·b - c
	opMax                  // a if a > b, else b
	opMin                  // a if a < b, else b
	opToFloat              // signed integer to float32
	opIAdd                 // a + b mod 2^32
	opISub                 // a - b mod 2^32
	opShl                  // a << imm
	opShr                  // a >> imm, signed
	opAnd                  // a & b
	opOr                   // a | b
	opXor                  // a ^ b
	opGreater              // a > b, false with NaN
	opEqual                // a == b, false with NaN
	opIsNaN                // a is NaN
	opIEqual               // a == b as integers
	opSelect               // b if a, else c
	opScale                // a·2^n for the integer n that b holds as a float32 and c in its low 9 bits; see kernel.scale
	opScaleSmall           // the same; see kernel.scaleSmall
	opAccAdd               // lane += a
	opAccFMA               // lane = a·b + lane
	opAccMax               // lane = a if a > lane
)

// value is the number of the instruction that computes it.
type value int

// instr is one instruction; its operands are earlier ones.
type instr struct {
	op    op
	args  []value
	imm   uint32
	index int
}

// paramKind says what a parameter of a kernel is.
type paramKind uint8

const (
	slice        paramKind = iota // []float32 of n elements
	pairs                         // []float32 of 2n elements
	integers                      // []uint32 of n elements
	scalar                        // float32
	coefficients                  // *AdamCoefficients, a structure of float32 that count as scalars
)

type param struct {
	name string
	kind paramKind
}

// reduction says how the sixteen lanes begin and end.
type reduction uint8

const (
	none   reduction = iota
	sum              // begin at +0, fold by adding
	maxima           // begin at the first element, fold by opMax
)

// kernel is the description of one function: what it does to sixteen elements.
type kernel struct {
	name    string // field of vector.Kernels
	params  []param
	reduces reduction
	unroll  int // vectors that the main loop handles side by side
	code    []instr
	numbers map[uint32]value
	scalars map[int]value
}

// coefficientNames are the fields of AdamCoefficients in order.
var coefficientNames = []string{"Rate", "Beta1", "Beta2", "Rest1", "Rest2", "Epsilon", "Correction1", "Correction2", "Keep"}

func (k *kernel) emit(o op, args ...value) value {
	k.code = append(k.code, instr{op: o, args: args})
	return value(len(k.code) - 1)
}

// bits is a constant by its pattern.
func (k *kernel) bits(pattern uint32) value {
	if v, ok := k.numbers[pattern]; ok {
		return v
	}
	v := k.emit(opConst)
	k.code[v].imm = pattern
	k.numbers[pattern] = v
	return v
}

// number is a float32 constant.
func (k *kernel) number(x float32) value { return k.bits(math.Float32bits(x)) }

// indexed emits an instruction about parameter number index.
func (k *kernel) indexed(o op, index int, args ...value) value {
	v := k.emit(o, args...)
	k.code[v].index = index
	return v
}

// scalar is scalar parameter number index, counted among the scalars.
func (k *kernel) scalar(index int) value {
	if v, ok := k.scalars[index]; ok {
		return v
	}
	v := k.indexed(opScalar, index)
	k.scalars[index] = v
	return v
}

func (k *kernel) load(index int) value          { return k.indexed(opLoad, index) }
func (k *kernel) store(index int, a value)      { k.indexed(opStore, index, a) }
func (k *kernel) add(a, b value) value          { return k.emit(opAdd, a, b) }
func (k *kernel) sub(a, b value) value          { return k.emit(opSub, a, b) }
func (k *kernel) mul(a, b value) value          { return k.emit(opMul, a, b) }
func (k *kernel) div(a, b value) value          { return k.emit(opDiv, a, b) }
func (k *kernel) fma(a, b, c value) value       { return k.emit(opFMA, a, b, c) }
func (k *kernel) fnma(a, b, c value) value      { return k.emit(opFNMA, a, b, c) }
func (k *kernel) fms(a, b, c value) value       { return k.emit(opFMS, a, b, c) }
func (k *kernel) max(a, b value) value          { return k.emit(opMax, a, b) }
func (k *kernel) min(a, b value) value          { return k.emit(opMin, a, b) }
func (k *kernel) and(a, b value) value          { return k.emit(opAnd, a, b) }
func (k *kernel) or(a, b value) value           { return k.emit(opOr, a, b) }
func (k *kernel) iadd(a, b value) value         { return k.emit(opIAdd, a, b) }
func (k *kernel) isub(a, b value) value         { return k.emit(opISub, a, b) }
func (k *kernel) greater(a, b value) value      { return k.emit(opGreater, a, b) }
func (k *kernel) equal(a, b value) value        { return k.emit(opEqual, a, b) }
func (k *kernel) isNaN(a value) value           { return k.emit(opIsNaN, a) }
func (k *kernel) choose(mask, a, b value) value { return k.emit(opSelect, mask, a, b) }

func (k *kernel) shl(a value, distance uint32) value {
	v := k.emit(opShl, a)
	k.code[v].imm = distance
	return v
}

func (k *kernel) shr(a value, distance uint32) value {
	v := k.emit(opShr, a)
	k.code[v].imm = distance
	return v
}

// scale is y·2^n, where the float32 n and the sum shifted = n + 1.5·2^23 are both at hand. -252 ≤ n ≤ 254, y·2^⌊n/2⌋ is normal, and a
// NaN y gives any value, so that the kernel has to see to NaN itself.
func (k *kernel) scale(y, n, shifted value) value { return k.emit(opScale, y, n, shifted) }

// scaleSmall is like scale, but y·2^⌊n/2⌋ may be subnormal where n = 0, and a NaN y gives NaN.
func (k *kernel) scaleSmall(y, n, shifted value) value { return k.emit(opScaleSmall, y, n, shifted) }

// halves are the parts of the simple instructions for 2^n: the exponent ⌊n/2⌋ in its place and the factor 2^(n-⌊n/2⌋).
type halves struct{ exponent, factor value }

// halve takes n apart. The low nine bits of 1.5·2^23 and of its half are zero, so the shifts to the left leave nothing of them.
func (k *kernel) halve(shifted value) halves {
	half := k.shr(shifted, 1)
	rest := k.isub(shifted, half)
	return halves{k.shl(half, 23), k.iadd(k.shl(rest, 23), k.number(1))}
}

// withoutScale returns the kernel with opScale replaced by simple instructions, for targets that have no such instruction.
func (k *kernel) withoutScale() *kernel {
	r := &kernel{name: k.name, params: k.params, reduces: k.reduces, unroll: k.unroll, numbers: map[uint32]value{}, scalars: map[int]value{}}
	at := make([]value, len(k.code))
	known := map[value]halves{}
	halve := func(shifted value) halves {
		if _, ok := known[shifted]; !ok {
			known[shifted] = r.halve(shifted)
		}
		return known[shifted]
	}
	for i, in := range k.code {
		args := make([]value, len(in.args))
		for j, a := range in.args {
			args[j] = at[a]
		}
		switch in.op {
		case opConst:
			at[i] = r.bits(in.imm)
		case opScalar:
			at[i] = r.scalar(in.index)
		case opScale: // the first factor goes straight into the exponent, which is exact
			h := halve(args[2])
			at[i] = r.mul(r.iadd(args[0], h.exponent), h.factor)
		case opScaleSmall:
			h := halve(args[2])
			at[i] = r.mul(r.mul(args[0], r.iadd(h.exponent, r.number(1))), h.factor)
		default:
			r.code = append(r.code, instr{op: in.op, args: args, imm: in.imm, index: in.index})
			at[i] = value(len(r.code) - 1)
		}
	}
	return r
}

// withoutUnused returns the kernel without instructions whose value nobody reads.
func (k *kernel) withoutUnused() *kernel {
	used := make([]bool, len(k.code))
	for i := len(k.code) - 1; i >= 0; i-- {
		switch k.code[i].op {
		case opStore, opStorePairs, opAccAdd, opAccFMA, opAccMax:
			used[i] = true
		}
		if used[i] {
			for _, a := range k.code[i].args {
				used[a] = true
			}
		}
	}
	r := *k
	r.code = nil
	at := make([]value, len(k.code))
	for i, in := range k.code {
		if !used[i] {
			continue
		}
		args := make([]value, len(in.args))
		for j, a := range in.args {
			args[j] = at[a]
		}
		in.args = args
		r.code = append(r.code, in)
		at[i] = value(len(r.code) - 1)
	}
	return &r
}

// slices are the parameters that are slices, in order; loads and stores name them by their position here.
func (k *kernel) slices() []param {
	var s []param
	for _, p := range k.params {
		if p.kind <= integers {
			s = append(s, p)
		}
	}
	return s
}

// usesPairs reports whether one of the slices holds pairs.
func (k *kernel) usesPairs() bool {
	for _, p := range k.params {
		if p.kind == pairs {
			return true
		}
	}
	return false
}

// touches reports whether the kernel has one of the instructions for slice number index.
func (k *kernel) touches(index int, ops ...op) bool {
	return slices.ContainsFunc(k.code, func(in instr) bool { return in.index == index && slices.Contains(ops, in.op) })
}
