package keeper

import (
	"context"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
)

// crown makes the winner the parent and pays it.
func (k Keeper) crown(ctx sdk.Context, g *types.Group, r *types.Round, s *types.Submission, c types.Coinbase) error {
	s.Status = types.SUBMISSION_STATUS_WINNER
	if err := k.setSubmission(ctx, *s); err != nil {
		return err
	}
	announce(ctx, *s)
	r.Winner = s.Trainer
	r.Checkpoint = types.Checkpoint{
		Cid: s.CheckpointCid, Sha256: s.CheckpointHash, Size_: s.Size_, Round: r.Number, Trainer: s.Trainer,
		LossE9: s.Verdict.RankLossE9, MetricE9: s.Verdict.MetricE9, MappingSeed: g.MappingSeed(ctx.ChainID(), r.Number, s.Trainer),
	}
	g.Parent, g.Carried = r.Checkpoint, nil
	g.Wins++
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	if mints(*g) {
		r.Reward = params.Amount(params.WinnerRateE9, c)
		if err := k.mint(ctx, s.Trainer, r.Reward); err != nil {
			return err
		}
		announceCoinbase(ctx, *r, "winner", r.Reward)
	}
	r.Bounty = bountyOf(*g)
	if g.Settings.Proof == types.PROOF_MODE_PROVED {
		r.Bounty = math.MinInt(r.Bounty, r.MaxBounty) // the bond that makes forging a loss was computed from it
	}
	g.BountyPool = g.BountyPool.Sub(r.Bounty)
	return k.release(ctx, s.Trainer, r.Bounty)
}

// payVerifiers shares the verifier coinbase among validators whose witness matched for the best candidate, whether or not it
// wins or its training was proved: in equal parts for its score and its audit, if there was one, so that skipping the dearer
// work costs its pay; each part by snapshot weight. What rounding leaves is not minted.
func (k Keeper) payVerifiers(ctx sdk.Context, g types.Group, r *types.Round, best types.Submission, c types.Coinbase) error {
	if !mints(g) {
		return nil
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	tasks := []uint64{best.TaskId}
	if best.Audit != nil && best.Audit.TaskId != 0 {
		tasks = append(tasks, best.Audit.TaskId)
	}
	part := params.Amount(params.VerifierRateE9, c).QuoRaw(int64(len(tasks)))
	paid := math.ZeroInt()
	for _, task := range tasks {
		sum, err := k.payMatched(ctx, task, part)
		if err != nil {
			return err
		}
		paid = paid.Add(sum)
	}
	r.VerifierReward = paid
	announceCoinbase(ctx, *r, "verifiers", paid)
	return nil
}

// payMatched mints an amount for those whose witness matched in a task, by snapshot weight, and returns what was minted.
func (k Keeper) payMatched(ctx sdk.Context, task uint64, amount math.Int) (math.Int, error) {
	members, err := k.attestation.Matched(ctx, task)
	if err != nil {
		return zero, err
	}
	total := math.ZeroInt()
	for _, m := range members {
		total = total.Add(m.Weight())
	}
	paid := math.ZeroInt()
	if !amount.IsPositive() || !total.IsPositive() {
		return paid, nil
	}
	for _, m := range members {
		part := amount.Mul(m.Weight()).Quo(total)
		operator, err := k.valCodec.StringToBytes(m.Operator)
		if err != nil {
			return zero, err
		}
		if err := k.mint(ctx, sdk.AccAddress(operator).String(), part); err != nil {
			return zero, err
		}
		paid = paid.Add(part)
	}
	return paid, nil
}

// bountyOf returns what a winner of the group would be paid from its pool now.
func bountyOf(g types.Group) math.Int {
	if per := g.Settings.BountyPerRound; per.IsPositive() {
		return math.MinInt(per, g.BountyPool)
	}
	return g.BountyPool
}

// mints reports whether rounds of the group are paid coinbase.
func mints(g types.Group) bool { return !g.Settings.Sandbox && !g.CoinbaseDisabled }

func (k Keeper) coinbaseOf(ctx context.Context, g types.Group, r types.Round) (types.Coinbase, error) {
	total, err := k.totalStake(ctx)
	return types.Coinbase{
		Supply: r.Supply, GroupStake: r.GroupStake, TotalStakeAtOpening: r.TotalStake, TotalStakeAtSettlement: total,
		OpenedUnixMs: r.OpenedUnixMs, SettledUnixMs: r.SettledUnixMs, NominalSeconds: g.Settings.NominalSeconds,
	}, err
}

func announceCoinbase(ctx context.Context, r types.Round, purpose string, amount math.Int) {
	if amount.IsPositive() {
		emit(ctx, &types.EventCoinbase{Group: r.Group, Round: r.Number, Purpose: purpose, Amount: amount})
	}
}
