package swarm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	mh "github.com/multiformats/go-multihash"
)

const (
	// How many blocks of one download are requested at a time.
	fetchWindow = 16
	// A download that got no block for this long starts a new session.
	stallTimeout = 10 * time.Second
	// While at least this much arrives in that time a large block may be on
	// its way over a slow link, and the session gets patienceFactor as long.
	trickle        = 64 << 10
	patienceFactor = 6
)

// errStalled ends a session without progress; the download goes on.
var errStalled = errors.New("no block arrived")

// Fetch returns the object and pins it, taking blocks from disk first, then
// from connected peers and the providers that the DHT knows. It runs until it
// has everything or ctx ends; what arrived by then stays on disk and the next
// Fetch continues there. Size is checked against the root before anything
// else is requested, the hash before anything is returned; the error wraps
// ErrMismatch or ErrTooLarge when asking again cannot help.
func (n *Node) Fetch(ctx context.Context, id string, want Expect) ([]byte, error) {
	ctx, done, err := n.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	data, err := n.fetch(ctx, id, want, n.keep)
	if err != nil {
		return nil, fmt.Errorf("fetch %.80s: %w", id, err)
	}
	return data, nil
}

// fetch hands the verified object to keep while its blocks are still held.
func (n *Node) fetch(ctx context.Context, id string, want Expect, keep func(cid.Cid, Object) error) ([]byte, error) {
	c, err := parseCID(id)
	if err != nil {
		return nil, err
	}
	if want.Size < 0 || want.Size > n.cfg.MaxObject {
		return nil, fmt.Errorf("%w: expected at most %d bytes, got %d", ErrTooLarge, n.cfg.MaxObject, want.Size)
	}
	root, err := rootSpan(c, want.Size)
	if err != nil {
		return nil, err
	}
	if err := checkLeafHash(root, want); err != nil {
		return nil, err
	}
	if want.Size == 0 {
		// Bitswap cannot carry an empty block, and there is nothing to carry.
		if _, err := n.Add(ctx, nil); err != nil {
			return nil, err
		}
		return []byte{}, nil
	}
	return n.load(ctx, root, &want.SHA256, keep)
}

// load downloads an object whose root fits and checks its hash, unless that is
// not known.
func (n *Node) load(ctx context.Context, root span, want *[32]byte, keep func(cid.Cid, Object) error) ([]byte, error) {
	d := &download{node: n, root: root, filled: make([]atomic.Bool, (root.size+ChunkSize-1)/ChunkSize)}
	defer func() { n.holds.release(d.held) }()
	err := d.run(ctx, d.walk)
	var sum [32]byte
	if err == nil {
		sum, err = n.verify(ctx, root.cid, d.data, want)
	}
	if errors.Is(err, ErrMismatch) {
		n.discard(d)
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	return d.data, keep(root.cid, Object{CID: root.cid.String(), Size: root.size, SHA256: sum})
}

// checkLeafHash compares the hash inside the CID of a one-block object, which
// is the hash of its bytes.
func checkLeafHash(root span, want Expect) error {
	if root.height > 0 {
		return nil
	}
	decoded, err := mh.Decode(root.cid.Hash())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMismatch, err)
	}
	if !bytes.Equal(decoded.Digest, want.SHA256[:]) {
		return fmt.Errorf("%w: expected sha256 %x, the cid says %x", ErrMismatch, want.SHA256, decoded.Digest)
	}
	return nil
}

// verify checks the bytes against the expected hash, if there is one, and that
// their DAG is the one this network builds: one content, one CID. Of a pinned
// object the latter is known. It returns the hash of the bytes.
func (n *Node) verify(ctx context.Context, c cid.Cid, data []byte, want *[32]byte) ([32]byte, error) {
	got := sha256.Sum256(data)
	if want != nil && got != *want {
		return got, fmt.Errorf("%w: expected sha256 %x, got %x", ErrMismatch, *want, got)
	}
	if _, ok := n.pins.get(c); ok {
		return got, nil
	}
	canonical, err := buildDAG(ctx, data, discardBlock)
	if err != nil {
		return got, err
	}
	if canonical != c {
		return got, fmt.Errorf("%w: on this network these bytes have the cid %s", ErrMismatch, canonical)
	}
	return got, nil
}

// download is one Fetch under way.
type download struct {
	node   *Node
	root   span
	data   []byte // allocated once the root is known to fit
	filled []atomic.Bool

	mu   sync.Mutex
	held []cid.Cid

	arrived atomic.Int64 // blocks from disk or network
}

