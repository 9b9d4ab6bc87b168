package keeper

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/slashing/types"
)

// stake is what stood behind a fault: the height whose power counted, and the power.
type stake struct{ height, power int64 }

// penalise queues what a fault costs beside reputation. No more than MaxQueued penalties of a validator wait at once,
// and one for missed tasks: further faults are evidence, and cost reputation.
func (k Keeper) penalise(ctx sdk.Context, params types.Params, e types.Evidence, kind types.PenaltyKind, s stake, note string) error {
	if !kind.Slashes() && !kind.Jails() {
		return nil
	}
	waiting, err := k.waiting(ctx, e.Address)
	if err != nil {
		return err
	}
	if len(waiting) >= types.MaxQueued {
		return nil
	}
	for _, p := range waiting {
		if kind == types.PENALTY_KIND_JAIL && p.Kind == kind {
			return nil
		}
	}
	id, err := k.NextPenalty.Next(ctx)
	if err != nil {
		return err
	}
	p := types.Penalty{
		Id: id, EvidenceId: e.Id, Operator: e.Address, Kind: kind, Status: types.PENALTY_STATUS_QUEUED,
		InfractionHeight: s.height, Power: s.power, DueUnix: ctx.BlockTime().Unix() + int64(params.QueueSeconds),
		Burned: math.ZeroInt(), Note: note,
	}
	if kind.Slashes() {
		p.SlashE6 = params.SlashE6
	}
	// From now on the evidence goes with its penalty.
	if err := k.EvidenceExpiry.Remove(ctx, collections.Join(e.Unix, e.Id)); err != nil {
		return err
	}
	if err := k.restorePenalty(ctx, p); err != nil {
		return err
	}
	announce(ctx, p)
	return nil
}

// restorePenalty writes a penalty with everything that leads to it.
func (k Keeper) restorePenalty(ctx context.Context, p types.Penalty) error {
	if err := k.Penalties.Set(ctx, p.Id, p); err != nil {
		return err
	}
	if has, err := k.Evidence.Has(ctx, p.EvidenceId); err != nil {
		return err
	} else if has {
		if err := k.PenaltyOf.Set(ctx, p.EvidenceId, p.Id); err != nil {
			return err
		}
	}
	if p.Status != types.PENALTY_STATUS_QUEUED {
		return k.PenaltiesDone.Set(ctx, collections.Join(p.FinishedUnix, p.Id))
	}
	if err := k.PenaltiesWaiting.Set(ctx, collections.Join(p.Operator, p.Id)); err != nil {
		return err
	}
	return k.PenaltiesQueue.Set(ctx, collections.Join(p.DueUnix, p.Id))
}

// waiting returns the queued penalties of a validator, at most MaxQueued.
func (k Keeper) waiting(ctx context.Context, operator string) ([]types.Penalty, error) {
	var ids []uint64
	err := k.PenaltiesWaiting.Walk(ctx, collections.NewPrefixedPairRange[string, uint64](operator), func(key collections.Pair[string, uint64]) (bool, error) {
		ids = append(ids, key.K2())
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	penalties := make([]types.Penalty, len(ids))
	for i, id := range ids {
		if penalties[i], err = k.Penalties.Get(ctx, id); err != nil {
			return nil, err
		}
	}
	return penalties, nil
}

// Cancel grants an appeal: a queued penalty is not carried out, and its fault no longer counts for what the next one
// costs. Nothing is minted back, for nothing was burned.
func (k Keeper) Cancel(ctx context.Context, id uint64, reason string) error {
	if reason == "" || len(reason) > types.MaxReason {
		return types.ErrInvalidReason.Wrapf("expected 1 to %d bytes that say why, got %d", types.MaxReason, len(reason))
	}
	p, ok, err := find(ctx, k.Penalties, id)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("penalty %d: %w; list them with: pold q polslashing penalties", id, collections.ErrNotFound)
	}
	if p.Status != types.PENALTY_STATUS_QUEUED {
		return types.ErrNotQueued.Wrapf("penalty %d: expected %s, got %s", id, types.PENALTY_STATUS_QUEUED, p.Status)
	}
	if err := k.forget(ctx, p); err != nil {
		return err
	}
	p.Status, p.Note = types.PENALTY_STATUS_CANCELLED, reason
	return k.finish(sdk.UnwrapSDKContext(ctx), p)
}

// forget takes the fault of a penalty back out of the validator's record.
func (k Keeper) forget(ctx context.Context, p types.Penalty) error {
	r, ok, err := find(ctx, k.Records, p.Operator)
	if err != nil || !ok {
		return err
	}
	e, err := k.Evidence.Get(ctx, p.EvidenceId)
	if err != nil {
		return err
	}
	if e.Kind.OfTask() {
		r.ForgetWrong(e.Unix)
	} else {
		r.ForgetMissed()
	}
	return k.Records.Set(ctx, p.Operator, r)
}

// finish stores what became of a queued penalty and leaves it readable until its retention has passed.
func (k Keeper) finish(ctx sdk.Context, p types.Penalty) error {
	p.FinishedUnix = ctx.BlockTime().Unix()
	if err := k.PenaltiesQueue.Remove(ctx, collections.Join(p.DueUnix, p.Id)); err != nil {
		return err
	}
	if err := k.PenaltiesWaiting.Remove(ctx, collections.Join(p.Operator, p.Id)); err != nil {
		return err
	}
	if err := k.PenaltiesDone.Set(ctx, collections.Join(p.FinishedUnix, p.Id)); err != nil {
		return err
	}
	if err := k.Penalties.Set(ctx, p.Id, p); err != nil {
		return err
	}
	announce(ctx, p)
	return nil
}

// removePenalty removes a finished penalty and the evidence that was kept for it.
func (k Keeper) removePenalty(ctx context.Context, key collections.Pair[int64, uint64]) error {
	p, err := k.Penalties.Get(ctx, key.K2())
	if err != nil {
		return err
	}
	if err := k.removeEvidence(ctx, p.EvidenceId); err != nil {
		return err
	}
	if err := k.PenaltiesDone.Remove(ctx, key); err != nil {
		return err
	}
	return k.Penalties.Remove(ctx, p.Id)
}

func announce(ctx sdk.Context, p types.Penalty) {
	emit(ctx, &types.EventPenalty{
		PenaltyId: p.Id, EvidenceId: p.EvidenceId, Operator: p.Operator, Kind: p.Kind, Status: p.Status, Note: p.Note,
	})
}
