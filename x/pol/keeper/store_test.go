package keeper_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const storeInterval = 20

// asked is a store task that was opened.
type asked struct {
	types.StoreManifest
	height int64
	stake  int64
}

// storing is a chain whose groups get store tasks, and the tasks that it opened so far.
type storing struct {
	*env
	all []asked
}

func newStoring(t *testing.T, change func(*types.Params)) *storing {
	t.Helper()
	s := &storing{env: newEnv(t, func(g *types.GenesisState) {
		g.Params.StoreIntervalBlocks, g.Params.MaxStoreTasks, g.Params.RoundRetention = storeInterval, 2, 1_000
		if change != nil {
			change(&g.Params)
		}
	})}
	s.sets.set.Table.Size_ = 7*types.ChunkSize + 5
	return s
}

// run makes blocks and notes the store tasks that they open.
func (s *storing) run(blocks int) {
	s.t.Helper()
	for range blocks {
		known := s.att.nextTask
		s.next()
		for id := known + 1; id <= s.att.nextTask; id++ {
			if q := s.att.tasks[id]; q.Kind == types.StoreTaskKind {
				s.all = append(s.all, asked{s.att.storeOf(q), s.ctx.BlockHeight() - 1, q.Priority.Int64()})
			}
		}
	}
}

// of counts the store tasks of each group.
func (s *storing) of() map[string]int {
	count := map[string]int{}
	for _, a := range s.all {
		count[a.Group]++
	}
	return count
}

// open opens a group with stake behind it.
func (s *storing) open(name string, stake int64, change func(*types.GroupSettings)) {
	s.t.Helper()
	s.createGroup(name, change)
	if stake > 0 {
		s.bond(6, name, stake)
	}
}

func TestAGroupGetsAStoreTaskEveryInterval(t *testing.T) {
	s := newStoring(t, nil)
	s.open("digits", 5_000, nil)
	s.run(5 * storeInterval)
	require.Len(t, s.all, 4)
	seeds := map[string]bool{}
	for i, a := range s.all {
		require.Equal(t, int64(5_000), a.stake, "the priority of its tasks is its stake")
		require.Equal(t, "digits", a.Group)
		require.Equal(t, chainID, a.ChainId)
		require.Equal(t, types.STORE_FILE_TABLE, a.File, "there is no checkpoint yet")
		require.Equal(t, s.sets.set.Table.Cid, a.Cid)
		require.Equal(t, uint32(4), a.Chunks)
		require.Len(t, a.Indexes(), 4)
		seeds[string(a.Seed)] = true
		if i > 0 {
			require.Equal(t, int64(storeInterval+1), a.height-s.all[i-1].height, "one interval, and one block for the draw")
		}
	}
	require.Len(t, seeds, 4, "each task has a seed of its own")
	turn, err := s.k.StoreTurns.Get(s.ctx, "digits")
	require.NoError(t, err)
	require.Equal(t, s.all[3].height+storeInterval, turn.Due)
	require.Equal(t, types.StoreTaskKind, s.att.tasks[turn.Task].Kind)
	group, err := s.q.Group(s.ctx, &types.QueryGroupRequest{Name: "digits"})
	require.NoError(t, err)
	require.Equal(t, &turn, group.StoreTurn)
	require.NoError(t, s.k.CheckStoreTurns(s.ctx))
}

func TestStoreTasksAskForWhatTheGroupUsesNow(t *testing.T) {
	s := newStoring(t, nil)
	s.createGroup("digits", prove)
	s.bond(6, "digits", 5_000)
	won := s.play("digits", trained(1, 1_000_000))
	require.Equal(t, account(1), won.Winner, won.Note)
	parent, transcript := s.group("digits").Parent, s.submission("digits", 1, 1)
	s.run(30 * storeInterval)
	files := map[types.StoreFile]string{}
	count := map[types.StoreFile]int{}
	for _, a := range s.all {
		files[a.File] = fmt.Sprint(a.Cid, a.Size_, a.Sha256)
		count[a.File]++
	}
	table := s.sets.set.Table
	require.Equal(t, map[types.StoreFile]string{
		types.STORE_FILE_TABLE:      fmt.Sprint(table.Cid, table.Size_, table.Sha256),
		types.STORE_FILE_CHECKPOINT: fmt.Sprint(parent.Cid, parent.Size_, parent.Sha256),
		types.STORE_FILE_TRANSCRIPT: fmt.Sprint(transcript.TranscriptCid, transcript.TranscriptSize, transcript.TranscriptRoot),
	}, files)
	for file, n := range count {
		require.Greater(t, n, 3, file.Word())
	}

	s.all = nil
	s.sets.problem = trainingsettypes.ErrNotVerified
	s.run(10 * storeInterval)
	for _, a := range s.all {
		require.NotEqual(t, types.STORE_FILE_TABLE, a.File, "a table that is checked again is not asked for")
	}
	require.NotEmpty(t, s.all)
}

