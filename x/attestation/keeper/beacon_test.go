package keeper_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/x/attestation/keeper"
	"github.com/pold-network/pold/x/attestation/types"
)

// drawer is an owner that takes draws and challenges.
type drawer struct {
	owner
	seeds      map[uint64][]byte
	challenges []types.Challenge
}

func (d *drawer) DrawDone(ctx context.Context, draw types.Draw, seed []byte) error {
	d.seeds[draw.Id] = seed
	return d.outcome(ctx)
}

func (d *drawer) Challenged(ctx context.Context, _ types.Task, c types.Challenge) error {
	d.challenges = append(d.challenges, c)
	return d.outcome(ctx)
}

// listener remembers what hooks were told.
type listener struct {
	tasks   []types.Outcome
	spots   []types.SpotOutcome
	conduct []types.Conduct
	held    [][]string
}

func (l *listener) AfterTaskSettled(_ context.Context, o types.Outcome) error {
	l.tasks = append(l.tasks, o)
	return nil
}

func (l *listener) AfterSpotSettled(_ context.Context, o types.SpotOutcome) error {
	l.spots = append(l.spots, o)
	return nil
}

func (l *listener) AfterArtefactJudged(_ context.Context, _ types.Artefact, held, missing []string) error {
	l.held = append(l.held, held, missing)
	return nil
}

func (l *listener) AfterConduct(_ context.Context, c types.Conduct) error {
	l.conduct = append(l.conduct, c)
	return nil
}

// drawChain is a chain with a kind that draws and carries personal values.
func drawChain(t testing.TB, change func(*types.Params), powers ...int64) (*chain, *drawer, *listener) {
	t.Helper()
	c := emptyChain(t, powers...)
	d, l := &drawer{owner: owner{store: c.store}, seeds: map[uint64][]byte{}}, &listener{}
	c.RegisterKind(types.Kind{Name: "audit", MaxAnswer: 64, Personal: true}, d)
	c.SetHooks(l)
	p := testParams()
	p.Budgets = []types.KindBudget{{Kind: "audit", Cost: 1000}, {Kind: "score", Cost: 1000}, {Kind: types.SpotTaskKind, Cost: 1000}}
	if change != nil {
		change(&p)
	}
	require.NoError(t, c.InitGenesis(c.ctx, types.GenesisState{Params: p, Beacon: types.FirstBeacon()}))
	return c, d, l
}

func secretOf(i int, number uint64) []byte {
	s := sha256.Sum256(fmt.Appendf(nil, "%d/%d", i, number))
	return s[:]
}

func (c *chain) beaconNow() types.Beacon {
	c.t.Helper()
	r, err := keeper.NewQueryServer(c.Keeper).Beacon(c.ctx, &types.QueryBeaconRequest{})
	require.NoError(c.t, err)
	return r.Beacon
}

func (c *chain) commitSecret(i int) keeper.SignedExtension {
	n := c.beaconNow().Number
	return sign(i, types.VoteExtension{BeaconCommit: &types.BeaconCommit{Number: n, Commit: types.BeaconCommitOf(chainID, n, operator(i), secretOf(i, n))}})
}

func (c *chain) revealSecret(i int) keeper.SignedExtension {
	n := c.beaconNow().Number
	return sign(i, types.VoteExtension{BeaconReveal: &types.BeaconReveal{Number: n, Secret: secretOf(i, n)}})
}

func (c *chain) draw() uint64 {
	c.t.Helper()
	id, err := c.RequestDraw(c.ctx, "audit", []byte("what for"))
	require.NoError(c.t, err)
	return id
}

// toReveal commits for the operators and opens the reveal window.
func (c *chain) toReveal(operators ...int) {
	c.t.Helper()
	var all []keeper.SignedExtension
	for _, i := range operators {
		all = append(all, c.commitSecret(i))
	}
	c.block(all...)
	require.Equal(c.t, types.BEACON_PHASE_REVEAL, c.beaconNow().Phase)
	c.block()
}

