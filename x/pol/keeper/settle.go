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
		best, why = winnerOf(g, r, submissions)
	}
	if r.KeysWithheld {
		why = noteKeysWithheld
	}
	r.Note = why
	coinbase, err := k.coinbaseOf(ctx, g, r)
	if err != nil {
		return err
	}
	if scored := types.Best(submissions, scoredStatuses...); scored >= 0 && !r.KeysWithheld {
		// What goes wrong here must not keep the bonds of the round locked.
		k.try(ctx, "verifier reward of "+r.Group, func(ctx sdk.Context) error {
			return k.payVerifiers(ctx, g, &r, submissions[scored], coinbase)
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
	commitments, err := k.commitments(ctx, r)
	if err != nil {
		return err
	}
	losses, err := k.settleBonds(ctx, r, commitments, submissions)
	if err != nil {
		return err
	}
	if r.KeysWithheld {
		paid, err := k.payProviderBonds(ctx, g, r, submissions)
		if err != nil {
			return err
		}
		losses = append(losses, paid...)
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
	if err := k.tellSettled(ctx, types.RoundOutcome{Group: g, Round: r, Commitments: commitments, Submissions: submissions, Losses: losses}); err != nil {
		return err
	}
	return k.schedule(ctx, g.Name, ctx.BlockHeight()+1)
}

// scoredStatuses are those of checkpoints with an exact claim, whatever their audit found: what verifiers are paid for.
var scoredStatuses = []types.SubmissionStatus{
	types.SUBMISSION_STATUS_VALID, types.SUBMISSION_STATUS_PROVED, types.SUBMISSION_STATUS_UNPROVED,
}

// winnerOf returns the index of the submission that wins, or -1 and why none does. In proof mode PROVED only one whose
// training was replayed can.
func winnerOf(g types.Group, r types.Round, submissions []types.Submission) (int, string) {
	if g.Settings.Proof == types.PROOF_MODE_PROVED {
		if best := types.Best(submissions, types.SUBMISSION_STATUS_PROVED); best >= 0 {
			return best, ""
		}
	}
	if r.Audits > 0 {
		return -1, fmt.Sprintf("none of %d audited candidates was proved", r.Audits)
	}
	best := types.Best(submissions, types.SUBMISSION_STATUS_VALID)
	if best < 0 {
		return -1, "no candidate was valid"
	}
	if loss := submissions[best].Verdict.RankLossE9; !types.Beats(loss, *r.ParentVerdict, g.Settings.MinImprovementE9) {
		return -1, fmt.Sprintf("the best loss %d e-9 does not beat the parent's %d e-9 by %d e-9",
			loss, r.ParentVerdict.RankLossE9, max(g.Settings.MinImprovementE9, 1))
	}
	return best, ""
}

// tellSettled calls the hooks, each by itself; what one does wrong stops nothing.
func (k Keeper) tellSettled(ctx sdk.Context, o types.RoundOutcome) error {
	if k.hooks == nil {
		return nil
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	o.Counts = mints(o.Group) && o.Round.GroupStake.IsPositive() && o.Round.GroupStake.GTE(params.MinGroupStake)
	listeners, several := k.hooks.(types.MultiHooks)
	if !several {
		listeners = types.MultiHooks{k.hooks}
	}
	for _, h := range listeners {
		k.try(ctx, "hook after round "+o.Round.Group, func(ctx sdk.Context) error { return h.AfterRoundSettled(ctx, o) })
	}
	return nil
}

// settleBonds returns or burns every bond of the round and says which were lost. In a round with a canary what a false
// answer of validators would burn is held back until the canary is opened.
func (k Keeper) settleBonds(ctx sdk.Context, r types.Round, commitments []types.Commitment, submissions []types.Submission) ([]types.Loss, error) {
	params, err := k.Params.Get(ctx)
	if err != nil {
		return nil, err
	}
	canary, err := k.hasCanary(ctx, r.Group, r.Number)
	if err != nil {
		return nil, err
	}
	revealed := map[string]*types.Submission{}
	for i := range submissions {
		revealed[submissions[i].Trainer] = &submissions[i]
	}
	var losses []types.Loss
	for _, c := range commitments {
		s := revealed[c.Trainer]
		loss := types.Loss{Address: c.Trainer, Amount: params.BondLoss(c.Bond, s), Cause: types.CauseOfLoss(s), Note: "commitment not revealed"}
		if s != nil {
			loss.Note = s.Note
		}
		if loss.Amount.IsPositive() {
			losses = append(losses, loss)
			take := k.burnEscrowed
			if canary && loss.Cause == types.LossFalseClaim {
				take = func(_ context.Context, trainer string, amount math.Int, reason string) error {
					return k.holdLoss(ctx, r, trainer, amount, reason)
				}
			}
			if err := take(ctx, c.Trainer, loss.Amount, loss.Note); err != nil {
				return nil, err
			}
		}
		if err := k.release(ctx, c.Trainer, c.Bond.Sub(loss.Amount)); err != nil {
			return nil, err
		}
	}
	return losses, nil
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
