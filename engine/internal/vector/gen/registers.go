package main

import (
	"fmt"
	"slices"
)

// outOfRegisters is the panic of an attempt to compile with too many registers taken; compile then tries with fewer.
type outOfRegisters struct{}

// pool hands out registers, lowest number first.
type pool struct{ free []bool }

func newPool(n int) pool {
	p := pool{make([]bool, n)}
	for i := range p.free {
		p.free[i] = true
	}
	return p
}

func (p *pool) take() int {
	i := slices.Index(p.free, true)
	if i < 0 {
		panic(outOfRegisters{})
	}
	p.free[i] = false
	return i
}

func (p *pool) takeThis(i int) {
	if !p.free[i] {
		panic(outOfRegisters{})
	}
	p.free[i] = false
}

func (p *pool) release(i int) { p.free[i] = true }

func (p *pool) clone() pool { return pool{slices.Clone(p.free)} }

// allocation follows the values of one straight piece of code, in which several copies of the kernel's instructions run side by side.
// A value's register is free again after the value's last use.
type allocation struct {
	k       *kernel
	vectors pool
	masks   pool // AVX-512 only
	uses    [][]int
	where   [][]int
}

func newAllocation(k *kernel, copies int, vectors, masks pool) *allocation {
	a := &allocation{k: k, vectors: vectors.clone(), masks: masks.clone()}
	for range copies {
		uses, where := make([]int, len(k.code)), make([]int, len(k.code))
		for i, in := range k.code {
			where[i] = -1
			for _, v := range in.args {
				uses[v]++
			}
		}
		a.uses, a.where = append(a.uses, uses), append(a.where, where)
	}
	return a
}

// dies reports whether instruction in holds the last uses of the value.
func (a *allocation) dies(c int, in *instr, v value) bool {
	n := 0
	for _, arg := range in.args {
		if arg == v {
			n++
		}
	}
	return a.uses[c][v] == n
}

// finish counts the operands of an instruction as used and releases the registers of those that die, except the one that the
// result took over (or -1).
func (a *allocation) finish(c int, in *instr, kept int) {
	seen := map[value]bool{}
	for _, v := range in.args {
		if seen[v] {
			continue
		}
		seen[v] = true
		if a.fixed(v) {
			continue
		}
		if a.dies(c, in, v) {
			a.uses[c][v] = -1
			switch {
			case a.isMask(v):
				a.masks.release(a.where[c][v])
			case a.where[c][v] != kept:
				a.vectors.release(a.where[c][v])
			}
			continue
		}
		for _, arg := range in.args {
			if arg == v {
				a.uses[c][v]--
			}
		}
	}
}

// fixed reports whether a value has no register of its own: constants and scalars.
func (a *allocation) fixed(v value) bool {
	return a.k.code[v].op == opConst || a.k.code[v].op == opScalar
}

// isMask reports whether a value lives in a mask register.
func (a *allocation) isMask(v value) bool {
	switch a.k.code[v].op {
	case opGreater, opEqual, opIsNaN, opIEqual:
		return len(a.masks.free) > 0
	}
	return false
}

// constantsByUse are the constants of a kernel, first those for which must is true, then the most used.
func constantsByUse(k *kernel, must func(in *instr, operand int) bool) []uint32 {
	weight := map[uint32]int{}
	var order []uint32
	for i := range k.code {
		in := &k.code[i]
		for j, v := range in.args {
			if c := &k.code[v]; c.op == opConst {
				if weight[c.imm] == 0 {
					order = append(order, c.imm)
				}
				weight[c.imm]++
				if must(in, j) {
					weight[c.imm] += 100
				}
			}
		}
	}
	slices.SortStableFunc(order, func(x, y uint32) int { return weight[y] - weight[x] })
	return order
}

// attempt runs compile and reports whether there were enough registers.
func attempt(compile func()) (ok bool) {
	defer func() {
		switch r := recover().(type) {
		case nil:
			ok = true
		case outOfRegisters:
		default:
			panic(r)
		}
	}()
	compile()
	return
}

// table collects constants that assembly code reads from memory.
type table struct {
	symbol string
	stride int // bytes of one constant, repeated to fill them
	at     map[uint32]int
	order  []uint32
}

func newTable(symbol string, stride int) *table {
	return &table{symbol: symbol, stride: stride, at: map[uint32]int{}}
}

// offset is the place of a constant in the table.
func (t *table) offset(bits uint32) int {
	if _, ok := t.at[bits]; !ok {
		t.at[bits] = len(t.order) * t.stride
		t.order = append(t.order, bits)
	}
	return t.at[bits]
}

// data is the definition of the table.
func (t *table) data() string {
	var words []uint32
	for _, bits := range t.order {
		for range t.stride / 4 {
			words = append(words, bits)
		}
	}
	return dataBlock(t.symbol, words)
}

// dataBlock defines a read-only symbol of 32-bit words.
func dataBlock(symbol string, words []uint32) string {
	s := ""
	for i := 0; i < len(words); i += 2 {
		if i+1 < len(words) {
			s += fmt.Sprintf("DATA %s+%d(SB)/8, $0x%08x%08x\n", symbol, 4*i, words[i+1], words[i])
		} else {
			s += fmt.Sprintf("DATA %s+%d(SB)/4, $0x%08x\n", symbol, 4*i, words[i])
		}
	}
	return s + fmt.Sprintf("GLOBL %s(SB), RODATA|NOPTR, $%d\n\n", symbol, 4*len(words))
}

// layout is the argument frame of an assembly function: pointers, n, scalars, result.
type layout struct {
	names   []string // of the slices
	offsets map[string]int
	result  int
	size    int
}

func (k *kernel) layout() layout {
	l := layout{offsets: map[string]int{}}
	at := 0
	put := func(name string, size int) {
		l.offsets[name] = at
		at += size
	}
	for _, s := range k.slices() {
		l.names = append(l.names, s.name)
		put(s.name, 8)
	}
	put("n", 8)
	for _, p := range k.params {
		switch p.kind {
		case scalar:
			put(p.name, 4)
		case coefficients:
			put(p.name, 8)
		}
	}
	l.size = at
	if k.reduces != none {
		l.result = (at + 7) &^ 7
		l.size = l.result + 4
	}
	return l
}

// argument is the assembly name of an argument.
func (l *layout) argument(name string) string { return fmt.Sprintf("%s+%d(FP)", name, l.offsets[name]) }

// scalarIndices are the scalars that the kernel reads, ascending.
func (k *kernel) scalarIndices() []int {
	var s []int
	for _, in := range k.code {
		if in.op == opScalar {
			s = append(s, in.index)
		}
	}
	slices.Sort(s)
	return s
}
