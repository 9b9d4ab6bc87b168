package transfer

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

// lowDuplicates runs a crowd until few bytes came twice: on a machine that is
// too busy chunks are late, and a second source is asked for those.
func lowDuplicates(t *testing.T, run func() ([]*node, float64)) []*node {
	t.Helper()
	for try := 1; ; try++ {
		nodes, duplicates := run()
		if duplicates <= 0.04 {
			return nodes
		}
		require.Less(t, try, 4, "%.1f %% came twice", 100*duplicates)
		for _, n := range nodes {
			n.service.Close()
			require.NoError(t, n.host.Close())
		}
	}
}

// crowd makes nodes of which each holds some chunks, lets all of them download
// the object at once, and returns which part of all bytes came twice.
func crowd(t *testing.T, count, chunks int, keep func(node, i int) bool) (nodes []*node, duplicates float64) {
	t.Helper()
	nodes = newNodes(t, count, 80e6)
	mesh(t, nodes)
	x := newSample(t, t.Name(), chunks*dag.ChunkSize)
	for k, n := range nodes {
		n.add(x.data, func(i int) bool { return keep(k, i) })
	}
	var all sync.WaitGroup
	for k, n := range nodes {
		all.Go(func() {
			got, err := n.download(within(t, 2*time.Minute), x.root)
			if err != nil || !bytes.Equal(x.data, got) {
				t.Errorf("node %d: %v", k, err)
			}
		})
	}
	all.Wait()
	var useful, duplicate int64
	for _, n := range nodes {
		useful += n.service.Useful()
		duplicate += n.service.Duplicate()
		require.Empty(t, n.peers.strikes)
	}
	return nodes, float64(duplicate) / float64(useful)
}

func TestACrowdAtOneHolder(t *testing.T) {
	const chunks = 16
	nodes := lowDuplicates(t, func() ([]*node, float64) {
		return crowd(t, 8, chunks, func(node, _ int) bool { return node == 0 })
	})
	// Nobody has to get it all from the one who had it.
	u := nodes[0].service.uploads
	u.mu.Lock()
	defer u.mu.Unlock()
	sent := 0
	for _, counts := range u.sent {
		for _, n := range counts {
			sent += int(n)
		}
	}
	require.Less(t, sent, 5*chunks, "of %d chunks that travelled", 7*chunks)
}

func TestHoldersOfHalvesTogetherHaveAll(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const count, chunks = 8, 16
	var half [count][chunks]bool
	for i := range chunks {
		half[r.IntN(count)][i] = true // somebody has it
		for k := range count {
			half[k][i] = half[k][i] || r.IntN(2) == 0
		}
	}
	lowDuplicates(t, func() ([]*node, float64) {
		return crowd(t, count, chunks, func(node, i int) bool { return half[node][i] })
	})
}

func TestChunksThatOnlyOneHas(t *testing.T) {
	lowDuplicates(t, func() ([]*node, float64) {
		return crowd(t, 4, 16, func(node, i int) bool { return i%4 == node })
	})
}

// Of many neighbours only some are kept as sources, and what only one of those
// that were parted with gets later is found all the same.
func TestAMultitudeOfNeighbours(t *testing.T) {
	t.Parallel()
	const chunks = 8
	nodes := newNodes(t, 3*enoughSources/2, 20e6)
	x := newSample(t, t.Name(), chunks*dag.ChunkSize)
	for _, n := range nodes[1:] { // all have the same half
		n.add(x.data, func(i int) bool { return i%2 == 0 })
		connect(t, nodes[0].host, n.host)
	}
	seeker := nodes[0]
	ctx, cancel := context.WithCancelCause(within(t, time.Minute))
	defer cancel(nil)
	done := seeker.begin(ctx, x, chunks/2*dag.ChunkSize)
	d := seeker.service.download(x.root)
	var parted []peer.ID
	eventually(t, "what is too much to be dropped", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		parted = slices.Collect(maps.Keys(d.parted))
		return len(d.sources) <= enoughSources && len(d.sources)+len(d.parted) == len(nodes)-1
	})
	// One that is no source any more gets the rest.
	late := slices.IndexFunc(nodes, func(n *node) bool { return n.host.ID() == parted[0] })
	nodes[late].add(x.data, all)
	require.NoError(t, <-done)
	require.Empty(t, seeker.peers.strikes)
}

