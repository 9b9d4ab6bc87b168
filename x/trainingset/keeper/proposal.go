package keeper

import (
	"bytes"
	"context"
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"github.com/pold-network/pold/x/trainingset/types"
)

// ProposeDelta opens a proposal and its ballot, and takes the deposit.
func (k Keeper) ProposeDelta(goCtx context.Context, m *types.MsgProposeDelta) (types.Proposal, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	none := types.Proposal{Deposit: math.ZeroInt()}
	s, err := k.Verified(ctx, m.TrainingSet)
	if err != nil {
		return none, err
	}
	if s.Group == "" {
		return none, types.ErrNotGoverned.Wrapf("%q: no group votes on it; open a group over a set of your own, or fork one: pold group fork", s.Name)
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return none, err
	}
	if err := m.Delta.Validate(params, s.Table); err != nil {
		return none, err
	}
	if err := errors.Join(
		types.ValidateText("summary", m.Summary, types.MaxSummary, true),
		types.ValidateText("licence", m.Licence, types.MaxLicence, false),
	); err != nil {
		return none, err
	}
	body := bodyKey(s.Name, m.Delta.Sha256, m.Sender)
	if other, exists, err := find(ctx, k.OpenBodies, body); err != nil {
		return none, err
	} else if exists {
		return none, types.ErrExists.Wrapf("proposal %d of yours has the same body", other)
	}
	if s.OpenProposals >= params.MaxOpenProposals {
		return none, types.ErrTooMany.Wrapf("%q has %d; wait until one is decided or expires", s.Name, s.OpenProposals)
	}
	deposit := params.Deposit(s.OpenProposals)
	if !m.MaxDeposit.IsNil() && m.MaxDeposit.LT(deposit) {
		return none, types.ErrDeposit.Wrapf("%d proposals of %q are open: expected a max_deposit of at least %s unrn, got %s", s.OpenProposals, s.Name, deposit, m.MaxDeposit)
	}
	if err := k.takeDeposit(ctx, m.Sender, deposit); err != nil {
		return none, err
	}
	id, err := k.NextProposal.Next(ctx)
	if err != nil {
		return none, err
	}
	now := ctx.BlockTime().Unix()
	p := types.Proposal{
		Id: id, TrainingSet: s.Name, Proposer: m.Sender, Delta: m.Delta, Summary: m.Summary, Licence: m.Licence, Takedown: m.Takedown,
		Deposit: deposit, OpenedUnix: now, DueUnix: now + int64(params.OpenSeconds), OpenedVersion: s.Version, Status: types.PROPOSAL_STATUS_OPEN,
	}
	if s.KeepBallot == 0 {
		if s.KeepBallot, err = k.voting.OpenBallot(ctx, s.Group, types.ModuleName, keepRef, types.KeepSubject(s.Name)); err != nil {
			return none, err
		}
	}
	if p.Ballot, err = k.voting.OpenBallot(ctx, s.Group, types.ModuleName, id, p.Subject()); err != nil {
		return none, err
	}
	// People want to read it before they vote, and its proposer wants to go offline.
	if p.ArtefactId, err = k.attestation.AskArtefact(ctx, types.DataTaskKind, p.Delta.Cid, p.Delta.Sha256, p.Delta.Size_, types.ProposalRef(s.Name, id)); err != nil {
		return none, err
	}
	p.Status, p.Note = types.PROPOSAL_STATUS_FETCHING, noteFetching
	s.OpenProposals++
	emit(ctx, &types.EventProposed{Proposal: id, TrainingSet: s.Name, Proposer: m.Sender, Ballot: p.Ballot, Summary: p.Summary})
	return p, errors.Join(
		k.TrainingSets.Set(ctx, s.Name, s),
		k.Proposals.Set(ctx, id, p),
		k.BySet.Set(ctx, collections.Join(s.Name, id)),
		k.OpenBodies.Set(ctx, body, id),
		k.Due.Set(ctx, collections.Join(p.DueUnix, id)),
	)
}

// WithdrawProposal takes a proposal of the sender back, unless validators are at it.
func (k Keeper) WithdrawProposal(ctx context.Context, sender string, id uint64) error {
	p, err := k.proposal(ctx, id)
	if err != nil {
		return err
	}
	if p.Proposer != sender {
		return types.ErrNotProposer.Wrapf("proposal %d is by %s", id, p.Proposer)
	}
	if !p.Status.Open() {
		return types.ErrNotOpen.Wrapf("proposal %d is %s: %s", id, p.Status, p.Note)
	}
	if checking, err := k.inCheck(ctx, p); err != nil {
		return err
	} else if checking {
		return types.ErrNotOpen.Wrapf("proposal %d is among the most voted and is being checked; wait for the end of the period", id)
	}
	return k.close(ctx, p, types.PROPOSAL_STATUS_WITHDRAWN, "taken back by its proposer")
}

