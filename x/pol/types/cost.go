package types

import (
	"math"
	"math/bits"

	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// optimizerWork is the work of one optimiser step on one parameter, in multiply-adds that take as long; that of Adam, the
// most expensive one.
const optimizerWork = 16

// ScoreCost returns the cost of scoring one checkpoint: the work over all rows plus the bytes to fetch. A cost beyond 64
// bits is the largest number, which no budget allows.
func (s ModelShape) ScoreCost(rows, tableBytes uint64) uint64 {
	return plus(times(uint64(s.Cost), rows), tableBytes, uint64(s.MaxCheckpointSize()))
}

// RoundCost returns the cost of scoring one checkpoint on the table and the sealed batches of a round.
func (s ModelShape) RoundCost(r Round) uint64 {
	rows, size := r.Table.Rows, r.Table.Work()
	for _, b := range r.Batches {
		rows, size = plus(rows, b.Rows), plus(size, b.Size_)
	}
	return s.ScoreCost(rows, size)
}

// AuditCost returns the most that replaying some segments of a transcript can cost within the bounds of the group's
// recipe: three forward passes for each row of a batch (forward and backward) and the optimiser's pass for each step, and
// the bytes of table, transcript, start states and both ends. A cost beyond 64 bits is the largest number.
func (s GroupSettings) AuditCost(shape ModelShape, t trainingsettypes.Table, segments uint32) uint64 {
	batch := uint64(s.Recipe.MaxBatchSize)
	if batch == 0 {
		batch = maxBatchSize
	}
	parts := uint64(max(s.Segments, 1))
	steps := (uint64(s.Recipe.MaxSteps) + parts - 1) / parts
	step := plus(times(3, times(uint64(shape.Cost), batch)), times(optimizerWork, uint64(shape.Parameters)))
	weights := uint64(shape.MaxCheckpointSize())
	state := plus(weights, 8*uint64(shape.Parameters)) // and two values of the optimiser for each parameter
	segment := plus(times(steps, step), state)
	return plus(times(uint64(segments), segment), t.Work(), MaxTranscriptSize, 2*weights)
}

// times and plus give the largest number instead of one that does not fit.
func times(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	if high != 0 {
		return math.MaxUint64
	}
	return low
}

func plus(amounts ...uint64) uint64 {
	var sum uint64
	for _, a := range amounts {
		var carry uint64
		if sum, carry = bits.Add64(sum, a, 0); carry != 0 {
			return math.MaxUint64
		}
	}
	return sum
}