// begin starts a download that is under way when begin returns: at least some
// bytes are here, and not all.
func (n *node) begin(ctx context.Context, x sample, some int64) <-chan error {
	n.t.Helper()
	done := make(chan error, 1)
	before := n.service.Useful()
	go func() {
		got, err := n.download(ctx, x.root)
		if err == nil && !bytes.Equal(got, x.data) {
			err = errors.New("wrong bytes")
		}
		done <- err
	}()
	eventually(n.t, "the first chunks", func() bool { return n.service.Useful() >= before+some })
	return done
}

func TestAHolderThatGoesAwayWhileOthersStay(t *testing.T) {
	t.Parallel()
	nodes := newNodes(t, 3, 10e6)
	mesh(t, nodes)
	x := newSample(t, "goes", 16*dag.ChunkSize)
	nodes[0].add(x.data, all)
	nodes[1].add(x.data, all)
	done := nodes[2].begin(within(t, time.Minute), x, 3*dag.ChunkSize)
	nodes[0].service.Close()
	require.NoError(t, nodes[0].host.Close())
	require.NoError(t, <-done)
	require.Empty(t, nodes[2].peers.strikes)
}

func TestAllHoldersGoAndOneComesBack(t *testing.T) {
	t.Parallel()
	seeker, home := newNode(t, 0), t.TempDir()
	holder := newNodeAt(t, home, 10e6)
	x := newSample(t, "back", 16*dag.ChunkSize)
	holder.add(x.data, all)
	connect(t, seeker.host, holder.host)
	done := seeker.begin(within(t, time.Minute), x, 3*dag.ChunkSize)
	holder.service.Close()
	require.NoError(t, holder.host.Close())
	require.NoError(t, holder.store.Close())
	d := seeker.service.download(x.root)
	eventually(t, "the holder to be forgotten", func() bool { d.mu.Lock(); defer d.mu.Unlock(); return len(d.sources) == 0 })
	holder = newNodeAt(t, home, 0)
	connect(t, seeker.host, holder.host)
	require.NoError(t, <-done)
	require.Equal(t, int64(len(x.data)), seeker.service.Useful(), "nothing is fetched twice")
}

