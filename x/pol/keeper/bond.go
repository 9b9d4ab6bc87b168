package keeper

import (
	"context"
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
)

// maxPayouts bounds how many unbondings are paid out in one block; the others follow in the next.
const maxPayouts = 64

// BondGroup stakes NRN of an account on a group.
func (k Keeper) BondGroup(ctx context.Context, address, group string, amount math.Int) error {
	g, err := k.group(ctx, group)
	if err != nil {
		return err
	}
	if g.Settings.Sandbox {
		return types.ErrInvalidGroup.Wrapf("%q is a sandbox group: it has no stake", group)
	}
	if err := k.escrow(ctx, address, amount); err != nil {
		return err
	}
	key := collections.Join(group, address)
	b, exists, err := find(ctx, k.Bonds, key)
	if err != nil {
		return err
	}
	if !exists {
		b = types.GroupBond{Group: group, Address: address, Amount: math.ZeroInt()}
	}
	b.Amount = b.Amount.Add(amount)
	b.SinceHeight = sdk.UnwrapSDKContext(ctx).BlockHeight()
	if err := k.Bonds.Set(ctx, key, b); err != nil {
		return err
	}
	if err := k.addStake(ctx, group, amount); err != nil {
		return err
	}
	emit(ctx, &types.EventBonded{Group: group, Address: address, Amount: amount})
	return nil
}

// UnbondGroup takes stake off a group at once and pays it out after the delay, so that the same coins can't stand
// behind two rounds. It returns the time of the payout.
func (k Keeper) UnbondGroup(goCtx context.Context, address, group string, amount math.Int) (int64, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	params, err := k.Params.Get(ctx)
	if err != nil {
		return 0, err
	}
	key := collections.Join(group, address)
	b, exists, err := find(ctx, k.Bonds, key)
	if err != nil {
		return 0, err
	}
	if !exists || !amount.IsPositive() || b.Amount.LT(amount) {
		have := math.ZeroInt()
		if exists {
			have = b.Amount
		}
		return 0, types.ErrInsufficientBond.Wrapf("group %q: expected 1 to %s unrn, got %s", group, have, amount)
	}
	b.Amount = b.Amount.Sub(amount)
	if b.Amount.IsZero() {
		err = k.Bonds.Remove(ctx, key)
	} else {
		err = k.Bonds.Set(ctx, key, b)
	}
	if err != nil {
		return 0, err
	}
	if err := k.addStake(ctx, group, amount.Neg()); err != nil {
		return 0, err
	}
	id, err := k.NextUnbonding.Next(ctx)
	if err != nil {
		return 0, err
	}
	u := types.Unbonding{
		Id: id, Group: group, Address: address, Amount: amount,
		CompletionUnix: ctx.BlockTime().Unix() + int64(params.UnbondingSeconds),
	}
	emit(ctx, &types.EventUnbonding{Group: group, Address: address, Amount: amount, CompletionUnix: u.CompletionUnix})
	return u.CompletionUnix, k.setUnbonding(ctx, u)
}

func (k Keeper) setUnbonding(ctx context.Context, u types.Unbonding) error {
	return errors.Join(
		k.Unbondings.Set(ctx, u.Id, u),
		k.UnbondingsDue.Set(ctx, collections.Join(u.CompletionUnix, u.Id)),
		k.UnbondingsByAddress.Set(ctx, collections.Join(u.Address, u.Id)),
	)
}

// addStake keeps the stake of a group and of all groups; delta may be negative.
func (k Keeper) addStake(ctx context.Context, group string, delta math.Int) error {
	stake, err := k.stake(ctx, group)
	if err != nil {
		return err
	}
	if err := k.Stakes.Set(ctx, group, stake.Add(delta)); err != nil {
		return err
	}
	return k.updateTotals(ctx, func(t *types.Totals) { t.Bonded = t.Bonded.Add(delta) })
}

// stake returns the bonded stake of a group.
func (k Keeper) stake(ctx context.Context, group string) (math.Int, error) {
	s, exists, err := find(ctx, k.Stakes, group)
	if err != nil || !exists {
		return math.ZeroInt(), err
	}
	return s, nil
}

// payUnbonded pays out what has waited long enough; each payout stands alone.
func (k Keeper) payUnbonded(ctx sdk.Context) error {
	now := ctx.BlockTime().Unix()
	var ids []uint64
	err := k.UnbondingsDue.Walk(ctx, nil, func(key collections.Pair[int64, uint64]) (bool, error) {
		if key.K1() > now || len(ids) >= maxPayouts {
			return true, nil
		}
		ids = append(ids, key.K2())
		return false, nil
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		k.try(ctx, "unbonding", func(ctx sdk.Context) error { return k.payUnbonding(ctx, id) })
	}
	return nil
}

func (k Keeper) payUnbonding(ctx sdk.Context, id uint64) error {
	u, err := k.Unbondings.Get(ctx, id)
	if err != nil {
		return err
	}
	if err := k.release(ctx, u.Address, u.Amount); err != nil {
		return err
	}
	return errors.Join(
		k.Unbondings.Remove(ctx, id),
		k.UnbondingsDue.Remove(ctx, collections.Join(u.CompletionUnix, id)),
		k.UnbondingsByAddress.Remove(ctx, collections.Join(u.Address, id)),
	)
}
