//go:build !amd64 && !arm64

package vector

import "github.com/pold-network/pold/engine/internal/isa"

// assembled returns nil: there are no kernels in assembly for this architecture.
func assembled(isa.Level) *Kernels { return nil }
