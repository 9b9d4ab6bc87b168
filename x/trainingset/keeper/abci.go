package keeper

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/trainingset/types"
)

const (
	// maxAsks bounds how many sets validators are asked about in one block, maxDue how many proposals expire or are forgotten.
	maxAsks = 8
	maxDue  = 32
	// retrySeconds is after how long a proposal that could not be dealt with is looked at again.
	retrySeconds = 60
)

// EndBlock asks validators about sets that nobody has checked yet and lets proposals expire. A set that can't be asked about is rejected.
func (k Keeper) EndBlock(goCtx context.Context) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if err := k.askWaiting(ctx); err != nil {
		return err
	}
	return k.expire(ctx)
}

func (k Keeper) askWaiting(ctx sdk.Context) error {
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
		var cause error
		if k.try(ctx, "training set "+name, func(ctx sdk.Context) error {
			cause = k.ask(ctx, name)
			return cause
		}) {
			continue
		}
		k.try(ctx, "training set "+name, func(ctx sdk.Context) error { return k.rejectUnasked(ctx, name, cause) })
	}
	return nil
}

func (k Keeper) expire(ctx sdk.Context) error {
	now := ctx.BlockTime().Unix()
	var ids []uint64
	err := k.Due.Walk(ctx, nil, func(key collections.Pair[int64, uint64]) (bool, error) {
		if key.K1() > now || len(ids) >= maxDue {
			return true, nil
		}
		ids = append(ids, key.K2())
		return false, nil
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		item := fmt.Sprintf("proposal %d", id)
		if k.try(ctx, item, func(ctx sdk.Context) error { return k.proposalDue(ctx, id) }) {
			continue
		}
		k.try(ctx, item, func(ctx sdk.Context) error { // it must not hold up those behind it
			p, err := k.Proposals.Get(ctx, id)
			if err != nil {
				return err
			}
			return k.postpone(ctx, p)
		})
	}
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

func (k Keeper) rejectUnasked(ctx context.Context, name string, cause error) error {
	s, err := k.TrainingSets.Get(ctx, name)
	if err != nil {
		return err
	}
	return k.reject(ctx, s, fmt.Sprintf("validators could not be asked for it: %v", cause))
}
