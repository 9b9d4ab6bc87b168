package transfer

import (
	"encoding/binary"
	"io"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

const (
	// maxSlots bounds the chunks that are sent at a time, and so the memory
	// for them. Fewer are used when each takes long: a chunk can be passed on
	// only once it has arrived as a whole.
	maxSlots = 16
	minSlots = 2
	// slowSend and quickSend are the times of one chunk between which the
	// number of slots stays.
	slowSend  = 250 * time.Millisecond
	quickSend = 60 * time.Millisecond
	// guestSlots bounds the chunks that are sent to guests at a time.
	guestSlots = 2
	// maxRequests bounds the numbers that wait on one stream.
	maxRequests = 256
	// maxStreams bounds the chunk streams of one peer.
	maxStreams = 64
	// maxWait is after how long a request goes before rarer chunks.
	maxWait = time.Minute
	// busyInterval is how often those who wait are told that they do.
	busyInterval = time.Second
	// sendTimeout ends a stream whose other side takes nothing. A peer that
	// takes a chunk more slowly is served like a guest for stallMemory.
	sendTimeout = 20 * time.Second
	stallMemory = 10 * time.Minute
	// guestTimeout is that of a guest, who is refused for guestMemory then:
	// there are few places for guests.
	guestTimeout = 8 * time.Second
	guestMemory  = time.Minute
	// maxConfirming bounds the confirmations that are written at a time: they
	// take no slot, and one whose other side reads nothing takes long.
	maxConfirming = maxSlots / 4
	// maxStalled bounds the peers of which that is remembered.
	maxStalled = 1024
	// idleTimeout ends a stream on which nothing is asked.
	idleTimeout = 2 * time.Minute
	// idleInterval is how often those who want an object are told that nobody
	// asks this node for it, hotTime after how long that is of no interest any
	// more, and maxHot bounds the objects.
	idleInterval = 600 * time.Millisecond
	hotTime      = 10 * time.Second
	maxHot       = 16
	// blockedTime is after how long a write counts as blocked.
	blockedTime = 100 * time.Millisecond
	// sendSlice is how much is sent between two looks at the limit, openSlice
	// how much has to be taken in time where there is no limit.
	sendSlice = 64 << 10
	openSlice = 256 << 10
	// burstsPerSecond is how much of the limit of a second may be sent at once.
	burstsPerSecond = 8
	// maxCounted bounds the objects whose sent chunks are counted.
	maxCounted = 128
)

// uploads decides which request is answered next: of all that wait the chunk
// that was sent least often, so that a lone holder gives every chunk away once
// before it gives any twice.
type uploads struct {
	s        *Service
	limiter  *rate.Limiter
	patience time.Duration // sendTimeout

	mu      sync.Mutex
	ready   *sync.Cond
	closed  bool
	streams map[*outgoing]bool
	perPeer map[peer.ID]int
	sending map[peer.ID]int       // chunks that are sent to a peer now
	stalled map[peer.ID]time.Time // peers that were slow
	served  map[peer.ID]time.Time // when a peer was last sent something
	sent    map[cid.Cid][]uint16
	slots   int                   // how many chunks may be sent at a time now
	hot     map[cid.Cid]time.Time // when an object was last asked for
	blocked int                   // chunks on their way whose other side does not take them at once
	gone    map[cid.Cid]bool      // removed objects whose farewell is over
	active  int
	guests  int // slots that guests use
	// confirming is how many confirmations are being written.
	confirming int
	typical    time.Duration // of one chunk
	workers    sync.WaitGroup
}

// outgoing is one stream on which a peer asks for chunks of one object.
type outgoing struct {
	stream network.Stream
	peer   peer.ID
	guest  bool
	object *objectstore.Object

	// guarded by uploads.mu
	queue []request
	taken int  // requests in the queue that were taken back
	busy  bool // a worker writes on it
	ended bool
}

type request struct {
	number uint32
	at     time.Time
}

func newUploads(s *Service, limit int64) *uploads {
	u := &uploads{
		s: s, patience: sendTimeout, streams: make(map[*outgoing]bool), perPeer: make(map[peer.ID]int), sending: make(map[peer.ID]int),
		stalled: make(map[peer.ID]time.Time), served: make(map[peer.ID]time.Time), sent: make(map[cid.Cid][]uint16), gone: make(map[cid.Cid]bool), hot: make(map[cid.Cid]time.Time), slots: maxSlots / 2,
	}
	u.ready = sync.NewCond(&u.mu)
	if limit > 0 {
		// What a busy moment of the machine has left unused is made up for.
		u.limiter = rate.NewLimiter(rate.Limit(limit), int(max(sendSlice, limit/burstsPerSecond)))
		// One after the other: each can be passed on the sooner.
		u.slots = 1
	}
	for range maxSlots {
		u.workers.Go(u.work)
	}
	u.workers.Go(u.tellWaiting)
	u.workers.Go(u.tellIdle)
	return u
}

func (u *uploads) close() {
	u.mu.Lock()
	u.closed = true
	for o := range u.streams {
		_ = o.stream.Reset()
	}
	u.ready.Broadcast()
	u.mu.Unlock()
	u.workers.Wait()
}

// serve reads what a peer asks for on one stream.
func (u *uploads) serve(stream network.Stream) {
	defer func() { _ = stream.Reset() }()
	_ = stream.SetReadDeadline(time.Now().Add(linkTimeout))
	var name [dag.CIDSize]byte
	if _, err := io.ReadFull(stream, name[:]); err != nil {
		return
	}
	root, err := dag.CastCID(name[:])
	if err != nil {
		return
	}
	object := u.s.store.Acquire(root)
	if object == nil {
		return
	}
	defer object.Release()
	if u.isGone(object) {
		return
	}
	o := &outgoing{stream: stream, peer: stream.Conn().RemotePeer(), object: object}
	o.guest = !u.s.peers.Member(o.peer)
	if !u.enter(o) {
		return
	}
	defer u.leave(o)
	var b [4]byte
	until := time.Now().Add(idleTimeout)
	for {
		_ = stream.SetReadDeadline(until)
		if _, err := io.ReadFull(stream, b[:]); err != nil {
			return
		}
		number := binary.LittleEndian.Uint32(b[:])
		if !u.ask(o, number) {
			return
		}
		if number&cancelBit == 0 {
			until = time.Now().Add(idleTimeout)
		}
	}
}

// forget ends the streams on which an object is asked for that is to go.
func (u *uploads) forget(root cid.Cid) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.gone) >= maxCounted {
		clear(u.gone)
	}
	u.gone[root] = true
	for o := range u.streams {
		if o.object.Root() == root && o.object.Doomed() {
			_ = o.stream.Reset()
		}
	}
}

