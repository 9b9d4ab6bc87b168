package swarm

import (
	"log/slog"
	"sync"
	"time"

	bsmsg "github.com/ipfs/boxo/bitswap/message"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	// A peer is cut off at this many blocks that nobody asked for.
	maxStrikes = 2
	// Peers with strikes that are remembered; beyond that all start again.
	maxStruck   = 4096
	banDuration = 10 * time.Minute
	// A block may still arrive this long after its download ended.
	lateBlocks = 10 * time.Minute
)

// guard watches arriving blocks. Bitswap computes the CID from the bytes, so a
// wrong block shows up as one that was never requested; bitswap drops it but
// may then not ask another peer. Cutting the sender off makes it do so.
type guard struct {
	log *slog.Logger
	cut func(peer.ID) // ban and disconnect; must not block

	mu      sync.Mutex
	wanted  map[cid.Cid]int
	ended   []endedWant // in the order of time
	strikes map[peer.ID]int
}

type endedWant struct {
	id cid.Cid
	at time.Time
}

func newGuard(log *slog.Logger, cut func(peer.ID)) *guard {
	return &guard{log: log, cut: cut, wanted: make(map[cid.Cid]int), strikes: make(map[peer.ID]int)}
}

// expect notes that c is requested until the returned function is called.
func (g *guard) expect(c cid.Cid) (done func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wanted[c]++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		now := time.Now()
		g.ended = append(g.ended, endedWant{c, now})
		for len(g.ended) > 0 && now.Sub(g.ended[0].at) > lateBlocks {
			old := g.ended[0].id
			if g.wanted[old]--; g.wanted[old] <= 0 {
				delete(g.wanted, old)
			}
			g.ended = g.ended[1:]
		}
	}
}

// MessageReceived is called by bitswap for every message of a peer.
func (g *guard) MessageReceived(p peer.ID, m bsmsg.BitSwapMessage) {
	for _, b := range m.Blocks() {
		g.received(p, b.Cid())
	}
}

func (g *guard) received(p peer.ID, c cid.Cid) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.wanted[c] > 0 {
		return
	}
	if len(g.strikes) >= maxStruck {
		clear(g.strikes)
	}
	g.strikes[p]++
	if g.strikes[p] < maxStrikes {
		return
	}
	delete(g.strikes, p)
	g.log.Warn("cut off a peer that sends wrong blocks", "peer", p.String(), "cid", c.String(), "for", banDuration.String())
	g.cut(p)
}

// MessageSent is part of bitswap's tracer interface.
func (g *guard) MessageSent(peer.ID, bsmsg.BitSwapMessage) {}
