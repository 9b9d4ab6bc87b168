package main

import (
	"fmt"
	"strings"
)

// vectorSet is one of the two vector instruction sets of amd64.
type vectorSet struct {
	suffix    string
	lanes     int
	registers int
	letter    string
	masks     bool // mask registers, masked memory access, broadcast operands: AVX-512
	pins      int  // constants kept in registers at most; the others are memory operands
}

var (
	avx2   = vectorSet{suffix: "AVX2", lanes: 8, registers: 16, letter: "Y", pins: 6}
	avx512 = vectorSet{suffix: "AVX512", lanes: 16, registers: 32, letter: "Z", masks: true, pins: 6}
)

// Registers of the generated functions: slices in pointers, byte offset in AX, byte length in CX, BX and R15 for short calculations.
var pointers = []string{"DI", "SI", "DX", "R8"}

// amd64 compiles kernels to one vector instruction set.
type amd64 struct {
	set       *vectorSet
	constants *table
	k         *kernel
	frame     layout
	out       *strings.Builder

	vectors pool           // registers that no pinned value has
	kmasks  pool           // K1 is the tail, K2 and K3 the tails of the two halves of pairs
	pinned  map[uint32]int // constants in registers
	scalars map[int]int
	lanes   []int // registers of the reduction
	shuffle map[string]int

	sideBySide int // copies whose instructions alternate
	scratch    []int

	tail  bool
	tails []int // AVX2: mask registers of the tail, for vectors 0 and 1 of slices or the halves of pairs
	alloc *allocation
}

// amd64File is the assembly file of one instruction set.
func amd64File(set *vectorSet, ks []*kernel) string {
	constants := newTable("constants"+set.suffix+"<>", 32)
	if set.masks {
		constants.stride = 4
	}
	var text strings.Builder
	for _, k := range ks {
		if !set.masks {
			k = k.withoutScale()
		}
		text.WriteString(compileAMD64(set, constants, k.withoutUnused()))
	}
	return header("") + "#include \"textflag.h\"\n\n" + constants.data() + set.tables() + strings.TrimSuffix(text.String(), "\n")
}

// tables are the constants that differ from lane to lane.
func (set *vectorSet) tables() string {
	var words []uint32
	if !set.masks {
		for i := range 32 { // a mask of r lanes begins at 16 - r
			words = append(words, map[bool]uint32{true: 0xffffffff}[i < 16])
		}
		return dataBlock("tails<>", words)
	}
	for i := range uint32(32) {
		words = append(words, i)
	}
	s := dataBlock("numbers<>", words)
	// Two registers that a permutation sees as one of 32 lanes: even and odd ones; pairs from lane i of each.
	for _, t := range []struct {
		symbol string
		lane   func(i uint32) uint32
	}{
		{"even<>", func(i uint32) uint32 { return 2 * i }},
		{"odd<>", func(i uint32) uint32 { return 2*i + 1 }},
		{"low<>", func(i uint32) uint32 { return i/2 + i%2*16 }},
		{"high<>", func(i uint32) uint32 { return i/2 + i%2*16 + 8 }},
	} {
		words = nil
		for i := range uint32(16) {
			words = append(words, t.lane(i))
		}
		s += dataBlock(t.symbol, words)
	}
	return s
}

// compileAMD64 tries with as many constants and all scalars in registers, then with fewer.
func compileAMD64(set *vectorSet, constants *table, k *kernel) string {
	order := constantsByUse(k, func(in *instr, operand int) bool {
		switch in.op {
		case opSub, opDiv, opMax, opMin, opGreater, opEqual:
			return operand == 0
		case opSelect:
			return operand == 1 && !set.masks
		}
		return false
	})
	for unroll := k.unroll; unroll > 0; unroll-- {
		for scalars := len(k.scalarIndices()); scalars >= 0; scalars-- {
			for side := unroll; side > 0; side-- {
				for pins := min(set.pins, len(order)); pins >= 0; pins-- {
					var out strings.Builder
					a := &amd64{set: set, constants: constants, k: k, frame: k.layout(), out: &out, sideBySide: side}
					if attempt(func() { a.function(unroll, scalars, order[:pins]) }) {
						return out.String()
					}
				}
			}
		}
	}
	panic(k.name + ": too few registers")
}

func (a *amd64) line(format string, args ...any) { fmt.Fprintf(a.out, "\t"+format+"\n", args...) }

func (a *amd64) reg(i int) string { return fmt.Sprintf("%s%d", a.set.letter, i) }

