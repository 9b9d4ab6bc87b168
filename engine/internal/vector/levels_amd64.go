package vector

import "github.com/pold-network/pold/engine/internal/isa"

// assembled returns the table of kernels in assembly for a level, or nil.
func assembled(level isa.Level) *Kernels {
	switch level {
	case isa.AVX2:
		return &tableAVX2
	case isa.AVX512:
		return &tableAVX512
	}
	return nil
}
