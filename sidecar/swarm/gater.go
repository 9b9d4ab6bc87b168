package swarm

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

const (
	// maxGuests bounds the inbound connections of guests.
	maxGuests = 32
	// maxBanned bounds the bans; identities cost nothing.
	maxBanned = 4096
)

// gater decides which connections are allowed: none with a banned peer, none
// with a peer that an allow list leaves out, a few with guests, and with
// loopbackOnly none that leaves this machine.
type gater struct {
	loopbackOnly bool
	members      *members
	places       int // for guests; tests have fewer

	mu     sync.Mutex
	banned map[peer.ID]time.Time // until when
	guests map[network.Conn]bool // inbound
}

func newGater(loopbackOnly bool, m *members) *gater {
	return &gater{loopbackOnly: loopbackOnly, members: m, places: maxGuests, banned: make(map[peer.ID]time.Time), guests: make(map[network.Conn]bool)}
}

func (g *gater) ban(p peer.ID, d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	for id, until := range g.banned {
		if now.After(until) {
			delete(g.banned, id)
		}
	}
	if len(g.banned) >= maxBanned {
		var first peer.ID
		for id, until := range g.banned {
			if first == "" || until.Before(g.banned[first]) {
				first = id
			}
		}
		delete(g.banned, first)
	}
	g.banned[p] = now.Add(d)
}

func (g *gater) isBanned(p peer.ID) bool { return !g.bannedUntil(p).IsZero() }

// bannedUntil returns when the ban of p ends, or zero.
func (g *gater) bannedUntil(p peer.ID) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := g.banned[p]; time.Now().Before(until) {
		return until
	}
	return time.Time{}
}

// bans returns who is banned now.
func (g *gater) bans() []peer.ID {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []peer.ID
	now := time.Now()
	for id, until := range g.banned {
		if now.Before(until) {
			out = append(out, id)
		}
	}
	return out
}

// reachable looks at the first hop; what a relay on this machine leads to has
// passed the same test there.
func (g *gater) reachable(a ma.Multiaddr) bool {
	return !g.loopbackOnly || manet.IsIPLoopback(a)
}

// InterceptPeerDial is called before a peer is dialled.
func (g *gater) InterceptPeerDial(p peer.ID) bool { return g.members.admitted(p) && !g.isBanned(p) }

// InterceptAddrDial is called before one address of a peer is dialled.
func (g *gater) InterceptAddrDial(_ peer.ID, a ma.Multiaddr) bool { return g.reachable(a) }

// InterceptAccept is called for an inbound connection before its handshake.
func (g *gater) InterceptAccept(a network.ConnMultiaddrs) bool {
	return g.reachable(a.RemoteMultiaddr())
}

// InterceptSecured is called when the peer id of a connection is known.
func (g *gater) InterceptSecured(_ network.Direction, p peer.ID, _ network.ConnMultiaddrs) bool {
	return !g.isBanned(p)
}

// InterceptUpgraded is called when a connection is ready. Who is refused here
// is told so, unlike a banned peer.
func (g *gater) InterceptUpgraded(c network.Conn) (bool, control.DisconnectReason) {
	p := c.RemotePeer()
	if !g.members.admitted(p) {
		return false, 0
	}
	if c.Stat().Direction != network.DirInbound || !g.members.isGuest(p) {
		return true, 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.guests) >= g.places {
		for old := range g.guests { // those that ended, and those of peers announced since
			if old.IsClosed() || !g.members.isGuest(old.RemotePeer()) {
				delete(g.guests, old)
			}
		}
	}
	if len(g.guests) >= g.places {
		return false, 0
	}
	g.guests[c] = true
	return true, 0
}
