package objectstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

// content makes n bytes of which every chunk differs from those of other seeds.
func content(seed string, n int) []byte {
	out := bytes.Repeat([]byte(seed+"."), n/(len(seed)+1)+1)[:n]
	for i := 0; i < n; i += dag.ChunkSize {
		copy(out[i:], binary.BigEndian.AppendUint32(nil, uint32(i/dag.ChunkSize)))
	}
	return out
}

// thing is an object as its author has it.
type thing struct {
	data   []byte
	root   cid.Cid
	leaves []dag.Digest
}

func newThing(t testing.TB, data []byte) thing {
	t.Helper()
	leaves := dag.SumBytes(data)
	tree, err := dag.Build(int64(len(data)), leaves)
	require.NoError(t, err)
	return thing{data, tree.Root, leaves}
}

func (x thing) size() int64 { return int64(len(x.data)) }

func (x thing) chunk(i int) []byte {
	return x.data[i*dag.ChunkSize : i*dag.ChunkSize+dag.LeafSize(x.size(), i)]
}

// fixture is a store that is opened again and again.
type fixture struct {
	*Store
	t    testing.TB
	home string

	mu      sync.Mutex
	damaged []cid.Cid
}

func openFixture(t testing.TB, home string) *fixture {
	t.Helper()
	f := &fixture{t: t, home: home}
	f.open()
	return f
}

func (f *fixture) open() {
	f.t.Helper()
	s, err := Open(f.home, slog.New(slog.DiscardHandler), func(root cid.Cid) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.damaged = append(f.damaged, root)
	})
	require.NoError(f.t, err)
	f.Store = s
}

// reported returns what was reported as damaged since the last call.
func (f *fixture) reported() []cid.Cid {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.damaged
	f.damaged = nil
	return out
}

// crash opens the store again without the end of the process before it.
func (f *fixture) crash() {
	f.t.Helper()
	for _, o := range f.objects {
		o.closeFiles()
	}
	require.NoError(f.t, f.kept.close())
	f.open()
}

// put writes the given chunks, all without any, and leaves the object in use.
func (f *fixture) put(x thing, chunks ...int) *Object {
	f.t.Helper()
	o, err := f.Begin(x.root, x.size(), x.leaves)
	require.NoError(f.t, err)
	if chunks == nil {
		for i := range x.leaves {
			chunks = append(chunks, i)
		}
	}
	for _, i := range chunks {
		require.NoError(f.t, o.Write(i, x.chunk(i)))
	}
	return o
}

// keep is put and Keep of a whole object that is not in use afterwards.
func (f *fixture) keep(x thing, k Kept) {
	f.t.Helper()
	o := f.put(x)
	defer o.Release()
	require.NoError(f.t, f.Keep(o, func(old *Kept) { *old = k }, false))
}

// verified returns an object, which the test need not release, with all claims
// looked at.
func (f *fixture) verified(root cid.Cid) *Object {
	f.t.Helper()
	o := f.Acquire(root)
	require.NotNil(f.t, o)
	defer o.Release()
	require.NoError(f.t, o.Verify(f.t.Context()))
	return o
}

// whole says that all bytes of an object are there.
func (f *fixture) whole(x thing) {
	f.t.Helper()
	o := f.Acquire(x.root)
	require.NotNil(f.t, o)
	defer o.Release()
	require.True(f.t, o.Complete())
	buf := make([]byte, dag.ChunkSize)
	for i := range x.leaves {
		b, err := o.Read(i, buf)
		require.NoError(f.t, err)
		require.True(f.t, bytes.Equal(x.chunk(i), b), "chunk %d", i)
	}
}

// held lists the chunks that are here.
func held(o *Object) []int {
	out := []int{}
	have := o.Have()
	for i := range have.Len() {
		if have.Has(i) {
			out = append(out, i)
		}
	}
	return out
}

// path is a file of an object.
func (f *fixture) path(x thing, suffix string) string { return f.files(x.root).base + suffix }

// allFiles lists what the folders of objects hold.
func (f *fixture) allFiles() []string {
	f.t.Helper()
	list, err := filepath.Glob(filepath.Join(f.home, "objects", "*", "*"))
	require.NoError(f.t, err)
	hidden, err := filepath.Glob(filepath.Join(f.home, "objects", "*", ".*"))
	require.NoError(f.t, err)
	return append(list, hidden...)
}

