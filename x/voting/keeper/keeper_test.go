package keeper_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/runtime"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdktestutil "github.com/cosmos/cosmos-sdk/testutil"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/voting/keeper"
	"github.com/pold-network/pold/x/voting/types"
)

func TestMain(m *testing.M) {
	sdk.GetConfig().SetBech32PrefixForAccount("pol", "polpub")
	os.Exit(m.Run())
}

func account(n int) string {
	return sdk.AccAddress(bytes.Repeat([]byte{byte(n + 1)}, 20)).String()
}

// stakes are the bonds of the accounts, by group.
type stakes struct {
	k     *keeper.Keeper
	bonds map[string]map[string]int64
}

func (s *stakes) Bonded(_ context.Context, group, address string) (math.Int, error) {
	return math.NewInt(s.bonds[group][address]), nil
}

func (s *stakes) GroupStakes(_ context.Context, visit func(group string, stake math.Int) error) error {
	names := make([]string, 0, len(s.bonds))
	for name := range s.bonds {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		sum := int64(0)
		for _, b := range s.bonds[name] {
			sum += b
		}
		if err := visit(name, math.NewInt(sum)); err != nil {
			return err
		}
	}
	return nil
}

// owner is a module that decides by votes: it notes what was said to it, and what its ballots had when the period ended.
type owner struct {
	k       *keeper.Keeper
	told    []string
	outcome map[uint64]int64
	all     int64
	waits   bool
	fails   error
	panics  bool
}

func (o *owner) note(what string, p types.Period) error {
	if o.panics {
		panic("the owner exploded")
	}
	o.told = append(o.told, fmt.Sprint(what, " ", p.Group, " ", p.Number))
	return o.fails
}

func (o *owner) PeriodOpened(_ context.Context, p types.Period) error   { return o.note("opened", p) }
func (o *owner) PeriodChecking(_ context.Context, p types.Period) error { return o.note("checking", p) }
func (o *owner) PeriodEnding(_ context.Context, p types.Period) (bool, error) {
	return o.waits, o.note("ending", p)
}

func (o *owner) PeriodEnded(ctx context.Context, p types.Period) error {
	open, err := o.k.Open(ctx, p.Group, "test")
	if err != nil {
		return err
	}
	for _, b := range open {
		o.outcome[b.Id] = b.Tally.Standing.Int64()
	}
	now, err := o.k.Period(ctx, p.Group)
	o.all = now.Tally.Standing.Int64()
	return errors.Join(err, o.note("ended", p))
}

// env is the module with neighbours of its own and a clock of ten seconds a block.
type env struct {
	*stakes
	t     *testing.T
	ctx   sdk.Context
	k     keeper.Keeper
	owner *owner
	lax   bool
}

const period = 1_000 // seconds

func params() types.Params {
	p := types.DefaultParams()
	p.DefaultPeriodSeconds, p.MinPeriodSeconds, p.MaxPeriodSeconds = period, 100, 5_000
	p.CheckSeconds, p.GraceSeconds, p.MaxVotes, p.MinVoteStake = 200, 300, 3, math.NewInt(10)
	return p
}

func newEnv(t *testing.T, groups ...string) *env {
	t.Helper()
	keys := storetypes.NewKVStoreKeys(types.StoreKey)
	ctx := sdktestutil.DefaultContextWithKeys(keys, nil, nil).WithBlockHeader(cmtproto.Header{Height: 1, Time: time.Unix(1_000_000, 0)})
	e := &env{t: t, ctx: ctx, stakes: &stakes{bonds: map[string]map[string]int64{}}, owner: &owner{outcome: map[uint64]int64{}}}
	for _, g := range groups {
		e.bonds[g] = map[string]int64{account(1): 100, account(2): 60, account(3): 40}
	}
	e.k = keeper.NewKeeper(codec.NewProtoCodec(codectypes.NewInterfaceRegistry()), runtime.NewKVStoreService(keys[types.StoreKey]), account(9), e)
	e.stakes.k, e.owner.k = &e.k, &e.k
	e.k.SetHooks(e.owner)
	g := types.DefaultGenesis()
	g.Params = params()
	require.NoError(t, g.Validate())
	require.NoError(t, e.k.InitGenesis(ctx, *g))
	return e
}

