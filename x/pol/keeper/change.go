package keeper

import (
	"context"
	"errors"
	"fmt"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

const (
	// keepPeriods is how many voting periods a change that was not adopted is remembered. Adopted ones are for ever.
	keepPeriods = 8
	// maxChanges bounds the open changes of a group, and how many old ones are forgotten at the end of a period.
	maxChanges = 64
)

// ProposeGroupChange opens a vote of a group's stakeholders on its times or its model.
func (k Keeper) ProposeGroupChange(ctx context.Context, m *types.MsgProposeGroupChange) (types.GroupChange, error) {
	c := types.GroupChange{
		Group: m.Group, Proposer: m.Sender, Times: m.Times, Model: m.Model, Summary: m.Summary,
		Status: types.GROUP_CHANGE_STATUS_OPEN, Support: zero, OfStake: zero,
	}
	g, err := k.group(ctx, m.Group)
	if err != nil {
		return c, err
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return c, err
	}
	if err := errors.Join(c.Validate(), trainingsettypes.ValidateText("summary", m.Summary, types.MaxChangeSummary, true)); err != nil {
		return c, err
	}
	if err := k.checkChange(ctx, params, g, c); err != nil {
		return c, err
	}
	period, err := k.voting.Period(ctx, g.Name)
	if err != nil {
		return c, err
	}
	standing, err := k.voting.VoterStanding(ctx, g.Name, m.Sender)
	if err != nil {
		return c, err
	}
	if all := period.Tally.Standing; !votingtypes.Reaches(standing, all, params.ChangeStakeE6, 1_000_000) {
		return c, types.ErrInsufficientBond.Wrapf("group %q: expected %d millionths of the %s unrn that stood since the voting period opened, %s has %s",
			g.Name, params.ChangeStakeE6, all, m.Sender, standing)
	}
	open, err := k.openChanges(ctx, g.Name)
	if err != nil {
		return c, err
	}
	if len(open) >= maxChanges {
		return c, types.ErrInvalidChange.Wrapf("group %q has %d open changes; wait until one is decided", g.Name, len(open))
	}
	for _, other := range open {
		if other.Proposer == m.Sender {
			return c, types.ErrInvalidChange.Wrapf("%s has proposed change %d, which is open; wait until it is decided", m.Sender, other.Id)
		}
	}
	if c.Id, err = k.NextChange.Next(ctx); err != nil {
		return c, err
	}
	c.LastPeriod = period.Number + params.ChangePeriods - 1
	if c.Ballot, err = k.voting.OpenBallot(ctx, g.Name, types.ModuleName, c.Id, c.Subject()); err != nil {
		return c, err
	}
	return c, errors.Join(
		k.setChange(ctx, c),
		k.ChangesByGroup.Set(ctx, collections.Join(g.Name, c.Id)),
		k.OpenChanges.Set(ctx, collections.Join(g.Name, c.Id)),
	)
}

// checkChange checks that a group could work with a change.
func (k Keeper) checkChange(ctx context.Context, params types.Params, g types.Group, c types.GroupChange) error {
	settings := g.Settings.With(c)
	shape, err := settings.Validate(params)
	if err != nil {
		return err
	}
	if c.Times != nil {
		if c.Times.PeriodSeconds == 0 {
			return nil
		}
		return k.voting.CheckPeriod(ctx, c.Times.PeriodSeconds)
	}
	if hash, err := c.Model.Hash(); err != nil {
		return err
	} else if string(hash) == string(g.ModelHash) {
		return types.ErrInvalidChange.Wrap("model: it is the one that the group has")
	}
	set, err := k.trainingSets.Verified(ctx, settings.TrainingSet)
	if err != nil {
		return err
	}
	if err := settings.Fits(shape, set.Table); err != nil {
		return err
	}
	return k.checkCost(ctx, params, settings, shape, set.Table, shape.ScoreCost(set.Table.Rows, set.Table.Work()))
}

// decideChanges adopts, at the end of a voting period, what enough stake is behind, and lets old proposals lapse.
func (k Keeper) decideChanges(goCtx context.Context, period votingtypes.Period) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	open, err := k.openChanges(ctx, period.Group)
	if err != nil {
		return err
	}
	for _, c := range open {
		k.try(ctx, fmt.Sprintf("change %d of %s", c.Id, c.Group), func(ctx sdk.Context) error { return k.decideChange(ctx, period, c) })
	}
	k.try(ctx, "old changes of "+period.Group, func(ctx sdk.Context) error { return k.forgetChanges(ctx, period) })
	return nil
}

func (k Keeper) decideChange(ctx sdk.Context, period votingtypes.Period, c types.GroupChange) error {
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	if c.Support, c.OfStake, err = k.voting.Standing(ctx, c.Ballot); err != nil {
		return err
	}
	// Too little stake decides nothing: the first to bond to a group would decide for all who come.
	adopted := c.OfStake.GTE(params.MinGroupStake) && c.Adopted(c.Support, c.OfStake)
	if !adopted && period.Number < c.LastPeriod {
		return nil
	}
	g, err := k.group(ctx, c.Group)
	if err != nil {
		return err
	}
	if err := errors.Join(k.voting.CloseBallot(ctx, c.Ballot), k.OpenChanges.Remove(ctx, collections.Join(c.Group, c.Id))); err != nil {
		return err
	}
	if !adopted {
		return k.dropChange(ctx, period, c, types.GROUP_CHANGE_STATUS_EXPIRED, "too little stake was behind it for its last period")
	}
	c.Status, c.Note, c.ActivatesUnix = types.GROUP_CHANGE_STATUS_ADOPTED, "takes effect with the next round", ctx.BlockTime().Unix()
	if c.Model != nil {
		c.ActivatesUnix += int64(params.ActivationSeconds)
		c.Note = "takes effect with the first round after the activation delay"
	} else if s := c.Times.PeriodSeconds; s != 0 { // the next voting period has the new length
		if err := k.voting.SetPeriod(ctx, g.Name, s); err != nil { // governance has narrowed the bounds since
			return k.dropChange(ctx, period, c, types.GROUP_CHANGE_STATUS_FAILED, err.Error())
		}
	}
	g.PendingChanges = append(g.PendingChanges, c.Id)
	return errors.Join(k.setChange(ctx, c), k.Groups.Set(ctx, g.Name, g))
}