// run repeats work, with a new session each time, until it is done, the
// content is refused, or ctx ends.
func (d *download) run(ctx context.Context, work func(context.Context, func() fetcher) error) error {
	for {
		err := d.attempt(ctx, work)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return d.explain(context.Cause(ctx))
		case !errors.Is(err, errStalled):
			return err
		}
		d.node.log.Info("download stalled, trying again", "cid", d.root.cid.String())
		d.node.peering.redialNow()
	}
}

func (d *download) explain(cause error) error {
	got := 0
	for i := range d.filled {
		if d.filled[i].Load() {
			got++
		}
	}
	return fmt.Errorf("got %d of %d chunks with %d peers connected: %w; is anyone online who has it?",
		got, len(d.filled), len(d.node.Connected()), cause)
}

// attempt does the work through one session.
func (d *download) attempt(ctx context.Context, work func(context.Context, func() fetcher) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel(nil)
	background.Go(func() { d.watch(ctx, cancel) })

	// Not before a block is missing: most objects are asked for more than
	// once and then come from disk.
	session := sync.OnceValue(func() fetcher {
		background.Go(func() { d.node.routing.connectProviders(ctx, d.root.cid) })
		return d.node.exchange.session(ctx)
	})
	return work(ctx, session)
}

// walk loads the whole DAG.
func (d *download) walk(ctx context.Context, session func() fetcher) error {
	load := func(ctx context.Context, s span) ([]byte, error) { return d.load(ctx, s, session) }
	return walk(ctx, d.root, fetchWindow, load, func(s span, leaf []byte) {
		copy(d.data[s.offset:], leaf)
		d.filled[s.offset/ChunkSize].Store(true)
	})
}

// watch ends the attempt when nothing arrives.
func (d *download) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	limit := d.node.stall
	tick := time.NewTicker(limit / 10)
	defer tick.Stop()
	blocks, last := d.arrived.Load(), time.Now()
	bytes, lastBytes := d.node.meter.received.Load(), last
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		if b := d.arrived.Load(); b != blocks {
			blocks, last = b, now
		}
		if b := d.node.meter.received.Load(); b-bytes >= trickle {
			bytes, lastBytes = b, now
		}
		quiet := now.Sub(last) > limit && now.Sub(lastBytes) > limit
		if quiet || now.Sub(last) > patienceFactor*limit {
			cancel(errStalled)
			return
		}
	}
}

// load gets one block from disk or from peers and checks that it fits its
// place in the DAG before it is stored.
func (d *download) load(ctx context.Context, s span, session func() fetcher) ([]byte, error) {
	b, local, err := d.block(ctx, s.cid, session)
	if err != nil {
		return nil, err
	}
	if _, err := s.children(b); err != nil {
		return nil, err
	}
	if s.cid == d.root.cid && d.data == nil {
		d.data = make([]byte, d.root.size)
	}
	if local {
		return b, nil
	}
	return b, d.store(ctx, s.cid, b)
}

// block gets the verified bytes of one block and says whether they were on
// disk.
func (d *download) block(ctx context.Context, c cid.Cid, session func() fetcher) (_ []byte, local bool, _ error) {
	n := d.node
	d.hold(c)
	b, err := n.store.Get(ctx, c)
	if local = err == nil; !local {
		if !isMissing(err) {
			return nil, false, fmt.Errorf("read block %s: %w", c, err)
		}
		done := n.guard.expect(c)
		b, err = session().GetBlock(ctx, c)
		done()
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return nil, false, fmt.Errorf("get block %s from peers: %w", c, err)
		}
	}
	d.arrived.Add(1)
	return b.RawData(), local, nil
}

// store keeps a block that came from peers and fits.
func (d *download) store(ctx context.Context, c cid.Cid, data []byte) error {
	b, err := blocks.NewBlockWithCid(data, c)
	if err != nil {
		return err
	}
	if err := d.node.store.Put(ctx, b); err != nil {
		return err
	}
	return d.node.exchange.announce(ctx, b)
}

// hold keeps a block from being removed until the download ends.
func (d *download) hold(c cid.Cid) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.node.holds.take(c)
	d.held = append(d.held, c)
}

// discard deletes what a refused download has stored, unless it is pinned.
func (n *Node) discard(d *download) {
	n.holds.release(d.held)
	d.held = nil
	n.pinMu.Lock()
	defer n.pinMu.Unlock()
	if err := n.deleteBlocks(n.ctx, d.root); err != nil {
		n.log.Warn("cannot delete the blocks of a refused object", "cid", d.root.cid.String(), "cause", err)
	}
}
