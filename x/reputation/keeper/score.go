package keeper

import (
	"context"
	"errors"

	"cosmossdk.io/collections"

	"github.com/cosmos/gogoproto/proto"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/reputation/types"
)

// Score returns the reputation of an address as it is now; unknown addresses have the initial one. Nothing is written.
func (k Keeper) Score(ctx context.Context, address string) (types.Score, types.Params, error) {
	params, err := k.Params.Get(ctx)
	if err != nil {
		return types.Score{}, params, err
	}
	now := unix(ctx)
	s, ok, err := k.find(ctx, address)
	if err != nil {
		return s, params, err
	}
	if !ok {
		return params.NewScore(address, now), params, nil
	}
	return s.At(params, now), params, nil
}

// FactorE6 returns the vote factor of an operator in millionths; it implements the weights of attestation.
func (k Keeper) FactorE6(ctx context.Context, operator string) (uint64, error) {
	s, params, err := k.Score(ctx, operator)
	return s.FactorE6(params), err
}

// ExtraSegments returns how many segments more than the base count a trainer has to prove now.
func (k Keeper) ExtraSegments(ctx context.Context, address string) (uint32, error) {
	s, params, err := k.Score(ctx, address)
	return s.ExtraSegments(params), err
}

// record writes one outcome for an address and announces each change. It is called by hooks only.
func (k Keeper) record(goCtx context.Context, params types.Params, address, ref string, changes []types.Change) error {
	if len(changes) == 0 {
		return nil
	}
	ctx := sdk.UnwrapSDKContext(goCtx)
	old, ok, err := k.find(ctx, address)
	if err != nil {
		return err
	}
	now := unix(ctx)
	if !ok {
		old = params.NewScore(address, now)
	}
	before := old.At(params, now)
	after := old.Apply(params, ctx.BlockHeight(), now, ref, changes...)
	if err := k.Scores.Set(ctx, address, after); err != nil {
		return err
	}
	if err := k.moveDay(ctx, address, old.UpdatedUnix, after.UpdatedUnix, ok); err != nil {
		return err
	}
	for _, c := range changes {
		emit(ctx, &types.EventReputation{
			Address: address, Part: c.Part, BeforeE9: before.Value(c.Part), AfterE9: after.Value(c.Part), Reason: c.Reason, Ref: ref,
		})
	}
	return nil
}

// moveDay keeps the index by day; most writings are on the day of the one before.
func (k Keeper) moveDay(ctx context.Context, address string, from, to int64, existed bool) error {
	before, after := day(from), day(to)
	if existed && before == after {
		return nil
	}
	if existed {
		if err := k.ByDay.Remove(ctx, collections.Join(before, address)); err != nil {
			return err
		}
	}
	return k.ByDay.Set(ctx, collections.Join(after, address))
}

func (k Keeper) find(ctx context.Context, address string) (types.Score, bool, error) {
	s, err := k.Scores.Get(ctx, address)
	if errors.Is(err, collections.ErrNotFound) {
		return s, false, nil
	}
	return s, err == nil, err
}

// unix returns the block time in seconds; times before 1970, which only tests have, count as 1970.
func unix(ctx context.Context) int64 {
	return max(sdk.UnwrapSDKContext(ctx).BlockTime().Unix(), 0)
}

const secondsPerDay = 24 * 3_600

func day(unix int64) int64 { return unix / secondsPerDay }

// emit publishes a typed event; an event that can't be encoded is a programming error that tests find.
func emit(ctx sdk.Context, event proto.Message) {
	if err := ctx.EventManager().EmitTypedEvent(event); err != nil {
		ctx.Logger().Error("event could not be encoded", "error", err)
	}
}
