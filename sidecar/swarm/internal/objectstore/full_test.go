package objectstore

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

// smallDisk mounts a disk of some MiB, which takes a privilege.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a disk that is full is not tested: mounting a small one: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir
}

// fill writes a file until the disk has at most left bytes free.
func fill(t *testing.T, dir string, left int64) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, "ballast"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	defer f.Close()
	for {
		free, err := Free(dir)
		require.NoError(t, err)
		if free <= left {
			return
		}
		if _, err := f.Write(make([]byte, min(1<<20, free-left))); err != nil {
			require.ErrorIs(t, err, syscall.ENOSPC)
			return
		}
	}
}

func TestAFullDisk(t *testing.T) {
	dir := smallDisk(t, "90m")
	f := openFixture(t, dir)
	kept := newThing(t, content("kept", 2*dag.ChunkSize))
	f.keep(kept, Kept{})
	x := newThing(t, content("x", 5*dag.ChunkSize))
	o := f.put(x, 0)
	defer o.Release()
	fill(t, dir, 2*dag.ChunkSize+dag.ChunkSize/2)

	require.NoError(t, o.Write(1, x.chunk(1)))
	require.NoError(t, o.Write(3, x.chunk(3)))
	err := o.Write(2, x.chunk(2))
	require.ErrorIs(t, err, ErrDiskFull)
	require.ErrorContains(t, err, "free some space")
	require.Equal(t, []int{0, 1, 3}, held(o), "what is stored stays")

	fill(t, dir, 0)
	_, err = f.Begin(newThing(t, content("y", 3*dag.ChunkSize)).root, 3*dag.ChunkSize, newThing(t, content("y", 3*dag.ChunkSize)).leaves)
	require.ErrorIs(t, err, ErrDiskFull)
	small := newThing(t, content("small", 1000))
	so, err := f.Begin(small.root, small.size(), small.leaves)
	require.NoError(t, err)
	require.ErrorIs(t, so.Write(0, small.data), ErrDiskFull)
	require.Empty(t, held(so))
	f.Discard(so)
	so.Release()
	f.whole(kept)

	// The list can't be written any more; removing is what helps.
	for i := 0; ; i++ {
		if err := f.Change(kept.root, func(k *Kept) { k.Pinned = i%2 == 0 }); err != nil {
			require.ErrorIs(t, err, ErrDiskFull)
			break
		}
		require.Less(t, i, 1000, "the list of kept objects needs no room")
	}
	require.NoError(t, f.Remove(kept.root))
	require.Nil(t, f.Acquire(kept.root))

	// After that it goes on, here and after a restart.
	require.NoError(t, o.Write(2, x.chunk(2)))
	f.crash()
	require.Empty(t, f.List())
	require.Equal(t, []int{0, 1, 2, 3}, held(f.verified(x.root)))
	require.NoError(t, os.Remove(filepath.Join(dir, "ballast")))
	f.keep(x, Kept{})
	f.crash()
	f.whole(x)
	require.Empty(t, f.reported())
}
