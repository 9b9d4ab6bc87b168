package keeper_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/pol/types"
)

func (e *env) stake(group string) int64 {
	e.t.Helper()
	r, err := e.q.Group(e.ctx, &types.QueryGroupRequest{Name: group})
	require.NoError(e.t, err)
	return r.Stake.Int64()
}

func TestStakeComesBackAfterTheDelay(t *testing.T) {
	e := newEnv(t, nil)
	e.createGroup("digits", nil)
	e.bond(1, "digits", 5_000)
	e.bond(1, "digits", 1_000)
	require.Equal(t, int64(6_000), e.stake("digits"))
	require.Equal(t, int64(funds-6_000), e.balance(account(1)))

	e.begin(300 * time.Millisecond) // the delay counts from the next whole second
	ctx, write := e.ctx.CacheContext()
	res, err := e.msg.UnbondGroup(ctx, &types.MsgUnbondGroup{Sender: account(1), Group: "digits", Amount: math.NewInt(6_000)})
	require.NoError(t, err)
	write()
	require.Equal(t, e.ctx.BlockTime().Unix()+1+4_000, res.CompletionUnix)
	require.Zero(t, e.stake("digits"), "the stake counts no more at once")
	has, err := e.k.Bonds.Has(e.ctx, collections.Join("digits", account(1)))
	require.NoError(t, err)
	require.False(t, has)

	e.end()
	e.begin(4_000 * time.Second)
	e.next()
	require.Equal(t, int64(funds-6_000), e.balance(account(1)), "a fraction of a second is missing")
	e.next()
	require.Equal(t, int64(funds), e.balance(account(1)))
	g, err := e.k.ExportGenesis(e.ctx)
	require.NoError(t, err)
	require.Empty(t, g.Unbondings)
}

func TestBondMessagesThatAreRefused(t *testing.T) {
	e := newEnv(t, nil)
	e.createGroup("digits", nil)
	e.createGroup("sandbox", func(s *types.GroupSettings) { s.Sandbox, s.CommitBond = true, math.ZeroInt() })
	e.bond(1, "digits", 100)
	bond := func(group string, amount math.Int) error {
		return e.send(&types.MsgBondGroup{Sender: account(1), Group: group, Amount: amount})
	}
	unbond := func(who int, group string, amount math.Int) error {
		return e.send(&types.MsgUnbondGroup{Sender: account(who), Group: group, Amount: amount})
	}
	fund := func(group string, amount math.Int) error {
		return e.send(&types.MsgFundGroup{Sender: account(1), Group: group, Amount: amount})
	}
	for _, c := range []struct {
		err  error
		want error
		says string
	}{
		{bond("none", math.OneInt()), types.ErrGroupNotFound, `"none"`},
		{bond("sandbox", math.OneInt()), types.ErrInvalidGroup, "is a sandbox group: it has no stake"},
		{bond("digits", math.ZeroInt()), types.ErrInvalidAmount, "expected a positive number of unrn, got 0"},
		{bond("digits", math.NewInt(-5)), types.ErrInvalidAmount, "got -5"},
		{bond("digits", math.Int{}), types.ErrInvalidAmount, "got <nil>"},
		{bond("digits", math.NewInt(funds)), nil, "insufficient funds"},
		{fund("none", math.OneInt()), types.ErrGroupNotFound, `"none"`},
		{fund("digits", math.NewInt(-5)), types.ErrInvalidAmount, "got -5"},
		{fund("digits", math.Int{}), types.ErrInvalidAmount, "got <nil>"},
		{unbond(1, "digits", math.NewInt(101)), types.ErrInsufficientBond, `group "digits": expected 1 to 100 unrn, got 101`},
		{unbond(1, "digits", math.ZeroInt()), types.ErrInsufficientBond, "got 0"},
		{unbond(1, "digits", math.NewInt(-1)), types.ErrInsufficientBond, "got -1"},
		{unbond(1, "digits", math.Int{}), types.ErrInsufficientBond, "got <nil>"},
		{unbond(2, "digits", math.OneInt()), types.ErrInsufficientBond, "has no stake in group"},
		{unbond(1, "none", math.OneInt()), types.ErrInsufficientBond, "has no stake in group"},
	} {
		require.ErrorContains(t, c.err, c.says)
		if c.want != nil {
			require.ErrorIs(t, c.err, c.want)
		}
	}
	require.Equal(t, int64(100), e.stake("digits"))
}