// group is the number of registers for the sixteen lanes of a reduction; other kernels go register by register.
func (a *amd64) group() int {
	if a.k.reduces == none {
		return 1
	}
	return 16 / a.set.lanes
}

func (a *amd64) function(unroll, scalars int, pins []uint32) {
	a.vectors, a.kmasks = newPool(a.set.registers), newPool(0)
	if a.set.masks {
		a.kmasks = newPool(8)
		for i := range 4 {
			if i < 2 || a.k.usesPairs() {
				a.kmasks.takeThis(i)
			}
		}
	}
	fmt.Fprintf(a.out, "// func %s%s%s\nTEXT ·%s%s(SB), NOSPLIT, $0-%d\n", lower(a.k.name), a.set.suffix, a.k.stub(), lower(a.k.name), a.set.suffix, a.frame.size)
	for i, name := range a.frame.names {
		a.line("MOVQ %s, %s", a.frame.argument(name), pointers[i])
	}
	a.line("MOVQ %s, CX", a.frame.argument("n"))
	a.loadScalars(scalars)
	a.pinned = map[uint32]int{}
	for _, bits := range pins {
		r := a.vectors.take()
		a.pinned[bits] = r
		a.loadConstant(bits, r)
	}
	a.loadShuffles()
	a.lanes = nil
	for range a.group() {
		switch a.k.reduces {
		case sum:
			r := a.vectors.take()
			a.lanes = append(a.lanes, r)
			a.line("VXORPS X%d, X%d, X%d", r&15, r&15, r&15)
			if r > 15 {
				panic(a.k.name + ": lanes beyond register 15")
			}
		case maxima:
			r := a.vectors.take()
			a.lanes = append(a.lanes, r)
			a.line("VBROADCASTSS (%s), %s", pointers[0], a.reg(r))
		}
	}
	a.line("SHLQ $2, CX")
	a.line("XORL AX, AX")
	step := a.group()
	unroll = max(unroll/step, 1) * step
	a.loop("main", unroll)
	if !a.set.masks && unroll > step {
		a.loop("single", step)
	}
	a.rest()
	a.fold()
	a.line("VZEROUPPER")
	a.line("RET")
	a.out.WriteString("\n")
}

// loadScalars puts the first so many scalars in registers; the others are read when they are used.
func (a *amd64) loadScalars(count int) {
	a.scalars = map[int]int{}
	for i, index := range a.k.scalarIndices() {
		if structure, _, ok := strings.Cut(a.k.scalarName(index), "."); ok && i == 0 {
			a.line("MOVQ %s, R9", a.frame.argument(structure))
		}
		if i < count {
			r := a.vectors.take()
			a.scalars[index] = r
			a.line("VBROADCASTSS %s, %s", a.scalarAddress(index), a.reg(r))
		}
	}
}

func (a *amd64) scalarAddress(index int) string {
	name := a.k.scalarName(index)
	if strings.Contains(name, ".") {
		return fmt.Sprintf("%d(R9)", 4*index)
	}
	return a.frame.argument(name)
}

func (a *amd64) loadShuffles() {
	a.shuffle = map[string]int{}
	if !a.set.masks {
		return
	}
	for _, in := range a.k.code {
		var names []string
		switch in.op {
		case opLoadEven:
			names = []string{"even"}
		case opLoadOdd:
			names = []string{"odd"}
		case opStorePairs:
			names = []string{"low", "high"}
		}
		for _, name := range names {
			if _, ok := a.shuffle[name]; !ok {
				r := a.vectors.take()
				a.shuffle[name] = r
				a.line("VMOVDQU32 %s<>(SB), %s", name, a.reg(r))
			}
		}
	}
}

func (a *amd64) loadConstant(bits uint32, r int) {
	switch {
	case bits == 0 && r < 16:
		a.line("VXORPS X%d, X%d, X%d", r, r, r)
	case a.set.masks:
		a.line("VBROADCASTSS %s, %s", a.constant(bits), a.reg(r))
	default:
		a.line("VMOVUPS %s, %s", a.constant(bits), a.reg(r))
	}
}

func (a *amd64) constant(bits uint32) string {
	return fmt.Sprintf("%s+%d(SB)", a.constants.symbol, a.constants.offset(bits))
}

