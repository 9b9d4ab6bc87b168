package keeper_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/attestation/types"
)

func TestATaskSettlesOnTheAnswerBehindWhichMoreThanTwoThirdsStand(t *testing.T) {
	c := newChain(t, 40, 30, 30)
	id := c.openTask()
	opened := c.task(id)
	require.Equal(t, opened.OpenedHeight+window, opened.CommitUntil)
	require.Equal(t, int64(40+30+30), func() int64 { s, _ := c.Snapshots.Get(c.ctx, opened.Snapshot); return s.TotalPower }())

	c.block(commit(0, id, "a"), commit(1, id, "a"))
	require.Equal(t, types.TASK_STATUS_COMMIT, c.task(id).Status, "the third may still commit")
	c.block(commit(2, id, "b"))
	open0 := c.task(id)
	require.Equal(t, types.TASK_STATUS_OPEN, open0.Status, "all have committed, so the window closes early")
	require.Equal(t, c.ctx.BlockHeight()-1, open0.CommitUntil)
	require.Equal(t, c.ctx.BlockHeight()-1+window, open0.OpenUntil)

	c.block(open(1, id, "a"))
	settled := c.task(id)
	require.Equal(t, types.TASK_STATUS_SETTLED, settled.Status)
	require.Equal(t, []byte("a"), settled.Answer)
	require.Equal(t, []string{"op0", "op1"}, settled.Matched)
	require.Equal(t, []string{"op2"}, settled.Mismatched, "one opening reveals the whole vote")
	require.Equal(t, int64(70), settled.MatchedPower)
	require.Equal(t, int64(100), settled.TotalPower)
	require.Equal(t, c.ctx.BlockHeight(), settled.FinishedHeight)
	require.Equal(t, []types.Task{settled}, c.owner.settled)
	require.Len(t, c.events(&types.EventTaskSettled{}), 1)

	shares, err := c.Matched(c.ctx, id)
	require.NoError(t, err)
	require.Equal(t, []types.Member{{Operator: "op0", Power: 40, FactorE6: types.UnitFactor}, {Operator: "op1", Power: 30, FactorE6: types.UnitFactor}}, shares)
}

func TestTheCommitWindowIsExtendedOnceThenTheTaskExpires(t *testing.T) {
	c := newChain(t, 1, 1, 1)
	id := c.openTask()
	until := c.task(id).CommitUntil
	c.block(commit(0, id, "a"), commit(1, id, "a")) // exactly two thirds
	for c.ctx.BlockHeight()-1 < until-1 {
		c.block(c.alive()...)
	}
	require.False(t, c.task(id).CommitExtended)
	c.block(c.alive()...)
	extended := c.task(id)
	require.Equal(t, types.TASK_STATUS_COMMIT, extended.Status, "nobody may open while committed power is two thirds or less")
	require.True(t, extended.CommitExtended)
	require.Equal(t, until+window, extended.CommitUntil)
	require.Contains(t, extended.Note, "2 of 3 power had committed")
	require.Len(t, c.events(&types.EventTaskExtended{}), 1)

	c.blocks(window)
	expired := c.task(id)
	require.Equal(t, types.TASK_STATUS_EXPIRED, expired.Status)
	require.Contains(t, expired.Note, "only 2 of 3 power committed")
	require.Empty(t, expired.Mismatched, "an expired task is nobody's fault")
	require.Equal(t, []types.Task{expired}, c.owner.expired)
	require.Len(t, c.events(&types.EventTaskExpired{}), 1)
}

func TestAWindowWithoutLastVotesClosesAtItsEnd(t *testing.T) {
	c := newChain(t, 34, 33, 33)
	id := c.openTask()
	until := c.task(id).CommitUntil
	c.block(commit(0, id, "a"), commit(1, id, "a"))
	for c.task(id).Status == types.TASK_STATUS_COMMIT {
		c.block(c.alive()...)
	}
	require.Equal(t, until+1, c.ctx.BlockHeight())
	require.Equal(t, until, c.task(id).CommitUntil)
	c.block(open(0, id, "a"))
	require.Equal(t, types.TASK_STATUS_SETTLED, c.task(id).Status)
	require.Empty(t, c.task(id).Mismatched, "not committing is an abstention, never a no")
}

