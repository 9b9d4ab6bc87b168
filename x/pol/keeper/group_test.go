package keeper_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	abci "github.com/cometbft/cometbft/abci/types"

	"cosmossdk.io/math"

	errorsmod "cosmossdk.io/errors"

	"github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

func TestCreatingAGroupBurnsTheFee(t *testing.T) {
	e := newEnv(t, nil)
	before := e.supply()
	res, err := e.msg.CreateGroup(e.ctx, &types.MsgCreateGroup{Sender: account(1), Name: "digits", Settings: settings()})
	require.NoError(t, err)
	require.Equal(t, uint64(4*3*100+2_000+4*15+65_536), res.Cost, "multiply-adds times rows, table, checkpoint")
	require.Equal(t, int64(funds-500), e.balance(account(1)))
	require.Equal(t, before.SubRaw(500), e.supply())
	s := settings()
	s.Sandbox, s.CommitBond = true, math.ZeroInt()
	e.must(&types.MsgCreateGroup{Sender: account(1), Name: "sandbox", Settings: s})
	require.Equal(t, int64(funds-505), e.balance(account(1)))
	g := e.group("digits")
	hash, err := settings().Model.Hash()
	require.NoError(t, err)
	require.Equal(t, hash, g.ModelHash)
	require.Equal(t, uint64(1), g.ModelVersion)
}

func TestGroupsThatAreRefused(t *testing.T) {
	e := newEnv(t, func(g *types.GenesisState) { g.Params.CreationFee = math.NewInt(funds) })
	taken := settings()
	taken.Sandbox, taken.CommitBond = true, math.ZeroInt()
	e.must(&types.MsgCreateGroup{Sender: account(2), Name: "taken", Settings: taken})
	e.must(&types.MsgCreateGroup{Sender: account(3), Name: "bonded", Settings: settings()})
	for name, c := range map[string]struct {
		prepare func(*env, *types.MsgCreateGroup)
		want    *errorsmod.Error
		says    string
	}{
		"a bad name":           {func(_ *env, m *types.MsgCreateGroup) { m.Name = "Digits" }, types.ErrInvalidGroup, `name "Digits"`},
		"a name that is taken": {func(_ *env, m *types.MsgCreateGroup) { m.Name = "taken" }, types.ErrGroupExists, `"taken"; choose another name`},
		"bad settings":         {func(_ *env, m *types.MsgCreateGroup) { m.Settings.InitSeed = nil }, types.ErrInvalidGroup, "init_seed"},
		"an unknown training set": {func(_ *env, m *types.MsgCreateGroup) { m.Settings.TrainingSet = "flowers" },
			trainingsettypes.ErrNotVerified, `"flowers" is not registered`},
		"a model that does not fit": {func(_ *env, m *types.MsgCreateGroup) { m.Settings.Model.InputShape = []uint32{5} },
			types.ErrInvalidGroup, "has 4 feature columns, the model has 5 inputs"},
		"more work than a group may ask": {func(e *env, _ *types.MsgCreateGroup) { e.sets.set.Table.Rows = 1 << 40 },
			types.ErrTooCostly, "scoring one checkpoint: expected at most 1000000000000, got 13194139600908"},
		"work beyond all numbers": {func(e *env, _ *types.MsgCreateGroup) { e.sets.set.Table.Rows = 1<<64 - 1 },
			types.ErrTooCostly, "got 18446744073709551615; use a smaller model or table"},
		"more work than a window holds": {func(e *env, _ *types.MsgCreateGroup) { e.att.maxCost = 68_795 },
			types.ErrTooCostly, "expected at most the budget of a window, 68795, got 68796"},
		"an account that can't pay": {func(e *env, _ *types.MsgCreateGroup) { e.bond(1, "bonded", 1) }, nil, "insufficient funds"},
	} {
		set, cost := e.sets.set, e.att.maxCost
		m := &types.MsgCreateGroup{Sender: account(1), Name: "digits", Settings: settings()}
		c.prepare(e, m)
		err := e.send(m)
		e.sets.set, e.att.maxCost = set, cost
		require.ErrorContains(t, err, c.says, name)
		if c.want != nil {
			require.ErrorIs(t, err, c.want, name)
			space, code, _ := errorsmod.ABCIInfo(err, false)
			require.Equal(t, c.want.Codespace(), space, name)
			require.Equal(t, c.want.ABCICode(), code, "%s: the code that a wallet sees", name)
		}
	}
	require.NoError(t, e.k.CheckEscrow(e.ctx), "nothing was kept")
}

