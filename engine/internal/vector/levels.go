package vector

import "github.com/pold-network/pold/engine/internal/isa"

//go:generate go run ./gen

// For returns the kernels for an instruction set, which the processor must support. A level that this program has no kernels for gives
// the portable ones; see Kernels.Level.
func For(level isa.Level) *Kernels {
	if k := assembled(level); k != nil {
		return k
	}
	return &portable
}
