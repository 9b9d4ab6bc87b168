package transfer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

func numbered(i int) cid.Cid {
	return dag.LeafCID(dag.SumBytes(binary.BigEndian.AppendUint32(nil, uint32(i)))[0])
}

// state is what a service remembers of a peer.
func state(s *Service, p peer.ID) (subscriptions, controls, queue, queued int) {
	s.mu.Lock()
	l := s.links[p]
	for _, peers := range s.subs {
		if peers[p] {
			subscriptions++
		}
	}
	if subscriptions != s.subCount[p] {
		panic(fmt.Sprintf("%d subscriptions, counted %d", subscriptions, s.subCount[p]))
	}
	controls = s.controls[p]
	s.mu.Unlock()
	if l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		queue, queued = len(l.queue), l.queued
	}
	return subscriptions, controls, queue, queued
}

// A peer that asks for everything, again and again, and never reads an answer.
func TestAFloodOfWants(t *testing.T) {
	t.Parallel()
	n := newNode(t, 0)
	a := newActor(t)
	a.host.SetStreamHandler(MapProtocol, func(network.Stream) {}) // takes and reads nothing
	connect(t, a.host, n.host)
	// Objects of 2,048 leaves, whose digests are as long as they may be in a map.
	var big []cid.Cid
	const size = maxInline / 32 * dag.ChunkSize
	for k := range 2 * maxQueued / maxInline {
		leaves := make([]dag.Digest, maxInline/32)
		for i := range leaves {
			binary.BigEndian.PutUint32(leaves[i][:], uint32(k*len(leaves)+i))
		}
		tree, err := dag.Build(size, leaves)
		require.NoError(t, err)
		o, err := n.store.Begin(tree.Root, size, leaves)
		require.NoError(t, err)
		defer o.Release()
		big = append(big, tree.Root)
	}

	p := a.host.ID()
	for i := range maxSubscriptions + 500 {
		b := appendMessage(nil, &message{kind: msgWant, root: numbered(i)})
		b = appendMessage(b, &message{kind: msgWant, root: big[max(0, i-500)%len(big)], digests: true})
		b = appendMessage(b, &message{kind: msgHave, root: big[0], numbers: []uint32{1}})
		b = appendMessage(b, &message{kind: msgMap, root: big[0], size: -1})
		require.NoError(t, a.say(n.host.ID(), b))
	}
	eventually(t, "the last of them", func() bool { s, _, _, _ := state(n.service, p); return s == maxSubscriptions })
	_, _, queue, weight := state(n.service, p)
	require.LessOrEqual(t, queue, maxQueue)
	require.LessOrEqual(t, weight, maxQueued+maxMessage)
	require.Greater(t, weight, maxQueued/2, "it does not read")
	l := n.service.link(p)
	l.mu.Lock()
	queued := make(map[cid.Cid]int)
	for _, m := range l.queue {
		queued[m.root]++
		require.Equal(t, 1, queued[m.root], "a later map replaces one before it")
	}
	l.mu.Unlock()
	require.NoError(t, a.say(n.host.ID(), appendMessage(nil, &message{kind: msgDrop, root: big[0]})))
	eventually(t, "room after a DROP", func() bool { s, _, _, _ := state(n.service, p); return s == maxSubscriptions-1 })

	// Beyond the bound it is answered all the same.
	quiet := newActor(t)
	heard := make(chan *message, 4096)
	quiet.host.SetStreamHandler(MapProtocol, func(s network.Stream) {
		r := byteReader{s}
		for {
			m, err := readMessage(r)
			if err != nil {
				return
			}
			heard <- m
		}
	})
	connect(t, quiet.host, n.host)
	for i := range maxSubscriptions {
		require.NoError(t, quiet.say(n.host.ID(), appendMessage(nil, &message{kind: msgWant, root: numbered(i)})))
	}
	require.NoError(t, quiet.say(n.host.ID(), appendMessage(nil, &message{kind: msgWant, root: big[0]})))
	for m := range heard {
		if m.root == big[0] {
			require.Equal(t, int64(size), m.size)
			break
		}
	}

	// All is forgotten with the connection.
	require.NoError(t, a.host.Network().ClosePeer(n.host.ID()))
	eventually(t, "it to be forgotten", func() bool { s, c, q, _ := state(n.service, p); return s+c+q == 0 })
}

type byteReader struct{ io.Reader }

func (r byteReader) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(r.Reader, b[:])
	return b[0], err
}

func TestManyControlStreams(t *testing.T) {
	n := newNode(t, 0)
	a := newActor(t)
	connect(t, a.host, n.host)
	var open []network.Stream
	ended := make(chan bool, 100)
	for range 5 * maxControls {
		s, err := a.host.NewStream(t.Context(), n.host.ID(), MapProtocol)
		require.NoError(t, err)
		_, err = s.Write(appendMessage(nil, &message{kind: msgWant, root: numbered(1)}))
		require.NoError(t, err)
		open = append(open, s)
		go func() {
			_, _ = s.Read(make([]byte, 1))
			ended <- true
		}()
	}
	for range 4 * maxControls { // all but the allowed ones are ended at once
		<-ended
	}
	_, controls, _, _ := state(n.service, a.host.ID())
	require.Equal(t, maxControls, controls)
	for _, s := range open {
		_ = s.Reset()
	}
	eventually(t, "room for others", func() bool { s, c, _, _ := state(n.service, a.host.ID()); return s == 0 && c == 0 })
}

