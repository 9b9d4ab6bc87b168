package keeper_test

import (
	"crypto/sha256"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/attestation/keeper"
	"github.com/pold-network/pold/x/attestation/types"
)

// sample is what an operator finds in its own sample of a task.
func sample(i int, task uint64) []byte {
	return types.PersonalOf(chainID, task, operator(i), []byte("rows of "+operator(i)))
}

func commitWith(i int, task uint64, answer string, personal []byte) keeper.SignedExtension {
	e := commit(i, task, answer)
	e.Extension.Commits[0].Personal = personal
	return e
}

// settleAudit settles a task of the kind with personal values and returns it.
func (c *chain) settleAudit(personals ...[]byte) uint64 {
	c.t.Helper()
	id, err := c.OpenTask(c.ctx, "audit", []byte("ref"), []byte("inputs"), 1, math.NewInt(5))
	require.NoError(c.t, err)
	c.block()
	c.block()
	var votes []keeper.SignedExtension
	for i, p := range personals {
		if p == nil {
			p = sample(i, id)
		}
		votes = append(votes, commitWith(i, id, "a", p))
	}
	c.block(votes...)
	c.block(open(0, id, "a"))
	require.Equal(c.t, types.TASK_STATUS_SETTLED, c.task(id).Status)
	return id
}

// drawn serves the waiting draws.
func (c *chain) drawn() {
	c.toReveal(0, 1, 2)
	c.block(c.revealSecret(0), c.revealSecret(1), c.revealSecret(2))
}

func TestAWitnessWithoutItsPersonalValueIsIgnored(t *testing.T) {
	c, _, _ := drawChain(t, nil, 1, 1, 1)
	id, err := c.OpenTask(c.ctx, "audit", nil, []byte("inputs"), 1, math.ZeroInt())
	require.NoError(t, err)
	c.block()
	c.block()
	c.block(commit(0, id, "a"), commitWith(1, id, "a", sample(1, id)))
	r, err := keeper.NewQueryServer(c.Keeper).Witnesses(c.ctx, &types.QueryWitnessesRequest{TaskId: id})
	require.NoError(t, err)
	require.Len(t, r.Witnesses, 1)
}

func TestAnInventedPersonalValueIsFoundBySpotTasks(t *testing.T) {
	always := func(p *types.Params) { p.SpotE6 = 1_000_000 }
	found := map[bool]int{}
	for turn := range 12 {
		c, _, l := drawChain(t, always, 1, 1, 1)
		for range turn { // another number of the beacon draws another validator
			c.draw()
			c.drawn()
		}
		invented := sha256.Sum256([]byte("I was told the answer"))
		of := c.settleAudit(nil, invented[:], nil)
		c.drawn()
		spot := of + 1
		task := c.task(spot)
		require.Equal(t, types.SpotTaskKind, task.Kind)
		require.Equal(t, math.NewInt(5), task.Priority, "it counts for as much as what it looks into")
		var m types.SpotManifest
		require.NoError(t, m.Unmarshal(task.Manifest))
		looked := 0
		for operator(looked) != m.Operator {
			looked++
		}
		right := string(sample(looked, of))
		c.block()
		c.block(commit(0, spot, right), commit(1, spot, right), commit(2, spot, right))
		c.block(open(0, spot, right))
		require.Equal(t, types.TASK_STATUS_SETTLED, c.task(spot).Status)
		require.Len(t, l.spots, 1, "told once")
		require.Equal(t, looked == 1, l.spots[0].Wrong)
		found[l.spots[0].Wrong]++
	}
	require.NotZero(t, found[true], "the one who was told the answer")
	require.NotZero(t, found[false], "the others")
}

func TestSpotTasksComeWithTheStatedChance(t *testing.T) {
	c, _, _ := drawChain(t, func(p *types.Params) { p.SpotE6 = 300_000; p.Retention = 10_000; p.BudgetWindow = 1 }, 1, 1, 1)
	looked, byOperator := 0, map[string]int{}
	const trials = 150
	for range trials {
		of := c.settleAudit(nil, nil, nil)
		c.drawn()
		task, err := c.Tasks.Get(c.ctx, of+1)
		if err != nil {
			continue
		}
		looked++
		var m types.SpotManifest
		require.NoError(t, m.Unmarshal(task.Manifest))
		byOperator[m.Operator]++
		for range 5 * window { // nobody answers: it expires and nobody is at fault
			c.block()
		}
	}
	require.InDelta(t, 0.3*trials, looked, 17) // three standard deviations
	require.Len(t, byOperator, 3, "everybody is looked into")
}