func TestBountiesArePaidPerRound(t *testing.T) {
	e := newEnv(t, nil)
	e.createGroup("digits", func(s *types.GroupSettings) { s.BountyPerRound = math.NewInt(300) })
	e.must(&types.MsgFundGroup{Sender: account(5), Group: "digits", Amount: math.NewInt(500)})
	e.must(&types.MsgFundGroup{Sender: account(5), Group: "digits", Amount: math.NewInt(200)})
	for loss, want := range []int64{0, 300, 300, 100, 0} {
		if loss == 0 {
			require.Empty(t, e.play("digits").Winner)
			require.Equal(t, int64(700), e.group("digits").BountyPool.Int64(), "without winner the pool stays")
			continue
		}
		r := e.play("digits", trained(1, uint64(1_000-loss)))
		require.Equal(t, want, r.Bounty.Int64())
		require.True(t, r.Reward.IsZero(), "without stake only bounties")
	}
	require.Equal(t, int64(funds+700), e.balance(account(1)))

	e.createGroup("whole", nil)
	e.must(&types.MsgFundGroup{Sender: account(5), Group: "whole", Amount: math.NewInt(123)})
	require.Equal(t, int64(123), e.play("whole", trained(2, 9)).Bounty.Int64(), "0 per round means the whole pool")
}

func TestASandboxMintsNothing(t *testing.T) {
	e := newEnv(t, func(g *types.GenesisState) { g.Params.MinGroupStake = math.ZeroInt() })
	e.createGroup("sandbox", func(s *types.GroupSettings) { s.Sandbox, s.CommitBond = true, math.ZeroInt() })
	before := e.supply()
	r := e.play("sandbox", trained(1, 10))
	require.Equal(t, account(1), r.Winner)
	require.True(t, r.Reward.IsZero() && r.VerifierReward.IsZero())
	require.Equal(t, before, e.supply())
}

func TestGovernanceTakesAndGivesCoinbase(t *testing.T) {
	e := staked(t, nil)
	set := func(who int, enabled bool) error {
		return e.send(&types.MsgSetGroupCoinbase{Authority: account(who), Group: "digits", Enabled: enabled})
	}
	require.ErrorContains(t, set(1, false), account(0))
	require.NoError(t, set(0, false))
	r := e.play("digits", trained(1, 900))
	require.Equal(t, account(1), r.Winner)
	require.True(t, r.Reward.IsZero() && r.VerifierReward.IsZero())
	require.NoError(t, set(0, true))
	require.Positive(t, e.play("digits", trained(1, 800)).Reward.Int64())
	require.ErrorIs(t, e.send(&types.MsgSetGroupCoinbase{Authority: account(0), Group: "none"}), types.ErrGroupNotFound)
}

func TestOnlyGovernanceChangesParams(t *testing.T) {
	e := newEnv(t, nil)
	p, err := e.k.Params.Get(e.ctx)
	require.NoError(t, err)
	require.Equal(t, e.ctx.BlockTime().Unix()-1, p.GenesisUnix)
	p.MaxCandidates = 9
	require.ErrorContains(t, e.send(&types.MsgUpdateParams{Authority: account(1), Params: p}), account(0))
	require.NoError(t, e.send(&types.MsgUpdateParams{Authority: account(0), Params: p}))
	p.GenesisUnix++
	require.ErrorContains(t, e.send(&types.MsgUpdateParams{Authority: account(0), Params: p}), "it is fixed at genesis")
	p.GenesisUnix--
	p.HalvingIntervalSeconds *= 2
	require.ErrorContains(t, e.send(&types.MsgUpdateParams{Authority: account(0), Params: p}), "it is fixed at genesis")
	p.HalvingIntervalSeconds /= 2
	p.MaxCandidates = 0
	require.ErrorIs(t, e.send(&types.MsgUpdateParams{Authority: account(0), Params: p}), types.ErrInvalidParams)
}