func TestWordsThatNobodyUnderstandsEndTheStream(t *testing.T) {
	n := newNode(t, 0)
	a := newActor(t)
	connect(t, a.host, n.host)
	for name, b := range map[string][]byte{
		"a length too long": binary.AppendUvarint(nil, maxMessage+1),
		"no message":        append([]byte{3}, "abc"...),
		"an unknown kind":   appendMessage(nil, &message{kind: 77, root: numbered(1)}),
	} {
		t.Run(name, func(t *testing.T) {
			s, err := a.host.NewStream(t.Context(), n.host.ID(), MapProtocol)
			require.NoError(t, err)
			_, err = s.Write(b)
			require.NoError(t, err)
			_, err = s.Read(make([]byte, 1))
			require.Error(t, err)
		})
	}
}

// A download forgets nothing at peers that do not have the object.
func TestNobodyIsAskedForEver(t *testing.T) {
	nodes := newNodes(t, 3, 0)
	mesh(t, nodes)
	for i := range 5 {
		x := newSample(t, fmt.Sprint("often", i), dag.ChunkSize+1)
		nodes[0].add(x.data, all)
		_, err := nodes[1].download(within(t, time.Minute), x.root)
		require.NoError(t, err)
	}
	p := nodes[1].host.ID()
	for _, n := range []*node{nodes[0], nodes[2]} {
		eventually(t, "the end of all subscriptions", func() bool { s, _, _, _ := state(n.service, p); return s == 0 })
	}
}

func ask(t testing.TB, s network.Stream, list ...uint32) {
	t.Helper()
	var b []byte
	for _, i := range list {
		b = binary.LittleEndian.AppendUint32(b, i)
	}
	_, err := s.Write(b)
	require.NoError(t, err)
}

func TestEveryRequestIsAnsweredOnce(t *testing.T) {
	n := newNode(t, 0)
	x := newSample(t, "requests", 3*dag.ChunkSize+9)
	n.add(x.data, func(i int) bool { return i != 1 })
	a := newActor(t)
	connect(t, a.host, n.host)
	s := a.requests(n, x.root)
	list := []uint32{0, 1, 2, 2, 3, leavesNumber, 0, 3 | cancelBit, 77 | cancelBit}
	want := map[uint32]int{0: 2, 1: 1, 2: 2, 3: 1, leavesNumber: 1}
	ask(t, s, list...)
	left := 0
	for _, n := range want {
		left += n
	}
	require.NoError(t, readFrames(s, func(number, length uint32, b []byte) bool {
		want[number]--
		left--
		switch {
		case length == takenLength:
			require.Equal(t, uint32(3), number, "only that was taken back")
		case number == leavesNumber:
			require.Equal(t, objectstore.AppendLeaves(nil, x.leaves), b)
		case number == 1:
			require.Equal(t, uint32(missingLength), length)
		default:
			require.True(t, bytes.Equal(x.chunk(int(number)), b))
		}
		return left > 0
	}))
	for number, n := range want {
		require.Zero(t, n, "answers for %d", number)
	}
	for _, beyond := range []uint32{4, 1 << 20, leavesNumber - 2, busyNumber} {
		s := a.requests(n, x.root)
		ask(t, s, 0, beyond)
		for err := error(nil); err == nil; { // no object has that
			_, err = io.ReadFull(s, make([]byte, 1))
		}
	}
}

// readFrames reads frames until the stream ends or each has enough; it leaves
// out that others are served first.
func readFrames(r io.Reader, each func(number, length uint32, b []byte) bool) error {
	for {
		var header [frameHeader]byte
		if _, err := io.ReadFull(r, header[:]); err != nil {
			return err
		}
		number, length := readFrame(header[:])
		if number == busyNumber && length == 0 {
			continue
		}
		var b []byte
		if length < takenLength {
			b = make([]byte, length)
			if _, err := io.ReadFull(r, b); err != nil {
				return err
			}
		}
		if !each(number, length, b) {
			return nil
		}
	}
}

