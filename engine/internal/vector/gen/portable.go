package main

import (
	"fmt"
	"math"
	"strings"
)

// kind is what a Go variable of the portable code holds.
type kind uint8

const (
	number kind = iota
	integer
	truth
)

// portable compiles kernels to Go functions that work on one element at a time.
type portable struct {
	out   strings.Builder
	k     *kernel
	kinds []kind
	names []string
}

func portableFile(ks []*kernel) string {
	p := &portable{}
	p.out.WriteString(header("") + `package vector

import (
	"math"

	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/engine/internal/isa"
)

var portable = Kernels{
	Level: isa.Portable,
`)
	for _, k := range ks {
		fmt.Fprintf(&p.out, "\t%s: portable%s,\n", k.name, k.name)
	}
	p.out.WriteString("\tCopyBlock: copyBlock,\n}\n")
	for _, k := range ks {
		p.function(k.withoutScale().withoutUnused())
	}
	return p.out.String()
}

// signature is the parameter list of a kernel as Go has it, with its result.
func (k *kernel) signature() string {
	var parts []string
	for _, p := range k.params {
		parts = append(parts, p.name+" "+map[paramKind]string{
			slice: "[]float32", pairs: "[]float32", integers: "[]uint32", scalar: "float32", coefficients: "*AdamCoefficients",
		}[p.kind])
	}
	s := "(" + strings.Join(parts, ", ") + ")"
	if k.reduces != none {
		s += " float32"
	}
	return s
}

// lengthFrom is the first slice that has n elements.
func (k *kernel) lengthFrom() string {
	for _, p := range k.params {
		if p.kind == slice {
			return p.name
		}
	}
	panic(k.name + ": no slice of n elements")
}

func (p *portable) function(k *kernel) {
	p.k = k
	p.kinds, p.names = make([]kind, len(k.code)), make([]string, len(k.code))
	fmt.Fprintf(&p.out, "\nfunc portable%s%s {\n", k.name, k.signature())
	k.checkLengths(&p.out)
	switch k.reduces {
	case sum:
		p.out.WriteString("var lane [Lanes]float32\n")
	case maxima:
		p.out.WriteString("var lane [Lanes]float32\nfor i := range lane {\nlane[i] = x[0]\n}\n")
	}
	p.out.WriteString("for i := range n {\n")
	for i := range k.code {
		p.instruction(i)
	}
	p.out.WriteString("}\n")
	switch k.reduces {
	case sum:
		p.out.WriteString("return foldSum(&lane)\n")
	case maxima:
		p.out.WriteString("return foldMax(&lane)\n")
	}
	p.out.WriteString("}\n")
}

// as is the expression for a value as the kind that an instruction wants.
func (p *portable) as(want kind, v value) string {
	in, have := &p.k.code[v], p.kinds[v]
	switch {
	case in.op == opConst && want == number:
		return goNumber(in.imm)
	case in.op == opConst:
		return fmt.Sprintf("0x%08x", in.imm)
	case have == want:
		return p.names[v]
	case want == integer && have == number:
		return "math.Float32bits(" + p.names[v] + ")"
	case want == number && have == integer:
		return "math.Float32frombits(" + p.names[v] + ")"
	}
	panic(fmt.Sprintf("%s: no conversion of value %d", p.k.name, v))
}

// goNumber is a float32 constant of Go.
func goNumber(bits uint32) string {
	x := math.Float32frombits(bits)
	if x != x || math.IsInf(float64(x), 0) || bits == signBit {
		return fmt.Sprintf("math.Float32frombits(0x%08x)", bits)
	}
	if x == float32(int32(x)) {
		return fmt.Sprintf("float32(%d)", int32(x))
	}
	return fmt.Sprintf("float32(%x)", x)
}

