package main

import (
	"fmt"
	"strings"
)

// Registers of the generated functions: the slices in R0 to R3, the number of elements left in R4, the table of constants in R6, the
// masks of the tail in R7, copies of the tail in R12 to R15, R8 to R11 for short calculations.
const (
	constantsRegister = 6
	tailsRegister     = 7
	buffersRegister   = 12
)

// arm64 compiles kernels to NEON. The main loop works on sixteen elements; the elements left over are copied to the stack, worked on
// there and copied back.
type arm64 struct {
	constants *table
	k         *kernel
	frame     layout
	out       *strings.Builder

	vectors    pool
	pinned     map[uint32]int
	scalars    map[int]int
	lanes      []int
	sideBySide int
	scratch    map[uint32]int // constants loaded for the instruction at hand

	tail  bool
	alloc *allocation
}

func arm64File(ks []*kernel) string {
	constants := newTable("constantsNEON<>", 16)
	var text strings.Builder
	for _, k := range ks {
		text.WriteString(compileARM64(constants, k.withoutScale().withoutUnused()))
	}
	return header("") + "#include \"textflag.h\"\n\n" + constants.data() + avx2.tables() + strings.TrimSuffix(text.String(), "\n")
}

// compileARM64 prefers four registers side by side over constants in registers.
func compileARM64(constants *table, k *kernel) string {
	order := constantsByUse(k, func(*instr, int) bool { return false })
	for side := 4; side > 0; side /= 2 {
		for pins := len(order); pins >= 0; pins-- {
			var out strings.Builder
			a := &arm64{constants: constants, k: k, frame: k.layout(), out: &out, sideBySide: side}
			if attempt(func() { a.function(order[:pins]) }) {
				return out.String()
			}
		}
	}
	panic(k.name + ": too few registers")
}

func (a *arm64) line(format string, args ...any) { fmt.Fprintf(a.out, "\t"+format+"\n", args...) }

// bufferSize is the size of the copy of a slice's tail in bytes.
func bufferSize(s param) int {
	if s.kind == pairs {
		return 128
	}
	return 64
}

func (a *arm64) function(pins []uint32) {
	slices := a.k.slices()
	frame := 0
	for _, s := range slices {
		frame += bufferSize(s)
	}
	fmt.Fprintf(a.out, "// func %sNEON%s\nTEXT ·%sNEON(SB), NOSPLIT, $%d-%d\n", lower(a.k.name), a.k.stub(), lower(a.k.name), frame, a.frame.size)
	for i, name := range a.frame.names {
		a.line("MOVD %s, R%d", a.frame.argument(name), i)
	}
	a.line("MOVD %s, R4", a.frame.argument("n"))
	a.vectors = newPool(32)
	a.loadScalars()
	a.line("MOVD $%s(SB), R%d", a.constants.symbol, constantsRegister)
	a.pinned = map[uint32]int{}
	for _, bits := range pins {
		r := a.vectors.take()
		a.pinned[bits] = r
		a.loadConstant(bits, r)
	}
	for i := range 4 {
		switch a.k.reduces {
		case sum:
			r := a.vectors.take()
			a.lanes = append(a.lanes, r)
			a.three(eor, r, r, r)
		case maxima:
			r := a.vectors.take()
			a.lanes = append(a.lanes, r)
			if i == 0 {
				a.line("FMOVS (R0), F%d", r)
				a.spread(r)
			} else {
				a.move(r, a.lanes[0])
			}
		}
	}
	a.line("CMP $16, R4")
	a.line("BLT rest")
	a.out.WriteString("\nmain:\n")
	a.body()
	for i, s := range slices {
		a.line("ADD $%d, R%d", bufferSize(s), i)
	}
	a.line("SUB $16, R4")
	a.line("CMP $16, R4")
	a.line("BGE main")
	a.out.WriteString("\nrest:\n")
	a.line("CBZ R4, done")
	a.rest()
	a.out.WriteString("\ndone:\n")
	a.fold()
	a.line("RET")
	a.out.WriteString("\n")
}

func (a *arm64) loadScalars() {
	a.scalars = map[int]int{}
	for i, index := range a.k.scalarIndices() {
		r := a.vectors.take()
		a.scalars[index] = r
		name := a.k.scalarName(index)
		if structure, _, ok := strings.Cut(name, "."); ok {
			if i == 0 {
				a.line("MOVD %s, R8", a.frame.argument(structure))
			}
			a.line("FMOVS %d(R8), F%d", 4*index, r)
		} else {
			a.line("FMOVS %s, F%d", a.frame.argument(name), r)
		}
		a.spread(r)
	}
}

func (a *arm64) loadConstant(bits uint32, r int) {
	if bits == 0 {
		a.three(eor, r, r, r)
		return
	}
	a.loadFrom(r, constantsRegister, a.constants.offset(bits))
}

