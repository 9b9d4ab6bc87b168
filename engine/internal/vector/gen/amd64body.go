package main

import (
	"fmt"
	"slices"
)

// operand is a register or a constant in memory.
type operand struct {
	reg    int // -1 for a constant
	bits   uint32
	shared bool // must keep its value: pinned, or used again later
}

// body emits the instructions of so many registers of elements.
func (a *amd64) body(copies int) {
	a.alloc = newAllocation(a.k, copies, a.vectors, a.kmasks)
	for from := 0; from < copies; from += a.sideBySide {
		for i := range a.k.code {
			for c := from; c < min(from+a.sideBySide, copies); c++ {
				a.instruction(i, c)
				for _, r := range a.scratch {
					if a.alloc.where[c][i] != r {
						a.alloc.vectors.release(r)
					}
				}
				a.scratch = a.scratch[:0]
			}
		}
	}
}

func (a *amd64) operand(c int, in *instr, v value) operand {
	switch d := &a.k.code[v]; d.op {
	case opConst:
		if r, ok := a.pinned[d.imm]; ok {
			return operand{reg: r, shared: true}
		}
		return operand{reg: -1, bits: d.imm}
	case opScalar:
		if r, ok := a.scalars[d.index]; ok {
			return operand{reg: r, shared: true}
		}
		r := a.alloc.vectors.take()
		a.scratch = append(a.scratch, r)
		a.line("VBROADCASTSS %s, %s", a.scalarAddress(d.index), a.reg(r))
		return operand{reg: r}
	}
	return operand{reg: a.alloc.where[c][v], shared: !a.alloc.dies(c, in, v)}
}

// text is an operand as last source, and the suffix of the mnemonic that it asks for.
func (a *amd64) text(o operand) (suffix, source string) {
	switch {
	case o.reg >= 0:
		return "", a.reg(o.reg)
	case a.set.masks:
		return ".BCST", a.constant(o.bits)
	}
	return "", a.constant(o.bits)
}

// three emits dst = first op last.
func (a *amd64) three(mnemonic string, last, first operand, dst string) {
	suffix, source := a.text(last)
	a.line("%s%s %s, %s, %s", mnemonic, suffix, source, a.reg(first.reg), dst)
}

// commutative operations may swap their operands; NaN payloads, the only difference, are not defined.
var commutative = []op{opAdd, opMul, opIAdd, opAnd, opOr, opXor, opIEqual, opEqual}

