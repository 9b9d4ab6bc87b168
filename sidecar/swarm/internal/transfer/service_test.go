package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

// content makes bytes that differ in every chunk.
func content(seed string, n int) []byte {
	out := make([]byte, 0, n+32)
	for i := uint64(0); len(out) < n; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(seed), i))
		out = append(out, sum[:]...)
	}
	return out[:n]
}

// conduct records what a node thinks of its peers.
type conduct struct {
	mu      sync.Mutex
	guests  map[peer.ID]bool
	strikes map[peer.ID][]string
	fatal   map[peer.ID]bool
	onFatal func(peer.ID)
}

func (c *conduct) Member(p peer.ID) bool { c.mu.Lock(); defer c.mu.Unlock(); return !c.guests[p] }
func (c *conduct) Good(peer.ID, int)     {}
func (c *conduct) Slow(peer.ID)          {}
func (c *conduct) Strike(p peer.ID, reason string, fatal bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.strikes[p] = append(c.strikes[p], reason)
	if fatal {
		c.fatal[p] = true
	}
	if fatal && c.onFatal != nil {
		c.onFatal(p)
	}
}

func (c *conduct) isFatal(p peer.ID) bool { c.mu.Lock(); defer c.mu.Unlock(); return c.fatal[p] }

// node is a host with a store and the service.
type node struct {
	t       testing.TB
	host    host.Host
	store   *objectstore.Store
	peers   *conduct
	service *Service
}

func newHost(t testing.TB) host.Host {
	t.Helper()
	muxer := *yamux.DefaultTransport
	muxer.InitialStreamWindowSize, muxer.MaxStreamWindowSize = 2<<20, 16<<20
	h, err := libp2p.New(libp2p.Muxer(yamux.ID, &muxer),
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.Transport(tcp.NewTCPTransport), libp2p.DisableRelay(),
		libp2p.ResourceManager(&network.NullResourceManager{}), libp2p.DisableMetrics())
	require.NoError(t, err)
	t.Cleanup(func() { h.Close() })
	return h
}

func newNode(t testing.TB, limit int64) *node {
	t.Helper()
	return newNodeAt(t, t.TempDir(), limit)
}

func newNodeAt(t testing.TB, home string, limit int64) *node {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	n := &node{t: t, host: newHost(t), peers: &conduct{guests: map[peer.ID]bool{}, strikes: map[peer.ID][]string{}, fatal: map[peer.ID]bool{}}}
	var err error
	n.store, err = objectstore.Open(home, log, func(cid.Cid) {})
	require.NoError(t, err)
	n.service = New(n.host, n.store, n.peers, limit, log)
	t.Cleanup(func() {
		n.service.Close()
		n.store.Close()
	})
	return n
}

func newNodes(t testing.TB, count int, limit int64) []*node {
	t.Helper()
	out := make([]*node, count)
	for i := range out {
		out[i] = newNode(t, limit)
	}
	return out
}

func connect(t testing.TB, a, b host.Host) {
	t.Helper()
	var err error
	for range 5 { // on a busy machine a handshake can take longer than the host waits
		if err = a.Connect(context.Background(), peer.AddrInfo{ID: b.ID(), Addrs: b.Addrs()}); err == nil {
			return
		}
	}
	require.NoError(t, err)
}

func mesh(t testing.TB, nodes []*node) {
	t.Helper()
	for i, a := range nodes {
		for _, b := range nodes[:i] {
			connect(t, a.host, b.host)
		}
	}
}

// add stores the chunks of data that keep chooses.
func (n *node) add(data []byte, keep func(i int) bool) cid.Cid {
	n.t.Helper()
	leaves := dag.SumBytes(data)
	tree, err := dag.Build(int64(len(data)), leaves)
	require.NoError(n.t, err)
	o, err := n.store.Begin(tree.Root, int64(len(data)), leaves)
	require.NoError(n.t, err)
	defer o.Release()
	for i := range leaves {
		if keep(i) {
			require.NoError(n.t, o.Write(i, data[i*dag.ChunkSize:i*dag.ChunkSize+dag.LeafSize(int64(len(data)), i)]))
		}
	}
	if o.Complete() {
		require.NoError(n.t, n.store.Keep(o, nil, false))
	}
	n.service.Announce(tree.Root)
	return tree.Root
}

func all(int) bool { return true }

// noFallback has nothing.
type noFallback struct{}

func (noFallback) Block(ctx context.Context, _ cid.Cid) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (n *node) request(root cid.Cid) Request {
	return Request{Root: root, Size: -1, Limit: 1 << 40, Fallback: func(context.Context) Fallback { return noFallback{} }}
}

func (n *node) download(ctx context.Context, root cid.Cid) ([]byte, error) {
	o, err := n.service.Download(ctx, n.request(root))
	if err != nil {
		return nil, err
	}
	defer o.Release()
	if err := n.store.Keep(o, nil, false); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	buf := make([]byte, dag.ChunkSize)
	for i := range o.Leaves() {
		b, err := o.Read(i, buf)
		if err != nil {
			return nil, err
		}
		out.Write(b)
	}
	return out.Bytes(), nil
}

// within ends a test that would hang.
func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(context.Background(), d, errors.New("the test waits no longer"))
	t.Cleanup(cancel)
	return ctx
}

func TestObjectsOfEverySizeTravel(t *testing.T) {
	nodes := newNodes(t, 3, 0)
	mesh(t, nodes)
	ctx := within(t, time.Minute)
	for _, size := range []int{0, 1, 1000, dag.ChunkSize, dag.ChunkSize + 1, 7*dag.ChunkSize + 5, 40 * dag.ChunkSize} {
		data := content(t.Name(), size)
		root := nodes[0].add(data, all)
		var done sync.WaitGroup
		for _, n := range nodes[1:] {
			done.Go(func() {
				got, err := n.download(ctx, root)
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("size %d: %v, %d bytes", size, err, len(got))
				}
			})
		}
		done.Wait()
	}
	for _, n := range nodes {
		require.Empty(t, n.peers.strikes)
	}
}

func BenchmarkOneToOne(b *testing.B) {
	nodes := newNodes(b, 2, 0)
	mesh(b, nodes)
	data := content("one", 256<<20)
	root := nodes[0].add(data, all)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		o, err := nodes[1].service.Download(context.Background(), nodes[1].request(root))
		require.NoError(b, err)
		nodes[1].store.Discard(o)
		o.Release()
	}
}
