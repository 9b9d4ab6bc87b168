package keeper

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	"cosmossdk.io/collections"
	errorsmod "cosmossdk.io/errors"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
)

// maxLapses bounds how many canaries and held losses are looked at in one block.
const maxLapses = 64

// Kinds of entries in Lapses.
const (
	canaryLapse = "canary"
	lossLapse   = "loss"
)

func lapseRef(kind, group string, round uint64, address string) string {
	return fmt.Sprintf("%s/%s/%d/%s", kind, group, round, address)
}

func (k Keeper) setCanary(ctx context.Context, c types.Canary) error {
	return k.Canaries.Set(ctx, collections.Join3(c.Group, c.Round, c.Planter), c)
}

// canaries returns those of a round in planter order.
func (k Keeper) canaries(ctx context.Context, group string, round uint64) ([]types.Canary, error) {
	var all []types.Canary
	err := k.Canaries.Walk(ctx, collections.NewSuperPrefixedTripleRange[string, uint64, string](group, round),
		func(_ collections.Triple[string, uint64, string], c types.Canary) (bool, error) {
			all = append(all, c)
			return false, nil
		})
	return all, err
}

// PlantCanary escrows the bond of a canary in the commit phase: before anybody can know what will be handed in.
func (k Keeper) PlantCanary(goCtx context.Context, m *types.MsgPlantCanary) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if len(m.Commitment) != sha256.Size {
		return types.ErrInvalidCanary.Wrapf("commitment: expected 32 bytes, got %d", len(m.Commitment))
	}
	if _, _, err := k.currentRound(ctx, m.Group, m.Round, types.ROUND_PHASE_COMMIT); err != nil {
		return err
	}
	planted, err := k.canaries(ctx, m.Group, m.Round)
	if err != nil {
		return err
	}
	for _, c := range planted {
		if c.Planter == m.Sender {
			return types.ErrInvalidCanary.Wrapf("round %d of %q: one canary per account and round", m.Round, m.Group)
		}
	}
	if len(planted) >= types.MaxCanaries {
		return types.ErrInvalidCanary.Wrapf("round %d of %q has %d canaries; plant one in the next round", m.Round, m.Group, len(planted))
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	if params.CanaryBond.IsPositive() {
		if err := k.escrow(ctx, m.Sender, params.CanaryBond); err != nil {
			return errorsmod.Wrapf(err, "canary bond of %s unrn", params.CanaryBond)
		}
	}
	c := types.Canary{Group: m.Group, Round: m.Round, Planter: m.Sender, Commitment: m.Commitment, Bond: params.CanaryBond,
		Height: ctx.BlockHeight(), Status: types.CANARY_STATUS_PLANTED}
	if err := k.setCanary(ctx, c); err != nil {
		return err
	}
	return k.Lapses.Set(ctx, collections.Join(ctx.BlockHeight()+int64(params.CanaryBlocks), lapseRef(canaryLapse, m.Group, m.Round, m.Sender)))
}

func (k Keeper) hasCanary(ctx context.Context, group string, round uint64) (bool, error) {
	all, err := k.canaries(ctx, group, round)
	return len(all) > 0, err
}

// holdLoss keeps a loss in escrow that is burned unless a canary shows that the checkpoint was planted.
func (k Keeper) holdLoss(ctx sdk.Context, r types.Round, trainer string, amount math.Int, reason string) error {
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	h := types.HeldLoss{Group: r.Group, Round: r.Number, Trainer: trainer, Amount: amount, Reason: reason, Until: ctx.BlockHeight() + int64(params.CanaryBlocks)}
	if err := k.HeldLosses.Set(ctx, collections.Join3(r.Group, r.Number, trainer), h); err != nil {
		return err
	}
	return k.Lapses.Set(ctx, collections.Join(h.Until, lapseRef(lossLapse, r.Group, r.Number, trainer)))
}

// OpenCanary compares the settled verdict with what the planter knew. A part of the bond is burned, the rest returned.
func (k Keeper) OpenCanary(goCtx context.Context, m *types.MsgOpenCanary) (types.CanaryStatus, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	none := types.CANARY_STATUS_UNSPECIFIED
	c, exists, err := find(ctx, k.Canaries, collections.Join3(m.Group, m.Round, m.Sender))
	if err != nil {
		return none, err
	}
	if !exists || c.Status != types.CANARY_STATUS_PLANTED {
		return none, types.ErrInvalidCanary.Wrapf("%s has no canary to open in round %d of %q", m.Sender, m.Round, m.Group)
	}
	r, exists, err := find(ctx, k.Rounds, collections.Join(m.Group, m.Round))
	if err != nil {
		return none, err
	}
	if !exists || r.Phase != types.ROUND_PHASE_SETTLED {
		return none, types.ErrWrongPhase.Wrapf("round %d of %q: a canary is opened after settlement", m.Round, m.Group)
	}
	want := types.CanaryCommitmentOf(ctx.ChainID(), m.Group, m.Round, m.Sender, m.Trainer, m.Finding, m.ClaimLossE9, m.Salt)
	if !bytes.Equal(want, c.Commitment) {
		return none, types.ErrMismatch.Wrapf("expected the values of canary commitment %X, got %X", c.Commitment, want)
	}
	s, exists, err := find(ctx, k.Submissions, collections.Join3(m.Group, m.Round, m.Trainer))
	if err != nil {
		return none, err
	}
	if !exists || s.Verdict == nil {
		return none, types.ErrInvalidCanary.Wrapf("the checkpoint of %s got no verdict in round %d of %q, so it shows nothing", m.Trainer, m.Round, m.Group)
	}
	c.Trainer, c.Finding, c.ClaimLossE9 = m.Trainer, m.Finding, m.ClaimLossE9
	if err := k.judgeCanary(ctx, &c, s); err != nil {
		return none, err
	}
	fee := c.Bond.QuoRaw(types.CanaryFee)
	if err := k.burnEscrowed(ctx, c.Planter, fee, "canary fee"); err != nil {
		return none, err
	}
	if err := k.release(ctx, c.Planter, c.Bond.Sub(fee)); err != nil {
		return none, err
	}
	return c.Status, k.setCanary(ctx, c)
}

