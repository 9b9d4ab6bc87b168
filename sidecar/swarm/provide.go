package swarm

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

const (
	provideTimeout  = 30 * time.Second
	provideRetry    = 5 * time.Second
	provideInterval = recordValidity / 3
)

// Provide announces in the DHT that this node holds a kept object, by one
// record for its root, and renews the record until Remove, also after a
// restart. A node that knows no other DHT node yet announces as soon as it
// does; that is no error.
func (n *Node) Provide(ctx context.Context, id string) error {
	ctx, done, err := n.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	root, err := dag.ParseCID(id)
	if err != nil {
		return fmt.Errorf("provide: %w", err)
	}
	if err := n.store.Change(root, func(k *objectstore.Kept) { k.Provide = true }); err != nil {
		return fmt.Errorf("provide %s: %w", id, err)
	}
	n.providing.add(root)
	if n.routing.ready() {
		n.providing.announce(ctx, root)
	}
	return ctx.Err()
}

// providing renews the provider records of this node.
type providing struct {
	routing *routing

	mu  sync.Mutex
	due map[cid.Cid]time.Time // zero: never announced since start
}

func newProviding(r *routing, kept []objectstore.Info) *providing {
	p := &providing{routing: r, due: make(map[cid.Cid]time.Time)}
	for _, k := range kept {
		if k.Provide {
			p.add(k.Root)
		}
	}
	return p
}

func (p *providing) add(c cid.Cid) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.due[c] = time.Time{}
}

func (p *providing) forget(c cid.Cid) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.due, c)
}

// announce writes one record and notes when the next one is due.
func (p *providing) announce(ctx context.Context, c cid.Cid) {
	ctx, cancel := context.WithTimeout(ctx, provideTimeout)
	defer cancel()
	next := provideInterval
	if err := p.routing.provide(ctx, c); err != nil {
		p.routing.log.Debug("provider record not written yet", "cid", c.String(), "cause", err)
		next = provideRetry
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.due[c]; ok {
		p.due[c] = time.Now().Add(next)
	}
}

func (p *providing) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !p.routing.ready() {
			continue
		}
		for _, c := range p.overdue() {
			if ctx.Err() == nil {
				p.announce(ctx, c)
			}
		}
	}
}

// overdue returns the roots to announce now, longest overdue first.
func (p *providing) overdue() []cid.Cid {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	var out []cid.Cid
	for c, at := range p.due {
		if !at.After(now) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b cid.Cid) int { return p.due[a].Compare(p.due[b]) })
	return out
}
