package types

import (
	"bytes"

	"cosmossdk.io/math"
)

// TwoThirds reports whether part is more than two thirds of total.
func TwoThirds(part, total int64) bool {
	return math.NewInt(part).MulRaw(3).GT(math.NewInt(total).MulRaw(2))
}

// Vote is a recorded witness of a member of the snapshot.
type Vote struct {
	Operator string
	Witness  Witness
}

// Result is what a tally found for one answer.
type Result struct {
	Answer  []byte
	Power   int64
	Weight  math.Int
	Matched []string
	Missed  []string
}

// Committed returns the power of the members that have a valid witness.
func (s Snapshot) Committed(votes []Vote) int64 {
	power := s.powers()
	var sum int64
	for _, v := range votes {
		if !v.Witness.Voided {
			sum += power[v.Operator].Power
		}
	}
	return sum
}

// Complete reports whether every member of the snapshot has recorded a witness.
func (s Snapshot) Complete(votes []Vote) bool {
	return len(votes) == len(s.Members)
}

// Tally recomputes every witness from an opened answer: one opening reveals the whole vote.
// Votes of operators outside the snapshot and voided ones count for nothing.
func (s Snapshot) Tally(chainID string, taskID uint64, votes []Vote, answer []byte) Result {
	power := s.powers()
	r := Result{Answer: answer, Weight: math.ZeroInt()}
	for _, v := range votes {
		m, ok := power[v.Operator]
		if !ok || v.Witness.Voided {
			continue
		}
		if bytes.Equal(v.Witness.Witness, WitnessOf(chainID, taskID, v.Operator, answer)) {
			r.Power += m.Power
			r.Weight = r.Weight.Add(m.Weight())
			r.Matched = append(r.Matched, v.Operator)
		} else {
			r.Missed = append(r.Missed, v.Operator)
		}
	}
	return r
}

// Decides reports whether raw power and weighted power are each above two thirds of all in the snapshot:
// the factor can delay a decision, never make one.
func (s Snapshot) Decides(r Result) bool {
	return TwoThirds(r.Power, s.TotalPower) && r.Weight.MulRaw(3).GT(s.TotalWeight.MulRaw(2))
}

// Weight is power times factor, in millionths.
func (m Member) Weight() math.Int {
	return math.NewInt(m.Power).Mul(math.NewIntFromUint64(m.FactorE6))
}

// powers indexes the members; it is only read by key, never ranged over.
func (s Snapshot) powers() map[string]Member {
	m := make(map[string]Member, len(s.Members))
	for _, x := range s.Members {
		m[x.Operator] = x
	}
	return m
}
