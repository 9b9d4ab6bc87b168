package swarm

import (
	"context"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"golang.org/x/sync/errgroup"
)

const (
	healInterval = 30 * time.Second
	healTimeout  = 2 * time.Minute
	// maxHeals bounds the objects that are healed at a time: one that nobody
	// has does not keep the others waiting.
	maxHeals = 4
)

// healer fetches kept objects again after one of their chunks was found
// damaged, until they are whole.
type healer struct {
	node *Node
	wake chan struct{}

	mu      sync.Mutex
	damaged map[cid.Cid]bool
	healing map[cid.Cid]context.CancelFunc
}

func newHealer(n *Node) *healer {
	return &healer{node: n, wake: make(chan struct{}, 1), damaged: make(map[cid.Cid]bool), healing: make(map[cid.Cid]context.CancelFunc)}
}

// report notes an object that lacks a chunk. It never blocks.
func (h *healer) report(root cid.Cid) {
	h.mu.Lock()
	h.damaged[root] = true
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// forget ends the healing of an object that is no longer kept.
func (h *healer) forget(root cid.Cid) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.damaged, root)
	if stop := h.healing[root]; stop != nil {
		stop()
	}
}

func (h *healer) run(ctx context.Context) {
	h.node.verifyParts(ctx)
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
		damaged := h.damaged
		h.damaged = make(map[cid.Cid]bool)
		h.mu.Unlock()
		var heals errgroup.Group
		heals.SetLimit(maxHeals)
		for root := range damaged {
			heals.Go(func() error {
				h.heal(ctx, root)
				return nil
			})
		}
		_ = heals.Wait() // none fails
	}
}

func (h *healer) heal(ctx context.Context, root cid.Cid) {
	n := h.node
	info, kept := n.store.Kept(root)
	if !kept || ctx.Err() != nil {
		return
	}
	timed, cancel := context.WithTimeout(ctx, healTimeout)
	defer cancel()
	h.mu.Lock()
	h.healing[root] = cancel
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.healing, root)
	}()
	o, err := n.download(timed, root, info.Size, info.Size)
	switch {
	case err == nil:
		o.Release()
		n.log.Info("healed a damaged object", "cid", root.String())
	case ctx.Err() == nil && n.keeps(root):
		n.log.Warn("cannot heal a damaged object yet", "cid", root.String(), "cause", err)
		h.mu.Lock()
		h.damaged[root] = true
		h.mu.Unlock()
	}
}

func (n *Node) keeps(root cid.Cid) bool {
	_, kept := n.store.Kept(root)
	return kept
}

// verifyParts reads what earlier processes have left of downloads, so that
// others can have it.
func (n *Node) verifyParts(ctx context.Context) {
	for _, root := range n.store.Partial() {
		o := n.store.Acquire(root)
		if o == nil {
			continue
		}
		if err := o.Verify(ctx); err != nil && ctx.Err() == nil {
			n.log.Warn("cannot read the part of an object", "cid", root.String(), "cause", err)
		}
		n.transfer.Announce(root)
		o.Release()
		if ctx.Err() != nil {
			return
		}
	}
}
