package keeper

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cosmos/gogoproto/proto"

	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// startCheck lets validators examine the most voted proposals of the set that a group governs.
func (k Keeper) startCheck(ctx context.Context, period votingtypes.Period) error {
	name, governs, err := find(ctx, k.Governed, period.Group)
	if err != nil || !governs {
		return err
	}
	if s, err := k.TrainingSets.Get(ctx, name); err != nil || s.Status != types.STATUS_VERIFIED {
		return err // nothing can have been proposed yet
	}
	return k.fillCheck(ctx, types.Check{TrainingSet: name, Period: period.Number})
}

// fillCheck asks about as many of the most voted proposals as have a slot. What turns out wrong frees its slot, up to twice as
// many, so that proposals that can't win don't keep others from it.
func (k Keeper) fillCheck(ctx context.Context, c types.Check) error {
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	s, err := k.Verified(ctx, c.TrainingSet)
	if err != nil {
		return err
	}
	live := 0
	for _, id := range c.Proposals {
		p, exists, err := find(ctx, k.Proposals, id)
		if err != nil {
			return err
		}
		if exists && p.Status.Open() {
			live++
		}
	}
	slots := int(params.CheckedProposals)
	if live < slots && len(c.Proposals) < 2*slots {
		ids, err := k.leaders(ctx, s.Group, params, c.Proposals, min(slots-live, 2*slots-len(c.Proposals)))
		if err != nil {
			return err
		}
		for _, id := range ids {
			c.Proposals = append(c.Proposals, id)
			if err := k.examine(ctx, s, id); err != nil {
				return err
			}
		}
	}
	return k.Checks.Set(ctx, c.TrainingSet, c)
}

// leaders returns at most n of the most voted proposals with quorum that are not among those already asked about.
func (k Keeper) leaders(ctx context.Context, group string, params types.Params, asked []uint64, n int) ([]uint64, error) {
	period, err := k.voting.Period(ctx, group)
	if err != nil {
		return nil, err
	}
	ballots, err := k.voting.Open(ctx, group, types.ModuleName)
	if err != nil {
		return nil, err
	}
	ballots = slices.DeleteFunc(ballots, func(b votingtypes.Ballot) bool {
		return b.Ref == keepRef || slices.Contains(asked, b.Ref) || !votingtypes.Reaches(b.Tally.Standing, period.Tally.Standing, params.QuorumE6, million)
	})
	// Of equal support the earlier proposal comes first; the ballots are in that order.
	slices.SortStableFunc(ballots, func(a, b votingtypes.Ballot) int { return b.Tally.Standing.BigInt().Cmp(a.Tally.Standing.BigInt()) })
	ids := make([]uint64, 0, n)
	for _, b := range ballots[:min(n, len(ballots))] {
		ids = append(ids, b.Ref)
	}
	return ids, nil
}

const million = 1_000_000

const (
	noteFetching = "validators fetch the body"
	noteHeld     = "validators hold the body"
	noteNotHeld  = "validators do not hold the body; serve it before the next check, or the deposit is lost: "
)

// examine lets validators apply a proposal, unless they did to this very version. A body that they do not hold they are asked for
// once more.
func (k Keeper) examine(ctx context.Context, s types.TrainingSet, id uint64) error {
	p, err := k.Proposals.Get(ctx, id)
	if err != nil {
		return err
	}
	if p.Status == types.PROPOSAL_STATUS_APPLICABLE && p.CheckedVersion == s.Version {
		return nil
	}
	p.TaskId, p.Result, p.CheckedVersion = 0, nil, 0
	switch {
	case p.Held:
		return k.openTask(ctx, p)
	case p.Status == types.PROPOSAL_STATUS_FETCHING: // the first question is still open
		return nil
	}
	p.ArtefactId, err = k.attestation.AskArtefact(ctx, types.DataTaskKind, p.Delta.Cid, p.Delta.Sha256, p.Delta.Size_, types.ProposalRef(s.Name, id))
	if err != nil { // it can't be examined now; the others can
		return k.setStatus(ctx, p, types.PROPOSAL_STATUS_OPEN, "validators could not be asked for it: "+err.Error())
	}
	return k.setStatus(ctx, p, types.PROPOSAL_STATUS_FETCHING, noteFetching)
}

// bodyJudged goes on when validators have said whether they hold the body of a proposal.
func (k Keeper) bodyJudged(ctx context.Context, id uint64, a attestationtypes.Artefact) error {
	p, exists, err := find(ctx, k.Proposals, id)
	if err != nil || !exists || p.ArtefactId != a.Id || p.Status != types.PROPOSAL_STATUS_FETCHING {
		return err
	}
	checking, err := k.inCheck(ctx, p)
	if err != nil {
		return err
	}
	p.Held = a.Status == attestationtypes.ARTEFACT_STATUS_HELD
	switch {
	case checking && p.Held:
		return k.openTask(ctx, p)
	case checking:
		return k.fail(ctx, p, types.PROPOSAL_STATUS_WITHHELD, "nobody provides the body: "+a.Note)
	case p.Held:
		return k.setStatus(ctx, p, types.PROPOSAL_STATUS_OPEN, noteHeld)
	}
	return k.setStatus(ctx, p, types.PROPOSAL_STATUS_OPEN, noteNotHeld+a.Note)
}