func flip(t testing.TB, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	var b [1]byte
	_, err = f.ReadAt(b[:], at)
	require.NoError(t, err)
	b[0] ^= 1
	_, err = f.WriteAt(b[:], at)
	require.NoError(t, err)
}

func TestObjectsOfEverySizeSurviveARestart(t *testing.T) {
	f := openFixture(t, t.TempDir())
	var all []thing
	for _, size := range []int{0, 1, 1000, dag.ChunkSize, dag.ChunkSize + 1, 3 * dag.ChunkSize} {
		x := newThing(t, content("size", size))
		all = append(all, x)
		f.keep(x, Kept{Provide: size == 1, Pinned: size == 1000})
	}
	for range 2 { // after a crash, and after an orderly end
		f.crash()
		require.Len(t, f.List(), len(all))
		for _, x := range all {
			f.whole(x)
			info, ok := f.Store.Kept(x.root)
			require.True(t, ok)
			require.Equal(t, Info{x.root, x.size(), Kept{Provide: len(x.data) == 1, Pinned: len(x.data) == 1000}}, info)
		}
		require.Empty(t, f.Partial())
		require.NoError(t, f.Close())
		f.open()
	}
	require.Empty(t, f.reported())
}

func TestWhatIsRememberedOfAnObject(t *testing.T) {
	f := openFixture(t, t.TempDir())
	x, base, delta := newThing(t, content("x", 10)), newThing(t, content("base", 10)), newThing(t, content("delta", 10))
	sum := [32]byte{1, 2, 3}
	k := Kept{SHA256: &sum, Provide: true, Pinned: true, Card: &Card{"table", "a <name> \u2028 \"quoted\"", []string{"a", "b"}},
		Forms: []Form{{base.root, delta.root, 10}}}
	f.keep(x, k)
	require.ErrorIs(t, f.Change(base.root, func(*Kept) {}), ErrNotFound)
	f.crash()
	info, _ := f.Store.Kept(x.root)
	require.Equal(t, k, info.Kept)

	lines := f.kept.lines
	require.NoError(t, f.Change(x.root, func(k *Kept) { k.Pinned = true }))
	require.Equal(t, lines, f.kept.lines, "a change to the same is no change")
	require.NoError(t, f.Change(x.root, func(k *Kept) { k.Pinned = false; k.Forms = append(k.Forms, Form{delta.root, base.root, 9}) }))
	require.Len(t, info.Forms, 1, "what was handed out before stays as it was")
	f.crash()
	info, _ = f.Store.Kept(x.root)
	require.False(t, info.Pinned)
	require.Len(t, info.Forms, 2)
}

func TestOnlyRightObjectsBegin(t *testing.T) {
	f := openFixture(t, t.TempDir())
	x := newThing(t, content("x", 2*dag.ChunkSize))
	other := newThing(t, content("y", 2*dag.ChunkSize))
	for name, begin := range map[string]func() (*Object, error){
		"leaves of another":  func() (*Object, error) { return f.Begin(x.root, x.size(), other.leaves) },
		"another size":       func() (*Object, error) { return f.Begin(x.root, x.size()-1, x.leaves) },
		"a leaf less":        func() (*Object, error) { return f.Begin(x.root, x.size()-dag.ChunkSize, x.leaves[:1]) },
		"a name of a leaf":   func() (*Object, error) { return f.Begin(dag.LeafCID(x.leaves[0]), 5, x.leaves[1:]) },
		"larger than a leaf": func() (*Object, error) { return f.Begin(dag.LeafCID(x.leaves[0]), dag.ChunkSize+1, x.leaves[:1]) },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := begin()
			require.ErrorIs(t, err, dag.ErrMismatch)
		})
	}
	require.Empty(t, f.allFiles())

	o := f.put(x, 0)
	defer o.Release()
	require.ErrorIs(t, f.Keep(o, nil, false), ErrNotFound, "it is not whole")
	require.ErrorIs(t, o.Write(1, make([]byte, 5)), dag.ErrMismatch)
	for _, i := range []int{-1, 2, 1 << 31} {
		_, err := o.Read(i, make([]byte, dag.ChunkSize))
		require.ErrorIs(t, err, ErrNotFound)
	}
	_, err := o.Read(1, make([]byte, dag.ChunkSize))
	require.ErrorIs(t, err, ErrNotFound)
}