// dropChange ends a change that was not adopted; it is remembered for a while.
func (k Keeper) dropChange(ctx context.Context, period votingtypes.Period, c types.GroupChange, status types.GroupChangeStatus, note string) error {
	c.Status, c.Note = status, note
	return errors.Join(k.setChange(ctx, c), k.OldChanges.Set(ctx, collections.Join3(c.Group, period.Number, c.Id)))
}

// forgetChanges removes changes that were not adopted some periods ago.
func (k Keeper) forgetChanges(ctx context.Context, period votingtypes.Period) error {
	var old []collections.Triple[string, uint64, uint64]
	if err := k.OldChanges.Walk(ctx, collections.NewPrefixedTripleRange[string, uint64, uint64](period.Group), func(key collections.Triple[string, uint64, uint64]) (bool, error) {
		if key.K2()+keepPeriods > period.Number || len(old) >= maxChanges {
			return true, nil
		}
		old = append(old, key)
		return false, nil
	}); err != nil {
		return err
	}
	for _, key := range old {
		if err := errors.Join(k.OldChanges.Remove(ctx, key), k.Changes.Remove(ctx, key.K3()), k.ChangesByGroup.Remove(ctx, collections.Join(key.K1(), key.K3()))); err != nil {
			return err
		}
	}
	return nil
}

// applyChanges makes adopted changes whose time has come part of the group, before a round opens.
func (k Keeper) applyChanges(ctx sdk.Context, g *types.Group) error {
	if len(g.PendingChanges) == 0 {
		return nil
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	var later []uint64
	for _, id := range g.PendingChanges {
		c, err := k.Changes.Get(ctx, id)
		if err != nil {
			return err
		}
		if c.ActivatesUnix > ctx.BlockTime().Unix() {
			later = append(later, id)
			continue
		}
		c.Status, c.Note = types.GROUP_CHANGE_STATUS_ACTIVE, fmt.Sprintf("from round %d on", g.Round+1)
		if err := k.checkChange(ctx, params, *g, c); err != nil { // parameters or data have changed since
			c.Status, c.Note = types.GROUP_CHANGE_STATUS_FAILED, err.Error()
		} else if err := change(g, c); err != nil {
			return err
		} else if c.Model != nil {
			if err := k.dropBatches(ctx, g.Name); err != nil {
				return err
			}
		}
		if err := k.setChange(ctx, c); err != nil {
			return err
		}
	}
	g.PendingChanges = later
	return k.Groups.Set(ctx, g.Name, *g)
}

// change makes a change part of a group. Another model starts a lineage of its own, with the weights of layers that stay.
func change(g *types.Group, c types.GroupChange) error {
	was := g.Settings.Model
	g.Settings = g.Settings.With(c)
	if c.Model == nil {
		return nil
	}
	if g.Parent.Cid != "" { // otherwise what the lineage started from carries over once more
		g.Carried = &types.CarriedWeights{Checkpoint: g.Parent, Model: was}
	}
	g.Parent = types.Checkpoint{}
	g.ModelVersion++
	var err error
	g.ModelHash, err = g.Settings.Model.Hash()
	return err
}

func (k Keeper) setChange(ctx context.Context, c types.GroupChange) error {
	emit(ctx, &types.EventGroupChange{Change: c.Id, Group: c.Group, Status: c.Status, Note: c.Note})
	return k.Changes.Set(ctx, c.Id, c)
}

// openChanges returns the changes of a group that can be voted for: at most maxChanges.
func (k Keeper) openChanges(ctx context.Context, group string) ([]types.GroupChange, error) {
	var open []types.GroupChange
	err := k.OpenChanges.Walk(ctx, collections.NewPrefixedPairRange[string, uint64](group), func(key collections.Pair[string, uint64]) (bool, error) {
		c, err := k.Changes.Get(ctx, key.K2())
		open = append(open, c)
		return false, err
	})
	return open, err
}

// dropBatches forgets the batches of a group's coming rounds: they were made, checked and priced for another model. Their providers may
// hand in new ones or take their bonds back.
func (k Keeper) dropBatches(ctx context.Context, group string) error {
	var keys []collections.Triple[string, uint64, string]
	if err := k.Batches.Walk(ctx, collections.NewPrefixedTripleRange[string, uint64, string](group), func(key collections.Triple[string, uint64, string], _ types.SealedBatch) (bool, error) {
		keys = append(keys, key)
		return false, nil
	}); err != nil {
		return err
	}
	for _, key := range keys {
		if err := k.Batches.Remove(ctx, key); err != nil {
			return err
		}
	}
	return nil
}
