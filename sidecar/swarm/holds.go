package swarm

import (
	"sync"

	"github.com/ipfs/go-cid"
)

// holds counts blocks that an Add or Fetch under way relies on, so that a
// Remove at the same time leaves them alone until they are pinned.
type holds struct {
	mu    sync.Mutex
	count map[cid.Cid]int
}

func newHolds() *holds { return &holds{count: make(map[cid.Cid]int)} }

func (h *holds) take(c cid.Cid) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count[c]++
}

func (h *holds) release(list []cid.Cid) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range list {
		if h.count[c]--; h.count[c] <= 0 {
			delete(h.count, c)
		}
	}
}

// unlessHeld runs fn if nobody holds c; nobody can start to while it runs.
func (h *holds) unlessHeld(c cid.Cid, fn func() error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count[c] > 0 {
		return nil
	}
	return fn()
}
