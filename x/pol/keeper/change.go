package keeper

import (
	"context"
	"errors"
	"fmt"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// keepPeriods is how many voting periods a decided change is remembered.
const keepPeriods = 8

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
	all, err := k.changes(ctx, g.Name)
	if err != nil {
		return c, err
	}
	for _, other := range all {
		if other.Proposer == m.Sender && other.Status == types.GROUP_CHANGE_STATUS_OPEN {
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
	return c, errors.Join(k.setChange(ctx, c), k.ChangesByGroup.Set(ctx, collections.Join(g.Name, c.Id)))
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
	all, err := k.changes(ctx, period.Group)
	if err != nil {
		return err
	}
	for _, c := range all {
		k.try(ctx, fmt.Sprintf("change %d of %s", c.Id, c.Group), func(ctx sdk.Context) error { return k.decideChange(ctx, period, c) })
	}
	return nil
}

func (k Keeper) decideChange(ctx sdk.Context, period votingtypes.Period, c types.GroupChange) error {
	switch c.Status {
	case types.GROUP_CHANGE_STATUS_ADOPTED, types.GROUP_CHANGE_STATUS_ACTIVE: // what a group has become is never forgotten
		return nil
	case types.GROUP_CHANGE_STATUS_EXPIRED, types.GROUP_CHANGE_STATUS_FAILED:
		if period.Number < c.LastPeriod+keepPeriods {
			return nil
		}
		return errors.Join(k.Changes.Remove(ctx, c.Id), k.ChangesByGroup.Remove(ctx, collections.Join(c.Group, c.Id)))
	}
	var err error
	if c.Support, c.OfStake, err = k.voting.Standing(ctx, c.Ballot); err != nil {
		return err
	}
	adopted := c.Adopted(c.Support, c.OfStake)
	if !adopted && period.Number < c.LastPeriod {
		return nil
	}
	if err := k.voting.CloseBallot(ctx, c.Ballot); err != nil {
		return err
	}
	if !adopted {
		c.Status, c.Note = types.GROUP_CHANGE_STATUS_EXPIRED, "too little stake was behind it for its last period"
		return k.setChange(ctx, c)
	}
	g, err := k.group(ctx, c.Group)
	if err != nil {
		return err
	}
	c.Status, c.Note, c.ActivatesUnix = types.GROUP_CHANGE_STATUS_ADOPTED, "takes effect with the next round", ctx.BlockTime().Unix()
	if c.Model != nil {
		params, err := k.Params.Get(ctx)
		if err != nil {
			return err
		}
		c.ActivatesUnix += int64(params.ActivationSeconds)
		c.Note = "takes effect with the first round after the activation delay"
	} else if s := c.Times.PeriodSeconds; s != 0 { // the next voting period has the new length
		if err := k.voting.SetPeriod(ctx, g.Name, s); err != nil {
			return err
		}
	}
	g.PendingChanges = append(g.PendingChanges, c.Id)
	return errors.Join(k.setChange(ctx, c), k.Groups.Set(ctx, g.Name, g))
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

// changes returns the changes of a group that are remembered. An account needs a noticeable stake for one, so there are few.
func (k Keeper) changes(ctx context.Context, group string) ([]types.GroupChange, error) {
	var all []types.GroupChange
	err := k.ChangesByGroup.Walk(ctx, collections.NewPrefixedPairRange[string, uint64](group), func(key collections.Pair[string, uint64]) (bool, error) {
		c, err := k.Changes.Get(ctx, key.K2())
		all = append(all, c)
		return false, err
	})
	return all, err
}

// ForkGroup opens a group that goes on from the checkpoint of another, over a copy of its training set that only the new group's
// stakeholders govern.
func (k Keeper) ForkGroup(ctx context.Context, m *types.MsgForkGroup) error {
	source, err := k.group(ctx, m.Source)
	if err != nil {
		return err
	}
	if source.Settings.Sandbox {
		return types.ErrInvalidGroup.Wrapf("%q is a sandbox group: nobody has stake in it; open a group of your own instead", m.Source)
	}
	if err := types.ValidateGroupName(m.Name); err != nil {
		return err
	}
	if has, err := k.Groups.Has(ctx, m.Name); err != nil {
		return err
	} else if has {
		return types.ErrGroupExists.Wrapf("%q; choose another name", m.Name)
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	if err := k.trainingSets.Fork(ctx, source.Settings.TrainingSet, m.TrainingSet, m.Sender, m.Name); err != nil {
		return err
	}
	g := types.Group{
		Name: m.Name, Creator: m.Sender, Settings: source.Settings, ModelVersion: source.ModelVersion,
		Parent: source.Parent, Carried: source.Carried, ForkedFrom: m.Source, BountyPool: math.ZeroInt(),
	}
	g.Settings.TrainingSet = m.TrainingSet
	shape, err := g.Settings.Validate(params)
	if err != nil {
		return err
	}
	set, err := k.trainingSets.Verified(ctx, m.TrainingSet)
	if err != nil {
		return err
	}
	if err := g.Settings.Fits(shape, set.Table); err != nil {
		return err
	}
	emit(ctx, &types.EventGroupForked{Source: m.Source, Group: m.Name, TrainingSet: m.TrainingSet})
	return k.openGroup(ctx, params, g, shape, set.Table)
}