// openTask asks validators to apply the delta to the current table.
func (k Keeper) openTask(ctx context.Context, p types.Proposal) error {
	s, err := k.Verified(ctx, p.TrainingSet)
	if err != nil {
		return err
	}
	manifest, err := proto.Marshal(&types.DataManifest{
		ChainId: sdk.UnwrapSDKContext(ctx).ChainID(), Name: s.Name, Version: s.Version, Table: s.Table, Delta: &p.Delta, Proposal: p.Id,
	})
	if err != nil {
		return err
	}
	p.CheckedVersion = s.Version
	// The base and the body are read, the result is written.
	cost := 2*s.Table.Work() + p.Delta.Size_
	_, stake, err := k.voting.Standing(ctx, p.Ballot) // whoever floods the queue has less
	if err != nil {
		return err
	}
	if p.TaskId, err = k.attestation.OpenTask(ctx, types.DataTaskKind, types.ProposalRef(s.Name, p.Id), manifest, cost, stake); err != nil {
		return k.setStatus(ctx, p, types.PROPOSAL_STATUS_OPEN, "validators could not be asked to apply it: "+err.Error())
	}
	return k.setStatus(ctx, p, types.PROPOSAL_STATUS_CHECKING, fmt.Sprintf("validators apply it to version %d", s.Version))
}

// checkSettled takes what validators found when they applied a delta.
func (k Keeper) checkSettled(ctx context.Context, id uint64, t attestationtypes.Task) error {
	p, exists, err := find(ctx, k.Proposals, id)
	if err != nil || !exists || p.TaskId != t.Id || p.Status != types.PROPOSAL_STATUS_CHECKING {
		return err
	}
	s, err := k.Verified(ctx, p.TrainingSet)
	if err != nil {
		return err
	}
	if s.Version != p.CheckedVersion { // too late: the table is another one
		return k.setStatus(ctx, p, types.PROPOSAL_STATUS_OPEN, fmt.Sprintf("it was checked against version %d only", p.CheckedVersion))
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	a, err := types.DecodeDataAnswer(t.Answer)
	if err != nil {
		return k.fail(ctx, p, types.PROPOSAL_STATUS_STALE, "validators settled on an unreadable answer: "+err.Error())
	}
	status, note, result := p.Judge(a, s, params)
	if result == nil {
		return k.fail(ctx, p, status, note)
	}
	p.Result = result
	return k.setStatus(ctx, p, status, note)
}

// checkExpired asks again: that validators were away is nobody's fault.
func (k Keeper) checkExpired(ctx context.Context, id uint64, t attestationtypes.Task) error {
	p, exists, err := find(ctx, k.Proposals, id)
	if err != nil || !exists || p.TaskId != t.Id || p.Status != types.PROPOSAL_STATUS_CHECKING {
		return err
	}
	if checking, err := k.inCheck(ctx, p); err != nil || checking {
		return errors.Join(err, k.openTask(ctx, p))
	}
	return k.setStatus(ctx, p, types.PROPOSAL_STATUS_OPEN, "validators were away when it was checked")
}

// fail closes a proposal that can't win and gives its slot to the next.
func (k Keeper) fail(ctx context.Context, p types.Proposal, status types.ProposalStatus, note string) error {
	if err := k.close(ctx, p, status, note); err != nil {
		return err
	}
	c, exists, err := find(ctx, k.Checks, p.TrainingSet)
	if err != nil || !exists {
		return err
	}
	return k.fillCheck(ctx, c)
}

// checkRuns reports whether validators are still at work for a group.
func (k Keeper) checkRuns(ctx context.Context, period votingtypes.Period) (bool, error) {
	c, exists, err := k.checkOf(ctx, period.Group)
	if err != nil || !exists {
		return false, err
	}
	for _, id := range c.Proposals {
		p, exists, err := find(ctx, k.Proposals, id)
		if err != nil {
			return false, err
		}
		if exists && (p.Status == types.PROPOSAL_STATUS_FETCHING || p.Status == types.PROPOSAL_STATUS_CHECKING) {
			return true, nil
		}
	}
	return false, nil
}

// checkOf returns the running check of the set that a group governs.
func (k Keeper) checkOf(ctx context.Context, group string) (types.Check, bool, error) {
	name, governs, err := find(ctx, k.Governed, group)
	if err != nil || !governs {
		return types.Check{}, false, err
	}
	return find(ctx, k.Checks, name)
}

// inCheck reports whether a proposal may win at the end of the current period.
func (k Keeper) inCheck(ctx context.Context, p types.Proposal) (bool, error) {
	c, exists, err := find(ctx, k.Checks, p.TrainingSet)
	return exists && slices.Contains(c.Proposals, p.Id), err
}
