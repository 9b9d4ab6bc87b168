package keeper_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/pol/types"
)

const providerBond = 5_000_000

func keyOf(round uint64, provider int) []byte {
	k := sha256.Sum256(fmt.Appendf(nil, "key of %d for %d", provider, round))
	return k[:]
}

func batchOf(round uint64, provider int) types.SealedBatchInfo {
	file := sha256.Sum256(fmt.Appendf(nil, "file of %d for %d", provider, round))
	hash := sha256.Sum256(keyOf(round, provider))
	return types.SealedBatchInfo{Round: round, Cid: cidOf(file[:]), Sha256: file[:], Size_: 1_000, TableSha256: file[:], Rows: 20, KeyHash: hash[:]}
}

// sealed starts a chain with a group of two providers that have bonds and batches for three rounds.
func sealed(t *testing.T) *env {
	t.Helper()
	e := staked(t, func(s *types.GroupSettings) {
		s.Evaluation, s.Providers = types.EVALUATION_MODE_SEALED, []string{account(4), account(5)}
	})
	require.Contains(t, e.group("digits").Note, "has a bond of 0 unrn", "no round without providers")
	for _, p := range []int{4, 5} {
		e.must(&types.MsgProvideBatches{Sender: account(p), Group: "digits", Bond: math.NewInt(providerBond),
			Batches: []types.SealedBatchInfo{batchOf(1, p), batchOf(2, p), batchOf(3, p)}})
	}
	return e
}

func (e *env) revealKey(round uint64, provider int) error {
	return e.send(&types.MsgRevealBatchKey{Sender: account(provider), Group: "digits", Round: round, Key: keyOf(round, provider)})
}

// toKeyPhase plays a round up to the phase in which keys are revealed.
func (e *env) toKeyPhase(all ...checkpoint) types.Round {
	e.t.Helper()
	e.until("digits", types.ROUND_PHASE_COMMIT)
	e.commit("digits", all...)
	e.until("digits", types.ROUND_PHASE_REVEAL)
	e.reveal("digits", all...)
	return e.until("digits", types.ROUND_PHASE_KEY)
}

func TestASealedRoundIsScoredOnTheRowsOfAllProviders(t *testing.T) {
	e := sealed(t)
	var seen []types.SealedBatch
	e.att.judge = func(ref types.SubmissionRef, m types.ScoreManifest) (verdict, types.ScoreAnswer) {
		seen = m.Batches
		rank := lossOf(m)
		if ref.Trainer == account(1) {
			rank -= 500 // better on the sealed rows
		}
		return decided, types.ScoreAnswer{ClaimLossE9: lossOf(m), RankLossE9: rank}
	}
	e.toKeyPhase(trained(1, 1_000), trained(2, 900))
	require.NoError(t, e.revealKey(1, 5))
	require.NoError(t, e.revealKey(1, 4))
	r := e.until("digits", types.ROUND_PHASE_SETTLED)
	require.Equal(t, account(1), r.Winner, "the sealed rows decide")
	require.Len(t, seen, 2)
	require.Equal(t, keyOf(1, 4), seen[0].Key, "in the order of the group's settings")
	require.Equal(t, types.SEALED_BATCH_STATUS_REVEALED, r.Batches[1].Status)
	require.True(t, r.Reward.IsPositive())

	e.until("digits", types.ROUND_PHASE_COMMIT)
	require.Equal(t, batchOf(2, 4).Sha256, e.round("digits", 2).Batches[0].Sha256, "the next round uses the next batch")
}

