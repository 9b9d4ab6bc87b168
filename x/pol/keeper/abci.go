package keeper

import (
	"context"
	"fmt"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
)

// EndBlock pays out unbonded stake, lets canaries lapse, moves at most max_groups_per_block due groups on and asks for the seed of store tasks. A group whose step fails
// keeps its state, says so in an event and is tried again later.
func (k Keeper) EndBlock(goCtx context.Context) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if err := k.payUnbonded(ctx); err != nil {
		return err
	}
	k.try(ctx, "canaries", func(ctx sdk.Context) error { return k.lapseCanaries(ctx) })
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	groups, err := k.dueGroups(ctx, ctx.BlockHeight(), params.MaxGroupsPerBlock)
	if err != nil {
		return err
	}
	for _, name := range groups {
		if k.try(ctx, "group "+name, func(ctx sdk.Context) error { return k.step(ctx, name) }) {
			continue
		}
		if err := k.schedule(ctx, name, ctx.BlockHeight()+retryBlocks); err != nil {
			return err
		}
	}
	k.try(ctx, "store tasks", func(ctx sdk.Context) error { return k.drawStore(ctx, params) })
	return nil
}

// try runs one item of block work in a cached context; an error or panic drops its writes and becomes an event.
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
