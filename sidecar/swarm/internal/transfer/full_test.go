package transfer

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

func TestADownloadToAFullDisk(t *testing.T) {
	home := t.TempDir()
	if err := syscall.Mount("tmpfs", home, "tmpfs", 0, "size=80m"); err != nil {
		t.Skipf("a disk that is full is not tested: mounting a small one: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(home, syscall.MNT_DETACH)) })
	holder, seeker := newNode(t, 8<<20), newNodeAt(t, home, 0)
	connect(t, holder.host, seeker.host)
	x := newSample(t, "full", 8*dag.ChunkSize)
	holder.add(x.data, all)
	large := newSample(t, "too large", 20*dag.ChunkSize)
	holder.add(large.data, all)

	ballast := filepath.Join(home, "ballast")
	r := seeker.request(x.root)
	r.Began = func() { // the room goes once the download has begun
		free, err := objectstore.Free(home)
		if err == nil {
			err = os.WriteFile(ballast, make([]byte, free-3*dag.ChunkSize-dag.ChunkSize/2), 0o600)
		}
		if err != nil && !errors.Is(err, syscall.ENOSPC) {
			t.Error(err)
		}
	}
	o, err := seeker.service.Download(within(t, time.Minute), r)
	if err == nil {
		o.Release()
	}
	require.ErrorIs(t, err, objectstore.ErrDiskFull)
	require.ErrorContains(t, err, "free some space")
	require.NotContains(t, err.Error(), "online", "no peer is to blame")
	part := seeker.store.Acquire(x.root)
	require.NotNil(t, part)
	have := part.Have()
	kept := have.Count()
	part.Release()
	require.Greater(t, kept, 0)
	require.Less(t, kept, 8)

	_, err = seeker.download(within(t, time.Minute), large.root)
	require.ErrorIs(t, err, objectstore.ErrDiskFull, "there is no room to begin it")
	require.NoError(t, os.Remove(ballast))
	before := seeker.service.Useful()
	_, err = seeker.download(within(t, time.Minute), x.root)
	require.NoError(t, err)
	require.Equal(t, int64(8-kept)*dag.ChunkSize, seeker.service.Useful()-before, "what was stored is not fetched again")
	require.Empty(t, seeker.peers.strikes)
}
