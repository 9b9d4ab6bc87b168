package keeper_test

import (
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	"github.com/pold-network/pold/x/reputation/types"
	slashingtypes "github.com/pold-network/pold/x/slashing/types"
)

// Somebody opens groups that cost little, trains and verifies in them, and wants a name for it.
func TestFarmingInSmallGroupsEarnsNothing(t *testing.T) {
	c := newChain(t)
	op, trainer := operator(1), account(1)
	farm := func() {
		for _, stake := range []int64{0, 1, minStake - 1} {
			c.settle(stake, op)
			require.NoError(t, c.AfterSpotSettled(c.ctx, spot(stake, op, false)))
			c.stakes.artefact = math.NewInt(stake)
			require.NoError(t, c.AfterArtefactJudged(c.ctx, judged(attestationtypes.ARTEFACT_STATUS_HELD), []string{op}, []string{operator(2)}))
		}
		o := round(poltypes.PROOF_MODE_SCORED, submission(trainer, poltypes.SUBMISSION_STATUS_WINNER, 1))
		o.Counts = false
		require.NoError(t, c.AfterRoundSettled(c.ctx, o))
	}
	for range 100 {
		farm()
		c.pass(60)
	}
	require.Equal(t, map[byte]int{0: 1}, c.prefixes(), "nothing but the parameters, and nobody else is hurt either")
	require.Empty(t, c.events(&types.EventReputation{}))

	// Where every group counts, work for no group, or for a sandbox, still does not.
	c.stakes.least = math.ZeroInt()
	c.settle(0, op)
	require.Equal(t, newcomer, c.thousandths(op))
	c.settle(1, op)
	require.NotEqual(t, newcomer, c.thousandths(op))
}

// Years of honest work, then one lie that matters: what it gave is bounded, what it cost is not small.
func TestFarmingForLongThenOneBigLie(t *testing.T) {
	c := newChain(t)
	farmer, other, worst := operator(1), operator(2), operator(3)
	for range 5_000 {
		c.settle(minStake, farmer)
		require.NoError(t, c.AfterSpotSettled(c.ctx, spot(minStake, farmer, false)))
		require.NoError(t, c.AfterArtefactJudged(c.ctx, judged(attestationtypes.ARTEFACT_STATUS_HELD), []string{farmer}, nil))
		c.pass(3_600)
	}
	for range 100 {
		require.NoError(t, c.AfterFault(c.ctx, slashingtypes.Evidence{Address: worst, Kind: slashingtypes.FAULT_KIND_WRONG_ANSWER}))
		require.NoError(t, c.AfterArtefactJudged(c.ctx, judged(attestationtypes.ARTEFACT_STATUS_HELD), nil, []string{worst}))
	}
	best := c.factor(farmer)
	require.Greater(t, best, uint64(990_000), "as much as can be had")
	require.Less(t, best, uint64(types.Million))
	require.Equal(t, uint64(900_000), c.factor(other))
	require.Less(t, best*100, c.factor(worst)*125, "less than a quarter more weight than the worst reputation")
	require.Less(t, best*1_000, c.factor(other)*1_112, "a ninth more than a newcomer")

	before := c.now(farmer)
	require.NoError(t, c.AfterFault(c.ctx, slashingtypes.Evidence{Id: 1, Address: farmer, Kind: slashingtypes.FAULT_KIND_WRONG_ANSWER}))
	require.Less(t, c.now(farmer).ModelE9, types.DefaultParams().InitialE9, "one lie and it is worse than a newcomer, in model")
	require.Less(t, c.now(farmer).ConductE9, types.DefaultParams().InitialE9, "and in conduct")
	require.Less(t, c.factor(farmer), best-60_000)
	good := 0
	for ; c.now(farmer).ModelE9 < before.ModelE9-billion/100 && good < 1_000; good++ {
		c.settle(minStake, farmer)
	}
	require.GreaterOrEqual(t, good, 200, "right answers until nearly what it was")
}