func TestPayoutsPerBlockAreBounded(t *testing.T) {
	e := newEnv(t, nil)
	e.createGroup("digits", nil)
	for who := 1; who <= 3; who++ {
		e.bond(who, "digits", 1_000)
		for range 64 {
			e.unbond(who, "digits", 1)
		}
		err := e.send(&types.MsgUnbondGroup{Sender: account(who), Group: "digits", Amount: math.OneInt()})
		require.ErrorIs(t, err, types.ErrTooManyUnbondings)
		require.ErrorContains(t, err, "wait for one to be paid out, or unbond more at once")
	}
	e.end()
	e.begin(5_000 * time.Second)
	for left := 3 * 64; left > 0; {
		e.next()
		left -= 64
		g, err := e.k.ExportGenesis(e.ctx)
		require.NoError(t, err)
		require.Len(t, g.Unbondings, left)
	}
	e.unbond(1, "digits", 1) // there is room again
}

func TestAPayoutThatFailsHoldsUpNobody(t *testing.T) {
	e := newEnv(t, nil)
	e.createGroup("digits", nil)
	e.bond(1, "digits", 1_000)
	e.bond(2, "digits", 500)
	for range 64 {
		e.unbond(1, "digits", 2)
	}
	e.unbond(2, "digits", 500)
	e.bank.blocked[account(1)], e.lax = true, true
	e.end()
	e.begin(5_000 * time.Second)
	e.advance(2)
	require.Equal(t, int64(funds), e.balance(account(2)))
	require.Len(t, e.failures, 64)
	e.advance(5)
	require.Len(t, e.failures, 64, "it is tried again later, not in each block")

	e.bank.blocked[account(1)] = false
	e.end()
	e.begin(time.Hour)
	e.advance(2)
	require.Equal(t, int64(funds-1_000+128), e.balance(account(1)))
}

// roundOf plays a round of a group that lasts an hour; meanwhile runs in the middle of it.
func (e *env) roundOf(group string, loss uint64, meanwhile func()) types.Round {
	e.t.Helper()
	e.until(group, types.ROUND_PHASE_COMMIT)
	c := trained(1, loss)
	e.commit(group, c)
	e.end()
	e.begin(30 * time.Minute)
	if meanwhile != nil {
		meanwhile()
	}
	e.end()
	e.begin(30 * time.Minute)
	e.until(group, types.ROUND_PHASE_REVEAL)
	e.reveal(group, c)
	return e.until(group, types.ROUND_PHASE_SETTLED)
}

// share returns the reward of an hour for a part of all stake.
func share(r types.Round, part, whole int64) string {
	return r.Supply.MulRaw(part).Quo(math.NewInt(100_000).MulRaw(whole)).String()
}

