package keeper

import (
	"context"
	"fmt"
	"strings"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/pol/types"
)

// Outcomes takes what validators decided about checkpoints, transcripts and sealed batches, and the seeds of the beacon; it
// implements the owner interfaces of attestation for the kinds score and audit.
type Outcomes struct{ Keeper }

var (
	_ attestationtypes.Owner          = Outcomes{}
	_ attestationtypes.DrawOwner      = Outcomes{}
	_ attestationtypes.ChallengeOwner = Outcomes{}
)

// ArtefactJudged makes a held checkpoint a candidate and drops a withheld one.
func (o Outcomes) ArtefactJudged(ctx context.Context, a attestationtypes.Artefact) error {
	if a.Kind == types.AuditTaskKind {
		return o.statesJudged(sdk.UnwrapSDKContext(ctx), a)
	}
	if isBatchRef(a.Ref) {
		return o.batchJudged(ctx, a)
	}
	s, err := o.submissionOf(ctx, a.Ref)
	if err != nil || s.ArtefactId != a.Id || s.Status != types.SUBMISSION_STATUS_REVEALED {
		return err
	}
	if a.Status == attestationtypes.ARTEFACT_STATUS_HELD {
		s.Status = types.SUBMISSION_STATUS_CANDIDATE
	} else {
		s.Status, s.Note = types.SUBMISSION_STATUS_WITHHELD, a.Note
		announce(ctx, s)
	}
	if err := o.setSubmission(ctx, s); err != nil {
		return err
	}
	return o.wake(ctx, s.Group)
}

// TaskSettled stores a verdict.
func (o Outcomes) TaskSettled(goCtx context.Context, t attestationtypes.Task) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if t.Kind == types.AuditTaskKind {
		return o.auditSettled(ctx, t)
	}
	ref, err := types.DecodeSubmissionRef(t.Ref)
	if err != nil {
		return err
	}
	answer, err := types.DecodeScoreAnswer(t.Answer)
	if err != nil {
		// More than two thirds agreed on bytes that are no answer: the checkpoint gets no score.
		answer = types.ScoreAnswer{Status: types.ScoreNotCanonical}
	}
	if answer.Status == types.ScoreBadBatch {
		if answer, err = o.badBatchFound(ctx, ref, answer, t.Id); err != nil {
			return err
		}
	}
	if ref.Trainer == "" {
		return o.judgeParent(ctx, ref, answer, t.Id)
	}
	s, err := o.submissionOf(ctx, t.Ref)
	if err != nil || s.TaskId != t.Id || s.Status != types.SUBMISSION_STATUS_SCORING {
		return err
	}
	s.Judge(answer, t.Id)
	announce(ctx, s)
	if err := o.setSubmission(ctx, s); err != nil {
		return err
	}
	return o.wake(ctx, s.Group)
}

func (o Outcomes) judgeParent(ctx context.Context, ref types.SubmissionRef, a types.ScoreAnswer, taskID uint64) error {
	r, err := o.Rounds.Get(ctx, collections.Join(ref.Group, ref.Round))
	if err != nil || r.ParentTask != taskID || r.ParentVerdict != nil {
		return err
	}
	v := types.Verdict{ClaimLossE9: a.ClaimLossE9, RankLossE9: a.RankLossE9, MetricE9: a.MetricE9, Digest: a.Digest[:], TaskId: taskID}
	switch a.Status {
	case types.ScoreValid:
	case types.ScoreBadBatch: // there is nothing to rank by
		v.RankLossE9, v.MetricE9 = a.ClaimLossE9, 0
	default:
		v.Problem = a.Status.String()
	}
	r.ParentVerdict = &v
	if err := o.setRound(ctx, r); err != nil {
		return err
	}
	return o.wake(ctx, ref.Group)
}

// badBatchFound marks the sealed batch that an answer names as false, so that the round mints nothing. An answer that names
// none is no score.
func (k Keeper) badBatchFound(ctx sdk.Context, ref types.SubmissionRef, a types.ScoreAnswer, taskID uint64) (types.ScoreAnswer, error) {
	r, err := k.Rounds.Get(ctx, collections.Join(ref.Group, ref.Round))
	if err != nil || r.Phase != types.ROUND_PHASE_SCORE {
		return a, err
	}
	if a.MetricE9 >= uint64(len(r.Batches)) {
		return types.ScoreAnswer{Status: types.ScoreUnfitData}, nil
	}
	if r.Batches[a.MetricE9].Status == types.SEALED_BATCH_STATUS_FAILED {
		return a, nil // another task has found it before
	}
	if err := k.badBatch(ctx, &r, int(a.MetricE9), fmt.Sprintf("score task %d: %s", taskID, a.Status)); err != nil {
		return a, err
	}
	return a, k.setRound(ctx, r)
}

// TaskExpired puts the checkpoint back among those that wait for a task and wakes the group, which opens a new one:
// after the first reveal a round never dies for lack of validators; commitments, order and bonds stand.
func (o Outcomes) TaskExpired(goCtx context.Context, t attestationtypes.Task) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	if t.Kind == types.AuditTaskKind {
		return o.auditExpired(ctx, t)
	}
	ref, err := types.DecodeSubmissionRef(t.Ref)
	if err != nil {
		return err
	}
	r, err := o.Rounds.Get(ctx, collections.Join(ref.Group, ref.Round))
	if err != nil || r.Phase != types.ROUND_PHASE_SCORE {
		return err
	}
	if ref.Trainer == "" {
		if r.ParentTask != t.Id || r.ParentVerdict != nil {
			return nil
		}
		r.ParentTask = 0
	} else {
		s, err := o.submissionOf(ctx, t.Ref)
		if err != nil || s.TaskId != t.Id || s.Status != types.SUBMISSION_STATUS_SCORING {
			return err
		}
		s.TaskId, s.Status = 0, types.SUBMISSION_STATUS_CANDIDATE
		if err := o.setSubmission(ctx, s); err != nil {
			return err
		}
		r.Tasks-- // the slot was not used
	}
	r.Note = fmt.Sprintf("extended: score task %d expired, %s", t.Id, t.Note)
	emit(ctx, &types.EventPhase{Group: r.Group, Round: r.Number, Phase: r.Phase, Note: r.Note})
	if err := o.setRound(ctx, r); err != nil {
		return err
	}
	return o.wake(ctx, ref.Group)
}

func (k Keeper) submissionOf(ctx context.Context, ref []byte) (types.Submission, error) {
	r, err := types.DecodeSubmissionRef(ref)
	if err != nil {
		return types.Submission{}, err
	}
	return k.Submissions.Get(ctx, collections.Join3(r.Group, r.Round, r.Trainer))
}

// isBatchRef reports whether an artefact is a sealed batch. References of submissions have one part less, also in a group
// that is called batch.
func isBatchRef(ref []byte) bool {
	return strings.HasPrefix(string(ref), "batch/") && strings.Count(string(ref), "/") == 3
}
