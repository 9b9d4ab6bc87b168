package swarm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// MaxAddresses is how many addresses of one peer the chain records.
const MaxAddresses = 4

// NoListen as the only listen address makes a node that only dials.
const NoListen = "none"

// The ways in which a connection travels.
const (
	transportTCP  = "tcp"
	transportQUIC = "quic"
)

// parseAddress parses a multiaddr of this network: a host and a TCP port, a
// host and a QUIC port, or either of a relay followed by /p2p/ID/p2p-circuit.
func parseAddress(s string) (ma.Multiaddr, error) {
	a, err := ma.NewMultiaddr(s)
	if err != nil {
		return nil, fmt.Errorf("address %q: expected a multiaddr such as /ip4/127.0.0.1/tcp/4001: %w", s, err)
	}
	if transportOf(a) == "" {
		return nil, fmt.Errorf("address %q: expected host and port such as /ip4/203.0.113.7/tcp/4001 or /ip4/203.0.113.7/udp/4001/quic-v1, "+
			"or those of a relay with /p2p/ID/p2p-circuit", s)
	}
	return a, nil
}

// parseDirect is parseAddress without relays.
func parseDirect(s string) (ma.Multiaddr, error) {
	a, err := parseAddress(s)
	if err == nil && isRelayed(a) {
		return nil, fmt.Errorf("address %q: expected an address of this machine, got that of a relay; relays are found and announced without being named", s)
	}
	return a, err
}

func parseDirectAll(list []string) ([]ma.Multiaddr, error) {
	out := make([]ma.Multiaddr, 0, len(list))
	for _, s := range list {
		a, err := parseDirect(s)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// transportOf returns how an address is reached, for a relayed one how its
// relay is, or "" for an address that is none of this network.
func transportOf(a ma.Multiaddr) string {
	if len(a) < 2 {
		return ""
	}
	switch a[0].Protocol().Code {
	case ma.P_IP4, ma.P_IP6, ma.P_DNS, ma.P_DNS4, ma.P_DNS6:
	default:
		return ""
	}
	var transport string
	var rest ma.Multiaddr
	switch {
	case a[1].Protocol().Code == ma.P_TCP:
		transport, rest = transportTCP, a[2:]
	case len(a) > 2 && a[1].Protocol().Code == ma.P_UDP && a[2].Protocol().Code == ma.P_QUIC_V1:
		transport, rest = transportQUIC, a[3:]
	default:
		return ""
	}
	relayed := len(rest) == 2 && rest[0].Protocol().Code == ma.P_P2P && rest[1].Protocol().Code == ma.P_CIRCUIT
	if len(rest) > 0 && !relayed {
		return ""
	}
	return transport
}

// isRelayed says whether an address leads through a relay.
func isRelayed(a ma.Multiaddr) bool {
	return slices.ContainsFunc(a, func(c ma.Component) bool { return c.Protocol().Code == ma.P_CIRCUIT })
}

// direct keeps the addresses that need no relay.
func direct(addrs []ma.Multiaddr) []ma.Multiaddr {
	return slices.DeleteFunc(slices.Clone(addrs), isRelayed)
}

// The order in which addresses are told to others and tried.
const (
	publicRank = iota
	privateRank
	loopbackRank
)

// addressRank orders public before private before loopback addresses.
func addressRank(a ma.Multiaddr) int {
	switch {
	case manet.IsIPLoopback(a):
		return loopbackRank
	case manet.IsPrivateAddr(a):
		return privateRank
	}
	return publicRank
}

// compareAddresses orders by rank, TCP before QUIC, then by bytes.
func compareAddresses(a, b ma.Multiaddr) int {
	if d := addressRank(a) - addressRank(b); d != 0 {
		return d
	}
	if d := strings.Compare(transportOf(b), transportOf(a)); d != 0 { // "tcp" > "quic"
		return d
	}
	return a.Compare(b)
}

// announced returns at most MaxAddresses of a node's own addresses for others:
// loopback only when there is nothing else, and one slot for a relay, without
// which an unreachable node could not be found.
func announced(own []ma.Multiaddr) []ma.Multiaddr {
	all := slices.Clone(own)
	slices.SortFunc(all, compareAddresses)
	var near, far, relays []ma.Multiaddr
	for _, a := range all {
		switch {
		case transportOf(a) == "":
		case isRelayed(a):
			relays = append(relays, a)
		case addressRank(a) == loopbackRank:
			near = append(near, a)
		default:
			far = append(far, a)
		}
	}
	if len(far) == 0 && !slices.ContainsFunc(relays, func(a ma.Multiaddr) bool { return addressRank(a) != loopbackRank }) {
		far = near
	}
	keep := min(len(far), MaxAddresses-min(len(relays), 1))
	out := slices.Clone(far[:keep])
	return append(out, relays[:min(len(relays), MaxAddresses-keep)]...)
}

// parseTarget parses a multiaddr that ends in /p2p/ID.
func parseTarget(s string) (peer.AddrInfo, error) {
	at := strings.LastIndex(s, "/p2p/")
	if at < 0 {
		return peer.AddrInfo{}, fmt.Errorf("address %q: expected it to end in the peer's id, such as /ip4/203.0.113.7/tcp/4001/p2p/12D3Koo…; trainerd status prints it there", s)
	}
	a, err := parseAddress(s[:at])
	if err != nil {
		return peer.AddrInfo{}, err
	}
	id, err := peer.Decode(s[at+len("/p2p/"):])
	if err != nil {
		return peer.AddrInfo{}, fmt.Errorf("address %q: peer id: %w", s, err)
	}
	return peer.AddrInfo{ID: id, Addrs: []ma.Multiaddr{a}}, nil
}

// usable keeps at most MaxAddresses distinct addresses of this network; what
// peers say about themselves goes through it.
func usable(addrs []ma.Multiaddr) []ma.Multiaddr {
	var out []ma.Multiaddr
	for _, a := range addrs {
		if len(out) < MaxAddresses && transportOf(a) != "" && !slices.ContainsFunc(out, a.Equal) {
			out = append(out, a)
		}
	}
	return out
}
