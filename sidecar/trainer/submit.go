package trainer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/pold-network/pold/sidecar/verifier"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// Submission says what to hand in.
type Submission struct {
	Group string
	// File is a canonical safetensors file, whoever trained it.
	File []byte
	// ClaimedLossE9, if not nil, is claimed instead of the exact loss. The chain burns the bond of a false claim.
	ClaimedLossE9 *uint64
	// Force commits even what can't win, or is not valid.
	Force bool
}

// Submit hands in one finished checkpoint: it computes the exact claim, waits for the next commit phase, commits, reveals and waits for
// the verdict. Commitments that an earlier run left open come first; when one of them is to the same file, its outcome is returned.
func (t *Trainer) Submit(ctx context.Context, s Submission) (Outcome, error) {
	if _, err := t.chain.Group(ctx, s.Group); err != nil {
		return Outcome{}, err
	}
	open, err := t.journal.entries(t.chain.ChainID(), t.sender.Address())
	if err != nil {
		return Outcome{}, err
	}
	sum := sha256.Sum256(s.File)
	for _, e := range open {
		o, err := t.resumeEntry(ctx, e)
		if err != nil || o.Revealed && e.Group == s.Group && bytes.Equal(e.SHA256, sum[:]) {
			return o, err
		}
	}
	g, r, err := t.nextRound(ctx, s.Group, 0)
	if err != nil {
		return Outcome{}, err
	}
	c, err := t.appraise(ctx, g, r, s)
	if err != nil {
		return Outcome{}, err
	}
	e, err := t.enter(ctx, g.Name, r.Number, c)
	if err != nil {
		return Outcome{}, err
	}
	o, err := t.follow(ctx, e)
	if err == nil {
		err = o.Refusal
	}
	return o, err
}

// appraise computes the claim of a file and refuses to risk a bond for nothing.
func (t *Trainer) appraise(ctx context.Context, g poltypes.Group, r poltypes.Round, s Submission) (candidate, error) {
	if g.Settings.Proof == poltypes.PROOF_MODE_PROVED {
		return candidate{}, fmt.Errorf("group %q asks for a proof of training, which a finished file has not; take part with: trainerd train --group %s", g.Name, g.Name)
	}
	in := verifier.RoundInputs(t.chain.ChainID(), g, r, t.sender.Address())
	_, before, err := t.parent(ctx, in, g, r)
	if err != nil {
		return candidate{}, err
	}
	after, err := t.verifier.Evaluate(ctx, in, s.File, t.fetch)
	if err != nil {
		return candidate{}, err
	}
	c := candidate{file: s.File, claimedLossE9: after.ClaimLossE9, lossE9: after.RankLossE9, parentLossE9: before.RankLossE9, metricE9: after.MetricE9}
	if s.ClaimedLossE9 != nil {
		c.claimedLossE9 = *s.ClaimedLossE9
	}
	if after.Status != poltypes.ScoreValid {
		if s.Force {
			return c, nil
		}
		return c, fmt.Errorf("the checkpoint is invalid (%s): %s; the chain would burn the bond, so nothing was committed", after.Status, after.Problem)
	}
	t.report(Event{Event: EventTrained, Group: g.Name, Round: r.Number, Trainer: t.sender.Address(), LossE9: &c.lossE9, ParentLossE9: &c.parentLossE9, MetricE9: &c.metricE9})
	if reason := worth(c.lossE9, before, g); reason != "" && !s.Force {
		return c, fmt.Errorf("%s; nothing was committed; train on, or use --force to commit it all the same", reason)
	}
	return c, nil
}