func (a *amd64) instruction(i, c int) {
	in := &a.k.code[i]
	al := a.alloc
	// result takes a register for the value, after the operands that die gave theirs back.
	result := func() int {
		al.finish(c, in, -1)
		r := al.vectors.take()
		al.where[c][i] = r
		return r
	}
	var o []operand
	if in.op != opSelect {
		for _, v := range in.args {
			o = append(o, a.operand(c, in, v))
		}
	}
	if slices.Contains(commutative, in.op) && o[0].reg < 0 {
		o[0], o[1] = o[1], o[0]
	}
	// first makes sure that the first source is a register.
	first := func() {
		if o[0].reg < 0 {
			r := al.vectors.take()
			a.loadConstant(o[0].bits, r)
			o[0] = operand{reg: r}
			al.vectors.release(r) // read by the next instruction, overwritten at the earliest by its result
		}
	}
	simple := func(mnemonic string) {
		first()
		a.three(mnemonic, o[1], o[0], a.reg(result()))
	}
	wide := map[bool]string{true: "D"}[a.set.masks] // AVX-512 names the element size of bit operations
	switch in.op {
	case opConst, opScalar:
	case opLoad:
		r := result()
		a.load(r, a.address(in.index, 4*a.set.lanes*c, 0), 0, c)
	case opLoadEven, opLoadOdd:
		a.loadPairs(in, c, result())
	case opStore:
		if o[0].reg < 0 {
			first()
		}
		a.store(o[0].reg, a.address(in.index, 4*a.set.lanes*c, 0), 0, c)
		al.finish(c, in, -1)
	case opStorePairs:
		a.storePairs(in, c, o)
		al.finish(c, in, -1)
	case opAdd:
		simple("VADDPS")
	case opSub:
		simple("VSUBPS")
	case opMul:
		simple("VMULPS")
	case opDiv:
		simple("VDIVPS")
	case opMax:
		simple("VMAXPS")
	case opMin:
		simple("VMINPS")
	case opIAdd:
		simple("VPADDD")
	case opISub:
		simple("VPSUBD")
	case opAnd:
		simple("VPAND" + wide)
	case opOr:
		simple("VPOR" + wide)
	case opXor:
		simple("VPXOR" + wide)
	case opSqrt:
		a.line("VSQRTPS %s, %s", a.reg(o[0].reg), a.reg(result()))
	case opToFloat:
		a.line("VCVTDQ2PS %s, %s", a.reg(o[0].reg), a.reg(result()))
	case opShl:
		a.line("VPSLLD $%d, %s, %s", in.imm, a.reg(o[0].reg), a.reg(result()))
	case opShr:
		a.line("VPSRAD $%d, %s, %s", in.imm, a.reg(o[0].reg), a.reg(result()))
	case opScale, opScaleSmall:
		a.line("VSCALEFPS %s, %s, %s", a.reg(o[1].reg), a.reg(o[0].reg), a.reg(result()))
	case opFMA:
		a.fused("VFMADD", i, c, o)
	case opFNMA:
		a.fused("VFNMADD", i, c, o)
	case opFMS:
		a.fused("VFMSUB", i, c, o)
	case opGreater, opEqual, opIEqual:
		first()
		a.compare(i, c, o)
	case opIsNaN:
		a.compare(i, c, append(o, o[0]))
	case opSelect:
		a.choose(i, c)
	case opAccAdd, opAccFMA, opAccMax:
		a.accumulate(in, c, o)
		al.finish(c, in, -1)
	default:
		panic(fmt.Sprintf("%s: operation %d", a.k.name, in.op))
	}
}

// address is the place of a register of elements, bytes from the offset AX; half is the second register of pairs.
func (a *amd64) address(index, bytes, half int) string {
	if a.k.slices()[index].kind == pairs {
		return fmt.Sprintf("%d(%s)(AX*2)", 2*bytes+half*4*a.set.lanes, pointers[index])
	}
	return fmt.Sprintf("%d(%s)(AX*1)", bytes, pointers[index])
}

// load reads a register; in the tail under mask number first+c.
func (a *amd64) load(r int, address string, first, c int) {
	switch {
	case !a.tail:
		a.line("VMOVUPS %s, %s", address, a.reg(r))
	case a.set.masks:
		a.line("VMOVUPS.Z %s, K%d, %s", address, 1+first, a.reg(r))
	default:
		a.line("VMASKMOVPS %s, %s, %s", address, a.reg(a.tails[first+c]), a.reg(r))
	}
}

// store writes a register; in the tail under mask number first+c.
func (a *amd64) store(r int, address string, first, c int) {
	switch {
	case !a.tail:
		a.line("VMOVUPS %s, %s", a.reg(r), address)
	case a.set.masks:
		a.line("VMOVUPS %s, K%d, %s", a.reg(r), 1+first, address)
	default:
		a.line("VMASKMOVPS %s, %s, %s", a.reg(r), a.reg(a.tails[first+c]), address)
	}
}