func TestWithoutSpotsNothingIsDrawn(t *testing.T) {
	c, _, _ := drawChain(t, nil, 1, 1, 1)
	c.settleAudit(nil, nil, nil)
	require.Zero(t, c.prefixes()[types.DrawsKey.Bytes()[0]])
}

func TestHooksHearWhoWasRightWrongAndAbsent(t *testing.T) {
	c, _, l := drawChain(t, nil, 3, 3, 3, 1, 1)
	id, err := c.OpenTask(c.ctx, "audit", nil, []byte("inputs"), 1, math.ZeroInt())
	require.NoError(t, err)
	c.block()
	c.block()
	c.block(commitWith(0, id, "a", sample(0, id)), commitWith(1, id, "a", sample(1, id)), commitWith(2, id, "a", sample(2, id)),
		commitWith(3, id, "b", sample(3, id)), sign(4, types.VoteExtension{}))
	c.blocks(window)
	c.block(open(0, id, "a"), open(3, id, "b"))
	require.Len(t, l.tasks, 1)
	o := l.tasks[0]
	require.Equal(t, []string{"op0", "op1", "op2"}, o.Task.Matched)
	require.Len(t, o.Wrong, 1)
	require.Equal(t, "op3", o.Wrong[0].Operator)
	require.Equal(t, sample(3, id), o.Wrong[0].Witness.Personal)
	require.Equal(t, []string{"op4"}, o.Absent)
	height, power, err := c.Stake(c.ctx, id, "op3")
	require.NoError(t, err)
	require.Equal(t, o.Snapshot.Height, height)
	require.Equal(t, int64(1), power)
}

func TestNobodyIsAtFaultForAnExpiredTask(t *testing.T) {
	c, _, l := drawChain(t, nil, 1, 1, 1)
	id, err := c.OpenTask(c.ctx, "audit", nil, []byte("inputs"), 1, math.ZeroInt())
	require.NoError(t, err)
	c.block()
	c.block()
	c.block(commitWith(0, id, "a", sample(0, id)))
	c.blocks(2*window + 2)
	require.Equal(t, types.TASK_STATUS_EXPIRED, c.task(id).Status)
	require.Empty(t, l.tasks)
	require.Empty(t, l.conduct)
}

func TestChallengesAreRecordedOnceFromMembersOnly(t *testing.T) {
	c, d, _ := drawChain(t, nil, 1, 1, 1)
	id, err := c.OpenTask(c.ctx, "audit", nil, []byte("inputs"), 1, math.ZeroInt())
	require.NoError(t, err)
	c.block()
	c.staking.powers = append(c.staking.powers, 1)
	c.block()
	challenge := func(i int, segments ...uint32) keeper.SignedExtension {
		var e types.VoteExtension
		for _, s := range segments {
			e.Challenges = append(e.Challenges, types.ExtensionChallenge{TaskId: id, Segment: s})
		}
		return sign(i, e)
	}
	c.block(challenge(0, 3, 7), challenge(1, 3), challenge(3, 9))
	c.block(challenge(0, 3, 7))
	require.Len(t, c.task(id).Challenges, 3, "a later joiner is heard no more than a repetition")
	require.Len(t, d.challenges, 3)
	require.Len(t, c.events(&types.EventChallenged{}), 0)
}

func TestTheReportNamesWhoSharesWrongAnswersAndAbsences(t *testing.T) {
	c, _, _ := drawChain(t, nil, 6, 6, 6, 1, 1, 1, 1)
	id, err := c.OpenTask(c.ctx, "audit", nil, []byte("inputs"), 1, math.ZeroInt())
	require.NoError(t, err)
	c.block()
	c.block()
	c.block(commitWith(0, id, "a", sample(0, id)), commitWith(1, id, "a", sample(1, id)), commitWith(2, id, "a", sample(2, id)),
		commitWith(3, id, "b", sample(3, id)), commitWith(4, id, "b", sample(4, id)))
	c.blocks(window)
	c.block(open(3, id, "b"))
	c.block(open(0, id, "a"))
	r, err := keeper.NewQueryServer(c.Keeper).Shared(c.ctx, &types.QuerySharedRequest{})
	require.NoError(t, err)
	require.Equal(t, uint64(1), r.Tasks)
	require.Equal(t, []types.SharedPair{{First: "op3", Second: "op4", WrongAnswers: 1}, {First: "op5", Second: "op6", Abstentions: 1}}, r.Pairs)
}