// rest handles the last elements, fewer than sixteen, in buffers on the stack. What the buffers hold behind them is computed too, but
// neither stored nor added to a lane.
func (a *arm64) rest() {
	slices := a.k.slices()
	at := 0
	for i, s := range slices {
		at += bufferSize(s)
		a.line("MOVD $buffer%d-%d(SP), R%d", i, at, buffersRegister+i)
		if a.k.touches(i, opLoad, opLoadEven, opLoadOdd) {
			a.copyWords(fmt.Sprintf("in%d", i), s, i, buffersRegister+i)
		}
	}
	if a.k.reduces != none {
		a.line("MOVD $tails<>+64(SB), R%d", tailsRegister)
		a.line("SUB R4<<2, R%d", tailsRegister)
	}
	a.tail = true
	a.body()
	a.tail = false
	for i, s := range slices {
		if a.k.touches(i, opStore, opStorePairs) {
			a.copyWords(fmt.Sprintf("out%d", i), s, buffersRegister+i, i)
		}
	}
}

// copyWords copies the remaining elements of a slice from one register's address to another's.
func (a *arm64) copyWords(label string, s param, from, to int) {
	a.line("MOVD R%d, R8", from)
	a.line("MOVD R%d, R9", to)
	a.line("LSL $%d, R4, R10", map[bool]int{true: 1}[s.kind == pairs])
	a.out.WriteString("\n" + label + ":\n")
	a.line("MOVWU.P 4(R8), R11")
	a.line("MOVW.P R11, 4(R9)")
	a.line("SUBS $1, R10")
	a.line("BNE %s", label)
}

// fold reduces the lanes to the result: 8 on 8, 4 on 4, 2 on 2, 1 on 1.
func (a *arm64) fold() {
	if a.k.reduces == none {
		return
	}
	t, m := a.vectors.take(), a.vectors.take()
	both := func(low, high int) {
		if a.k.reduces == sum {
			a.three(fadd, low, low, high)
		} else {
			a.three(fcmgt, m, high, low)
			a.three(bit, low, high, m)
		}
	}
	l := a.lanes
	both(l[0], l[2])
	both(l[1], l[3])
	both(l[0], l[1])
	a.rotate(t, l[0], 8)
	both(l[0], t)
	a.rotate(t, l[0], 4)
	both(l[0], t)
	a.line("FMOVS F%d, ret+%d(FP)", l[0], a.frame.result)
}

// body emits the instructions for sixteen elements.
func (a *arm64) body() {
	a.alloc = newAllocation(a.k, 4, a.vectors, pool{})
	for from := 0; from < 4; from += a.sideBySide {
		for i := range a.k.code {
			a.scratch = map[uint32]int{}
			for c := from; c < from+a.sideBySide; c++ {
				a.instruction(i, c)
			}
			for _, r := range a.scratch {
				a.alloc.vectors.release(r)
			}
		}
	}
}

// operand is the register of an operand, and whether it must keep its value.
func (a *arm64) operand(c int, in *instr, v value) (reg int, shared bool) {
	switch d := &a.k.code[v]; d.op {
	case opConst:
		if r, ok := a.pinned[d.imm]; ok {
			return r, true
		}
		if _, ok := a.scratch[d.imm]; !ok {
			r := a.alloc.vectors.take()
			a.scratch[d.imm] = r
			a.loadConstant(d.imm, r)
		}
		return a.scratch[d.imm], true
	case opScalar:
		return a.scalars[d.index], true
	}
	return a.alloc.where[c][v], !a.alloc.dies(c, in, v)
}

