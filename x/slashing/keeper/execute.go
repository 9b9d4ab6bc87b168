package keeper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	slashingtypes "github.com/cosmos/cosmos-sdk/x/slashing/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	poltypes "github.com/pold-network/pold/x/pol/types"
	"github.com/pold-network/pold/x/slashing/types"
)

const (
	// maxExecutions bounds how many validators have their turn in one block.
	maxExecutions = 16
	// retrySeconds is how long a penalty that could not be carried out is put off, so that it does not hold up others.
	retrySeconds = 3_600
)

// errNotToday says that the day's bound on power leaves no room.
var errNotToday = errors.New("the day's bound on power leaves no room")

// executeDue carries out due penalties, validator by validator in the order of their oldest one, and all that is due of
// a validator together, because its power counts once a day. The first validator that does not fit into the day's bound
// ends it: nobody is overtaken, so nobody waits for ever.
func (k Keeper) executeDue(ctx sdk.Context, params types.Params) error {
	now := ctx.BlockTime().Unix()
	due, err := firstBefore(ctx, k.PenaltiesQueue, now+1, maxExecutions)
	if err != nil {
		return err
	}
	for _, key := range due {
		oldest, err := k.Penalties.Get(ctx, key.K2())
		if err != nil {
			return err
		}
		if oldest.Status != types.PENALTY_STATUS_QUEUED || oldest.DueUnix > now {
			continue // it had its turn together with an older one
		}
		waiting, err := k.waiting(ctx, oldest.Operator)
		if err != nil {
			return err
		}
		for _, p := range waiting {
			if p.DueUnix > now {
				continue
			}
			err := run(ctx, func(ctx sdk.Context) error { return k.execute(ctx, params, p) })
			if errors.Is(err, errNotToday) {
				return nil
			}
			if err != nil {
				fail(ctx, fmt.Sprintf("penalty %d", p.Id), err)
				try(ctx, fmt.Sprintf("retry of penalty %d", p.Id), func(ctx sdk.Context) error { return k.putOff(ctx, p) })
			}
		}
	}
	return nil
}

// putOff lets a penalty that could not be carried out try again later.
func (k Keeper) putOff(ctx sdk.Context, p types.Penalty) error {
	if err := k.PenaltiesQueue.Remove(ctx, collections.Join(p.DueUnix, p.Id)); err != nil {
		return err
	}
	p.DueUnix = ctx.BlockTime().Unix() + retrySeconds
	return k.restorePenalty(ctx, p)
}

// execute carries out one penalty, or finds it void.
func (k Keeper) execute(ctx sdk.Context, params types.Params, p types.Penalty) error {
	v, info, why, err := k.target(ctx, p.Operator)
	if err != nil {
		return err
	}
	if why != "" {
		p.Status, p.Note = types.PENALTY_STATUS_VOID, why
		return k.finish(ctx, p)
	}
	if err := k.takePower(ctx, params, p, v); err != nil {
		return err
	}
	address, err := v.GetConsAddr()
	if err != nil {
		return err
	}
	if p.Kind.Slashes() {
		if p.Burned, err = k.slash(ctx, p, address); err != nil {
			return err
		}
	}
	if p.Kind.Jails() {
		if err := k.jail(ctx, params, v, info, address); err != nil {
			return err
		}
	}
	p.Status = types.PENALTY_STATUS_EXECUTED
	return k.finish(ctx, p)
}

// target returns the validator that a penalty is against, and its signing info, which is nil when it never signed. The
// reason is not empty when there is nobody left to punish.
func (k Keeper) target(ctx context.Context, operator string) (stakingtypes.Validator, *slashingtypes.ValidatorSigningInfo, string, error) {
	address, err := k.valCodec.StringToBytes(operator)
	if err != nil {
		return stakingtypes.Validator{}, nil, "", err
	}
	v, err := k.Staking.GetValidator(ctx, address)
	if errors.Is(err, stakingtypes.ErrNoValidatorFound) {
		return v, nil, "the validator is gone", nil
	}
	if err != nil {
		return v, nil, "", err
	}
	if v.IsUnbonded() {
		return v, nil, "the validator has unbonded", nil
	}
	consensus, err := v.GetConsAddr()
	if err != nil {
		return v, nil, "", err
	}
	info, err := k.Slashing.GetValidatorSigningInfo(ctx, consensus)
	if errors.Is(err, slashingtypes.ErrNoSigningInfoFound) {
		return v, nil, "", nil
	}
	if err != nil {
		return v, nil, "", err
	}
	if info.Tombstoned {
		return v, nil, "the validator is tombstoned: it was punished for double signing and is out for ever", nil
	}
	return v, &info, "", nil
}