// Two halves of a network that have one half of the object each.
func TestAPartitionHeals(t *testing.T) {
	t.Parallel()
	nodes := newNodes(t, 4, 0)
	x := newSample(t, "partition", 10*dag.ChunkSize)
	for k, n := range nodes {
		n.add(x.data, func(i int) bool { return k < 2 == (i < 5) && i%2 == k%2 })
	}
	mesh(t, nodes[:2])
	mesh(t, nodes[2:])
	var done []<-chan error
	for _, n := range nodes {
		done = append(done, n.begin(within(t, time.Minute), x, dag.ChunkSize))
	}
	for _, n := range nodes {
		o := n.store.Acquire(x.root)
		eventually(t, "all that this half has", func() bool { have := o.Have(); return have.Count() == 5 })
		o.Release()
	}
	for range 3 { // and again, in the middle of it
		mesh(t, nodes)
		for _, a := range nodes[:2] {
			for _, b := range nodes[2:] {
				_ = a.host.Network().ClosePeer(b.host.ID())
			}
		}
	}
	// A side that has not noticed the end of a connection does not dial.
	healed := make(chan struct{})
	var dialing sync.WaitGroup
	dialing.Go(func() {
		for {
			for _, a := range nodes {
				for _, b := range nodes {
					if a != b {
						_ = a.host.Connect(t.Context(), peer.AddrInfo{ID: b.host.ID(), Addrs: b.host.Addrs()})
					}
				}
			}
			select {
			case <-healed:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	for _, c := range done {
		require.NoError(t, <-c)
	}
	close(healed)
	dialing.Wait()
	for _, n := range nodes {
		require.Empty(t, n.peers.strikes)
	}
}

func TestTwoDownloadsOfOneObject(t *testing.T) {
	t.Parallel()
	nodes := newNodes(t, 2, 20e6)
	mesh(t, nodes)
	x := newSample(t, "two", 8*dag.ChunkSize)
	nodes[0].add(x.data, all)
	seeker := nodes[1]
	// One that is in a hurry, two that share it, one that knows a limit.
	hurry, cancel := context.WithCancelCause(t.Context())
	gaveUp := errors.New("gave up")
	first := seeker.begin(hurry, x, dag.ChunkSize)
	var others [2]<-chan error
	for i := range others {
		c := make(chan error, 1)
		others[i] = c
		go func() {
			_, err := seeker.download(within(t, time.Minute), x.root)
			c <- err
		}()
	}
	limited := make(chan error, 1)
	go func() {
		r := seeker.request(x.root)
		r.Limit = 5
		_, err := seeker.service.Download(within(t, time.Minute), r)
		limited <- err
	}()
	cancel(gaveUp)
	require.ErrorIs(t, <-first, gaveUp)
	for _, c := range others {
		require.NoError(t, <-c)
	}
	require.ErrorIs(t, <-limited, dag.ErrTooLarge)
	require.LessOrEqual(t, seeker.service.Duplicate(), int64(0))
}

func TestADownloadThatWasGivenUpGoesOn(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	holder, seeker := newNode(t, 20e6), newNodeAt(t, home, 0)
	connect(t, holder.host, seeker.host)
	x := newSample(t, "again", 12*dag.ChunkSize)
	holder.add(x.data, all)
	gaveUp := errors.New("gave up")
	var useful int64
	for run := range 3 {
		ctx, cancel := context.WithCancelCause(t.Context())
		done := seeker.begin(ctx, x, 2*dag.ChunkSize)
		cancel(gaveUp)
		require.ErrorIs(t, <-done, gaveUp)
		if run == 1 { // over a restart as well
			useful += seeker.service.Useful()
			seeker.service.Close()
			require.NoError(t, seeker.host.Close())
			require.NoError(t, seeker.store.Close())
			seeker = newNodeAt(t, home, 0)
			connect(t, holder.host, seeker.host)
		}
	}
	_, err := seeker.download(within(t, time.Minute), x.root)
	require.NoError(t, err)
	useful += seeker.service.Useful()
	require.Equal(t, int64(len(x.data)), useful)
	require.Empty(t, holder.peers.strikes)
}

func TestAnObjectIsRemovedWhileItIsDownloaded(t *testing.T) {
	t.Parallel()
	nodes := newNodes(t, 2, 20e6)
	mesh(t, nodes)
	x := newSample(t, "removed", 8*dag.ChunkSize)
	nodes[0].add(x.data, all)
	done := nodes[1].begin(within(t, time.Minute), x, dag.ChunkSize)
	// At the holder it goes once nobody reads it any more, at the seeker it is
	// not kept yet.
	require.NoError(t, nodes[0].store.Remove(x.root))
	require.ErrorIs(t, nodes[1].store.Remove(x.root), objectstore.ErrNotFound)
	require.NoError(t, <-done)
	eventually(t, "the files of the holder to go", func() bool {
		o := nodes[0].store.Acquire(x.root)
		if o != nil {
			o.Release()
		}
		return o == nil
	})
}

func TestADownloadFromAHolderThatIsDownloading(t *testing.T) {
	t.Parallel()
	nodes := newNodes(t, 3, 20e6)
	x := newSample(t, "chain", 8*dag.ChunkSize)
	nodes[0].add(x.data, all)
	connect(t, nodes[1].host, nodes[2].host)
	last := make(chan error, 1)
	go func() {
		_, err := nodes[2].download(within(t, time.Minute), x.root)
		last <- err
	}()
	eventually(t, "the question", func() bool { s, _, _, _ := state(nodes[1].service, nodes[2].host.ID()); return s == 1 })
	connect(t, nodes[0].host, nodes[1].host)
	_, err := nodes[1].download(within(t, time.Minute), x.root)
	require.NoError(t, err)
	require.NoError(t, <-last)
}

func TestSizesAreChecked(t *testing.T) {
	t.Parallel()
	nodes := newNodes(t, 2, 0)
	mesh(t, nodes)
	for name, size := range map[string]int{"a single chunk": 1000, "several chunks": 2*dag.ChunkSize + 1} {
		t.Run(name, func(t *testing.T) {
			x := newSample(t, name, size)
			nodes[0].add(x.data, all)
			get := func(size, limit int64) error {
				r := nodes[1].request(x.root)
				r.Size, r.Limit = size, limit
				r.Fallback = func(context.Context) Fallback { return blocksOf(x) }
				o, err := nodes[1].service.Download(within(t, time.Minute), r)
				if err != nil {
					return err
				}
				defer o.Release()
				require.Equal(t, int64(len(x.data)), o.Size())
				return nodes[1].store.Keep(o, nil, false)
			}
			n := int64(size)
			for range 2 { // the second time it is here
				require.ErrorIs(t, get(n+1, 1<<40), dag.ErrMismatch)
				require.ErrorIs(t, get(n-1, 1<<40), dag.ErrMismatch)
				require.ErrorIs(t, get(-1, n-1), dag.ErrTooLarge)
				require.NoError(t, get(n, n))
			}
			require.NoError(t, get(-1, n))
			require.Empty(t, nodes[1].peers.strikes, "who holds it is not to blame for what is expected of it")
		})
	}
}

// blocksOf gives the blocks of an object one by one.
type blocksOf sample

func (x blocksOf) Block(_ context.Context, c cid.Cid) ([]byte, error) {
	tree, err := dag.Build(int64(len(x.data)), x.leaves)
	if err != nil {
		return nil, err
	}
	for _, n := range tree.Inner {
		if n.CID == c {
			return n.Block, nil
		}
	}
	for i, d := range x.leaves {
		if dag.LeafCID(d) == c {
			return sample(x).chunk(i), nil
		}
	}
	return nil, errors.New("no such block")
}

// A chunk that other protocols were asked for in vain is fetched from a source
// that has it later.
func TestASourceComesWhileOtherProtocolsHang(t *testing.T) {
	t.Parallel()
	nodes := newNodes(t, 2, 0)
	mesh(t, nodes)
	x := newSample(t, "late", 4*dag.ChunkSize)
	nodes[0].add(x.data, func(i int) bool { return i == 0 })
	asked := make(chan cid.Cid, 100)
	r := nodes[1].request(x.root)
	r.Fallback = func(context.Context) Fallback { return hanging{asked} }
	done := make(chan error, 1)
	go func() {
		o, err := nodes[1].service.Download(within(t, time.Minute), r)
		if err == nil {
			o.Release()
		}
		done <- err
	}()
	want := map[cid.Cid]bool{dag.LeafCID(x.leaves[1]): true, dag.LeafCID(x.leaves[2]): true, dag.LeafCID(x.leaves[3]): true}
	for len(want) > 0 {
		delete(want, <-asked)
	}
	nodes[0].add(x.data, all)
	eventually(t, "all chunks long before the other protocols give up", func() bool { return nodes[1].service.Useful() == int64(len(x.data)) })
	require.NoError(t, <-done)
}

// hanging notes what it is asked for and never answers.
type hanging struct{ asked chan cid.Cid }

func (h hanging) Block(ctx context.Context, c cid.Cid) ([]byte, error) {
	select {
	case h.asked <- c:
	default:
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestOtherProtocolsAlone(t *testing.T) {
	t.Parallel()
	n := newNode(t, 0)
	for _, size := range []int{1, 3*dag.ChunkSize + 3} {
		x := newSample(t, "blocks", size)
		r := n.request(x.root)
		r.Fallback = func(context.Context) Fallback { return blocksOf(x) }
		o, err := n.service.Download(within(t, time.Minute), r)
		require.NoError(t, err)
		require.True(t, o.Complete())
		o.Release()
	}
}
