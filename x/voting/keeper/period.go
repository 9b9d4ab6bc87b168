package keeper

import (
	"context"
	"errors"
	"fmt"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/voting/types"
)

// retrySeconds is after how long a period that waits is looked at again.
const retrySeconds = 2

// GroupOpened opens the first period of a group. Its length is the default until stakeholders change it.
func (k Keeper) GroupOpened(ctx context.Context, group string, stake math.Int) error {
	if has, err := k.Periods.Has(ctx, group); err != nil || has {
		return err
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	p := types.Period{Group: group, Seconds: params.DefaultPeriodSeconds, Tally: types.NewTally(1)}
	p.Tally.Add(1, stake, stake)
	return k.open(sdk.UnwrapSDKContext(ctx), params, p)
}

// open opens the period after p. A chain that stood still does not make up for periods: the next one starts now.
func (k Keeper) open(ctx sdk.Context, params types.Params, p types.Period) error {
	p.Number++
	p.Phase = types.PERIOD_PHASE_OPEN
	p.OpenedUnixMs = ctx.BlockTime().UnixMilli()
	// Governance may have narrowed the bounds since.
	p.Seconds = min(max(p.Seconds, params.MinPeriodSeconds), params.MaxPeriodSeconds)
	// Rounded up, so that a period is never shorter than its length.
	p.EndsUnix = (p.OpenedUnixMs+999)/1_000 + int64(p.Seconds)
	p.Tally = p.Tally.At(p.Number)
	if err := k.Periods.Set(ctx, p.Group, p); err != nil {
		return err
	}
	emit(ctx, &types.EventPeriodOpened{Group: p.Group, Number: p.Number, EndsUnix: p.EndsUnix})
	if err := k.schedule(ctx, p.Group, params.CheckUnix(p)); err != nil {
		return err
	}
	k.tell(ctx, "period opened of "+p.Group, func(ctx sdk.Context, h types.Hooks) error { return h.PeriodOpened(ctx, p) })
	return nil
}

// step moves the period of a due group on.
func (k Keeper) step(ctx sdk.Context, group string) error {
	p, err := k.Periods.Get(ctx, group)
	if err != nil {
		return err
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	now := ctx.BlockTime().Unix()
	if p.Phase == types.PERIOD_PHASE_OPEN {
		p.Phase = types.PERIOD_PHASE_CHECK
		if err := k.Periods.Set(ctx, group, p); err != nil {
			return err
		}
		k.tell(ctx, "check of "+group, func(ctx sdk.Context, h types.Hooks) error { return h.PeriodChecking(ctx, p) })
		return k.schedule(ctx, group, p.EndsUnix)
	}
	if now < p.EndsUnix { // stakeholders can't move an end, but a genesis file could
		return k.schedule(ctx, group, p.EndsUnix)
	}
	waits := false
	k.tell(ctx, "end of "+group, func(ctx sdk.Context, h types.Hooks) error {
		wait, err := h.PeriodEnding(ctx, p)
		waits = waits || err == nil && wait
		return err
	})
	if waits && now < p.EndsUnix+int64(params.GraceSeconds) {
		return k.schedule(ctx, group, now+retrySeconds)
	}
	k.tell(ctx, "outcome of "+group, func(ctx sdk.Context, h types.Hooks) error { return h.PeriodEnded(ctx, p) })
	if p, err = k.Periods.Get(ctx, group); err != nil { // its length and ballots may have changed
		return err
	}
	return k.open(ctx, params, p)
}

// SetPeriod sets the length of the periods of a group from the next one on.
func (k Keeper) SetPeriod(ctx context.Context, group string, seconds uint64) error {
	if err := k.CheckPeriod(ctx, seconds); err != nil {
		return err
	}
	p, err := k.Period(ctx, group)
	if err != nil {
		return err
	}
	p.Seconds = seconds
	return k.Periods.Set(ctx, group, p)
}

// CheckPeriod checks the length of a period.
func (k Keeper) CheckPeriod(ctx context.Context, seconds uint64) error {
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	return params.CheckPeriod(seconds)
}

// Period returns the current period of a group, its tally as it is now.
func (k Keeper) Period(ctx context.Context, group string) (types.Period, error) {
	p, err := k.Periods.Get(ctx, group)
	if errors.Is(err, collections.ErrNotFound) {
		return p, types.ErrNoPeriod.Wrapf("%q; only groups that exist and are no sandbox have stakeholders", group)
	}
	p.Tally = p.Tally.At(p.Number)
	return p, err
}

// schedule says when a group has something to do; it replaces what was said before.
func (k Keeper) schedule(ctx context.Context, group string, unix int64) error {
	old, ok, err := find(ctx, k.DueByGroup, group)
	if err != nil {
		return err
	}
	if ok {
		if err := k.Due.Remove(ctx, collections.Join(old, group)); err != nil {
			return err
		}
	}
	if err := k.Due.Set(ctx, collections.Join(unix, group)); err != nil {
		return err
	}
	return k.DueByGroup.Set(ctx, group, unix)
}

// tell calls each listener in a cached context of its own: what one does wrong stops neither the others nor the period.
func (k Keeper) tell(ctx sdk.Context, item string, call func(ctx sdk.Context, h types.Hooks) error) {
	for _, h := range *k.hooks {
		k.try(ctx, item, func(ctx sdk.Context) error { return call(ctx, h) })
	}
}

// try runs one item in a cached context; an error or panic drops its writes and becomes an event.
func (k Keeper) try(ctx sdk.Context, item string, work func(ctx sdk.Context) error) bool {
	cached, write := ctx.CacheContext()
	err := func() (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		return work(cached)
	}()
	if err != nil {
		emit(ctx, &types.EventItemFailed{Item: item, Error: err.Error()})
		return false
	}
	write()
	return true
}
