package keeper

import (
	"context"
	"fmt"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/trainingset/types"
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
			emit(ctx, &types.EventRejected{Name: name, Reason: fmt.Sprintf("could not be asked for: %s", err)})
			continue
		}
		write()
	}
	return nil
}
