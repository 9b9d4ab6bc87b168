package swarm

import "github.com/libp2p/go-libp2p/core/peer"

// transferPeers is what the transfer of chunks knows of peers, and tells.
type transferPeers struct{ n *Node }

// Member says whether a peer is no guest.
func (t transferPeers) Member(p peer.ID) bool { return !t.n.members.isGuest(p) }

// Good tells of useful bytes from a peer.
func (t transferPeers) Good(p peer.ID, bytes int) { t.n.scores.good(p, int64(bytes)) }

// Slow tells of a peer that did not answer in time.
func (t transferPeers) Slow(p peer.ID) { t.n.scores.slow(p) }

// Strike tells of something that an honest peer does not do. What can't be an
// accident cuts it off at once.
func (t transferPeers) Strike(p peer.ID, reason string, fatal bool) {
	t.n.scores.strike(p, reason)
	if fatal {
		t.n.log.Warn("cut off a peer", "peer", p.String(), "reason", reason, "for", banDuration.String())
		t.n.cutOff(p)
	}
}
