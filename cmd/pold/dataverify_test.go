package main

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const (
	first  = "x,y\n1,0\n2,1\n3,0\n"
	second = "x,y\n1,0\n2,1\n3,1\n4,0\n"
	third  = "x,y\n2,1\n3,1\n4,0\n5,1\n"
)

// history is a set of three versions.
func history(t *testing.T) *world {
	w := newWorld()
	w.register(t, "birds", first)
	w.change(t, "birds", second, false)
	w.change(t, "birds", third, false)
	return w
}

// verify traces and rebuilds.
func verify(w *world, name string, version uint64) (verification, error) {
	way, err := trace(context.Background(), w, name, version)
	if err != nil {
		return verification{}, err
	}
	return rebuild(context.Background(), way, w.shelf, func(string, ...any) {})
}

func TestEveryVersionIsRebuiltFromTheFirstTable(t *testing.T) {
	w := history(t)
	for version, want := range map[uint64]string{0: third, 1: first, 2: second, 3: third} {
		v, err := verify(w, "birds", version)
		require.NoError(t, err)
		require.True(t, v.Verified)
		table := csvTable(t, want)
		root, hash := table.Root(), table.SHA256()
		require.Equal(t, hexOf(root[:]), v.Root)
		require.Equal(t, hexOf(hash[:]), v.SHA256)
	}
	v, err := verify(w, "birds", 2)
	require.NoError(t, err)
	golden(t, `
SET    VERSION  ROWS  ROOT                                                              REBUILT
birds        1     3  `+v.Versions[0].Root+`  the first table
birds        2     4  `+v.Versions[1].Root+`  patched +2 -1
version 2 of birds is what the chain says: root `+v.Root+`, sha256 `+v.SHA256+`
`, v)
	_, err = verify(w, "birds", 9)
	require.ErrorContains(t, err, "birds has no version 9; it is at version 3")
	require.Equal(t, exitNotFound, exitCode(err))
	_, err = verify(w, "fish", 0)
	require.Equal(t, exitNotFound, exitCode(err))
}

func TestWhatIsNotAsTheChainSaysIsFoundWithItsVersion(t *testing.T) {
	for _, c := range []struct {
		name, says string
		tamper     func(t *testing.T, w *world)
	}{
		{"another root", "version 2 of birds: expected root 0000", func(_ *testing.T, w *world) { w.history["birds"][1].Table.Root = make([]byte, 32) }},
		{"another hash of the table", "version 2 of birds: expected SHA-256 0000", func(_ *testing.T, w *world) { w.history["birds"][1].Table.Sha256 = make([]byte, 32) }},
		{"another number of rows", "version 2 of birds: expected 5 rows of 2 columns, got 4 of 2", func(_ *testing.T, w *world) { w.history["birds"][1].Table.Rows++ }},
		{"another size", "version 2 of birds: expected 19 bytes, got 20", func(_ *testing.T, w *world) { w.history["birds"][1].Table.Size_-- }},
		{"another number of added rows", "expected 3 rows added and 1 removed, got 2 and 1", func(_ *testing.T, w *world) { w.history["birds"][1].Delta.RowsAdded++ }},
		{"a patch that leads elsewhere", "version 2 of birds: expected root", func(t *testing.T, w *world) {
			body, delta := deltaOf(t, csvTable(t, first), csvTable(t, "x,y\n1,0\n2,1\n3,1\n9,0\n"))
			w.put(body)
			w.history["birds"][1].Delta = &delta
		}},
		{"a patch of another table", "does not apply to the version before", func(t *testing.T, w *world) {
			body, delta := deltaOf(t, csvTable(t, "x,y\n7,0\n3,0\n"), csvTable(t, "x,y\n7,0\n3,1\n4,0\n"))
			w.put(body)
			w.history["birds"][1].Delta = &delta
		}},
		{"a patch that is none", "is no delta", func(_ *testing.T, w *world) {
			w.put([]byte("rows\n"))
			d := w.history["birds"][1].Delta
			*d = trainingsettypes.Delta{Cid: d.Cid, Size_: 5, RowsAdded: 1}
			for hash, b := range w.shelf {
				if bytes.Equal(b, []byte("rows\n")) {
					d.Sha256 = []byte(hash)
				}
			}
		}},
		{"a file that changed on its way", "expected SHA-256", func(_ *testing.T, w *world) {
			d := w.history["birds"][1].Delta
			w.shelf[string(d.Sha256)] = bytes.Replace(w.shelf[string(d.Sha256)], []byte("+4,0"), []byte("+4,1"), 1)
		}},
		{"a first table that is another one", "version 1 of birds: expected root 0000", func(_ *testing.T, w *world) { w.history["birds"][0].Table.Root = make([]byte, 32) }},
		{"a current table that is not that of the last version", "the current table of birds is not that of its last version 3", func(_ *testing.T, w *world) {
			s := w.sets["birds"]
			s.Table.Cid = w.history["birds"][0].Table.Cid
			w.sets["birds"] = s
		}},
		{"a version that is missing", "no patch that leads to version 2", func(_ *testing.T, w *world) {
			w.history["birds"] = append(w.history["birds"][:1:1], w.history["birds"][2])
		}},
		{"a history that begins with a patch", "begins with a patch, at version 2", func(_ *testing.T, w *world) { w.history["birds"] = w.history["birds"][1:] }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := history(t)
			c.tamper(t, w)
			_, err := verify(w, "birds", 0)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, exitMismatch, exitCode(err))
		})
	}
}

