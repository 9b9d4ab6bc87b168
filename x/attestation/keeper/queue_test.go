package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/attestation/types"
)

// opened returns which of the tasks have left the queue; some may have expired and been removed since.
func (c *chain) opened(ids ...uint64) []uint64 {
	var out []uint64
	for _, id := range ids {
		if task, err := c.Tasks.Get(c.ctx, id); err != nil || task.Status != types.TASK_STATUS_QUEUED {
			out = append(out, id)
		}
	}
	return out
}

// toWindow makes blocks up to the one before the next budget window.
func (c *chain) toWindow() {
	for c.ctx.BlockHeight()%testParams().BudgetWindow != testParams().BudgetWindow-1 {
		c.block()
	}
}

func TestTasksOpenByPriorityThenById(t *testing.T) {
	c := newChain(t, 1)
	low, first, second, high := c.queue("score", 400, 1), c.queue("score", 400, 5), c.queue("score", 400, 5), c.queue("score", 400, 9)
	c.block()
	require.Equal(t, []uint64{first, high}, c.opened(low, first, second, high), "the budget of 1,000 holds two")
	require.NotZero(t, c.task(high).OpenedHeight)
	c.block()
	require.Equal(t, []uint64{first, high}, c.opened(low, first, second, high), "no more in this window")
	c.toWindow()
	c.block()
	require.Equal(t, []uint64{low, first, second, high}, c.opened(low, first, second, high))
}

func TestPrioritiesUpToTheLargestStakeKeepTheirOrder(t *testing.T) {
	c := newChain(t, 1)
	largest := math.NewIntFromUint64(1)
	for range 3 {
		largest = largest.Mul(math.NewIntFromUint64(1 << 63))
	}
	small := c.queue("data", 100, 1<<62)
	big, err := c.OpenTask(c.ctx, "data", nil, []byte("x"), 100, largest)
	require.NoError(t, err)
	c.block()
	require.Equal(t, []uint64{big}, c.opened(small, big))
}

func TestAWindowOpensNoMoreThanTheBudgetOfAKind(t *testing.T) {
	c := newChain(t, 1)
	var score []uint64
	for range 7 {
		score = append(score, c.queue("score", 300, 0))
	}
	data := c.queue("data", 100, 0)
	c.block()
	require.Len(t, c.opened(score...), 3)
	require.Len(t, c.opened(data), 1, "a full queue of one kind does not keep another waiting")
	for _, want := range []int{6, 7} {
		c.toWindow()
		c.block()
		require.Len(t, c.opened(score...), want)
	}
}

func TestCheapTasksOfOneKindDoNotTakeAllTheWorkThatMayBeOpen(t *testing.T) {
	c := newChain(t, 1)
	for range 2 * types.MaxWork {
		c.queue("data", 0, 1_000)
	}
	score := c.queue("score", 1, 0)
	c.block()
	require.Equal(t, []uint64{score}, c.opened(score))
	require.Equal(t, types.MaxWork/3+1, c.prefixes()[types.TasksActiveKey.Bytes()[0]], "a third of all work each, spot tasks being a kind too")

	for range 2 * types.MaxWork {
		c.queue("score", 0, 1_000)
	}
	c.block()
	require.Equal(t, 2*(types.MaxWork/3), c.prefixes()[types.TasksActiveKey.Bytes()[0]])
}

func TestManyQuestionsOfOneKindDoNotKeepAnotherWaiting(t *testing.T) {
	c := newChain(t, 1)
	for range 2 * types.MaxWork {
		_, err := c.AskArtefact(c.ctx, "data", "bafy", nil, 1, nil)
		require.NoError(t, err)
	}
	artefact := c.ask()
	c.block()
	require.NotZero(t, c.artefact(artefact).AskedHeight)
	require.Equal(t, types.MaxWork/3+1, c.prefixes()[types.ArtefactsAskedKey.Bytes()[0]])
}

func TestASmallerBudgetDoesNotBlockTasksThatWereQueuedUnderALargerOne(t *testing.T) {
	c := newChain(t, 1)
	c.toWindow()
	c.block()
	first, large, small := c.queue("score", 1, 9), c.queue("score", 1000, 5), c.queue("score", 1, 1)
	p := testParams()
	p.Budgets[1].Cost = 10
	require.NoError(t, c.Params.Set(c.ctx, p))
	c.block()
	require.Equal(t, []uint64{first}, c.opened(first, large, small))
	c.toWindow()
	c.block()
	require.Equal(t, []uint64{first, large}, c.opened(first, large, small), "it has a window for itself")
	c.toWindow()
	c.block()
	require.Equal(t, []uint64{first, large, small}, c.opened(first, large, small))
}

func TestAKindWithoutABudgetWaits(t *testing.T) {
	c := newChain(t, 1)
	score, data := c.queue("score", 1, 0), c.queue("data", 1, 0)
	p := testParams()
	p.Budgets = p.Budgets[:1]
	require.NoError(t, c.Params.Set(c.ctx, p))
	c.block()
	require.Equal(t, []uint64{data}, c.opened(score, data))
	require.NoError(t, c.Params.Set(c.ctx, testParams()))
	c.block()
	require.Equal(t, []uint64{score, data}, c.opened(score, data))
}

func TestACostNearTheLargestNumberDoesNotOverflowTheBudget(t *testing.T) {
	c := newChain(t, 1)
	p := testParams()
	p.Budgets[1].Cost = 1<<64 - 1
	require.NoError(t, c.Params.Set(c.ctx, p))
	first, second := c.queue("score", 1<<64-1, 0), c.queue("score", 2, 0)
	c.block()
	require.Equal(t, []uint64{first}, c.opened(first, second))
}
