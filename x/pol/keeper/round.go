package keeper

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
)

// retryBlocks is how many heights a group waits for its training set before it looks again.
const retryBlocks = 5

// step moves a group on: it opens a round, closes a phase, or settles. It runs when the group is due.
func (k Keeper) step(ctx sdk.Context, name string) error {
	if err := k.unschedule(ctx, name); err != nil {
		return err
	}
	g, err := k.group(ctx, name)
	if err != nil {
		return err
	}
	if g.Round == 0 {
		return k.openRound(ctx, g)
	}
	r, err := k.Rounds.Get(ctx, collections.Join(name, g.Round))
	if err != nil {
		return err
	}
	switch r.Phase {
	case types.ROUND_PHASE_DRAW:
		return k.closeDraw(ctx, g, r)
	case types.ROUND_PHASE_COMMIT:
		return k.closeCommit(ctx, r)
	case types.ROUND_PHASE_REVEAL:
		return k.closeReveal(ctx, g, r)
	case types.ROUND_PHASE_KEY:
		return k.closeKeys(ctx, g, r)
	case types.ROUND_PHASE_AVAILABILITY:
		return k.closeAvailability(ctx, g, r)
	case types.ROUND_PHASE_SCORE:
		return k.closeScore(ctx, g, r)
	case types.ROUND_PHASE_AUDIT:
		return k.closeAudit(ctx, g, r)
	default:
		return k.openRound(ctx, g)
	}
}

// closeDraw opens the commit phase once the beacon has drawn the order of the batches: nobody could train before.
func (k Keeper) closeDraw(ctx sdk.Context, g types.Group, r types.Round) error {
	if len(r.OrderSeed) == 0 {
		return k.watch(ctx, r, nil)
	}
	return k.openCommit(ctx, g, r)
}

func (k Keeper) closeCommit(ctx sdk.Context, r types.Round) error {
	if ctx.BlockHeight() < r.CommitUntil {
		return k.schedule(ctx, r.Group, r.CommitUntil)
	}
	if r.Commitments == 0 {
		return k.settleEmpty(ctx, r, "nobody committed a checkpoint")
	}
	// Everything is committed to, so nobody can choose a checkpoint by the samples that will be drawn.
	if err := k.requestDraw(ctx, &r, types.DrawScore); err != nil {
		return err
	}
	if err := k.enter(ctx, &r, types.ROUND_PHASE_REVEAL, fmt.Sprintf("%d commitments", r.Commitments)); err != nil {
		return err
	}
	// A group may have waited for its turn: the reveal phase still has its full length.
	r.RevealUntil = max(r.RevealUntil, ctx.BlockHeight()+(r.RevealUntil-r.CommitUntil))
	if err := k.setRound(ctx, r); err != nil {
		return err
	}
	return k.schedule(ctx, r.Group, r.RevealUntil)
}

func (k Keeper) closeReveal(ctx sdk.Context, g types.Group, r types.Round) error {
	if ctx.BlockHeight() < r.RevealUntil && r.Reveals < r.Commitments {
		return k.schedule(ctx, r.Group, r.RevealUntil)
	}
	if r.Reveals == 0 {
		return k.settleEmpty(ctx, r, fmt.Sprintf("none of %d commitments was revealed", r.Commitments))
	}
	submissions, err := k.submissions(ctx, r.Group, r.Number)
	if err != nil {
		return err
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	types.MarkDuplicates(submissions)
	types.DropSurplus(submissions, params.MaxCandidates)
	for i := range submissions {
		s := &submissions[i]
		if err := k.UsedHashes.Set(ctx, collections.Join(s.Group, s.CheckpointHash), s.Round); err != nil {
			return err
		}
		if s.Status == types.SUBMISSION_STATUS_REVEALED {
			ref := types.SubmissionRef{Group: s.Group, Round: s.Round, Trainer: s.Trainer}
			s.ArtefactId, err = k.attestation.AskArtefact(ctx, types.ScoreTaskKind, s.CheckpointCid, s.CheckpointHash, s.Size_, ref.Encode())
			if err != nil {
				return err
			}
		} else {
			announce(ctx, *s)
		}
		if err := k.setSubmission(ctx, *s); err != nil {
			return err
		}
	}
	if g.Settings.Proof == types.PROOF_MODE_PROVED {
		if err := k.requestDraw(ctx, &r, types.DrawAudit); err != nil {
			return err
		}
	}
	revealed := fmt.Sprintf("%d of %d commitments revealed", r.Reveals, r.Commitments)
	if g.Settings.Evaluation == types.EVALUATION_MODE_SEALED {
		r.KeyUntil = ctx.BlockHeight() + int64(params.KeyBlocks)
		if err := k.enter(ctx, &r, types.ROUND_PHASE_KEY, revealed); err != nil {
			return err
		}
		return k.schedule(ctx, r.Group, r.KeyUntil)
	}
	if err := k.enter(ctx, &r, types.ROUND_PHASE_AVAILABILITY, revealed); err != nil {
		return err
	}
	return k.schedule(ctx, r.Group, ctx.BlockHeight()+watchBlocks)
}

// closeKeys goes on once the keys of all sealed batches are there or can no longer come.
func (k Keeper) closeKeys(ctx sdk.Context, g types.Group, r types.Round) error {
	done, err := k.keysDone(ctx, &r)
	if err != nil {
		return err
	}
	if !done {
		return k.schedule(ctx, r.Group, max(r.KeyUntil, ctx.BlockHeight()+1))
	}
	note := "all keys are revealed"
	if r.KeysWithheld {
		note = noteKeysWithheld
	}
	if err := k.enter(ctx, &r, types.ROUND_PHASE_AVAILABILITY, note); err != nil {
		return err
	}
	return k.closeAvailability(ctx, g, r)
}

// noteKeysWithheld is why a round has no winner.
const noteKeysWithheld = "a sealed batch was withheld or is not what its provider committed to: the round mints nothing"

// closeAvailability goes on to scoring once validators have said of every checkpoint whether they hold it.
func (k Keeper) closeAvailability(ctx sdk.Context, g types.Group, r types.Round) error {
	submissions, err := k.submissions(ctx, r.Group, r.Number)
	if err != nil {
		return err
	}
	candidates := 0
	for _, s := range submissions {
		switch s.Status {
		case types.SUBMISSION_STATUS_REVEALED:
			return k.watch(ctx, r, submissions) // the outcome will wake the group
		case types.SUBMISSION_STATUS_CANDIDATE:
			candidates++
		}
	}
	if candidates == 0 {
		return k.settle(ctx, g, r, submissions, "no revealed checkpoint is held by more than two thirds of power")
	}
	if err := k.enter(ctx, &r, types.ROUND_PHASE_SCORE, fmt.Sprintf("%d candidates", candidates)); err != nil {
		return err
	}
	return k.closeScore(ctx, g, r)
}

func (k Keeper) enter(ctx context.Context, r *types.Round, phase types.RoundPhase, note string) error {
	r.Phase, r.Note = phase, note
	emit(ctx, &types.EventPhase{Group: r.Group, Round: r.Number, Phase: phase, Note: note})
	return k.setRound(ctx, *r)
}

func announce(ctx context.Context, s types.Submission) {
	e := &types.EventSubmissionJudged{
		Group: s.Group, Round: s.Round, Trainer: s.Trainer, Status: s.Status, ClaimedLossE9: s.ClaimedLossE9, Note: s.Note,
	}
	if s.Verdict != nil {
		e.RankLossE9 = s.Verdict.RankLossE9
	}
	emit(ctx, e)
}
