package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// staked starts a chain with one group behind which stands all stake.
func staked(t *testing.T, change func(*types.GroupSettings)) *env {
	t.Helper()
	e := newEnv(t, nil)
	e.must(&types.MsgCreateGroup{Sender: account(7), Name: "digits", Settings: changed(change)})
	e.bond(6, "digits", 1_000_000)
	e.next()
	return e
}

func changed(change func(*types.GroupSettings)) types.GroupSettings {
	s := settings()
	if change != nil {
		change(&s)
	}
	return s
}

// winnerReward is 0.001 % of the supply per hour, as the protocol page says it.
func winnerReward(r types.Round) math.Int {
	return r.Supply.MulRaw(r.SettledUnixMs - r.OpenedUnixMs).QuoRaw(100_000 * 3_600_000)
}

func TestARoundPaysWinnerAndVerifiers(t *testing.T) {
	e := staked(t, nil)
	before := e.supply()
	r := e.play("digits", trained(1, 900), trained(2, 800), trained(3, 850))

	require.Equal(t, account(2), r.Winner)
	require.Empty(t, r.Note)
	require.Equal(t, uint64(800), r.Checkpoint.LossE9)
	require.Equal(t, uint64(5), r.Checkpoint.MetricE9)
	require.Equal(t, uint64(initialLoss), r.ParentVerdict.RankLossE9)
	require.Positive(t, r.Reward.Int64())
	require.Equal(t, winnerReward(r).String(), r.Reward.String())

	// A fifth of it goes to the verifiers by power, 3 to 1; the rest of each division is not minted.
	fifth := r.Supply.MulRaw(r.SettledUnixMs - r.OpenedUnixMs).QuoRaw(500_000 * 3_600_000).Int64()
	require.Equal(t, fifth*3/4, e.validator(1))
	require.Equal(t, fifth/4, e.validator(2))
	require.Equal(t, fifth*3/4+fifth/4, r.VerifierReward.Int64())
	require.Equal(t, before.Add(r.Reward).Add(r.VerifierReward).String(), e.supply().String())

	require.Equal(t, funds+r.Reward.Int64(), e.balance(account(2)), "bond back and reward")
	require.Equal(t, int64(funds), e.balance(account(1)), "bond back")
	g := e.group("digits")
	require.Equal(t, r.Checkpoint, g.Parent)
	require.Equal(t, uint64(1), g.Wins)

	e.next()
	second := e.round("digits", 2)
	require.Equal(t, types.ROUND_PHASE_COMMIT, second.Phase)
	require.Equal(t, r.Checkpoint, second.Parent, "the winner is pinned as the parent")
	require.Equal(t, e.supply().String(), second.Supply.String())
}

func TestTheNextRoundIsScoredAgainstTheWinner(t *testing.T) {
	e := staked(t, nil)
	first := trained(1, 900)
	e.play("digits", first)
	r := e.play("digits", trained(2, 899))
	require.Equal(t, account(2), r.Winner)
	require.Equal(t, uint64(900), r.ParentVerdict.RankLossE9)
	task := e.att.tasks[r.ParentTask]
	var m types.ScoreManifest
	require.NoError(t, m.Unmarshal(task.Manifest))
	require.Equal(t, first.cid(), m.CheckpointCid)
	require.Equal(t, first.hash(), m.CheckpointHash)
	require.Empty(t, m.InitSeed)
	require.Equal(t, chainID, m.ChainId)
	require.Equal(t, r.Cost, task.Cost)
	require.Equal(t, "1000000", task.Priority.String(), "queued by stake")
}

func TestTiesGoToTheEarliestCommitment(t *testing.T) {
	e := staked(t, nil)
	r := e.play("digits", trained(3, 700), trained(1, 700))
	require.Equal(t, account(3), r.Winner)
}

