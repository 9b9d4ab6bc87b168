// Package isa names the instruction sets that the engine has kernels for, finds out which of them this processor runs, and checks that
// the floating-point unit is in the mode that the definition of the engine asks for.
//
// A Level is a choice of kernels, not of results: every level gives the same bits. The engine picks Best once, at start; tests go
// through Supported.
package isa

import (
	"fmt"
	"slices"
	"strings"
)

// Level is a set of instructions that a family of kernels is written for. On one architecture a higher level is a faster one.
type Level uint8

const (
	Portable Level = iota // plain Go with an exact fused multiply-add in software; runs everywhere and is the reference
	AVX2                  // amd64 with AVX2 and FMA
	AVX512                // amd64 with AVX-512 F, BW, DQ and VL (and AVX2 and FMA)
	NEON                  // arm64
	levels
)

var names = [levels]string{"portable", "avx2", "avx512", "neon"}

// String returns the name of the level: portable, avx2, avx512 or neon.
func (l Level) String() string {
	if l < levels {
		return names[l]
	}
	return fmt.Sprintf("level(%d)", uint8(l))
}

// Parse returns the level with this name. It is an error if there is no such level; the processor need not support it.
func Parse(name string) (Level, error) {
	if i := slices.Index(names[:], name); i >= 0 {
		return Level(i), nil
	}
	return Portable, fmt.Errorf("unknown instruction set: expected one of %s, got %q", strings.Join(names[:], ", "), name)
}

var supported = append([]Level{Portable}, detect()...)

// Supported returns the levels that this processor and its operating system can run, ascending; the first one is always Portable.
func Supported() []Level { return slices.Clone(supported) }

// Best returns the last and therefore fastest of the supported levels.
func Best() Level { return supported[len(supported)-1] }
