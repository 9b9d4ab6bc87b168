package keeper_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"

	"github.com/pold-network/pold/x/attestation/keeper"
	"github.com/pold-network/pold/x/attestation/types"
)

func join(id uint64, operator string) collections.Pair[uint64, string] {
	return collections.Join(id, operator)
}

func (c *chain) witness(id uint64, i int) (types.Witness, bool) {
	w, err := c.Witnesses.Get(c.ctx, join(id, operator(i)))
	return w, err == nil
}

func TestTheFirstWitnessIsFinal(t *testing.T) {
	c := newChain(t, 1, 1, 1)
	id := c.openTask()
	c.block(commit(0, id, "a"))
	first, ok := c.witness(id, 0)
	require.True(t, ok)
	require.Equal(t, c.ctx.BlockHeight()-1, first.SignedHeight)

	c.block(commit(0, id, "a"))
	require.Empty(t, c.events(&types.EventConduct{}), "repeating it is harmless")
	c.block(commit(0, id, "b"))
	again, _ := c.witness(id, 0)
	require.Equal(t, first, again)
	conduct := c.events(&types.EventConduct{})
	require.Len(t, conduct, 1)
	require.Equal(t, "op0", said(conduct[0], "operator"))
	require.Contains(t, said(conduct[0], "what"), "second, different witness")
}

func TestACommitCountsOnlyInItsWindow(t *testing.T) {
	c := newChain(t, 3, 1)
	id := c.queue("score", 1, 0)
	c.block(commit(0, id, "a"))
	_, ok := c.witness(id, 0)
	require.False(t, ok, "signed before the task was open")
	c.block(commit(0, id, "a"))
	_, ok = c.witness(id, 0)
	require.False(t, ok, "signed at the height at which it opened, before its snapshot was known")
	c.block(commit(0, id, "a"))
	_, ok = c.witness(id, 0)
	require.True(t, ok)

	for c.task(id).Status == types.TASK_STATUS_COMMIT {
		c.block(c.alive()...)
	}
	c.block(commit(1, id, "a"))
	_, ok = c.witness(id, 1)
	require.False(t, ok, "signed after the window")
}

func TestACommitOfTheLastHeightOfTheWindowCounts(t *testing.T) {
	c := newChain(t, 3, 1)
	id := c.openTask()
	until := c.task(id).CommitUntil
	c.block(commit(0, id, "a"))
	for c.ctx.BlockHeight() < until {
		c.block(c.alive()...)
	}
	c.block(commit(1, id, "a")) // this block carries what was signed at commit_until
	_, ok := c.witness(id, 1)
	require.True(t, ok)
	require.Equal(t, types.TASK_STATUS_OPEN, c.task(id).Status)
}

func TestAnEarlyOpeningVoidsTheWitnessOfItsSender(t *testing.T) {
	c := newChain(t, 40, 30, 30)
	id := c.openTask()
	c.block(commit(0, id, "a"))
	c.block(open(0, id, "a"))
	w, _ := c.witness(id, 0)
	require.True(t, w.Voided)
	require.Len(t, c.events(&types.EventConduct{}), 1)
	c.block(open(0, id, "a"), commit(0, id, "a"))
	require.Empty(t, c.events(&types.EventConduct{}), "it is void once, and can't be renewed")

	// Others copy what was leaked: with the leaker void they are 60 of 100.
	c.block(commit(1, id, "a"), commit(2, id, "a"))
	require.Equal(t, types.TASK_STATUS_COMMIT, c.task(id).Status, "void witnesses do not count as committed")
	c.blocks(2*window + 1)
	require.Equal(t, types.TASK_STATUS_EXPIRED, c.task(id).Status)
}

func TestAnOpeningSignedAtTheLastHeightOfTheCommitWindowIsEarly(t *testing.T) {
	c := newChain(t, 3, 1)
	id := c.openTask()
	until := c.task(id).CommitUntil
	c.block(commit(0, id, "a"))
	for c.ctx.BlockHeight() < until {
		c.block(c.alive()...)
	}
	c.block(open(0, id, "a")) // this block carries what was signed at commit_until
	w, _ := c.witness(id, 0)
	require.True(t, w.Voided)
	require.True(t, c.task(id).CommitExtended)
}

func TestAnEarlyOpeningWithTheWitnessInOneExtensionIsVoidToo(t *testing.T) {
	c := newChain(t, 3, 1)
	id := c.openTask()
	both := commit(0, id, "a")
	both.Extension.Openings = open(0, id, "a").Extension.Openings
	c.block(both)
	w, ok := c.witness(id, 0)
	require.True(t, ok)
	require.True(t, w.Voided)
}

