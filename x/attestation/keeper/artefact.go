package keeper

import (
	"context"
	"errors"
	"fmt"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/attestation/types"
)

// AskArtefact asks validators whether they hold all bytes of a file and returns the id of the question.
func (k Keeper) AskArtefact(ctx context.Context, kind, cid string, sha256 []byte, size uint64, ref []byte) (uint64, error) {
	return k.AskBundle(ctx, kind, cid, sha256, size, ref, nil)
}

// AskBundle is AskArtefact for a file that names others, as the manifest, in the encoding of the kind's owner, says: who
// holds it holds them all.
func (k Keeper) AskBundle(ctx context.Context, kind, cid string, sha256 []byte, size uint64, ref, manifest []byte) (uint64, error) {
	if len(manifest) > types.MaxManifestSize {
		return 0, types.ErrInvalidManifest.Wrapf("expected at most %d bytes, got %d", types.MaxManifestSize, len(manifest))
	}
	if _, ok := k.kinds.kinds[kind]; !ok {
		return 0, types.ErrUnknownKind.Wrapf("%q is registered by no module", kind)
	}
	id, err := k.NextArtefact.Next(ctx)
	if err != nil {
		return 0, err
	}
	a := types.Artefact{Id: id, Kind: kind, Cid: cid, Sha256: sha256, Size_: size, Ref: ref, Manifest: manifest, Status: types.ARTEFACT_STATUS_ASKED}
	if err := k.Artefacts.Set(ctx, id, a); err != nil {
		return 0, err
	}
	return id, k.ArtefactsWaiting.Set(ctx, collections.Join(kind, id))
}

// ArtefactPending reports whether the outcome of a question is still to come.
func (k Keeper) ArtefactPending(ctx context.Context, id uint64) (bool, error) {
	a, ok, err := find(ctx, k.Artefacts, id)
	return ok && a.Status == types.ARTEFACT_STATUS_ASKED, err
}

// askWaiting starts the windows of waiting questions, oldest first. Each kind has an equal part of the bound on open
// work, so that many questions of one kind can't keep another waiting.
func (k Keeper) askWaiting(ctx sdk.Context, params types.Params) error {
	asked, err := k.askedByKind(ctx)
	if err != nil {
		return err
	}
	for _, kind := range k.kinds.names {
		if err := k.askKind(ctx, params, kind, k.kinds.quota()-asked[kind]); err != nil {
			return err
		}
	}
	return nil
}

// askedByKind counts the open questions.
func (k Keeper) askedByKind(ctx context.Context) (map[string]int, error) {
	ids, err := firstKeys(ctx, k.ArtefactsAsked, types.MaxWork)
	if err != nil {
		return nil, err
	}
	asked := make(map[string]int, len(k.kinds.names))
	for _, id := range ids {
		a, err := k.Artefacts.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		asked[a.Kind]++
	}
	return asked, nil
}

func (k Keeper) askKind(ctx sdk.Context, params types.Params, kind string, limit int) error {
	keys, err := firstOf(ctx, k.ArtefactsWaiting, collections.NewPrefixedPairRange[string, uint64](kind), limit)
	if err != nil {
		return err
	}
	for _, key := range keys {
		id := key.K2()
		a, err := k.Artefacts.Get(ctx, id)
		if err != nil {
			return err
		}
		a.Snapshot, err = k.takeSnapshot(ctx)
		if errors.Is(err, types.ErrNoPower) {
			return nil
		}
		if err != nil {
			return err
		}
		a.AskedHeight = ctx.BlockHeight()
		a.Until = ctx.BlockHeight() + params.AvailabilityWindow
		if err := k.ArtefactsWaiting.Remove(ctx, key); err != nil {
			return err
		}
		if err := k.ArtefactsAsked.Set(ctx, id); err != nil {
			return err
		}
		if err := k.Artefacts.Set(ctx, id, a); err != nil {
			return err
		}
	}
	return nil
}