func TestTooManyRequestsAndStreams(t *testing.T) {
	t.Parallel()
	n := newNode(t, 6<<20) // slowly, so that requests wait
	x := newSample(t, "requests", 4*dag.ChunkSize)
	n.add(x.data, all)
	a := newActor(t)
	connect(t, a.host, n.host)

	s := a.requests(n, x.root)
	list := make([]uint32, maxRequests+20)
	ask(t, s, list...)
	require.Error(t, readFrames(s, func(uint32, uint32, []byte) bool { return true }), "the stream ends")

	for _, root := range []cid.Cid{numbered(1), x.root} {
		for range maxStreams + 10 {
			s, err := a.host.NewStream(t.Context(), n.host.ID(), ChunkProtocol)
			require.NoError(t, err)
			_, _ = s.Write(root.Bytes())
			_, _ = s.Write([]byte{0, 0, 0, 0})
		}
	}
	u := n.service.uploads
	streams := func() int { u.mu.Lock(); defer u.mu.Unlock(); return u.perPeer[a.host.ID()] }
	eventually(t, "the streams", func() bool { return streams() == maxStreams })

	// Another peer is served meanwhile.
	other := newNode(t, 0)
	connect(t, other.host, n.host)
	got, err := other.download(within(t, time.Minute), x.root)
	require.NoError(t, err)
	require.True(t, bytes.Equal(x.data, got))
	require.NoError(t, a.host.Close())
	eventually(t, "the streams to end", func() bool { return streams() == 0 })
}

// A peer that asks and takes nothing must not keep others from being served,
// before it is found out and after.
func TestARequesterThatNeverReads(t *testing.T) {
	t.Parallel()
	for name, guest := range map[string]bool{"a member": false, "a guest": true} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t, 0)
			n.service.uploads.patience = 300 * time.Millisecond
			x := newSample(t, "never read", 6*dag.ChunkSize)
			n.add(x.data, all)
			var actors []*actor
			for range 3 {
				a := newActor(t)
				n.peers.mu.Lock()
				n.peers.guests[a.host.ID()] = guest
				n.peers.mu.Unlock()
				actors = append(actors, a)
				connect(t, a.host, n.host)
				for range 8 {
					list := make([]uint32, maxRequests/2)
					for i := range list {
						list[i] = uint32(i % len(x.leaves))
					}
					ask(t, a.requests(n, x.root), list...)
				}
			}
			u := n.service.uploads
			for range 2 {
				other := newNode(t, 0)
				connect(t, other.host, n.host)
				got, err := other.download(within(t, time.Minute), x.root)
				require.NoError(t, err)
				require.True(t, bytes.Equal(x.data, got))
				eventually(t, "all of them to be found out, or cut off", func() bool {
					u.mu.Lock()
					defer u.mu.Unlock()
					for _, a := range actors {
						if _, ok := u.stalled[a.host.ID()]; !ok && u.perPeer[a.host.ID()] > 0 {
							return false
						}
					}
					return true
				})
			}
			u.mu.Lock()
			defer u.mu.Unlock()
			require.LessOrEqual(t, u.guests, guestSlots)
			require.LessOrEqual(t, u.active, maxSlots)
		})
	}
}

// Guests get what members leave, and two slots at most.
func TestMembersGoBeforeGuests(t *testing.T) {
	t.Parallel()
	n := newNode(t, 8<<20)
	x := newSample(t, "guests", 4*dag.ChunkSize)
	n.add(x.data, all)
	var guests []network.Stream
	for range 3 {
		a := newActor(t)
		n.peers.mu.Lock()
		n.peers.guests[a.host.ID()] = true
		n.peers.mu.Unlock()
		connect(t, a.host, n.host)
		for range 4 {
			s := a.requests(n, x.root)
			list := make([]uint32, 50)
			ask(t, s, list...)
			guests = append(guests, s)
		}
	}
	served := make(chan bool, len(guests)*50)
	for _, s := range guests {
		go func() {
			_ = readFrames(s, func(uint32, uint32, []byte) bool { served <- true; return true })
		}()
	}
	<-served // the guests are being served
	member := newNode(t, 0)
	connect(t, member.host, n.host)
	got, err := member.download(within(t, time.Minute), x.root)
	require.NoError(t, err)
	require.True(t, bytes.Equal(x.data, got))
	u := n.service.uploads
	u.mu.Lock()
	require.LessOrEqual(t, u.guests, guestSlots)
	waiting := 0
	for o := range u.streams {
		if o.guest {
			waiting += len(o.queue)
		}
	}
	u.mu.Unlock()
	require.Greater(t, waiting, 500, "the member did not wait until all guests were served")
}

// Who keeps a stream open does not keep what was removed.
func TestARemovedObjectIsNotHeldByAStream(t *testing.T) {
	t.Parallel()
	n, a := newNode(t, 0), newActor(t)
	n.service.farewell = 50 * time.Millisecond
	connect(t, a.host, n.host)
	x := newSample(t, "removed and asked for", 2*dag.ChunkSize)
	n.add(x.data, all)
	s := a.requests(n, x.root)
	ask(t, s, 0)
	var header [frameHeader]byte
	_, err := io.ReadFull(s, header[:])
	require.NoError(t, err)
	require.NoError(t, n.store.Remove(x.root))
	n.service.Forget(x.root)
	eventually(t, "the files to go", func() bool {
		o := n.store.Acquire(x.root)
		if o != nil {
			o.Release()
		}
		return o == nil
	})
}
