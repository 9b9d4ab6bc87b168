package server

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// versioned is a chain with a set of so many versions, the tables t1, t2, … and the deltas d2, d3, … that led from one to the next, and a
// node that holds them all.
func versioned(versions uint64, takedowns ...uint64) (*fakeChain, *fakeStore) {
	chain := &fakeChain{rounds: map[string]poltypes.Round{}, reveals: map[string][]poltypes.Submission{}, history: map[string][]trainingsettypes.Revision{}}
	store := newStore()
	chain.sets = []trainingsettypes.TrainingSet{{Name: "set"}}
	for n := uint64(1); n <= versions; n++ {
		chain.adopt(store, n)
	}
	for _, n := range takedowns {
		chain.history["set"][n-1].Takedown = true
	}
	return chain, store
}

// adopt gives the set its next version.
func (c *fakeChain) adopt(store *fakeStore, n uint64) {
	r := trainingsettypes.Revision{TrainingSet: "set", Version: n, Table: trainingsettypes.Table{Cid: fmt.Sprint("t", n)}}
	if n > 1 {
		r.Delta = &trainingsettypes.Delta{Cid: fmt.Sprint("d", n)}
		store.put(r.Delta.Cid, []byte(r.Delta.Cid))
	}
	store.put(r.Table.Cid, []byte(r.Table.Cid))
	c.history["set"] = append(c.history["set"], r)
	at := slices.IndexFunc(c.sets, func(s trainingsettypes.TrainingSet) bool { return s.Name == "set" })
	c.sets[at].Version, c.sets[at].Table = n, r.Table
}

func sweeper(t *testing.T, chain *fakeChain, store *fakeStore, path string) *Retention {
	t.Helper()
	r, err := OpenRetention(chain, store, noResults(t, store), path, 2, quiet)
	require.NoError(t, err)
	return r
}

func (s *fakeStore) names() (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.files {
		names = append(names, name)
	}
	return names
}

func TestATakedownDropsTheBodiesAndTablesBeforeIt(t *testing.T) {
	for _, c := range []struct {
		name      string
		versions  uint64
		takedowns []uint64
		change    func(chain *fakeChain)
		left      []string
	}{
		{"none", 3, nil, nil, []string{"t1", "d2", "t2", "d3", "t3"}},
		{"the last version", 3, []uint64{3}, nil, []string{"t3"}},
		{"an earlier version", 4, []uint64{2}, nil, []string{"t2", "d3", "t3", "d4", "t4"}},
		{"two of them", 4, []uint64{2, 3}, nil, []string{"t3", "d4", "t4"}},
		{"a table that another set has now", 3, []uint64{3}, func(chain *fakeChain) {
			chain.sets = append(chain.sets, trainingsettypes.TrainingSet{Name: "fork", Version: 1, Table: trainingsettypes.Table{Cid: "t1"}})
		}, []string{"t1", "t3"}},
		{"a name that is also that of a checkpoint", 3, []uint64{3}, func(chain *fakeChain) {
			chain.groups = []poltypes.Group{{Name: "g", Carried: &poltypes.CarriedWeights{Checkpoint: poltypes.Checkpoint{Cid: "t1"}}, Parent: poltypes.Checkpoint{Cid: "t2"}}}
		}, []string{"t1", "t2", "t3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			chain, store := versioned(c.versions, c.takedowns...)
			if c.change != nil {
				c.change(chain)
			}
			removed, err := sweeper(t, chain, store, filepath.Join(t.TempDir(), "retention.json")).Sweep(t.Context())
			require.NoError(t, err)
			require.ElementsMatch(t, c.left, store.names())
			require.Equal(t, int(2*c.versions-1)-len(c.left), removed)
		})
	}
}

// fork adds a set that went on from version 2 of the other: with its delta d3, one of its own and d4, which takes all before it down.
func (c *fakeChain) fork(store *fakeStore) {
	for i, v := range []struct{ table, delta string }{{"t2", ""}, {"t3", "d3"}, {"own3", "owndelta3"}, {"own4", "d4"}} {
		r := trainingsettypes.Revision{TrainingSet: "fork", Version: uint64(i + 1), Table: trainingsettypes.Table{Cid: v.table}, Takedown: i == 3}
		if v.delta != "" {
			r.Delta = &trainingsettypes.Delta{Cid: v.delta}
			store.put(v.delta, nil)
		}
		store.put(v.table, nil)
		c.history["fork"] = append(c.history["fork"], r)
	}
	c.sets = append(c.sets, trainingsettypes.TrainingSet{Name: "fork", Version: 4, Table: trainingsettypes.Table{Cid: "own4"}})
}

