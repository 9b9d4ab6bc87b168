package transfer

import (
	"bufio"
	"context"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// batchDelay is how long chunk numbers are collected before they are told.
	batchDelay = 20 * time.Millisecond
	// maxQueue bounds the messages that wait for one peer, maxQueued their
	// bytes, about.
	maxQueue  = 4096
	maxQueued = 4 << 20
	// linkTimeout bounds the opening of a control stream and one write.
	linkTimeout = 10 * time.Second
)

// link is what is to be said to one peer. It lives while there is something.
type link struct {
	s    *Service
	peer peer.ID

	mu     sync.Mutex
	queue  []*message
	queued int // bytes in queue
	haves  map[cid.Cid][]uint32
	wake   chan struct{}
}

// say queues a message for a peer.
func (s *Service) say(p peer.ID, m *message) {
	l := s.link(p)
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// A map tells of all chunks so far, and replaces one before it.
	if m.kind == msgMap {
		delete(l.haves, m.root)
		for i, old := range l.queue {
			if old.kind == msgMap && old.root == m.root {
				if m.leaves == nil && m.size == old.size {
					m.leaves = old.leaves
				}
				l.queued += m.weight() - old.weight()
				l.queue[i] = m
				return
			}
		}
	}
	if len(l.queue) >= maxQueue || l.queued >= maxQueued {
		return // it asks again, or does not listen
	}
	l.queue = append(l.queue, m)
	l.queued += m.weight()
	l.notify()
}

// sayHave queues the number of a chunk for a peer.
func (s *Service) sayHave(p peer.ID, root cid.Cid, i int) {
	l := s.link(p)
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.haves[root] = append(l.haves[root], uint32(i))
	l.notify()
}

// weight is about how many bytes a message has.
func (m *message) weight() int { return 64 + len(m.leaves) + len(m.have.Bytes()) }

func (l *link) notify() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// link returns the link to a peer, which is begun when there is none.
func (s *Service) link(p peer.ID) *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	if l := s.links[p]; l != nil {
		return l
	}
	l := &link{s: s, peer: p, haves: make(map[cid.Cid][]uint32), wake: make(chan struct{}, 1)}
	s.links[p] = l
	s.running.Go(func() { l.run(s.ctx) })
	return l
}

func (l *link) run(ctx context.Context) {
	defer func() {
		l.s.mu.Lock()
		delete(l.s.links, l.peer)
		l.s.mu.Unlock()
	}()
	open, cancel := context.WithTimeout(ctx, linkTimeout)
	stream, err := l.s.host.NewStream(network.WithNoDial(open, "only to neighbours"), l.peer, MapProtocol)
	cancel()
	if err != nil {
		l.s.log.Debug("peer has no buffer maps", "peer", l.peer.String(), "cause", err)
		return
	}
	defer func() { _ = stream.Reset() }()
	// The other side never writes; a read ends when the stream does.
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = stream.Read(make([]byte, 1))
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ended:
			return
		case <-l.wake:
		}
		b, more := l.take()
		for len(b) > 0 {
			_ = stream.SetWriteDeadline(time.Now().Add(linkTimeout))
			if _, err := stream.Write(b); err != nil {
				return
			}
			if !more {
				break
			}
			b, more = l.take()
		}
		// Numbers of chunks are collected for a moment.
		select {
		case <-ctx.Done():
			return
		case <-ended:
			return
		case <-time.After(batchDelay):
		}
	}
}

// take returns what is to be written now.
func (l *link) take() (b []byte, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n, m := range l.queue {
		if len(b) > maxMessage {
			l.queue = l.queue[n:]
			return b, true
		}
		b = appendMessage(b, m)
		l.queued -= m.weight()
	}
	l.queue = nil
	for root, numbers := range l.haves {
		for len(numbers) > 0 {
			n := min(len(numbers), maxHaves)
			b = appendMessage(b, &message{kind: msgHave, root: root, numbers: numbers[:n]})
			numbers = numbers[n:]
		}
		delete(l.haves, root)
	}
	return b, false
}

// hear reads the control stream of a peer.
func (s *Service) hear(stream network.Stream) {
	defer func() { _ = stream.Reset() }()
	p := stream.Conn().RemotePeer()
	if !s.enter(p) {
		return
	}
	defer s.leave(p)
	r := bufio.NewReaderSize(stream, 16<<10)
	for {
		m, err := readMessage(r)
		if err != nil {
			return
		}
		switch m.kind {
		case msgWant:
			s.subscribe(p, m.root, m.digests)
		case msgDrop:
			s.unsubscribe(p, m.root)
		default:
			if d := s.download(m.root); d != nil {
				d.told(p, m)
			}
		}
	}
}
