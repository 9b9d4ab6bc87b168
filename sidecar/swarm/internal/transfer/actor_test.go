package transfer

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"sync"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

// actor is a peer that speaks the protocol as a test wants, not as it should.
type actor struct {
	t    testing.TB
	host host.Host
	// mapOf answers a WANT; nil is no answer.
	mapOf func(want *message) *message
	// chunks answers one request on a stream of ChunkProtocol; an error ends it.
	chunks func(w io.Writer, number uint32) error

	mu     sync.Mutex
	speech map[peer.ID]network.Stream
	asked  int
	once   sync.Once
	// first is closed when a chunk was asked for.
	first chan struct{}
}

func newActor(t testing.TB) *actor {
	t.Helper()
	a := &actor{t: t, host: newHost(t), speech: make(map[peer.ID]network.Stream), first: make(chan struct{})}
	a.host.SetStreamHandler(MapProtocol, a.hear)
	a.host.SetStreamHandler(ChunkProtocol, a.serve)
	return a
}

func (a *actor) hear(s network.Stream) {
	defer s.Reset()
	r := bufio.NewReader(s)
	for {
		m, err := readMessage(r)
		if err != nil {
			return
		}
		if m.kind != msgWant || a.mapOf == nil {
			continue
		}
		if answer := a.mapOf(m); answer != nil {
			_ = a.say(s.Conn().RemotePeer(), appendMessage(nil, answer))
		}
	}
}

// say writes bytes on the control stream to a peer.
func (a *actor) say(p peer.ID, b []byte) error {
	a.mu.Lock()
	s := a.speech[p]
	if s == nil {
		var err error
		if s, err = a.host.NewStream(context.Background(), p, MapProtocol); err != nil {
			a.mu.Unlock()
			return err
		}
		a.speech[p] = s
	}
	a.mu.Unlock()
	_, err := s.Write(b)
	return err
}

func (a *actor) serve(s network.Stream) {
	defer s.Reset()
	var name [dag.CIDSize]byte
	if _, err := io.ReadFull(s, name[:]); err != nil {
		return
	}
	var b [4]byte
	for {
		if _, err := io.ReadFull(s, b[:]); err != nil {
			return
		}
		number := binary.LittleEndian.Uint32(b[:])
		if number&cancelBit == 0 {
			a.mu.Lock()
			a.asked++
			a.mu.Unlock()
			a.once.Do(func() { close(a.first) })
		}
		if err := a.chunks(s, number); err != nil {
			return
		}
	}
}

// requests opens a stream on which the actor asks for chunks of an object.
func (a *actor) requests(n *node, root cid.Cid) network.Stream {
	a.t.Helper()
	s, err := a.host.NewStream(context.Background(), n.host.ID(), ChunkProtocol)
	require.NoError(a.t, err)
	_, err = s.Write(root.Bytes())
	require.NoError(a.t, err)
	return s
}

// sample is an object as a test has it.
type sample struct {
	data   []byte
	root   cid.Cid
	leaves []dag.Digest
}

func newSample(t testing.TB, seed string, size int) sample {
	t.Helper()
	data := content(seed, size)
	leaves := dag.SumBytes(data)
	tree, err := dag.Build(int64(size), leaves)
	require.NoError(t, err)
	return sample{data, tree.Root, leaves}
}

func (x sample) chunk(i int) []byte {
	return x.data[i*dag.ChunkSize : i*dag.ChunkSize+dag.LeafSize(int64(len(x.data)), i)]
}

// wholeMap says that all of it is held.
func (x sample) wholeMap(want *message) *message {
	m := &message{kind: msgMap, root: want.root, size: int64(len(x.data)), have: objectstore.AllBits(len(x.leaves))}
	if want.digests && len(x.leaves) > 1 {
		m.leaves = objectstore.AppendLeaves(nil, x.leaves)
	}
	return m
}

// frame is an answer to a request.
func frame(number, length uint32, b []byte) []byte {
	var header [frameHeader]byte
	putFrame(header[:], number, length)
	return append(header[:], b...)
}

// honest answers a request for a chunk as it should be.
func (x sample) honest(w io.Writer, number uint32) error {
	if number&cancelBit != 0 {
		return nil // answered at once, so there is nothing to take back
	}
	b := objectstore.AppendLeaves(nil, x.leaves)
	if number != leavesNumber {
		b = x.chunk(int(number))
	}
	_, err := w.Write(frame(number, uint32(len(b)), b))
	return err
}
