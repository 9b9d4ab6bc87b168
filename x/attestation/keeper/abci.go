package keeper

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/attestation/types"
)

// maxPrunes bounds how many finished tasks, artefacts and peers are removed in one block.
const maxPrunes = 64

// EndBlock judges open work, opens queued work and removes what is past its retention. Each item runs in a
// cached context: an error becomes an event and costs nothing but that item's turn.
func (k Keeper) EndBlock(goCtx context.Context) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	artefacts, err := firstKeys(ctx, k.ArtefactsAsked, types.MaxWork)
	if err != nil {
		return err
	}
	for _, id := range artefacts {
		k.try(ctx, "artefact", id, func(ctx sdk.Context) error { return k.judge(ctx, params, id) })
	}
	tasks, err := firstKeys(ctx, k.TasksActive, types.MaxWork)
	if err != nil {
		return err
	}
	for _, id := range tasks {
		k.try(ctx, "task", id, func(ctx sdk.Context) error { return k.advance(ctx, params, id) })
	}
	k.try(ctx, "ask", 0, func(ctx sdk.Context) error { return k.askWaiting(ctx, params) })
	k.try(ctx, "beacon", 0, func(ctx sdk.Context) error { return k.stepBeacon(ctx, params) })
	k.try(ctx, "promote", 0, func(ctx sdk.Context) error { return k.promote(ctx, params) })
	return k.prune(ctx, params)
}

// try runs one item of block work in a cached context.
func (k Keeper) try(ctx sdk.Context, item string, id uint64, work func(ctx sdk.Context) error) {
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
		emit(ctx, &types.EventCallbackFailed{Kind: item, Id: id, Error: err.Error()})
		return
	}
	write()
}

// prune removes what is past its retention; one item that can't be removed does not keep the others.
func (k Keeper) prune(ctx sdk.Context, params types.Params) error {
	before := ctx.BlockHeight() - params.Retention
	tasks, err := dueBefore(ctx, k.TasksFinished, before)
	if err != nil {
		return err
	}
	for _, key := range tasks {
		k.try(ctx, "prune task", key.K2(), func(ctx sdk.Context) error { return k.removeTask(ctx, key) })
	}
	artefacts, err := dueBefore(ctx, k.ArtefactsDone, before)
	if err != nil {
		return err
	}
	for _, key := range artefacts {
		k.try(ctx, "prune artefact", key.K2(), func(ctx sdk.Context) error { return k.removeArtefact(ctx, key) })
	}
	k.try(ctx, "prune peers", 0, k.prunePeers)
	k.try(ctx, "prune seen", 0, func(ctx sdk.Context) error { return k.pruneSeen(ctx, params) })
	return nil
}

// pruneSeen forgets operators that have long been gone. It looks once per live window, so that the walk over all
// of them, at most those of one retention, is rare.
func (k Keeper) pruneSeen(ctx sdk.Context, params types.Params) error {
	if ctx.BlockHeight()%params.LiveWindow != 0 {
		return nil
	}
	var gone []string
	err := k.Seen.Walk(ctx, nil, func(operator string, seen int64) (bool, error) {
		if seen+params.LiveWindow+params.Retention < ctx.BlockHeight() {
			gone = append(gone, operator)
		}
		return len(gone) >= maxPrunes, nil
	})
	if err != nil {
		return err
	}
	for _, operator := range gone {
		if err := k.Seen.Remove(ctx, operator); err != nil {
			return err
		}
	}
	return nil
}

func (k Keeper) removeTask(ctx sdk.Context, key collections.Pair[int64, uint64]) error {
	t, err := k.Tasks.Get(ctx, key.K2())
	if err != nil {
		return err
	}
	if err := k.releaseSnapshot(ctx, t.Snapshot); err != nil {
		return err
	}
	if err := k.Witnesses.Clear(ctx, collections.NewPrefixedPairRange[uint64, string](t.Id)); err != nil {
		return err
	}
	if err := k.Openings.Clear(ctx, collections.NewPrefixedPairRange[uint64, []byte](t.Id)); err != nil {
		return err
	}
	if err := k.TasksFinished.Remove(ctx, key); err != nil {
		return err
	}
	return k.Tasks.Remove(ctx, t.Id)
}

func (k Keeper) removeArtefact(ctx sdk.Context, key collections.Pair[int64, uint64]) error {
	a, err := k.Artefacts.Get(ctx, key.K2())
	if err != nil {
		return err
	}
	if err := k.releaseSnapshot(ctx, a.Snapshot); err != nil {
		return err
	}
	if err := k.Held.Clear(ctx, collections.NewPrefixedPairRange[uint64, string](a.Id)); err != nil {
		return err
	}
	if err := k.ArtefactsDone.Remove(ctx, key); err != nil {
		return err
	}
	return k.Artefacts.Remove(ctx, a.Id)
}

// dueBefore returns at most maxPrunes keys whose height is below the given one.
func dueBefore[T any](ctx context.Context, set collections.KeySet[collections.Pair[int64, T]], height int64) ([]collections.Pair[int64, T], error) {
	var keys []collections.Pair[int64, T]
	err := set.Walk(ctx, nil, func(key collections.Pair[int64, T]) (bool, error) {
		if key.K1() >= height {
			return true, nil
		}
		keys = append(keys, key)
		return len(keys) >= maxPrunes, nil
	})
	return keys, err
}
