package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/pol/types"
)

func TestRoundsPauseWhenTooFewValidatorsAreLive(t *testing.T) {
	e := staked(t, nil)
	e.play("digits")
	e.att.live = 2
	e.advance(20)
	g := e.group("digits")
	require.Equal(t, uint64(1), g.Round)
	require.Equal(t, "paused: 2 of 3 validators are live that a round needs", g.Note)
	e.att.live = 3
	e.advance(6)
	require.Equal(t, uint64(2), e.group("digits").Round)
	require.Empty(t, e.group("digits").Note)

	// A round that is open goes on.
	e.commit("digits", trained(1, 10))
	e.att.live = 0
	e.until("digits", types.ROUND_PHASE_REVEAL)
	e.reveal("digits", trained(1, 10))
	require.Equal(t, account(1), e.until("digits", types.ROUND_PHASE_SETTLED).Winner)
}

func TestPhasesWaitForTheirDraws(t *testing.T) {
	for purpose, phase := range map[string]types.RoundPhase{
		types.DrawOrder: types.ROUND_PHASE_DRAW, types.DrawScore: types.ROUND_PHASE_SCORE, types.DrawAudit: types.ROUND_PHASE_AUDIT,
	} {
		for name, lost := range map[string]bool{"late": false, "lost": true} {
			t.Run(purpose+" "+name, func(t *testing.T) {
				e := newEnv(t, nil)
				s := settings()
				prove(&s)
				requests, held := 0, true
				e.att.draw = func(ref types.DrawRef) verdict {
					if ref.Purpose != purpose {
						return decided
					}
					requests++
					if held && !lost {
						return undecided
					}
					if lost && requests == 1 {
						e.att.lose = 1
					}
					return decided
				}
				e.must(&types.MsgCreateGroup{Sender: account(7), Name: "digits", Settings: s})
				e.next()
				if phase != types.ROUND_PHASE_DRAW {
					e.until("digits", types.ROUND_PHASE_COMMIT)
					e.commit("digits", trained(1, 10))
					e.until("digits", types.ROUND_PHASE_REVEAL)
					e.reveal("digits", trained(1, 10))
				}
				r := e.until("digits", phase)
				if !lost {
					e.advance(100)
					r, _ = e.current("digits")
					require.Equal(t, phase, r.Phase)
					require.Zero(t, e.balance(account(1))+r.Bond.Int64()*int64(r.Commitments)-funds, "the bond stands")
				}
				if phase == types.ROUND_PHASE_SCORE {
					require.Empty(t, r.ScoreSeed)
					require.Zero(t, e.att.nextTask, "no task opens before its seed")
				}
				held = false
				if phase == types.ROUND_PHASE_DRAW {
					for range 2 { // a lost seed is noticed after a while
						for i := 0; i < 300 && r.Phase == phase; i++ {
							e.next()
							r, _ = e.current("digits")
						}
					}
					require.NotEqual(t, phase, r.Phase)
				} else {
					require.Equal(t, account(1), e.until("digits", types.ROUND_PHASE_SETTLED).Winner)
					require.Equal(t, uint64(1), e.group("digits").Round)
				}
				require.Equal(t, map[bool]int{false: 1, true: 2}[lost], drawn(e.att, purpose), "a lost seed is drawn again")
			})
		}
	}
}

// drawn counts the draws of a purpose that were requested for the first round.
func drawn(a *attestation, purpose string) int {
	n := 0
	for _, d := range a.draws {
		if string(d.Ref) == "digits/1/"+purpose {
			n++
		}
	}
	return n
}

func TestASeedThatIsThereIsNotReplaced(t *testing.T) {
	e := proving(t, nil)
	r := e.until("digits", types.ROUND_PHASE_COMMIT)
	require.NoError(t, e.att.outcomes.DrawDone(e.ctx, e.att.draws[r.OrderDraw], []byte("another")))
	other := e.att.draws[r.OrderDraw]
	other.Id++
	require.NoError(t, e.att.outcomes.DrawDone(e.ctx, other, []byte("another")))
	require.Equal(t, r.OrderSeed, e.round("digits", 1).OrderSeed)
}