func TestADrawTakesThreeBlocksWhenEverybodyIsThere(t *testing.T) {
	c, d, l := drawChain(t, nil, 1, 1, 1)
	id := c.draw()
	c.toReveal(0, 1, 2)
	c.block(c.revealSecret(0), c.revealSecret(1), c.revealSecret(2))
	seed := types.BeaconSeed(chainID, 1, []types.OperatorSecret{{Operator: operator(0), Secret: secretOf(0, 1)}, {Operator: operator(1), Secret: secretOf(1, 1)}, {Operator: operator(2), Secret: secretOf(2, 1)}})
	require.Equal(t, types.DrawSeed(chainID, seed, id), d.seeds[id])
	require.Equal(t, seed, c.beaconNow().Seed)
	require.Equal(t, uint64(2), c.beaconNow().Number)
	require.Empty(t, l.conduct)
	pending, err := c.DrawPending(c.ctx, id)
	require.NoError(t, err)
	require.False(t, pending)
}

func TestDrawsThatAreRequestedAfterTheRevealBeganWaitForTheNext(t *testing.T) {
	c, d, _ := drawChain(t, nil, 1, 1, 1)
	first := c.draw()
	c.toReveal(0, 1, 2)
	late := c.draw() // its author may have seen a secret by now
	c.block(c.revealSecret(0), c.revealSecret(1), c.revealSecret(2))
	require.Contains(t, d.seeds, first)
	require.NotContains(t, d.seeds, late)
	c.toReveal(0, 1, 2)
	c.block(c.revealSecret(0), c.revealSecret(1), c.revealSecret(2))
	require.NotEqual(t, d.seeds[first], d.seeds[late])
}

func TestWithholdingASecretCostsConductAndNotTheDraw(t *testing.T) {
	c, d, l := drawChain(t, nil, 1, 1, 1)
	id := c.draw()
	c.toReveal(0, 1, 2)
	c.block(c.revealSecret(0), c.revealSecret(1))
	require.NotContains(t, d.seeds, id, "the window is not over")
	c.blocks(window)
	require.Contains(t, d.seeds, id)
	require.Equal(t, []types.Conduct{{Operator: operator(2), Kind: types.ConductMissingReveal, Ref: "beacon/1"}}, l.conduct)
}

func TestSecretsCountOnlyFromTheirAuthorsInTimeAndAsCommitted(t *testing.T) {
	c, d, _ := drawChain(t, nil, 4, 4, 4, 1)
	stolen := c.commitSecret(0)
	c.block(c.commitSecret(0), sign(3, types.VoteExtension{BeaconCommit: stolen.Extension.BeaconCommit})) // a copied commit
	other := types.BeaconCommitOf(chainID, 1, operator(0), secretOf(9, 9))
	c.block(sign(0, types.VoteExtension{BeaconCommit: &types.BeaconCommit{Number: 1, Commit: other}})) // a second commit
	c.block(c.revealSecret(0))                                                                         // too early
	id := c.draw()
	c.toReveal(1, 2)
	c.block(c.commitSecret(3), // too late
		sign(3, types.VoteExtension{BeaconReveal: &types.BeaconReveal{Number: 1, Secret: secretOf(0, 1)}}), // of the copied commit
		sign(1, types.VoteExtension{BeaconReveal: &types.BeaconReveal{Number: 1, Secret: secretOf(8, 8)}}), // another secret
		sign(2, types.VoteExtension{BeaconReveal: &types.BeaconReveal{Number: 2, Secret: secretOf(2, 1)}})) // another number
	c.block(c.revealSecret(0), c.revealSecret(0))
	c.block(c.revealSecret(1), c.revealSecret(2))
	c.blocks(window)
	want := types.BeaconSeed(chainID, 1, []types.OperatorSecret{{Operator: operator(0), Secret: secretOf(0, 1)}, {Operator: operator(1), Secret: secretOf(1, 1)}, {Operator: operator(2), Secret: secretOf(2, 1)}})
	require.Equal(t, types.DrawSeed(chainID, want, id), d.seeds[id])
}

func TestWithoutEnoughSecretsANumberIsGivenUpAndDrawsWait(t *testing.T) {
	c, d, l := drawChain(t, nil, 1, 1, 1)
	id := c.draw()
	c.toReveal(0, 1, 2)
	c.block(c.revealSecret(0))
	c.blocks(window)
	require.True(t, c.beaconNow().Extended)
	c.blocks(window + 1)
	require.Equal(t, uint64(2), c.beaconNow().Number)
	require.NotContains(t, d.seeds, id)
	require.Len(t, l.conduct, 2)
	c.toReveal(0, 1, 2)
	c.block(c.revealSecret(0), c.revealSecret(1), c.revealSecret(2))
	require.Contains(t, d.seeds, id)
}