func TestRoundsThatSettleWithoutWinnerSayWhy(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*env)
		reveal  bool
		all     []checkpoint
		why     string
		lost    int64 // of the bond of account 1
	}{
		"nobody committed": {why: "nobody committed a checkpoint"},
		"nobody revealed":  {all: []checkpoint{trained(1, 5)}, why: "none of 1 commitments was revealed", lost: commitBond / 2},
		"withheld": {
			prepare: func(e *env) { e.att.holds = func(types.SubmissionRef) (verdict, bool) { return decided, false } },
			reveal:  true, all: []checkpoint{trained(1, 5)}, why: "no revealed checkpoint is held by more than two thirds", lost: commitBond / 2,
		},
		"not better than the parent": {
			reveal: true, all: []checkpoint{trained(1, initialLoss)}, why: "the best loss 2300000000 e-9 does not beat the parent's 2300000000 e-9 by 1 e-9",
		},
		"worse than the parent": {reveal: true, all: []checkpoint{trained(1, initialLoss+1)}, why: "does not beat the parent's"},
		"not valid": {
			prepare: func(e *env) {
				e.att.judge = func(ref types.SubmissionRef, _ types.ScoreManifest) (verdict, types.ScoreAnswer) {
					if ref.Trainer == "" {
						return decided, types.ScoreAnswer{RankLossE9: 9}
					}
					return decided, types.ScoreAnswer{Status: types.ScoreNotFinite}
				}
			},
			reveal: true, all: []checkpoint{trained(1, 5)}, why: "no candidate was valid", lost: commitBond,
		},
	} {
		e := staked(t, nil)
		if c.prepare != nil {
			c.prepare(e)
		}
		before := e.supply()
		e.commit("digits", c.all...)
		if c.reveal {
			e.until("digits", types.ROUND_PHASE_REVEAL)
			e.reveal("digits", c.all...)
		}
		r := e.until("digits", types.ROUND_PHASE_SETTLED)
		require.Contains(t, r.Note, c.why, name)
		require.Empty(t, r.Winner, name)
		require.True(t, r.Reward.IsZero() && r.Bounty.IsZero(), name)
		require.Equal(t, funds-c.lost, e.balance(account(1)), name)
		require.Equal(t, before.SubRaw(c.lost).Add(r.VerifierReward).String(), e.supply().String(), name)
		e.next()
		require.Equal(t, uint64(2), e.group("digits").Round, name)
	}
}

func TestVerifiersArePaidForAValidCandidateThatDoesNotWin(t *testing.T) {
	e := staked(t, nil)
	r := e.play("digits", trained(1, initialLoss))
	require.Empty(t, r.Winner)
	require.Positive(t, r.VerifierReward.Int64())
	require.Equal(t, r.VerifierReward.Int64(), e.validator(1)+e.validator(2))
}

func TestMinImprovementMustBeReached(t *testing.T) {
	e := staked(t, func(s *types.GroupSettings) { s.MinImprovementE9 = 1_000 })
	require.Empty(t, e.play("digits", trained(1, initialLoss-999)).Winner)
	require.Equal(t, account(1), e.play("digits", trained(1, initialLoss-1_000)).Winner)
}

func TestAnInvalidParentIsBeatenByAnyValidCheckpoint(t *testing.T) {
	e := staked(t, nil)
	e.att.judge = func(ref types.SubmissionRef, m types.ScoreManifest) (verdict, types.ScoreAnswer) {
		if ref.Trainer == "" {
			return decided, types.ScoreAnswer{Status: types.ScoreNotFinite}
		}
		return decided, types.ScoreAnswer{ClaimLossE9: lossOf(m), RankLossE9: lossOf(m)}
	}
	r := e.play("digits", trained(1, 9_000_000_000))
	require.Equal(t, account(1), r.Winner)
	require.Equal(t, "weights or loss are not finite", r.ParentVerdict.Problem)
}

func TestARoundWaitsForValidatorsAndNeverDies(t *testing.T) {
	e := staked(t, nil)
	phaseOf := func() types.RoundPhase { r, _ := e.current("digits"); return r.Phase }
	answered, held := false, false
	e.att.holds = func(types.SubmissionRef) (verdict, bool) {
		if held {
			return decided, true
		}
		return undecided, false
	}
	judge := e.att.judge
	e.att.judge = func(ref types.SubmissionRef, m types.ScoreManifest) (verdict, types.ScoreAnswer) {
		if answered {
			return judge(ref, m)
		}
		return expired, types.ScoreAnswer{}
	}
	best := trained(1, 10)
	e.commit("digits", best, trained(2, 20))
	e.until("digits", types.ROUND_PHASE_REVEAL)
	e.reveal("digits", best, trained(2, 20))
	e.advance(100)
	require.Equal(t, types.ROUND_PHASE_AVAILABILITY, phaseOf())
	held = true
	e.advance(100)
	require.Equal(t, types.ROUND_PHASE_SCORE, phaseOf())
	r, _ := e.current("digits")
	require.Contains(t, r.Note, "extended: score task")
	require.Contains(t, r.Note, "only 1 of 4 power committed")
	require.LessOrEqual(t, r.Tasks, uint32(2), "a task that expired used no slot")
	require.Greater(t, len(e.att.tasks), 200, "each expired task was opened again")
	answered = true
	r = e.until("digits", types.ROUND_PHASE_SETTLED)
	require.Equal(t, account(1), r.Winner, "commitments, order and bonds stand")
}

