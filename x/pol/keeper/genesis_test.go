package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"github.com/pold-network/pold/x/pol/types"
)

// reimport exports the state into a new chain with the same balances and compares what that one exports.
func (e *env) reimport() *env {
	e.t.Helper()
	first, err := e.k.ExportGenesis(e.ctx)
	require.NoError(e.t, err)
	require.NoError(e.t, first.Validate())
	fresh := emptyEnv(e.t)
	fresh.ctx = fresh.ctx.WithBlockHeader(e.ctx.BlockHeader())
	require.NoError(e.t, e.bank.balances.Walk(e.ctx, nil, func(key []byte, amount math.Int) (bool, error) {
		return false, fresh.bank.balances.Set(fresh.ctx, key, amount)
	}))
	raw, err := first.Marshal()
	require.NoError(e.t, err)
	var decoded types.GenesisState
	require.NoError(e.t, decoded.Unmarshal(raw))
	require.NoError(e.t, fresh.k.InitGenesis(fresh.ctx, decoded))
	again, err := fresh.k.ExportGenesis(fresh.ctx)
	require.NoError(e.t, err)
	require.Equal(e.t, first, again)
	for _, x := range []*env{e, fresh} {
		require.NoError(e.t, x.k.CheckEscrow(x.ctx))
	}
	// Neighbours stay as they are.
	*fresh.att = *e.att
	fresh.att.outcomes.Keeper = fresh.k
	fresh.sets = e.sets
	fresh.bank.blocked = e.bank.blocked
	return fresh
}

func TestStateSurvivesExportInEveryPhase(t *testing.T) {
	phases := map[types.RoundPhase]bool{}
	e := staked(t, nil)
	e.createGroup("other", nil)
	e.must(&types.MsgFundGroup{Sender: account(5), Group: "digits", Amount: math.NewInt(77)})
	e.bond(4, "other", 5_000)
	e.unbond(4, "other", 1_000)
	wait := 3 // blocks that validators take for each question
	slow := func() bool { wait--; return wait < 0 }
	e.att.holds = func(types.SubmissionRef) (verdict, bool) {
		if slow() {
			wait = 2
			return decided, true
		}
		return undecided, false
	}
	judge := e.att.judge
	e.att.judge = func(ref types.SubmissionRef, m types.ScoreManifest) (verdict, types.ScoreAnswer) {
		if slow() {
			wait = 2
			return judge(ref, m)
		}
		return undecided, types.ScoreAnswer{}
	}
	check := func() {
		r, ok := e.current("digits")
		require.True(t, ok)
		phases[r.Phase] = true
		e = e.reimport() // and the copy goes on
		e.next()
	}
	all := []checkpoint{trained(1, 30), trained(2, 20), trained(3, 10)}
	e.commit("digits", all...)
	for range 12 {
		check()
	}
	e.reveal("digits", all[0], all[1])
	for range 40 {
		check()
		if r, _ := e.current("digits"); r.Phase == types.ROUND_PHASE_SETTLED {
			break
		}
	}
	check()
	require.Len(t, phases, 5, "all phases")
	r := e.round("digits", 1)
	require.Equal(t, account(2), r.Winner)
	require.Equal(t, int64(77), r.Bounty.Int64())
	require.Equal(t, int64(funds-commitBond/2), e.balance(account(3)))
}

func TestAFirstGenesisIsCompleted(t *testing.T) {
	e := emptyEnv(t)
	module := authtypes.NewModuleAddress(types.ModuleName)
	require.NoError(t, e.bank.add(e.ctx, supplyKey, math.NewInt(1_000)))
	require.NoError(t, e.bank.add(e.ctx, module, math.NewInt(300)))
	g := types.DefaultGenesis()
	g.Params = params()
	g.Groups = []types.Group{{Name: "digits", Settings: settings(), BountyPool: math.NewInt(100)}}
	g.Bonds = []types.GroupBond{{Group: "digits", Address: account(1), Amount: math.NewInt(150)}, {Group: "digits", Address: account(2), Amount: math.NewInt(50)}}
	require.NoError(t, g.Validate())
	require.NoError(t, e.k.InitGenesis(e.ctx, *g))
	require.Equal(t, int64(200), e.stake("digits"))
	x := e.group("digits")
	require.Len(t, x.ModelHash, 32)
	require.Equal(t, uint64(1), x.ModelVersion)
	totals, err := e.k.Totals.Get(e.ctx)
	require.NoError(t, err)
	require.Equal(t, "1000", totals.GenesisSupply.String())
	require.Equal(t, "200", totals.Bonded.String())
	turn, err := e.k.StoreTurns.Get(e.ctx, "digits")
	require.NoError(t, err)
	require.Equal(t, e.ctx.BlockHeight()+int64(g.Params.StoreIntervalBlocks), turn.Due, "its first store task is due after one interval")
	require.NoError(t, e.k.CheckStoreTurns(e.ctx))
	e.next()
	require.Equal(t, uint64(1), e.group("digits").Round, "its first round opens in the first block")

	e = emptyEnv(t)
	require.NoError(t, e.bank.add(e.ctx, module, math.NewInt(299)))
	require.ErrorContains(t, e.k.InitGenesis(e.ctx, *g), "expected 300 unrn for stake, unbonding, bounties, bonds and held losses, got 299")
}

func TestInvariantsSeeWhatIsWrong(t *testing.T) {
	e := staked(t, nil)
	e.commit("digits", trained(1, 10))
	e.unbond(6, "digits", 10)
	require.NoError(t, e.k.CheckEscrow(e.ctx))
	require.NoError(t, e.k.CheckSupply(e.ctx))
	for says, harm := range map[string]func(ctx sdk.Context) error{
		"account of module pol": func(ctx sdk.Context) error { return e.bank.add(ctx, authtypes.NewModuleAddress("pol"), math.OneInt()) },
		"stake: the bonds add up": func(ctx sdk.Context) error {
			return e.k.Bonds.Remove(ctx, collections.Join("digits", account(6)))
		},
		"stake: bonds and unbondings": func(ctx sdk.Context) error { return e.k.Unbondings.Clear(ctx, nil) },
		"supply: expected at most":    func(ctx sdk.Context) error { return e.bank.add(ctx, supplyKey, math.NewInt(1)) },
	} {
		ctx, _ := e.ctx.CacheContext()
		require.NoError(t, harm(ctx))
		err := e.k.CheckEscrow(ctx)
		if err == nil {
			err = e.k.CheckSupply(ctx)
		}
		require.ErrorContains(t, err, says)
	}
}