// judge decides one question. Held means more than two thirds of raw power. Withheld is only said when enough
// validators were live in the second half of the window, so could fetch it; otherwise the window is extended:
// validators being offline is not the trainer's fault. The live window would be too long a memory here: who has just
// gone still counts as live by it.
func (k Keeper) judge(ctx sdk.Context, params types.Params, id uint64) error {
	a, err := k.Artefacts.Get(ctx, id)
	if err != nil {
		return err
	}
	s, err := k.Snapshots.Get(ctx, a.Snapshot)
	if err != nil {
		return err
	}
	holders, err := k.holders(ctx, id)
	if err != nil {
		return err
	}
	held := map[string]bool{}
	for _, o := range holders {
		held[o] = true
	}
	var heldPower int64
	for _, m := range s.Members {
		if held[m.Operator] {
			heldPower += m.Power
		}
	}
	a.HeldPower, a.TotalPower = heldPower, s.TotalPower
	if types.TwoThirds(heldPower, s.TotalPower) {
		a.Status = types.ARTEFACT_STATUS_HELD
		return k.closeArtefact(ctx, a)
	}
	if ctx.BlockHeight()-1 < a.Until {
		return nil
	}
	live, livePower, err := k.liveMembers(ctx, s, a.Until-params.AvailabilityWindow/2)
	if err != nil {
		return err
	}
	required := params.RequiredLive(len(s.Members))
	if types.TwoThirds(livePower, s.TotalPower) && live >= required {
		a.Status = types.ARTEFACT_STATUS_WITHHELD
		a.Note = fmt.Sprintf("held by %d of %d power while %d validators were live", heldPower, s.TotalPower, live)
		return k.closeArtefact(ctx, a)
	}
	a.Extensions++
	a.Until = ctx.BlockHeight() - 1 + params.AvailabilityWindow
	a.Note = fmt.Sprintf("window extended: %d of %d validators are live, %d and two thirds of power are needed", live, len(s.Members), required)
	emit(ctx, &types.EventArtefactExtended{ArtefactId: a.Id, Cid: a.Cid, Reason: a.Note})
	return k.Artefacts.Set(ctx, a.Id, a)
}

func (k Keeper) closeArtefact(ctx sdk.Context, a types.Artefact) error {
	a.FinishedHeight = ctx.BlockHeight()
	if err := k.ArtefactsAsked.Remove(ctx, a.Id); err != nil {
		return err
	}
	if err := k.ArtefactsDone.Set(ctx, collections.Join(a.FinishedHeight, a.Id)); err != nil {
		return err
	}
	if err := k.Artefacts.Set(ctx, a.Id, a); err != nil {
		return err
	}
	emit(ctx, &types.EventArtefactJudged{
		ArtefactId: a.Id, Cid: a.Cid, Held: a.Status == types.ARTEFACT_STATUS_HELD, HeldPower: a.HeldPower, TotalPower: a.TotalPower,
	})
	k.tell(ctx, a.Kind, a.Id, func(ctx sdk.Context, o types.Owner) error { return o.ArtefactJudged(ctx, a) })
	k.hook(ctx, "hooks of artefact", a.Id, func(ctx sdk.Context, h types.Hooks) error {
		held, missing, err := k.divided(ctx, a)
		if err != nil {
			return err
		}
		return h.AfterArtefactJudged(ctx, a, held, missing)
	})
	return nil
}

// divided returns the members that hold a file, and those that had the whole window, were live, and do not although it is
// to be had. A question that was answered before its window had passed leaves nobody behind.
func (k Keeper) divided(ctx sdk.Context, a types.Artefact) (held, missing []string, err error) {
	s, err := k.Snapshots.Get(ctx, a.Snapshot)
	if err != nil {
		return nil, nil, err
	}
	whole := a.Status == types.ARTEFACT_STATUS_HELD && ctx.BlockHeight()-1 >= a.Until
	for _, m := range s.Members {
		has, err := k.Held.Has(ctx, collections.Join(a.Id, m.Operator))
		if err != nil {
			return nil, nil, err
		}
		seen, known, err := find(ctx, k.Seen, m.Operator)
		switch {
		case err != nil:
			return nil, nil, err
		case has:
			held = append(held, m.Operator)
		case whole && known && seen >= a.AskedHeight:
			missing = append(missing, m.Operator)
		}
	}
	return held, missing, nil
}

// holders returns the operators that said they hold an artefact, in address order.
func (k Keeper) holders(ctx context.Context, id uint64) ([]string, error) {
	var operators []string
	err := k.Held.Walk(ctx, collections.NewPrefixedPairRange[uint64, string](id), func(key collections.Pair[uint64, string]) (bool, error) {
		operators = append(operators, key.K2())
		return false, nil
	})
	return operators, err
}
