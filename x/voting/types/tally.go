package types

import "cosmossdk.io/math"

// NewTally returns a tally to which nobody has added.
func NewTally(period uint64) Tally {
	return Tally{Period: period, Standing: math.ZeroInt(), Bonded: math.ZeroInt()}
}

// At returns the tally as it is in a period. When a period opens, all that is bonded stands; nothing has changed since the
// last change, so no account has to be looked at.
func (t Tally) At(period uint64) Tally {
	if t.Period < period {
		t.Period, t.Standing = period, t.Bonded
	}
	return t
}

// Add counts the change of one account in, or with negative amounts out.
func (t *Tally) Add(period uint64, standing, bonded math.Int) {
	*t = t.At(period)
	t.Standing = t.Standing.Add(standing)
	t.Bonded = t.Bonded.Add(bonded)
}

// Least returns the least bond of an account since a period opened. recorded is what was noted of it at the last change of
// its bond, nil for never; bonded is its bond now, before the change at hand.
func Least(recorded *Standing, period uint64, bonded math.Int) math.Int {
	if recorded == nil || recorded.Period < period {
		return bonded
	}
	return recorded.Least
}

// Reaches reports whether a tally has at least numerator/denominator of the stake that can vote, and anything at all.
func Reaches(standing, all math.Int, numerator, denominator uint64) bool {
	return standing.IsPositive() && standing.Mul(math.NewIntFromUint64(denominator)).GTE(all.Mul(math.NewIntFromUint64(numerator)))
}

// Exceeds reports whether a tally has more than numerator/denominator of the stake that can vote.
func Exceeds(standing, all math.Int, numerator, denominator uint64) bool {
	return standing.Mul(math.NewIntFromUint64(denominator)).GT(all.Mul(math.NewIntFromUint64(numerator)))
}