// loadPairs reads two registers and keeps the even or the odd elements.
func (a *amd64) loadPairs(in *instr, c, r int) {
	low, high := a.address(in.index, 4*a.set.lanes*c, 0), a.address(in.index, 4*a.set.lanes*c, 1)
	source := high
	a.load(r, low, 1, 0)
	if a.tail {
		t := a.alloc.vectors.take()
		a.load(t, high, 2, 0)
		a.alloc.vectors.release(t)
		source = a.reg(t)
	}
	if a.set.masks {
		table := a.shuffle[map[bool]string{true: "even", false: "odd"}[in.op == opLoadEven]]
		a.line("VPERMT2PS %s, %s, %s", source, a.reg(table), a.reg(r))
		return
	}
	a.line("VSHUFPS $0x%02x, %s, %s, %s", map[bool]int{true: 0x88, false: 0xdd}[in.op == opLoadEven], source, a.reg(r), a.reg(r))
	a.line("VPERMPD $0xd8, %s, %s", a.reg(r), a.reg(r))
}

// storePairs writes two registers of pairs made of left and right elements.
func (a *amd64) storePairs(in *instr, c int, o []operand) {
	low, high := a.address(in.index, 4*a.set.lanes*c, 0), a.address(in.index, 4*a.set.lanes*c, 1)
	t := a.alloc.vectors.take()
	left, right := a.reg(o[0].reg), a.reg(o[1].reg)
	if a.set.masks {
		for half, address := range []string{low, high} {
			a.line("VMOVAPS %s, %s", left, a.reg(t))
			a.line("VPERMT2PS %s, %s, %s", right, a.reg(a.shuffle[[]string{"low", "high"}[half]]), a.reg(t))
			a.store(t, address, 1+half, 0)
		}
		a.alloc.vectors.release(t)
		return
	}
	u, w := a.alloc.vectors.take(), a.alloc.vectors.take()
	a.line("VUNPCKLPS %s, %s, %s", right, left, a.reg(t))
	a.line("VUNPCKHPS %s, %s, %s", right, left, a.reg(u))
	a.line("VPERM2F128 $0x20, %s, %s, %s", a.reg(u), a.reg(t), a.reg(w))
	a.store(w, low, 1, 0)
	a.line("VPERM2F128 $0x31, %s, %s, %s", a.reg(u), a.reg(t), a.reg(w))
	a.store(w, high, 2, 0)
	for _, r := range []int{t, u, w} {
		a.alloc.vectors.release(r)
	}
}

// fused emits a multiply-add. Its destination is one of its sources: one that dies here, or a copy.
func (a *amd64) fused(mnemonic string, i, c int, o []operand) {
	in, al := &a.k.code[i], a.alloc
	x, y, z := o[0], o[1], o[2]
	if x.reg < 0 && y.reg >= 0 {
		x, y = y, x // if only one factor is in memory, it is y
	}
	usable := func(v operand) bool { return v.reg >= 0 && !v.shared }
	var dst int
	fresh := func() int { return al.vectors.take() }
	emit := func(form string, last, middle operand) {
		suffix, source := a.text(last)
		a.line("%s%sPS%s %s, %s, %s", mnemonic, form, suffix, source, a.reg(middle.reg), a.reg(dst))
	}
	copyOf := func(v operand) int {
		r := fresh()
		if v.reg < 0 {
			a.loadConstant(v.bits, r)
		} else {
			a.line("VMOVAPS %s, %s", a.reg(v.reg), a.reg(r))
		}
		return r
	}
	switch {
	case x.reg < 0: // both factors in memory
		dst = copyOf(x)
		emit("132", y, z)
	case z.reg < 0 && y.reg < 0:
		dst = copyOf(y)
		emit("213", z, x)
	case z.reg < 0 && usable(x):
		dst = x.reg
		emit("213", z, y)
	case z.reg < 0 && usable(y):
		dst = y.reg
		emit("213", z, x)
	case usable(z):
		dst = z.reg
		emit("231", y, x)
	case z.reg < 0:
		dst = copyOf(z)
		emit("231", y, x)
	case y.reg < 0 && usable(x):
		dst = x.reg
		emit("132", y, z)
	case usable(x):
		dst = x.reg
		emit("213", z, y)
	case usable(y):
		dst = y.reg
		emit("213", z, x)
	default:
		dst = copyOf(z)
		emit("231", y, x)
	}
	al.finish(c, in, dst)
	al.where[c][i] = dst
}

