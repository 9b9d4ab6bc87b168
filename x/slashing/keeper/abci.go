package keeper

import (
	"context"
	"errors"
	"fmt"

	"github.com/cosmos/gogoproto/proto"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	"github.com/pold-network/pold/x/slashing/types"
)

const (
	// maxPrunes bounds how many penalties, pieces of evidence and records are removed in one block.
	maxPrunes = 64
	// recordsEvery is the number of heights between two looks for records of validators that have gone.
	recordsEvery = 1_000
)

// EndBlock carries out due penalties and removes what is past its retention. Each item runs in a cached context: an
// error becomes an event and costs nothing but that item's turn.
func (k Keeper) EndBlock(goCtx context.Context) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	if err := k.executeDue(ctx, params); err != nil {
		return err
	}
	return k.prune(ctx, params)
}

func (k Keeper) prune(ctx sdk.Context, params types.Params) error {
	before := ctx.BlockTime().Unix() - int64(params.RetentionSeconds)
	penalties, err := firstBefore(ctx, k.PenaltiesDone, before, maxPrunes)
	if err != nil {
		return err
	}
	for _, key := range penalties {
		try(ctx, fmt.Sprintf("prune penalty %d", key.K2()), func(ctx sdk.Context) error { return k.removePenalty(ctx, key) })
	}
	evidence, err := firstBefore(ctx, k.EvidenceExpiry, before, maxPrunes)
	if err != nil {
		return err
	}
	for _, key := range evidence {
		try(ctx, fmt.Sprintf("prune evidence %d", key.K2()), func(ctx sdk.Context) error { return k.removeEvidence(ctx, key.K2()) })
	}
	if ctx.BlockHeight()%recordsEvery == 0 {
		try(ctx, "prune records", func(ctx sdk.Context) error { return k.pruneRecords(ctx, params) })
	}
	return nil
}

// pruneRecords forgets validators that are out and against whom nothing counts any more. The walk over all records, at
// most those of validators that were bonded since, is rare.
func (k Keeper) pruneRecords(ctx sdk.Context, params types.Params) error {
	var gone []string
	err := k.Records.Walk(ctx, nil, func(operator string, r types.Record) (bool, error) {
		if r.Wrong(ctx.BlockTime().Unix(), params) > 0 {
			return false, nil
		}
		out, err := k.isOut(ctx, operator)
		if out {
			gone = append(gone, operator)
		}
		return len(gone) >= maxPrunes, err
	})
	if err != nil {
		return err
	}
	for _, operator := range gone {
		if err := k.Records.Remove(ctx, operator); err != nil {
			return err
		}
	}
	return nil
}

func (k Keeper) isOut(ctx context.Context, operator string) (bool, error) {
	address, err := k.valCodec.StringToBytes(operator)
	if err != nil {
		return false, err
	}
	v, err := k.Staking.GetValidator(ctx, address)
	if errors.Is(err, stakingtypes.ErrNoValidatorFound) {
		return true, nil
	}
	return err == nil && v.IsUnbonded(), err
}

// run does one item of work in a cached context; an error or a panic drops its writes.
func run(ctx sdk.Context, work func(ctx sdk.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	cached, write := ctx.CacheContext()
	if err := work(cached); err != nil {
		return err
	}
	write()
	return nil
}

// try runs one item of work; what it could not do becomes an event.
func try(ctx sdk.Context, item string, work func(ctx sdk.Context) error) {
	if err := run(ctx, work); err != nil {
		fail(ctx, item, err)
	}
}

func fail(ctx sdk.Context, item string, err error) {
	emit(ctx, &types.EventItemFailed{Item: item, Error: err.Error()})
}

// firstBefore returns at most limit keys whose time is before the given one.
func firstBefore(ctx context.Context, set collections.KeySet[collections.Pair[int64, uint64]], unix int64, limit int) ([]collections.Pair[int64, uint64], error) {
	var keys []collections.Pair[int64, uint64]
	err := set.Walk(ctx, nil, func(key collections.Pair[int64, uint64]) (bool, error) {
		if key.K1() >= unix {
			return true, nil
		}
		keys = append(keys, key)
		return len(keys) >= limit, nil
	})
	return keys, err
}

// emit publishes a typed event; an event that can't be encoded is a programming error that tests find.
func emit(ctx sdk.Context, event proto.Message) {
	if err := ctx.EventManager().EmitTypedEvent(event); err != nil {
		ctx.Logger().Error("event could not be encoded", "error", err)
	}
}