// A bad name can be left behind with a new address. What that is worth at most:
func TestAFreshIdentityIsANewcomer(t *testing.T) {
	c := newChain(t)
	o := round(poltypes.PROOF_MODE_PROVED)
	o.Losses = []poltypes.Loss{{Address: account(1), Cause: poltypes.LossUnproved}}
	for range 10 {
		require.NoError(t, c.AfterRoundSettled(c.ctx, o))
		require.NoError(t, c.AfterFault(c.ctx, slashingtypes.Evidence{Address: operator(1), Kind: slashingtypes.FAULT_KIND_WRONG_ANSWER}))
	}
	require.Equal(t, uint32(3), c.extra(account(1)))
	require.Equal(t, uint32(2), c.extra(account(2)), "a trainer: one segment fewer to prove, for which it gives up nothing but its name")
	require.GreaterOrEqual(t, c.factor(operator(1)), uint64(833_333))
	require.Equal(t, uint64(900_000), c.factor(operator(2)), "a validator: 8 % of weight, for which it has to move its stake")

	for n := byte(10); n < 60; n++ { // sybils have what newcomers have and no more
		require.Equal(t, uint64(900_000), c.factor(operator(n)))
		require.Equal(t, uint32(2), c.extra(account(n)))
	}
	require.Equal(t, map[byte]int{0: 1, 1: 2, 2: 2}, c.prefixes(), "asking about addresses stores nothing")
}

// Whatever is reported in whatever order, by neighbours that need not be right, values stay on the scale and the state
// stays one that genesis accepts.
func TestInvariantsUnderAnyHistory(t *testing.T) {
	for seed := range int64(10) {
		r := rand.New(rand.NewSource(seed))
		c := newChain(t)
		addresses := []string{operator(1), operator(2), account(1), account(2)}
		pick := func() string { return addresses[r.Intn(len(addresses))] }
		for range 150 {
			stake := int64(r.Intn(2 * minStake))
			c.stakes.artefact = math.NewInt(int64(r.Intn(2 * minStake)))
			switch r.Intn(7) {
			case 0:
				c.settle(stake, pick(), pick())
			case 1:
				require.NoError(t, c.AfterSpotSettled(c.ctx, spot(stake, pick(), r.Intn(2) == 0)))
			case 2:
				a := judged(attestationtypes.ArtefactStatus(r.Intn(4)))
				require.NoError(t, c.AfterArtefactJudged(c.ctx, a, []string{pick()}, []string{pick()}))
			case 3:
				require.NoError(t, c.AfterConduct(c.ctx, attestationtypes.Conduct{Operator: pick(), Kind: attestationtypes.ConductFalseOpening}))
			case 4:
				o := round(poltypes.ProofMode(r.Intn(3)), submission(pick(), poltypes.SubmissionStatus(r.Intn(14)), r.Uint64()>>r.Intn(64)))
				o.Round.ParentVerdict.RankLossE9 = r.Uint64() >> r.Intn(64)
				o.Counts, o.Losses = r.Intn(2) == 0, []poltypes.Loss{{Address: pick(), Cause: poltypes.LossCause(r.Intn(8))}}
				require.NoError(t, c.AfterRoundSettled(c.ctx, o))
			case 5:
				require.NoError(t, c.AfterFault(c.ctx, slashingtypes.Evidence{Id: 1, Address: pick(), Kind: slashingtypes.FaultKind(r.Intn(14))}))
			case 6:
				c.pass(int64(r.Intn(20 * day)))
				require.NoError(t, c.EndBlock(c.ctx))
			}
			g, err := c.ExportGenesis(c.ctx)
			require.NoError(t, err)
			require.NoError(t, g.Validate())
			for _, a := range addresses {
				require.GreaterOrEqual(t, c.factor(a), uint64(800_000))
				require.LessOrEqual(t, c.factor(a), uint64(types.Million))
				require.LessOrEqual(t, c.extra(a), uint32(3))
			}
		}
	}
}
