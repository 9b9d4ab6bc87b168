package keeper

import (
	"context"
	"fmt"
	"slices"

	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/pol/types"
)

// Challenged lets everybody replay a segment that a validator found wrong in its own sample. A validator can challenge only
// the segments that the audit seed gave it: otherwise one alone could use up the challenges of a transcript.
func (o Outcomes) Challenged(ctx context.Context, t attestationtypes.Task, c attestationtypes.Challenge) error {
	if t.Kind != types.AuditTaskKind {
		return nil
	}
	ref, r, s, ok, err := o.audited(ctx, t.Ref)
	if err != nil || !ok || ref.Challenge || s.AuditTaskId != t.Id {
		return err
	}
	var m types.AuditManifest
	if err := m.Unmarshal(t.Manifest); err != nil {
		return err
	}
	own := types.OwnSegments(r.AuditSeed, s.Trainer, c.Operator, m.Segments, m.Common)
	if !slices.Contains(own, c.Segment) {
		return nil
	}
	params, err := o.Params.Get(ctx)
	if err != nil || !s.AddChallenge(c.Segment, c.Operator, params.MaxChallenges) {
		return err
	}
	if err := o.setSubmission(ctx, s); err != nil {
		return err
	}
	return o.wake(ctx, s.Group)
}

// challengeSettled stores whether a challenged segment is wrong; if not, those who challenged it lose conduct, whatever has
// become of the audit meanwhile.
func (k Keeper) challengeSettled(ctx sdk.Context, ref types.AuditRef, s types.Submission, verdict *types.AuditVerdict) error {
	c := s.Challenge(ref.Segment)
	if c == nil || c.TaskId != verdict.TaskId || c.Verdict != nil {
		return nil
	}
	c.Verdict = verdict
	if verdict.Problem == "" {
		for _, operator := range c.Operators {
			k.try(ctx, fmt.Sprintf("conduct of %s", operator), func(ctx sdk.Context) error {
				return k.attestation.ReportConduct(ctx, attestationtypes.Conduct{
					Operator: operator, Kind: attestationtypes.ConductFalseChallenge, Ref: fmt.Sprintf("task/%d", verdict.TaskId),
				})
			})
		}
	}
	return k.decided(ctx, s)
}
