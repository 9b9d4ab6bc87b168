package keeper

import (
	"context"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/pol/types"
)

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
		CoinbaseDisabled: source.CoinbaseDisabled, // what governance decided about the work holds for its copies
	}
	g.Settings.TrainingSet, g.Settings.AllowList = m.TrainingSet, nil
	if g.Settings.Evaluation == types.EVALUATION_MODE_SEALED { // nobody owes somebody else's fork batches
		g.Settings.Providers = []string{m.Sender}
	}
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