func (a *arm64) instruction(i, c int) {
	in := &a.k.code[i]
	al := a.alloc
	if in.op == opConst || in.op == opScalar {
		return
	}
	var r []int
	var shared []bool
	for _, v := range in.args {
		x, s := a.operand(c, in, v)
		r, shared = append(r, x), append(shared, s)
	}
	// result takes a register after the operands that die gave theirs back; fresh takes one beside them.
	result := func() int {
		al.finish(c, in, -1)
		al.where[c][i] = al.vectors.take()
		return al.where[c][i]
	}
	keep := func(d int) {
		al.finish(c, in, d)
		al.where[c][i] = d
	}
	slice := func() (base, offset int) {
		base = in.index
		if a.tail {
			base += buffersRegister
		}
		if a.k.slices()[in.index].kind == pairs {
			return base, 32 * c
		}
		return base, 16 * c
	}
	switch in.op {
	case opLoad:
		base, offset := slice()
		a.loadFrom(result(), base, offset)
	case opLoadEven, opLoadOdd:
		base, offset := slice()
		d := result()
		t := al.vectors.take()
		a.loadFrom(d, base, offset)
		a.loadFrom(t, base, offset+16)
		a.three(map[bool]neonOp{true: uzp1, false: uzp2}[in.op == opLoadEven], d, d, t)
		al.vectors.release(t)
	case opStore:
		base, offset := slice()
		a.storeTo(r[0], base, offset)
		al.finish(c, in, -1)
	case opStorePairs:
		base, offset := slice()
		t := al.vectors.take()
		a.three(zip1, t, r[0], r[1])
		a.storeTo(t, base, offset)
		a.three(zip2, t, r[0], r[1])
		a.storeTo(t, base, offset+16)
		al.vectors.release(t)
		al.finish(c, in, -1)
	case opAdd, opSub, opMul, opDiv, opIAdd, opISub, opAnd, opOr, opXor, opGreater, opEqual, opIEqual:
		a.three(map[op]neonOp{
			opAdd: fadd, opSub: fsub, opMul: fmul, opDiv: fdiv, opIAdd: iadd, opISub: isub,
			opAnd: and, opOr: orr, opXor: eor, opGreater: fcmgt, opEqual: fcmeq, opIEqual: cmeq,
		}[in.op], result(), r[0], r[1])
	case opIsNaN: // the mask of those that are not; choose knows
		a.three(fcmeq, result(), r[0], r[0])
	case opSqrt:
		a.two(fsqrt, result(), r[0])
	case opToFloat:
		a.two(scvtf, result(), r[0])
	case opShl:
		a.shiftLeft(result(), r[0], in.imm)
	case opShr:
		a.shiftRight(result(), r[0], in.imm)
	case opMax, opMin:
		d := al.vectors.take()
		if in.op == opMax {
			a.three(fcmgt, d, r[0], r[1])
		} else {
			a.three(fcmgt, d, r[1], r[0])
		}
		a.three(bsl, d, r[0], r[1])
		keep(d)
	case opFMA, opFNMA, opFMS:
		d := r[2]
		if shared[2] || r[2] == r[0] || r[2] == r[1] {
			d = al.vectors.take()
		}
		switch {
		case in.op == opFMS:
			a.two(fneg, d, r[2])
		case d != r[2]:
			a.move(d, r[2])
		}
		if in.op == opFNMA {
			a.three(fmls, d, r[0], r[1])
		} else {
			a.three(fmla, d, r[0], r[1])
		}
		keep(d)
	case opSelect:
		a.choose(in, r, shared, result, keep)
	case opAccAdd, opAccFMA, opAccMax:
		a.accumulate(in, c, r)
		al.finish(c, in, -1)
	default:
		panic(fmt.Sprintf("%s: operation %d", a.k.name, in.op))
	}
}

// choose emits r[1] where the mask r[0] is set, else r[2].
func (a *arm64) choose(in *instr, r []int, shared []bool, result func() int, keep func(int)) {
	yes, no := in.args[1], in.args[2]
	if a.k.code[in.args[0]].op == opIsNaN {
		yes, no = no, yes
		r[1], r[2] = r[2], r[1]
		shared[1], shared[2] = shared[2], shared[1]
	}
	isZero := func(v value) bool { return a.k.code[v].op == opConst && a.k.code[v].imm == 0 }
	distinct := r[0] != r[1] && r[0] != r[2] && r[1] != r[2]
	switch {
	case isZero(no):
		a.three(and, result(), r[1], r[0])
	case isZero(yes):
		a.three(bic, result(), r[2], r[0])
	case !shared[0] && distinct:
		a.three(bsl, r[0], r[1], r[2])
		keep(r[0])
	case !shared[2] && distinct:
		a.three(bit, r[2], r[1], r[0])
		keep(r[2])
	case !shared[1] && distinct:
		a.three(bif, r[1], r[2], r[0])
		keep(r[1])
	default:
		d := a.alloc.vectors.take()
		a.move(d, r[0])
		a.three(bsl, d, r[1], r[2])
		keep(d)
	}
}

// accumulate emits one step of a reduction; in the tail only the lanes under the mask take part.
func (a *arm64) accumulate(in *instr, c int, r []int) {
	lane := a.lanes[c]
	t := a.alloc.vectors.take()
	defer a.alloc.vectors.release(t)
	if in.op == opAccMax {
		a.three(fcmgt, t, r[0], lane)
		if a.tail {
			m := a.alloc.vectors.take()
			a.loadFrom(m, tailsRegister, 16*c)
			a.three(and, t, t, m)
			a.alloc.vectors.release(m)
		}
		a.three(bit, lane, r[0], t)
		return
	}
	target := lane
	if a.tail {
		target = t
		if in.op == opAccFMA {
			a.move(t, lane)
		}
	}
	if in.op == opAccFMA {
		a.three(fmla, target, r[0], r[1])
	} else {
		a.three(fadd, target, lane, r[0])
	}
	if a.tail {
		m := a.alloc.vectors.take()
		a.loadFrom(m, tailsRegister, 16*c)
		a.three(bit, lane, t, m)
		a.alloc.vectors.release(m)
	}
}
