package swarm

import (
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
)

// PeerState is what this node knows of a peer.
type PeerState struct {
	PeerID    string
	Class     string // ClassMember, ClassStatic or ClassGuest
	Connected bool
	// Transport is "tcp" or "quic" and empty without a connection; Relayed
	// says that it is the relay which is reached so, and not the peer.
	Transport string
	Relayed   bool
	RTT       time.Duration // 0: not measured
	Score     float64       // 0 to 1
	Strikes   float64       // they fade; see Reason for the last
	Reason    string
	// BannedUntil is zero for a peer that is not banned.
	BannedUntil time.Time
	// LastError says in one sentence why the last dial failed.
	LastError string
}

// Peers returns the peers that are connected, kept as neighbours, static or
// banned, in the order of their ids.
func (n *Node) Peers() []PeerState {
	ids := make(map[peer.ID]bool)
	for _, p := range n.host.Network().Peers() {
		ids[p] = true
	}
	for p := range n.peering.kept() {
		ids[p] = true
	}
	for _, info := range n.peering.static {
		ids[info.ID] = true
	}
	for _, p := range n.gater.bans() {
		ids[p] = true
	}
	delete(ids, n.host.ID())
	out := make([]PeerState, 0, len(ids))
	for p := range ids {
		out = append(out, n.peerState(p))
	}
	slices.SortFunc(out, func(a, b PeerState) int { return strings.Compare(a.PeerID, b.PeerID) })
	return out
}

func (n *Node) peerState(p peer.ID) PeerState {
	s := PeerState{
		PeerID: p.String(), Class: n.members.class(p),
		Connected:   n.host.Network().Connectedness(p) != network.NotConnected,
		RTT:         n.host.Peerstore().LatencyEWMA(p),
		BannedUntil: n.gater.bannedUntil(p),
	}
	s.Score, s.Strikes, s.Reason = n.scores.rating(p)
	if c := bestConnection(n.host.Network().ConnsToPeer(p)); c != nil {
		s.Transport, s.Relayed = transportOf(c.RemoteMultiaddr()), isRelayed(c.RemoteMultiaddr())
	}
	if !s.Connected {
		s.LastError = n.peering.explain(p).Problem
	}
	return s
}

// bestConnection prefers a direct connection to a relayed one.
func bestConnection(all []network.Conn) network.Conn {
	var best network.Conn
	for _, c := range all {
		if best == nil || isRelayed(best.RemoteMultiaddr()) {
			best = c
		}
	}
	return best
}

// Reachability says whether others reach this node from outside: "public",
// "private" or "unknown".
func (n *Node) Reachability() string {
	h, ok := n.host.Host.(interface{ Reachability() network.Reachability })
	if !ok {
		return "unknown"
	}
	return strings.ToLower(h.Reachability().String())
}

var _ interface{ Reachability() network.Reachability } = (*basichost.BasicHost)(nil)
