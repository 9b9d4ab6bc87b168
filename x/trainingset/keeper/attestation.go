package keeper

import (
	"context"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/trainingset/types"
)

// Outcomes takes what validators decided about training sets; it implements the owner interface of attestation.
type Outcomes struct{ Keeper }

var _ attestationtypes.Owner = Outcomes{}

// ArtefactJudged goes on to the check when validators hold the table and rejects the set otherwise.
func (o Outcomes) ArtefactJudged(ctx context.Context, a attestationtypes.Artefact) error {
	if id, ok := types.DecodeProposalRef(a.Ref); ok {
		return o.bodyJudged(ctx, id, a)
	}
	s, err := o.TrainingSets.Get(ctx, string(a.Ref))
	if err != nil || s.ArtefactId != a.Id {
		return err
	}
	if a.Status != attestationtypes.ARTEFACT_STATUS_HELD {
		return o.reject(ctx, s, "nobody provides the table: "+a.Note+"; keep a sidecar online that serves it and register again")
	}
	return o.check(ctx, s)
}

// TaskSettled compares the finding with the registration.
func (o Outcomes) TaskSettled(ctx context.Context, t attestationtypes.Task) error {
	if id, ok := types.DecodeProposalRef(t.Ref); ok {
		return o.checkSettled(ctx, id, t)
	}
	s, err := o.TrainingSets.Get(ctx, string(t.Ref))
	if err != nil || s.TaskId != t.Id {
		return err
	}
	return o.judge(ctx, s, t.Answer)
}

// TaskExpired asks again: an expired task is nobody's fault.
func (o Outcomes) TaskExpired(ctx context.Context, t attestationtypes.Task) error {
	if id, ok := types.DecodeProposalRef(t.Ref); ok {
		return o.checkExpired(ctx, id, t)
	}
	s, err := o.TrainingSets.Get(ctx, string(t.Ref))
	if err != nil || s.TaskId != t.Id || s.Status != types.STATUS_CHECKING {
		return err
	}
	return o.check(ctx, s)
}
