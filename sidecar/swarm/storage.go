package swarm

import (
	"context"
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

// ErrQuota says that Config.Quota leaves no room for an object.
var ErrQuota = errors.New("the storage quota is used up")

// Storage is what a node keeps, in bytes.
type Storage struct {
	Used, Pinned int64
	// Quota is Config.Quota, Free what the disk has left.
	Quota, Free int64
	// Objects and Partial count what is kept and what is not complete.
	Objects, Partial int
}

// Storage returns what the node keeps.
func (n *Node) Storage() Storage {
	s := Storage{Used: n.store.Used(), Quota: n.cfg.Quota, Partial: len(n.store.Partial())}
	for _, k := range n.store.List() {
		s.Objects++
		if k.Pinned {
			s.Pinned += k.Size
		}
	}
	s.Free, _ = objectstore.Free(n.cfg.Home)
	return s
}

// Pin says whether a kept object stays whatever the quota; others go when room
// is needed, least recently used first. What is added is pinned, what is
// fetched is not.
func (n *Node) Pin(ctx context.Context, id string, pinned bool) error {
	_, done, err := n.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	root, err := dag.ParseCID(id)
	if err != nil {
		return fmt.Errorf("pin: %w", err)
	}
	if err := n.store.Change(root, func(k *objectstore.Kept) { k.Pinned = pinned }); err != nil {
		return fmt.Errorf("pin %s: %w", id, err)
	}
	return nil
}

// beginWithRoom begins an object that may not be here yet.
func (n *Node) beginWithRoom(root cid.Cid, size int64, leaves []dag.Digest) (*objectstore.Object, error) {
	if !n.Holds(root.String()) {
		begun, err := n.makeRoom(size)
		if err != nil {
			return nil, err
		}
		defer begun()
	}
	return n.store.Begin(root, size, leaves)
}

// makeRoom removes what may go until the quota has room for size more bytes.
// They are reserved until begun is called: when the object counts by itself,
// or is not begun after all.
func (n *Node) makeRoom(size int64) (begun func(), err error) {
	if n.cfg.Quota <= 0 {
		return func() {}, nil
	}
	n.room.Lock()
	defer n.room.Unlock()
	if over := n.store.Promised() + n.reserved + size - n.cfg.Quota; over > 0 {
		// Nothing goes for what would not fit all the same.
		if can := n.store.Evictable(); can < over {
			return nil, noRoom(size, size-over+can, n.cfg.Quota)
		}
		freed, gone, err := n.store.Evict(over)
		for _, info := range gone {
			n.forget(info)
		}
		if err != nil {
			return nil, err
		}
		n.log.Info("removed what was used least recently, to make room", "bytes", freed, "quota", n.cfg.Quota)
		if freed < over {
			return nil, noRoom(size, size-over+freed, n.cfg.Quota)
		}
	}
	n.reserved += size
	return func() {
		n.room.Lock()
		defer n.room.Unlock()
		n.reserved -= size
	}, nil
}

func noRoom(size, left, quota int64) error {
	return fmt.Errorf("%w: the object has %d bytes, pinned ones and those in use leave %d of %d; raise the quota", ErrQuota, size, max(0, left), quota)
}