// The CID of a single chunk does not say how large it is: whoever was told a
// wrong size has to be able to begin again with the right one.
func TestASingleChunkThatWasBegunWithAWrongSize(t *testing.T) {
	f := openFixture(t, t.TempDir())
	x := newThing(t, content("x", 1000))
	wrong, err := f.Begin(x.root, 999, x.leaves)
	require.NoError(t, err)
	wrong.Release()
	f.keep(x, Kept{})
	f.whole(x)
	_, err = f.Begin(x.root, 999, x.leaves)
	require.ErrorIs(t, err, dag.ErrMismatch, "now its size is known")
	f.crash()
	f.whole(x)

	// Whoever still has the wrong one takes nothing away from the right one.
	y := newThing(t, content("y", 1000))
	wrong, err = f.Begin(y.root, 5, y.leaves)
	require.NoError(t, err)
	f.Discard(wrong)
	f.keep(y, Kept{})
	wrong.Release()
	f.whole(y)
	require.Empty(t, f.reported())
}

func TestTheEndOfAnObjectThatIsInUse(t *testing.T) {
	x := content("x", 2*dag.ChunkSize)
	for name, tc := range map[string]struct {
		run  func(t *testing.T, f *fixture, x thing)
		left bool
	}{
		"removed while nobody uses it": {func(t *testing.T, f *fixture, x thing) {
			f.keep(x, Kept{})
			require.NoError(t, f.Remove(x.root))
		}, false},
		"removed while two use it": {func(t *testing.T, f *fixture, x thing) {
			f.keep(x, Kept{})
			a, b := f.Acquire(x.root), f.Acquire(x.root)
			require.NoError(t, f.Remove(x.root))
			require.ErrorIs(t, f.Remove(x.root), ErrNotFound)
			a.Release()
			f.whole(x)
			b.Release()
		}, false},
		"removed, and kept again by one who uses it": {func(t *testing.T, f *fixture, x thing) {
			f.keep(x, Kept{})
			o := f.Acquire(x.root)
			require.NoError(t, f.Remove(x.root))
			require.NoError(t, f.Keep(o, nil, true))
			o.Release()
		}, true},
		"removed, and begun again by another": {func(t *testing.T, f *fixture, x thing) {
			f.keep(x, Kept{})
			a := f.Acquire(x.root)
			require.NoError(t, f.Remove(x.root))
			b := f.put(x)
			a.Release()
			require.NoError(t, f.Keep(b, nil, false))
			b.Release()
		}, true},
		"removed after its files": {func(t *testing.T, f *fixture, x thing) {
			f.keep(x, Kept{})
			require.NoError(t, os.Remove(f.path(x, "")))
			require.NoError(t, f.Remove(x.root))
		}, false},
		"discarded while in use": {func(t *testing.T, f *fixture, x thing) {
			o := f.put(x, 1)
			f.Discard(o)
			require.NoError(t, o.Write(0, x.chunk(0)))
			o.Release()
		}, false},
		"discarded, then kept": {func(t *testing.T, f *fixture, x thing) {
			a, b := f.put(x), f.put(x)
			f.Discard(a)
			require.NoError(t, f.Keep(b, nil, false))
			a.Release()
			b.Release()
		}, true},
		"kept, then discarded": {func(t *testing.T, f *fixture, x thing) {
			a, b := f.put(x), f.put(x)
			require.NoError(t, f.Keep(b, nil, false))
			f.Discard(a)
			a.Release()
			b.Release()
		}, true},
		"a part that is removed": {func(t *testing.T, f *fixture, x thing) {
			o := f.put(x, 0)
			require.ErrorIs(t, f.Remove(x.root), ErrNotFound, "it is not kept")
			f.Discard(o)
			o.Release()
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := openFixture(t, t.TempDir())
			x := newThing(t, x)
			tc.run(t, f, x)
			for range 2 {
				if tc.left {
					f.whole(x)
				} else {
					require.Nil(t, f.Acquire(x.root))
					require.Empty(t, f.allFiles())
				}
				f.crash()
			}
		})
	}
}