// bond sets what an account has bonded, as x/pol does.
func (e *env) bond(group string, n int, amount int64) {
	e.t.Helper()
	before := e.bonds[group][account(n)]
	e.bonds[group][account(n)] = amount
	require.NoError(e.t, e.k.BondChanged(e.ctx, group, account(n), math.NewInt(before), math.NewInt(amount)))
	e.check()
}

func (e *env) open(group string) uint64 {
	e.t.Helper()
	id, err := e.k.OpenBallot(e.ctx, group, "test", 7, "a thing")
	require.NoError(e.t, err)
	return id
}

func (e *env) vote(n int, ballot uint64) int64 {
	e.t.Helper()
	standing, err := e.k.Vote(e.ctx, account(n), ballot, "")
	require.NoError(e.t, err)
	e.check()
	return standing.Int64()
}

func (e *env) unvote(n int, ballot uint64) {
	e.t.Helper()
	require.NoError(e.t, e.k.Unvote(e.ctx, account(n), ballot))
	e.check()
}

func (e *env) check() {
	e.t.Helper()
	require.NoError(e.t, e.k.CheckTallies(e.ctx))
}

// wait lets time pass, block by block.
func (e *env) wait(seconds int) {
	e.t.Helper()
	for range seconds / 10 {
		e.ctx = e.ctx.WithBlockHeight(e.ctx.BlockHeight() + 1).WithBlockTime(e.ctx.BlockTime().Add(10 * time.Second)).WithEventManager(sdk.NewEventManager())
		require.NoError(e.t, e.k.EndBlock(e.ctx))
		for _, event := range e.ctx.EventManager().Events() {
			require.True(e.t, e.lax || !strings.HasSuffix(event.Type, "EventItemFailed"), "%v", event)
		}
		e.check()
	}
}

func (e *env) period(group string) types.Period {
	e.t.Helper()
	p, err := e.k.Period(e.ctx, group)
	require.NoError(e.t, err)
	return p
}

func TestPeriodsOfAGroupFollowEachOther(t *testing.T) {
	e := newEnv(t, "digits")
	require.Equal(t, []string{"opened digits 1"}, e.owner.told)
	e.wait(790)
	require.Equal(t, types.PERIOD_PHASE_OPEN, e.period("digits").Phase)
	e.wait(10)
	require.Equal(t, types.PERIOD_PHASE_CHECK, e.period("digits").Phase)
	e.wait(190)
	require.Equal(t, uint64(1), e.period("digits").Number)
	e.wait(10)
	require.Equal(t, uint64(2), e.period("digits").Number)
	require.Equal(t, []string{"opened digits 1", "checking digits 1", "ending digits 1", "ended digits 1", "opened digits 2"}, e.owner.told)
}

func TestAChainThatStoodStillDoesNotMakeUpForPeriods(t *testing.T) {
	e := newEnv(t, "digits")
	e.ctx = e.ctx.WithBlockTime(e.ctx.BlockTime().Add(10 * period * time.Second))
	e.wait(20)
	p := e.period("digits")
	require.Equal(t, uint64(2), p.Number)
	require.Equal(t, e.ctx.BlockTime().Unix()+period, p.EndsUnix)
}

func TestAPeriodWaitsForWhatIsBeingCheckedButNotForEver(t *testing.T) {
	e := newEnv(t, "digits")
	e.owner.waits = true
	e.wait(1_100)
	require.Equal(t, uint64(1), e.period("digits").Number)
	e.owner.waits = false
	e.wait(10)
	require.Equal(t, uint64(2), e.period("digits").Number)
	e.owner.waits = true
	e.wait(1_290)
	require.Equal(t, uint64(2), e.period("digits").Number)
	e.wait(10)
	require.Equal(t, uint64(3), e.period("digits").Number, "the grace is over")
}

func TestWhatAnOwnerDoesWrongStopsNeitherOthersNorThePeriod(t *testing.T) {
	e := newEnv(t, "digits")
	bad := &owner{k: &e.k, outcome: map[uint64]int64{}, panics: true}
	e.k.SetHooks(bad, e.owner)
	e.lax = true
	e.wait(1_000)
	bad.panics, bad.fails = false, errors.New("no")
	e.wait(1_000)
	require.Equal(t, uint64(3), e.period("digits").Number)
	require.Contains(t, e.owner.told, "ended digits 2")
}

