package isa

import "golang.org/x/sys/cpu"

// detect returns the levels above Portable. The flags of package cpu already say no when the operating system does not save the wide
// registers.
func detect() (levels []Level) {
	x := &cpu.X86
	if !x.HasAVX2 || !x.HasFMA {
		return nil
	}
	levels = append(levels, AVX2)
	if x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL {
		levels = append(levels, AVX512)
	}
	return levels
}
