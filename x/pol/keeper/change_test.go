package keeper_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/pol/keeper"
	"github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// withGroup makes a chain with one group and gives account 1 a voice in it.
func withGroup(t *testing.T) *env {
	e := newEnv(t, nil)
	e.must(&types.MsgCreateGroup{Sender: account(7), Name: "digits", Settings: settings()})
	e.votes.standing[account(1)], e.votes.standing[account(2)] = 600, 400
	e.next()
	return e
}

func (e *env) propose(n int, times *types.GroupTimes, model *types.ModelSpec) (types.GroupChange, error) {
	return e.k.ProposeGroupChange(e.ctx, &types.MsgProposeGroupChange{Sender: account(n), Group: "digits", Times: times, Model: model, Summary: "because"})
}

func (e *env) periodEnds() {
	e.t.Helper()
	period := e.votes.period
	period.Group = "digits"
	require.NoError(e.t, keeper.Periods{Keeper: e.k}.PeriodEnded(e.ctx, period))
	e.votes.period.Number++
}

func (e *env) change(id uint64) types.GroupChange {
	e.t.Helper()
	c, err := e.k.Changes.Get(e.ctx, id)
	require.NoError(e.t, err)
	return c
}

func bigger() *types.ModelSpec {
	return &types.ModelSpec{InputShape: []uint32{4}, Layers: []*types.Layer{
		{Name: "hidden", Kind: "dense", Units: 8}, {Name: "act", Kind: "relu"}, {Name: "out", Kind: "dense", Units: 3},
	}}
}

func TestMoreThanHalfOfTheStakeChangesTimesAndTwoThirdsTheModel(t *testing.T) {
	for _, c := range []struct {
		name    string
		times   *types.GroupTimes
		model   *types.ModelSpec
		support int64
		adopted bool
	}{
		{"times with half", &types.GroupTimes{CommitBlocks: 20}, nil, 500, false},
		{"times with more than half", &types.GroupTimes{CommitBlocks: 20}, nil, 501, true},
		{"a model with less than two thirds", nil, bigger(), 666, false},
		{"a model with two thirds", nil, bigger(), 667, true},
		{"nothing behind it", &types.GroupTimes{CommitBlocks: 20}, nil, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := withGroup(t)
			change, err := e.propose(1, c.times, c.model)
			require.NoError(t, err)
			e.votes.support(change.Ballot, c.support)
			e.periodEnds()
			want := types.GROUP_CHANGE_STATUS_OPEN
			if c.adopted {
				want = types.GROUP_CHANGE_STATUS_ADOPTED
			}
			require.Equal(t, want, e.change(change.Id).Status)
			require.Equal(t, c.adopted, e.votes.ballots[0].Closed)
		})
	}
}

func TestTimesWaitForTheNextRoundAndVotingPeriodsForTheNext(t *testing.T) {
	e := withGroup(t)
	first := e.until("digits", types.ROUND_PHASE_COMMIT)
	change, err := e.propose(1, &types.GroupTimes{CommitBlocks: 25, NominalSeconds: 7_200, PeriodSeconds: 86_400}, nil)
	require.NoError(t, err)
	require.Contains(t, e.votes.ballots[0].Subject, "commit 25, reveal 0 blocks, nominal 7200, voting period 86400 seconds (0 as it is): because")
	e.votes.support(change.Ballot, 900)
	e.periodEnds()
	require.Equal(t, uint64(86_400), e.votes.period.Seconds)
	require.Equal(t, uint64(phase), e.group("digits").Settings.CommitBlocks, "the open round goes on as it was")
	require.Equal(t, first.CommitUntil, e.round("digits", 1).CommitUntil)
	e.until("digits", types.ROUND_PHASE_SETTLED)
	second := e.until("digits", types.ROUND_PHASE_COMMIT)
	require.Equal(t, int64(25), second.CommitUntil-second.OpenedHeight)
	g := e.group("digits")
	require.Equal(t, uint64(7_200), g.Settings.NominalSeconds)
	require.Equal(t, uint64(phase), g.Settings.RevealBlocks, "0 leaves it as it is")
	require.Equal(t, types.GROUP_CHANGE_STATUS_ACTIVE, e.change(change.Id).Status)
	require.Empty(t, g.PendingChanges)
}

