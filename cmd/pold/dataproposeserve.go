package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// stay shows the receipt and serves the patch until validators hold it.
func (w *proposal) stay(ctx context.Context, r *receipt, opened trainingsettypes.MsgProposeDeltaResponse, kept string, served *publication) error {
	resume := w.trainerd.resume(kept, w.publisher(), opened.Proposal)
	r.Result = map[string]any{"proposal": opened.Proposal, "ballot": opened.Ballot, "deposit_unrn": opened.Deposit.String(), "cid": served.CID, "serve": resume}
	r.Next = fmt.Sprintf("pold data vote %d --from %s", opened.Proposal, w.sender.factory.FromName())
	p := w.sender.p
	if !p.json {
		p.line("proposal    %d", opened.Proposal)
	}
	if err := p.show(r); err != nil {
		return err
	}
	if w.options.noWait {
		p.warn("the patch is not served any more; serve it until validators hold it, or the deposit is lost: %s", resume)
		return nil
	}
	p.warn("this command serves the patch until validators hold it. Leave with Ctrl-C, and serve it again with: %s", resume)
	return w.serve(ctx, opened.Proposal, served, resume)
}

// servePoll is how often the chain is asked whether validators hold the patch.
const servePoll = 5 * time.Second

// serve waits until validators hold the patch or nobody needs it any more.
func (w *proposal) serve(ctx context.Context, id uint64, served *publication, resume string) error {
	for {
		p, err := w.node.proposal(ctx, id)
		switch code := exitCode(err); {
		case err != nil && code != exitUnreachable && code != exitTimeout && ctx.Err() == nil:
			return err
		case err == nil && held(p) && (p.Status.Open() || p.Status == trainingsettypes.PROPOSAL_STATUS_APPLIED):
			w.sender.p.warn("validators hold the patch, so it need not be served any more")
			return nil
		case err == nil && !p.Status.Open():
			return fail(exitRejected, "proposal %d is %s: %s", id, proposalStatus(p.Status), plain(p.Note))
		case err == nil:
			w.sender.p.progress("serving the patch of proposal %d; %s", id, cmp.Or(plain(p.Note), "it is "+proposalStatus(p.Status)))
		}
		select {
		case <-ctx.Done():
			w.sender.p.warn("the patch is not served any more; serve it again with: %s", resume)
			return nil
		case err := <-served.done:
			served.done <- err // end waits for it as well
			if ctx.Err() == nil {
				return fail(exitError, "trainerd ended before validators held the patch (%w); serve it again with: %s", errOr(err, "without an error"), resume)
			}
		case <-time.After(servePoll):
		}
	}
}

// held reports whether validators have the body of a proposal.
func held(p trainingsettypes.Proposal) bool {
	return p.Held || p.Status == trainingsettypes.PROPOSAL_STATUS_APPLICABLE || p.Status == trainingsettypes.PROPOSAL_STATUS_APPLIED
}
