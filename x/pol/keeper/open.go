package keeper

import (
	"context"
	"errors"
	"fmt"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// openRound pins everything the round depends on; later changes wait for the next round. No round opens that too few
// validators are there to decide: rounds pause until they are.
func (k Keeper) openRound(ctx sdk.Context, g types.Group) error {
	if err := k.applyChanges(ctx, &g); err != nil {
		return err
	}
	live, required, err := k.attestation.LiveState(ctx)
	if err != nil {
		return err
	}
	if live < required {
		return k.wait(ctx, g, fmt.Sprintf("paused: %d of %d validators are live that a round needs", live, required))
	}
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
	shape, err := g.Settings.Shape()
	if err != nil {
		return err
	}
	if err := g.Settings.Fits(shape, set.Table); err != nil {
		return k.wait(ctx, g, "can't open a round: "+err.Error())
	}
	r, coinbase, err := k.newRound(ctx, params, g, set)
	if err != nil {
		return err
	}
	// The batches of a round that can't open stay what they are.
	pinned, write := ctx.CacheContext()
	if g.Settings.Evaluation == types.EVALUATION_MODE_SEALED {
		why, err := k.takeBatches(pinned, g, &r, coinbase)
		if err != nil {
			return err
		}
		if why != "" {
			return k.wait(ctx, g, "can't open a round: "+why)
		}
	}
	r.Cost = shape.RoundCost(r)
	if err := k.checkCost(ctx, params, g.Settings, shape, r.Table, r.Cost); err != nil {
		return k.wait(ctx, g, "can't open a round: "+err.Error())
	}
	write()
	g.Round, g.Note = r.Number, ""
	if err := k.Groups.Set(ctx, g.Name, g); err != nil {
		return err
	}
	if g.Settings.Proof != types.PROOF_MODE_PROVED {
		return k.openCommit(ctx, g, r)
	}
	if err := k.requestDraw(ctx, &r, types.DrawOrder); err != nil {
		return err
	}
	if err := k.enter(ctx, &r, types.ROUND_PHASE_DRAW, "the order of the batches is drawn"); err != nil {
		return err
	}
	return k.schedule(ctx, g.Name, ctx.BlockHeight()+watchBlocks)
}

// newRound returns a round with its inputs, and the most that its winner can be minted.
func (k Keeper) newRound(ctx sdk.Context, params types.Params, g types.Group, set trainingsettypes.TrainingSet) (types.Round, math.Int, error) {
	stake, err := k.stake(ctx, g.Name)
	if err != nil {
		return types.Round{}, math.Int{}, err
	}
	total, err := k.totalStake(ctx)
	if err != nil {
		return types.Round{}, math.Int{}, err
	}
	r := types.Round{
		Group: g.Name, Number: g.Round + 1,
		OpenedHeight: ctx.BlockHeight(), OpenedUnixMs: ctx.BlockTime().UnixMilli(),
		Supply: k.bank.GetSupply(ctx, types.BaseDenom).Amount, GroupStake: stake, TotalStake: total,
		ModelVersion: g.ModelVersion, Parent: g.Parent, Carried: g.Carried,
		TrainingSet: set.Name, TrainingSetVersion: set.Version, Table: set.Table,
		EngineVersion: params.EngineVersion,
		Reward:        zero, Bounty: zero, VerifierReward: zero, SettledSupply: zero, MaxBounty: zero,
	}
	coinbase := zero
	if !g.Settings.Sandbox { // governance may give coinbase back while the round is open
		coinbase = params.MaxAmount(params.WinnerRateE9, types.Coinbase{
			Supply: r.Supply, GroupStake: stake, TotalStakeAtOpening: total, OpenedUnixMs: r.OpenedUnixMs, NominalSeconds: g.Settings.NominalSeconds,
		})
	}
	if g.Settings.Proof == types.PROOF_MODE_PROVED {
		r.MaxBounty = bountyOf(g)
	}
	r.Bond = g.Settings.RoundBond(params, coinbase, r.MaxBounty)
	return r, coinbase, nil
}

// openCommit lets trainers commit.
func (k Keeper) openCommit(ctx sdk.Context, g types.Group, r types.Round) error {
	r.Phase, r.Note = types.ROUND_PHASE_COMMIT, ""
	r.CommitUntil = ctx.BlockHeight() + int64(g.Settings.CommitBlocks)
	r.RevealUntil = r.CommitUntil + int64(g.Settings.RevealBlocks)
	if err := k.setRound(ctx, r); err != nil {
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

// checkCost bounds the work that a group can ask of validators.
func (k Keeper) checkCost(ctx context.Context, params types.Params, s types.GroupSettings, shape types.ModelShape, t trainingsettypes.Table, score uint64) error {
	if score > params.MaxGroupCost {
		return types.ErrTooCostly.Wrapf("scoring one checkpoint: expected at most %d, got %d; use a smaller model or table", params.MaxGroupCost, score)
	}
	budget, err := k.attestation.MaxCost(ctx, types.ScoreTaskKind)
	if err != nil {
		return err
	}
	if score > budget {
		return types.ErrTooCostly.Wrapf("scoring one checkpoint: expected at most the budget of a window, %d, got %d; use a smaller model or table", budget, score)
	}
	if s.Proof != types.PROOF_MODE_PROVED {
		return nil
	}
	if budget, err = k.attestation.MaxCost(ctx, types.AuditTaskKind); err != nil {
		return err
	}
	if audit := s.AuditCost(shape, t, replayed(s.Segments, params.AuditSegments, true)); audit > budget {
		return types.ErrTooCostly.Wrapf("auditing one transcript: expected at most the budget of a window, %d, got %d; use more segments, fewer steps, smaller batches or a smaller model", budget, audit)
	}
	return nil
}

// replayed is how many segments one validator replays of a transcript.
func replayed(segments, common uint32, own bool) uint32 {
	if own {
		common += types.OwnCount(segments)
	}
	return min(segments, common)
}
