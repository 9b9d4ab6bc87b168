package keeper

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/pol/types"
)

// closeAudit lets validators replay parts of the best candidates' transcripts, some candidates at a time, and settles the
// round once one is proved or none is left that beats the parent.
func (k Keeper) closeAudit(ctx sdk.Context, g types.Group, r types.Round) error {
	submissions, err := k.submissions(ctx, r.Group, r.Number)
	if err != nil {
		return err
	}
	if len(r.AuditSeed) == 0 {
		return k.watch(ctx, r, submissions)
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	var auditing []int
	for i, s := range submissions {
		if s.Status == types.SUBMISSION_STATUS_AUDITING {
			auditing = append(auditing, i)
		}
	}
	if len(auditing) == 0 {
		if types.Best(submissions, types.SUBMISSION_STATUS_PROVED) < 0 {
			auditing = types.NextToAudit(submissions, *r.ParentVerdict, g.Settings.MinImprovementE9, int(params.AuditCandidates))
		}
		if len(auditing) == 0 {
			return k.settle(ctx, g, r, submissions, "")
		}
		for _, i := range auditing {
			submissions[i].Status = types.SUBMISSION_STATUS_AUDITING
			r.Audits++
		}
		r.Note = fmt.Sprintf("%d transcripts are replayed, %d before", len(auditing), int(r.Audits)-len(auditing))
		if err := k.setRound(ctx, r); err != nil {
			return err
		}
	}
	for _, i := range auditing {
		if err := k.askStates(ctx, params, g, r, &submissions[i]); err != nil {
			return err
		}
	}
	return k.watch(ctx, r, submissions) // an outcome will wake the group
}

// askStates asks validators for the transcript and the start states that an audit needs, and for those of each challenged
// segment, unless that has been asked.
func (k Keeper) askStates(ctx sdk.Context, params types.Params, g types.Group, r types.Round, s *types.Submission) error {
	ref := types.AuditRef{SubmissionRef: types.SubmissionRef{Group: s.Group, Round: s.Round, Trainer: s.Trainer}}
	var err error
	if s.Audit == nil && s.AuditArtefactId == 0 && s.AuditTaskId == 0 {
		m := types.NewAuditManifest(ctx.ChainID(), g, r, *s)
		m.Own = true
		if m.Common, err = k.commonSegments(ctx, params, g, r, s.Trainer); err != nil {
			return err
		}
		if s.AuditArtefactId, err = k.askBundle(ctx, ref, m, *s); err != nil {
			return err
		}
	}
	for i := range s.Challenges {
		c := &s.Challenges[i]
		if c.Verdict != nil || c.ArtefactId != 0 || c.TaskId != 0 {
			continue
		}
		m := types.NewAuditManifest(ctx.ChainID(), g, r, *s)
		m.Common = []uint32{c.Segment}
		ref.Challenge, ref.Segment = true, c.Segment
		if c.ArtefactId, err = k.askBundle(ctx, ref, m, *s); err != nil {
			return err
		}
	}
	return k.setSubmission(ctx, *s)
}

func (k Keeper) askBundle(ctx sdk.Context, ref types.AuditRef, m *types.AuditManifest, s types.Submission) (uint64, error) {
	b, err := m.Marshal()
	if err != nil {
		return 0, err
	}
	return k.attestation.AskBundle(ctx, types.AuditTaskKind, s.TranscriptCid, s.TranscriptRoot, s.TranscriptSize, ref.Encode(), b)
}

// commonSegments draws the segments that everybody replays of a trainer's transcript. A bad reputation makes them more, as
// far as the budget of a window reaches.
func (k Keeper) commonSegments(ctx sdk.Context, params types.Params, g types.Group, r types.Round, trainer string) ([]uint32, error) {
	count := params.AuditSegments
	if k.reputation != nil {
		k.try(ctx, "extra segments of "+trainer, func(ctx sdk.Context) error {
			extra, err := k.reputation.ExtraSegments(ctx, trainer)
			if err == nil {
				count += min(extra, types.MaxSegments)
			}
			return err
		})
	}
	count = min(count, g.Settings.Segments)
	shape, err := g.Settings.Shape()
	if err != nil {
		return nil, err
	}
	budget, err := k.attestation.MaxCost(ctx, types.AuditTaskKind)
	if err != nil {
		return nil, err
	}
	for count > params.AuditSegments && g.Settings.AuditCost(shape, r.Table, replayed(g.Settings.Segments, count, true)) > budget {
		count--
	}
	return types.CommonSegments(r.AuditSeed, trainer, g.Settings.Segments, count), nil
}

// audited returns a submission and its round while it is under audit; ok is false for one that no longer is.
func (k Keeper) audited(ctx context.Context, ref []byte) (_ types.AuditRef, _ types.Round, s types.Submission, ok bool, err error) {
	a, err := types.DecodeAuditRef(ref)
	if err != nil {
		return a, types.Round{}, s, false, err
	}
	r, err := k.Rounds.Get(ctx, collections.Join(a.Group, a.Round))
	if err != nil {
		return a, r, s, false, err
	}
	s, err = k.Submissions.Get(ctx, collections.Join3(a.Group, a.Round, a.Trainer))
	return a, r, s, err == nil && r.Phase == types.ROUND_PHASE_AUDIT && s.Status == types.SUBMISSION_STATUS_AUDITING, err
}

// statesJudged opens the replay of segments whose start states are held; withheld ones fail the audit.
func (o Outcomes) statesJudged(ctx sdk.Context, a attestationtypes.Artefact) error {
	ref, r, s, ok, err := o.audited(ctx, a.Ref)
	if err != nil || !ok {
		return err
	}
	asked, task, verdict := &s.AuditArtefactId, &s.AuditTaskId, &s.Audit
	if ref.Challenge {
		c := s.Challenge(ref.Segment)
		if c == nil {
			return nil
		}
		asked, task, verdict = &c.ArtefactId, &c.TaskId, &c.Verdict
	}
	if *asked != a.Id || *task != 0 || *verdict != nil {
		return nil
	}
	if a.Status != attestationtypes.ARTEFACT_STATUS_HELD {
		what := "the transcript or a start state that was drawn"
		if ref.Challenge {
			what = fmt.Sprintf("the start state of segment %d", ref.Segment)
		}
		*verdict = &types.AuditVerdict{Problem: fmt.Sprintf("%s was withheld: %s", what, a.Note), Segment: ref.Segment}
		return o.decided(ctx, s)
	}
	// The manifest of the question, because what is held was asked by it.
	cost, err := o.auditCost(ctx, r, a.Manifest)
	if err != nil {
		return err
	}
	if !o.try(ctx, "audit of "+s.Group, func(ctx sdk.Context) error {
		*task, err = o.attestation.OpenTask(ctx, types.AuditTaskKind, a.Ref, a.Manifest, cost, r.GroupStake)
		return err
	}) {
		return o.schedule(ctx, s.Group, ctx.BlockHeight()+retryBlocks) // the watch asks again
	}
	return o.setSubmission(ctx, s)
}

// auditCost is the cost of the task with an audit manifest.
func (k Keeper) auditCost(ctx context.Context, r types.Round, manifest []byte) (uint64, error) {
	g, err := k.group(ctx, r.Group)
	if err != nil {
		return 0, err
	}
	shape, err := g.Settings.Shape()
	if err != nil {
		return 0, err
	}
	var m types.AuditManifest
	if err := m.Unmarshal(manifest); err != nil {
		return 0, err
	}
	return g.Settings.AuditCost(shape, r.Table, replayed(m.Segments, uint32(len(m.Common)), m.Own)), nil
}

// auditSettled stores what a replay found.
func (o Outcomes) auditSettled(ctx sdk.Context, t attestationtypes.Task) error {
	answer, err := types.DecodeAuditAnswer(t.Answer)
	if err != nil {
		// More than two thirds agreed on bytes that are no answer: nothing is proved.
		answer = types.AuditAnswer{Status: types.AuditNotCanonical}
	}
	verdict := types.NewAuditVerdict(answer, t.Id)
	ref, _, s, ok, err := o.audited(ctx, t.Ref)
	if err != nil {
		return err
	}
	if ref.Challenge {
		return o.challengeSettled(ctx, ref, s, verdict)
	}
	if !ok || s.AuditTaskId != t.Id || s.Audit != nil {
		return nil
	}
	s.Audit = verdict
	return o.decided(ctx, s)
}

// decided stores a submission with a new verdict and wakes the group once the audit is over.
func (k Keeper) decided(ctx sdk.Context, s types.Submission) error {
	done := s.DecideAudit()
	if err := k.setSubmission(ctx, s); err != nil || !done {
		return err
	}
	announce(ctx, s)
	return k.wake(ctx, s.Group)
}

// auditExpired lets the replay be asked for again: nobody is at fault.
func (o Outcomes) auditExpired(ctx sdk.Context, t attestationtypes.Task) error {
	ref, r, s, ok, err := o.audited(ctx, t.Ref)
	if err != nil || !ok {
		return err
	}
	asked, task, verdict := &s.AuditArtefactId, &s.AuditTaskId, s.Audit
	if ref.Challenge {
		c := s.Challenge(ref.Segment)
		if c == nil {
			return nil
		}
		asked, task, verdict = &c.ArtefactId, &c.TaskId, c.Verdict
	}
	if *task != t.Id || verdict != nil {
		return nil
	}
	*asked, *task = 0, 0
	if err := o.setSubmission(ctx, s); err != nil {
		return err
	}
	r.Note = fmt.Sprintf("extended: audit task %d expired, %s", t.Id, t.Note)
	emit(ctx, &types.EventPhase{Group: r.Group, Round: r.Number, Phase: r.Phase, Note: r.Note})
	if err := o.setRound(ctx, r); err != nil {
		return err
	}
	return o.wake(ctx, r.Group)
}

// auditsLost forgets the questions of an audit whose outcome got lost, so that they are asked again, and reports whether
// there were any.
func (k Keeper) auditsLost(ctx context.Context, s *types.Submission) (bool, error) {
	lost := false
	forget := func(asked, task *uint64, verdict *types.AuditVerdict) error {
		if verdict != nil || *asked == 0 && *task == 0 {
			return nil
		}
		pending, err := k.attestation.TaskPending(ctx, *task)
		if *task == 0 {
			pending, err = k.attestation.ArtefactPending(ctx, *asked)
		}
		if err == nil && !pending {
			*asked, *task, lost = 0, 0, true
		}
		return err
	}
	if err := forget(&s.AuditArtefactId, &s.AuditTaskId, s.Audit); err != nil {
		return false, err
	}
	for i := range s.Challenges {
		c := &s.Challenges[i]
		if err := forget(&c.ArtefactId, &c.TaskId, c.Verdict); err != nil {
			return false, err
		}
	}
	return lost, nil
}