// groupsOf returns the groups that moved in the end of the last block.
func groupsOf(events []abci.Event) map[string]bool {
	groups := map[string]bool{}
	for _, event := range events {
		if !strings.HasSuffix(event.Type, "EventRoundOpened") && !strings.HasSuffix(event.Type, "EventPhase") && !strings.HasSuffix(event.Type, "EventRoundSettled") {
			continue
		}
		for _, a := range event.Attributes {
			if a.Key == "group" {
				groups[strings.Trim(a.Value, `"`)] = true
			}
		}
	}
	return groups
}

func TestAThousandGroupsTakeTurns(t *testing.T) {
	const groups, turns = 1_000, 64
	e := newEnv(t, func(g *types.GenesisState) {
		for n := range groups {
			g.Groups = append(g.Groups, types.Group{Name: fmt.Sprintf("g%04d", n), Creator: account(7), Settings: settings(), BountyPool: math.ZeroInt()})
		}
		g.Params.MaxGroupsPerBlock = turns
	})
	e.unchecked = true // the books of 1,000 groups take longer than their work
	opened := map[string]int64{}
	moves := func() {
		moved := groupsOf(e.events.ToABCIEvents())
		require.LessOrEqual(t, len(moved), turns, "height %d", e.ctx.BlockHeight())
		for name := range moved {
			if _, ok := opened[name]; !ok {
				opened[name] = e.ctx.BlockHeight()
			}
		}
	}
	moves()
	for range (groups+turns-1)/turns - 1 {
		e.next()
		moves()
	}
	require.Len(t, opened, groups, "every group has opened its first round after 16 blocks")

	// Each round takes two turns, so 1,000 idle groups need 32 blocks a round; nobody is left behind.
	const blocks = 165
	for range blocks {
		e.next()
		moves()
	}
	least, most := uint64(1<<63), uint64(0)
	for name := range opened {
		least, most = min(least, e.group(name).Round), max(most, e.group(name).Round)
	}
	require.GreaterOrEqual(t, least, uint64(blocks/(2*groups/turns+2)))
	require.LessOrEqual(t, most-least, uint64(2))
	require.NoError(t, e.k.CheckEscrow(e.ctx))
}

func TestAnItemThatPanicsIsSkippedAndTheGroupIsRetried(t *testing.T) {
	e := newEnv(t, nil)
	e.lax = true
	twin := settings()
	twin.TrainingSet = "twin"
	e.must(&types.MsgCreateGroup{Sender: account(7), Name: "aa", Settings: twin})
	e.must(&types.MsgCreateGroup{Sender: account(7), Name: "bb", Settings: settings()})
	e.sets.panics = "twin"
	e.advance(11)
	require.Zero(t, e.group("aa").Round)
	require.Equal(t, uint64(1), e.group("bb").Round, "others go on")
	require.Len(t, e.failures, 3, "tried again every 5 blocks")
	require.Contains(t, e.failures[0], "panic: training set exploded")
	require.Contains(t, e.failures[0], "group aa")
	e.sets.panics = ""
	e.advance(5)
	require.Equal(t, uint64(1), e.group("aa").Round)
}

func TestASettlementThatFailsLeavesNothingBehind(t *testing.T) {
	e := staked(t, nil)
	e.lax = true
	e.bank.blocked[account(1)] = true
	c := trained(1, 10)
	e.commit("digits", c, trained(2, 20))
	e.until("digits", types.ROUND_PHASE_REVEAL)
	e.reveal("digits", c, trained(2, 20))
	before := e.supply()
	e.advance(30)
	require.NotEmpty(t, e.failures)
	require.Equal(t, types.ROUND_PHASE_SCORE, e.round("digits", 1).Phase)
	require.Equal(t, before, e.supply(), "verifiers were paid only with the rest")
	require.Equal(t, int64(funds-commitBond), e.balance(account(2)))
	e.bank.blocked[account(1)] = false
	r := e.until("digits", types.ROUND_PHASE_SETTLED)
	require.Equal(t, account(1), r.Winner)
	require.Equal(t, before.Add(r.Reward).Add(r.VerifierReward), e.supply())
	require.Equal(t, int64(funds), e.balance(account(2)))
}
