package keeper

import (
	"fmt"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
)

// closeScore fills free score slots and goes on once every opened task has an outcome. No task opens before the seed of
// the validators' samples is drawn.
func (k Keeper) closeScore(ctx sdk.Context, g types.Group, r types.Round) error {
	if len(r.ScoreSeed) == 0 {
		return k.watch(ctx, r, nil)
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	if r.ParentTask == 0 {
		r.ParentTask, err = k.openScore(ctx, g, r, "", r.Parent)
		if err != nil {
			return err
		}
	}
	submissions, err := k.submissions(ctx, r.Group, r.Number)
	if err != nil {
		return err
	}
	for _, i := range types.NextToScore(submissions, types.Slots(submissions, r.Tasks, params.MaxCandidates)) {
		s := &submissions[i]
		s.TaskId, err = k.openScore(ctx, g, r, s.Trainer, types.Checkpoint{Cid: s.CheckpointCid, Sha256: s.CheckpointHash, Size_: s.Size_})
		if err != nil {
			return err
		}
		s.Status = types.SUBMISSION_STATUS_SCORING
		r.Tasks++
		if err := k.setSubmission(ctx, *s); err != nil {
			return err
		}
	}
	if err := k.setRound(ctx, r); err != nil {
		return err
	}
	waits := r.ParentVerdict == nil
	for _, s := range submissions {
		waits = waits || s.Status == types.SUBMISSION_STATUS_SCORING
	}
	if waits {
		return k.watch(ctx, r, submissions) // an outcome will wake the group
	}
	if g.Settings.Proof == types.PROOF_MODE_PROVED && !r.KeysWithheld {
		if n := len(types.NextToAudit(submissions, *r.ParentVerdict, g.Settings.MinImprovementE9, len(submissions))); n > 0 {
			if err := k.enter(ctx, &r, types.ROUND_PHASE_AUDIT, fmt.Sprintf("%d candidates beat the parent", n)); err != nil {
				return err
			}
			return k.closeAudit(ctx, g, r)
		}
	}
	return k.settle(ctx, g, r, submissions, "")
}

// openScore opens the task that scores one checkpoint; an empty trainer means the parent.
func (k Keeper) openScore(ctx sdk.Context, g types.Group, r types.Round, trainer string, c types.Checkpoint) (uint64, error) {
	b, err := types.NewScoreManifest(ctx.ChainID(), g, r, trainer, c).Marshal()
	if err != nil {
		return 0, err
	}
	ref := types.SubmissionRef{Group: r.Group, Round: r.Number, Trainer: trainer}
	return k.attestation.OpenTask(ctx, types.ScoreTaskKind, ref.Encode(), b, r.Cost, r.GroupStake)
}
