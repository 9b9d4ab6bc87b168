package keeper

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
)

// settleEmpty ends a round in which nothing was revealed.
func (k Keeper) settleEmpty(ctx sdk.Context, r types.Round, why string) error {
	g, err := k.group(ctx, r.Group)
	if err != nil {
		return err
	}
	return k.settle(ctx, g, r, nil, why)
}

// settle decides the winner, pays, settles the bonds and lets the next round open. why explains a round that was
// over before scoring.
func (k Keeper) settle(ctx sdk.Context, g types.Group, r types.Round, submissions []types.Submission, why string) error {
	r.Phase = types.ROUND_PHASE_SETTLED
	r.SettledHeight, r.SettledUnixMs = ctx.BlockHeight(), ctx.BlockTime().UnixMilli()
	best := -1
	if why == "" {
		best = types.Best(submissions)
		why = noWinner(g, r, submissions, best)
	}
	r.Note = why
	coinbase, err := k.coinbaseOf(ctx, g, r)
	if err != nil {
		return err
	}
	if best >= 0 {
		// What goes wrong here must not keep the bonds of the round locked.
		k.try(ctx, "verifier reward of "+r.Group, func(ctx sdk.Context) error {
			return k.payVerifiers(ctx, g, &r, submissions[best], coinbase)
		})
	}
	if best >= 0 && why == "" {
		if err := k.crown(ctx, &g, &r, &submissions[best], coinbase); err != nil {
			return err
		}
	}
	for i := range submissions {
		if submissions[i].Status == types.SUBMISSION_STATUS_CANDIDATE {
			submissions[i].Status, submissions[i].Note = types.SUBMISSION_STATUS_NOT_SCORED, types.NoteNotScored
			if err := k.setSubmission(ctx, submissions[i]); err != nil {
				return err
			}
		}
	}
	if err := k.settleBonds(ctx, r, submissions); err != nil {
		return err
	}
	r.SettledSupply = k.bank.GetSupply(ctx, types.BaseDenom).Amount
	if err := k.setRound(ctx, r); err != nil {
		return err
	}
	if err := k.Groups.Set(ctx, g.Name, g); err != nil {
		return err
	}
	if err := k.updateTotals(ctx, func(t *types.Totals) {
		t.Rounds++
		if r.Winner != "" {
			t.Wins++
		}
	}); err != nil {
		return err
	}
	e := &types.EventRoundSettled{
		Group: r.Group, Round: r.Number, Winner: r.Winner, LossE9: r.Checkpoint.LossE9, MetricE9: r.Checkpoint.MetricE9,
		Reward: r.Reward, Bounty: r.Bounty, VerifierReward: r.VerifierReward,
		Supply: r.SettledSupply, Note: r.Note,
	}
	if r.ParentVerdict != nil {
		e.ParentLossE9 = r.ParentVerdict.RankLossE9
	}
	emit(ctx, e)
	if err := k.prune(ctx, r); err != nil {
		return err
	}
	if k.hooks != nil {
		k.try(ctx, "hook after round "+r.Group, func(ctx sdk.Context) error { return k.hooks.AfterRoundSettled(ctx, r, submissions) })
	}
	return k.schedule(ctx, g.Name, ctx.BlockHeight()+1)
}

// noWinner says in words why the best candidate does not win; empty when it does.
func noWinner(g types.Group, r types.Round, submissions []types.Submission, best int) string {
	if best < 0 {
		return "no candidate was valid"
	}
	loss := submissions[best].Verdict.RankLossE9
	if types.Beats(loss, *r.ParentVerdict, g.Settings.MinImprovementE9) {
		return ""
	}
	return fmt.Sprintf("the best loss %d e-9 does not beat the parent's %d e-9 by %d e-9", loss, r.ParentVerdict.RankLossE9, max(g.Settings.MinImprovementE9, 1))
}

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
		LossE9: s.Verdict.RankLossE9, MetricE9: s.Verdict.MetricE9,
	}
	g.Parent = r.Checkpoint
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
	r.Bounty = g.BountyPool
	if per := g.Settings.BountyPerRound; per.IsPositive() {
		r.Bounty = math.MinInt(per, g.BountyPool)
	}
	g.BountyPool = g.BountyPool.Sub(r.Bounty)
	return k.release(ctx, s.Trainer, r.Bounty)
}

// payVerifiers shares the verifier coinbase by snapshot weight among validators whose witness matched the best
// candidate's score, whether or not it wins. What rounding leaves is not minted.
func (k Keeper) payVerifiers(ctx sdk.Context, g types.Group, r *types.Round, best types.Submission, c types.Coinbase) error {
	if !mints(g) {
		return nil
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	amount := params.Amount(params.VerifierRateE9, c)
	members, err := k.attestation.Matched(ctx, best.TaskId)
	if err != nil {
		return err
	}
	total := math.ZeroInt()
	for _, m := range members {
		total = total.Add(m.Weight())
	}
	if !amount.IsPositive() || !total.IsPositive() {
		return nil
	}
	paid := math.ZeroInt()
	for _, m := range members {
		part := amount.Mul(m.Weight()).Quo(total)
		operator, err := k.valCodec.StringToBytes(m.Operator)
		if err != nil {
			return err
		}
		if err := k.mint(ctx, sdk.AccAddress(operator).String(), part); err != nil {
			return err
		}
		paid = paid.Add(part)
	}
	r.VerifierReward = paid
	announceCoinbase(ctx, *r, "verifiers", paid)
	return nil
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

// settleBonds returns or burns every bond of the round.
func (k Keeper) settleBonds(ctx sdk.Context, r types.Round, submissions []types.Submission) error {
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	commitments, err := k.commitments(ctx, r)
	if err != nil {
		return err
	}
	revealed := map[string]*types.Submission{}
	for i := range submissions {
		revealed[submissions[i].Trainer] = &submissions[i]
	}
	for _, c := range commitments {
		s := revealed[c.Trainer]
		reason := "commitment not revealed"
		if s != nil {
			reason = s.Note
		}
		loss := params.BondLoss(c.Bond, s)
		if err := k.burnEscrowed(ctx, c.Trainer, loss, reason); err != nil {
			return err
		}
		if err := k.release(ctx, c.Trainer, c.Bond.Sub(loss)); err != nil {
			return err
		}
	}
	return nil
}

// maxPrunes bounds how many old rounds a settlement removes: more than one, so that a shorter retention takes effect.
const maxPrunes = 4

// prune removes the rounds that are past their retention, oldest first.
func (k Keeper) prune(ctx context.Context, r types.Round) error {
	params, err := k.Params.Get(ctx)
	if err != nil || r.Number <= params.RoundRetention {
		return err
	}
	var old []uint64
	err = k.Rounds.Walk(ctx, collections.NewPrefixedPairRange[string, uint64](r.Group),
		func(key collections.Pair[string, uint64], _ types.Round) (bool, error) {
			if key.K2() > r.Number-params.RoundRetention {
				return true, nil
			}
			old = append(old, key.K2())
			return len(old) >= maxPrunes, nil
		})
	if err != nil {
		return err
	}
	for _, number := range old {
		details := collections.NewSuperPrefixedTripleRange[string, uint64, string](r.Group, number)
		if err := k.Commitments.Clear(ctx, details); err != nil {
			return err
		}
		if err := k.Submissions.Clear(ctx, details); err != nil {
			return err
		}
		if err := k.Rounds.Remove(ctx, collections.Join(r.Group, number)); err != nil {
			return err
		}
	}
	return nil
}
