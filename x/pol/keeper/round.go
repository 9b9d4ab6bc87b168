package keeper

import (
	"context"
	"errors"
	"fmt"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// retryBlocks is how many heights a group waits for its training set before it looks again.
const retryBlocks = 5

// step moves a group on: it opens a round, closes a phase, or settles. It runs when the group is due.
func (k Keeper) step(ctx sdk.Context, name string) error {
	if err := k.unschedule(ctx, name); err != nil {
		return err
	}
	g, err := k.group(ctx, name)
	if err != nil {
		return err
	}
	if g.Round == 0 {
		return k.openRound(ctx, g)
	}
	r, err := k.Rounds.Get(ctx, collections.Join(name, g.Round))
	if err != nil {
		return err
	}
	switch r.Phase {
	case types.ROUND_PHASE_COMMIT:
		return k.closeCommit(ctx, r)
	case types.ROUND_PHASE_REVEAL:
		return k.closeReveal(ctx, r)
	case types.ROUND_PHASE_AVAILABILITY:
		return k.closeAvailability(ctx, g, r)
	case types.ROUND_PHASE_SCORE:
		return k.closeScore(ctx, g, r)
	default:
		return k.openRound(ctx, g)
	}
}

// openRound pins everything the round depends on; later changes wait for the next round.
func (k Keeper) openRound(ctx sdk.Context, g types.Group) error {
	set, err := k.trainingSets.Verified(ctx, g.Settings.TrainingSet)
	if errors.Is(err, trainingsettypes.ErrNotVerified) {
		return k.wait(ctx, g, "waits for its training set: "+err.Error())
	}
	if err != nil {
		return err
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	shape, err := g.Settings.Model.Shape()
	if err != nil {
		return err
	}
	if err := g.Settings.Fits(shape, set.Table); err != nil {
		return k.wait(ctx, g, "can't open a round: "+err.Error())
	}
	cost := shape.ScoreCost(set.Table.Rows, set.Table.Size_)
	if err := k.checkCost(ctx, params, cost); err != nil {
		return k.wait(ctx, g, "can't open a round: "+err.Error())
	}
	stake, err := k.stake(ctx, g.Name)
	if err != nil {
		return err
	}
	total, err := k.totalStake(ctx)
	if err != nil {
		return err
	}
	g.Round++
	g.Note = ""
	r := types.Round{
		Group: g.Name, Number: g.Round, Phase: types.ROUND_PHASE_COMMIT,
		OpenedHeight: ctx.BlockHeight(), OpenedUnixMs: ctx.BlockTime().UnixMilli(),
		CommitUntil: ctx.BlockHeight() + int64(g.Settings.CommitBlocks),
		RevealUntil: ctx.BlockHeight() + int64(g.Settings.CommitBlocks+g.Settings.RevealBlocks),
		Supply:      k.bank.GetSupply(ctx, types.BaseDenom).Amount, GroupStake: stake, TotalStake: total,
		ModelVersion: g.ModelVersion, Parent: g.Parent,
		TrainingSet: set.Name, TrainingSetVersion: set.Version, Table: set.Table,
		EngineVersion: params.EngineVersion, Cost: cost,
		Reward: zero, Bounty: zero, VerifierReward: zero, SettledSupply: zero,
	}
	if err := k.setRound(ctx, r); err != nil {
		return err
	}
	if err := k.Groups.Set(ctx, g.Name, g); err != nil {
		return err
	}
	emit(ctx, &types.EventRoundOpened{Group: r.Group, Round: r.Number, CommitUntil: r.CommitUntil, RevealUntil: r.RevealUntil})
	return k.schedule(ctx, g.Name, r.CommitUntil)
}

// wait says what keeps a group from opening a round and looks again later. No bond is at stake meanwhile.
func (k Keeper) wait(ctx sdk.Context, g types.Group, why string) error {
	g.Note = why
	if err := k.Groups.Set(ctx, g.Name, g); err != nil {
		return err
	}
	return k.schedule(ctx, g.Name, ctx.BlockHeight()+retryBlocks)
}

func (k Keeper) closeCommit(ctx sdk.Context, r types.Round) error {
	if ctx.BlockHeight() < r.CommitUntil {
		return k.schedule(ctx, r.Group, r.CommitUntil)
	}
	if r.Commitments == 0 {
		return k.settleEmpty(ctx, r, "nobody committed a checkpoint")
	}
	if err := k.enter(ctx, &r, types.ROUND_PHASE_REVEAL, fmt.Sprintf("%d commitments", r.Commitments)); err != nil {
		return err
	}
	// A group may have waited for its turn: the reveal phase still has its full length.
	r.RevealUntil = max(r.RevealUntil, ctx.BlockHeight()+(r.RevealUntil-r.CommitUntil))
	if err := k.setRound(ctx, r); err != nil {
		return err
	}
	return k.schedule(ctx, r.Group, r.RevealUntil)
}

func (k Keeper) closeReveal(ctx sdk.Context, r types.Round) error {
	if ctx.BlockHeight() < r.RevealUntil && r.Reveals < r.Commitments {
		return k.schedule(ctx, r.Group, r.RevealUntil)
	}
	if r.Reveals == 0 {
		return k.settleEmpty(ctx, r, fmt.Sprintf("none of %d commitments was revealed", r.Commitments))
	}
	submissions, err := k.submissions(ctx, r.Group, r.Number)
	if err != nil {
		return err
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	types.MarkDuplicates(submissions)
	types.DropSurplus(submissions, params.MaxCandidates)
	for i := range submissions {
		s := &submissions[i]
		if err := k.UsedHashes.Set(ctx, collections.Join(s.Group, s.CheckpointHash), s.Round); err != nil {
			return err
		}
		if s.Status == types.SUBMISSION_STATUS_REVEALED {
			ref := types.SubmissionRef{Group: s.Group, Round: s.Round, Trainer: s.Trainer}
			s.ArtefactId, err = k.attestation.AskArtefact(ctx, types.ScoreTaskKind, s.CheckpointCid, s.CheckpointHash, s.Size_, ref.Encode())
			if err != nil {
				return err
			}
		} else {
			announce(ctx, *s)
		}
		if err := k.setSubmission(ctx, *s); err != nil {
			return err
		}
	}
	if err := k.enter(ctx, &r, types.ROUND_PHASE_AVAILABILITY, fmt.Sprintf("%d of %d commitments revealed", r.Reveals, r.Commitments)); err != nil {
		return err
	}
	return k.schedule(ctx, r.Group, ctx.BlockHeight()+watchBlocks)
}

// closeAvailability goes on to scoring once validators have said of every checkpoint whether they hold it.
func (k Keeper) closeAvailability(ctx sdk.Context, g types.Group, r types.Round) error {
	submissions, err := k.submissions(ctx, r.Group, r.Number)
	if err != nil {
		return err
	}
	candidates := 0
	for _, s := range submissions {
		switch s.Status {
		case types.SUBMISSION_STATUS_REVEALED:
			return k.watch(ctx, r, submissions) // the outcome will wake the group
		case types.SUBMISSION_STATUS_CANDIDATE:
			candidates++
		}
	}
	if candidates == 0 {
		return k.settle(ctx, g, r, submissions, "no revealed checkpoint is held by more than two thirds of power")
	}
	if err := k.enter(ctx, &r, types.ROUND_PHASE_SCORE, fmt.Sprintf("%d candidates", candidates)); err != nil {
		return err
	}
	return k.closeScore(ctx, g, r)
}

func (k Keeper) enter(ctx context.Context, r *types.Round, phase types.RoundPhase, note string) error {
	r.Phase, r.Note = phase, note
	emit(ctx, &types.EventPhase{Group: r.Group, Round: r.Number, Phase: phase, Note: note})
	return k.setRound(ctx, *r)
}

func announce(ctx context.Context, s types.Submission) {
	e := &types.EventSubmissionJudged{
		Group: s.Group, Round: s.Round, Trainer: s.Trainer, Status: s.Status, ClaimedLossE9: s.ClaimedLossE9, Note: s.Note,
	}
	if s.Verdict != nil {
		e.RankLossE9 = s.Verdict.RankLossE9
	}
	emit(ctx, e)
}