func TestNoRevealOpensBeforeTwoThirdsHaveCommitted(t *testing.T) {
	c, _, _ := drawChain(t, nil, 1, 1, 1)
	c.draw()
	c.block(c.commitSecret(0), c.commitSecret(1))
	c.blocks(3 * window)
	require.Equal(t, types.BEACON_PHASE_COMMIT, c.beaconNow().Phase, "two of three are not more than two thirds")
	c.block(c.commitSecret(2))
	require.Equal(t, types.BEACON_PHASE_REVEAL, c.beaconNow().Phase)
}

func TestALiveValidatorGetsAWindowToCommit(t *testing.T) {
	c, _, _ := drawChain(t, nil, 1, 1, 1, 1)
	c.draw()
	c.toReveal(0, 1, 2, 3)
	c.block(c.revealSecret(0), c.revealSecret(1), c.revealSecret(2), c.revealSecret(3))
	c.draw()
	c.block(c.commitSecret(0), c.commitSecret(1), c.commitSecret(2), sign(3, types.VoteExtension{}))
	require.Equal(t, types.BEACON_PHASE_COMMIT, c.beaconNow().Phase, "the fourth is live and may still commit")
	c.ctx = c.ctx.WithBlockHeight(c.ctx.BlockHeight() + window)
	c.block()
	require.Equal(t, types.BEACON_PHASE_REVEAL, c.beaconNow().Phase)
}

func TestTheBeaconSurvivesExportInBothPhases(t *testing.T) {
	c, _, _ := drawChain(t, nil, 1, 1, 1)
	c.draw()
	again := func() {
		exported, err := c.ExportGenesis(c.ctx)
		require.NoError(t, err)
		require.NoError(t, exported.Validate())
		other := emptyChain(t, 1, 1, 1)
		require.NoError(t, other.InitGenesis(other.ctx, *exported))
		back, err := other.ExportGenesis(other.ctx)
		require.NoError(t, err)
		require.Equal(t, exported, back)
	}
	c.block(c.commitSecret(0))
	again()
	c.toReveal(1, 2)
	c.block(c.revealSecret(1))
	again()
}

// bias is the chance that f colluders get a seed they want, which one in want seeds is.
func bias(trials, honest, f, want int) float64 {
	hits := 0
	for trial := range trials {
		var secrets []types.OperatorSecret
		for i := range honest {
			secrets = append(secrets, types.OperatorSecret{Operator: operator(i), Secret: secretOf(i, uint64(trial))})
		}
		hit := false
		for kept := range 1 << f { // they see all others first and reveal what suits them
			all := append([]types.OperatorSecret(nil), secrets...)
			for i := range f {
				if kept>>i&1 == 1 {
					all = append(all, types.OperatorSecret{Operator: operator(honest + i), Secret: secretOf(honest+i, uint64(trial))})
				}
			}
			seed := types.DrawSeed(chainID, types.BeaconSeed(chainID, uint64(trial), all), 1)
			hit = hit || binary.BigEndian.Uint64(seed)%uint64(want) == 0
		}
		if hit {
			hits++
		}
	}
	return float64(hits) / float64(trials)
}

func TestTheBiasOfWithholdingIsThatOfChoosingAmongTwoToTheFSeeds(t *testing.T) {
	const trials, want = 20_000, 16
	for f, expected := range []float64{1. / 16, 1 - 15.*15/(16*16), 1 - 15.*15*15*15/(16*16*16*16)} {
		got := bias(trials, 3, f, want)
		t.Logf("%d colluders: a seed that one in %d is, in %.3f of draws (choosing among %d seeds: %.3f)", f, want, got, 1<<f, expected)
		require.InDelta(t, expected, got, 0.01)
	}
}

func TestAProposerThatDropsSecretsOfOneBlockChangesNothing(t *testing.T) {
	seeds := map[string]bool{}
	for dropped := range 8 { // every choice of secrets that one proposer may leave out
		c, d, _ := drawChain(t, nil, 1, 1, 1)
		id := c.draw()
		c.toReveal(0, 1, 2)
		var kept []keeper.SignedExtension
		for i := range 3 {
			if dropped>>i&1 == 0 {
				kept = append(kept, c.revealSecret(i))
			}
		}
		c.block(kept...)
		if _, done := d.seeds[id]; !done {
			c.block(c.revealSecret(0), c.revealSecret(1), c.revealSecret(2)) // the next proposer carries them
		}
		seeds[string(d.seeds[id])] = true
	}
	require.Len(t, seeds, 1, "secrets are repeated until they are recorded, so dropping them grinds nothing")
}
