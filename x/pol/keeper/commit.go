package keeper

import (
	"bytes"
	"context"
	"crypto/sha256"

	"cosmossdk.io/collections"
	errorsmod "cosmossdk.io/errors"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
)

// CommitCheckpoint records a commitment for the current round, escrows the bond and returns the order.
func (k Keeper) CommitCheckpoint(goCtx context.Context, m *types.MsgCommitCheckpoint) (uint32, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if len(m.Commitment) != sha256.Size {
		return 0, types.ErrInvalidCommitment.Wrapf("expected 32 bytes, got %d", len(m.Commitment))
	}
	g, r, err := k.currentRound(ctx, m.Group, m.Round, types.ROUND_PHASE_COMMIT)
	if err != nil {
		return 0, err
	}
	if !g.Settings.Allows(m.Sender) {
		return 0, types.ErrNotAllowed.Wrapf("group %q", m.Group)
	}
	key := collections.Join3(m.Group, m.Round, m.Sender)
	if has, err := k.Commitments.Has(ctx, key); err != nil {
		return 0, err
	} else if has {
		return 0, types.ErrAlreadyCommitted.Wrapf("round %d of %q: one commitment per account and round; it can't be changed", m.Round, m.Group)
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return 0, err
	}
	if r.Commitments >= params.MaxCommitments {
		return 0, types.ErrRoundFull.Wrapf("round %d of %q has %d commitments; wait for the next round", m.Round, m.Group, r.Commitments)
	}
	bond := r.Bond
	if bond.IsPositive() {
		if err := k.escrow(ctx, m.Sender, bond); err != nil {
			return 0, errorsmod.Wrapf(err, "commit bond of %s unrn: fund the account and try again", bond)
		}
	}
	r.Commitments++
	c := types.Commitment{
		Group: m.Group, Round: m.Round, Trainer: m.Sender, Commitment: m.Commitment,
		Order: r.Commitments, Height: ctx.BlockHeight(), Bond: bond,
	}
	if err := k.Commitments.Set(ctx, key, c); err != nil {
		return 0, err
	}
	return c.Order, k.setRound(ctx, r)
}

// SubmitCheckpoint records a reveal that matches the sender's commitment.
func (k Keeper) SubmitCheckpoint(goCtx context.Context, m *types.MsgSubmitCheckpoint) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	g, r, err := k.currentRound(ctx, m.Group, m.Round, types.ROUND_PHASE_REVEAL)
	if err != nil {
		return err
	}
	if err := g.Settings.CheckReveal(m); err != nil {
		return err
	}
	key := collections.Join3(m.Group, m.Round, m.Sender)
	c, exists, err := find(ctx, k.Commitments, key)
	if err != nil {
		return err
	}
	if !exists {
		return types.ErrNotCommitted.Wrapf("%s has no commitment in round %d of %q; commit in the next round first", m.Sender, m.Round, m.Group)
	}
	if c.Revealed {
		return types.ErrAlreadyCommitted.Wrapf("round %d of %q: this commitment has been revealed", m.Round, m.Group)
	}
	want := types.CommitmentOf(ctx.ChainID(), m.Group, m.Round, m.Sender, m.CheckpointHash, m.TranscriptRoot, m.ClaimedLossE9, m.Salt)
	if !bytes.Equal(want, c.Commitment) {
		return types.ErrMismatch.Wrapf("expected the values of commitment %X, got %X; check checkpoint hash, claimed loss and salt", c.Commitment, want)
	}
	used, exists, err := find(ctx, k.UsedHashes, collections.Join(m.Group, m.CheckpointHash))
	if err != nil {
		return err
	}
	if exists && used < m.Round {
		return types.ErrUsedCheckpoint.Wrapf("it was revealed in round %d of %q; train it further", used, m.Group)
	}
	c.Revealed = true
	if err := k.Commitments.Set(ctx, key, c); err != nil {
		return err
	}
	s := types.Submission{
		Group: m.Group, Round: m.Round, Trainer: m.Sender, Order: c.Order, CheckpointCid: m.CheckpointCid, CheckpointHash: m.CheckpointHash,
		Size_: m.Size_, TranscriptRoot: m.TranscriptRoot, TranscriptCid: m.TranscriptCid, TranscriptSize: m.TranscriptSize,
		ClaimedLossE9: m.ClaimedLossE9, Status: types.SUBMISSION_STATUS_REVEALED,
	}
	if err := k.Submissions.Set(ctx, key, s); err != nil {
		return err
	}
	r.Reveals++
	if err := k.setRound(ctx, r); err != nil {
		return err
	}
	if r.Reveals == r.Commitments {
		return k.wake(ctx, m.Group) // everybody has revealed: nobody is left to wait for
	}
	return nil
}

