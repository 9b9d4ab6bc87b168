package keeper_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	"github.com/pold-network/pold/x/slashing/types"
)

func TestEveryRowOfTheTableOfFaults(t *testing.T) {
	for _, row := range []struct {
		fault string
		make  func(c *chain)
		kind  types.FaultKind
		want  types.Evidence
		after []types.PenaltyKind
	}{
		{
			"a first wrong answer costs reputation", func(c *chain) { c.settle([]int{1}, nil) }, types.FAULT_KIND_WRONG_ANSWER,
			types.Evidence{TaskId: 1, TaskKind: "score", Manifest: []byte("pinned inputs"), Answer: []byte("right"), Witness: []byte("witness 1"), Personal: []byte("personal 1")}, nil,
		},
		{
			"a wrong personal value takes the same ladder", func(c *chain) {
				for range 3 {
					c.spot(1, true)
				}
			}, types.FAULT_KIND_WRONG_PERSONAL,
			types.Evidence{TaskId: 9, TaskKind: "spot", Manifest: []byte("spot manifest"), Answer: []byte("true value"), Personal: []byte("made up"), Note: "for task 7 (score)"},
			[]types.PenaltyKind{types.PENALTY_KIND_SLASH, types.PENALTY_KIND_SLASH_AND_JAIL},
		},
		{
			"a file that others hold costs reputation", func(c *chain) {
				a := attestationtypes.Artefact{Id: 4, Kind: "score", Cid: "bafy", Size_: 10, Status: attestationtypes.ARTEFACT_STATUS_HELD}
				require.NoError(c.t, c.Hooks().AfterArtefactJudged(c.ctx, a, []string{operator(0), operator(2)}, []string{operator(1)}))
			}, types.FAULT_KIND_NOT_HELD, types.Evidence{Note: "artefact 4 (score), 10 bytes, bafy"}, nil,
		},
		{
			"a missing reveal of the beacon costs reputation", func(c *chain) { c.conduct(1, attestationtypes.ConductMissingReveal, "beacon/7") },
			types.FAULT_KIND_BEACON, types.Evidence{Note: "committed to a beacon secret and did not reveal it (beacon/7)"}, nil,
		},
		{
			"a second witness costs reputation", func(c *chain) { c.conduct(1, attestationtypes.ConductSecondWitness, "task/3") },
			types.FAULT_KIND_CONDUCT, types.Evidence{Note: "second, different witness (task/3)"}, nil,
		},
		{
			"an early opening costs reputation", func(c *chain) { c.conduct(1, attestationtypes.ConductEarlyOpening, "task/3") },
			types.FAULT_KIND_CONDUCT, types.Evidence{Note: "opened before the commit window had closed (task/3)"}, nil,
		},
		{
			"a false opening costs reputation", func(c *chain) { c.conduct(1, attestationtypes.ConductFalseOpening, "task/3") },
			types.FAULT_KIND_CONDUCT, types.Evidence{Note: "opened an answer that it had not committed to (task/3)"}, nil,
		},
		{
			"a false challenge costs reputation", func(c *chain) { c.conduct(1, attestationtypes.ConductFalseChallenge, "task/3") },
			types.FAULT_KIND_CONDUCT, types.Evidence{Note: "challenged a segment that is right (task/3)"}, nil,
		},
		{
			"unproved training cost the bond", func(c *chain) { c.lose(poltypes.LossUnproved) }, types.FAULT_KIND_UNPROVED,
			types.Evidence{Group: "digits", Round: 3, Lost: math.NewInt(77), Note: "why"}, nil,
		},
		{
			"a commitment without reveal cost part of the bond", func(c *chain) { c.lose(poltypes.LossNotRevealed) }, types.FAULT_KIND_NOT_REVEALED,
			types.Evidence{Group: "digits", Round: 3, Lost: math.NewInt(77), Note: "why"}, nil,
		},
		{
			"a withheld checkpoint cost part of the bond", func(c *chain) { c.lose(poltypes.LossWithheld) }, types.FAULT_KIND_WITHHELD,
			types.Evidence{Group: "digits", Round: 3, Lost: math.NewInt(77), Note: "why"}, nil,
		},
		{
			"a false claim cost the bond", func(c *chain) { c.lose(poltypes.LossFalseClaim) }, types.FAULT_KIND_FALSE_CLAIM,
			types.Evidence{Group: "digits", Round: 3, Lost: math.NewInt(77), Note: "why"}, nil,
		},
		{
			"a sealed key cost the provider's bond", func(c *chain) { c.lose(poltypes.LossSealedKey) }, types.FAULT_KIND_SEALED_KEY,
			types.Evidence{Group: "digits", Round: 3, Lost: math.NewInt(77), Note: "why"}, nil,
		},
	} {
		t.Run(row.fault, func(t *testing.T) {
			c := newChain(t, 10, 10, 10, 10)
			row.make(c)
			all := c.evidence()
			require.NotEmpty(t, all)
			want := row.want
			want.Id, want.Kind, want.Address = 1, row.kind, operator(1)
			want.Height, want.Unix, want.ChainId = c.ctx.BlockHeight(), start.Unix(), chainID
			if want.Lost.IsNil() {
				want.Lost = math.ZeroInt()
			}
			require.Equal(t, want, all[0])
			require.Equal(t, want, c.listener.told[0], "listeners are told with the pinned inputs")
			require.Len(t, c.listener.told, len(all))
			require.Equal(t, len(all), c.events(&types.EventFault{}))
			var kinds []types.PenaltyKind
			for _, p := range c.penalties(types.PENALTY_STATUS_UNSPECIFIED) {
				require.Equal(t, operator(1), p.Operator)
				kinds = append(kinds, p.Kind)
			}
			require.Equal(t, row.after, kinds)
		})
	}
}

