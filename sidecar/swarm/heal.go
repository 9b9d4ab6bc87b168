package swarm

import (
	"context"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
)

const (
	healInterval = 30 * time.Second
	healTimeout  = 2 * time.Minute
)

// healer fetches pinned objects again after one of their blocks was found
// damaged, until they are whole.
type healer struct {
	node *Node
	wake chan struct{}

	mu      sync.Mutex
	damaged map[cid.Cid]bool
}

func newHealer(n *Node) *healer {
	return &healer{node: n, wake: make(chan struct{}, 1), damaged: make(map[cid.Cid]bool)}
}

// report notes a block that was deleted. It never blocks.
func (h *healer) report(c cid.Cid) {
	h.mu.Lock()
	h.damaged[c] = true
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *healer) run(ctx context.Context) {
	tick := time.NewTicker(healInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
		case <-tick.C:
		}
		h.mu.Lock()
		idle := len(h.damaged) == 0
		h.mu.Unlock()
		if !idle {
			h.heal(ctx)
		}
	}
}

// heal goes through the pinned objects that contain a damaged block.
func (h *healer) heal(ctx context.Context) {
	h.mu.Lock()
	damaged := h.damaged
	h.damaged = make(map[cid.Cid]bool)
	h.mu.Unlock()
	for _, p := range h.node.pins.list(false) {
		root, err := rootSpan(p.root, p.Size)
		if err != nil {
			continue
		}
		tree, err := h.node.tree(ctx, root)
		if err != nil {
			return
		}
		for c := range damaged {
			if tree[c] {
				h.healObject(ctx, p)
				break
			}
		}
	}
}

func (h *healer) healObject(ctx context.Context, p pin) {
	n := h.node
	timed, cancel := context.WithTimeout(ctx, healTimeout)
	defer cancel()
	defer h.dropIfRemoved(ctx, p)
	_, err := n.fetch(timed, p.CID, Expect{Size: p.Size, SHA256: p.SHA256}, func(cid.Cid, Object) error { return nil })
	switch {
	case err == nil:
		n.log.Info("healed a damaged object", "cid", p.CID)
	case ctx.Err() == nil:
		n.log.Warn("cannot heal a damaged object yet", "cid", p.CID, "cause", err)
		h.mu.Lock()
		h.damaged[p.root] = true
		h.mu.Unlock()
	}
}

// dropIfRemoved deletes the blocks again when the object was removed while it
// was being healed.
func (h *healer) dropIfRemoved(ctx context.Context, p pin) {
	n := h.node
	n.pinMu.Lock()
	defer n.pinMu.Unlock()
	if _, kept := n.pins.get(p.root); kept {
		return
	}
	root, err := rootSpan(p.root, p.Size)
	if err != nil {
		return
	}
	if err := n.deleteBlocks(ctx, root); err != nil {
		n.log.Warn("cannot delete the blocks of a removed object", "cid", p.CID, "cause", err)
	}
}
