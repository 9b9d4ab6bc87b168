package server

import (
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// shelf is a store that notes what is pinned and described.
type shelf struct {
	*fakeStore
	pinned map[string]bool
	cards  map[string]Card
}

func (s *shelf) Holds(cid string) bool { return s.has(cid) }

func (s *shelf) Pin(_ context.Context, cid string, pinned bool) error {
	s.pinned[cid] = pinned
	return nil
}

func (s *shelf) Describe(_ context.Context, cid string, card Card) error {
	s.cards[cid] = card
	return nil
}

func repositoryWorld() (*fakeChain, *shelf) {
	hash := func(cid string) []byte { sum := sha256.Sum256([]byte(cid)); return sum[:] }
	checkpoint := func(cid string, round uint64) poltypes.Checkpoint {
		return poltypes.Checkpoint{Cid: cid, Size_: uint64(len(cid)), Sha256: hash(cid), Round: round}
	}
	chain := &fakeChain{rounds: map[string]poltypes.Round{}, reveals: map[string][]poltypes.Submission{}, history: map[string][]trainingsettypes.Revision{}}
	chain.sets = []trainingsettypes.TrainingSet{{Name: "digits", Version: 3, Table: trainingsettypes.Table{Cid: "table3", Size_: 6, Sha256: hash("table3")}}}
	chain.groups = []poltypes.Group{{Name: "mlp", Parent: checkpoint("parent", 7), Round: 8, Settings: poltypes.GroupSettings{TrainingSet: "digits"},
		Carried: &poltypes.CarriedWeights{Checkpoint: checkpoint("carried", 2)}}}
	chain.reveals[roundKey("mlp", 7)] = []poltypes.Submission{
		{CheckpointCid: "other", TranscriptCid: "nothing of ours", TranscriptSize: 5, TranscriptRoot: hash("x")},
		{CheckpointCid: "parent", TranscriptCid: "transcript", TranscriptSize: 10, TranscriptRoot: hash("transcript")},
	}
	delta := func(cid string) *trainingsettypes.Delta {
		return &trainingsettypes.Delta{Cid: cid, Size_: uint64(len(cid)), Sha256: hash(cid)}
	}
	chain.history["digits"] = []trainingsettypes.Revision{{Version: 1}, {Version: 2, Delta: delta("delta2"), Takedown: true}, {Version: 3, Delta: delta("delta3")}}
	store := &shelf{fakeStore: newStore(), pinned: map[string]bool{}, cards: map[string]Card{}}
	for _, cid := range []string{"table3", "parent", "carried", "transcript", "delta3"} {
		store.put(cid, []byte(cid))
	}
	return chain, store
}

func TestTheRepositoryPinsAndDescribesWhatGroupsReferTo(t *testing.T) {
	chain, store := repositoryWorld()
	path := filepath.Join(t.TempDir(), "pinned.json")
	r, err := OpenRepository(chain, store, path, quiet)
	require.NoError(t, err)
	require.NoError(t, r.Sync(t.Context()))
	require.Equal(t, map[string]bool{"table3": true, "parent": true, "carried": true, "transcript": true, "delta3": true}, store.pinned)
	require.Equal(t, map[string]Card{
		"table3":     {"table", "digits, version 3", []string{"digits", "training-set"}},
		"parent":     {"checkpoint", "mlp, round 7", []string{"mlp", "digits", "checkpoint"}},
		"carried":    {"checkpoint", "mlp, round 2", []string{"mlp", "digits", "checkpoint"}},
		"transcript": {"transcript", "mlp, round 7", []string{"mlp", "transcript"}},
		"delta3":     {"delta", "digits, to version 3", []string{"digits", "delta"}},
	}, store.cards)

	// The group goes on to another parent.
	chain.groups[0].Carried = nil
	require.NoError(t, r.Sync(t.Context()))
	require.Equal(t, map[string]bool{"table3": true, "parent": true, "carried": false, "transcript": true, "delta3": true}, store.pinned)

	// And while the process does not run.
	chain.groups[0].Parent.Cid, chain.groups[0].Parent.Round = "table3", 9
	r, err = OpenRepository(chain, store, path, quiet)
	require.NoError(t, err)
	require.NoError(t, r.Sync(t.Context()))
	require.Equal(t, map[string]bool{"table3": true, "parent": false, "carried": false, "transcript": false, "delta3": true}, store.pinned)

	// Pins of others are left alone, and what was removed and fetched again is pinned again.
	store.pinned["somebody's"] = true
	store.pinned["delta3"] = false
	delete(store.files, "delta3")
	require.NoError(t, r.Sync(t.Context()))
	require.False(t, store.pinned["delta3"])
	store.put("delta3", []byte("delta3"))
	require.NoError(t, r.Sync(t.Context()))
	require.True(t, store.pinned["delta3"])
	require.True(t, store.pinned["somebody's"])

	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	_, err = OpenRepository(chain, store, path, quiet)
	require.ErrorContains(t, err, "delete the file to start afresh")
}

func TestTheRepositoryWaitsForWhatNobodyHas(t *testing.T) {
	chain, store := repositoryWorld()
	delete(store.files, "parent")
	r, err := OpenRepository(chain, store, filepath.Join(t.TempDir(), "pinned.json"), quiet)
	require.NoError(t, err)
	require.NoError(t, r.Sync(t.Context()))
	require.False(t, store.pinned["parent"])
	require.True(t, store.pinned["delta3"], "one that is missing does not stop the others")
	require.Positive(t, r.waits["parent"].failures)
	failures := r.waits["parent"].failures
	require.NoError(t, r.Sync(t.Context()))
	require.Equal(t, failures, r.waits["parent"].failures, "not asked again at once")
	chain.down = true
	require.ErrorIs(t, r.Sync(t.Context()), errDown)
}