func (c *chain) conduct(i int, kind attestationtypes.ConductKind, ref string) {
	require.NoError(c.t, c.Hooks().AfterConduct(c.ctx, attestationtypes.Conduct{Operator: operator(i), Kind: kind, Ref: ref}))
}

func (c *chain) lose(cause poltypes.LossCause) {
	require.NoError(c.t, c.Hooks().AfterRoundSettled(c.ctx, poltypes.RoundOutcome{
		Group: poltypes.Group{Name: "digits"}, Round: poltypes.Round{Number: 3},
		Losses: []poltypes.Loss{{Address: operator(1), Amount: math.NewInt(77), Cause: cause, Note: "why"}},
	}))
}

func (c *chain) spot(i int, wrong bool) {
	require.NoError(c.t, c.Hooks().AfterSpotSettled(c.ctx, attestationtypes.SpotOutcome{
		Task:     attestationtypes.Task{Id: 9, Kind: "spot", Manifest: []byte("spot manifest"), Answer: []byte("true value"), CreatedHeight: 88},
		Manifest: attestationtypes.SpotManifest{TaskId: 7, Kind: "score", Operator: operator(i), Personal: []byte("made up")},
		Right:    []byte("true value"), Wrong: wrong,
	}))
}

func TestWhatIsRightLeavesNoTrace(t *testing.T) {
	c := newChain(t, 10, 10, 10, 10)
	c.settle(nil, nil)
	c.spot(1, false)
	a := attestationtypes.Artefact{Id: 4, Status: attestationtypes.ARTEFACT_STATUS_WITHHELD}
	require.NoError(t, c.Hooks().AfterArtefactJudged(c.ctx, a, nil, []string{operator(1)}))
	require.Empty(t, c.evidence(), "nor does a file that its owner withheld")
	require.Empty(t, c.listener.told)
}

func TestAnUnknownCauseOfALossIsRefused(t *testing.T) {
	c := newChain(t, 10)
	err := c.Hooks().AfterRoundSettled(c.ctx, poltypes.RoundOutcome{Losses: []poltypes.Loss{{Address: operator(0), Amount: math.OneInt(), Cause: 99}}})
	require.ErrorContains(t, err, "expected a known cause")
}

// An expired task is nobody's fault: there must be no way to report one.
func TestNobodyReportsAnExpiredTask(t *testing.T) {
	hooks := reflect.TypeOf((*attestationtypes.Hooks)(nil)).Elem()
	for i := range hooks.NumMethod() {
		require.NotContains(t, strings.ToLower(hooks.Method(i).Name), "expire")
	}
	require.Equal(t, 4, hooks.NumMethod(), "a new hook needs a row in the table of faults")
}

func TestAWrongPersonalValueCostsTheStakeThatVoted(t *testing.T) {
	for _, row := range []struct {
		name   string
		stakes map[uint64][2]int64
		height int64
		power  int64
	}{
		{"that of the task that was looked into", map[uint64][2]int64{7: {60, 8}}, 60, 8},
		{"when it has been forgotten, that of now", nil, 88, 10},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newChain(t, 10, 10, 10, 10)
			c.staking.stakes = row.stakes
			c.spot(1, true)
			c.spot(1, true)
			p := c.penalty(1)
			require.Equal(t, []int64{row.height, row.power}, []int64{p.InfractionHeight, p.Power})
		})
	}
}

func TestAListenerThatFailsChangesNothing(t *testing.T) {
	for _, fault := range []string{"error", "panic"} {
		c := newChain(t, 10, 10, 10, 10)
		c.listener.fault = fault
		c.settle([]int{0, 1}, nil)
		require.Len(t, c.evidence(), 2, fault)
		require.Equal(t, 2, c.events(&types.EventItemFailed{}), fault)
	}
}

