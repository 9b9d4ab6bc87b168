package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

const (
	// tickInterval is how often all sources are looked at for requests that
	// have waited for too long.
	tickInterval = 250 * time.Millisecond
	// askInterval is how often sources whose map has holes are asked again: a
	// message may be lost with the stream that carried it.
	askInterval = 5 * time.Second
	// idleTime is after how long without any chunk other ways are tried.
	idleTime = 10 * time.Second
	// maxSources bounds the neighbours that one download asks.
	maxSources = 128
	// maxRebuilds bounds the ways to make the object from another one that
	// are tried.
	maxRebuilds = 2
)

// ErrClosed says that the service has been closed.
var ErrClosed = errors.New("the node is closed")

// Fallback gets single blocks by another protocol.
type Fallback interface {
	Block(ctx context.Context, c cid.Cid) ([]byte, error)
}

// Request says what to download.
type Request struct {
	Root cid.Cid
	// Size is that of the object, -1 when it is not known; Limit is the most
	// that it may be.
	Size, Limit int64
	// Fallback starts another protocol; it is called once it is needed, and
	// the result is used until ctx ends.
	Fallback func(ctx context.Context) Fallback
	// Idle is called when nothing has arrived for some time.
	Idle func()
	// Room is asked for before an object is begun, and told when it is; an
	// error ends the download.
	Room func(size int64) (begun func(), err error)
	// Rebuild makes the object from another one, if it can.
	Rebuild func(ctx context.Context, o *objectstore.Object, f objectstore.Form) error
	// Began is called once, when chunks are about to be asked for.
	Began func()
}

// download is one object on its way.
type download struct {
	s        *Service
	req      Request
	root     cid.Cid
	ctx      context.Context
	cancel   context.CancelCauseFunc
	running  sync.WaitGroup
	finished chan struct{}
	// changed is signalled when a source has come or said something new.
	changed chan struct{}
	// whole is closed when all chunks are here.
	whole chan struct{}

	known   atomic.Bool // the digests are
	mu      sync.Mutex
	object  *objectstore.Object // nil until the digests are known
	sources map[peer.ID]*source
	parted  map[peer.ID]bool // sources beyond enough, which are not asked again for now
	state   []uint16         // how many sources were asked for each chunk
	avail   []uint16         // how many sources have it
	held    objectstore.Bits
	falling map[int]context.CancelFunc // chunks that other protocols are asked for
	writing int                        // chunks that are being stored
	last    time.Time                  // of the last chunk
	news    time.Time                  // when a source last said that it has got a chunk
	typical time.Duration              // from asking for a chunk to its arrival
}

// Download returns the complete object, which the caller releases. It runs
// until all chunks are here, the content is refused, or ctx ends.
func (s *Service) Download(ctx context.Context, req Request) (*objectstore.Object, error) {
	for {
		if o := s.store.Acquire(req.Root); o != nil {
			err := o.Verify(ctx)
			if err == nil {
				err = req.fits(o)
			}
			if err == nil && o.Complete() {
				return o, nil
			}
			o.Release()
			if err != nil {
				return nil, err
			}
		}
		d, mine := s.begin(ctx, req)
		if d == nil {
			return nil, ErrClosed
		}
		if !mine {
			select {
			case <-d.finished:
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
			continue
		}
		o, err := d.run()
		s.end(d)
		return o, err
	}
}

// fits says whether an object that is here can be what is asked for.
func (r Request) fits(o *objectstore.Object) error {
	switch {
	case !provesSize(o):
		return nil
	case r.Size >= 0 && o.Size() != r.Size:
		return fmt.Errorf("%w: %s has %d bytes, expected %d", dag.ErrMismatch, r.Root, o.Size(), r.Size)
	case o.Size() > r.Limit:
		return fmt.Errorf("%w: expected at most %d bytes, got %d", dag.ErrTooLarge, r.Limit, o.Size())
	}
	return nil
}

// provesSize says whether the size of an object is certain: that of a single
// chunk is what somebody has said, until the chunk is here.
func provesSize(o *objectstore.Object) bool { return o.Root().Type() != cid.Raw || o.Complete() }

// begin registers a download, or returns the one that is under way.
func (s *Service) begin(ctx context.Context, req Request) (_ *download, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false
	}
	if d := s.downloads[req.Root]; d != nil {
		return d, false
	}
	d := &download{
		s: s, req: req, root: req.Root, finished: make(chan struct{}), changed: make(chan struct{}, 1), whole: make(chan struct{}),
		sources: make(map[peer.ID]*source), parted: make(map[peer.ID]bool), falling: make(map[int]context.CancelFunc),
	}
	d.ctx, d.cancel = context.WithCancelCause(ctx)
	s.downloads[req.Root] = d
	s.running.Add(1)
	return d, true
}

// end takes the download out once nothing of it runs.
func (s *Service) end(d *download) {
	d.cancel(nil)
	d.mu.Lock()
	sources := d.sources
	d.sources = nil
	for _, x := range sources {
		x.close()
	}
	d.mu.Unlock()
	d.running.Wait()
	// All were asked. Said before another download may ask again.
	for _, p := range s.host.Network().Peers() {
		s.say(p, &message{kind: msgDrop, root: d.root})
	}
	s.mu.Lock()
	delete(s.downloads, d.root)
	s.mu.Unlock()
	close(d.finished)
	s.running.Done()
}