func TestATakedownInAForkKeepsWhatItsSourceKeeps(t *testing.T) {
	source := []string{"t1", "d2", "t2", "d3", "t3", "d4", "t4", "d5", "t5"}
	for _, c := range []struct {
		name   string
		change func(chain *fakeChain, r *Retention)
	}{
		{"the source is looked at first", func(*fakeChain, *Retention) {}},
		{"the fork is looked at first", func(chain *fakeChain, _ *Retention) { slices.Reverse(chain.sets) }},
		{"the source was looked at long ago", func(chain *fakeChain, r *Retention) {
			all := chain.sets
			chain.sets = all[:1]
			_, err := r.Sweep(t.Context())
			require.NoError(t, err)
			chain.sets = all
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			chain, store := versioned(5)
			chain.fork(store)
			r := sweeper(t, chain, store, filepath.Join(t.TempDir(), "retention.json"))
			c.change(chain, r)
			removed, err := r.Sweep(t.Context())
			require.NoError(t, err)
			require.Equal(t, 2, removed, "its own table and delta")
			require.ElementsMatch(t, append([]string{"own4"}, source...), store.names())

			// Once the source takes them down too, nobody keeps them.
			chain.adopt(store, 6)
			chain.history["set"][5].Takedown = true
			_, err = r.Sweep(t.Context())
			require.NoError(t, err)
			require.ElementsMatch(t, []string{"own4", "t6"}, store.names())
		})
	}
}

func TestATableThatASetCameBackToStays(t *testing.T) {
	chain, store := versioned(5, 3)
	chain.history["set"][3].Table.Cid = "t1" // version 4, after the takedown
	_, err := sweeper(t, chain, store, filepath.Join(t.TempDir(), "retention.json")).Sweep(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"t1", "t3", "d4", "t4", "d5", "t5"}, store.names())
}

func TestATakedownIsCarriedOutOnce(t *testing.T) {
	chain, store := versioned(3, 3)
	path := filepath.Join(t.TempDir(), "retention.json")
	_, err := sweeper(t, chain, store, path).Sweep(t.Context())
	require.NoError(t, err)
	// Somebody puts the table there again, for reasons of their own.
	store.put("t1", nil)
	again := sweeper(t, chain, store, path)
	removed, err := again.Sweep(t.Context())
	require.NoError(t, err)
	require.Zero(t, removed)
	chain.adopt(store, 4) // the version is another, the takedown the same
	removed, err = again.Sweep(t.Context())
	require.NoError(t, err)
	require.Zero(t, removed)
	require.True(t, store.has("t1"))
}

func TestATakedownWaitsForTheRoundThatUsesTheTable(t *testing.T) {
	chain, store := versioned(3, 3)
	chain.groups = []poltypes.Group{{Name: "g", Round: 1}}
	round := poltypes.Round{Group: "g", Number: 1, Phase: poltypes.ROUND_PHASE_SCORE, Table: trainingsettypes.Table{Cid: "t2"}}
	chain.rounds[roundKey("g", 1)] = round
	r := sweeper(t, chain, store, filepath.Join(t.TempDir(), "retention.json"))
	_, err := r.Sweep(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"t2", "t3"}, store.names(), "validators still compute with it")
	round.Phase = poltypes.ROUND_PHASE_SETTLED
	chain.rounds[roundKey("g", 1)] = round
	_, err = r.Sweep(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"t3"}, store.names())
}

func TestOldTablesAndDeltasStayWhateverASubmissionNames(t *testing.T) {
	chain, store := versioned(3)
	store.put("loser", nil)
	chain.groups = []poltypes.Group{{Name: "g", Round: 6}}
	for _, cid := range []string{"t1", "d2", "t3", "loser"} {
		chain.reveals[roundKey("g", 1)] = append(chain.reveals[roundKey("g", 1)], poltypes.Submission{CheckpointCid: cid})
	}
	removed, err := sweeper(t, chain, store, filepath.Join(t.TempDir(), "retention.json")).Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, removed)
	require.False(t, store.has("loser"))
}

func TestACarriedCheckpointIsNeverRemoved(t *testing.T) {
	chain, store := versioned(1)
	for _, cid := range []string{"before", "now", "loser"} {
		store.put(cid, nil)
		chain.reveals[roundKey("g", 2)] = append(chain.reveals[roundKey("g", 2)], poltypes.Submission{CheckpointCid: cid})
	}
	carried := func(cid string) *poltypes.CarriedWeights {
		return &poltypes.CarriedWeights{Checkpoint: poltypes.Checkpoint{Cid: cid}}
	}
	chain.rounds[roundKey("g", 1)] = poltypes.Round{Number: 1, Carried: carried("before")}
	chain.groups = []poltypes.Group{{Name: "g", Round: 9, Carried: carried("now")}}
	_, err := sweeper(t, chain, store, filepath.Join(t.TempDir(), "retention.json")).Sweep(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"t1", "before", "now"}, store.names())
}