func TestOnlyGroupsThatCountGetStoreTasks(t *testing.T) {
	s := newStoring(t, nil)
	s.open("digits", 1_000, nil)
	s.open("small", 999, nil)
	s.open("nobody", 0, nil)
	s.open("sandbox", 0, func(g *types.GroupSettings) { g.Sandbox, g.CommitBond = true, math.ZeroInt() })
	s.open("disabled", 5_000, nil)
	s.must(&types.MsgSetGroupCoinbase{Authority: account(0), Group: "disabled"})
	s.run(4 * storeInterval)
	require.Equal(t, []string{"digits"}, slices.Collect(maps.Keys(s.of())))
	s.all = nil
	s.bond(6, "small", 1)
	s.unbond(6, "digits", 1)
	s.run(4 * storeInterval)
	require.Equal(t, []string{"small"}, slices.Collect(maps.Keys(s.of())), "what counts is the stake of now")
	group, err := s.q.Group(s.ctx, &types.QueryGroupRequest{Name: "sandbox"})
	require.NoError(t, err)
	require.Nil(t, group.StoreTurn)
	require.NoError(t, s.k.CheckStoreTurns(s.ctx))
}

func TestNoGroupStarvesWhenOneDrawCanNotServeAll(t *testing.T) {
	const groups = 70 // more than one block looks at
	s := newStoring(t, func(p *types.Params) { p.MaxStoreTasks = 2 })
	s.unchecked = true
	for i := range groups {
		s.open(fmt.Sprintf("group%d", i), 1_000, nil)
	}
	s.all = nil
	s.run(3 * groups)
	count := s.of()
	require.Len(t, count, groups)
	least, most := groups, 0
	for _, n := range count {
		least, most = min(least, n), max(most, n)
	}
	require.GreaterOrEqual(t, least, 2)
	require.LessOrEqual(t, most, least+2, "they take turns")
	at := map[int64]int{}
	for _, a := range s.all {
		at[a.height]++
		require.LessOrEqual(t, at[a.height], 2)
	}
	require.NoError(t, s.k.CheckStoreTurns(s.ctx))
}

func TestTheSeedDrawsTheGroup(t *testing.T) {
	firsts := map[string]bool{}
	for skip := range 8 {
		s := newStoring(t, func(p *types.Params) { p.MaxStoreTasks = 1 })
		s.att.nextDraw += uint64(skip) // another seed
		for i := range 3 {
			s.must(&types.MsgCreateGroup{Sender: account(7), Name: fmt.Sprintf("group%d", i), Settings: settings()})
			s.bond(6, fmt.Sprintf("group%d", i), 1_000)
		}
		s.run(storeInterval + 3)
		firsts[s.all[0].Group] = true
	}
	require.Len(t, firsts, 3)
}

func TestAGroupHasOneStoreTaskAtATime(t *testing.T) {
	s := newStoring(t, nil)
	s.open("digits", 5_000, nil)
	s.att.store = func(types.StoreManifest) verdict { return undecided }
	s.run(5 * storeInterval)
	require.Len(t, s.all, 1, "the queue can't grow")
	s.att.store = func(types.StoreManifest) verdict { return expired }
	s.run(3 * storeInterval)
	require.Greater(t, len(s.all), 2, "an expired one is nobody's fault: the group gets the next")
	require.Empty(t, s.failures)
}