// isGone says whether an object was removed so long ago that nobody gets more
// of it.
func (u *uploads) isGone(o *objectstore.Object) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.gone[o.Root()] {
		return false
	}
	if o.Doomed() {
		return true
	}
	delete(u.gone, o.Root()) // it is back
	return false
}

func (u *uploads) enter(o *outgoing) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed || u.perPeer[o.peer] >= maxStreams {
		return false
	}
	if t, ok := u.stalled[o.peer]; ok {
		switch age := time.Since(t); {
		case age >= stallMemory:
			delete(u.stalled, o.peer)
		case o.guest && age < guestMemory:
			return false
		default:
			o.guest = true
		}
	}
	u.perPeer[o.peer]++
	u.streams[o] = true
	return true
}

// leave waits until nobody writes on the stream.
func (u *uploads) leave(o *outgoing) {
	_ = o.stream.Reset()
	u.mu.Lock()
	defer u.mu.Unlock()
	o.ended = true
	delete(u.streams, o)
	if u.perPeer[o.peer]--; u.perPeer[o.peer] <= 0 {
		delete(u.perPeer, o.peer)
	}
	for o.busy {
		u.ready.Wait()
	}
}

// ask queues a request or takes one back. It reports false when a peer asks for
// more than it may.
func (u *uploads) ask(o *outgoing, number uint32) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if number&cancelBit != 0 {
		number &^= cancelBit
		for i, r := range o.queue {
			if r.number == number {
				o.queue[i].number |= cancelBit // to be confirmed
				o.taken++
				u.ready.Broadcast()
				break
			}
		}
		return true
	}
	if len(o.queue) >= maxRequests || number != leavesNumber && int64(number) >= int64(len(o.object.Leaves())) {
		return false
	}
	if _, ok := u.hot[o.object.Root()]; ok || len(u.hot) < maxHot {
		u.hot[o.object.Root()] = time.Now()
	}
	o.queue = append(o.queue, request{number, time.Now()})
	u.ready.Broadcast()
	return true
}