func TestEvictionOrder(t *testing.T) {
	f := openFixture(t, t.TempDir())
	name := func(s string) thing { return newThing(t, content(s, dag.ChunkSize+7)) }
	oldest, pinned, used, part, busyPart, recent := name("oldest"), name("pinned"), name("used"), name("part"), name("busy part"), name("recent")
	f.keep(oldest, Kept{})
	f.keep(pinned, Kept{Pinned: true})
	f.keep(used, Kept{})
	f.keep(recent, Kept{})
	f.put(part, 0).Release()
	inUse, inPart := f.Acquire(used.root), f.put(busyPart, 0)
	defer inPart.Release()
	f.Acquire(oldest.root).Release()
	f.Acquire(recent.root).Release()

	left := func(gone ...thing) {
		t.Helper()
		for _, x := range []thing{oldest, pinned, used, part, busyPart, recent} {
			here := f.objects[x.root] != nil
			want := true
			for _, g := range gone {
				want = want && g.root != x.root
			}
			require.Equal(t, want, here, "%s", x.data[4:12])
		}
	}
	freed, gone, err := f.Evict(0)
	require.NoError(t, err)
	require.Zero(t, freed)
	require.Empty(t, gone)
	left()
	freed, gone, err = f.Evict(1)
	require.NoError(t, err)
	require.Equal(t, int64(dag.ChunkSize), freed, "what is left of a download goes first")
	require.Empty(t, gone)
	left(part)
	freed, gone, err = f.Evict(1)
	require.NoError(t, err)
	require.Equal(t, oldest.size(), freed)
	require.Equal(t, []Info{{Root: oldest.root, Size: oldest.size()}}, gone)
	left(part, oldest)
	freed, _, err = f.Evict(1 << 40)
	require.NoError(t, err)
	require.Equal(t, recent.size(), freed)
	left(part, oldest, recent)
	inUse.Release()
	freed, _, err = f.Evict(1 << 40)
	require.NoError(t, err)
	require.Equal(t, used.size(), freed)
	left(part, oldest, recent, used)
	f.crash()
	f.whole(pinned)
	require.Len(t, f.List(), 1)
}

