package keeper

import (
	"context"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/voting/types"
)

const (
	// maxGroups bounds how many groups a block moves on, maxBallots how many open ballots they may have together (one group
	// is always served); the others follow in the next blocks.
	maxGroups  = 10
	maxBallots = 2_000
	// maxSwept bounds how many votes for decided ballots a block removes.
	maxSwept = 200
)

// EndBlock moves at most maxGroups due groups on, longest waiting first, and clears away decided ballots. What it costs does
// not depend on how many accounts have voted.
func (k Keeper) EndBlock(goCtx context.Context) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	groups, err := k.dueGroups(ctx)
	if err != nil {
		return err
	}
	for _, group := range groups {
		if k.try(ctx, "period of "+group, func(ctx sdk.Context) error { return k.step(ctx, group) }) {
			continue
		}
		if err := k.schedule(ctx, group, ctx.BlockTime().Unix()+retrySeconds); err != nil {
			return err
		}
	}
	k.try(ctx, "decided ballots", func(ctx sdk.Context) error { return k.sweep(ctx) })
	return nil
}

func (k Keeper) dueGroups(ctx sdk.Context) ([]string, error) {
	now := ctx.BlockTime().Unix()
	var groups []string
	ballots := uint32(0)
	err := k.Due.Walk(ctx, nil, func(key collections.Pair[int64, string]) (bool, error) {
		if key.K1() > now || len(groups) >= maxGroups {
			return true, nil
		}
		p, _, err := find(ctx, k.Periods, key.K2())
		if err != nil {
			return true, err
		}
		if ballots += p.OpenBallots; len(groups) > 0 && ballots > maxBallots {
			return true, nil
		}
		groups = append(groups, key.K2())
		return false, nil
	})
	return groups, err
}

// sweep removes votes for decided ballots, and the ballots that have none left.
func (k Keeper) sweep(ctx sdk.Context) error {
	var ids []uint64
	if err := k.Closed.Walk(ctx, nil, func(id uint64) (bool, error) {
		ids = append(ids, id)
		return len(ids) >= maxSwept, nil
	}); err != nil {
		return err
	}
	left := maxSwept
	for _, id := range ids {
		b, err := k.Ballots.Get(ctx, id)
		if err != nil {
			return err
		}
		n, err := k.sweepBallot(ctx, b, left)
		if err != nil {
			return err
		}
		if left -= n + 1; left <= 0 {
			return nil
		}
	}
	return nil
}

// sweepBallot removes at most limit votes of a decided ballot, and the ballot when no vote is left.
func (k Keeper) sweepBallot(ctx context.Context, b types.Ballot, limit int) (int, error) {
	var voters []string
	if err := k.Votes.Walk(ctx, collections.NewPrefixedPairRange[uint64, string](b.Id), func(key collections.Pair[uint64, string]) (bool, error) {
		voters = append(voters, key.K2())
		return len(voters) >= limit, nil
	}); err != nil {
		return 0, err
	}
	for _, voter := range voters {
		if err := k.removeVote(ctx, b.Group, b.Id, voter); err != nil {
			return 0, err
		}
	}
	if len(voters) == limit { // there may be more
		return limit, nil
	}
	if err := k.Closed.Remove(ctx, b.Id); err != nil {
		return 0, err
	}
	return len(voters), k.Ballots.Remove(ctx, b.Id)
}
