package keeper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
)

// maxPayouts bounds how many unbondings are paid out in one block; the others follow in the next.
const maxPayouts = 64

// maxUnbondings bounds how many unbondings an account has at a time, so that nobody fills the queue of payouts.
const maxUnbondings = 64

// payoutRetry is how many seconds a payout that failed waits, so that it doesn't hold up those behind it.
const payoutRetry = 3_600

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
	before := b.Amount
	b.Amount = b.Amount.Add(amount)
	b.SinceHeight = sdk.UnwrapSDKContext(ctx).BlockHeight()
	if err := k.Bonds.Set(ctx, key, b); err != nil {
		return err
	}
	if err := k.addStake(ctx, group, amount); err != nil {
		return err
	}
	if err := k.voting.BondChanged(ctx, group, address, before, b.Amount); err != nil {
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
	if !exists {
		return 0, types.ErrInsufficientBond.Wrapf("%s has no stake in group %q", address, group)
	}
	if amount.IsNil() || !amount.IsPositive() || b.Amount.LT(amount) {
		return 0, types.ErrInsufficientBond.Wrapf("group %q: expected 1 to %s unrn, got %s", group, b.Amount, amount)
	}
	if err := k.checkUnbondings(ctx, address); err != nil {
		return 0, err
	}
	before := b.Amount
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
	if err := k.lowerRoundStake(ctx, group); err != nil {
		return 0, err
	}
	if err := k.lowerPeriodStake(ctx, group); err != nil {
		return 0, err
	}
	// Nothing about votes may keep somebody's coins from coming back.
	k.try(ctx, "votes of "+address, func(ctx sdk.Context) error { return k.voting.BondChanged(ctx, group, address, before, b.Amount) })
	if err := k.addLeaving(ctx, amount); err != nil {
		return 0, err
	}
	id, err := k.NextUnbonding.Next(ctx)
	if err != nil {
		return 0, err
	}
	u := types.Unbonding{
		Id: id, Group: group, Address: address, Amount: amount,
		CompletionUnix: ceilUnix(ctx.BlockTime()) + int64(params.UnbondingSeconds),
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

// ceilUnix rounds up, so that no stake comes back before the whole delay has passed.
func ceilUnix(t time.Time) int64 {
	return t.Add(time.Second - 1).Unix()
}

func (k Keeper) checkUnbondings(ctx context.Context, address string) error {
	n := 0
	err := k.UnbondingsByAddress.Walk(ctx, collections.NewPrefixedPairRange[string, uint64](address),
		func(collections.Pair[string, uint64]) (bool, error) {
			n++
			return n >= maxUnbondings, nil
		})
	if err == nil && n >= maxUnbondings {
		return types.ErrTooManyUnbondings.Wrapf("%s has %d unbondings on their way; wait for one to be paid out, or unbond more at once", address, n)
	}
	return err
}

// lowerRoundStake keeps the least stake of the open round: what left in between does not count at settlement, even if
// other coins took its place.
func (k Keeper) lowerRoundStake(ctx context.Context, group string) error {
	g, err := k.group(ctx, group)
	if err != nil || g.Round == 0 {
		return err
	}
	r, err := k.Rounds.Get(ctx, collections.Join(group, g.Round))
	if err != nil || r.Phase == types.ROUND_PHASE_SETTLED {
		return err
	}
	stake, err := k.stake(ctx, group)
	if err != nil || stake.GTE(r.GroupStake) {
		return err
	}
	r.GroupStake = stake
	return k.setRound(ctx, r)
}

// addLeaving keeps the sum of stake on its way back; delta may be negative.
func (k Keeper) addLeaving(ctx context.Context, delta math.Int) error {
	sum, err := k.Leaving.Get(ctx)
	if err != nil {
		return err
	}
	return k.Leaving.Set(ctx, sum.Add(delta))
}

// totalStake returns the stake of all groups and what is on its way back. The latter still counts against the others:
// coins that stood behind one group a moment ago must not make the share of another one larger.
func (k Keeper) totalStake(ctx context.Context) (math.Int, error) {
	totals, err := k.Totals.Get(ctx)
	if err != nil {
		return math.Int{}, err
	}
	leaving, err := k.Leaving.Get(ctx)
	if err != nil {
		return math.Int{}, err
	}
	return totals.Bonded.Add(leaving), nil
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
		if k.try(ctx, fmt.Sprintf("unbonding %d", id), func(ctx sdk.Context) error { return k.payUnbonding(ctx, id) }) {
			continue
		}
		k.try(ctx, fmt.Sprintf("unbonding %d", id), func(ctx sdk.Context) error { return k.postpone(ctx, id, now+payoutRetry) })
	}
	return nil
}

func (k Keeper) postpone(ctx context.Context, id uint64, completion int64) error {
	u, err := k.Unbondings.Get(ctx, id)
	if err != nil {
		return err
	}
	if err := k.UnbondingsDue.Remove(ctx, collections.Join(u.CompletionUnix, id)); err != nil {
		return err
	}
	u.CompletionUnix = completion
	return k.setUnbonding(ctx, u)
}

func (k Keeper) payUnbonding(ctx sdk.Context, id uint64) error {
	u, err := k.Unbondings.Get(ctx, id)
	if err != nil {
		return err
	}
	if err := k.release(ctx, u.Address, u.Amount); err != nil {
		return err
	}
	if err := k.addLeaving(ctx, u.Amount.Neg()); err != nil {
		return err
	}
	return errors.Join(
		k.Unbondings.Remove(ctx, id),
		k.UnbondingsDue.Remove(ctx, collections.Join(u.CompletionUnix, id)),
		k.UnbondingsByAddress.Remove(ctx, collections.Join(u.Address, id)),
	)
}
