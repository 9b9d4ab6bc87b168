package vector

import "github.com/pold-network/pold/engine/internal/isa"

// assembled returns the table of kernels in assembly for a level, or nil.
func assembled(level isa.Level) *Kernels {
	if level == isa.NEON {
		return &tableNEON
	}
	return nil
}
