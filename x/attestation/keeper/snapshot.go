package keeper

import (
	"context"
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	"github.com/pold-network/pold/x/attestation/types"
)

// takeSnapshot stores the bonded power of this height once and counts one more user of it.
func (k Keeper) takeSnapshot(ctx sdk.Context) (int64, error) {
	height := ctx.BlockHeight()
	s, err := k.Snapshots.Get(ctx, height)
	if errors.Is(err, collections.ErrNotFound) {
		s, err = k.currentPower(ctx)
	}
	if err != nil {
		return 0, err
	}
	s.References++
	return height, k.Snapshots.Set(ctx, height, s)
}

func (k Keeper) releaseSnapshot(ctx context.Context, height int64) error {
	s, err := k.Snapshots.Get(ctx, height)
	if err != nil {
		return err
	}
	s.References--
	if s.References == 0 {
		return k.Snapshots.Remove(ctx, height)
	}
	return k.Snapshots.Set(ctx, height, s)
}

// currentPower reads the bonded operators; their number is bounded by the staking parameters.
func (k Keeper) currentPower(ctx sdk.Context) (types.Snapshot, error) {
	s := types.Snapshot{Height: ctx.BlockHeight(), TotalWeight: math.ZeroInt()}
	reduction := k.staking.PowerReduction(ctx)
	var inner error
	err := k.staking.IterateBondedValidatorsByPower(ctx, func(_ int64, v stakingtypes.ValidatorI) bool {
		power := v.GetConsensusPower(reduction)
		if power <= 0 {
			return false
		}
		var factor uint64
		if factor, inner = k.weights.FactorE6(ctx, v.GetOperator()); inner != nil {
			return true
		}
		m := types.Member{Operator: v.GetOperator(), Power: power, FactorE6: factor}
		s.Members = append(s.Members, m)
		s.TotalPower += power
		s.TotalWeight = s.TotalWeight.Add(m.Weight())
		return false
	})
	if err = errors.Join(err, inner); err != nil {
		return s, err
	}
	if s.TotalPower == 0 {
		return s, types.ErrNoPower.Wrap("no validator is bonded")
	}
	sortMembers(s.Members)
	return s, nil
}

// liveMembers counts the members whose healthy sidecar signed an extension at or after a height, and their power.
func (k Keeper) liveMembers(ctx sdk.Context, s types.Snapshot, since int64) (n int, power int64, err error) {
	for _, m := range s.Members {
		seen, ok, err := find(ctx, k.Seen, m.Operator)
		if err != nil {
			return 0, 0, err
		}
		if ok && seen >= since {
			n++
			power += m.Power
		}
	}
	return n, power, nil
}

// LiveState returns how many bonded validators are live, and how many have to be for anything to be decided.
func (k Keeper) LiveState(goCtx context.Context) (live, required int, err error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	params, err := k.Params.Get(ctx)
	if err != nil {
		return 0, 0, err
	}
	s, err := k.currentPower(ctx)
	if errors.Is(err, types.ErrNoPower) {
		return 0, params.RequiredLive(0), nil
	}
	if err != nil {
		return 0, 0, err
	}
	live, _, err = k.liveMembers(ctx, s, ctx.BlockHeight()-params.LiveWindow)
	return live, params.RequiredLive(len(s.Members)), err
}
