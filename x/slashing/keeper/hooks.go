package keeper

import (
	"context"
	"errors"
	"fmt"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	"github.com/pold-network/pold/x/slashing/types"
)

// Hooks turns what attestation and training rounds report into evidence and penalties. Nothing reports an expired task:
// it is nobody's fault.
type Hooks struct{ Keeper }

var (
	_ attestationtypes.Hooks = Hooks{}
	_ poltypes.Hooks         = Hooks{}
)

// Hooks returns what attestation and training rounds report to.
func (k Keeper) Hooks() Hooks { return Hooks{k} }

// AfterTaskSettled takes wrong answers, and who missed the task while live. Store tasks are no part of the window of missed tasks: a
// miss costs the storage part of the reputation and must not count twice, and a hit takes next to no work, so it makes up for no other.
func (h Hooks) AfterTaskSettled(goCtx context.Context, o attestationtypes.Outcome) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	params, err := h.Params.Get(ctx)
	if err != nil {
		return err
	}
	power := make(map[string]int64, len(o.Snapshot.Members)) // read by key only
	for _, m := range o.Snapshot.Members {
		power[m.Operator] = m.Power
	}
	store := o.Task.Kind == poltypes.StoreTaskKind
	for _, v := range o.Wrong {
		e := types.Evidence{
			Kind: types.FAULT_KIND_WRONG_ANSWER, Address: v.Operator, TaskId: o.Task.Id, TaskKind: o.Task.Kind,
			Manifest: o.Task.Manifest, Answer: o.Task.Answer, Witness: v.Witness.Witness, Personal: v.Witness.Personal,
		}
		// The stake that the vote counted with is that of the snapshot: who leaves after it answers for the vote too.
		if err := h.wrong(ctx, params, e, stake{o.Snapshot.Height, power[v.Operator]}); err != nil {
			return err
		}
		if store {
			continue
		}
		if err := h.task(ctx, params, o, v.Operator, power, false); err != nil {
			return err
		}
	}
	if store {
		return nil
	}
	for _, operator := range o.Task.Matched {
		if err := h.task(ctx, params, o, operator, power, false); err != nil {
			return err
		}
	}
	for _, operator := range o.Absent {
		if err := h.task(ctx, params, o, operator, power, true); err != nil {
			return err
		}
	}
	return nil
}

// AfterSpotSettled takes personal values that were not what the computation gives. The evidence is that of the spot
// task, whose answer is the true value, so that it is recomputed like any other.
func (h Hooks) AfterSpotSettled(goCtx context.Context, o attestationtypes.SpotOutcome) error {
	if !o.Wrong {
		return nil
	}
	ctx := sdk.UnwrapSDKContext(goCtx)
	params, err := h.Params.Get(ctx)
	if err != nil {
		return err
	}
	s, err := h.spotStake(ctx, o)
	if err != nil {
		return err
	}
	return h.wrong(ctx, params, types.Evidence{
		Kind: types.FAULT_KIND_WRONG_PERSONAL, Address: o.Manifest.Operator, TaskId: o.Task.Id, TaskKind: o.Task.Kind,
		Manifest: o.Task.Manifest, Answer: o.Right, Personal: o.Manifest.Personal,
		Note: fmt.Sprintf("for task %d (%s)", o.Manifest.TaskId, o.Manifest.Kind),
	}, s)
}

// spotStake returns the stake that stood behind the task that was looked into. When that task has been forgotten, what
// the operator has now, at the height at which the look began, comes nearest.
func (h Hooks) spotStake(ctx context.Context, o attestationtypes.SpotOutcome) (stake, error) {
	height, power, err := h.Attestation.Stake(ctx, o.Manifest.TaskId, o.Manifest.Operator)
	if err == nil || !errors.Is(err, collections.ErrNotFound) {
		return stake{height, power}, err
	}
	v, _, why, err := h.target(ctx, o.Manifest.Operator)
	if err != nil || why != "" {
		return stake{height: o.Task.CreatedHeight}, err
	}
	return stake{o.Task.CreatedHeight, v.PotentialConsensusPower(h.Staking.PowerReduction(ctx))}, nil
}

// AfterArtefactJudged takes who was live and did not hold a file that more than two thirds held; it costs reputation.
func (h Hooks) AfterArtefactJudged(goCtx context.Context, a attestationtypes.Artefact, _, missing []string) error {
	if a.Status != attestationtypes.ARTEFACT_STATUS_HELD {
		return nil // withheld by its owner: no validator could have held it
	}
	ctx := sdk.UnwrapSDKContext(goCtx)
	for _, operator := range missing {
		_, err := h.addEvidence(ctx, types.Evidence{
			Kind: types.FAULT_KIND_NOT_HELD, Address: operator, Note: fmt.Sprintf("artefact %d (%s), %d bytes, %s", a.Id, a.Kind, a.Size_, a.Cid),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// AfterConduct takes acts that cost reputation only.
func (h Hooks) AfterConduct(goCtx context.Context, c attestationtypes.Conduct) error {
	kind := types.FAULT_KIND_CONDUCT
	if c.Kind == attestationtypes.ConductMissingReveal {
		kind = types.FAULT_KIND_BEACON
	}
	_, err := h.addEvidence(sdk.UnwrapSDKContext(goCtx), types.Evidence{
		Kind: kind, Address: c.Operator, Note: fmt.Sprintf("%s (%s)", c.Kind, c.Ref),
	})
	return err
}

// AfterRoundSettled takes the bonds that were lost for cause. What they cost was taken by the round itself.
func (h Hooks) AfterRoundSettled(goCtx context.Context, o poltypes.RoundOutcome) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	for _, l := range o.Losses {
		kind, err := faultOf(l.Cause)
		if err != nil {
			return err
		}
		_, err = h.addEvidence(ctx, types.Evidence{
			Kind: kind, Address: l.Address, Group: o.Group.Name, Round: o.Round.Number, Lost: l.Amount, Note: l.Note,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func faultOf(c poltypes.LossCause) (types.FaultKind, error) {
	switch c {
	case poltypes.LossNotRevealed:
		return types.FAULT_KIND_NOT_REVEALED, nil
	case poltypes.LossWithheld:
		return types.FAULT_KIND_WITHHELD, nil
	case poltypes.LossFalseClaim:
		return types.FAULT_KIND_FALSE_CLAIM, nil
	case poltypes.LossUnproved:
		return types.FAULT_KIND_UNPROVED, nil
	case poltypes.LossSealedKey:
		return types.FAULT_KIND_SEALED_KEY, nil
	}
	return 0, fmt.Errorf("expected a known cause of a loss, got %d", c)
}