func TestOnlyWhoCommittedToAnAnswerOpensIt(t *testing.T) {
	c := newChain(t, 1, 1, 1, 1)
	id := c.openTask()
	c.block(commit(0, id, "a"), commit(1, id, "a"), commit(2, id, "a"))
	for c.task(id).Status == types.TASK_STATUS_COMMIT {
		c.block(c.alive()...)
	}
	c.block(open(3, id, "a"))
	require.Equal(t, types.TASK_STATUS_OPEN, c.task(id).Status, "the opener never committed")
	c.block(open(0, id, "b"))
	require.Len(t, c.events(&types.EventConduct{}), 1, "an answer that it had not committed to")
	require.Equal(t, types.TASK_STATUS_OPEN, c.task(id).Status)
	c.block(open(1, id, "a"))
	require.Equal(t, types.TASK_STATUS_SETTLED, c.task(id).Status)
}

func TestAnOpeningAfterItsWindowIsIgnored(t *testing.T) {
	c := newChain(t, 1)
	id := c.openTask()
	c.block(commit(0, id, "a"))
	task := c.task(id)
	task.OpenUntil = c.ctx.BlockHeight() - 1
	require.NoError(t, c.Tasks.Set(c.ctx, id, task))
	c.block(open(0, id, "a"))
	require.Equal(t, types.TASK_STATUS_OPEN, c.task(id).Status)
	require.True(t, c.task(id).OpenExtended)
}

func TestACopiedWitnessIsWorthless(t *testing.T) {
	c := newChain(t, 34, 33, 33)
	id := c.openTask()
	copied := commit(0, id, "a")
	copied.Operator = operator(2)
	c.block(commit(0, id, "a"), commit(1, id, "a"), copied)
	c.block(open(0, id, "a"))
	require.Equal(t, []string{"op0", "op1"}, c.task(id).Matched)
	require.Equal(t, []string{"op2"}, c.task(id).Mismatched)
}

func TestExtensionsAboutNothingAreIgnored(t *testing.T) {
	c := newChain(t, 1, 1)
	id := c.openTask()
	c.block(commit(0, id, "a"), commit(1, id, "a"))
	c.block(open(0, id, "a")) // settled
	artefact := c.ask()
	before := c.prefixes()
	require.NoError(t, c.RecordExtensions(c.ctx, c.ctx.BlockHeight()-1, []keeper.SignedExtension{
		commit(0, 99, "a"), open(0, 99, "a"), hold(0, 99), // unknown
		commit(1, id, "b"), open(1, id, "b"), // settled
		hold(1, artefact), // waits for its turn
		{Operator: "op0"}, // no sidecar
	}))
	require.Equal(t, before, c.prefixes())
	require.Empty(t, c.events(&types.EventConduct{}))
}

func TestTheOrderOfVotesInABlockChangesNothing(t *testing.T) {
	states := map[string]bool{}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
		c := newChain(t, 1, 1, 1)
		id := c.openTask()
		votes := []keeper.SignedExtension{commit(0, id, "a"), commit(1, id, "a"), commit(2, id, "b")}
		c.block(votes[order[0]], votes[order[1]], votes[order[2]])
		openings := []keeper.SignedExtension{open(0, id, "a"), open(1, id, "a"), open(2, id, "b")}
		c.block(openings[order[0]], openings[order[1]], openings[order[2]])
		g, err := c.ExportGenesis(c.ctx)
		require.NoError(t, err)
		b, err := g.Marshal()
		require.NoError(t, err)
		states[string(b)] = true
	}
	require.Len(t, states, 1)
}

// Naming work costs a validator a byte or two. If each name cost the chain a read, extensions of 4 KiB full of them
// would stop it.
func TestNamesOfWorkThatIsNotOpenCostNoReads(t *testing.T) {
	c := newChain(t, 1)
	var ids []uint64
	for i := range uint64(types.MaxExtensionEntries) {
		ids = append(ids, 1_000+i)
	}
	e := types.VoteExtension{Held: ids}
	for _, id := range ids {
		e.Commits = append(e.Commits, types.ExtensionCommit{TaskId: id, Witness: bytes.Repeat([]byte{1}, 32)})
		e.Openings = append(e.Openings, types.ExtensionOpening{TaskId: id, Answer: []byte("a")})
	}
	gas := func(e types.VoteExtension) uint64 {
		before := c.ctx.GasMeter().GasConsumed()
		require.NoError(t, c.RecordExtensions(c.ctx, c.ctx.BlockHeight()-1, []keeper.SignedExtension{sign(0, e)}))
		return c.ctx.GasMeter().GasConsumed() - before
	}
	require.Equal(t, gas(types.VoteExtension{}), gas(e))
}
