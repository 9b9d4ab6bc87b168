package swarm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/sec"
	libp2pswarm "github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	ma "github.com/multiformats/go-multiaddr"
)

// Cause says why a peer cannot be reached.
type Cause string

// The causes, most telling first: of several addresses the first one counts.
const (
	CauseNone         Cause = ""
	CauseBanned       Cause = "banned"           // by this node
	CauseNotAllowed   Cause = "not-allowed"      // by the allow list of this node
	CauseOtherPeer    Cause = "other-peer"       // another identity answers
	CauseRefusedByIt  Cause = "refused-by-peer"  // it closes the connection after the handshake
	CauseOtherNetwork Cause = "other-network"    // it belongs to another chain
	CauseNetworkKey   Cause = "network-key"      // no common language: private network key, or no peer at all
	CauseHandshake    Cause = "handshake"        // TLS or noise failed
	CauseRelay        Cause = "relay"            // the relay does not know it
	CauseRefused      Cause = "refused"          // nothing listens
	CauseName         Cause = "name"             // DNS
	CauseTimeout      Cause = "timeout"          // firewall or NAT
	CauseUDP          Cause = "udp"              // only QUIC, and it times out
	CauseNoRoute      Cause = "no-route"         // address family or network unreachable
	CauseElsewhere    Cause = "not-on-this-host" // LoopbackOnly
	CauseNoAddress    Cause = "no-address"       // nothing usable announced
	CauseUnknown      Cause = "unknown"
)

var causes = []Cause{CauseBanned, CauseNotAllowed, CauseOtherPeer, CauseRefusedByIt, CauseOtherNetwork, CauseNetworkKey, CauseHandshake, CauseRelay,
	CauseRefused, CauseName, CauseTimeout, CauseUDP, CauseNoRoute, CauseElsewhere, CauseNoAddress, CauseUnknown}

// Diagnosis is the outcome of Probe.
type Diagnosis struct {
	PeerID string
	// Cause is empty when the peer answers; Problem then is as well, else it
	// is one sentence: what is wrong and what to do.
	Cause   Cause
	Problem string
	// Transport, Relayed and RTT describe the connection.
	Transport string
	Relayed   bool
	RTT       time.Duration
}

// Probe dials a peer, unless it is connected, asks it for an answer, and
// explains what goes wrong.
func (n *Node) Probe(ctx context.Context, p PeerInfo) Diagnosis {
	ctx, done, err := n.begin(ctx)
	if err != nil {
		return Diagnosis{PeerID: p.PeerID, Cause: CauseUnknown, Problem: err.Error()}
	}
	defer done()
	id, addrs, err := parsePeer(p)
	d := n.probe(ctx, id, addrs)
	d.PeerID = p.PeerID
	if len(addrs) == 0 && d.Cause != CauseNone {
		d.Cause, d.Problem = CauseNoAddress, "it announces no address that this network can use; its owner has to announce one such as /ip4/203.0.113.7/tcp/4001 (--p2p-announce)"
		if err != nil {
			d.Problem = fmt.Sprintf("what it announces can't be used (%s); its owner has to announce an address such as /ip4/203.0.113.7/tcp/4001 (--p2p-announce)", err)
		}
	}
	return d
}

func (n *Node) probe(ctx context.Context, id peer.ID, addrs []ma.Multiaddr) Diagnosis {
	switch {
	case id == "":
		return Diagnosis{Cause: CauseNoAddress}
	case n.gater.isBanned(id):
		_, _, reason := n.scores.rating(id)
		return Diagnosis{Cause: CauseBanned, Problem: fmt.Sprintf("this node has banned it until %s (%s); wait, or restart this node to forget it",
			n.gater.bannedUntil(id).Format(time.TimeOnly), cmp.Or(reason, "it sent wrong blocks"))}
	case !n.members.admitted(id):
		return Diagnosis{Cause: CauseNotAllowed, Problem: "this node's own allow list leaves it out; add its peer id to the list of --p2p-allow-list, or have it announced on chain"}
	}
	if n.host.Network().Connectedness(id) == network.NotConnected {
		n.host.Peerstore().AddAddrs(id, addrs, peerstore.TempAddrTTL)
		if err := connect(ctx, n.host, peer.AddrInfo{ID: id, Addrs: addrs}); err != nil {
			return n.explainNames(ctx, addrs, diagnose(err, addrs))
		}
	}
	return n.askBack(ctx, id)
}

