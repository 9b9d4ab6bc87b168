package keeper

import (
	"context"
	"fmt"

	sdk "github.com/cosmos/cosmos-sdk/types"
)

// maxAsks bounds how many training sets validators are asked about in one block.
const maxAsks = 8

// EndBlock asks validators about newly registered sets. A set whose question fails is rejected, never a halt.
func (k Keeper) EndBlock(ctx context.Context) error {
	var names []string
	err := k.Waiting.Walk(ctx, nil, func(name string) (bool, error) {
		names = append(names, name)
		return len(names) >= maxAsks, nil
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := k.Waiting.Remove(ctx, name); err != nil {
			return err
		}
		cause := try(ctx, func(ctx sdk.Context) error { return k.ask(ctx, name) })
		if cause == nil {
			continue
		}
		if err := try(ctx, func(ctx sdk.Context) error { return k.rejectUnasked(ctx, name, cause) }); err != nil {
			sdk.UnwrapSDKContext(ctx).Logger().Error("training set could not be rejected", "name", name, "error", err)
		}
	}
	return nil
}

// try runs one item of block work in a cached context; an error or panic drops its writes.
func try(ctx context.Context, work func(ctx sdk.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	cached, write := sdk.UnwrapSDKContext(ctx).CacheContext()
	if err := work(cached); err != nil {
		return err
	}
	write()
	return nil
}

// rejectUnasked lets the owner register the name again.
func (k Keeper) rejectUnasked(ctx context.Context, name string, cause error) error {
	s, err := k.TrainingSets.Get(ctx, name)
	if err != nil {
		return err
	}
	return k.reject(ctx, s, fmt.Sprintf("validators could not be asked for it: %s", cause))
}
