package keeper

import (
	"context"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// Periods makes the keeper listen to the voting periods of groups.
type Periods struct{ Keeper }

var _ votingtypes.Hooks = Periods{}

// PeriodOpened records what the pay of a proposer in the period depends on.
func (p Periods) PeriodOpened(ctx context.Context, period votingtypes.Period) error {
	return p.recordPeriod(ctx, period)
}

// PeriodChecking implements the hooks; nothing is to be done.
func (Periods) PeriodChecking(context.Context, votingtypes.Period) error { return nil }

// PeriodEnding implements the hooks; nothing is waited for.
func (Periods) PeriodEnding(context.Context, votingtypes.Period) (bool, error) { return false, nil }

// PeriodEnded adopts changes of the group.
func (p Periods) PeriodEnded(ctx context.Context, period votingtypes.Period) error {
	return p.decideChanges(ctx, period)
}

func (k Keeper) recordPeriod(goCtx context.Context, period votingtypes.Period) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	stake, err := k.stake(ctx, period.Group)
	if err != nil {
		return err
	}
	total, err := k.totalStake(ctx)
	if err != nil {
		return err
	}
	return k.PeriodStakes.Set(ctx, period.Group, types.PeriodStake{
		Group: period.Group, OpenedUnixMs: period.OpenedUnixMs, NominalSeconds: period.Seconds,
		Supply: k.bank.GetSupply(ctx, types.BaseDenom).Amount, GroupStake: stake, TotalStake: total,
	})
}

// lowerPeriodStake keeps the least stake of the voting period, as lowerRoundStake does for the round.
func (k Keeper) lowerPeriodStake(ctx context.Context, group string) error {
	p, exists, err := find(ctx, k.PeriodStakes, group)
	if err != nil || !exists {
		return err
	}
	stake, err := k.stake(ctx, group)
	if err != nil || stake.GTE(p.GroupStake) {
		return err
	}
	p.GroupStake = stake
	return k.PeriodStakes.Set(ctx, group, p)
}

// PayProposer mints what an applied change of training data earns in the current voting period of a group, at most once a period,
// and returns it in unrn.
func (k Keeper) PayProposer(goCtx context.Context, group, proposer string) (math.Int, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	p, exists, err := find(ctx, k.PeriodStakes, group)
	if err != nil || !exists || p.Paid {
		return zero, err
	}
	p.Paid = true
	if err := k.PeriodStakes.Set(ctx, group, p); err != nil {
		return zero, err
	}
	g, err := k.group(ctx, group)
	if err != nil || !mints(g) {
		return zero, err
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return zero, err
	}
	total, err := k.totalStake(ctx)
	if err != nil {
		return zero, err
	}
	reward := params.ProposerAmount(types.Coinbase{
		Supply: p.Supply, GroupStake: p.GroupStake, TotalStakeAtOpening: p.TotalStake, TotalStakeAtSettlement: total,
		OpenedUnixMs: p.OpenedUnixMs, SettledUnixMs: ctx.BlockTime().UnixMilli(), NominalSeconds: p.NominalSeconds,
	})
	if err := k.mint(ctx, proposer, reward); err != nil {
		return zero, err
	}
	announceCoinbase(ctx, types.Round{Group: group, Number: g.Round}, "proposer", reward)
	return reward, nil
}

// TrainingSets makes the keeper listen to changes of training sets.
type TrainingSets struct{ *Keeper }

// AfterTableChanged lets the governing group look at once whether it can open a round that it could not open before.
func (t TrainingSets) AfterTableChanged(ctx context.Context, set trainingsettypes.TrainingSet) error {
	g, exists, err := find(ctx, t.Groups, set.Group)
	if err != nil || !exists || g.Note == "" || g.Settings.TrainingSet != set.Name {
		return err
	}
	return t.wake(ctx, g.Name)
}
