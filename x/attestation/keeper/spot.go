package keeper

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/attestation/types"
)

// spotAnswerSize is the length of a personal value.
const spotAnswerSize = 32

// considerSpot asks the beacon whether, and into whom, a settled task is looked again.
func (k Keeper) considerSpot(ctx sdk.Context, t types.Task) error {
	params, err := k.Params.Get(ctx)
	if err != nil || params.SpotE6 == 0 {
		return err
	}
	_, err = k.RequestDraw(ctx, types.SpotTaskKind, binary.BigEndian.AppendUint64(nil, t.Id))
	return err
}

// spots owns spot tasks: everybody computes the personal value that one validator should have committed to, so a leaked
// answer is not enough to vote.
type spots struct{ Keeper }

var (
	_ types.Owner     = spots{}
	_ types.DrawOwner = spots{}
)

// DrawDone opens a spot task with the chance of the parameters, about one of the validators that matched.
func (k spots) DrawDone(ctx context.Context, d types.Draw, seed []byte) error {
	if len(d.Ref) != 8 || len(seed) < 16 {
		return fmt.Errorf("spot draw %d: expected a task and a seed, got %d and %d bytes", d.Id, len(d.Ref), len(seed))
	}
	params, err := k.Params.Get(ctx)
	if err != nil || binary.BigEndian.Uint64(seed)%1_000_000 >= uint64(params.SpotE6) {
		return err
	}
	t, exists, err := find(ctx, k.Tasks, binary.BigEndian.Uint64(d.Ref))
	if err != nil || !exists || len(t.Matched) == 0 {
		return err
	}
	operator := t.Matched[binary.BigEndian.Uint64(seed[8:])%uint64(len(t.Matched))]
	w, err := k.Witnesses.Get(ctx, collections.Join(t.Id, operator))
	if err != nil {
		return err
	}
	m := types.SpotManifest{
		ChainId: sdk.UnwrapSDKContext(ctx).ChainID(), TaskId: t.Id, Kind: t.Kind, Manifest: t.Manifest, Operator: operator, Personal: w.Personal,
	}
	b, err := m.Marshal()
	if err != nil {
		return err
	}
	_, err = k.OpenTask(ctx, types.SpotTaskKind, d.Ref, b, t.Cost, t.Priority)
	if errors.Is(err, types.ErrTaskTooCostly) || errors.Is(err, types.ErrInvalidManifest) {
		return nil // looked into by chance only, so what can't be afforded is left
	}
	return err
}

// TaskSettled compares what the validator had committed to with what everybody found.
func (k spots) TaskSettled(goCtx context.Context, t types.Task) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	var m types.SpotManifest
	if err := m.Unmarshal(t.Manifest); err != nil {
		return err
	}
	o := types.SpotOutcome{Task: t, Manifest: m, Right: t.Answer, Wrong: !bytes.Equal(t.Answer, m.Personal)}
	emit(ctx, &types.EventSpot{TaskId: t.Id, OfTask: m.TaskId, Operator: m.Operator, Wrong: o.Wrong})
	k.hook(ctx, "hooks of spot task", t.Id, func(ctx sdk.Context, h types.Hooks) error { return h.AfterSpotSettled(ctx, o) })
	return nil
}

// TaskExpired does nothing: nobody is at fault.
func (spots) TaskExpired(context.Context, types.Task) error { return nil }

// ArtefactJudged does nothing: spot tasks ask for no files.
func (spots) ArtefactJudged(context.Context, types.Artefact) error { return nil }
