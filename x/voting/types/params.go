package types

import "cosmossdk.io/math"

const (
	day  = 24 * 3_600
	week = 7 * day
	// maxSeconds keeps sums of times within 64 bits.
	maxSeconds = 100 * 366 * day
)

// DefaultParams returns the parameters of a public network.
func DefaultParams() Params {
	return Params{
		DefaultPeriodSeconds: week, MinPeriodSeconds: day, MaxPeriodSeconds: 2 * week,
		CheckSeconds: day, GraceSeconds: day, MaxVotes: 16, MinVoteStake: math.NewInt(1_000_000),
	}
}

// Validate reports the first parameter that is out of range.
func (p Params) Validate() error {
	if p.MinPeriodSeconds == 0 || p.MaxPeriodSeconds < p.MinPeriodSeconds || p.MaxPeriodSeconds > maxSeconds {
		return ErrInvalidParams.Wrapf("periods: expected 0 < min_period_seconds <= max_period_seconds <= %d, got %d and %d", maxSeconds, p.MinPeriodSeconds, p.MaxPeriodSeconds)
	}
	if err := p.CheckPeriod(p.DefaultPeriodSeconds); err != nil {
		return ErrInvalidParams.Wrapf("default_period_seconds: %s", err)
	}
	if p.CheckSeconds > maxSeconds || p.GraceSeconds > maxSeconds {
		return ErrInvalidParams.Wrapf("check_seconds and grace_seconds: expected at most %d, got %d and %d", maxSeconds, p.CheckSeconds, p.GraceSeconds)
	}
	// A change of a bond touches every ballot that its owner supports.
	if p.MaxVotes == 0 || p.MaxVotes > 64 {
		return ErrInvalidParams.Wrapf("max_votes: expected 1 to 64, got %d", p.MaxVotes)
	}
	if p.MinVoteStake.IsNil() || !p.MinVoteStake.IsPositive() {
		return ErrInvalidParams.Wrap("min_vote_stake: expected more than 0 unrn")
	}
	return nil
}

// CheckPeriod checks the length of a voting period.
func (p Params) CheckPeriod(seconds uint64) error {
	if seconds < p.MinPeriodSeconds || seconds > p.MaxPeriodSeconds {
		return ErrInvalidPeriod.Wrapf("expected %d to %d seconds, got %d", p.MinPeriodSeconds, p.MaxPeriodSeconds, seconds)
	}
	return nil
}

// CheckUnix returns when the leaders of a period are checked: check_seconds before its end, at most half of it.
func (p Params) CheckUnix(d Period) int64 {
	length := d.EndsUnix - d.OpenedUnixMs/1_000
	return d.EndsUnix - min(int64(p.CheckSeconds), length/2)
}