// askBack checks that an open connection is of use.
func (n *Node) askBack(ctx context.Context, id peer.ID) Diagnosis {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	r := <-ping.Ping(ctx, n.host, id)
	c := bestConnection(n.host.Network().ConnsToPeer(id))
	if other := n.otherNetwork(id); other != "" {
		return Diagnosis{Cause: CauseOtherNetwork, Problem: fmt.Sprintf("it belongs to network %q, this node to %q; its owner has to connect it to a node of %q", other, n.cfg.Network, n.cfg.Network)}
	}
	if r.Error != nil || c == nil {
		if ctx.Err() != nil {
			return Diagnosis{Cause: CauseTimeout, Problem: "it accepted the connection but does not answer; it is overloaded or stopped, its owner has to restart it"}
		}
		return Diagnosis{Cause: CauseRefusedByIt, Problem: "it closes the connection after the handshake: we are not on its allow list, it has banned us, or its places for guests are taken; " +
			"ask its owner, and announce this peer on chain"}
	}
	return Diagnosis{Transport: transportOf(c.RemoteMultiaddr()), Relayed: isRelayed(c.RemoteMultiaddr()), RTT: r.RTT}
}

// explainNames looks up the names of a peer that could not be dialled, which
// libp2p leaves out silently when they do not resolve.
func (n *Node) explainNames(ctx context.Context, addrs []ma.Multiaddr, d Diagnosis) Diagnosis {
	if rank(d.Cause) <= rank(CauseName) {
		return d
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	for _, a := range addrs {
		switch a[0].Protocol().Code {
		case ma.P_DNS, ma.P_DNS4, ma.P_DNS6:
		default:
			continue
		}
		if _, err := net.DefaultResolver.LookupIPAddr(ctx, a[0].Value()); err != nil {
			return Diagnosis{Cause: CauseName, Problem: fmt.Sprintf("the name %s does not resolve; check the DNS of this machine, else its owner has to correct the announced name", a[0].Value())}
		}
	}
	return d
}

func rank(c Cause) int { return slices.Index(causes, c) }

// diagnose explains a failed dial. addrs are what was dialled.
func diagnose(err error, addrs []ma.Multiaddr) Diagnosis {
	if errors.Is(err, libp2pswarm.ErrGaterDisallowedConnection) && !hasAddressErrors(err) {
		return Diagnosis{Cause: CauseNotAllowed, Problem: "this node does not allow connections to it: it is banned or not on the allow list"}
	}
	if other := (errOtherNetwork{}); errors.As(err, &other) {
		return Diagnosis{Cause: CauseOtherNetwork, Problem: fmt.Sprintf("it belongs to network %q; its owner has to connect it to a node of this one", other.name)}
	}
	best := Diagnosis{Cause: CauseUnknown, Problem: fmt.Sprintf("the connection failed: %s", firstLine(err.Error()))}
	var dial *libp2pswarm.DialError
	if errors.As(err, &dial) && len(dial.DialErrors) > 0 {
		for _, e := range dial.DialErrors {
			if d := diagnoseAddress(e.Cause, e.Address); rank(d.Cause) <= rank(best.Cause) {
				best = d
			}
		}
	} else if timedOut(err) && len(addrs) > 0 {
		best = diagnoseAddress(err, addrs[0])
	} else if errors.Is(err, libp2pswarm.ErrNoGoodAddresses) || errors.Is(err, libp2pswarm.ErrNoAddresses) {
		best = Diagnosis{Cause: CauseNoAddress, Problem: "none of its announced addresses can be dialled from here (QUIC in a private network, or relays without --p2p-no-relay); " +
			"its owner has to announce a TCP address"}
	}
	onlyQUIC := len(addrs) > 0 && !slices.ContainsFunc(addrs, func(a ma.Multiaddr) bool { return transportOf(a) != transportQUIC })
	if best.Cause == CauseTimeout && onlyQUIC {
		best = Diagnosis{Cause: CauseUDP, Problem: fmt.Sprintf("only QUIC is announced (%s) and no UDP packet comes back: UDP is blocked here or there, or it is down; "+
			"allow UDP, or have its owner announce TCP as well", addrs[0])}
	}
	return best
}

func hasAddressErrors(err error) bool {
	var dial *libp2pswarm.DialError
	return errors.As(err, &dial) && len(dial.DialErrors) > 0
}

func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout() || strings.Contains(err.Error(), "no recent network activity")
}

