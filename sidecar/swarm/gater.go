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

// gater decides which connections are allowed: none with a banned peer, and
// with loopbackOnly none that leaves this machine.
type gater struct {
	loopbackOnly bool

	mu     sync.Mutex
	banned map[peer.ID]time.Time // until when
}

func newGater(loopbackOnly bool) *gater {
	return &gater{loopbackOnly: loopbackOnly, banned: make(map[peer.ID]time.Time)}
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
	g.banned[p] = now.Add(d)
}

func (g *gater) isBanned(p peer.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Now().Before(g.banned[p])
}

func (g *gater) reachable(a ma.Multiaddr) bool {
	return !g.loopbackOnly || manet.IsIPLoopback(a)
}

// InterceptPeerDial is called before a peer is dialled.
func (g *gater) InterceptPeerDial(p peer.ID) bool { return !g.isBanned(p) }

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

// InterceptUpgraded is called when a connection is ready.
func (g *gater) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