func TestProposedTablesThatWereNotAdoptedGo(t *testing.T) {
	chain, store := versioned(3)
	results, err := OpenResults(store, filepath.Join(t.TempDir(), "results.json"))
	require.NoError(t, err)
	keep := func(text string, version uint64) string {
		cid, err := results.Keep(t.Context(), &trainingsettypes.DataManifest{Name: "set", Version: version}, []byte(text))
		require.NoError(t, err)
		return cid
	}
	won, lost, both, waiting := keep("won", 3), keep("lost", 3), keep("both", 3), keep("waiting", 4)
	keep("both", 4) // another proposal leads to the same table
	r, err := OpenRetention(chain, store, results, filepath.Join(t.TempDir(), "retention.json"), 2, quiet)
	require.NoError(t, err)
	sweep := func() {
		_, err := r.Sweep(t.Context())
		require.NoError(t, err)
	}
	sweep()
	for _, cid := range []string{won, lost, both, waiting} {
		require.True(t, store.has(cid), "version 3 is current: any of them may be adopted")
	}
	chain.adopt(store, 4)
	chain.history["set"][3].Table.Cid, chain.sets[0].Table.Cid = won, won
	sweep()
	require.False(t, store.has(lost))
	for _, cid := range []string{won, both, waiting} {
		require.True(t, store.has(cid))
	}
	chain.adopt(store, 5)
	sweep()
	require.False(t, store.has(both))
	require.False(t, store.has(waiting))
	require.True(t, store.has(won), "it is version 4")
	require.Empty(t, results.all())
}

func TestAnUnadoptedTableStaysWhereItIsHistory(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(chain *fakeChain, cid string)
		stays  bool
	}{
		{"nowhere", func(*fakeChain, string) {}, false},
		{"an old version of its set", func(chain *fakeChain, cid string) { chain.history["set"][0].Table.Cid = cid }, true},
		{"one that was taken down", func(chain *fakeChain, cid string) {
			chain.history["set"][0].Table.Cid, chain.history["set"][1].Takedown = cid, true
		}, false},
		{"an old version of another set", func(chain *fakeChain, cid string) { chain.history["other"][0].Table.Cid = cid }, true},
		{"a delta of another set", func(chain *fakeChain, cid string) {
			chain.history["other"][1].Delta = &trainingsettypes.Delta{Cid: cid}
		}, true},
		{"one that another set took down", func(chain *fakeChain, cid string) {
			chain.history["other"][0].Table.Cid, chain.history["other"][1].Takedown = cid, true
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			chain, store := versioned(4)
			table := func(cid string) trainingsettypes.Table { return trainingsettypes.Table{Cid: cid} }
			chain.history["other"] = []trainingsettypes.Revision{{Version: 1, Table: table("o1")}, {Version: 2, Table: table("o2")}}
			chain.sets = append(chain.sets, trainingsettypes.TrainingSet{Name: "other", Version: 2, Table: table("o2")})
			results := noResults(t, store)
			cid, err := results.Keep(t.Context(), &trainingsettypes.DataManifest{Name: "set", Version: 3}, []byte("again"))
			require.NoError(t, err)
			c.change(chain, cid)
			r, err := OpenRetention(chain, store, results, filepath.Join(t.TempDir(), "retention.json"), 2, quiet)
			require.NoError(t, err)
			_, err = r.Sweep(t.Context())
			require.NoError(t, err)
			require.Equal(t, c.stays, store.has(cid))
			require.Empty(t, results.all())
		})
	}
}

func TestATakedownWaitsForAProposalThatLeadsToTheTable(t *testing.T) {
	chain, store := versioned(3, 3)
	chain.sets = append(chain.sets, trainingsettypes.TrainingSet{Name: "other", Version: 1, Table: trainingsettypes.Table{Cid: "o1"}})
	results := noResults(t, store)
	cid, err := results.Keep(t.Context(), &trainingsettypes.DataManifest{Name: "other", Version: 1}, []byte("again"))
	require.NoError(t, err)
	chain.history["set"][0].Table.Cid = cid
	r, err := OpenRetention(chain, store, results, filepath.Join(t.TempDir(), "retention.json"), 2, quiet)
	require.NoError(t, err)
	_, err = r.Sweep(t.Context())
	require.NoError(t, err)
	require.True(t, store.has(cid), "the other set may adopt it")
	require.False(t, store.has("t2"))
	chain.sets[1].Version = 2 // it adopted another one
	_, err = r.Sweep(t.Context())
	require.NoError(t, err)
	require.False(t, store.has(cid))
}