func TestAFileThatNobodyHasIsNotAMismatch(t *testing.T) {
	w := history(t)
	w.forget(w.history["birds"][1].Delta.Sha256)
	v, err := verify(w, "birds", 0)
	require.ErrorContains(t, err, "the patch that led to version 2 of birds (proposal 12): nobody has it")
	require.Equal(t, exitNotFound, exitCode(err))
	require.False(t, v.Verified)
	require.Len(t, v.Versions, 1, "how far it got is shown")

	w = history(t)
	w.forget(w.sets["birds"].Table.Sha256)
	_, err = verify(w, "birds", 0)
	require.ErrorContains(t, err, "as the network hands it out: nobody has it")
}

func TestATakedownIsWhereRebuildingStarts(t *testing.T) {
	w := newWorld()
	w.register(t, "faces", first)
	w.change(t, "faces", second, false)
	w.change(t, "faces", third, true)
	w.change(t, "faces", "x,y\n2,1\n3,1\n4,0\n5,1\n6,0\n", false)
	for _, r := range w.history["faces"][:3] { // as nodes were asked to
		if r.Delta != nil {
			w.forget(r.Delta.Sha256)
		}
		if r.Version < 3 {
			w.forget(r.Table.Sha256)
		}
	}
	v, err := verify(w, "faces", 0)
	require.NoError(t, err)
	require.Contains(t, v.FromReason, "version 3 is a takedown")
	require.Equal(t, "version 3 of faces", v.From)
	require.Equal(t, []string{"taken as it is", "patched +1 -0"}, []string{v.Versions[0].How, v.Versions[1].How})
	v, err = verify(w, "faces", 3)
	require.NoError(t, err)
	require.Len(t, v.Versions, 1)
	_, err = verify(w, "faces", 2)
	require.ErrorContains(t, err, "version 2 of faces was taken down with version 3")
	require.Equal(t, exitNotFound, exitCode(err))
}

func TestAForkIsRebuiltThroughItsSource(t *testing.T) {
	w := history(t)
	w.fork(t, "birds", "owls")
	w.change(t, "owls", "x,y\n2,1\n3,1\n4,0\n5,1\n7,0\n", false)
	w.fork(t, "owls", "eagles")
	w.change(t, "birds", "x,y\n2,1\n3,1\n", false) // the source goes its own way
	v, err := verify(w, "eagles", 0)
	require.NoError(t, err)
	var how []string
	for _, s := range v.Versions {
		how = append(how, s.TrainingSet+": "+s.How)
	}
	require.Equal(t, []string{
		"birds: the first table", "birds: patched +2 -1", "birds: patched +1 -1", "owls: a copy of version 3 of birds",
		"owls: patched +1 -0", "eagles: a copy of version 2 of owls",
	}, how)

	t.Run("with a copy that is none", func(t *testing.T) {
		s, r := w.sets["eagles"], w.history["eagles"]
		s.Table.SplitKey = "eagles" // other rows would be held back
		r[0].Table.SplitKey = "eagles"
		w.sets["eagles"] = s
		_, err := verify(w, "eagles", 0)
		require.ErrorContains(t, err, "version 1 of eagles is not a copy of version 2 of owls")
		require.Equal(t, exitMismatch, exitCode(err))
	})
	t.Run("of a version that was taken down in the source", func(t *testing.T) {
		w := history(t)
		w.fork(t, "birds", "owls")
		w.change(t, "owls", "x,y\n2,1\n3,1\n4,0\n5,1\n7,0\n", false)
		w.change(t, "birds", "x,y\n2,1\n3,1\n", true)
		v, err := verify(w, "owls", 0)
		require.NoError(t, err)
		require.Contains(t, v.FromReason, "owls is a fork of version 3 of birds, which was taken down there with version 4")
		require.Equal(t, "version 1 of owls", v.From)
	})
	t.Run("of a source that had a takedown before", func(t *testing.T) {
		w := newWorld()
		w.register(t, "faces", first)
		w.change(t, "faces", second, true)
		w.fork(t, "faces", "masks")
		v, err := verify(w, "masks", 0)
		require.NoError(t, err)
		require.Equal(t, "version 2 of faces", v.From)
		require.Contains(t, v.FromReason, "version 2 is a takedown")
	})
	t.Run("that names itself", func(t *testing.T) {
		w := newWorld()
		w.register(t, "a", first)
		s := w.sets["a"]
		s.ForkedFrom, s.ForkedVersion = "a", 1
		w.sets["a"] = s
		_, err := verify(w, "a", 0)
		require.ErrorContains(t, err, "a is a fork of itself")
	})
}

// The table that is handed out is compared byte for byte, not by what is said of it.
func TestTheRebuiltTableIsTheOneThatTheNetworkHandsOut(t *testing.T) {
	w := history(t)
	way, err := trace(context.Background(), w, "birds", 0)
	require.NoError(t, err)
	other := filesFunc(func(ctx context.Context, f file) ([]byte, error) {
		b, err := w.shelf.get(ctx, f)
		if bytes.Equal(f.sha256, w.sets["birds"].Table.Sha256) {
			b = append(bytes.Clone(b), "9,9\n"...)
		}
		return b, err
	})
	_, err = rebuild(context.Background(), way, other, func(string, ...any) {})
	require.ErrorContains(t, err, "the table that the network hands out is not the rebuilt one")
	var fault *dataset.DeltaError
	require.False(t, errors.As(err, &fault))
}

type filesFunc func(ctx context.Context, f file) ([]byte, error)

func (f filesFunc) get(ctx context.Context, x file) ([]byte, error) { return f(ctx, x) }