// close ends a proposal: nobody can vote for it any more, the deposit goes where the outcome says, and it is kept for a while
// so that people can read why.
func (k Keeper) close(goCtx context.Context, p types.Proposal, status types.ProposalStatus, note string) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	s, err := k.TrainingSets.Get(ctx, p.TrainingSet)
	if err != nil {
		return err
	}
	if err := k.Due.Remove(ctx, collections.Join(p.DueUnix, p.Id)); err != nil {
		return err
	}
	s.OpenProposals--
	p.DueUnix = ctx.BlockTime().Unix() + int64(params.RetentionSeconds)
	if err := errors.Join(
		k.voting.CloseBallot(ctx, p.Ballot),
		k.TrainingSets.Set(ctx, s.Name, s),
		k.OpenBodies.Remove(ctx, bodyKey(s.Name, p.Delta.Sha256, p.Proposer)),
		k.Due.Set(ctx, collections.Join(p.DueUnix, p.Id)),
		k.settleDeposit(ctx, p, params.Burned(status, p.Deposit)),
	); err != nil {
		return err
	}
	return k.setStatus(ctx, p, status, note)
}

// setStatus stores a proposal with another status and says so.
func (k Keeper) setStatus(ctx context.Context, p types.Proposal, status types.ProposalStatus, note string) error {
	p.Status, p.Note = status, note
	emit(ctx, &types.EventProposalStatus{Proposal: p.Id, TrainingSet: p.TrainingSet, Status: status, Note: note})
	return k.Proposals.Set(ctx, p.Id, p)
}

// proposalDue lets an open proposal expire, and forgets a closed one.
func (k Keeper) proposalDue(ctx sdk.Context, id uint64) error {
	p, err := k.Proposals.Get(ctx, id)
	if err != nil {
		return err
	}
	if !p.Status.Open() {
		return errors.Join(
			k.Due.Remove(ctx, collections.Join(p.DueUnix, id)),
			k.BySet.Remove(ctx, collections.Join(p.TrainingSet, id)),
			k.Proposals.Remove(ctx, id),
		)
	}
	if checking, err := k.inCheck(ctx, p); err != nil {
		return err
	} else if checking { // it may win at the end of this period
		return k.postpone(ctx, p)
	}
	return k.close(ctx, p, types.PROPOSAL_STATUS_EXPIRED, "it was open for the longest time allowed")
}

// postpone looks at a proposal again a little later.
func (k Keeper) postpone(ctx sdk.Context, p types.Proposal) error {
	if err := k.Due.Remove(ctx, collections.Join(p.DueUnix, p.Id)); err != nil {
		return err
	}
	p.DueUnix = ctx.BlockTime().Unix() + retrySeconds
	return errors.Join(k.Proposals.Set(ctx, p.Id, p), k.Due.Set(ctx, collections.Join(p.DueUnix, p.Id)))
}

func (k Keeper) proposal(ctx context.Context, id uint64) (types.Proposal, error) {
	p, exists, err := find(ctx, k.Proposals, id)
	if err == nil && !exists {
		err = types.ErrNotFound.Wrapf("%d; list those of a set with: pold q trainingset proposals NAME", id)
	}
	return p, err
}

// keepRef is the reference of the ballot for leaving a table as it is; proposals count from 1.
const keepRef = 0

// bodyKey tells open proposals of one account apart. Who copies the body of another takes neither its place nor its pay away: of two
// equal ones the more supported wins, and the other is stale.
func bodyKey(set string, sha256 []byte, proposer string) collections.Pair[string, []byte] {
	return collections.Join(set, append(bytes.Clone(sha256), proposer...))
}

func unrn(amount math.Int) sdk.Coins { return sdk.NewCoins(sdk.NewCoin(types.BaseDenom, amount)) }

func (k Keeper) takeDeposit(ctx context.Context, from string, amount math.Int) error {
	if !amount.IsPositive() {
		return nil
	}
	addr, err := sdk.AccAddressFromBech32(from)
	if err != nil {
		return err
	}
	return k.bank.SendCoinsFromAccountToModule(ctx, addr, types.ModuleName, unrn(amount))
}

// settleDeposit burns a part of a deposit and returns the rest.
func (k Keeper) settleDeposit(ctx context.Context, p types.Proposal, burned math.Int) error {
	returned := p.Deposit.Sub(burned)
	emit(ctx, &types.EventDeposit{Proposal: p.Id, Address: p.Proposer, Returned: returned, Burned: burned})
	if burned.IsPositive() {
		if err := k.pol.BurnFee(ctx, authtypes.NewModuleAddress(types.ModuleName).String(), burned, "deposit of a proposal"); err != nil {
			return err
		}
	}
	if !returned.IsPositive() {
		return nil
	}
	addr, err := sdk.AccAddressFromBech32(p.Proposer)
	if err != nil {
		return err
	}
	return k.bank.SendCoinsFromModuleToAccount(ctx, types.ModuleName, addr, unrn(returned))
}