func (p *portable) instruction(i int) {
	in := &p.k.code[i]
	f := func(j int) string { return p.as(number, in.args[j]) }
	n := func(j int) string { return p.as(integer, in.args[j]) }
	set := func(k kind, format string, args ...any) {
		p.kinds[i], p.names[i] = k, fmt.Sprintf("v%d", i)
		fmt.Fprintf(&p.out, "v%d := %s\n", i, fmt.Sprintf(format, args...))
	}
	do := func(format string, args ...any) { fmt.Fprintf(&p.out, format+"\n", args...) }
	slices := p.k.slices()
	switch in.op {
	case opConst:
		p.kinds[i] = number
	case opScalar:
		p.kinds[i], p.names[i] = number, p.k.scalarName(in.index)
	case opLoad:
		if slices[in.index].kind == integers {
			set(integer, "%s[i]", slices[in.index].name)
		} else {
			set(number, "%s[i]", slices[in.index].name)
		}
	case opLoadEven:
		set(number, "%s[2*i]", slices[in.index].name)
	case opLoadOdd:
		set(number, "%s[2*i+1]", slices[in.index].name)
	case opStore:
		if slices[in.index].kind == integers {
			do("%s[i] = %s", slices[in.index].name, n(0))
		} else {
			do("%s[i] = %s", slices[in.index].name, f(0))
		}
	case opStorePairs:
		do("%s[2*i], %s[2*i+1] = %s, %s", slices[in.index].name, slices[in.index].name, f(0), f(1))
	case opAdd:
		set(number, "%s + %s", f(0), f(1))
	case opSub:
		set(number, "%s - %s", f(0), f(1))
	case opMul:
		set(number, "float32(%s * %s)", f(0), f(1))
	case opDiv:
		set(number, "%s / %s", f(0), f(1))
	case opSqrt:
		set(number, "exact.Sqrt(%s)", f(0))
	case opFMA:
		set(number, "exact.FMA(%s, %s, %s)", f(0), f(1), f(2))
	case opFNMA:
		set(number, "exact.FMA(-%s, %s, %s)", f(0), f(1), f(2))
	case opFMS:
		set(number, "exact.FMA(%s, %s, -%s)", f(0), f(1), f(2))
	case opMax:
		set(number, "larger(%s, %s)", f(0), f(1))
	case opMin:
		set(number, "smaller(%s, %s)", f(0), f(1))
	case opToFloat:
		set(number, "float32(int32(%s))", n(0))
	case opIAdd:
		set(integer, "%s + %s", n(0), n(1))
	case opISub:
		set(integer, "%s - %s", n(0), n(1))
	case opShl:
		set(integer, "%s << %d", n(0), in.imm)
	case opShr:
		set(integer, "uint32(int32(%s) >> %d)", n(0), in.imm)
	case opAnd:
		set(integer, "%s & %s", n(0), n(1))
	case opOr:
		set(integer, "%s | %s", n(0), n(1))
	case opXor:
		set(integer, "%s ^ %s", n(0), n(1))
	case opGreater:
		set(truth, "%s > %s", f(0), f(1))
	case opEqual:
		set(truth, "%s == %s", f(0), f(1))
	case opIsNaN:
		set(truth, "%s != %s", f(0), f(0))
	case opIEqual:
		set(truth, "%s == %s", n(0), n(1))
	case opSelect:
		// Integers only where no alternative is a float32.
		kind, instance := integer, "[uint32]"
		for _, a := range in.args[1:] {
			if p.k.code[a].op != opConst && p.kinds[a] == number {
				kind, instance = number, ""
			}
		}
		set(kind, "choose%s(%s, %s, %s)", instance, p.as(truth, in.args[0]), p.as(kind, in.args[1]), p.as(kind, in.args[2]))
	case opAccAdd:
		do("lane[i%%Lanes] += %s", f(0))
	case opAccFMA:
		do("lane[i%%Lanes] = exact.FMA(%s, %s, lane[i%%Lanes])", f(0), f(1))
	case opAccMax:
		do("lane[i%%Lanes] = larger(%s, lane[i%%Lanes])", f(0))
	default:
		panic(fmt.Sprintf("%s: operation %d", p.k.name, in.op))
	}
}

// scalarName is the Go expression of scalar number index.
func (k *kernel) scalarName(index int) string {
	for _, p := range k.params {
		switch {
		case p.kind == scalar && index == 0:
			return p.name
		case p.kind == scalar:
			index--
		case p.kind == coefficients:
			return p.name + "." + coefficientNames[index]
		}
	}
	panic(k.name + ": no such scalar")
}
