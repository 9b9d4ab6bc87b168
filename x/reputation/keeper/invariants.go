package keeper

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"

	"github.com/pold-network/pold/x/reputation/types"
)

// CheckScores reports a part of a reputation outside 0 to 1, a vote factor outside the range of the parameters, and a score that the
// index by day does not hold exactly once: it would never be forgotten, or too early.
func (k Keeper) CheckScores(ctx context.Context) error {
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	scores := 0
	err = k.Scores.Walk(ctx, nil, func(address string, s types.Score) (bool, error) {
		scores++
		if s.Address != address {
			return true, fmt.Errorf("score of %s: it names %q", address, s.Address)
		}
		if err := s.Validate(); err != nil {
			return true, err
		}
		if f := s.FactorE6(params); f < params.MinFactorE6 || f > types.Million {
			return true, fmt.Errorf("vote factor of %s: expected %d to %d millionths, got %d", address, params.MinFactorE6, types.Million, f)
		}
		indexed, err := k.ByDay.Has(ctx, collections.Join(day(s.UpdatedUnix), address))
		if err == nil && !indexed {
			err = fmt.Errorf("score of %s was written on day %d and does not stand there", address, day(s.UpdatedUnix))
		}
		return err != nil, err
	})
	if err != nil {
		return err
	}
	indexed := 0
	err = k.ByDay.Walk(ctx, nil, func(collections.Pair[int64, string]) (bool, error) { indexed++; return false, nil })
	if err == nil && indexed != scores {
		err = fmt.Errorf("index by day: expected %d entries, one for each score, got %d", scores, indexed)
	}
	return err
}