func TestATaskThatNobodyOpensIsExtendedThenExpires(t *testing.T) {
	c := newChain(t, 1, 1, 1)
	id := c.openTask()
	c.block(commit(0, id, "a"), commit(1, id, "a"), commit(2, id, "a"))
	c.blocks(window)
	require.True(t, c.task(id).OpenExtended)
	require.Equal(t, types.TASK_STATUS_OPEN, c.task(id).Status)
	require.Contains(t, c.task(id).Note, "open window extended: no answer of 0 opened")
	c.blocks(window)
	require.Equal(t, types.TASK_STATUS_EXPIRED, c.task(id).Status)
}

func TestASplitVoteExpires(t *testing.T) {
	c := newChain(t, 1, 1, 1)
	id := c.openTask()
	c.block(commit(0, id, "a"), commit(1, id, "a"), commit(2, id, "b"))
	c.block(open(0, id, "a"), open(2, id, "b"))
	require.Equal(t, types.TASK_STATUS_OPEN, c.task(id).Status)
	c.blocks(2 * window)
	require.Equal(t, types.TASK_STATUS_EXPIRED, c.task(id).Status)
	require.Contains(t, c.task(id).Note, "no answer of 2 opened has more than two thirds")
}

func TestTooFewLiveValidatorsDelayADecisionThatPowerWouldMake(t *testing.T) {
	c := newChain(t, 70, 10, 10, 10)
	id := c.openTask()
	c.block(commit(0, id, "a"))
	until := c.task(id).CommitUntil
	for c.ctx.BlockHeight()-1 < until {
		c.block(sign(0, types.VoteExtension{}))
	}
	c.block(open(0, id, "a"))
	require.Equal(t, types.TASK_STATUS_OPEN, c.task(id).Status, "only one of four is live, three are needed")
	for !c.task(id).OpenExtended {
		c.block(sign(0, types.VoteExtension{}))
	}
	require.Contains(t, c.task(id).Note, "1 of 4 validators are live, 3 are needed")
	c.block(sign(0, types.VoteExtension{}), sign(1, types.VoteExtension{}), sign(2, types.VoteExtension{}))
	require.Equal(t, types.TASK_STATUS_SETTLED, c.task(id).Status, "it settles as soon as enough are live")
}

func TestWithoutEnoughLiveValidatorsATaskExpires(t *testing.T) {
	c := newChain(t, 70, 10, 10, 10)
	id := c.openTask()
	c.block(commit(0, id, "a"))
	for c.task(id).Status == types.TASK_STATUS_COMMIT {
		c.block(sign(0, types.VoteExtension{}))
	}
	c.block(open(0, id, "a"))
	for range 2 * window {
		c.block(sign(0, types.VoteExtension{}))
	}
	require.Equal(t, types.TASK_STATUS_EXPIRED, c.task(id).Status)
	require.Contains(t, c.task(id).Note, "validators are live")
}

func TestAMinimumOfLiveValidatorsHoldsOnAnyNetwork(t *testing.T) {
	c := newChain(t, 1, 1, 1)
	p := testParams()
	p.MinLiveValidators = 21
	require.NoError(t, c.Params.Set(c.ctx, p))
	id := c.openTask()
	c.block(commit(0, id, "a"), commit(1, id, "a"), commit(2, id, "a"))
	c.block(open(0, id, "a"))
	require.Equal(t, types.TASK_STATUS_OPEN, c.task(id).Status)
}

func TestReputationDelaysADecisionButNeverMakesOne(t *testing.T) {
	c := newChain(t, 70, 30)
	c.weights["op0"] = 800_000
	id := c.openTask()
	c.block(commit(0, id, "a"), commit(1, id, "b"))
	c.weights["op0"] = types.UnitFactor // the snapshot was taken at opening
	c.block(open(0, id, "a"))
	require.Equal(t, types.TASK_STATUS_OPEN, c.task(id).Status)

	d := newChain(t, 66, 34)
	d.weights["op1"] = 1
	id = d.openTask()
	d.block(commit(0, id, "a"), commit(1, id, "b"))
	d.block(open(0, id, "a"))
	require.Equal(t, types.TASK_STATUS_OPEN, d.task(id).Status)
}

