package keeper_test

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/pol/types"
)

func batchKey(provider int, round uint64) []byte {
	h := sha256.Sum256([]byte(fmt.Sprint("key ", provider, " ", round)))
	return h[:]
}

// provide hands in the batches of some rounds, and a bond that is large enough for any of them.
func (e *env) provide(provider int, rounds ...uint64) {
	e.t.Helper()
	m := &types.MsgProvideBatches{Sender: account(provider), Group: "digits", Bond: math.NewInt(5_000_000)}
	for _, n := range rounds {
		hash := sha256.Sum256([]byte(fmt.Sprint("batch ", provider, " ", n)))
		key := sha256.Sum256(batchKey(provider, n))
		m.Batches = append(m.Batches, types.SealedBatchInfo{
			Round: n, Cid: cidOf(hash[:]), Sha256: hash[:], Size_: 700, TableSha256: hash[:], Rows: uint64(10 * provider), KeyHash: key[:],
		})
	}
	e.must(m)
}

// sealing starts a chain with one group whose rows accounts 4 and 5 provide.
func sealing(t *testing.T, change func(*types.GroupSettings)) *env {
	t.Helper()
	return staked(t, func(s *types.GroupSettings) {
		s.Evaluation, s.Providers = types.EVALUATION_MODE_SEALED, []string{account(4), account(5)}
		if change != nil {
			change(s)
		}
	})
}

// toKeys plays a round up to its key phase.
func (e *env) toKeys(all ...checkpoint) types.Round {
	e.t.Helper()
	e.until("digits", types.ROUND_PHASE_COMMIT)
	e.commit("digits", all...)
	e.until("digits", types.ROUND_PHASE_REVEAL)
	e.reveal("digits", all...)
	return e.until("digits", types.ROUND_PHASE_KEY)
}

func TestASealedRoundIsRankedOnRevealedBatches(t *testing.T) {
	e := sealing(t, nil)
	e.advance(12)
	require.Zero(t, e.group("digits").Round)
	require.Contains(t, e.group("digits").Note, "can't open a round: provider "+account(4))
	e.provide(4, 1, 2)
	e.provide(5, 1)
	var manifests []types.ScoreManifest
	e.att.judge = func(ref types.SubmissionRef, m types.ScoreManifest) (verdict, types.ScoreAnswer) {
		manifests = append(manifests, m)
		rank := map[string]uint64{"": 90, account(1): 80, account(2): 70}[ref.Trainer]
		return decided, types.ScoreAnswer{ClaimLossE9: lossOf(m), RankLossE9: rank}
	}
	e.until("digits", types.ROUND_PHASE_COMMIT)
	require.ErrorIs(t, e.send(&types.MsgRevealBatchKey{Sender: account(4), Group: "digits", Round: 1, Key: batchKey(4, 1)}), types.ErrWrongPhase)
	r := e.toKeys(trained(1, 10), trained(2, 20))
	require.Equal(t, e.ctx.BlockHeight()-1+20, r.KeyUntil)
	require.Empty(t, e.att.nextTask)
	e.must(&types.MsgRevealBatchKey{Sender: account(5), Group: "digits", Round: 1, Key: batchKey(5, 1)})
	e.advance(3)
	r, _ = e.current("digits")
	require.Equal(t, types.ROUND_PHASE_KEY, r.Phase, "one key is missing")
	e.must(&types.MsgRevealBatchKey{Sender: account(4), Group: "digits", Round: 1, Key: batchKey(4, 1)})
	e.next()
	r, _ = e.current("digits")
	require.Greater(t, r.Phase, types.ROUND_PHASE_REVEAL)
	require.NotEqual(t, types.ROUND_PHASE_KEY, r.Phase, "nobody is left to wait for")
	r = e.until("digits", types.ROUND_PHASE_SETTLED)
	require.Equal(t, account(2), r.Winner, "the better claim ranks worse on the sealed rows")
	require.Equal(t, uint64(70), r.Checkpoint.LossE9)
	for _, m := range manifests {
		require.Equal(t, r.Batches, m.Batches)
		require.Equal(t, []string{account(4), account(5)}, []string{m.Batches[0].Provider, m.Batches[1].Provider}, "in the order of the settings")
		require.Equal(t, batchKey(4, 1), m.Batches[0].Key)
	}
	shape, err := e.group("digits").Settings.Shape()
	require.NoError(t, err)
	require.Equal(t, shape.ScoreCost(100+90, 2_000+1_400), r.Cost, "the sealed rows are scored too")
	e.advance(12)
	require.Contains(t, e.group("digits").Note, "provider "+account(5)+" has no sealed batch")
}

