package swarm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
	"github.com/pold-network/pold/sidecar/swarm/internal/transfer"
)

const (
	// maxInMemory bounds the objects that are handed out as one slice.
	maxInMemory = 2 << 30
	// maxRepairs is how often a download goes on after a chunk was found
	// damaged while the bytes were read.
	maxRepairs = 3
	// spreadSize is from which size on a node looks for more holders than its
	// neighbours, and can be found while it holds but a part.
	spreadSize = 8 * ChunkSize
)

// Fetch returns the object and keeps it, taking chunks from disk first, then
// from neighbours and the holders that the DHT knows. It runs until it has
// everything or ctx ends; what arrived by then stays on disk and the next Fetch
// continues there. Size is checked before anything is requested, the hash
// before anything is returned; the error wraps ErrMismatch or ErrTooLarge when
// asking again cannot help.
func (n *Node) Fetch(ctx context.Context, id string, want Expect) ([]byte, error) {
	data, err := n.fetch(ctx, id, want)
	if err != nil {
		return nil, fmt.Errorf("fetch %.80s: %w", id, err)
	}
	return data, nil
}

func (n *Node) fetch(ctx context.Context, id string, want Expect) ([]byte, error) {
	ctx, done, err := n.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	c, err := dag.ParseCID(id)
	if err != nil {
		return nil, err
	}
	limit := min(n.cfg.MaxObject, maxInMemory)
	if want.Size < 0 || want.Size > limit {
		return nil, fmt.Errorf("%w: expected at most %d bytes, got %d", ErrTooLarge, limit, want.Size)
	}
	if _, err := dag.Root(c, want.Size); err != nil {
		return nil, err
	}
	// The CID of one chunk is the hash of its bytes.
	if c.Type() == cid.Raw && dag.DigestOf(c) != want.SHA256 {
		return nil, fmt.Errorf("%w: expected sha256 %x, the cid says %x", ErrMismatch, want.SHA256, dag.DigestOf(c))
	}
	var data []byte
	err = n.obtain(ctx, c, want.Size, limit, func(o *objectstore.Object) error {
		if data, err = readAll(ctx, o); err != nil {
			return err
		}
		got := sha256.Sum256(data)
		if got != want.SHA256 {
			n.store.Discard(o)
			return fmt.Errorf("%w: expected sha256 %x, got %x", ErrMismatch, want.SHA256, got)
		}
		return n.keep(o, &got)
	})
	return data, err
}

// FetchCID is Fetch for an object of which only the CID is known. The error
// wraps ErrTooLarge when it has more than limit bytes.
func (n *Node) FetchCID(ctx context.Context, id string, limit int64) ([]byte, error) {
	var data []byte
	err := n.fetchCID(ctx, id, min(limit, maxInMemory), func(ctx context.Context, o *objectstore.Object) (err error) {
		if data, err = readAll(ctx, o); err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		return n.keep(o, &sum)
	})
	return data, err
}

// Download is FetchCID for objects of any size: the bytes stay on disk, where
// Export reads them.
func (n *Node) Download(ctx context.Context, id string, limit int64) (Object, error) {
	var out Object
	err := n.fetchCID(ctx, id, limit, func(_ context.Context, o *objectstore.Object) error {
		out = Object{CID: id, Size: o.Size()}
		if info, ok := n.store.Kept(o.Root()); ok && info.SHA256 != nil {
			out.SHA256 = *info.SHA256
		}
		return n.keep(o, nil)
	})
	return out, err
}

func (n *Node) fetchCID(ctx context.Context, id string, limit int64, use func(context.Context, *objectstore.Object) error) error {
	ctx, done, err := n.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	c, err := dag.ParseCID(id)
	if err == nil {
		err = n.obtain(ctx, c, -1, min(limit, n.cfg.MaxObject), func(o *objectstore.Object) error { return use(ctx, o) })
	}
	if err != nil {
		return fmt.Errorf("fetch %.80s: %w", id, err)
	}
	return nil
}

// obtain downloads an object and hands it to use, again when that finds a
// chunk damaged. A size of -1 is not known.
func (n *Node) obtain(ctx context.Context, c cid.Cid, size, limit int64, use func(*objectstore.Object) error) error {
	for repairs := 0; ; repairs++ {
		o, err := n.download(ctx, c, size, limit)
		if err != nil {
			if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
				err = fmt.Errorf("%w: %w", cause, err)
			}
			return err
		}
		err = use(o)
		o.Release()
		damaged := errors.Is(err, ErrDamaged) || errors.Is(err, ErrNotFound)
		if !damaged || repairs == maxRepairs {
			return err
		}
	}
}

// download gets the missing chunks of an object.
func (n *Node) download(ctx context.Context, c cid.Cid, size, limit int64) (*objectstore.Object, error) {
	return n.downloadFrom(ctx, c, size, limit, n.rebuild)
}

// downloadFrom is download with what makes the object from another one, nil for
// nothing.
func (n *Node) downloadFrom(ctx context.Context, c cid.Cid, size, limit int64,
	rebuild func(context.Context, *objectstore.Object, objectstore.Form) error,
) (*objectstore.Object, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if c == emptyCID {
		if size > 0 {
			return nil, fmt.Errorf("%w: %s has 0 bytes, expected %d", ErrMismatch, c, size)
		}
		// Other protocols cannot carry an empty block, and there is nothing
		// to carry.
		o, err := n.store.Begin(c, 0, []dag.Digest{dag.DigestOf(c)})
		if err == nil {
			err = o.Write(0, nil)
		}
		return o, err
	}
	search := onceIn(n, func() { n.routing.connectProviders(ctx, c) })
	return n.transfer.Download(ctx, transfer.Request{
		Root: c, Size: size, Limit: limit,
		Fallback: func(ctx context.Context) transfer.Fallback {
			search()
			return n.exchange.session(ctx)
		},
		Idle:    n.peering.redialNow,
		Room:    n.makeRoom,
		Rebuild: rebuild,
		Began: func() {
			if o := n.store.Acquire(c); o != nil {
				if o.Size() >= spreadSize {
					search()
					n.background(func() { n.providing.announce(ctx, c) })
				}
				o.Release()
			}
		},
	})
}

// onceIn returns a function that runs fn in the background of the node, the
// first time that it is called.
func onceIn(n *Node, fn func()) func() {
	started := make(chan struct{}, 1)
	return func() {
		select {
		case started <- struct{}{}:
			n.background(fn)
		default:
		}
	}
}

// emptyCID names the object without bytes.
var emptyCID = dag.LeafCID(sha256.Sum256(nil))

// announceLocal tells all who wait for an object what is here of it now.
func (n *Node) announceLocal(ctx context.Context, o *objectstore.Object) {
	n.transfer.Announce(o.Root())
	n.exchange.announce(ctx, o)
}