func TestPowerIsThatOfTheOpening(t *testing.T) {
	t.Run("a later joiner does not count", func(t *testing.T) {
		c := newChain(t, 1, 1, 1)
		id := c.openTask()
		c.staking.powers = append(c.staking.powers, 1_000)
		c.block(commit(0, id, "a"), commit(1, id, "a"), commit(3, id, "b"))
		has, err := c.Witnesses.Has(c.ctx, join(id, operator(3)))
		require.NoError(t, err)
		require.False(t, has)
		c.block(commit(2, id, "a"))
		c.block(open(3, id, "b"), open(0, id, "a"))
		require.Equal(t, types.TASK_STATUS_SETTLED, c.task(id).Status)
		require.Equal(t, int64(3), c.task(id).TotalPower)
	})
	t.Run("a leaver stays in the denominator", func(t *testing.T) {
		c := newChain(t, 1, 1, 1)
		id := c.openTask()
		c.staking.powers = c.staking.powers[:2]
		c.block(commit(0, id, "a"), commit(1, id, "a"))
		c.blocks(2 * window)
		require.Equal(t, types.TASK_STATUS_EXPIRED, c.task(id).Status, "two of three are not more than two thirds")
	})
	t.Run("stake bought or lost later changes nothing", func(t *testing.T) {
		c := newChain(t, 40, 30, 30)
		id := c.openTask()
		c.staking.powers = []int64{1, 1, 1_000}
		c.block(commit(0, id, "a"), commit(1, id, "a"), commit(2, id, "b"))
		c.block(open(0, id, "a"), open(2, id, "b"))
		require.Equal(t, []byte("a"), c.task(id).Answer)
		require.Equal(t, int64(70), c.task(id).MatchedPower)
	})
	t.Run("without bonded power work waits", func(t *testing.T) {
		c := newChain(t, 0)
		id, artefact := c.queue("score", 1, 0), c.ask()
		c.block()
		require.Equal(t, types.TASK_STATUS_QUEUED, c.task(id).Status)
		require.Zero(t, c.artefact(artefact).AskedHeight)
		c.staking.powers[0] = 1
		c.block()
		require.Equal(t, types.TASK_STATUS_COMMIT, c.task(id).Status)
		require.NotZero(t, c.artefact(artefact).AskedHeight)
	})
}

func TestAnOwnersFaultDropsItsWritesAndNothingElse(t *testing.T) {
	for _, fault := range []string{"", "error", "panic"} {
		t.Run("fault "+fault, func(t *testing.T) {
			c := newChain(t, 1)
			c.owner.fault = fault
			id := c.openTask()
			c.block(commit(0, id, "a"))
			c.block(open(0, id, "a"))
			require.Equal(t, types.TASK_STATUS_SETTLED, c.task(id).Status)
			require.Len(t, c.owner.settled, 1)
			require.Equal(t, fault == "", c.ctx.KVStore(c.store).Has(ownerKey))
			if fault != "" {
				failed := c.events(&types.EventCallbackFailed{})
				require.Len(t, failed, 1)
				require.Contains(t, said(failed[0], "error"), "owner")
			}

			artefact := c.ask()
			c.block()
			c.block(hold(0, artefact))
			require.Equal(t, types.ARTEFACT_STATUS_HELD, c.artefact(artefact).Status)
			require.Equal(t, fault == "", c.ctx.KVStore(c.store).Has(ownerKey))

			id = c.openTask()
			c.blocks(2*window + 2)
			require.Equal(t, types.TASK_STATUS_EXPIRED, c.task(id).Status)
			require.Len(t, c.owner.expired, 1)
		})
	}
}

func TestBrokenWorkCostsOnlyItsOwnTurn(t *testing.T) {
	c := newChain(t, 1)
	broken := c.openTask()
	c.block()
	sound := c.openTask()
	task := c.task(broken)
	task.Snapshot = 1 // no such snapshot
	require.NoError(t, c.Tasks.Set(c.ctx, broken, task))
	c.block(commit(0, sound, "a"))
	require.Len(t, c.events(&types.EventCallbackFailed{}), 1)
	c.block(open(0, sound, "a"))
	require.Equal(t, types.TASK_STATUS_SETTLED, c.task(sound).Status)
}