func TestTricksWithStakeMintNothing(t *testing.T) {
	start := func(t *testing.T) *env {
		e := newEnv(t, nil)
		e.must(&types.MsgCreateGroup{Sender: account(7), Name: "aa", Settings: settings()})
		e.must(&types.MsgCreateGroup{Sender: account(7), Name: "bb", Settings: settings()})
		e.bond(6, "aa", 10_000)
		e.bond(5, "bb", 30_000)
		e.next()
		return e
	}
	honest := func(t *testing.T) string {
		r := start(t).roundOf("aa", 900, nil)
		require.Equal(t, share(r, 1, 4), r.Reward.String())
		return r.Reward.String()
	}(t)

	t.Run("bonding after the opening", func(t *testing.T) {
		e := start(t)
		r := e.roundOf("aa", 900, func() { e.bond(4, "aa", 1_000_000) })
		require.Equal(t, share(r, 10_000, 1_040_000), r.Reward.String())
	})
	t.Run("unbonding before the settlement", func(t *testing.T) {
		e := start(t)
		r := e.roundOf("aa", 900, func() { e.unbond(6, "aa", 5_000) })
		require.Equal(t, share(r, 5_000, 40_000), r.Reward.String())
	})
	t.Run("unbonding and bonding other coins instead", func(t *testing.T) {
		e := start(t)
		r := e.roundOf("aa", 900, func() {
			e.unbond(6, "aa", 5_000)
			e.bond(4, "aa", 5_000)
		})
		require.Equal(t, share(r, 5_000, 45_000), r.Reward.String())
	})
	t.Run("unbonding everything and bonding it again", func(t *testing.T) {
		e := start(t)
		r := e.roundOf("aa", 900, func() {
			e.unbond(6, "aa", 10_000)
			e.bond(4, "aa", 10_000)
		})
		require.Equal(t, "0", r.Reward.String())
	})
	t.Run("making others leave", func(t *testing.T) {
		e := start(t)
		r := e.roundOf("aa", 900, func() { e.unbond(5, "bb", 30_000) })
		require.Equal(t, honest, r.Reward.String())
		r = e.roundOf("aa", 800, nil)
		require.Equal(t, share(r, 1, 4), r.Reward.String(), "what is on its way back still counts against the others")
		e.end()
		e.begin(2 * time.Hour)
		e.next()
		e.play("aa")
		r = e.roundOf("aa", 700, nil)
		require.Equal(t, share(r, 1, 1), r.Reward.String(), "once it is paid out it does not")
	})
	t.Run("standing behind another group while the round lasts", func(t *testing.T) {
		e := start(t)
		r := e.roundOf("aa", 900, func() {
			e.bond(4, "bb", 1_000_000)
			e.next()
			e.unbond(4, "bb", 1_000_000)
		})
		require.Equal(t, share(r, 10_000, 1_040_000), r.Reward.String())
	})
	t.Run("stake below the least", func(t *testing.T) {
		e := start(t)
		r := e.roundOf("aa", 900, func() { e.unbond(6, "aa", 9_001) })
		require.True(t, r.Reward.IsZero() && r.VerifierReward.IsZero())
		require.Equal(t, account(1), r.Winner)
	})
}

func TestASplitOfTheStakeMintsNothingExtra(t *testing.T) {
	hour := func(groups []string, stake int64) math.Int {
		e := newEnv(t, nil)
		for _, name := range groups {
			e.must(&types.MsgCreateGroup{Sender: account(7), Name: name, Settings: settings()})
			e.bond(6, name, stake/int64(len(groups)))
		}
		e.next()
		for _, name := range groups {
			e.commit(name, trained(1, uint64(len(name))))
		}
		e.end()
		e.begin(time.Hour)
		for _, name := range groups {
			e.until(name, types.ROUND_PHASE_REVEAL)
		}
		for _, name := range groups {
			e.reveal(name, trained(1, uint64(len(name))))
		}
		e.advance(4)
		totals, err := e.k.Totals.Get(e.ctx)
		require.NoError(t, err)
		require.Equal(t, uint64(len(groups)), totals.Wins)
		return totals.Coinbase
	}
	one, four := hour([]string{"a0"}, 100_000), hour([]string{"a0", "b00", "c000", "d0000"}, 100_000)
	require.Positive(t, four.Int64())
	require.True(t, four.LTE(one), "%s by four groups, %s by one", four, one)
}

func TestUnbondingsOfAnAccountAreListed(t *testing.T) {
	e := newEnv(t, nil)
	e.createGroup("digits", nil)
	e.bond(1, "digits", 10)
	e.bond(2, "digits", 10)
	e.unbond(2, "digits", 1)
	e.unbond(1, "digits", 2)
	e.unbond(1, "digits", 3)
	r, err := e.q.Unbondings(e.ctx, &types.QueryUnbondingsRequest{Address: account(1)})
	require.NoError(t, err)
	require.Len(t, r.Unbondings, 2)
	require.Equal(t, int64(2), r.Unbondings[0].Amount.Int64())
	bonds, err := e.q.Bonds(e.ctx, &types.QueryBondsRequest{Group: "digits"})
	require.NoError(t, err)
	require.Len(t, bonds.Bonds, 2)
	require.Equal(t, int64(5), bonds.Bonds[0].Amount.Int64())
}
