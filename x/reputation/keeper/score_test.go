package keeper_test

import (
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cosmos/cosmos-sdk/types/query"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/reputation/keeper"
	"github.com/pold-network/pold/x/reputation/types"
	slashingtypes "github.com/pold-network/pold/x/slashing/types"
)

func TestAReputationFadesTowardsTheInitialOne(t *testing.T) {
	c := newChain(t)
	op := operator(1)
	require.NoError(t, c.AfterFault(c.ctx, slashingtypes.Evidence{Address: op, Kind: slashingtypes.FAULT_KIND_WRONG_ANSWER}))
	require.Equal(t, [3]uint64{500, 250, 250}, c.thousandths(op))
	require.Equal(t, uint64(866_666), c.factor(op))
	c.pass(halfLife)
	require.Equal(t, [3]uint64{500, 375, 375}, c.thousandths(op))
	require.Equal(t, uint64(883_333), c.factor(op))
	c.pass(9 * halfLife)
	require.Equal(t, newcomer, c.thousandths(op))
	require.Equal(t, uint64(900_000), c.factor(op))
}

// Queries compute and never write: in whatever order and however often they come, all nodes agree on what follows.
func TestQueriesWriteNothing(t *testing.T) {
	asked, silent := newChain(t), newChain(t)
	r := rand.New(rand.NewSource(1))
	for range 50 {
		gap := int64(r.Intn(10 * day))
		for _, c := range []*chain{asked, silent} {
			c.settle(minStake, operator(1), operator(2))
			c.pass(gap)
		}
		for range r.Intn(5) {
			at := asked.ctx
			asked.pass(int64(r.Intn(100 * day))) // a query may be about any height
			before := asked.prefixes()
			_, err := asked.server.Explain(asked.ctx, &types.QueryExplainRequest{Address: operator(byte(r.Intn(4)))})
			require.NoError(t, err)
			_, err = asked.server.Scores(asked.ctx, &types.QueryScoresRequest{})
			require.NoError(t, err)
			asked.factor(operator(1))
			asked.extra(account(3))
			require.Equal(t, before, asked.prefixes())
			asked.ctx = at
		}
	}
	a, err := asked.ExportGenesis(asked.ctx)
	require.NoError(t, err)
	b, err := silent.ExportGenesis(silent.ctx)
	require.NoError(t, err)
	require.Equal(t, b, a)
}

func TestForgettingChangesNoAnswer(t *testing.T) {
	tidy, full := newChain(t), newChain(t)
	r := rand.New(rand.NewSource(2))
	for n := range 200 {
		gap := int64(r.Intn(4 * day))
		for _, c := range []*chain{tidy, full} {
			c.settle(minStake, operator(byte(n)))
			c.pass(gap)
		}
		require.NoError(t, tidy.EndBlock(tidy.ctx))
		for m := range n {
			require.Equal(t, full.factor(operator(byte(m))), tidy.factor(operator(byte(m))))
			require.Equal(t, full.extra(operator(byte(m))), tidy.extra(operator(byte(m))))
		}
	}
	require.Equal(t, 200, full.prefixes()[1])
	require.Less(t, tidy.prefixes()[1], 170)
	for range 2 {
		tidy.pass(10*halfLife + day)
		for range 4 {
			require.NoError(t, tidy.EndBlock(tidy.ctx))
		}
	}
	require.Equal(t, map[byte]int{0: 1}, tidy.prefixes(), "who is gone is forgotten")
}

func TestABlockForgetsABoundedNumber(t *testing.T) {
	c := newChain(t)
	for n := range 100 {
		c.settle(minStake, operator(byte(n)))
	}
	c.pass(10*halfLife + day)
	require.NoError(t, c.EndBlock(c.ctx))
	require.Equal(t, map[byte]int{0: 1, 1: 36, 2: 36}, c.prefixes())
	require.NoError(t, c.EndBlock(c.ctx))
	require.Equal(t, map[byte]int{0: 1}, c.prefixes())
}

func TestWhoIsHeardOfAgainIsNotForgotten(t *testing.T) {
	c := newChain(t)
	c.settle(minStake, operator(1), operator(2))
	c.pass(9 * halfLife)
	c.settle(minStake, operator(1))
	c.pass(halfLife + day)
	require.NoError(t, c.EndBlock(c.ctx))
	require.Equal(t, map[byte]int{0: 1, 1: 1, 2: 1}, c.prefixes())
	require.Equal(t, uint64(2), c.now(operator(1)).Count)
}

func TestOnlyGovernanceChangesParameters(t *testing.T) {
	c := newChain(t)
	server := keeper.NewMsgServer(c.Keeper)
	p := types.DefaultParams()
	p.InitialE9 = 400_000_000
	_, err := server.UpdateParams(c.ctx, &types.MsgUpdateParams{Authority: account(1), Params: p})
	require.Error(t, err)
	bad := p
	bad.MinFactorE6 = 700_000
	_, err = server.UpdateParams(c.ctx, &types.MsgUpdateParams{Authority: authority, Params: bad})
	require.ErrorIs(t, err, types.ErrInvalidParams)
	require.Equal(t, uint64(900_000), c.factor(operator(1)))
	_, err = server.UpdateParams(c.ctx, &types.MsgUpdateParams{Authority: authority, Params: p})
	require.NoError(t, err)
	require.Equal(t, uint64(880_000), c.factor(operator(1)), "newcomers start elsewhere at once")
	got, err := c.server.Params(c.ctx, &types.QueryParamsRequest{})
	require.NoError(t, err)
	require.Equal(t, p, got.Params)
}

