package gemm

import (
	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/engine/internal/isa"
)

// PeakLoop runs rounds of independent fused multiply-adds between registers, with the widest vectors of the level and without touching
// memory, and returns the number of floating-point operations done (two for each multiply-add and lane). The time it takes bounds what
// any matrix product can reach on this processor. The level must be supported.
func PeakLoop(level isa.Level, rounds int) (operations int64) {
	if rounds <= 0 {
		return 0
	}
	if level == isa.Portable {
		var acc [24]float32
		for range rounds {
			for i := range acc {
				acc[i] = exact.FMA(acc[i], 0.5, 1)
			}
		}
		return 2 * int64(len(acc)) * int64(rounds)
	}
	k := kernelsOf(level)
	return 2 * int64(k.peakLoop(rounds)) * int64(k.lanes) * int64(rounds)
}
