package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/x/pol/types"
)

func TestARoundSurvivesOutcomesThatGetLost(t *testing.T) {
	for name, phase := range map[string]types.RoundPhase{
		"whether validators hold a checkpoint": types.ROUND_PHASE_AVAILABILITY,
		"scores":                               types.ROUND_PHASE_SCORE,
	} {
		t.Run(name, func(t *testing.T) {
			e := staked(t, nil)
			e.until("digits", types.ROUND_PHASE_COMMIT)
			e.commit("digits", trained(1, 900), trained(2, 800))
			e.until("digits", types.ROUND_PHASE_REVEAL)
			e.reveal("digits", trained(1, 900), trained(2, 800))
			if phase == types.ROUND_PHASE_SCORE {
				e.until("digits", types.ROUND_PHASE_SCORE)
			}
			e.att.lose = 2
			var r types.Round
			for range 1_200 {
				e.advance(1)
				if r, _ = e.current("digits"); r.Phase == types.ROUND_PHASE_SETTLED {
					break
				}
			}
			require.Equal(t, types.ROUND_PHASE_SETTLED, r.Phase, r.Note)
			require.Equal(t, uint64(1), r.Number)
			require.Equal(t, account(2), r.Winner)
			require.NoError(t, e.k.CheckEscrow(e.ctx))
		})
	}
}

func TestAnAuditSurvivesOutcomesThatGetLost(t *testing.T) {
	for _, lose := range []int{1, 2, 3, 4} {
		e := proving(t, nil)
		e.att.challenges = challengeBy(1, operator(1))
		e.until("digits", types.ROUND_PHASE_COMMIT)
		e.commit("digits", trained(1, 900), trained(2, 800))
		e.until("digits", types.ROUND_PHASE_REVEAL)
		e.reveal("digits", trained(1, 900), trained(2, 800))
		e.until("digits", types.ROUND_PHASE_AUDIT)
		e.att.lose = lose
		for range 5 { // a lost outcome is noticed after a while
			for range 400 {
				if r, _ := e.current("digits"); r.Phase == types.ROUND_PHASE_SETTLED {
					break
				}
				e.next()
			}
		}
		r := e.round("digits", 1)
		require.Equal(t, types.ROUND_PHASE_SETTLED, r.Phase, r.Note)
		require.Equal(t, account(2), r.Winner)
		require.Zero(t, e.att.lose)
		require.Equal(t, types.SUBMISSION_STATUS_PROVED, e.submission("digits", 1, 1).Status)
		require.NotEmpty(t, e.att.conduct, "the challenge was decided too")
		require.Equal(t, int64(funds), e.balance(account(1)))
	}
}

func TestATableThatDoesNotSuitTheModelCostsNobodyABond(t *testing.T) {
	s := types.Submission{ClaimedLossE9: 5, Status: types.SUBMISSION_STATUS_SCORING}
	s.Judge(types.ScoreAnswer{Status: types.ScoreUnfitData}, 1)
	require.Equal(t, types.SUBMISSION_STATUS_NOT_SCORED, s.Status)
	require.Equal(t, "the training set does not suit the model", s.Note)
	require.True(t, types.DefaultParams().BondLoss(types.DefaultParams().CreationFee, &s).IsZero())
}