// currentRound returns a group and its current round, which must be the one named and in the named phase.
func (k Keeper) currentRound(ctx context.Context, group string, number uint64, phase types.RoundPhase) (types.Group, types.Round, error) {
	g, err := k.group(ctx, group)
	if err != nil {
		return g, types.Round{}, err
	}
	if g.Round == 0 {
		return g, types.Round{}, types.ErrWrongPhase.Wrapf("group %q has no round yet: %s", group, g.Note)
	}
	if g.Round != number {
		return g, types.Round{}, types.ErrWrongRound.Wrapf("group %q: expected the current round %d, got %d", group, g.Round, number)
	}
	r, err := k.Rounds.Get(ctx, collections.Join(group, number))
	if err != nil {
		return g, r, err
	}
	height := sdk.UnwrapSDKContext(ctx).BlockHeight()
	until := map[types.RoundPhase]int64{
		types.ROUND_PHASE_COMMIT: r.CommitUntil, types.ROUND_PHASE_REVEAL: r.RevealUntil, types.ROUND_PHASE_KEY: r.KeyUntil,
	}[phase]
	if r.Phase != phase || height > until {
		return g, r, types.ErrWrongPhase.Wrapf("round %d of %q: expected %s, it is in %s at height %d; %s",
			number, group, phase, r.Phase, height, nextStep(r))
	}
	return g, r, nil
}

func nextStep(r types.Round) string {
	switch r.Phase {
	case types.ROUND_PHASE_DRAW:
		return "commit once the beacon has drawn the order of the batches"
	case types.ROUND_PHASE_COMMIT:
		return "reveal after the commit phase has closed"
	case types.ROUND_PHASE_REVEAL:
		return "commit when the next round opens"
	}
	return "wait for the next round"
}

func (k Keeper) setRound(ctx context.Context, r types.Round) error {
	return k.Rounds.Set(ctx, collections.Join(r.Group, r.Number), r)
}

// commitments returns the commitments of a round in trainer order.
func (k Keeper) commitments(ctx context.Context, r types.Round) ([]types.Commitment, error) {
	var all []types.Commitment
	err := k.Commitments.Walk(ctx, collections.NewSuperPrefixedTripleRange[string, uint64, string](r.Group, r.Number),
		func(_ collections.Triple[string, uint64, string], c types.Commitment) (bool, error) {
			all = append(all, c)
			return false, nil
		})
	return all, err
}

// submissions returns the revealed checkpoints of a round in trainer order.
func (k Keeper) submissions(ctx context.Context, group string, round uint64) ([]types.Submission, error) {
	var all []types.Submission
	err := k.Submissions.Walk(ctx, collections.NewSuperPrefixedTripleRange[string, uint64, string](group, round),
		func(_ collections.Triple[string, uint64, string], s types.Submission) (bool, error) {
			all = append(all, s)
			return false, nil
		})
	return all, err
}

func (k Keeper) setSubmission(ctx context.Context, s types.Submission) error {
	return k.Submissions.Set(ctx, collections.Join3(s.Group, s.Round, s.Trainer), s)
}

// zero is shared by records whose amounts are not known yet.
var zero = math.ZeroInt()