// In evaluation mode HOLDOUT the claim is exact on the training rows, and the loss on the validation rows decides.
func TestHoldoutRanksOnTheValidationRows(t *testing.T) {
	e := newEnv(t, nil)
	e.sets.set.Table.ValidationPermille = 200
	s := settings()
	prove(&s)
	s.Evaluation = types.EVALUATION_MODE_HOLDOUT
	e.must(&types.MsgCreateGroup{Sender: account(7), Name: "digits", Settings: s})
	e.bond(6, "digits", 1_000_000)
	rank := map[string]uint64{account(1): 500, account(2): 400, account(3): 300, "": 450}
	e.att.judge = func(ref types.SubmissionRef, m types.ScoreManifest) (verdict, types.ScoreAnswer) {
		require.Equal(t, types.EVALUATION_MODE_HOLDOUT, m.Evaluation)
		return decided, types.ScoreAnswer{ClaimLossE9: lossOf(m), RankLossE9: rank[ref.Trainer]}
	}
	liar := trained(3, 300)
	liar.claim = 299
	r := e.play("digits", trained(1, 10), trained(2, 900), liar)
	require.Equal(t, account(2), r.Winner, "the best claim ranks worse than the parent, the best rank has a false claim")
	require.Equal(t, uint64(400), r.Checkpoint.LossE9)
	require.Equal(t, types.SUBMISSION_STATUS_FALSE_CLAIM, e.submission("digits", 1, 3).Status)
	require.Equal(t, types.SUBMISSION_STATUS_VALID, e.submission("digits", 1, 1).Status)
	require.Equal(t, uint32(1), r.Audits)

	e.sets.set.Table.ValidationPermille = 0
	e.advance(10)
	require.Contains(t, e.group("digits").Note, "holds no rows back", "the table has changed")
}

// A checkpoint keeps the mapping it was trained with; each trainer has its own in each round.
func TestMappingsBelongToTrainerAndRound(t *testing.T) {
	e := staked(t, func(s *types.GroupSettings) {
		s.Mapping = true
		s.Model.Layers = append([]*types.Layer{{Name: "map", Kind: "sml"}}, s.Model.Layers...)
	})
	seeds := map[string][]byte{}
	judge := e.att.judge
	e.att.judge = func(ref types.SubmissionRef, m types.ScoreManifest) (verdict, types.ScoreAnswer) {
		seeds[ref.Trainer] = m.MappingSeed
		return judge(ref, m)
	}
	r := e.play("digits", trained(1, 900), trained(2, 800))
	require.Equal(t, types.MappingSeed(chainID, "digits", 0, ""), seeds[""], "the initial weights")
	require.Equal(t, types.MappingSeed(chainID, "digits", 1, account(1)), seeds[account(1)])
	require.Equal(t, types.MappingSeed(chainID, "digits", 1, account(2)), seeds[account(2)])
	require.Equal(t, seeds[account(2)], r.Checkpoint.MappingSeed)
	e.play("digits", trained(1, 700))
	require.Equal(t, r.Checkpoint.MappingSeed, seeds[""], "the parent keeps its own")
	require.Equal(t, types.MappingSeed(chainID, "digits", 2, account(1)), seeds[account(1)])

	e = staked(t, nil)
	require.Empty(t, e.play("digits", trained(1, 900)).Checkpoint.MappingSeed)
}

func TestScoresHaveSamplesOfTheirRound(t *testing.T) {
	e := staked(t, nil)
	var manifests []types.ScoreManifest
	judge := e.att.judge
	e.att.judge = func(ref types.SubmissionRef, m types.ScoreManifest) (verdict, types.ScoreAnswer) {
		manifests = append(manifests, m)
		return judge(ref, m)
	}
	first := e.play("digits", trained(1, 900))
	second := e.play("digits", trained(1, 800))
	require.Len(t, manifests, 4)
	require.NotEqual(t, first.ScoreSeed, second.ScoreSeed)
	for i, m := range manifests {
		require.Equal(t, [][]byte{first.ScoreSeed, second.ScoreSeed}[i/2], m.ScoreSeed)
		require.Empty(t, m.Batches)
		require.Empty(t, m.MappingSeed)
	}
}

func TestAGroupWhoseAuditsNoWindowHoldsIsRefused(t *testing.T) {
	e := newEnv(t, nil)
	s := settings()
	prove(&s)
	shape, err := s.Shape()
	require.NoError(t, err)
	e.att.maxAudit = s.AuditCost(shape, e.sets.set.Table, 5) - 1
	m := &types.MsgCreateGroup{Sender: account(7), Name: "digits", Settings: s}
	err = e.send(m)
	require.ErrorIs(t, err, types.ErrTooCostly)
	require.ErrorContains(t, err, "auditing one transcript: expected at most the budget of a window")
	e.att.maxAudit++
	e.must(m)
	e.next()
	e.att.maxAudit--
	e.play("digits")
	e.advance(10)
	require.Equal(t, uint64(1), e.group("digits").Round)
	require.Contains(t, e.group("digits").Note, "can't open a round: auditing one transcript")
}