func TestKeysAreRefusedBeforeAndAfterTheirPhaseAndWhenFalse(t *testing.T) {
	e := sealed(t)
	e.until("digits", types.ROUND_PHASE_COMMIT)
	e.commit("digits", trained(1, 1_000))
	require.ErrorContains(t, e.revealKey(1, 4), "shows the rows to trainers")
	e.until("digits", types.ROUND_PHASE_REVEAL)
	require.ErrorIs(t, e.revealKey(1, 4), types.ErrWrongPhase, "nobody has handed in anything yet")
	e.reveal("digits", trained(1, 1_000))
	r := e.until("digits", types.ROUND_PHASE_KEY)
	forged := &types.MsgRevealBatchKey{Sender: account(4), Group: "digits", Round: 1, Key: keyOf(2, 4)}
	require.ErrorIs(t, e.send(forged), types.ErrMismatch)
	require.ErrorIs(t, e.send(&types.MsgRevealBatchKey{Sender: account(1), Group: "digits", Round: 1, Key: keyOf(1, 4)}), types.ErrInvalidBatch)
	e.advance(int(r.KeyUntil-e.ctx.BlockHeight()) + 1)
	require.ErrorIs(t, e.revealKey(1, 4), types.ErrWrongPhase)
}

func TestAWithheldKeyCostsItsProviderTheBondAndPaysTheCandidates(t *testing.T) {
	e := sealed(t)
	before := []int64{e.balance(account(1)), e.balance(account(2)), e.balance(account(3))}
	liar := trained(3, 800)
	liar.claim--
	e.toKeyPhase(trained(1, 1_000), trained(2, 900), liar)
	require.NoError(t, e.revealKey(1, 4))
	supply := e.supply()
	r := e.until("digits", types.ROUND_PHASE_SETTLED)
	require.True(t, r.KeysWithheld)
	require.Empty(t, r.Winner)
	require.True(t, r.Reward.IsZero())
	require.Equal(t, before[0]+providerBond/2, e.balance(account(1)), "its bond back and half of the provider's")
	require.Equal(t, before[1]+providerBond/2, e.balance(account(2)))
	require.Equal(t, before[2]-commitBond, e.balance(account(3)), "a false claim shares nothing")
	require.Equal(t, supply.SubRaw(commitBond), e.supply(), "nothing is minted")
	require.Contains(t, e.told.settled[len(e.told.settled)-1].Losses,
		types.Loss{Address: account(5), Amount: math.NewInt(providerBond), Cause: types.LossSealedKey,
			Note: "sealed batch of round 1 of digits: its key was withheld or opens something else"})
	e.advance(10)
	require.Equal(t, uint64(1), e.group("digits").Round, "no round without that provider's bond")
	require.Contains(t, e.group("digits").Note, "has a bond of 0 unrn")
}

func TestABatchThatIsNotWhatWasCommittedToIsFoundByValidators(t *testing.T) {
	e := sealed(t)
	e.att.judge = func(_ types.SubmissionRef, m types.ScoreManifest) (verdict, types.ScoreAnswer) {
		return decided, types.ScoreAnswer{Status: types.ScoreBadBatch, ClaimLossE9: lossOf(m), MetricE9: 1}
	}
	before := e.balance(account(1))
	e.toKeyPhase(trained(1, 1_000))
	require.NoError(t, e.revealKey(1, 4))
	require.NoError(t, e.revealKey(1, 5))
	r := e.until("digits", types.ROUND_PHASE_SETTLED)
	require.Equal(t, types.SEALED_BATCH_STATUS_FAILED, r.Batches[1].Status)
	require.Equal(t, types.SEALED_BATCH_STATUS_REVEALED, r.Batches[0].Status)
	require.Empty(t, r.Winner)
	require.Equal(t, before+providerBond, e.balance(account(1)))
}

func TestWithNoCandidateAWithheldKeyBurnsTheBond(t *testing.T) {
	e := sealed(t)
	liar := trained(1, 800)
	liar.claim--
	e.toKeyPhase(liar)
	supply := e.supply()
	e.until("digits", types.ROUND_PHASE_SETTLED)
	require.Equal(t, supply.SubRaw(2*providerBond+commitBond), e.supply())
}

