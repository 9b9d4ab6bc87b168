package keeper

import (
	"context"
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// CreateGroup opens a group, burns the fee and returns the cost of scoring one checkpoint.
func (k Keeper) CreateGroup(ctx context.Context, creator, name string, settings types.GroupSettings) (uint64, error) {
	if err := types.ValidateGroupName(name); err != nil {
		return 0, err
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return 0, err
	}
	shape, err := settings.Validate(params)
	if err != nil {
		return 0, err
	}
	if exists, err := k.Groups.Has(ctx, name); err != nil {
		return 0, err
	} else if exists {
		return 0, types.ErrGroupExists.Wrapf("%q; choose another name", name)
	}
	set, err := k.trainingSets.Verified(ctx, settings.TrainingSet)
	if err != nil {
		return 0, err
	}
	if err := settings.Fits(shape, set.Table); err != nil {
		return 0, err
	}
	if err := k.openGroup(ctx, params, types.Group{Name: name, Creator: creator, Settings: settings, ModelVersion: 1}, shape, set.Table); err != nil {
		return 0, err
	}
	if !settings.Sandbox { // a sandbox has no stakeholders
		if err := k.trainingSets.Adopt(ctx, settings.TrainingSet, name, creator); err != nil {
			return 0, err
		}
	}
	return shape.ScoreCost(set.Table.Rows, set.Table.Work()), nil
}

// openGroup stores a new group whose settings suit its table, burns the fee, and lets its first round and voting period open.
func (k Keeper) openGroup(ctx context.Context, params types.Params, g types.Group, shape types.ModelShape, table trainingsettypes.Table) error {
	settings, name, creator := g.Settings, g.Name, g.Creator
	cost := shape.ScoreCost(table.Rows, table.Work())
	if err := k.checkCost(ctx, params, settings, shape, table, cost); err != nil {
		return err
	}
	fee := params.CreationFee
	if settings.Sandbox {
		fee = params.SandboxFee
	}
	if err := k.BurnFee(ctx, creator, fee, "group creation"); err != nil {
		return err
	}
	var err error
	if g.ModelHash, err = settings.Model.Hash(); err != nil {
		return err
	}
	g.BountyPool = math.ZeroInt()
	if err := k.Groups.Set(ctx, name, g); err != nil {
		return err
	}
	emit(ctx, &types.EventGroupCreated{Group: name, Creator: creator, Cost: cost})
	if !settings.Sandbox {
		if err := k.voting.GroupOpened(ctx, name, math.ZeroInt()); err != nil {
			return err
		}
		if err := k.nextTurn(sdk.UnwrapSDKContext(ctx), params, types.StoreTurn{Group: name}); err != nil {
			return err
		}
	}
	return k.schedule(ctx, name, sdk.UnwrapSDKContext(ctx).BlockHeight())
}

// FundGroup moves NRN into the bounty pool of a group.
func (k Keeper) FundGroup(ctx context.Context, sender, name string, amount math.Int) error {
	g, err := k.group(ctx, name)
	if err != nil {
		return err
	}
	if err := k.escrow(ctx, sender, amount); err != nil {
		return err
	}
	g.BountyPool = g.BountyPool.Add(amount)
	return k.Groups.Set(ctx, name, g)
}

// SetGroupCoinbase gives or takes coinbase from a group.
func (k Keeper) SetGroupCoinbase(ctx context.Context, name string, enabled bool) error {
	g, err := k.group(ctx, name)
	if err != nil {
		return err
	}
	g.CoinbaseDisabled = !enabled
	return k.Groups.Set(ctx, name, g)
}

// group reads a group that must exist.
func (k Keeper) group(ctx context.Context, name string) (types.Group, error) {
	g, err := k.Groups.Get(ctx, name)
	if errors.Is(err, collections.ErrNotFound) {
		return g, types.ErrGroupNotFound.Wrapf("%q; list groups with: pold q pol groups", name)
	}
	return g, err
}

// find reads a value and says whether it exists.
func find[K, V any](ctx context.Context, m collections.Map[K, V], key K) (V, bool, error) {
	v, err := m.Get(ctx, key)
	if errors.Is(err, collections.ErrNotFound) {
		return v, false, nil
	}
	return v, err == nil, err
}