func TestHooksHearOfEveryRoundAndStopNothing(t *testing.T) {
	e := staked(t, nil)
	liar := trained(1, 10)
	liar.claim--
	e.att.holds = func(ref types.SubmissionRef) (verdict, bool) { return decided, ref.Trainer != account(2) }
	e.until("digits", types.ROUND_PHASE_COMMIT)
	e.commit("digits", liar, trained(2, 20), trained(3, 30), trained(4, 40))
	e.until("digits", types.ROUND_PHASE_REVEAL)
	e.reveal("digits", liar, trained(2, 20), trained(3, 30))
	e.told.fails, e.lax = types.ErrInvalidParams.Wrap("a hook"), true
	r := e.until("digits", types.ROUND_PHASE_SETTLED)
	require.Equal(t, account(3), r.Winner)
	require.Len(t, e.failures, 1)
	require.Len(t, e.told.settled, 1)
	o := e.told.settled[0]
	causes := map[string]types.LossCause{}
	for _, l := range o.Losses {
		causes[l.Address] = l.Cause
		require.NotEmpty(t, l.Note)
	}
	require.Equal(t, map[string]types.LossCause{
		account(1): types.LossFalseClaim, account(2): types.LossWithheld, account(4): types.LossNotRevealed,
	}, causes)
	require.True(t, o.Counts)

	// Without enough stake no reputation moves.
	e.unbond(6, "digits", 999_001)
	e.play("digits", trained(1, 5))
	require.False(t, e.told.settled[1].Counts)
}

func TestWhatOtherModulesBurnIsCounted(t *testing.T) {
	e := staked(t, nil)
	require.NoError(t, e.k.CountBurned(e.ctx, math.NewInt(7)))
	require.NoError(t, e.k.CountBurned(e.ctx, math.NewInt(5)))
	totals, err := e.k.Totals.Get(e.ctx)
	require.NoError(t, err)
	require.Equal(t, "12", totals.Slashed.String())
	require.ErrorIs(t, e.k.CountBurned(e.ctx, math.NewInt(-1)), types.ErrInvalidAmount)
	require.ErrorIs(t, e.k.CountBurned(e.ctx, math.Int{}), types.ErrInvalidAmount)
}

// Which provider pays is the matter of sealed batches; here is what the round does.
func TestARoundWhoseKeysWereWithheldMintsNothing(t *testing.T) {
	e := proving(t, nil)
	before := e.supply()
	e.until("digits", types.ROUND_PHASE_COMMIT)
	liar := trained(2, 20)
	liar.claim--
	e.commit("digits", trained(1, 10), liar)
	r := e.until("digits", types.ROUND_PHASE_REVEAL)
	r.KeysWithheld = true
	require.NoError(t, e.k.Rounds.Set(e.ctx, collections.Join(r.Group, r.Number), r))
	e.reveal("digits", trained(1, 10), liar)
	r = e.until("digits", types.ROUND_PHASE_SETTLED)
	require.Empty(t, r.Winner)
	require.Contains(t, r.Note, "a sealed batch was withheld")
	require.True(t, r.Reward.IsZero() && r.VerifierReward.IsZero() && r.Bounty.IsZero())
	require.Zero(t, r.Audits, "nothing is won, so nothing is replayed")
	require.Equal(t, types.SUBMISSION_STATUS_VALID, e.submission("digits", 1, 1).Status)
	require.Equal(t, int64(funds), e.balance(account(1)))
	require.Equal(t, funds-r.Bond.Int64(), e.balance(account(2)), "a lie stays one")
	require.Equal(t, before.Sub(r.Bond).String(), e.supply().String())
	require.Empty(t, e.group("digits").Parent.Cid)
}

func TestABadBatchWhereThereIsNoneIsNoScore(t *testing.T) {
	e := staked(t, nil)
	e.att.judge = func(ref types.SubmissionRef, m types.ScoreManifest) (verdict, types.ScoreAnswer) {
		return decided, types.ScoreAnswer{Status: types.ScoreBadBatch, ClaimLossE9: lossOf(m)}
	}
	r := e.play("digits", trained(1, 10))
	require.Equal(t, "no candidate was valid", r.Note)
	require.False(t, r.KeysWithheld)
	require.Equal(t, types.SUBMISSION_STATUS_NOT_SCORED, e.submission("digits", 1, 1).Status)
	require.Equal(t, "the training set does not suit the model", r.ParentVerdict.Problem)
	require.Equal(t, int64(funds), e.balance(account(1)), "not the trainer's fault")
}