func TestAnotherModelStartsALineageThatKeepsWeightsAfterADelay(t *testing.T) {
	e := withGroup(t)
	won := e.play("digits", trained(1, 10))
	require.NotEmpty(t, won.Winner)
	before := e.group("digits")
	change, err := e.propose(1, nil, bigger())
	require.NoError(t, err)
	e.votes.support(change.Ballot, 667)
	e.periodEnds()
	e.play("digits")
	require.Equal(t, before.ModelVersion, e.group("digits").ModelVersion, "the delay has not passed")

	e.ctx = e.ctx.WithBlockTime(e.ctx.BlockTime().Add(25 * time.Hour))
	e.until("digits", types.ROUND_PHASE_SETTLED)
	r := e.until("digits", types.ROUND_PHASE_COMMIT)
	g := e.group("digits")
	require.Equal(t, before.ModelVersion+1, g.ModelVersion)
	require.Equal(t, *bigger(), g.Settings.Model)
	require.NotEqual(t, before.ModelHash, g.ModelHash)
	require.Empty(t, g.Parent.Cid, "a lineage of its own")
	carried := &types.CarriedWeights{Checkpoint: before.Parent, Model: before.Settings.Model}
	require.Equal(t, carried, g.Carried)
	require.Equal(t, carried, r.Carried, "the round pins what it starts from")
	m := types.NewScoreManifest(chainID, g, r, "", r.Parent)
	require.Equal(t, carried, m.Carried)
	require.Equal(t, g.Settings.InitSeed, m.InitSeed)
	require.Nil(t, types.NewScoreManifest(chainID, g, r, account(1), types.Checkpoint{Cid: "x"}).Carried, "a candidate is what it is")

	// A second change before any win carries the same weights on; the first win ends it.
	again, err := e.propose(1, nil, &smaller)
	require.NoError(t, err)
	e.votes.support(again.Ballot, 1_000)
	e.periodEnds()
	e.ctx = e.ctx.WithBlockTime(e.ctx.BlockTime().Add(25 * time.Hour))
	e.until("digits", types.ROUND_PHASE_SETTLED)
	e.until("digits", types.ROUND_PHASE_COMMIT)
	require.Equal(t, carried, e.group("digits").Carried)
	require.NotEmpty(t, e.play("digits", trained(2, 50)).Winner)
	require.Nil(t, e.group("digits").Carried)
}

var smaller = types.ModelSpec{InputShape: []uint32{4}, Layers: []*types.Layer{{Name: "out", Kind: "dense", Units: 3}}}

func TestChangesThatAreRefused(t *testing.T) {
	e := withGroup(t)
	for says, try := range map[string]func() error{
		"expected either times or a model": func() error { _, err := e.propose(1, nil, nil); return err },
		"at least one that is not 0":       func() error { _, err := e.propose(1, &types.GroupTimes{}, nil); return err },
		"commit_blocks: expected":          func() error { _, err := e.propose(1, &types.GroupTimes{CommitBlocks: 1}, nil); return err },
		"expected 86400 to 1209600 seconds": func() error {
			_, err := e.propose(1, &types.GroupTimes{PeriodSeconds: 60}, nil)
			return err
		},
		"it is the one that the group has": func() error { _, err := e.propose(1, nil, &smaller); return err },
		"feature columns": func() error {
			_, err := e.propose(1, nil, &types.ModelSpec{InputShape: []uint32{9}, Layers: smaller.Layers})
			return err
		},
		"10000 millionths of the 1000 unrn": func() error {
			e.votes.standing[account(3)] = 9
			_, err := e.propose(3, &types.GroupTimes{CommitBlocks: 20}, nil)
			return err
		},
		"expected a sentence": func() error {
			_, err := e.k.ProposeGroupChange(e.ctx, &types.MsgProposeGroupChange{Sender: account(1), Group: "digits", Times: &types.GroupTimes{CommitBlocks: 20}})
			return err
		},
	} {
		require.ErrorContains(t, try(), says)
	}
	_, err := e.propose(1, &types.GroupTimes{CommitBlocks: 20}, nil)
	require.NoError(t, err)
	_, err = e.propose(1, &types.GroupTimes{CommitBlocks: 30}, nil)
	require.ErrorContains(t, err, "has proposed change 1, which is open")
	_, err = e.propose(2, &types.GroupTimes{CommitBlocks: 30}, nil)
	require.NoError(t, err)
}