func TestBatchesThatCannotBeUsedAreRefused(t *testing.T) {
	e := sealed(t)
	e.until("digits", types.ROUND_PHASE_COMMIT)
	change := func(f func(*types.SealedBatchInfo)) types.SealedBatchInfo {
		b := batchOf(7, 4)
		f(&b)
		return b
	}
	for name, c := range map[string]struct {
		sender int
		batch  types.SealedBatchInfo
		want   error
	}{
		"a stranger's":              {3, batchOf(7, 3), types.ErrInvalidBatch},
		"of the round that is open": {4, batchOf(1, 4), types.ErrInvalidBatch},
		"too far ahead":             {4, batchOf(66, 4), types.ErrInvalidBatch},
		"a second one":              {4, batchOf(2, 4), types.ErrInvalidBatch},
		"a short hash":              {4, change(func(b *types.SealedBatchInfo) { b.KeyHash = []byte{1} }), types.ErrInvalidBatch},
		"no rows":                   {4, change(func(b *types.SealedBatchInfo) { b.Rows = 0 }), types.ErrInvalidBatch},
		"shorter than a tag":        {4, change(func(b *types.SealedBatchInfo) { b.Size_ = 16 }), types.ErrInvalidBatch},
		"too large":                 {4, change(func(b *types.SealedBatchInfo) { b.Size_ = types.MaxSealedSize + 1 }), types.ErrInvalidBatch},
		"not a content identifier":  {4, change(func(b *types.SealedBatchInfo) { b.Cid = "x" }), types.ErrInvalidBatch},
	} {
		err := e.send(&types.MsgProvideBatches{Sender: account(c.sender), Group: "digits", Bond: math.ZeroInt(), Batches: []types.SealedBatchInfo{c.batch}})
		require.ErrorIs(t, err, c.want, name)
	}
	e.att.maxCost = 4_100
	err := e.send(&types.MsgProvideBatches{Sender: account(4), Group: "digits", Bond: math.ZeroInt(), Batches: []types.SealedBatchInfo{batchOf(7, 4)}})
	require.ErrorIs(t, err, types.ErrTooCostly)
}

func TestABatchThatNobodyHoldsCanBeReplacedAndHoldsUpOnlyItsGroup(t *testing.T) {
	e := sealed(t)
	e.att.holdsBatch = func(ref string) (verdict, bool) { return decided, !bytes.Contains([]byte(ref), []byte("/2/")) }
	e.next()
	e.until("digits", types.ROUND_PHASE_COMMIT)
	e.play("digits")
	e.advance(10)
	require.Contains(t, e.group("digits").Note, "has no sealed batch that validators hold for round 2")
	e.att.holdsBatch = func(string) (verdict, bool) { return decided, true }
	for _, p := range []int{4, 5} {
		e.must(&types.MsgProvideBatches{Sender: account(p), Group: "digits", Bond: math.ZeroInt(), Batches: []types.SealedBatchInfo{batchOf(2, p)}})
	}
	e.advance(10)
	require.Equal(t, uint64(2), e.group("digits").Round)
}

func TestAProviderGetsItsBondBackWhenNothingDependsOnIt(t *testing.T) {
	e := sealed(t)
	withdraw := &types.MsgWithdrawProviderBond{Sender: account(4), Group: "digits"}
	require.ErrorIs(t, e.send(withdraw), types.ErrWrongPhase, "its batches wait")
	before := e.balance(account(4))
	for round := uint64(1); round <= 3; round++ {
		e.toKeyPhase(trained(1, 1_000-round))
		require.ErrorIs(t, e.send(withdraw), types.ErrWrongPhase)
		require.NoError(t, e.revealKey(round, 4))
		require.NoError(t, e.revealKey(round, 5))
		e.until("digits", types.ROUND_PHASE_SETTLED)
	}
	e.must(withdraw)
	require.Equal(t, before+providerBond, e.balance(account(4)))
	require.ErrorIs(t, e.send(withdraw), types.ErrInsufficientBond)
}

func TestEverythingSealedSurvivesAnExport(t *testing.T) {
	e := sealed(t)
	e.toKeyPhase(trained(1, 1_000))
	require.NoError(t, e.revealKey(1, 4))
	exported, err := e.k.ExportGenesis(e.ctx)
	require.NoError(t, err)
	require.NoError(t, exported.Validate())
	require.Len(t, exported.Batches, 4)
	require.Len(t, exported.ProviderBonds, 2)
	answer, err := e.q.Batches(e.ctx, &types.QueryBatchesRequest{Group: "digits"})
	require.NoError(t, err)
	require.Len(t, answer.Batches, 4)
	require.Len(t, answer.Bonds, 2)
}
