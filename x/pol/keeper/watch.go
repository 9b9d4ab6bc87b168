package keeper

import (
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
)

// watchBlocks is how long a group waits for outcomes before it looks whether they are still to come.
const watchBlocks = 500

// watch keeps a round that waits for outcomes from waiting for ever: an outcome that could not be taken is gone, so
// what it was about is asked again. Each outcome wakes the group long before, as a rule.
func (k Keeper) watch(ctx sdk.Context, r types.Round, submissions []types.Submission) error {
	again, err := k.redraw(ctx, &r)
	if err != nil {
		return err
	}
	if r.Phase == types.ROUND_PHASE_SCORE && r.ParentVerdict == nil && r.ParentTask != 0 {
		pending, err := k.attestation.TaskPending(ctx, r.ParentTask)
		if err != nil {
			return err
		}
		if !pending {
			r.ParentTask, again = 0, true
		}
	}
	for i := range submissions {
		lost, err := k.askAgain(ctx, &r, &submissions[i])
		if err != nil {
			return err
		}
		again = again || lost
	}
	if !again {
		return k.schedule(ctx, r.Group, ctx.BlockHeight()+watchBlocks)
	}
	r.Note = "extended: an outcome was lost and is asked for again"
	emit(ctx, &types.EventPhase{Group: r.Group, Round: r.Number, Phase: r.Phase, Note: r.Note})
	if err := k.setRound(ctx, r); err != nil {
		return err
	}
	return k.schedule(ctx, r.Group, ctx.BlockHeight()+1)
}

// askAgain puts a submission whose outcome was lost back to where it waits for one, and reports whether it did.
func (k Keeper) askAgain(ctx sdk.Context, r *types.Round, s *types.Submission) (bool, error) {
	switch s.Status {
	case types.SUBMISSION_STATUS_REVEALED:
		pending, err := k.attestation.ArtefactPending(ctx, s.ArtefactId)
		if err != nil || pending {
			return false, err
		}
		ref := types.SubmissionRef{Group: s.Group, Round: s.Round, Trainer: s.Trainer}
		s.ArtefactId, err = k.attestation.AskArtefact(ctx, types.ScoreTaskKind, s.CheckpointCid, s.CheckpointHash, s.Size_, ref.Encode())
		if err != nil {
			return false, err
		}
	case types.SUBMISSION_STATUS_SCORING:
		pending, err := k.attestation.TaskPending(ctx, s.TaskId)
		if err != nil || pending {
			return false, err
		}
		s.TaskId, s.Status = 0, types.SUBMISSION_STATUS_CANDIDATE
		r.Tasks--
	case types.SUBMISSION_STATUS_AUDITING:
		lost, err := k.auditsLost(ctx, s)
		if err != nil || !lost {
			return false, err
		}
	default:
		return false, nil
	}
	return true, k.setSubmission(ctx, *s)
}
