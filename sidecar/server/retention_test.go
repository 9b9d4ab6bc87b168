package server

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// twoGroups is a chain on which each round of a had a winner and a loser, and b has had one winner, which is no longer its parent.
func twoGroups(rounds uint64) (*fakeChain, *fakeStore) {
	chain := &fakeChain{rounds: map[string]poltypes.Round{}, reveals: map[string][]poltypes.Submission{}}
	store := newStore()
	settle := func(group string, n uint64, cids ...string) {
		chain.rounds[roundKey(group, n)] = poltypes.Round{Group: group, Number: n, Winner: "w", Checkpoint: poltypes.Checkpoint{Cid: cids[0]}}
		for _, cid := range cids {
			chain.reveals[roundKey(group, n)] = append(chain.reveals[roundKey(group, n)], poltypes.Submission{CheckpointCid: cid})
			store.put(cid, []byte(cid))
		}
	}
	for n := uint64(1); n < rounds; n++ {
		settle("a", n, "win"+string(rune('0'+n)), "lose"+string(rune('0'+n)))
	}
	settle("b", 1, "bwin1")
	settle("b", 2, "bwin2")
	store.put("table", []byte("table"))
	chain.groups = []poltypes.Group{{Name: "a", Round: rounds, Parent: poltypes.Checkpoint{Cid: "win" + string(rune('0'+rounds-1))}}, {Name: "b", Round: 3, Parent: poltypes.Checkpoint{Cid: "bwin2"}}}
	chain.sets = []trainingsettypes.TrainingSet{{Table: trainingsettypes.Table{Cid: "table"}}}
	return chain, store
}

func noResults(t *testing.T, store Store) *Results {
	t.Helper()
	r, err := OpenResults(store, filepath.Join(t.TempDir(), "results.json"))
	require.NoError(t, err)
	return r
}

func TestRetentionRemovesOldLosersAndNothingElse(t *testing.T) {
	chain, store := twoGroups(6)
	// Round 1 also revealed the CIDs of a table, of a later winner and of another group's winner: a trap.
	trap := roundKey("a", 1)
	for _, cid := range []string{"table", "win4", "bwin1"} {
		chain.reveals[trap] = append(chain.reveals[trap], poltypes.Submission{CheckpointCid: cid})
	}
	path := filepath.Join(t.TempDir(), "retention.json")
	r, err := OpenRetention(chain, store, noResults(t, store), path, 2, quiet)
	require.NoError(t, err)
	removed, err := r.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, removed)
	for _, cid := range []string{"lose1", "lose2", "lose3"} {
		require.False(t, store.has(cid), cid)
	}
	for _, cid := range []string{"win1", "win2", "win3", "win4", "win5", "lose4", "lose5", "bwin1", "bwin2", "table"} {
		require.True(t, store.has(cid), cid)
	}

	// A restart looks at no round twice.
	r, err = OpenRetention(chain, store, noResults(t, store), path, 2, quiet)
	require.NoError(t, err)
	store.put("lose1", nil)
	removed, err = r.Sweep(t.Context())
	require.NoError(t, err)
	require.Zero(t, removed)
	require.True(t, store.has("lose1"))
}

func TestRetentionRemovesNothingWhileTheNodeIsAway(t *testing.T) {
	chain, store := twoGroups(6)
	chain.down = true
	r, err := OpenRetention(chain, store, noResults(t, store), filepath.Join(t.TempDir(), "retention.json"), 2, quiet)
	require.NoError(t, err)
	_, err = r.Sweep(t.Context())
	require.ErrorIs(t, err, errDown)
	require.True(t, store.has("lose1"))
}

func TestALoserOfOneGroupStaysWhileAnotherGroupStillUsesIt(t *testing.T) {
	reveal := func(chain *fakeChain, group string, n uint64, cid string) {
		chain.reveals[roundKey(group, n)] = append(chain.reveals[roundKey(group, n)], poltypes.Submission{CheckpointCid: cid})
	}
	for _, c := range []struct {
		name  string
		round uint64 // of group b in which it is used
		stays bool
	}{
		{"in its current round, not settled yet", 6, true},
		{"in a round that is still kept", 4, true},
		{"in a round that may go too", 3, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			chain, store := twoGroups(6)
			chain.groups[1].Round = 6
			reveal(chain, "b", c.round, "lose1")
			r, err := OpenRetention(chain, store, noResults(t, store), filepath.Join(t.TempDir(), "retention.json"), 2, quiet)
			require.NoError(t, err)
			_, err = r.Sweep(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.stays, store.has("lose1"))
			require.False(t, store.has("lose2"), "others go")

			chain.groups[1].Round = 9 // the round of b passes out of what is kept
			_, err = r.Sweep(t.Context())
			require.NoError(t, err)
			require.False(t, store.has("lose1"), "nobody uses it any more")
		})
	}
}