func TestPinnedInputsAreKeptOnceForAllWhoWereWrong(t *testing.T) {
	c := newChain(t, 10, 10, 10, 10, 10, 10, 10)
	c.settle([]int{0, 1}, nil)
	require.Equal(t, 1, c.prefixes()[types.ManifestsKey.Bytes()[0]])
	for _, e := range c.evidence() {
		require.Equal(t, "pinned inputs", string(e.Manifest))
	}
	c.wait(61 * day)
	require.Zero(t, c.prefixes()[types.ManifestsKey.Bytes()[0]], "and go with the last of them")
	require.Zero(t, c.prefixes()[types.ManifestUsesKey.Bytes()[0]])
}

func TestMissedTasks(t *testing.T) {
	c := newChain(t, 10, 10, 10, 10)
	miss := func(n int) {
		for range n {
			c.settle(nil, []int{1})
		}
	}
	miss(50)
	require.Empty(t, c.evidence(), "50 of the last 100 are allowed")
	miss(1)
	require.Len(t, c.evidence(), 1)
	require.Equal(t, types.FAULT_KIND_MISSED_TASKS, c.evidence()[0].Kind)
	require.Equal(t, operator(1), c.evidence()[0].Address)
	miss(50)
	require.Len(t, c.evidence(), 1, "it is told once")
	require.Empty(t, c.penalties(0))
	miss(1)
	require.Len(t, c.evidence(), 2)
	p := c.penalty(1)
	require.Equal(t, types.PENALTY_KIND_JAIL, p.Kind)
	require.Zero(t, p.SlashE6, "no stake")
	miss(102)
	require.Len(t, c.evidence(), 4)
	require.Len(t, c.penalties(0), 1, "one waits at a time")
	c.wait(3 * day)
	require.Equal(t, types.PENALTY_STATUS_EXECUTED, c.penalty(1).Status)
	require.Equal(t, []string{operator(1)}, c.staking.jailed)
	require.Empty(t, c.staking.slashed)
	require.True(t, c.staking.counted.IsZero())
}

func TestStoreTasksAreNoPartOfTheWindow(t *testing.T) {
	c := newChain(t, 10, 10, 10, 10)
	store := func(wrong, absent []int) {
		o := c.outcome(wrong, absent)
		o.Task.Kind = poltypes.StoreTaskKind
		require.NoError(t, c.Hooks().AfterTaskSettled(c.ctx, o))
	}
	for range 200 {
		store(nil, []int{1})
	}
	require.Empty(t, c.evidence(), "a miss costs the storage part of the reputation, and must not count twice")
	for range 50 {
		c.settle(nil, []int{1})
		store(nil, nil)
	}
	require.Empty(t, c.evidence())
	c.settle(nil, []int{1})
	require.Len(t, c.evidence(), 1, "and a hit makes up for no other task")
	store([]int{2}, nil)
	require.Len(t, c.evidence(), 2)
	require.Equal(t, types.FAULT_KIND_WRONG_ANSWER, c.evidence()[1].Kind, "a false witness is a wrong answer like any other")
	require.Equal(t, poltypes.StoreTaskKind, c.evidence()[1].TaskKind)
	r, err := c.Records.Get(c.ctx, operator(2))
	require.NoError(t, err)
	require.Equal(t, uint64(51), r.Seen)
}

func TestAWholeGoodWindowWipesTheSlate(t *testing.T) {
	c := newChain(t, 10, 10, 10, 10)
	for range 51 {
		c.settle(nil, []int{1})
	}
	for range 100 {
		c.settle(nil, nil)
	}
	for range 51 {
		c.settle(nil, []int{1})
	}
	require.Len(t, c.evidence(), 2, "told again")
	require.Empty(t, c.penalties(0), "and not jailed")
}

func TestAWrongAnswerIsNoMissedTask(t *testing.T) {
	c := newChain(t, 10, 10, 10, 10)
	c.settle([]int{1}, nil)
	r, err := c.Records.Get(c.ctx, operator(1))
	require.NoError(t, err)
	require.Zero(t, r.Missed())
	require.Equal(t, uint64(1), r.Seen)
}

func TestTasksOfAHealthyNetworkWriteNothing(t *testing.T) {
	c := newChain(t, 10, 10, 10, 10)
	for range 100 {
		c.settle(nil, nil)
	}
	before := c.ctx.MultiStore().GetKVStore(c.store)
	snapshot := map[string]string{}
	it := before.Iterator(nil, nil)
	for ; it.Valid(); it.Next() {
		snapshot[string(it.Key())] = string(it.Value())
	}
	it.Close()
	c.settle(nil, nil)
	it = c.ctx.KVStore(c.store).Iterator(nil, nil)
	defer it.Close()
	for ; it.Valid(); it.Next() {
		require.Equal(t, snapshot[string(it.Key())], string(it.Value()), fmt.Sprintf("%x", it.Key()))
	}
}
