package objectstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

func numbers(list ...uint32) []byte {
	var b []byte
	for _, n := range list {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return b
}

func TestAPartIsResumed(t *testing.T) {
	const size = 4*dag.ChunkSize + 9
	for name, tc := range map[string]struct {
		change func(t *testing.T, f *fixture, x thing)
		want   []int
	}{
		"as it was": {func(*testing.T, *fixture, thing) {}, []int{1, 3, 4}},
		"with numbers of chunks that are not there": {func(t *testing.T, f *fixture, x thing) {
			require.NoError(t, os.WriteFile(f.path(x, ".have"), numbers(0, 1, 2, 3, 4), 0o600))
		}, []int{1, 3, 4}},
		"with numbers out of range and twice": {func(t *testing.T, f *fixture, x thing) {
			require.NoError(t, os.WriteFile(f.path(x, ".have"), numbers(1<<32-1, 3, 5, 3, 1<<31, 1), 0o600))
		}, []int{1, 3}},
		"with a number cut off": {func(t *testing.T, f *fixture, x thing) {
			require.NoError(t, os.Truncate(f.path(x, ".have"), 11))
		}, []int{1, 3}},
		"without numbers":      {func(t *testing.T, f *fixture, x thing) { require.NoError(t, os.Remove(f.path(x, ".have"))) }, []int{}},
		"with no number":       {func(t *testing.T, f *fixture, x thing) { require.NoError(t, os.Truncate(f.path(x, ".have"), 0)) }, []int{}},
		"with a flipped bit":   {func(t *testing.T, f *fixture, x thing) { flip(t, f.path(x, ".part"), 3*dag.ChunkSize+100) }, []int{1, 4}},
		"with the bytes gone":  {func(t *testing.T, f *fixture, x thing) { require.NoError(t, os.Remove(f.path(x, ".part"))) }, nil},
		"without digests":      {func(t *testing.T, f *fixture, x thing) { require.NoError(t, os.Remove(f.path(x, ".leaves"))) }, nil},
		"with changed digests": {func(t *testing.T, f *fixture, x thing) { flip(t, f.path(x, ".leaves"), 40) }, nil},
		"with digests cut off": {func(t *testing.T, f *fixture, x thing) { require.NoError(t, os.Truncate(f.path(x, ".leaves"), 32)) }, nil},
		"with the end cut off": {func(t *testing.T, f *fixture, x thing) { require.NoError(t, os.Truncate(f.path(x, ".part"), size-1)) }, nil},
		"renamed before it was kept": {func(t *testing.T, f *fixture, x thing) {
			// All chunks are written but in another order than the names.
			require.NoError(t, os.Remove(f.path(x, ".have")))
			require.NoError(t, os.Rename(f.path(x, ".part"), f.path(x, "")))
		}, []int{1, 3, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			f := openFixture(t, t.TempDir())
			x := newThing(t, content("x", size))
			f.put(x, 1, 3, 4).Release()
			tc.change(t, f, x)
			f.crash()
			o := f.Acquire(x.root)
			if tc.want == nil {
				require.Nil(t, o, "it can't be resumed")
				require.Empty(t, f.allFiles())
				f.keep(x, Kept{})
				f.whole(x)
				return
			}
			require.NotNil(t, o)
			require.Empty(t, held(o), "nothing counts before it was read")
			require.NoError(t, o.Verify(t.Context()))
			require.NoError(t, o.Verify(t.Context()))
			require.Equal(t, tc.want, held(o))
			buf := make([]byte, dag.ChunkSize)
			for i := range x.leaves {
				b, err := o.Read(i, buf)
				if o.Has(i) {
					require.NoError(t, err)
					require.True(t, bytes.Equal(x.chunk(i), b))
				} else {
					require.ErrorIs(t, err, ErrNotFound)
				}
			}
			// It goes on, over another crash.
			require.NoError(t, o.Write(0, x.chunk(0)))
			o.Release()
			f.crash()
			o = f.verified(x.root)
			require.Equal(t, append([]int{0}, tc.want...), held(o))
			f.put(x).Release()
			f.whole(x)
			require.NoFileExists(t, f.path(x, ".have"))
			require.NoFileExists(t, f.path(x, ".part"))
		})
	}
}

func TestAWholeObjectThatWasNotKeptGoesOn(t *testing.T) {
	for _, size := range []int{0, 5, dag.ChunkSize, 2*dag.ChunkSize + 1} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			f := openFixture(t, t.TempDir())
			x := newThing(t, content("x", size))
			f.put(x).Release()
			f.crash()
			require.Empty(t, f.List())
			require.Equal(t, []cid.Cid{x.root}, f.Partial())
			require.Empty(t, f.reported())
			f.verified(x.root)
			f.whole(x)
			f.crash()
			f.verified(x.root)
			f.keep(x, Kept{})
			f.crash()
			f.whole(x)
		})
	}
}