func TestAChangeWithoutSupportLapsesAndIsForgotten(t *testing.T) {
	e := withGroup(t)
	change, err := e.propose(1, &types.GroupTimes{CommitBlocks: 20}, nil)
	require.NoError(t, err)
	for range 3 {
		e.periodEnds()
		require.Equal(t, types.GROUP_CHANGE_STATUS_OPEN, e.change(change.Id).Status)
	}
	e.periodEnds()
	require.Equal(t, types.GROUP_CHANGE_STATUS_EXPIRED, e.change(change.Id).Status)
	for range 8 {
		require.Equal(t, types.GROUP_CHANGE_STATUS_EXPIRED, e.change(change.Id).Status)
		e.periodEnds()
	}
	has, err := e.k.Changes.Has(e.ctx, change.Id)
	require.NoError(t, err)
	require.False(t, has)
}

func TestAnAdoptedChangeThatNoLongerSuitsIsDropped(t *testing.T) {
	e := withGroup(t)
	change, err := e.propose(1, nil, bigger())
	require.NoError(t, err)
	e.votes.support(change.Ballot, 1_000)
	e.periodEnds()
	shape, err := settings().Shape()
	require.NoError(t, err)
	p := params()
	p.MaxGroupCost = shape.RoundCost(e.round("digits", 1)) // enough for the present model only
	require.NoError(t, e.k.Params.Set(e.ctx, p))
	e.ctx = e.ctx.WithBlockTime(e.ctx.BlockTime().Add(25 * time.Hour))
	e.until("digits", types.ROUND_PHASE_SETTLED)
	e.until("digits", types.ROUND_PHASE_COMMIT)
	c := e.change(change.Id)
	require.Equal(t, types.GROUP_CHANGE_STATUS_FAILED, c.Status)
	require.Contains(t, c.Note, "use a smaller model or table")
	require.Equal(t, uint64(1), e.group("digits").ModelVersion)
}

func TestAForkGoesOnFromTheCheckpointOverItsOwnData(t *testing.T) {
	e := withGroup(t)
	e.play("digits", trained(1, 10))
	source := e.group("digits")
	fork := func(name string) error {
		return e.k.ForkGroup(e.ctx, &types.MsgForkGroup{Sender: account(3), Source: "digits", Name: name, TrainingSet: "mine"})
	}
	require.ErrorIs(t, fork("digits"), types.ErrGroupExists)
	burned := e.balance(account(3))
	require.NoError(t, fork("mine"))
	require.Equal(t, [][]string{{"digits", "mine", account(3), "mine"}}, e.sets.forked)
	require.Equal(t, burned-500, e.balance(account(3)))
	g := e.group("mine")
	require.Equal(t, source.Parent, g.Parent)
	require.Equal(t, source.ModelHash, g.ModelHash)
	require.Equal(t, "mine", g.Settings.TrainingSet)
	require.Equal(t, "digits", g.ForkedFrom)
	require.Equal(t, account(3), g.Creator)
	require.Contains(t, e.votes.opened, "mine 0")
	require.Equal(t, uint64(1), e.until("mine", types.ROUND_PHASE_COMMIT).Number)
}

func TestBondsAreToldToTheVotesAndComeBackWhateverTheySay(t *testing.T) {
	e := withGroup(t)
	e.must(&types.MsgBondGroup{Sender: account(1), Group: "digits", Amount: math.NewInt(100)})
	e.must(&types.MsgBondGroup{Sender: account(1), Group: "digits", Amount: math.NewInt(50)})
	e.must(&types.MsgUnbondGroup{Sender: account(1), Group: "digits", Amount: math.NewInt(30)})
	who := account(1)
	require.Equal(t, []string{"digits " + who + " 0 100", "digits " + who + " 100 150", "digits " + who + " 150 120"}, e.votes.changed)
	e.votes.broken, e.lax = true, true
	e.must(&types.MsgUnbondGroup{Sender: account(1), Group: "digits", Amount: math.NewInt(120)})
	bonded, err := e.k.Bonded(e.ctx, "digits", who)
	require.NoError(t, err)
	require.True(t, bonded.IsZero())
}

