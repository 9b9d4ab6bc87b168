package keeper

import (
	"context"

	"cosmossdk.io/collections"

	"github.com/cosmos/gogoproto/proto"

	sdk "github.com/cosmos/cosmos-sdk/types"
)

// schedule says at which height a group has something to do; it replaces what was said before.
func (k Keeper) schedule(ctx context.Context, group string, height int64) error {
	if err := k.unschedule(ctx, group); err != nil {
		return err
	}
	if err := k.Due.Set(ctx, collections.Join(height, group)); err != nil {
		return err
	}
	return k.DueByGroup.Set(ctx, group, height)
}

func (k Keeper) unschedule(ctx context.Context, group string) error {
	old, ok, err := find(ctx, k.DueByGroup, group)
	if err != nil || !ok {
		return err
	}
	if err := k.Due.Remove(ctx, collections.Join(old, group)); err != nil {
		return err
	}
	return k.DueByGroup.Remove(ctx, group)
}

// wake lets a group act in this block's end, because an outcome it waited for has come.
func (k Keeper) wake(ctx context.Context, group string) error {
	return k.schedule(ctx, group, sdk.UnwrapSDKContext(ctx).BlockHeight())
}

// dueGroups returns at most limit groups that have something to do, longest waiting first.
func (k Keeper) dueGroups(ctx context.Context, height int64, limit uint32) ([]string, error) {
	var groups []string
	err := k.Due.Walk(ctx, nil, func(key collections.Pair[int64, string]) (bool, error) {
		if key.K1() > height || uint32(len(groups)) >= limit {
			return true, nil
		}
		groups = append(groups, key.K2())
		return false, nil
	})
	return groups, err
}

// emit publishes a typed event; one that can't be encoded is a programming error that tests find.
func emit(goCtx context.Context, event proto.Message) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if err := ctx.EventManager().EmitTypedEvent(event); err != nil {
		ctx.Logger().Error("event could not be encoded", "error", err)
	}
}