func TestQueries(t *testing.T) {
	c := newChain(t)
	op, who := operator(1), account(1)
	c.settle(minStake, op)
	require.NoError(t, c.AfterArtefactJudged(c.ctx, judged(attestationtypes.ARTEFACT_STATUS_HELD), []string{operator(2)}, []string{op}))
	c.pass(halfLife)

	score, err := c.server.Score(c.ctx, &types.QueryScoreRequest{Address: op})
	require.NoError(t, err)
	require.Equal(t, uint64(502_500_000), score.Score.ModelE9, "half of the way back")
	require.Equal(t, uint64(495_000_000), score.Score.StorageE9)
	require.Equal(t, c.ctx.BlockTime().Unix(), score.Score.UpdatedUnix)
	require.Equal(t, uint64(899_833), score.FactorE6)
	require.Equal(t, uint32(1), score.ExtraSegments)

	unknown, err := c.server.Score(c.ctx, &types.QueryScoreRequest{Address: who})
	require.NoError(t, err)
	require.Equal(t, types.QueryScoreResponse{
		Score:    types.Score{Address: who, StorageE9: 5e8, ModelE9: 5e8, ConductE9: 5e8, UpdatedUnix: c.ctx.BlockTime().Unix()},
		FactorE6: 900_000, ExtraSegments: 2,
	}, *unknown)

	all, err := c.server.Scores(c.ctx, &types.QueryScoresRequest{Pagination: &query.PageRequest{Limit: 1, CountTotal: true}})
	require.NoError(t, err)
	require.Len(t, all.Scores, 1)
	require.Equal(t, uint64(2), all.Pagination.Total)
	require.Empty(t, all.Scores[0].Events)
	require.Equal(t, c.ctx.BlockTime().Unix(), all.Scores[0].UpdatedUnix)

	explained, err := c.server.Explain(c.ctx, &types.QueryExplainRequest{Address: op})
	require.NoError(t, err)
	require.Equal(t, score.Score, explained.Score)
	require.Len(t, explained.Score.Events, 2)
	require.Equal(t, []string{
		"storage 0.495: an outcome of weight 1 moves it by 2.00 %; without outcomes half of its distance to 0.500 is gone after 30 days",
		"  2023-11-14 22:13:20, height 100: down to 0.490: did not hold a file that more than two thirds held, weight 1.000 (artefact/5)",
		"model 0.502: an outcome of weight 1 moves it by 5.00 %; without outcomes half of its distance to 0.500 is gone after 30 days",
		"  2023-11-14 22:13:20, height 100: up to 0.505: its witness was for the settled answer, weight 0.200 (task/12)",
		"conduct 0.500: an outcome of weight 1 moves it by 5.00 %; without outcomes half of its distance to 0.500 is gone after 30 days",
		"  no events are kept",
		"vote factor 0.899 = 0.800 + 0.200 x 0.499, the mean of the three parts",
	}, explained.Lines)

	explained, err = c.server.Explain(c.ctx, &types.QueryExplainRequest{Address: who})
	require.NoError(t, err)
	require.Equal(t, []string{
		"proves 2 segments more than the base count: 3 x (1 - 0.500, the mean of model and conduct), rounded to the nearest",
		"the validator of the same key has a reputation of its own: pold q reputation explain " + op,
	}, explained.Lines[6:])

	for _, wrong := range []string{"", "alice", "cosmos1qqqqqq", op[:len(op)-1]} {
		_, err = c.server.Score(c.ctx, &types.QueryScoreRequest{Address: wrong})
		require.ErrorContains(t, err, "expected an account or a validator operator")
		_, err = c.server.Explain(c.ctx, &types.QueryExplainRequest{Address: wrong})
		require.ErrorContains(t, err, "expected an account or a validator operator")
	}
}

func TestGenesisRoundTrip(t *testing.T) {
	c := newChain(t)
	for n := range byte(5) {
		c.settle(minStake, operator(n))
		require.NoError(t, c.AfterFault(c.ctx, slashingtypes.Evidence{Id: 1, Address: operator(n), Kind: slashingtypes.FAULT_KIND_MISSED_TASKS}))
		c.pass(day)
	}
	exported, err := c.ExportGenesis(c.ctx)
	require.NoError(t, err)
	require.Len(t, exported.Scores, 5)
	require.NoError(t, exported.Validate())
	fresh := emptyChain(t)
	require.NoError(t, fresh.InitGenesis(fresh.ctx, *exported))
	again, err := fresh.ExportGenesis(fresh.ctx)
	require.NoError(t, err)
	require.Equal(t, exported, again)
	require.Equal(t, c.prefixes(), fresh.prefixes(), "the index is rebuilt")
}

func TestGenesisRefusesAddressesThatAreNone(t *testing.T) {
	for _, wrong := range []string{"alice", "cosmos1qqqqqq", "POL1" + account(1)[4:]} {
		c := emptyChain(t)
		g := types.DefaultGenesis()
		g.Scores = []types.Score{g.Params.NewScore(wrong, 0)}
		require.ErrorIs(t, c.InitGenesis(c.ctx, *g), types.ErrInvalidAddress, wrong)
	}
}

func TestExportOfAnEmptyStateIsItsGenesis(t *testing.T) {
	c := newChain(t)
	g, err := c.ExportGenesis(c.ctx)
	require.NoError(t, err)
	require.Equal(t, types.DefaultGenesis(), g)
}
