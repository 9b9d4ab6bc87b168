package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/x/attestation/types"
)

// duties returns the ids of what an operator has to do.
func (c *chain) duties(i int) (commit, open, hold []uint64) {
	d, err := c.Duties(c.ctx, operator(i))
	require.NoError(c.t, err)
	for _, t := range d.Commit {
		commit = append(commit, t.Id)
	}
	for _, t := range d.Open {
		open = append(open, t.Id)
	}
	for _, a := range d.Hold {
		hold = append(hold, a.Id)
	}
	return commit, open, hold
}

func TestDutiesFollowTheLifeOfATask(t *testing.T) {
	c := newChain(t, 1, 1, 1, 1)
	id := c.queue("score", 1, 0)
	commits, opens, _ := c.duties(0)
	require.Empty(t, commits, "a queued task is nobody's duty")
	require.Empty(t, opens)

	c.block()
	c.block()
	commits, _, _ = c.duties(0)
	require.Equal(t, []uint64{id}, commits)
	c.block(commit(0, id, "a"), commit(1, id, "a"), commit(2, id, "a"))
	commits, opens, _ = c.duties(0)
	require.Empty(t, commits, "its witness is on chain")
	require.Empty(t, opens, "others may still commit")
	commits, _, _ = c.duties(3)
	require.Equal(t, []uint64{id}, commits, "a witness is repeated until it is seen on chain")

	c.block(open(2, id, "a")) // void
	for c.task(id).Status == types.TASK_STATUS_COMMIT {
		c.block(c.alive()...)
		if c.task(id).CommitExtended {
			c.block(commit(3, id, "a"))
		}
	}
	_, opens, _ = c.duties(0)
	require.Equal(t, []uint64{id}, opens)
	_, opens, _ = c.duties(2)
	require.Empty(t, opens, "its witness is void")

	c.staking.powers = append(c.staking.powers, 1)
	commits, opens, _ = c.duties(4)
	require.Empty(t, commits, "a later joiner has no part in it")
	require.Empty(t, opens)
}

func TestDutiesNameArtefactsUntilTheOperatorHoldsThem(t *testing.T) {
	c := newChain(t, 1, 1, 1)
	id := c.ask()
	_, _, holds := c.duties(0)
	require.Empty(t, holds, "it waits for its turn")
	c.block()
	_, _, holds = c.duties(0)
	require.Equal(t, []uint64{id}, holds)
	c.staking.powers = append(c.staking.powers, 1)
	_, _, holds = c.duties(3)
	require.Empty(t, holds, "what a later joiner holds does not count")
	c.block(hold(0, id))
	_, _, holds = c.duties(0)
	require.Empty(t, holds)
}

func TestMayOpenOnlyTheAnswerCommittedToAndOnlyUntilSomebodyOpenedIt(t *testing.T) {
	c := newChain(t, 1, 1, 1)
	id := c.openTask()
	c.block(commit(0, id, "a"), commit(1, id, "a"), commit(2, id, "b"))
	may := func(i int, answer string) bool {
		ok, err := c.MayOpen(c.ctx, operator(i), c.task(id), []byte(answer))
		require.NoError(t, err)
		return ok
	}
	require.True(t, may(0, "a"))
	require.False(t, may(0, "b"), "a sidecar that changed its mind would void its own witness")
	require.False(t, may(7, "a"))
	c.block(open(0, id, "a"))
	require.False(t, may(1, "a"), "one opening reveals all")
	require.True(t, may(2, "b"))
}

func TestOperatorOfAConsensusKey(t *testing.T) {
	c := newChain(t, 1)
	o, err := c.Operator(c.ctx, consensus(0))
	require.NoError(t, err)
	require.Equal(t, "op0", o)
	_, err = c.Operator(c.ctx, consensus(9))
	require.Error(t, err)
}
