package keeper

import (
	"context"

	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// Periods makes the keeper listen to the voting periods of groups.
type Periods struct{ Keeper }

var _ votingtypes.Hooks = Periods{}

// PeriodOpened implements the hooks; nothing is to be done.
func (Periods) PeriodOpened(context.Context, votingtypes.Period) error { return nil }

// PeriodChecking lets validators examine the most voted proposals.
func (p Periods) PeriodChecking(ctx context.Context, period votingtypes.Period) error {
	return p.startCheck(ctx, period)
}

// PeriodEnding lets the period wait for validators that are at work.
func (p Periods) PeriodEnding(ctx context.Context, period votingtypes.Period) (bool, error) {
	return p.checkRuns(ctx, period)
}

// PeriodEnded applies the winner.
func (p Periods) PeriodEnded(ctx context.Context, period votingtypes.Period) error {
	return p.decide(ctx, period)
}