// loop is a loop over whole registers, vectors of them each time.
func (a *amd64) loop(label string, vectors int) {
	bytes := 4 * a.set.lanes * vectors
	a.line("LEAQ %d(CX), BX", -bytes)
	a.line("CMPQ AX, BX")
	a.line("JGT after_%s", label)
	a.out.WriteString("\n" + label + ":\n")
	a.body(vectors)
	a.line("ADDQ $%d, AX", bytes)
	a.line("CMPQ AX, BX")
	a.line("JLE %s", label)
	a.out.WriteString("\nafter_" + label + ":\n")
}

// rest handles what the loops left over, under masks.
func (a *amd64) rest() {
	a.tail = true
	a.line("CMPQ AX, CX")
	a.line("JGE done")
	usesPairs := a.k.usesPairs()
	if a.set.masks {
		a.out.WriteString("\nrest:\n")
		a.line("MOVQ CX, BX")
		a.line("SUBQ AX, BX")
		a.line("SHRQ $2, BX")
		r := a.vectors.take()
		a.vectors.release(r)
		a.line("VPBROADCASTD BX, %s", a.reg(r))
		a.line("VPCMPGTD numbers<>(SB), %s, K1", a.reg(r))
		if usesPairs {
			a.line("VPSLLD $1, %s, %s", a.reg(r), a.reg(r))
			a.line("VPCMPGTD numbers<>(SB), %s, K2", a.reg(r))
			a.line("VPCMPGTD numbers<>+64(SB), %s, K3", a.reg(r))
		}
		a.body(1)
		a.line("ADDQ $64, AX")
		a.line("CMPQ AX, CX")
		a.line("JLT rest")
	} else {
		a.line("SUBQ AX, CX") // bytes left over, less than a group
		a.line("LEAQ tails<>+64(SB), BX")
		a.line("SUBQ CX, BX")
		count := a.group()
		if usesPairs {
			count = 3
		}
		for i := range count {
			r := a.vectors.take()
			a.tails = append(a.tails, r)
			switch i {
			case 0:
				a.line("VMOVDQU (BX), %s", a.reg(r))
			case 1:
				if usesPairs {
					a.line("SUBQ CX, BX")
					a.line("VMOVDQU (BX), %s", a.reg(r))
				} else {
					a.line("VMOVDQU 32(BX), %s", a.reg(r))
				}
			case 2:
				a.line("VMOVDQU 32(BX), %s", a.reg(r))
			}
		}
		a.body(a.group())
	}
	a.tail = false
	a.out.WriteString("\ndone:\n")
}

// fold reduces the lanes to the result: 8 on 8, 4 on 4, 2 on 2, 1 on 1.
func (a *amd64) fold() {
	op := map[reduction]string{sum: "VADDPS", maxima: "VMAXPS"}[a.k.reduces]
	if op == "" {
		return
	}
	low := a.lanes[0]
	high := a.vectors.take()
	both := func(letter string) { a.line("%s %s%d, %s%d, %s%d", op, letter, low, letter, high, letter, low) }
	if a.set.masks {
		a.line("VEXTRACTF64X4 $1, Z%d, Y%d", low, high)
		both("Y")
	} else {
		a.line("%s Y%d, Y%d, Y%d", op, low, a.lanes[1], low)
	}
	a.line("VEXTRACTF128 $1, Y%d, X%d", low, high)
	both("X")
	a.line("VMOVHLPS X%d, X%d, X%d", low, low, high)
	both("X")
	a.line("VMOVSHDUP X%d, X%d", low, high)
	both("X")
	a.line("VMOVSS X%d, ret+%d(FP)", low, a.frame.result)
}

// lower is a name that is not exported.
func lower(name string) string {
	n := 1
	for n < len(name) && name[n] >= 'A' && name[n] <= 'Z' && (n+1 == len(name) || name[n+1] >= 'A' && name[n+1] <= 'Z') {
		n++
	}
	return strings.ToLower(name[:n]) + name[n:]
}

// stub is the signature of the assembly function: pointers, the length, scalars.
func (k *kernel) stub() string {
	var parts []string
	for _, s := range k.slices() {
		t := "*float32"
		if s.kind == integers {
			t = "*uint32"
		}
		parts = append(parts, s.name+" "+t)
	}
	parts = append(parts, "n int")
	for _, p := range k.params {
		switch p.kind {
		case scalar:
			parts = append(parts, p.name+" float32")
		case coefficients:
			parts = append(parts, p.name+" *AdamCoefficients")
		}
	}
	s := "(" + strings.Join(parts, ", ") + ")"
	if k.reduces != none {
		s += " float32"
	}
	return s
}