// diagnoseAddress explains why one address failed.
func diagnoseAddress(err error, a ma.Multiaddr) Diagnosis {
	text := err.Error()
	var (
		mismatch sec.ErrPeerIDMismatch
		gone     *network.ConnError
	)
	switch {
	case errors.As(err, &mismatch):
		return Diagnosis{Cause: CauseOtherPeer, Problem: fmt.Sprintf("another identity, %s, answers at %s; its owner has to announce again, or has restored an old identity", mismatch.Actual, a)}
	case strings.Contains(text, "peer id mismatch") || strings.Contains(text, "peer ID doesn't match"):
		return Diagnosis{Cause: CauseOtherPeer, Problem: fmt.Sprintf("another identity answers at %s; its owner has to announce again, or has restored an old identity", a)}
	case errors.As(err, &gone) && gone.ErrorCode == network.ConnGated:
		return Diagnosis{Cause: CauseRefusedByIt, Problem: "it refuses this peer: not on its allow list, or no place for guests; ask its owner, and announce this peer on chain"}
	case isRelayed(a):
		return Diagnosis{Cause: CauseRelay, Problem: fmt.Sprintf("the relay in %s does not lead to it any more: the relay is down, or the peer is or has another relay now; "+
			"wait until it announces again", a)}
	case errors.Is(err, syscall.ECONNREFUSED) || strings.Contains(text, syscall.ECONNREFUSED.Error()):
		return Diagnosis{Cause: CauseRefused, Problem: fmt.Sprintf("nothing listens at %s: it is down or announced an old port; its owner has to start it or announce again", a)}
	case errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.EADDRNOTAVAIL) ||
		strings.Contains(text, syscall.ENETUNREACH.Error()) || strings.Contains(text, syscall.EHOSTUNREACH.Error()):
		return noRoute(a)
	case errors.Is(err, libp2pswarm.ErrDialRefusedBlackHole):
		return noRoute(a)
	case errors.Is(err, libp2pswarm.ErrGaterDisallowedConnection):
		return Diagnosis{Cause: CauseElsewhere, Problem: fmt.Sprintf("%s is on another machine and this node stays on this one; start it without loopback only", a)}
	case strings.Contains(text, "no such host") || strings.Contains(text, "server misbehaving"):
		return Diagnosis{Cause: CauseName, Problem: fmt.Sprintf("the name in %s does not resolve; check the DNS of this machine, else its owner has to correct the announced name", a)}
	case strings.Contains(text, "failed to negotiate security protocol") && (timedOut(err) || !strings.Contains(text, "tls") && !strings.Contains(text, "handshake")):
		return Diagnosis{Cause: CauseNetworkKey, Problem: fmt.Sprintf("what listens at %s speaks another language: it has another private network key, or only one side has one, "+
			"or it is no peer at all; compare the file of --p2p-private-key-file with its owner", a)}
	case timedOut(err):
		return Diagnosis{Cause: CauseTimeout, Problem: fmt.Sprintf("no answer from %s: a firewall or a NAT swallows the packets; its owner has to forward the port, or listen behind a relay", a)}
	case strings.Contains(text, "failed to negotiate security protocol") || strings.Contains(text, "CRYPTO_ERROR"):
		return Diagnosis{Cause: CauseHandshake, Problem: fmt.Sprintf("the encrypted handshake with %s failed (%s); is there a proxy in between, or a very different version?", a, firstLine(text))}
	case strings.Contains(text, "failed to negotiate stream multiplexer"):
		return Diagnosis{Cause: CauseRefusedByIt, Problem: "it closes the connection after the handshake: it has banned us or is overloaded; wait some minutes, then ask its owner"}
	}
	return Diagnosis{Cause: CauseUnknown, Problem: fmt.Sprintf("the connection to %s failed: %s", a, firstLine(text))}
}

func noRoute(a ma.Multiaddr) Diagnosis {
	problem := fmt.Sprintf("there is no route from here to %s; check the network of this machine", a)
	if a[0].Protocol().Code == ma.P_IP6 {
		problem = fmt.Sprintf("%s is an IPv6 address and this machine has no IPv6; its owner has to announce an IPv4 address as well", a)
	}
	return Diagnosis{Cause: CauseNoRoute, Problem: problem}
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
