package keeper

import (
	"context"

	"cosmossdk.io/collections"

	"github.com/pold-network/pold/x/reputation/types"
)

// maxForgotten bounds how many records a block removes.
const maxForgotten = 64

// EndBlock forgets the addresses of which nothing was heard for types.Horizon half-lives: each part is the initial one
// again, as it is for an unknown address.
func (k Keeper) EndBlock(ctx context.Context) error {
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	// The last second of a day has to be past the horizon too.
	first := day(max(unix(ctx)-types.Horizon*int64(params.HalfLifeSeconds), 0))
	var old []collections.Pair[int64, string]
	err = k.ByDay.Walk(ctx, nil, func(key collections.Pair[int64, string]) (bool, error) {
		if key.K1() >= first {
			return true, nil
		}
		old = append(old, key)
		return len(old) >= maxForgotten, nil
	})
	if err != nil {
		return err
	}
	for _, key := range old {
		if err := k.ByDay.Remove(ctx, key); err != nil {
			return err
		}
		if err := k.Scores.Remove(ctx, key.K2()); err != nil {
			return err
		}
	}
	return nil
}