func TestASealedKeyThatIsWithheldIsPaidByItsProvider(t *testing.T) {
	e := sealing(t, prove)
	e.provide(4, 1)
	e.provide(5, 1)
	e.toKeys(trained(1, 10), trained(2, 20), trained(3, initialLoss+5))
	e.must(&types.MsgRevealBatchKey{Sender: account(5), Group: "digits", Round: 1, Key: batchKey(5, 1)})
	var batches int
	judge := e.att.judge
	e.att.judge = func(ref types.SubmissionRef, m types.ScoreManifest) (verdict, types.ScoreAnswer) {
		batches += len(m.Batches)
		return judge(ref, m)
	}
	r := e.until("digits", types.ROUND_PHASE_SETTLED)
	require.Greater(t, r.SettledHeight, r.KeyUntil)
	require.True(t, r.KeysWithheld)
	require.Zero(t, batches, "one batch less would be another evaluation")
	require.Empty(t, r.Winner)
	require.True(t, r.Reward.IsZero() && r.VerifierReward.IsZero())
	require.Equal(t, "a sealed batch was withheld or is not what its provider committed to: the round mints nothing", r.Note)
	for n := 1; n <= 2; n++ { // K is 2
		require.Equal(t, int64(funds+2_500_000), e.balance(account(n)), "half of the provider's bond")
	}
	require.Equal(t, int64(funds-5_000_000), e.balance(account(4)))
	o := e.told.settled[0]
	require.Len(t, o.Losses, 1)
	require.Equal(t, types.LossSealedKey, o.Losses[0].Cause)
	require.Equal(t, account(4), o.Losses[0].Address)
}

func TestASealedBatchThatOpensSomethingElseIsPaidByItsProvider(t *testing.T) {
	e := sealing(t, nil)
	e.provide(4, 1)
	e.provide(5, 1)
	e.toKeys(trained(1, 10))
	for _, n := range []int{4, 5} {
		e.must(&types.MsgRevealBatchKey{Sender: account(n), Group: "digits", Round: 1, Key: batchKey(n, 1)})
	}
	e.att.judge = func(ref types.SubmissionRef, m types.ScoreManifest) (verdict, types.ScoreAnswer) {
		return decided, types.ScoreAnswer{Status: types.ScoreBadBatch, ClaimLossE9: lossOf(m), MetricE9: 1}
	}
	r := e.until("digits", types.ROUND_PHASE_SETTLED)
	require.True(t, r.KeysWithheld)
	require.Equal(t, types.SEALED_BATCH_STATUS_FAILED, r.Batches[1].Status)
	require.Equal(t, types.SEALED_BATCH_STATUS_REVEALED, r.Batches[0].Status)
	require.Empty(t, r.Winner)
	require.Equal(t, types.SUBMISSION_STATUS_VALID, e.submission("digits", 1, 1).Status, "its claim was exact")
	require.Equal(t, int64(funds+5_000_000), e.balance(account(1)))
	require.Equal(t, int64(funds-5_000_000), e.balance(account(5)))
	require.Equal(t, int64(funds-5_000_000), e.balance(account(4)), "its bond is still there")
}

// Batches that a round did not open with are not used up.
func TestABatchThatCostsTooMuchKeepsTheRoundClosed(t *testing.T) {
	e := sealing(t, nil)
	shape, err := e.group("digits").Settings.Shape()
	require.NoError(t, err)
	e.provide(4, 1)
	e.provide(5, 1)
	e.att.maxCost = shape.ScoreCost(189, 3_400) // the budget became smaller since
	e.advance(12)
	require.Zero(t, e.group("digits").Round)
	require.Contains(t, e.group("digits").Note, "can't open a round: scoring one checkpoint")
	e.att.maxCost *= 2
	r := e.until("digits", types.ROUND_PHASE_COMMIT)
	require.Len(t, r.Batches, 2)
}