// A crash may leave any beginning of a file of one chunk, whose name does not
// say how long it has to be.
func TestASingleChunkThatWasCutOff(t *testing.T) {
	x := newThing(t, content("x", 1000))
	for _, suffix := range []string{"", ".part"} {
		for _, length := range []int64{0, 1, 999, 1001} {
			t.Run(fmt.Sprintf("%s %d", suffix, length), func(t *testing.T) {
				f := openFixture(t, t.TempDir())
				f.put(x).Release()
				if suffix != "" {
					require.NoError(t, os.Rename(f.path(x, ""), f.path(x, suffix)))
				}
				require.NoError(t, os.Truncate(f.path(x, suffix), length))
				f.crash()
				require.Nil(t, f.Acquire(x.root))
				require.Empty(t, f.allFiles())
				f.keep(x, Kept{})
				f.whole(x)
			})
		}
	}
}

func TestFilesOfOthersAndHalfWrittenOnes(t *testing.T) {
	f := openFixture(t, t.TempDir())
	x := newThing(t, content("x", dag.ChunkSize+1))
	f.keep(x, Kept{})
	dir := filepath.Dir(f.path(x, ""))
	foreign := []string{filepath.Join(f.home, "objects", "readme"), filepath.Join(dir, "notes.txt"), filepath.Join(dir, "bafy")}
	for _, path := range append([]string{filepath.Join(dir, "."+filepath.Base(f.path(x, ".leaves"))+"-123")}, foreign...) {
		require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	}
	begun := newThing(t, content("y", dag.ChunkSize+1))
	f.put(begun, []int{}...).Release() // no chunk yet
	f.crash()
	f.whole(x)
	require.Nil(t, f.Acquire(begun.root), "a download without a chunk is none")
	require.NoFileExists(t, f.path(begun, ".leaves"))
	for _, path := range foreign {
		require.FileExists(t, path)
	}
	require.Len(t, f.allFiles(), 4, "half written files go, those of others stay")
}

func TestDamageIsFoundReportedOnceAndNeverServed(t *testing.T) {
	const size = 3*dag.ChunkSize + 7
	for name, tc := range map[string]struct {
		damage func(t *testing.T, path string)
		bad    []int
	}{
		"a flipped bit":      {func(t *testing.T, p string) { flip(t, p, dag.ChunkSize+77) }, []int{1}},
		"the first byte":     {func(t *testing.T, p string) { flip(t, p, 0) }, []int{0}},
		"the last byte":      {func(t *testing.T, p string) { flip(t, p, size-1) }, []int{3}},
		"cut off in a chunk": {func(t *testing.T, p string) { require.NoError(t, os.Truncate(p, 2*dag.ChunkSize+1)) }, []int{2, 3}},
		"cut off at a chunk": {func(t *testing.T, p string) { require.NoError(t, os.Truncate(p, 2*dag.ChunkSize)) }, []int{2, 3}},
		"a byte too many": {func(t *testing.T, p string) {
			require.NoError(t, os.Truncate(p, size+1))
		}, nil},
		"filled with zeros": {func(t *testing.T, p string) {
			require.NoError(t, os.Truncate(p, 0))
			require.NoError(t, os.Truncate(p, size))
		}, []int{0, 1, 2, 3}},
		"deleted": {func(t *testing.T, p string) { require.NoError(t, os.Remove(p)) }, []int{0, 1, 2, 3}},
		"replaced by another file": {func(t *testing.T, p string) {
			require.NoError(t, os.WriteFile(p+"-x", content("z", size), 0o600))
			require.NoError(t, os.Rename(p+"-x", p))
		}, []int{0, 1, 2, 3}},
	} {
		for _, read := range []bool{false, true} { // whether the chunks were read just before
			t.Run(fmt.Sprintf("%s, read %v", name, read), func(t *testing.T) {
				f := openFixture(t, t.TempDir())
				x := newThing(t, content("x", size))
				f.keep(x, Kept{Pinned: true})
				old := time.Now().Add(-time.Hour)
				require.NoError(t, os.Chtimes(f.path(x, ""), old, old))
				if read {
					f.whole(x)
				}
				tc.damage(t, f.path(x, ""))

				bad := make(map[int]bool)
				for _, i := range tc.bad {
					bad[i] = true
				}
				o := f.Acquire(x.root)
				defer o.Release()
				buf := make([]byte, dag.ChunkSize)
				for i := range x.leaves {
					b, err := o.Read(i, buf)
					if !bad[i] {
						require.NoError(t, err, "chunk %d", i)
						require.True(t, bytes.Equal(x.chunk(i), b))
						continue
					}
					require.ErrorIs(t, err, ErrDamaged, "chunk %d", i)
					_, err = o.Read(i, buf)
					require.ErrorIs(t, err, ErrNotFound, "it is missing from then on")
				}
				require.Len(t, f.reported(), len(tc.bad))
				require.Equal(t, len(tc.bad) == 0, o.Complete())
				require.Equal(t, len(x.leaves)-len(tc.bad), len(held(o)))

				// That it is kept, and what is missing, survives a crash. A whole
				// file of the right size is believed until it is read.
				if len(tc.bad) > 0 {
					f.crash()
					require.Equal(t, []cid.Cid{x.root}, f.reported())
					require.Len(t, held(f.verified(x.root)), len(x.leaves)-len(tc.bad))
				}
				f.keep(x, Kept{Pinned: true})
				f.whole(x)
				require.Empty(t, f.reported())
			})
		}
	}
}