// compare emits a comparison into a mask register or a register of all ones and zeros.
func (a *amd64) compare(i, c int, o []operand) {
	in, al := &a.k.code[i], a.alloc
	suffix, source := a.text(o[1])
	mnemonic := "VPCMPEQD"
	if in.op != opIEqual {
		mnemonic = "VCMPPS"
		source = fmt.Sprintf("$0x%02x, %s", map[op]int{opGreater: 0x1e, opEqual: 0x00, opIsNaN: 0x03}[in.op], source) // no exceptions
	}
	al.finish(c, in, -1)
	if a.set.masks {
		m := al.masks.take()
		al.where[c][i] = m
		a.line("%s%s %s, %s, K%d", mnemonic, suffix, source, a.reg(o[0].reg), m)
		return
	}
	r := al.vectors.take()
	al.where[c][i] = r
	a.line("%s %s, %s, %s", mnemonic, source, a.reg(o[0].reg), a.reg(r))
}

// choose emits b where the mask is set, else c.
func (a *amd64) choose(i, c int) {
	in, al := &a.k.code[i], a.alloc
	mask := al.where[c][in.args[0]]
	yes, no := a.operand(c, in, in.args[1]), a.operand(c, in, in.args[2])
	isZero := func(v value) bool { return a.k.code[v].op == opConst && a.k.code[v].imm == 0 }
	result := func() string {
		al.finish(c, in, -1)
		al.where[c][i] = al.vectors.take()
		return a.reg(al.where[c][i])
	}
	register := func(o operand) operand {
		if o.reg < 0 {
			o.reg = al.vectors.take()
			a.loadConstant(o.bits, o.reg)
			al.vectors.release(o.reg)
		}
		return o
	}
	switch {
	case a.set.masks && isZero(in.args[2]) && yes.reg >= 0:
		a.line("VMOVAPS.Z %s, K%d, %s", a.reg(yes.reg), mask, result())
	case a.set.masks:
		no = register(no)
		suffix, source := a.text(yes)
		a.line("VBLENDMPS%s %s, %s, K%d, %s", suffix, source, a.reg(no.reg), mask, result())
	case isZero(in.args[2]):
		_, source := a.text(yes)
		a.line("VPAND %s, %s, %s", source, a.reg(mask), result())
	case isZero(in.args[1]):
		_, source := a.text(no)
		a.line("VPANDN %s, %s, %s", source, a.reg(mask), result())
	default:
		no = register(no)
		_, source := a.text(yes)
		a.line("VBLENDVPS %s, %s, %s, %s", a.reg(mask), source, a.reg(no.reg), result())
	}
}

// accumulate emits one step of a reduction; in the tail only the lanes under the mask take part.
func (a *amd64) accumulate(in *instr, c int, o []operand) {
	al := a.alloc
	lane := a.lanes[c%len(a.lanes)]
	target, mask := lane, ""
	if a.tail && a.set.masks {
		mask = "K1, "
	} else if a.tail {
		target = al.vectors.take()
	}
	switch in.op {
	case opAccAdd:
		a.line("VADDPS %s, %s, %s%s", a.reg(o[0].reg), a.reg(lane), mask, a.reg(target))
	case opAccMax:
		a.line("VMAXPS %s, %s, %s%s", a.reg(lane), a.reg(o[0].reg), mask, a.reg(target))
	case opAccFMA:
		if target != lane {
			a.line("VMOVAPS %s, %s", a.reg(lane), a.reg(target))
		}
		suffix, source := a.text(o[1])
		a.line("VFMADD231PS%s %s, %s, %s%s", suffix, source, a.reg(o[0].reg), mask, a.reg(target))
	}
	if target != lane {
		a.line("VBLENDVPS %s, %s, %s, %s", a.reg(a.tails[c]), a.reg(target), a.reg(lane), a.reg(lane))
		al.vectors.release(target)
	}
}
