package keeper

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/pol/types"
)

// closeScore fills free score slots and settles the round once every opened task has an outcome.
func (k Keeper) closeScore(ctx sdk.Context, g types.Group, r types.Round) error {
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
	return k.settle(ctx, g, r, submissions, "")
}

// openScore opens the task that scores one checkpoint; an empty trainer means the parent.
func (k Keeper) openScore(ctx sdk.Context, g types.Group, r types.Round, trainer string, c types.Checkpoint) (uint64, error) {
	m := types.ScoreManifest{
		ChainId: ctx.ChainID(), Group: r.Group, Round: r.Number, ModelVersion: r.ModelVersion, Model: g.Settings.Model,
		Objective: g.Settings.Objective, Evaluation: g.Settings.Evaluation,
		TrainingSet: r.TrainingSet, TrainingSetVersion: r.TrainingSetVersion, Table: r.Table,
		CheckpointCid: c.Cid, CheckpointHash: c.Sha256, CheckpointSize: c.Size_, EngineVersion: r.EngineVersion,
	}
	if c.Cid == "" {
		m.InitSeed = g.Settings.InitSeed
	}
	b, err := m.Marshal()
	if err != nil {
		return 0, err
	}
	ref := types.SubmissionRef{Group: r.Group, Round: r.Number, Trainer: trainer}
	return k.attestation.OpenTask(ctx, types.ScoreTaskKind, ref.Encode(), b, r.Cost, r.GroupStake)
}

// Outcomes takes what validators decided about checkpoints; it implements the owner interface of attestation.
type Outcomes struct{ Keeper }

var _ attestationtypes.Owner = Outcomes{}

// ArtefactJudged makes a held checkpoint a candidate and drops a withheld one.
func (o Outcomes) ArtefactJudged(ctx context.Context, a attestationtypes.Artefact) error {
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
func (o Outcomes) TaskSettled(ctx context.Context, t attestationtypes.Task) error {
	ref, err := types.DecodeSubmissionRef(t.Ref)
	if err != nil {
		return err
	}
	answer, err := types.DecodeScoreAnswer(t.Answer)
	if err != nil {
		// More than two thirds agreed on bytes that are no answer: the checkpoint gets no score.
		answer = types.ScoreAnswer{Status: types.ScoreNotCanonical}
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
	if a.Status != types.ScoreValid {
		v.Problem = a.Status.String()
	}
	r.ParentVerdict = &v
	if err := o.setRound(ctx, r); err != nil {
		return err
	}
	return o.wake(ctx, ref.Group)
}

// TaskExpired puts the checkpoint back among those that wait for a task and wakes the group, which opens a new one:
// after the first reveal a round never dies for lack of validators; commitments, order and bonds stand.
func (o Outcomes) TaskExpired(goCtx context.Context, t attestationtypes.Task) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
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