func TestStoreTasksCanBeSwitchedOff(t *testing.T) {
	s := newStoring(t, func(p *types.Params) { p.StoreIntervalBlocks = 0 })
	s.open("digits", 5_000, nil)
	s.run(100)
	require.Empty(t, s.all)
	p, err := s.k.Params.Get(s.ctx)
	require.NoError(t, err)
	p.StoreIntervalBlocks = storeInterval
	s.must(&types.MsgUpdateParams{Authority: account(0), Params: p})
	s.run(3)
	require.Len(t, s.all, 1, "and on again")
	s.run(storeInterval - 2) // a draw is under way
	p.StoreIntervalBlocks = 0
	s.must(&types.MsgUpdateParams{Authority: account(0), Params: p})
	s.run(100)
	require.Len(t, s.all, 1)
	p.StoreIntervalBlocks = storeInterval
	s.must(&types.MsgUpdateParams{Authority: account(0), Params: p})
	s.att.maxStore = 0 // governance took the budget away
	s.run(100)
	require.Len(t, s.all, 1)
	s.att.maxStore = 1e9
	s.run(3)
	require.Len(t, s.all, 2)
}

func TestALostDrawOfStoreTasksIsAskedForAgain(t *testing.T) {
	s := newStoring(t, nil)
	s.open("digits", 5_000, nil)
	for s.att.nextDraw == 0 { // the group has no draws of its own: its rounds are scored and nobody commits
		s.run(1)
	}
	s.att.lose = 1
	s.run(1)
	require.Zero(t, s.att.lose)
	require.Zero(t, s.turn("digits").Task)
	s.run(1)
	require.Equal(t, uint64(2), s.att.nextDraw)
	require.Equal(t, s.att.nextTask, s.turn("digits").Task)
}

func TestAStoreTaskThatCanNotOpenIsLeftForTheNextTurn(t *testing.T) {
	s := newStoring(t, nil)
	s.lax = true
	s.open("digits", 5_000, nil)
	s.att.maxStore = 4*types.ChunkSize - 1
	s.run(3 * storeInterval)
	require.Empty(t, s.all)
	require.Len(t, s.failures, 2, "an event says why")
	s.att.maxStore = 4 * types.ChunkSize
	s.run(2 * storeInterval)
	require.NotEmpty(t, s.all)
}

func (s *storing) turn(group string) types.StoreTurn {
	s.t.Helper()
	turn, err := s.k.StoreTurns.Get(s.ctx, group)
	require.NoError(s.t, err)
	return turn
}

func TestStoreTurnsSurviveExport(t *testing.T) {
	s := newStoring(t, nil)
	s.open("digits", 5_000, nil)
	s.open("other", 5_000, nil)
	s.run(storeInterval)
	for {
		s.run(1)
		if draw, err := s.k.StoreDraw.Get(s.ctx); err == nil && draw != 0 { // while a draw is under way
			break
		}
	}
	before := len(s.all)
	s.env = s.reimport()
	s.run(storeInterval)
	require.Greater(t, len(s.all), before)
}

func TestAnInvariantSeesAGroupWithoutAStoreTurn(t *testing.T) {
	s := newStoring(t, nil)
	s.open("digits", 5_000, nil)
	require.NoError(t, s.k.CheckStoreTurns(s.ctx))
	ctx, _ := s.ctx.CacheContext()
	require.NoError(t, s.k.StoreDue.Clear(ctx, nil))
	require.ErrorContains(t, s.k.CheckStoreTurns(ctx), "group digits is due for a store task at no height")
	ctx, _ = s.ctx.CacheContext()
	require.NoError(t, s.k.StoreTurns.Set(ctx, "gone", types.StoreTurn{Group: "gone"}))
	require.ErrorContains(t, s.k.CheckStoreTurns(ctx), "expected one and its due height for each of 1 groups")
}

func TestTheTranscriptOfAForkIsNotThatOfAnotherWinner(t *testing.T) {
	s := newStoring(t, nil)
	s.createGroup("digits", prove)
	s.bond(6, "digits", 5_000)
	s.play("digits", trained(1, 1_000_000))
	g := s.group("digits")
	g.Parent.Sha256 = bytes.Repeat([]byte{9}, 32) // as if it came from elsewhere
	require.NoError(t, s.k.Groups.Set(s.ctx, g.Name, g))
	s.run(12 * storeInterval)
	for _, a := range s.all {
		require.NotEqual(t, types.STORE_FILE_TRANSCRIPT, a.File)
	}
	require.NotEmpty(t, s.all)
}