func TestALengthCountsFromTheNextPeriodOn(t *testing.T) {
	e := newEnv(t, "digits")
	require.NoError(t, e.k.SetPeriod(e.ctx, "digits", 300))
	require.ErrorIs(t, e.k.SetPeriod(e.ctx, "digits", 99), types.ErrInvalidPeriod)
	require.ErrorIs(t, e.k.SetPeriod(e.ctx, "none", 300), types.ErrNoPeriod)
	e.wait(1_000)
	p := e.period("digits")
	require.Equal(t, int64(300), p.EndsUnix-p.OpenedUnixMs/1_000)
	e.wait(150) // half of so short a period is for the check
	require.Equal(t, types.PERIOD_PHASE_CHECK, e.period("digits").Phase)
}

// A vote weighs the least that its account had bonded since the period opened. The table says what somebody might do to weigh
// more, and what it comes to at the end; account 1 has 100 of 200 bonded from the start.
func TestNoTrickWithStakePays(t *testing.T) {
	for _, c := range []struct {
		name string
		act  func(e *env, ballot uint64)
		want int64 // behind the ballot at the end
		all  int64 // in the group
	}{
		{"an honest vote", func(e *env, b uint64) { e.vote(1, b) }, 100, 200},
		{"bonding more before the vote", func(e *env, b uint64) { e.bond("digits", 1, 500); e.vote(1, b) }, 100, 200},
		{"bonding more after the vote", func(e *env, b uint64) { e.vote(1, b); e.bond("digits", 1, 500) }, 100, 200},
		{"a newcomer with much stake", func(e *env, b uint64) { e.bond("digits", 4, 10_000); e.vote(4, b) }, 0, 200},
		{"bond, vote, unbond", func(e *env, b uint64) { e.bond("digits", 4, 10_000); e.vote(4, b); e.bond("digits", 4, 0) }, 0, 200},
		{"vote, then unbond", func(e *env, b uint64) { e.vote(1, b); e.bond("digits", 1, 0) }, 0, 100},
		{"unbond and come back", func(e *env, b uint64) { e.vote(1, b); e.bond("digits", 1, 0); e.bond("digits", 1, 100) }, 0, 100},
		{"unbond half and come back", func(e *env, b uint64) { e.vote(1, b); e.bond("digits", 1, 50); e.bond("digits", 1, 100) }, 50, 150},
		{"transfer to another account that votes too", func(e *env, b uint64) {
			e.vote(1, b)
			e.bond("digits", 1, 0)
			e.bond("digits", 4, 100)
			e.vote(4, b)
		}, 0, 100},
		{"splitting into ten accounts", func(e *env, b uint64) {
			e.bond("digits", 1, 0)
			for n := 10; n < 20; n++ {
				e.bond("digits", n, 10)
				e.vote(n, b)
			}
		}, 0, 100},
		{"a swing in the last block", func(e *env, b uint64) {
			e.vote(2, b)
			e.wait(980)
			e.bond("digits", 5, 1_000_000)
			e.vote(5, b)
		}, 60, 200},
		{"raising the quorum in the last block", func(e *env, b uint64) {
			e.vote(1, b)
			e.wait(980)
			e.bond("digits", 5, 1_000_000)
		}, 100, 200},
		{"voting twice by way of another ballot", func(e *env, b uint64) { e.vote(1, e.open("digits")); e.vote(1, b) }, 100, 200},
		{"vote, unvote, vote", func(e *env, b uint64) { e.vote(1, b); e.unvote(1, b); e.vote(1, b) }, 100, 200},
		{"changing one's mind", func(e *env, b uint64) { e.vote(1, b); e.unvote(1, b) }, 0, 200},
		{"stake in another group", func(e *env, b uint64) { e.bond("other", 4, 10_000); e.bond("digits", 4, 10); e.vote(4, b) }, 0, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := newEnv(t, "digits", "other")
			ballot := e.open("digits")
			c.act(e, ballot)
			e.wait(1_000)
			for e.period("digits").Number == 1 {
				e.wait(10)
			}
			require.Equal(t, c.want, e.owner.outcome[ballot])
		})
		t.Run(c.name+", of all", func(t *testing.T) {
			e := newEnv(t, "digits", "other")
			c.act(e, e.open("digits"))
			require.Equal(t, c.all, e.period("digits").Tally.Standing.Int64())
		})
	}
}