func TestDamageFoundAtTheStart(t *testing.T) {
	const size = 2*dag.ChunkSize + 7
	for name, tc := range map[string]struct {
		damage func(t *testing.T, f *fixture, x thing)
		held   int // chunks, -1: the object is not known until it is begun again
	}{
		"too short":       {func(t *testing.T, f *fixture, x thing) { require.NoError(t, os.Truncate(f.path(x, ""), 5)) }, 0},
		"too long":        {func(t *testing.T, f *fixture, x thing) { require.NoError(t, os.Truncate(f.path(x, ""), size+5)) }, 3},
		"deleted":         {func(t *testing.T, f *fixture, x thing) { require.NoError(t, os.Remove(f.path(x, ""))) }, 0},
		"without digests": {func(t *testing.T, f *fixture, x thing) { require.NoError(t, os.Remove(f.path(x, ".leaves"))) }, -1},
		"changed digests": {func(t *testing.T, f *fixture, x thing) { flip(t, f.path(x, ".leaves"), 3) }, -1},
		"all files deleted": {func(t *testing.T, f *fixture, x thing) {
			require.NoError(t, os.RemoveAll(filepath.Join(f.home, "objects")))
		}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			f := openFixture(t, t.TempDir())
			x := newThing(t, content("x", size))
			f.keep(x, Kept{Pinned: true})
			tc.damage(t, f, x)
			f.crash()
			require.Equal(t, []cid.Cid{x.root}, f.reported())
			require.Len(t, f.List(), 1, "it is still kept, and to be fetched")
			if tc.held >= 0 {
				require.Len(t, held(f.verified(x.root)), tc.held)
			} else {
				require.Nil(t, f.Acquire(x.root))
			}
			f.keep(x, Kept{Pinned: true})
			f.whole(x)
			f.crash()
			f.whole(x)
			require.Empty(t, f.reported())
			require.NoError(t, f.Remove(x.root))
			require.Empty(t, f.allFiles())
		})
	}
}

// What was read a moment ago is not hashed again, but no change of the file is
// ever hidden by that.
func TestAChangeAfterAMatchIsSeen(t *testing.T) {
	old := time.Now().Add(-time.Hour)
	for name, change := range map[string]func(t *testing.T, path string){
		"written now": func(t *testing.T, path string) { flip(t, path, 9) },
		"written, with a time before the match": func(t *testing.T, path string) {
			// So a clock that was set back looks.
			flip(t, path, 9)
			require.NoError(t, os.Chtimes(path, old, old.Add(time.Minute)))
		},
		"replaced by an older file with the same time": func(t *testing.T, path string) {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			b[9] ^= 1
			require.NoError(t, os.WriteFile(path+"-x", b, 0o600))
			require.NoError(t, os.Chtimes(path+"-x", old, old))
			require.NoError(t, os.Rename(path+"-x", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := openFixture(t, t.TempDir())
			x := newThing(t, content("x", dag.ChunkSize+1))
			f.keep(x, Kept{})
			require.NoError(t, os.Chtimes(f.path(x, ""), old, old))
			f.whole(x)
			o := f.verified(x.root)
			require.Len(t, o.sound, 2, "both chunks are known to be sound")
			change(t, f.path(x, ""))
			_, err := o.Read(0, make([]byte, dag.ChunkSize))
			require.ErrorIs(t, err, ErrDamaged)
		})
	}

	// A file that was written just now may be written again within the same
	// tick of the clock of the file system.
	f := openFixture(t, t.TempDir())
	x := newThing(t, content("x", dag.ChunkSize+1))
	f.keep(x, Kept{})
	now := time.Now()
	require.NoError(t, os.Chtimes(f.path(x, ""), now, now))
	f.whole(x)
	require.Empty(t, f.verified(x.root).sound)
}

func TestAFaultThatIsNoDamage(t *testing.T) {
	f := openFixture(t, t.TempDir())
	x := newThing(t, content("x", dag.ChunkSize+1))
	f.keep(x, Kept{})
	// A folder in the place of the file can be opened and not read.
	require.NoError(t, os.Rename(f.path(x, ""), f.path(x, "")+"-x"))
	require.NoError(t, os.Mkdir(f.path(x, ""), 0o700))
	o := f.verified(x.root)
	_, err := o.Read(0, make([]byte, dag.ChunkSize))
	require.ErrorIs(t, err, syscall.EISDIR)
	require.True(t, o.Complete())
	require.Empty(t, f.reported())
	require.NoError(t, os.Remove(f.path(x, "")))
	require.NoError(t, os.Rename(f.path(x, "")+"-x", f.path(x, "")))
	f.whole(x)
}
