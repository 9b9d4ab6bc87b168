package main

import (
	"fmt"
	"strings"
)

// tableFile declares the assembly functions of the instruction sets and wraps them into tables of kernels.
func tableFile(constraint string, ks []*kernel, suffixes ...string) string {
	var b strings.Builder
	b.WriteString(header(constraint) + "package vector\n\nimport \"github.com/pold-network/pold/engine/internal/isa\"\n")
	for _, suffix := range suffixes {
		fmt.Fprintf(&b, "\nvar table%s = Kernels{\n\tLevel: isa.%s,\n", suffix, suffix)
		for _, k := range ks {
			fmt.Fprintf(&b, "\t%s: with%s%s,\n", k.name, suffix, k.name)
		}
		b.WriteString("\tCopyBlock: copyBlock,\n}\n")
		for _, k := range ks {
			name := lower(k.name) + suffix
			fmt.Fprintf(&b, "\n//go:noescape\nfunc %s%s\n", name, k.stub())
			k.wrapper(&b, "with"+suffix+k.name, name)
		}
	}
	return b.String()
}

// checkLengths begins the Go function of a kernel: n, the end if there is nothing to do, and a panic if a slice is too short. A slice is
// not resliced to n: that would let a short one grow into its capacity.
func (k *kernel) checkLengths(b *strings.Builder) {
	from := k.lengthFrom()
	fmt.Fprintf(b, "\tn := len(%s)\n", from)
	if k.reduces != maxima { // without elements, Max panics at the first
		fmt.Fprintf(b, "\tif n == 0 {\n\t\treturn %s\n\t}\n", map[bool]string{true: "0"}[k.reduces == sum])
	}
	for _, s := range k.slices() {
		switch {
		case s.kind == pairs:
			fmt.Fprintf(b, "\t_ = %s[2*n-1]\n", s.name)
		case s.name != from:
			fmt.Fprintf(b, "\t_ = %s[n-1]\n", s.name)
		}
	}
}

// wrapper is the Go function around an assembly function, which does not look at lengths.
func (k *kernel) wrapper(b *strings.Builder, name, target string) {
	fmt.Fprintf(b, "\nfunc %s%s {\n", name, k.signature())
	k.checkLengths(b)
	var args []string
	for _, s := range k.slices() {
		args = append(args, "&"+s.name+"[0]")
	}
	args = append(args, "n")
	for _, p := range k.params {
		if p.kind == scalar || p.kind == coefficients {
			args = append(args, p.name)
		}
	}
	call := fmt.Sprintf("%s(%s)", target, strings.Join(args, ", "))
	if k.reduces != none {
		call = "return " + call
	}
	fmt.Fprintf(b, "\t%s\n}\n", call)
}