func TestCommonChunksAreCopied(t *testing.T) {
	f := openFixture(t, t.TempDir())
	first := newThing(t, content("first", 3*dag.ChunkSize+9))
	f.keep(first, Kept{})
	// The same chunk at other places, twice, and a last one.
	data := append(append(append(content("second", dag.ChunkSize), first.chunk(2)...), first.chunk(2)...), first.chunk(3)...)
	second := newThing(t, data)
	o := f.put(second, []int{}...)
	require.Empty(t, held(o))
	n, err := f.Copy(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.Equal(t, []int{1, 2, 3}, held(o))
	require.NoError(t, o.Write(0, second.chunk(0)))
	require.NoError(t, f.Keep(o, nil, false))
	o.Release()
	require.NoError(t, f.Remove(first.root))
	f.whole(second)

	// A damaged chunk is not copied, another copy of it is.
	third := newThing(t, append(bytes.Clone(first.chunk(2)), 1, 2, 3))
	flip(t, f.path(second, ""), dag.ChunkSize+5)
	o = f.put(third, []int{}...)
	defer o.Release()
	n, err = f.Copy(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, []cid.Cid{second.root}, f.reported())

	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	again := f.put(newThing(t, bytes.Clone(first.chunk(2))), []int{}...)
	defer again.Release()
	_, err = f.Copy(stopped, again)
	require.ErrorIs(t, err, context.Canceled)
}

func TestChunksThatAreWrittenAtTheSameTime(t *testing.T) {
	f := openFixture(t, t.TempDir())
	x := newThing(t, content("x", 6*dag.ChunkSize+1))
	var all sync.WaitGroup
	for writer := range 8 {
		all.Go(func() {
			o, err := f.Begin(x.root, x.size(), x.leaves)
			if err != nil {
				t.Error(err)
				return
			}
			defer o.Release()
			buf := make([]byte, dag.ChunkSize)
			for k := range x.leaves {
				i := (k*(writer%3+1) + writer/2) % len(x.leaves)
				if err := o.Write(i, x.chunk(i)); err != nil {
					t.Error(err)
				}
				if b, err := o.Read(i, buf); err != nil || !bytes.Equal(b, x.chunk(i)) {
					t.Errorf("chunk %d after it was written: %v", i, err)
				}
			}
		})
	}
	all.Wait()
	f.whole(x)
	require.Equal(t, []string{f.path(x, ""), f.path(x, ".leaves")}, f.allFiles())
	require.Empty(t, f.reported())
}

// Reads and copies of an object that goes away meanwhile find it or don't, and
// leave nothing behind.
func TestAnObjectGoesWhileItsChunksAreReadByName(t *testing.T) {
	f := openFixture(t, t.TempDir())
	x := newThing(t, content("x", 2*dag.ChunkSize))
	view := f.Blockstore()
	for range 20 {
		f.keep(x, Kept{})
		var all sync.WaitGroup
		for i, d := range x.leaves {
			all.Go(func() {
				b, err := view.Get(t.Context(), dag.LeafCID(d))
				if err == nil && !bytes.Equal(b.RawData(), x.chunk(i)) {
					t.Errorf("chunk %d is wrong", i)
				}
			})
		}
		all.Go(func() {
			if err := f.Remove(x.root); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		require.Empty(t, f.allFiles())
	}
	// Somebody has looked up where a chunk is just before.
	f.keep(x, Kept{})
	places := blockView{f.Store}.chunk(dag.LeafCID(x.leaves[0]))
	require.Len(t, places, 1)
	require.NoError(t, f.Remove(x.root))
	_, err := f.readPlace(places[0], make([]byte, dag.ChunkSize))
	require.ErrorIs(t, err, ErrNotFound)
	require.Empty(t, f.allFiles())
	require.Empty(t, f.reported())
}

func TestBlocksForOtherProtocols(t *testing.T) {
	f := openFixture(t, t.TempDir())
	x := newThing(t, content("x", 3*dag.ChunkSize+5))
	view := f.Blockstore()
	o := f.put(x, 0, 3)
	defer o.Release()
	count := 0
	keys, err := view.AllKeysChan(t.Context())
	require.NoError(t, err)
	for c := range keys {
		count++
		has, err := view.Has(t.Context(), c)
		require.NoError(t, err)
		require.True(t, has)
		b, err := view.Get(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, c, b.Cid())
		sum, err := c.Prefix().Sum(b.RawData())
		require.NoError(t, err)
		require.Equal(t, c, sum)
		size, err := view.GetSize(t.Context(), c)
		require.NoError(t, err)
		require.Len(t, b.RawData(), size)
	}
	require.Equal(t, 3, count, "the root and two chunks")

	flip(t, f.path(x, ".part"), 3*dag.ChunkSize)
	absent := []cid.Cid{dag.LeafCID(x.leaves[1]), dag.LeafCID(x.leaves[3]), cid.NewCidV1(cid.DagCBOR, x.root.Hash()), cid.NewCidV0(x.root.Hash()), cid.Undef}
	for _, c := range absent {
		_, err := view.Get(t.Context(), c)
		require.True(t, ipld.IsNotFound(err), "%s: %v", c, err)
		has, err := view.Has(t.Context(), c)
		require.NoError(t, err)
		require.False(t, has)
		_, err = view.GetSize(t.Context(), c)
		require.True(t, ipld.IsNotFound(err))
	}
	b, err := view.Get(t.Context(), x.root)
	require.NoError(t, err)
	require.Error(t, view.Put(t.Context(), b))
	require.Error(t, view.PutMany(t.Context(), nil))
	require.Error(t, view.DeleteBlock(t.Context(), x.root))
}

func TestUsedAndPromisedBytes(t *testing.T) {
	f := openFixture(t, t.TempDir())
	x, y := newThing(t, content("x", 2*dag.ChunkSize)), newThing(t, content("y", 10))
	f.keep(y, Kept{})
	o := f.put(x, 1)
	require.Equal(t, int64(dag.ChunkSize), o.Missing())
	require.Equal(t, int64(dag.ChunkSize+10), f.Used())
	require.Equal(t, int64(2*dag.ChunkSize+10), f.Promised(), "a download under way will need all of it")
	o.Release()
	require.Equal(t, f.Used(), f.Promised())
	require.Equal(t, []cid.Cid{x.root}, f.Partial())
}

// What is noted of an object at the same moment in several places is all there
// afterwards.
func TestKeepAndChangeAtTheSameTime(t *testing.T) {
	f := openFixture(t, t.TempDir())
	x := newThing(t, content("noted", 10))
	f.keep(x, Kept{})
	sum := [32]byte{1}
	for round := range 50 {
		pinned := round%2 == 0
		o := f.put(x)
		var both sync.WaitGroup
		both.Go(func() { require.NoError(t, f.Keep(o, func(k *Kept) { k.SHA256 = &sum }, false)) })
		both.Go(func() { require.NoError(t, f.Change(x.root, func(k *Kept) { k.Pinned = pinned })) })
		both.Wait()
		o.Release()
		info, ok := f.Kept(x.root)
		require.True(t, ok)
		require.Equal(t, pinned, info.Pinned, "round %d", round)
		require.Equal(t, sum, *info.SHA256)
	}
}