// judgeCanary says whether the verdict is the planted one and who was wrong. A held loss is given back only with a verdict
// that confirms the canary: otherwise a false claim could hide behind one.
func (k Keeper) judgeCanary(ctx sdk.Context, c *types.Canary, s types.Submission) error {
	problem := ""
	if c.Finding != uint32(types.ScoreValid) {
		problem = types.ScoreStatus(c.Finding).String()
	}
	var err error
	if s.Verdict.Problem == problem && (problem != "" || s.Verdict.ClaimLossE9 == c.ClaimLossE9) {
		c.Status = types.CANARY_STATUS_CONFIRMED
		// The task may have been forgotten since; the verdict stands.
		c.Exposed, err = k.attestation.Mismatched(ctx, s.Verdict.TaskId)
		if err != nil {
			c.Exposed, c.Note = nil, "who dissented is no longer known: "+err.Error()
		}
		return k.returnLoss(ctx, *c)
	}
	c.Status = types.CANARY_STATUS_CONTRADICTED
	c.Note = fmt.Sprintf("the settled verdict is %q with loss %d e-9; recompute it with: trainerd verify --group %s --round %d", s.Verdict.Problem, s.Verdict.ClaimLossE9, c.Group, c.Round)
	members, err := k.attestation.Matched(ctx, s.Verdict.TaskId)
	if err != nil {
		c.Note += "; who agreed is no longer known"
		return nil
	}
	for _, m := range members {
		c.Exposed = append(c.Exposed, m.Operator)
	}
	return nil
}

// returnLoss gives back what was held of the canary's checkpoint.
func (k Keeper) returnLoss(ctx sdk.Context, c types.Canary) error {
	key := collections.Join3(c.Group, c.Round, c.Trainer)
	h, exists, err := find(ctx, k.HeldLosses, key)
	if err != nil || !exists {
		return err
	}
	if err := k.release(ctx, h.Trainer, h.Amount); err != nil {
		return err
	}
	return k.HeldLosses.Remove(ctx, key)
}

// lapseCanaries burns the bonds of canaries that were not opened in time and the losses that were held for them, and forgets
// canaries of rounds that are gone.
func (k Keeper) lapseCanaries(ctx sdk.Context) error {
	var due []collections.Pair[int64, string]
	err := k.Lapses.Walk(ctx, nil, func(key collections.Pair[int64, string]) (bool, error) {
		if key.K1() > ctx.BlockHeight() {
			return true, nil
		}
		due = append(due, key)
		return len(due) >= maxLapses, nil
	})
	if err != nil {
		return err
	}
	for _, key := range due {
		if err := k.Lapses.Remove(ctx, key); err != nil {
			return err
		}
		k.try(ctx, "lapse of "+key.K2(), func(ctx sdk.Context) error { return k.lapse(ctx, key.K2()) })
	}
	return nil
}

func (k Keeper) lapse(ctx sdk.Context, ref string) error {
	kind, rest, _ := strings.Cut(ref, "/")
	at, err := types.DecodeSubmissionRef([]byte(rest))
	if err != nil {
		return err
	}
	key := collections.Join3(at.Group, at.Round, at.Trainer)
	if kind == lossLapse {
		h, exists, err := find(ctx, k.HeldLosses, key)
		if err != nil || !exists {
			return err
		}
		if err := k.burnEscrowed(ctx, h.Trainer, h.Amount, h.Reason); err != nil {
			return err
		}
		return k.HeldLosses.Remove(ctx, key)
	}
	return k.lapseCanary(ctx, key)
}

// lapseCanary looks at a canary: it waits for the settlement of its round and some time more, then its bond is burned, and
// it is forgotten together with the round.
func (k Keeper) lapseCanary(ctx sdk.Context, key collections.Triple[string, uint64, string]) error {
	c, exists, err := find(ctx, k.Canaries, key)
	if err != nil || !exists {
		return err
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	r, known, err := find(ctx, k.Rounds, collections.Join(c.Group, c.Round))
	if err != nil {
		return err
	}
	later := ctx.BlockHeight() + int64(params.CanaryBlocks)
	if known && r.Phase == types.ROUND_PHASE_SETTLED {
		later = max(r.SettledHeight+int64(params.CanaryBlocks), ctx.BlockHeight())
	}
	over := !known || r.Phase == types.ROUND_PHASE_SETTLED && later <= ctx.BlockHeight()
	if c.Status == types.CANARY_STATUS_PLANTED && over {
		if err := k.burnEscrowed(ctx, c.Planter, c.Bond, "canary not opened"); err != nil {
			return err
		}
		c.Status, c.Note = types.CANARY_STATUS_LAPSED, "it was not opened in time"
		if err := k.setCanary(ctx, c); err != nil {
			return err
		}
	}
	if !known {
		return k.Canaries.Remove(ctx, key)
	}
	if over {
		later = ctx.BlockHeight() + max(int64(params.CanaryBlocks), 1)
	}
	return k.Lapses.Set(ctx, collections.Join(later, lapseRef(canaryLapse, c.Group, c.Round, c.Planter)))
}
