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
		cached, write := sdk.UnwrapSDKContext(ctx).CacheContext()
		if err := k.ask(cached, name); err != nil {
			if err := k.rejectUnasked(ctx, name, err); err != nil {
				return err
			}
			continue
		}
		write()
	}
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