// A task that can't be opened again at once (governance lowered the budget below its cost) must not be forgotten.
func TestAnExpiredTaskThatCanNotBeOpenedIsTriedAgain(t *testing.T) {
	e := staked(t, nil)
	judge := e.att.judge
	e.att.judge = func(types.SubmissionRef, types.ScoreManifest) (verdict, types.ScoreAnswer) {
		return expired, types.ScoreAnswer{}
	}
	e.commit("digits", trained(1, 10))
	e.until("digits", types.ROUND_PHASE_REVEAL)
	e.reveal("digits", trained(1, 10))
	e.until("digits", types.ROUND_PHASE_SCORE)
	e.att.maxCost, e.lax = 0, true
	e.advance(50)
	require.NotEmpty(t, e.failures)
	e.att.maxCost, e.att.judge = 1e12, judge
	require.Equal(t, account(1), e.until("digits", types.ROUND_PHASE_SETTLED).Winner)
}

func TestAnswersThatAreNoneGiveNoScore(t *testing.T) {
	e := staked(t, nil)
	e.att.judge = func(types.SubmissionRef, types.ScoreManifest) (verdict, types.ScoreAnswer) {
		return decided, types.ScoreAnswer{Status: 99}
	}
	r := e.play("digits", trained(1, 10))
	require.Equal(t, "no candidate was valid", r.Note)
	require.Equal(t, types.SUBMISSION_STATUS_INVALID, e.submission("digits", 1, 1).Status)
}

func TestAGroupWaitsForItsTrainingSetAndSaysSo(t *testing.T) {
	e := newEnv(t, nil)
	e.must(&types.MsgCreateGroup{Sender: account(7), Name: "digits", Settings: settings()})
	e.sets.problem = trainingsettypes.ErrNotVerified.Wrap("validators fetch the table")
	e.advance(20)
	require.Zero(t, e.group("digits").Round)
	require.Contains(t, e.group("digits").Note, "waits for its training set")
	require.ErrorContains(t, e.send(e.commitMsg("digits", trained(1, 1))), "has no round yet: waits for its training set")
	e.sets.problem = nil
	e.advance(5)
	require.Equal(t, uint64(1), e.group("digits").Round)
	require.Empty(t, e.group("digits").Note)
}

// No bond may be taken for a round that validators could never score.
func TestAGroupWhoseWorkNoLongerFitsOpensNoRound(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(*env)
		note    string
	}{
		"the budget shrank":        {func(e *env) { e.att.maxCost = 10 }, "expected at most the budget of a window, 10"},
		"the table has a new form": {func(e *env) { e.sets.set.Table.Columns = 9 }, "has 8 feature columns, the model has 4 inputs"},
	} {
		e := staked(t, nil)
		c.prepare(e)
		e.play("digits")
		e.advance(10)
		require.Equal(t, uint64(1), e.group("digits").Round, name)
		require.Contains(t, e.group("digits").Note, c.note, name)
	}
}

func TestARevealPhaseKeepsItsLengthWhenTheGroupWaitedForItsTurn(t *testing.T) {
	e := newEnv(t, func(g *types.GenesisState) { g.Params.MaxGroupsPerBlock = 1 })
	for _, name := range []string{"aa", "bb", "cc", "dd", "ee", "ff"} {
		e.must(&types.MsgCreateGroup{Sender: account(7), Name: name, Settings: settings()})
	}
	e.until("ff", types.ROUND_PHASE_COMMIT)
	e.commit("ff", trained(1, 10))
	r := e.until("ff", types.ROUND_PHASE_REVEAL)
	require.GreaterOrEqual(t, r.RevealUntil-e.ctx.BlockHeight()+1, int64(phase), "blocks in which a reveal counts")
}

func TestOldRoundsArePruned(t *testing.T) {
	e := staked(t, nil)
	for n := range 5 {
		e.play("digits", trained(1, uint64(1_000-n)), trained(2, uint64(2_000-n)))
	}
	g, err := e.k.ExportGenesis(e.ctx)
	require.NoError(t, err)
	require.Len(t, g.Rounds, 3)
	require.Equal(t, uint64(3), g.Rounds[0].Number)
	require.Len(t, g.Commitments, 6)
	require.Len(t, g.Submissions, 6)
	require.Len(t, g.UsedHashes, 10, "hashes are never forgotten")

	stored, err := e.k.Params.Get(e.ctx)
	require.NoError(t, err)
	stored.RoundRetention = 1
	e.must(&types.MsgUpdateParams{Authority: account(0), Params: stored})
	e.play("digits")
	g, err = e.k.ExportGenesis(e.ctx)
	require.NoError(t, err)
	require.Len(t, g.Rounds, 1, "a shorter retention takes effect")
	require.Empty(t, g.Commitments)
}
