package swarm

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRemoveKeepsWhatOthersNeed(t *testing.T) {
	n := open(t, testConfig(t))
	first := content("first", 2*ChunkSize)
	second := append(append([]byte(nil), first[:ChunkSize]...), content("second", ChunkSize)...)
	one, two := add(t, n, first), add(t, n, second)
	alone := add(t, n, first[:ChunkSize]) // a chunk of both that is an object too

	require.NoError(t, n.Remove(t.Context(), one.CID))
	for _, o := range []Object{two, alone} {
		has, err := n.Has(t.Context(), o.CID)
		require.NoError(t, err)
		require.True(t, has)
	}
	_, err := n.Get(t.Context(), one.CID)
	require.ErrorIs(t, err, ErrNotFound)
	require.ErrorIs(t, n.Remove(t.Context(), one.CID), ErrNotFound)

	require.NoError(t, n.Remove(t.Context(), two.CID))
	require.Len(t, objectFiles(t, n.cfg.Home), 1)
	require.NoError(t, n.Remove(t.Context(), alone.CID))
	require.Empty(t, objectFiles(t, n.cfg.Home))
	objects, err := n.Objects(t.Context())
	require.NoError(t, err)
	require.Empty(t, objects)
}

func TestRemoveOfADamagedObject(t *testing.T) {
	n := open(t, testConfig(t))
	obj := add(t, n, content("damaged", 2*ChunkSize))
	damage(t, n.cfg.Home, obj.CID, 1)
	has, err := n.Has(t.Context(), obj.CID)
	require.NoError(t, err)
	require.False(t, has)
	require.NoError(t, n.Remove(t.Context(), obj.CID))
	_, err = n.Get(t.Context(), obj.CID)
	require.ErrorIs(t, err, ErrNotFound)
	eventually(t, "the files to go", func() bool { return len(objectFiles(t, n.cfg.Home)) == 0 })
}

// Whatever the order in which an Add and a Remove of objects with common
// chunks meet, a kept object stays whole.
func TestAddAndRemoveAtTheSameTime(t *testing.T) {
	n := open(t, testConfig(t))
	shared := content("shared", ChunkSize)
	variant := func(i byte) []byte { return append(append([]byte(nil), shared...), i) }
	for round := range 10 {
		old := add(t, n, variant(byte(2*round)))
		var both sync.WaitGroup
		var fresh Object
		both.Go(func() {
			var err error
			if fresh, err = n.Add(t.Context(), variant(byte(2*round+1))); err != nil {
				t.Error(err)
			}
		})
		both.Go(func() {
			if err := n.Remove(t.Context(), old.CID); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		has, err := n.Has(t.Context(), fresh.CID)
		require.NoError(t, err)
		require.True(t, has, "round %d", round)
		require.NoError(t, n.Remove(t.Context(), fresh.CID))
	}
	require.Empty(t, objectFiles(t, n.cfg.Home))
}