func TestStakeThatCameInThePeriodCountsFromTheNext(t *testing.T) {
	e := newEnv(t, "digits")
	ballot := e.open("digits")
	e.bond("digits", 4, 1_000)
	require.Zero(t, e.vote(4, ballot))
	e.wait(1_000)
	require.Zero(t, e.owner.outcome[ballot])
	q := keeper.NewQueryServer(e.k)
	b, err := q.Ballot(e.ctx, &types.QueryBallotRequest{Id: ballot})
	require.NoError(t, err)
	require.Equal(t, int64(1_000), b.Ballot.Tally.Standing.Int64())
	require.Equal(t, int64(1_200), e.period("digits").Tally.Standing.Int64())
	e.wait(1_000)
	require.Equal(t, int64(1_000), e.owner.outcome[ballot], "the vote stands")
}

func TestVotesThatAreRefused(t *testing.T) {
	e := newEnv(t, "digits")
	a, b, c, d := e.open("digits"), e.open("digits"), e.open("digits"), e.open("digits")
	for says, try := range map[string]func() error{
		"expected at least 10 unrn": func() error {
			_, err := e.k.Vote(e.ctx, account(8), a, "")
			return err
		},
		`expected "a thing", got "another"`: func() error { _, err := e.k.Vote(e.ctx, account(1), a, "another"); return err },
		"99; list those of a group":         func() error { _, err := e.k.Vote(e.ctx, account(1), 99, ""); return err },
		"does not support ballot":           func() error { return e.k.Unvote(e.ctx, account(1), a) },
		"at most 512 bytes": func() error {
			_, err := e.k.OpenBallot(e.ctx, "digits", "test", 1, strings.Repeat("x", 513))
			return err
		},
		"only groups that exist": func() error { _, err := e.k.OpenBallot(e.ctx, "none", "test", 1, "x"); return err },
	} {
		require.ErrorContains(t, try(), says)
	}
	_, err := e.k.Vote(e.ctx, account(1), a, "a thing")
	require.NoError(t, err)
	_, err = e.k.Vote(e.ctx, account(1), a, "")
	require.ErrorIs(t, err, types.ErrVoted)
	e.vote(1, b)
	e.vote(1, c)
	_, err = e.k.Vote(e.ctx, account(1), d, "")
	require.ErrorIs(t, err, types.ErrTooManyVotes)
	require.NoError(t, e.k.CloseBallot(e.ctx, a))
	_, err = e.k.Vote(e.ctx, account(2), a, "")
	require.ErrorIs(t, err, types.ErrClosed)
	require.ErrorIs(t, e.k.CloseBallot(e.ctx, a), types.ErrClosed)
	e.vote(1, d) // the decided one does not count any more
}

func TestDecidedBallotsAreClearedAwayBlockByBlock(t *testing.T) {
	e := newEnv(t, "digits")
	for n := 10; n < 200; n++ {
		e.bonds["digits"][account(n)] = 10
		require.NoError(t, e.k.BondChanged(e.ctx, "digits", account(n), math.ZeroInt(), math.NewInt(10)))
	}
	a, b := e.open("digits"), e.open("digits")
	for n := 10; n < 200; n++ {
		_, err := e.k.Vote(e.ctx, account(n), a, "")
		require.NoError(t, err)
		_, err = e.k.Vote(e.ctx, account(n), b, "")
		require.NoError(t, err)
	}
	e.check()
	require.NoError(t, e.k.CloseBallot(e.ctx, a))
	require.NoError(t, e.k.CloseBallot(e.ctx, b))
	left := func() int {
		g, err := e.k.ExportGenesis(e.ctx)
		require.NoError(t, err)
		require.NoError(t, g.Validate())
		return len(g.Votes)
	}
	require.Equal(t, 380, left())
	e.wait(10)
	require.Equal(t, 181, left(), "200 a block, of which one was for a ballot")
	e.wait(10)
	require.Zero(t, left())
	has, err := e.k.Ballots.Has(e.ctx, b)
	require.NoError(t, err)
	require.False(t, has)
}

