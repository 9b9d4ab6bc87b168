package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/x/attestation/keeper"
	"github.com/pold-network/pold/x/attestation/types"
)

// lives runs the life of tasks and artefacts in every phase and calls at after each block.
func (c *chain) lives(at func()) {
	step := func(e ...keeper.SignedExtension) {
		c.block(e...)
		at()
	}
	settled, waiting := c.queue("score", 600, 0), c.queue("score", 600, 0)
	held, withheld := c.ask(), c.ask()
	at()
	step(c.alive()...)
	step(c.alive()...)
	step(commit(0, settled, "a"), commit(1, settled, "a"), hold(2, held))
	step(commit(2, settled, "b"), hold(0, held), hold(1, held))
	step(open(0, settled, "a"), open(2, settled, "b"))
	for range 75 {
		step(c.alive()...)
	}
	require.Equal(c.t, types.TASK_STATUS_EXPIRED, c.owner.expired[0].Status)
	require.Equal(c.t, waiting, c.owner.expired[0].Id)
	require.Equal(c.t, settled, c.owner.settled[0].Id)
	require.Equal(c.t, []uint64{held, withheld}, []uint64{c.owner.judged[0].Id, c.owner.judged[1].Id})
}

func TestGenesisRoundTripInEveryPhase(t *testing.T) {
	c := newChain(t, 2, 2, 1)
	phases := map[types.TaskStatus]bool{}
	c.lives(func() {
		exported, err := c.ExportGenesis(c.ctx)
		require.NoError(t, err)
		require.NoError(t, exported.Validate())
		for _, task := range exported.Tasks {
			phases[task.Status] = true
		}
		fresh := emptyChain(t, 2, 2, 1)
		require.NoError(t, fresh.InitGenesis(fresh.ctx, *exported))
		again, err := fresh.ExportGenesis(fresh.ctx)
		require.NoError(t, err)
		require.Equal(t, exported, again)
		before, after := c.prefixes(), fresh.prefixes()
		delete(before, ownerKey[0])
		require.Equal(t, before, after, "indexes are rebuilt")
	})
	require.Len(t, phases, 5, "the round trip was made in every phase")
}

func TestAnImportedChainGoesOnAsTheOldOneWould(t *testing.T) {
	c := newChain(t, 2, 2, 1)
	id := c.openTask()
	c.block(commit(0, id, "a"), commit(1, id, "a"))
	exported, err := c.ExportGenesis(c.ctx)
	require.NoError(t, err)
	fresh := emptyChain(t, 2, 2, 1)
	require.NoError(t, fresh.InitGenesis(fresh.ctx, *exported))
	fresh.ctx = fresh.ctx.WithBlockHeight(c.ctx.BlockHeight())
	for _, x := range []*chain{c, fresh} {
		x.block(commit(2, id, "a"))
		x.block(open(0, id, "a"))
		require.Equal(t, types.TASK_STATUS_SETTLED, x.task(id).Status)
	}
	a, err := c.ExportGenesis(c.ctx)
	require.NoError(t, err)
	b, err := fresh.ExportGenesis(fresh.ctx)
	require.NoError(t, err)
	require.Equal(t, a, b)
}

// What may stay for ever: parameters, the two counters, the use of budgets by kind.
func TestAfterItsRetentionNothingOfFinishedWorkIsLeft(t *testing.T) {
	c := newChain(t, 2, 2, 1)
	c.lives(func() {})
	c.blocks(int(testParams().Retention) + 2)
	kept := c.prefixes()
	delete(kept, ownerKey[0])
	want := map[byte]int{
		types.ParamsKey.Bytes()[0]: 1, types.NextTaskKey.Bytes()[0]: 1, types.NextArtefactKey.Bytes()[0]: 1,
		types.BudgetUseKey.Bytes()[0]: 2, types.SeenKey.Bytes()[0]: 3,
		types.BeaconKey.Bytes()[0]: 1, types.NextDrawKey.Bytes()[0]: 1,
	}
	require.Equal(t, want, kept)

	for range int(testParams().Retention) + 2*window + 1 {
		c.block() // nobody is live any more
	}
	delete(want, types.SeenKey.Bytes()[0])
	kept = c.prefixes()
	delete(kept, ownerKey[0])
	require.Equal(t, want, kept, "operators that are gone are forgotten")
}

func TestASnapshotIsKeptUntilItsLastUserIsGone(t *testing.T) {
	c := newChain(t, 1)
	first, second := c.queue("score", 1, 0), c.queue("score", 1, 0)
	c.block()
	require.Equal(t, c.task(first).Snapshot, c.task(second).Snapshot, "one a block")
	s, err := c.Snapshots.Get(c.ctx, c.task(first).Snapshot)
	require.NoError(t, err)
	require.Equal(t, uint64(2), s.References)
	c.block()
	c.block(commit(0, first, "a"))
	c.block(open(0, first, "a"))
	for range int(testParams().Retention) {
		c.block()
	}
	require.True(t, func() bool { has, _ := c.Tasks.Has(c.ctx, first); return has }(), "readable for the whole retention")
	c.block()
	require.False(t, func() bool { has, _ := c.Tasks.Has(c.ctx, first); return has }())
	s, err = c.Snapshots.Get(c.ctx, c.task(second).Snapshot)
	require.NoError(t, err)
	require.Equal(t, uint64(1), s.References)
}

func TestAnItemThatCannotBeRemovedDoesNotKeepTheOthers(t *testing.T) {
	c := newChain(t, 1)
	broken := c.openTask()
	sound := c.openTask()
	for _, id := range []uint64{broken, sound} {
		c.block(commit(0, id, "a"))
		c.block(open(0, id, "a"))
		require.Equal(t, types.TASK_STATUS_SETTLED, c.task(id).Status)
	}
	require.NoError(t, c.Snapshots.Remove(c.ctx, c.task(broken).Snapshot))
	for range int(testParams().Retention) + 1 {
		c.block()
	}
	has, err := c.Tasks.Has(c.ctx, sound)
	require.NoError(t, err)
	require.False(t, has)
	require.Len(t, c.events(&types.EventCallbackFailed{}), 1)
}

func TestExportOfAnEmptyStateIsItsGenesis(t *testing.T) {
	c := emptyChain(t, 1)
	require.NoError(t, c.InitGenesis(c.ctx, *types.DefaultGenesis()))
	g, err := c.ExportGenesis(c.ctx)
	require.NoError(t, err)
	require.Equal(t, types.DefaultGenesis(), g)
}
