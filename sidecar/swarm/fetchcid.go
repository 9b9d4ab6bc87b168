package swarm

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync/atomic"

	"github.com/ipfs/go-cid"
)

// emptyCID names the object without bytes, which bitswap cannot carry.
const emptyCID = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"

// FetchCID is Fetch for an object of which only the CID is known. Its size is
// read from its root block; the error wraps ErrTooLarge when that is more than
// limit bytes.
func (n *Node) FetchCID(ctx context.Context, id string, limit int64) ([]byte, error) {
	ctx, done, err := n.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	data, err := n.fetchCID(ctx, id, min(limit, n.cfg.MaxObject))
	if err != nil {
		return nil, fmt.Errorf("fetch %.80s: %w", id, err)
	}
	return data, nil
}

func (n *Node) fetchCID(ctx context.Context, id string, limit int64) ([]byte, error) {
	c, err := parseCID(id)
	if err != nil {
		return nil, err
	}
	if id == emptyCID {
		return n.fetch(ctx, id, Expect{SHA256: sha256.Sum256(nil)}, n.keep)
	}
	root, err := n.rootOf(ctx, c, limit)
	if err != nil {
		return nil, err
	}
	return n.load(ctx, root, nil, n.keep)
}

// rootOf describes an object by its root block, which then is on disk.
func (n *Node) rootOf(ctx context.Context, c cid.Cid, limit int64) (root span, err error) {
	d := &download{node: n, root: span{cid: c}, filled: make([]atomic.Bool, 1)}
	defer func() { n.holds.release(d.held) }()
	err = d.run(ctx, func(ctx context.Context, session func() fetcher) error {
		b, local, err := d.block(ctx, c, session)
		if err != nil {
			return err
		}
		size, err := declaredSize(c, b)
		if err != nil {
			return err
		}
		if size > limit {
			return fmt.Errorf("%w: expected at most %d bytes, got %d", ErrTooLarge, limit, size)
		}
		if root, err = rootSpan(c, size); err != nil || local {
			return err
		}
		return d.store(ctx, c, b)
	})
	return root, err
}