func (d *download) run() (*objectstore.Object, error) {
	stop := context.AfterFunc(d.s.ctx, func() { d.cancel(ErrClosed) })
	defer stop()
	for _, p := range d.s.host.Network().Peers() {
		d.ask(p)
	}
	o := d.s.store.Acquire(d.root)
	if o != nil && !provesSize(o) {
		o.Release()
		o = nil
	}
	if o == nil {
		var err error
		if o, err = d.learn(); err != nil {
			return nil, err
		}
	}
	if err := d.fill(o); err != nil {
		o.Release()
		return nil, err
	}
	return o, nil
}

// ask tells a peer that the object is wanted.
func (d *download) ask(p peer.ID) {
	d.s.say(p, &message{kind: msgWant, root: d.root, digests: !d.known.Load()})
}

// fill gets the missing chunks.
func (d *download) fill(o *objectstore.Object) error {
	if err := o.Verify(d.ctx); err != nil {
		return err
	}
	if _, err := d.s.store.Copy(d.ctx, o); err != nil {
		return err
	}
	if o.Complete() {
		return nil
	}
	if d.rebuild(o) {
		return nil
	}
	if d.req.Began != nil {
		d.req.Began()
	}
	d.start(o)
	// Those who asked before anything was known get the map now.
	d.s.Announce(d.root)
	d.running.Go(d.fallback)
	tick := time.NewTicker(tickInterval)
	defer tick.Stop()
	asked, idle := now(), now()
	for {
		select {
		case <-d.whole:
			return nil
		case <-d.ctx.Done():
			return d.explain(context.Cause(d.ctx))
		case <-tick.C:
		}
		t := now()
		if quiet := d.tick(t); quiet > idleTime && t.Sub(idle) > idleTime && d.req.Idle != nil {
			idle = t
			d.s.log.Info("download stalled, trying other ways", "cid", d.root.String())
			d.req.Idle()
		}
		if t.Sub(asked) > askInterval {
			asked = t
			d.askAgain()
		}
	}
}

// reconcile asks again for chunks that a reader has found damaged since they
// were stored. The caller holds the lock.
func (d *download) reconcile() {
	if d.writing > 0 {
		return
	}
	if have := d.object.Have(); have.Count() != d.held.Count() {
		d.held = have
	}
	d.ended()
}

func (d *download) assignAll() {
	for _, x := range d.sources {
		d.assign(x)
	}
}

// tick looks for sources that went silent, and says how long nothing has come.
func (d *download) tick(t time.Time) (quiet time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, x := range d.sources {
		if x.silent(t) > stallTime {
			p := x.peer
			d.rest(x)
			d.running.Go(func() { d.s.peers.Slow(p) })
		}
	}
	d.reconcile()
	d.trim(t)
	// Whatever changes assigns by itself; this is for what time changes.
	d.assignAll()
	return t.Sub(d.last)
}

// askAgain repeats that the object is wanted to all who may have more of it.
func (d *download) askAgain() {
	for _, p := range d.wanting(d.s.host.Network().Peers()) {
		d.ask(p)
	}
}

// rebuild makes the object from another one that is here, if a source offers
// to and that is less to fetch.
func (d *download) rebuild(o *objectstore.Object) bool {
	if d.req.Rebuild == nil {
		return false
	}
	missing := o.Missing()
	d.mu.Lock()
	offers := make(map[objectstore.Form]int)
	for _, x := range d.sources {
		// It takes time to find out that nothing is behind an offer.
		for _, f := range x.forms {
			if x.member && f.Size < missing && f.Base != d.root && f.Delta != d.root {
				offers[f]++
			}
		}
	}
	d.mu.Unlock()
	// What most offer comes first; a few that lead nowhere are enough.
	best := slices.SortedFunc(maps.Keys(offers), func(a, b objectstore.Form) int {
		return cmp.Or(cmp.Compare(offers[b], offers[a]), cmp.Compare(a.Size, b.Size))
	})
	tried := 0
	for _, f := range best {
		if tried == maxRebuilds {
			break
		}
		if base := d.s.store.Acquire(f.Base); base == nil {
			continue
		} else {
			base.Release()
		}
		tried++
		if err := d.req.Rebuild(d.ctx, o, f); err != nil {
			d.s.log.Debug("not made from another object", "cid", d.root.String(), "base", f.Base.String(), "cause", err)
			continue
		}
		if o.Complete() {
			return true
		}
	}
	return false
}

func (d *download) explain(cause error) error {
	if final(cause) {
		return cause // no peer is to blame
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	total := d.held.Len()
	if d.object == nil {
		if d.req.Size < 0 {
			return fmt.Errorf("no holder found among %d peers connected: %w; is anyone online who has it?", len(d.s.host.Network().Peers()), cause)
		}
		total = dag.Leaves(d.req.Size)
	}
	return fmt.Errorf("got %d of %d chunks from %d sources with %d peers connected: %w; is anyone online who has the rest?",
		d.held.Count(), total, len(d.sources), len(d.s.host.Network().Peers()), cause)
}
