package keeper

import (
	"context"
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/trainingset/types"
)

// record keeps the current version of a set for ever; p is the proposal that led to it, nil for the first version.
func (k Keeper) record(goCtx context.Context, s types.TrainingSet, p *types.Proposal) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	zero := math.ZeroInt()
	r := types.Revision{
		TrainingSet: s.Name, Version: s.Version, Table: s.Table, Height: ctx.BlockHeight(), UnixMs: ctx.BlockTime().UnixMilli(),
		Support: zero, OfStake: zero, Reward: zero,
	}
	if p != nil {
		r.Delta, r.Proposal, r.Proposer = &p.Delta, p.Id, p.Proposer
		r.Summary, r.Licence, r.Takedown = p.Summary, p.Licence, p.Takedown
		var err error
		if r.Support, r.OfStake, err = k.voting.Standing(ctx, p.Ballot); err != nil {
			return err
		}
	}
	return k.Revisions.Set(ctx, collections.Join(s.Name, s.Version), r)
}

// Adopt puts a training set under the votes of a group's stakeholders, when its owner opened the group and no group was opened over
// it before. Groups of others may be opened later; they take what that group decides. A set that somebody else's group learned from
// first stays as it is for ever, so that nobody's data is taken over afterwards.
func (k Keeper) Adopt(ctx context.Context, name, group, creator string) error {
	s, exists, err := find(ctx, k.TrainingSets, name)
	if err != nil || !exists || s.Group != "" || s.Fixed {
		return err
	}
	if s.Owner != creator {
		s.Fixed = true
		return k.TrainingSets.Set(ctx, name, s)
	}
	s.Group = group
	return errors.Join(k.TrainingSets.Set(ctx, name, s), k.Governed.Set(ctx, group, name))
}

// Fork copies the current table of a verified set under a new name, with the same split, to be governed by a group.
func (k Keeper) Fork(ctx context.Context, source, name, owner, group string) error {
	from, err := k.Verified(ctx, source)
	if err != nil {
		return err
	}
	if err := types.ValidateName(name); err != nil {
		return err
	}
	if has, err := k.TrainingSets.Has(ctx, name); err != nil {
		return err
	} else if has {
		return types.ErrExists.Wrapf("%q; choose another name", name)
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	if err := k.pol.BurnFee(ctx, owner, params.RegistrationFee, "training set fork"); err != nil {
		return err
	}
	s := types.TrainingSet{
		Name: name, Owner: owner, Table: from.Table, Version: 1, Status: types.STATUS_VERIFIED, CardUri: from.CardUri,
		Group: group, ForkedFrom: source, ForkedVersion: from.Version,
	}
	s.Table.SplitKey = string(from.Table.Key(source))
	emit(ctx, &types.EventVerified{Name: name, Version: 1, Rows: s.Table.Rows, Root: s.Table.Root})
	return errors.Join(
		k.TrainingSets.Set(ctx, name, s),
		k.Governed.Set(ctx, group, name),
		k.record(ctx, s, nil),
	)
}