// work answers requests until close.
func (u *uploads) work() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for {
		o, number := u.next()
		for o == nil && !u.closed {
			u.ready.Wait()
			o, number = u.next()
		}
		if u.closed {
			return
		}
		o.busy = true
		guest := o.guest
		if guest {
			u.guests++
		}
		patience := u.patienceWith(guest)
		if number&cancelBit != 0 {
			u.confirming++
			u.mu.Unlock()
			began := time.Now()
			ok := u.send(o, number, patience)
			u.mu.Lock()
			if guest {
				u.guests--
			}
			u.confirming--
			if time.Since(began) >= patience {
				u.stall(o.peer)
			}
			u.written(o, ok)
			continue
		}
		u.active++
		u.sending[o.peer]++
		u.mu.Unlock()
		began := time.Now()
		ok := u.send(o, number, patience)
		u.mu.Lock()
		ended := time.Now()
		u.note(o.peer, ended)
		u.active--
		if u.sending[o.peer]--; u.sending[o.peer] == 0 {
			delete(u.sending, o.peer)
		}
		if guest {
			u.guests--
		}
		if took := ended.Sub(began); took >= patience && (!ok || u.limiter == nil) {
			u.stall(o.peer)
		}
		if ok && number < busyNumber {
			u.adapt(ended.Sub(began))
		}
		u.written(o, ok)
	}
}

// note notes when a peer was served; the caller holds mu.
func (u *uploads) note(p peer.ID, t time.Time) {
	if len(u.served) >= maxStalled {
		clear(u.served)
	}
	u.served[p] = t
}

// written lets others write on a stream, or ends it; the caller holds mu.
func (u *uploads) written(o *outgoing, ok bool) {
	o.busy = false
	if !ok {
		o.ended = true
		o.queue = nil
		_ = o.stream.Reset()
	}
	u.ready.Broadcast()
}

// stall serves a peer that takes what is sent too slowly like a guest, and a
// guest not at all: it could keep all slots from others. The caller holds mu.
func (u *uploads) stall(p peer.ID) {
	if len(u.stalled) >= maxStalled {
		clear(u.stalled)
	}
	u.stalled[p] = time.Now()
	for o := range u.streams {
		switch {
		case o.peer != p:
		case o.guest:
			o.ended, o.queue = true, nil
			_ = o.stream.Reset()
		default:
			o.guest = true
		}
	}
}

// send writes one frame.
func (u *uploads) send(o *outgoing, number uint32, patience time.Duration) bool {
	var header [frameHeader]byte
	if number == leavesNumber {
		b := objectstore.AppendLeaves(nil, o.object.Leaves())
		putFrame(header[:], number, uint32(len(b)))
		return u.write(o, header[:], patience) && u.write(o, b, patience)
	}
	if number&cancelBit != 0 {
		putFrame(header[:], number&^cancelBit, takenLength)
		return u.write(o, header[:], patience)
	}
	buf := dag.GetBuffer()
	defer dag.PutBuffer(buf)
	chunk, err := o.object.Read(int(number), buf[:])
	if err != nil {
		u.s.log.Debug("a peer asks for a chunk that is not here", "cid", o.object.Root().String(), "chunk", number, "cause", err)
		putFrame(header[:], number, missingLength)
		return u.write(o, header[:], patience)
	}
	putFrame(header[:], number, uint32(len(chunk)))
	return u.write(o, header[:], patience) && u.write(o, chunk, patience)
}