func TestOpenTaskRefuses(t *testing.T) {
	c := newChain(t, 1)
	for _, r := range []struct {
		name     string
		kind     string
		manifest []byte
		cost     uint64
		priority math.Int
		want     string
	}{
		{"a kind that nobody registered", "audit", []byte("x"), 1, math.ZeroInt(), "registered by no module"},
		{"no inputs", "score", nil, 1, math.ZeroInt(), "expected 1 to 65536 bytes, got 0"},
		{"too large inputs", "score", make([]byte, types.MaxManifestSize+1), 1, math.ZeroInt(), "got 65537"},
		{"a cost above the budget of its kind", "data", []byte("x"), 101, math.ZeroInt(), "expected at most 100, got 101"},
		{"a negative priority", "score", []byte("x"), 1, math.NewInt(-1), "priority"},
		{"no priority", "score", []byte("x"), 1, math.Int{}, "priority"},
	} {
		t.Run(r.name, func(t *testing.T) {
			_, err := c.OpenTask(c.ctx, r.kind, nil, r.manifest, r.cost, r.priority)
			require.ErrorContains(t, err, r.want)
		})
	}
	require.Zero(t, c.prefixes()[3], "nothing was stored")
	most, err := c.MaxCost(c.ctx, "data")
	require.NoError(t, err)
	require.Equal(t, uint64(100), most)
}

func TestRegisterKindPanicsOnProgrammingErrors(t *testing.T) {
	c := newChain(t, 1)
	for _, k := range []types.Kind{{Name: "score", MaxAnswer: 1}, {Name: "", MaxAnswer: 1}, {Name: "new", MaxAnswer: 0}, {Name: "new", MaxAnswer: 257}} {
		require.Panics(t, func() { c.RegisterKind(k, c.owner) }, "%+v", k)
	}
}

func TestALongAnswerOfItsKindIsNotOpened(t *testing.T) {
	c := newChain(t, 1)
	id := c.openTask()
	long := strings.Repeat("a", 65) // the kind allows 64
	c.block(commit(0, id, long))
	c.block(open(0, id, long))
	require.Equal(t, types.TASK_STATUS_OPEN, c.task(id).Status)
}

func TestAKindMayHaveWindowsOfItsOwn(t *testing.T) {
	c := emptyChain(t, 1, 1, 1)
	const short = types.MinWindow
	c.RegisterKind(types.Kind{Name: "store", MaxAnswer: 32, Window: short}, c.owner)
	p := testParams()
	p.CommitWindow, p.OpenWindow = 25, 30
	p.Budgets = append(p.Budgets, types.KindBudget{Kind: "store", Cost: 10})
	require.NoError(t, c.InitGenesis(c.ctx, types.GenesisState{Params: p}))
	for kind, want := range map[string][2]int64{"score": {25, 30}, "store": {short, short}} {
		id, err := c.OpenTask(c.ctx, kind, nil, []byte("m"), 1, math.ZeroInt())
		require.NoError(t, err)
		c.block(c.alive()...)
		opened := c.task(id)
		require.Equal(t, opened.OpenedHeight+want[0], opened.CommitUntil, kind)
		c.block(c.alive()...) // what is signed at the height of the opening is too early
		c.block(commit(0, id, "a"), commit(1, id, "a"))
		for c.task(id).CommitUntil == opened.CommitUntil {
			c.block(c.alive()...)
		}
		extended := c.task(id)
		require.Equal(t, opened.CommitUntil+want[0], extended.CommitUntil, kind)
		c.block(commit(2, id, "b"))
		open0 := c.task(id)
		require.Equal(t, types.TASK_STATUS_OPEN, open0.Status)
		require.Equal(t, open0.CommitUntil+want[1], open0.OpenUntil, kind)
		for c.task(id).OpenUntil == open0.OpenUntil {
			c.block(c.alive()...)
		}
		require.Equal(t, open0.OpenUntil+want[1], c.task(id).OpenUntil, kind)
	}
	require.PanicsWithValue(t, `task kind "hasty": expected windows of at least 10 heights, or 0, got 9`, func() {
		c.RegisterKind(types.Kind{Name: "hasty", MaxAnswer: 1, Window: 9}, c.owner)
	})
}
