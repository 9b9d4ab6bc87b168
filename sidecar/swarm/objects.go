package swarm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"

	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
)

// How many blocks are read from disk at a time.
const diskWorkers = 2

// Add stores and pins data and returns its CID. It announces nothing, and
// serves the object to whoever knows the CID.
func (n *Node) Add(ctx context.Context, data []byte) (Object, error) {
	ctx, done, err := n.begin(ctx)
	if err != nil {
		return Object{}, err
	}
	defer done()
	if int64(len(data)) > n.cfg.MaxObject {
		return Object{}, fmt.Errorf("add: %w: expected at most %d bytes, got %d", ErrTooLarge, n.cfg.MaxObject, len(data))
	}
	var held []cid.Cid
	defer func() { n.holds.release(held) }()
	root, err := buildDAG(ctx, data, func(ctx context.Context, b blocks.Block) error {
		n.holds.take(b.Cid())
		held = append(held, b.Cid())
		if err := n.store.Put(ctx, b); err != nil {
			return err
		}
		return n.exchange.announce(ctx, b)
	})
	if err != nil {
		return Object{}, fmt.Errorf("add: %w", err)
	}
	obj := Object{CID: root.String(), Size: int64(len(data)), SHA256: sha256.Sum256(data)}
	if err := n.keep(root, obj); err != nil {
		return Object{}, fmt.Errorf("add: %w", err)
	}
	return obj, nil
}

// keep pins an object whose blocks are all stored and held.
func (n *Node) keep(root cid.Cid, obj Object) error {
	n.pinMu.Lock()
	defer n.pinMu.Unlock()
	old, _ := n.pins.get(root)
	return n.pins.set(pin{Object: obj, root: root, provide: old.provide})
}

// Get returns an object from the local store. The error wraps ErrNotFound when
// it or a part of it is not here, and ErrDamaged when a block was damaged; the
// damaged block is gone then and Fetch gets it again.
func (n *Node) Get(ctx context.Context, id string) ([]byte, error) {
	ctx, done, err := n.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	root, err := n.localRoot(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("get %.80s: %w", id, err)
	}
	if root.size > n.cfg.MaxObject {
		return nil, fmt.Errorf("get %s: %w: expected at most %d bytes, got %d", id, ErrTooLarge, n.cfg.MaxObject, root.size)
	}
	data := make([]byte, root.size)
	err = walk(ctx, root, diskWorkers, n.loadLocal, func(s span, leaf []byte) { copy(data[s.offset:], leaf) })
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", id, err)
	}
	return data, nil
}

// Has says whether every block of an object is stored here and intact. It
// reads them all and asks nobody. The error is nil when parts are missing.
func (n *Node) Has(ctx context.Context, id string) (bool, error) {
	ctx, done, err := n.begin(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	root, err := n.localRoot(ctx, id)
	if err == nil {
		err = walk(ctx, root, diskWorkers, n.loadLocal, func(span, []byte) {})
	}
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrDamaged):
		return false, nil
	}
	return false, fmt.Errorf("has %.80s: %w", id, err)
}

// Objects lists the pinned objects in the order of their CIDs.
func (n *Node) Objects(ctx context.Context) ([]Object, error) {
	_, done, err := n.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	pins := n.pins.list(false)
	out := make([]Object, len(pins))
	for i, p := range pins {
		out[i] = p.Object
	}
	return out, nil
}

// Remove unpins an object and deletes its blocks, except those that another
// pinned object or a transfer under way needs. The error wraps ErrNotFound
// when the object is not pinned.
func (n *Node) Remove(ctx context.Context, id string) error {
	ctx, done, err := n.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	root, err := parseCID(id)
	if err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	n.pinMu.Lock()
	defer n.pinMu.Unlock()
	p, ok := n.pins.get(root)
	if !ok {
		return fmt.Errorf("remove %s: %w", id, ErrNotFound)
	}
	p.removing = true
	if err := n.pins.set(p); err != nil {
		return fmt.Errorf("remove %s: %w", id, err)
	}
	n.providing.forget(root)
	if err := n.finishRemove(ctx, p); err != nil {
		return fmt.Errorf("remove %s: %w; it is completed at the next start", id, err)
	}
	return nil
}

// finishRemove deletes the blocks of a pin marked as removing, then the mark.
// The caller holds pinMu.
func (n *Node) finishRemove(ctx context.Context, p pin) error {
	s, err := rootSpan(p.root, p.Size)
	if err != nil {
		return err
	}
	if err := n.deleteBlocks(ctx, s); err != nil {
		return err
	}
	return n.pins.drop(p.root)
}

// deleteBlocks deletes what can be reached from root and is needed by no
// pinned object. The caller holds pinMu.
func (n *Node) deleteBlocks(ctx context.Context, root span) error {
	doomed, err := n.tree(ctx, root)
	if err != nil {
		return err
	}
	for _, p := range n.pins.list(false) {
		s, err := rootSpan(p.root, p.Size)
		if err != nil {
			return err
		}
		shared, err := n.tree(ctx, s)
		if err != nil {
			return err
		}
		for c := range shared {
			delete(doomed, c)
		}
	}
	for c := range doomed {
		if err := n.holds.unlessHeld(c, func() error { return n.store.DeleteBlock(ctx, c) }); err != nil {
			return fmt.Errorf("delete block %s: %w", c, err)
		}
	}
	return nil
}

// tree collects the CIDs of a DAG, reading inner nodes only. What lies below
// a missing inner node cannot be known and is left out.
func (n *Node) tree(ctx context.Context, root span) (map[cid.Cid]bool, error) {
	var (
		mu  sync.Mutex
		out = make(map[cid.Cid]bool)
	)
	level := []span{root}
	for len(level) > 0 {
		var below []span
		for _, s := range level {
			out[s.cid] = true
		}
		if level[0].height == 0 {
			break
		}
		err := forEach(ctx, len(level), diskWorkers, func(ctx context.Context, i int) error {
			data, err := n.loadLocal(ctx, level[i])
			if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDamaged) {
				return nil
			}
			if err != nil {
				return err
			}
			kids, err := level[i].children(data)
			if err != nil {
				return nil //nolint:nilerr // foreign shape: nothing of ours below it
			}
			mu.Lock()
			defer mu.Unlock()
			below = append(below, kids...)
			return nil
		})
		if err != nil {
			return nil, err
		}
		level = below
	}
	return out, nil
}

// localRoot describes an object by its pin or, without one, by its root block.
func (n *Node) localRoot(ctx context.Context, id string) (span, error) {
	root, err := parseCID(id)
	if err != nil {
		return span{}, err
	}
	if p, ok := n.pins.get(root); ok {
		return rootSpan(root, p.Size)
	}
	data, err := n.loadLocal(ctx, span{cid: root})
	if err != nil {
		return span{}, err
	}
	size, err := declaredSize(root, data)
	if err != nil {
		return span{}, err
	}
	return rootSpan(root, size)
}

// loadLocal reads one block from disk.
func (n *Node) loadLocal(ctx context.Context, s span) ([]byte, error) {
	b, err := n.store.Get(ctx, s.cid)
	switch {
	case err == nil:
		return b.RawData(), nil
	case errors.Is(err, ErrDamaged):
		return nil, fmt.Errorf("%w; fetch the object to get the block again", err)
	case isMissing(err):
		return nil, fmt.Errorf("block %s is %w; fetch the object first", s.cid, ErrNotFound)
	}
	return nil, fmt.Errorf("read block %s: %w", s.cid, err)
}