// takePower counts the validator against the day's bound, once a day: with the larger of the power it has and the
// power it had at the fault, so that power that moved away does not make room.
func (k Keeper) takePower(ctx context.Context, params types.Params, p types.Penalty, v stakingtypes.Validator) error {
	now := sdk.UnwrapSDKContext(ctx).BlockTime().Unix()
	total, err := k.Staking.GetLastTotalPower(ctx)
	if err != nil {
		return err
	}
	reduction := k.Staking.PowerReduction(ctx)
	if p.Kind.Jails() && !v.IsJailed() && v.IsBonded() && v.GetConsensusPower(reduction) >= total.Int64() {
		return fmt.Errorf("%s makes all blocks alone: jailing it would stop the chain", p.Operator)
	}
	stored, err := k.today(ctx)
	if err != nil {
		return err
	}
	today := stored.At(now)
	if today.Day != stored.Day {
		if err := k.Penalised.Clear(ctx, nil); err != nil {
			return err
		}
	}
	counted, err := k.Penalised.Has(ctx, p.Operator)
	if err != nil || counted {
		return err
	}
	power := max(p.Power, v.PotentialConsensusPower(reduction))
	if !today.Fits(power, total.Int64(), params) {
		return errNotToday
	}
	today.Power += power
	if err := k.Today.Set(ctx, today); err != nil {
		return err
	}
	return k.Penalised.Set(ctx, p.Operator)
}

// slash takes the stake and returns what was burned, measured by the supply: the staking keeper's own figure leaves out
// what it took from stake that has begun to unbond or to redelegate.
func (k Keeper) slash(ctx sdk.Context, p types.Penalty, address sdk.ConsAddress) (math.Int, error) {
	before := k.Bank.GetSupply(ctx, poltypes.BaseDenom).Amount
	fraction := math.LegacyNewDecWithPrec(int64(p.SlashE6), 6)
	// A chain that was exported and started again may count its heights from the beginning.
	height := min(p.InfractionHeight, ctx.BlockHeight())
	if _, err := k.Staking.Slash(ctx, address, height, p.Power, fraction); err != nil {
		return math.Int{}, err
	}
	burned := before.Sub(k.Bank.GetSupply(ctx, poltypes.BaseDenom).Amount)
	if burned.IsNegative() {
		return math.Int{}, fmt.Errorf("slash of penalty %d: expected the supply to fall, it rose by %s", p.Id, burned.Neg())
	}
	return burned, k.Pol.CountBurned(ctx, burned)
}

// jail jails the validator; of one that is jailed already, for whatever reason, only the time is prolonged.
func (k Keeper) jail(ctx sdk.Context, params types.Params, v stakingtypes.Validator, info *slashingtypes.ValidatorSigningInfo, address sdk.ConsAddress) error {
	if !v.IsJailed() {
		if err := k.Slashing.Jail(ctx, address); err != nil {
			return err
		}
	}
	until := ctx.BlockTime().Add(time.Duration(params.JailSeconds) * time.Second)
	if info == nil || !info.JailedUntil.Before(until) {
		return nil // it never signed, so there is nothing to write the time to; or it has longer to wait anyway
	}
	return k.Slashing.JailUntil(ctx, address, until)
}

// today returns the day whose use of the bound is stored; it may have passed.
func (k Keeper) today(ctx context.Context) (types.Day, error) {
	d, err := k.Today.Get(ctx)
	if errors.Is(err, collections.ErrNotFound) {
		return types.Day{}, nil
	}
	return d, err
}
