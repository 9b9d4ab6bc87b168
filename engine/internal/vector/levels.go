package vector

import "github.com/pold-network/pold/engine/internal/isa"

// For returns the kernels for an instruction set. A level that this program has no kernels for gives the portable ones.
func For(level isa.Level) *Kernels { return &reference }