func TestABlockServesSomeGroupsAndTheOthersFollow(t *testing.T) {
	var groups []string
	for n := range 25 {
		groups = append(groups, fmt.Sprintf("g%02d", n))
	}
	e := newEnv(t, groups...)
	e.ctx = e.ctx.WithBlockTime(e.ctx.BlockTime().Add(790 * time.Second))
	for _, want := range []int{10, 20, 25, 25} {
		e.wait(10)
		checking := 0
		for _, g := range groups {
			if e.period(g).Phase == types.PERIOD_PHASE_CHECK {
				checking++
			}
		}
		require.Equal(t, want, checking)
	}
}

func TestStateSurvivesExport(t *testing.T) {
	e := newEnv(t, "digits", "other")
	a, b := e.open("digits"), e.open("other")
	e.vote(1, a)
	e.vote(2, b)
	e.bond("digits", 1, 50)
	e.bond("other", 7, 70)
	require.NoError(t, e.k.CloseBallot(e.ctx, b))
	e.wait(0)
	first, err := e.k.ExportGenesis(e.ctx)
	require.NoError(t, err)
	require.NoError(t, first.Validate())
	fresh := newEnv(t)
	fresh.bonds = e.bonds
	fresh.ctx = e.ctx.WithMultiStore(fresh.ctx.MultiStore())
	require.NoError(t, fresh.k.InitGenesis(fresh.ctx, *first))
	fresh.check()
	again, err := fresh.k.ExportGenesis(fresh.ctx)
	require.NoError(t, err)
	require.Equal(t, first, again)
}

func TestQueriesSayWhatAVoteWeighs(t *testing.T) {
	e := newEnv(t, "digits")
	a := e.open("digits")
	e.vote(1, a)
	e.bond("digits", 1, 170)
	q := keeper.NewQueryServer(e.k)
	v, err := q.Voter(e.ctx, &types.QueryVoterRequest{Group: "digits", Address: account(1)})
	require.NoError(t, err)
	require.Equal(t, "100 170 [1]", fmt.Sprint(v.Standing, " ", v.Bonded, " ", v.Ballots))
	votes, err := q.Votes(e.ctx, &types.QueryVotesRequest{Ballot: a})
	require.NoError(t, err)
	require.Equal(t, []types.VoterStake{{Voter: account(1), Standing: math.NewInt(100)}}, votes.Votes)
	open, err := q.Ballots(e.ctx, &types.QueryBallotsRequest{Group: "digits"})
	require.NoError(t, err)
	require.Len(t, open.Ballots, 1)
	p, err := q.Period(e.ctx, &types.QueryPeriodRequest{Group: "digits"})
	require.NoError(t, err)
	require.Equal(t, uint32(1), p.Period.OpenBallots)
	_, err = q.Period(e.ctx, &types.QueryPeriodRequest{Group: "none"})
	require.ErrorContains(t, err, "NotFound")
	_, err = q.Ballot(e.ctx, &types.QueryBallotRequest{Id: 9})
	require.ErrorContains(t, err, "NotFound")
	params, err := q.Params(e.ctx, &types.QueryParamsRequest{})
	require.NoError(t, err)
	require.Equal(t, uint64(period), params.Params.DefaultPeriodSeconds)
}

func TestMessagesVoteAndOnlyGovernanceChangesParams(t *testing.T) {
	e := newEnv(t, "digits")
	a := e.open("digits")
	m := keeper.NewMsgServer(e.k)
	r, err := m.Vote(e.ctx, &types.MsgVote{Sender: account(3), Ballot: a, Subject: "a thing"})
	require.NoError(t, err)
	require.Equal(t, int64(40), r.Standing.Int64())
	_, err = m.Unvote(e.ctx, &types.MsgUnvote{Sender: account(3), Ballot: a})
	require.NoError(t, err)
	e.check()
	update := func(who int, p types.Params) error {
		_, err := m.UpdateParams(e.ctx, &types.MsgUpdateParams{Authority: account(who), Params: p})
		return err
	}
	require.Error(t, update(1, params()))
	require.NoError(t, update(9, params()))
	bad := params()
	bad.MaxVotes = 0
	require.ErrorIs(t, update(9, bad), types.ErrInvalidParams)
}