// With default parameters one staked group earns its proposer exactly one millionth of the supply a week; more groups or shorter
// periods earn no more together.
func TestProposersEarnAMillionthAWeekHoweverItIsCut(t *testing.T) {
	const week = 7 * 24 * time.Hour
	type group struct {
		stake  int64
		length time.Duration
	}
	for _, c := range []struct {
		name   string
		groups []group
		exact  bool
	}{
		{"one group, weekly", []group{{1_000_000, week}}, true},
		{"one group, daily", []group{{1_000_000, week / 7}}, false},
		{"three groups, weekly", []group{{1_000_000, week}, {500_000, week}, {7, week}}, false},
		{"two groups, one daily", []group{{300_000, week}, {700_000, week / 7}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := params()
			p.UnbondingSeconds = 21 * 24 * 3_600
			p.MinGroupStake = math.OneInt()
			e := newEnv(t, func(g *types.GenesisState) { g.Params = p })
			names := []string{"aa", "bb", "cc"}
			for i, g := range c.groups {
				e.must(&types.MsgCreateGroup{Sender: account(7), Name: names[i], Settings: settings()})
				e.must(&types.MsgBondGroup{Sender: account(6), Group: names[i], Amount: math.NewInt(g.stake)})
			}
			supply := e.supply()
			start := e.ctx.BlockTime()
			open := func(i int) {
				require.NoError(t, keeper.Periods{Keeper: e.k}.PeriodOpened(e.ctx, votingtypes.Period{
					Group: names[i], OpenedUnixMs: e.ctx.BlockTime().UnixMilli(), Seconds: uint64(c.groups[i].length.Seconds())}))
			}
			for i := range c.groups {
				open(i)
			}
			before := e.balance(account(3))
			for day := 1; day <= 7; day++ {
				e.ctx = e.ctx.WithBlockTime(start.Add(time.Duration(day)*week/7 + 3*time.Second))
				for i, g := range c.groups {
					if time.Duration(day)*week/7%g.length != 0 {
						continue
					}
					reward, err := e.k.PayProposer(e.ctx, names[i], account(3))
					require.NoError(t, err)
					require.True(t, reward.IsPositive() || g.stake < 1_000)
					again, err := e.k.PayProposer(e.ctx, names[i], account(3))
					require.NoError(t, err)
					require.True(t, again.IsZero(), "once a period")
					open(i)
				}
			}
			earned := e.balance(account(3)) - before
			millionth := supply.QuoRaw(1_000_000).Int64()
			if c.exact {
				require.Equal(t, millionth, earned)
			} else {
				require.LessOrEqual(t, earned, millionth+1, "the supply itself grows a little within the week")
				require.Greater(t, earned, millionth*9/10)
			}
		})
	}
}

func TestProposersEarnNothingWhere(t *testing.T) {
	e := withGroup(t)
	pay := func() int64 {
		reward, err := e.k.PayProposer(e.ctx, "digits", account(3))
		require.NoError(t, err)
		return reward.Int64()
	}
	open := func() {
		require.NoError(t, keeper.Periods{Keeper: e.k}.PeriodOpened(e.ctx, votingtypes.Period{Group: "digits", OpenedUnixMs: e.ctx.BlockTime().UnixMilli(), Seconds: 3_600}))
		e.ctx = e.ctx.WithBlockTime(e.ctx.BlockTime().Add(time.Hour))
	}
	require.Zero(t, pay(), "no period has opened")
	open()
	require.Zero(t, pay(), "nobody has stake")
	e.must(&types.MsgBondGroup{Sender: account(1), Group: "digits", Amount: math.NewInt(5_000)})
	open()
	e.must(&types.MsgUnbondGroup{Sender: account(1), Group: "digits", Amount: math.NewInt(5_000)})
	e.must(&types.MsgBondGroup{Sender: account(1), Group: "digits", Amount: math.NewInt(5_000)})
	require.Zero(t, pay(), "the stake was gone for a moment")
	open()
	require.NoError(t, e.k.SetGroupCoinbase(e.ctx, "digits", false))
	require.Zero(t, pay(), "governance took the coinbase")
	require.NoError(t, e.k.SetGroupCoinbase(e.ctx, "digits", true))
	open()
	require.Positive(t, pay())
}

func TestAGroupThatWaitsForItsDataLooksAgainWhenItChanges(t *testing.T) {
	e := withGroup(t)
	e.sets.problem = trainingsettypes.ErrNotVerified.Wrap("not yet")
	e.until("digits", types.ROUND_PHASE_SETTLED)
	e.advance(2)
	require.Contains(t, e.group("digits").Note, "waits for its training set")
	e.sets.problem = nil
	due, err := e.k.DueByGroup.Get(e.ctx, "digits")
	require.NoError(t, err)
	require.Greater(t, due, e.ctx.BlockHeight())
	set := e.sets.set
	set.Group = "digits"
	require.NoError(t, keeper.TrainingSets{Keeper: &e.k}.AfterTableChanged(e.ctx, set))
	e.next()
	require.Equal(t, types.ROUND_PHASE_COMMIT, e.round("digits", 2).Phase)
}
