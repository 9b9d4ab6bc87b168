package transfer

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

const (
	// maxSubscriptions bounds the objects that one peer may ask to be told of.
	maxSubscriptions = 1024
	// farewell is how long an object that was removed is still sent to those
	// who have asked for it before.
	farewell = 30 * time.Second
	// maxControls bounds the control streams of one peer: a new one may come
	// before the end of the old one is noticed.
	maxControls = 4
)

// Peers is what the node knows of its peers, and wants to be told.
type Peers interface {
	// Member says whether a peer belongs to the network; others are guests.
	Member(peer.ID) bool
	// Good tells of useful bytes from a peer.
	Good(p peer.ID, bytes int)
	// Strike tells of something that no honest peer does; fatal when it can't
	// be an accident.
	Strike(p peer.ID, reason string, fatal bool)
	// Slow tells of a peer that did not answer in time.
	Slow(peer.ID)
}

// Service is the buffer-map protocol of one node.
type Service struct {
	host  host.Host
	store *objectstore.Store
	peers Peers
	log   *slog.Logger

	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	uploads *uploads
	// farewell is the constant, unless a test is in a hurry.
	farewell time.Duration

	useful, duplicate atomic.Int64

	mu        sync.Mutex
	closed    bool
	links     map[peer.ID]*link
	controls  map[peer.ID]int
	subs      map[cid.Cid]map[peer.ID]bool
	subCount  map[peer.ID]int
	downloads map[cid.Cid]*download
}

// New starts the service. limit bounds what is sent in bytes a second, 0 for no
// limit.
func New(h host.Host, store *objectstore.Store, peers Peers, limit int64, log *slog.Logger) *Service {
	s := &Service{
		host: h, store: store, peers: peers, log: log,
		links: make(map[peer.ID]*link), controls: make(map[peer.ID]int),
		subs: make(map[cid.Cid]map[peer.ID]bool), subCount: make(map[peer.ID]int),
		downloads: make(map[cid.Cid]*download), farewell: farewell,
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.uploads = newUploads(s, limit)
	h.SetStreamHandler(MapProtocol, s.hear)
	h.SetStreamHandler(ChunkProtocol, s.uploads.serve)
	h.Network().Notify(&network.NotifyBundle{ConnectedF: s.connected, DisconnectedF: s.disconnected})
	return s
}

// Close ends everything; downloads under way fail.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.host.RemoveStreamHandler(MapProtocol)
	s.host.RemoveStreamHandler(ChunkProtocol)
	s.cancel()
	s.uploads.close()
	s.running.Wait()
}

// Useful and Duplicate are the bytes of chunks that were needed, and of those
// that came although they were here already.
func (s *Service) Useful() int64 { return s.useful.Load() }

// Duplicate is described at Useful.
func (s *Service) Duplicate() int64 { return s.duplicate.Load() }

// enter counts a control stream of a peer.
func (s *Service) enter(p peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.controls[p] >= maxControls {
		return false
	}
	s.controls[p]++
	return true
}

// leave forgets what a peer wanted once it speaks no more.
func (s *Service) leave(p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.controls[p]--; s.controls[p] > 0 {
		return
	}
	delete(s.controls, p)
	if s.subCount[p] == 0 {
		return
	}
	delete(s.subCount, p)
	for root, peers := range s.subs {
		delete(peers, p)
		if len(peers) == 0 {
			delete(s.subs, root)
		}
	}
}

// subscribe notes that a peer wants an object, and answers with the map.
func (s *Service) subscribe(p peer.ID, root cid.Cid, digests bool) {
	s.mu.Lock()
	switch {
	case s.subs[root][p]:
	case s.subCount[p] >= maxSubscriptions:
		// It is answered, and not told of what comes later.
	default:
		if s.subs[root] == nil {
			s.subs[root] = make(map[peer.ID]bool)
		}
		s.subs[root][p] = true
		s.subCount[p]++
	}
	s.mu.Unlock()
	s.sayMap(p, root, digests)
}

func (s *Service) unsubscribe(p peer.ID, root cid.Cid) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.subs[root][p] {
		return
	}
	delete(s.subs[root], p)
	if len(s.subs[root]) == 0 {
		delete(s.subs, root)
	}
	if s.subCount[p]--; s.subCount[p] <= 0 {
		delete(s.subCount, p)
	}
}

func (s *Service) subscribers(root cid.Cid) []peer.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]peer.ID, 0, len(s.subs[root]))
	for p := range s.subs[root] {
		out = append(out, p)
	}
	return out
}

// sayMap tells a peer what is held of an object.
func (s *Service) sayMap(p peer.ID, root cid.Cid, digests bool) {
	m := &message{kind: msgMap, root: root, size: -1}
	o := s.store.Acquire(root)
	if o != nil && root.Type() == cid.Raw && !o.Complete() {
		// Nothing of a single chunk is here, not even what its size is.
		o.Release()
		o = nil
	}
	if o != nil {
		m.size, m.have = o.Size(), o.Have()
		if digests && len(o.Leaves()) > 1 && len(o.Leaves())*len(dag.Digest{}) <= maxInline {
			m.leaves = objectstore.AppendLeaves(nil, o.Leaves())
		}
		o.Release()
		if info, ok := s.store.Kept(root); ok {
			m.forms = info.Forms[:min(len(info.Forms), maxForms)]
		}
	}
	s.say(p, m)
}

// Announce tells those who wait for an object what is held of it now.
func (s *Service) Announce(root cid.Cid) {
	for _, p := range s.subscribers(root) {
		s.sayMap(p, root, false)
	}
}

// Forget ends what is sent of an object that was removed, after a while in which
// those who are about to have it can finish.
func (s *Service) Forget(root cid.Cid) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.running.Go(func() {
		select {
		case <-s.ctx.Done():
		case <-time.After(s.farewell):
			s.uploads.forget(root)
		}
	})
}

// stored tells those who wait for an object of a chunk, but not those who have
// said that they have it.
func (s *Service) stored(root cid.Cid, i int) {
	peers := s.subscribers(root)
	if d := s.download(root); d != nil {
		peers = d.lacking(peers, i)
	}
	for _, p := range peers {
		s.sayHave(p, root, i)
	}
}

func (s *Service) download(root cid.Cid) *download {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.downloads[root]
}

// Wants says whether a download of an object is under way.
func (s *Service) Wants(root cid.Cid) bool { return s.download(root) != nil }

func (s *Service) eachDownload(fn func(*download)) {
	s.mu.Lock()
	all := make([]*download, 0, len(s.downloads))
	for _, d := range s.downloads {
		all = append(all, d)
	}
	s.mu.Unlock()
	for _, d := range all {
		fn(d)
	}
}

func (s *Service) connected(_ network.Network, c network.Conn) {
	s.eachDownload(func(d *download) { d.ask(c.RemotePeer()) })
}

func (s *Service) disconnected(n network.Network, c network.Conn) {
	p := c.RemotePeer()
	if n.Connectedness(p) == network.Connected {
		return
	}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.running.Add(1)
	}
	s.mu.Unlock()
	if closed {
		return
	}
	// Not in the notification, which must not wait for locks of downloads.
	go func() {
		defer s.running.Done()
		s.eachDownload(func(d *download) { d.lost(p) })
	}()
}

// now is the time by which downloads judge their sources.
func now() time.Time { return time.Now() }

var start = time.Now()

// sinceStart is a time as nanoseconds since the start of the process, which no
// change of the clock disturbs.
func sinceStart(t time.Time) int64 { return int64(t.Sub(start)) }
