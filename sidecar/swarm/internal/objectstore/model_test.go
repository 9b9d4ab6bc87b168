package objectstore

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

// modelObject is what a store should know of one object.
type modelObject struct {
	have   map[int]bool
	kept   bool
	doomed bool
	uses   []*Object
}

// TestAStoreDoesWhatASimpleModelDoes runs random operations on objects that
// have chunks in common, over many crashes, and compares with a model.
func TestAStoreDoesWhatASimpleModelDoes(t *testing.T) {
	var things []thing
	full := [][]byte{content("a", dag.ChunkSize), content("b", dag.ChunkSize)}
	for _, recipe := range []string{"a1", "a2", "ab1", "ba1", "aa2", "1", "2", "a", ""} {
		var data []byte
		for _, c := range recipe {
			if c < 'a' {
				data = append(data, strings.Repeat(string(c), 100)...)
			} else {
				data = append(data, full[c-'a']...)
			}
		}
		things = append(things, newThing(t, data))
	}
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			runModel(t, rand.New(rand.NewPCG(seed, 7)), things, 500)
		})
	}
}

func runModel(t *testing.T, r *rand.Rand, things []thing, steps int) {
	f := openFixture(t, t.TempDir())
	model := make([]*modelObject, len(things)) // nil: the store knows nothing of it
	settle := func(k int) {
		if m := model[k]; m.doomed && len(m.uses) == 0 {
			model[k] = nil
		}
	}
	var trace []string
	defer func() {
		if t.Failed() {
			t.Log(strings.Join(trace, "\n"))
		}
	}()
	buf := make([]byte, dag.ChunkSize)
	for range steps {
		k := r.IntN(len(things))
		x, m := things[k], model[k]
		op := []string{"begin", "begin", "write", "write", "write", "write", "copy", "keep", "keep", "release", "release", "remove", "discard", "read", "evict", "crash"}[r.IntN(16)]
		trace = append(trace, fmt.Sprintf("%s %d", op, k))
		switch op {
		case "begin":
			o, err := f.Begin(x.root, x.size(), x.leaves)
			require.NoError(t, err)
			if m == nil {
				m = &modelObject{have: make(map[int]bool)}
				model[k] = m
			}
			m.uses = append(m.uses, o)
		case "write":
			if m != nil && len(m.uses) > 0 {
				i := r.IntN(len(x.leaves))
				require.NoError(t, m.uses[0].Write(i, x.chunk(i)))
				m.have[i] = true
			}
		case "copy":
			if m != nil && len(m.uses) > 0 {
				elsewhere := make(map[dag.Digest]bool)
				for j, other := range model {
					for i := range things[j].leaves {
						if other != nil && other.have[i] {
							elsewhere[things[j].leaves[i]] = true
						}
					}
				}
				_, err := f.Copy(t.Context(), m.uses[0])
				require.NoError(t, err)
				for i, d := range x.leaves {
					if elsewhere[d] {
						m.have[i] = true
					}
				}
			}
		case "keep":
			if m != nil && len(m.uses) > 0 {
				err := f.Keep(m.uses[0], func(x *Kept) { x.Pinned = k%2 == 0 }, r.IntN(4) == 0)
				if len(m.have) < len(x.leaves) {
					require.ErrorIs(t, err, ErrNotFound)
					break
				}
				require.NoError(t, err)
				m.kept, m.doomed = true, false
			}
		case "release":
			if m != nil && len(m.uses) > 0 {
				m.uses[0].Release()
				m.uses = m.uses[1:]
				settle(k)
			}
		case "remove":
			err := f.Remove(x.root)
			if m == nil || !m.kept {
				require.ErrorIs(t, err, ErrNotFound)
				break
			}
			require.NoError(t, err)
			m.kept, m.doomed = false, true
			settle(k)
		case "discard":
			if m != nil && len(m.uses) > 0 {
				f.Discard(m.uses[0])
				m.doomed = m.doomed || !m.kept
			}
		case "read":
			if m != nil && len(m.uses) > 0 {
				for i := range x.leaves {
					b, err := m.uses[0].Read(i, buf)
					if !m.have[i] {
						require.ErrorIs(t, err, ErrNotFound)
						continue
					}
					require.NoError(t, err)
					require.True(t, bytes.Equal(x.chunk(i), b))
				}
			}
		case "evict":
			if r.IntN(4) > 0 {
				break
			}
			_, _, err := f.Evict(1 << 40)
			require.NoError(t, err)
			for j, other := range model {
				if other != nil && len(other.uses) == 0 && !(other.kept && j%2 == 0) {
					model[j] = nil
				}
			}
		case "crash":
			f.crash()
			for j, other := range model {
				if other == nil {
					continue
				}
				if !other.kept && len(other.have) == 0 {
					model[j] = nil
					continue
				}
				other.doomed, other.uses = false, nil // who wanted it gone is gone
				f.verified(things[j].root)
			}
		}
		compare(t, f, things, model)
	}
	require.Empty(t, f.reported())
}

// compare says that a store is what the model is, in memory and on disk.
func compare(t *testing.T, f *fixture, things []thing, model []*modelObject) {
	t.Helper()
	wantFiles := make(map[string]bool)
	chunks := make(map[dag.Digest]bool)
	var kept, known int
	for k, x := range things {
		o, m := f.objects[x.root], model[k]
		require.Equal(t, m != nil, o != nil, "object %d", k)
		if m == nil {
			continue
		}
		known++
		_, isKept := f.Store.Kept(x.root)
		require.Equal(t, m.kept, isKept, "object %d", k)
		require.Equal(t, len(m.uses), o.users, "object %d", k)
		require.Equal(t, slices.Sorted(maps.Keys(m.have)), append([]int(nil), held(o)...), "object %d", k)
		require.Equal(t, len(m.have) == len(x.leaves), o.Complete())
		if m.kept {
			kept++
		}
		if len(x.leaves) > 1 {
			wantFiles[f.path(x, ".leaves")] = true
		}
		switch {
		case o.Complete():
			wantFiles[f.path(x, "")] = true
		case len(m.have) > 0:
			wantFiles[f.path(x, ".part")], wantFiles[f.path(x, ".have")] = true, true
		}
		for i := range m.have {
			chunks[x.leaves[i]] = true
		}
	}
	require.Equal(t, slices.Sorted(maps.Keys(wantFiles)), slices.Sorted(slices.Values(f.allFiles())))
	require.Len(t, f.List(), kept)
	require.Len(t, f.Partial(), known-kept)
	view := f.Blockstore()
	for _, x := range things {
		for _, d := range x.leaves {
			has, err := view.Has(t.Context(), dag.LeafCID(d))
			require.NoError(t, err)
			require.Equal(t, chunks[d], has)
		}
	}
}
