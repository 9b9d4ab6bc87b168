package swarm

import (
	"fmt"

	"github.com/libp2p/go-libp2p"
	coreconnmgr "github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
)

const (
	// The connection manager trims between these; neighbours are protected.
	lowConnections  = 96
	highConnections = 160

	classTag = "pold-class"
	// A member's connection is worth more than a guest's with every other tag,
	// which libp2p's protocols set up to about 100.
	memberValue = 1000
	scoreValue  = 100
)

// peerLimits are what one peer may make this node allocate.
var (
	memberLimits = rcmgr.ResourceLimits{
		Conns: 8, ConnsInbound: 8, ConnsOutbound: 8, FD: 8,
		Streams: 512, StreamsInbound: 256, StreamsOutbound: 512,
		Memory: 96 << 20,
	}
	guestLimits = rcmgr.ResourceLimits{
		Conns: 2, ConnsInbound: 2, ConnsOutbound: 2, FD: 2,
		Streams: 80, StreamsInbound: 32, StreamsOutbound: 64,
		Memory: 8 << 20,
	}
)

// newResourceManager bounds what peers can make this node allocate. Memory
// here is what stream windows may claim, not what is in use.
func newResourceManager(m *members) (network.ResourceManager, *classLimiter, error) {
	base := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&base)
	// What one peer may is limited; all guests together must not use up what a
	// protocol may.
	base.ProtocolBaseLimit.StreamsInbound = 2048
	limits := rcmgr.PartialLimitConfig{
		System: rcmgr.ResourceLimits{
			Conns: 256, ConnsInbound: 192, ConnsOutbound: 192, FD: 256,
			Streams: 4096, StreamsInbound: 2048, StreamsOutbound: 4096,
			Memory: 384 << 20, // all guests together claim less
		},
		Transient: rcmgr.ResourceLimits{
			Conns: 64, ConnsInbound: 48, ConnsOutbound: 64, FD: 64,
			Streams: 256, StreamsInbound: 128, StreamsOutbound: 256,
			Memory: 32 << 20,
		},
		PeerDefault: memberLimits,
	}
	fallback := base.Scale(384<<20, 256)
	limiter := &classLimiter{Limiter: rcmgr.NewFixedLimiter(limits.Build(fallback)), members: m}
	limits.PeerDefault = guestLimits
	limiter.guest = rcmgr.NewFixedLimiter(limits.Build(fallback)).GetPeerLimits("")
	manager, err := rcmgr.NewResourceManager(limiter, rcmgr.WithMetricsDisabled())
	if err != nil {
		return nil, nil, fmt.Errorf("create the resource manager: %w", err)
	}
	return manager, limiter, nil
}

// classLimiter gives guests less than members.
type classLimiter struct {
	rcmgr.Limiter
	members *members
	guest   rcmgr.Limit
}

// GetPeerLimits returns the limits of a peer at the time of its first connection.
func (l *classLimiter) GetPeerLimits(p peer.ID) rcmgr.Limit {
	if l.members.isGuest(p) {
		return l.guest
	}
	return l.Limiter.GetPeerLimits(p)
}

// update gives a connected peer the limits of its new class.
func (l *classLimiter) update(manager network.ResourceManager, p peer.ID) error {
	return manager.ViewPeer(p, func(scope network.PeerScope) error {
		if s, ok := scope.(rcmgr.ResourceScopeLimiter); ok {
			s.SetLimit(l.GetPeerLimits(p))
		}
		return nil
	})
}

// connectionManager never protects guests: the DHT and bitswap protect whoever
// is useful to them at the moment.
type connectionManager struct {
	*connmgr.BasicConnMgr
	members *members
}

var _ coreconnmgr.ConnManager = connectionManager{}

// Protect keeps the connections to a peer that is no guest.
func (m connectionManager) Protect(p peer.ID, tag string) {
	if !m.members.isGuest(p) {
		m.BasicConnMgr.Protect(p, tag)
	}
}

// rate tells the connection manager what a peer is worth.
func (m connectionManager) rate(p peer.ID, score float64) {
	value := int(score * scoreValue)
	if !m.members.isGuest(p) {
		value += memberValue
	}
	m.TagPeer(p, classTag, value)
}
