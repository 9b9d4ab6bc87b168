package main

import (
	"time"

	"github.com/pold-network/pold/engine/internal/gemm"
	"github.com/pold-network/pold/engine/internal/isa"
	"github.com/pold-network/pold/testutil/bench"
)

// peakRounds makes a call of the loop take about a millisecond.
const peakRounds = 1 << 16

// peak is what one core can do at most: fused multiply-adds between registers. Its operations are known after a call.
type peak struct{ operations int64 }

// Run runs the loop for one slot.
func (p *peak) Run(s bench.Slot) (time.Duration, error) {
	return bench.Func(func() error {
		p.operations = gemm.PeakLoop(isa.Best(), peakRounds)
		return nil
	}).Run(s)
}

// rate is billions of floating-point operations a second.
func (p *peak) rate(d time.Duration) float64 { return float64(p.operations) / float64(d) }
