package swarm

import (
	"context"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pswarm "github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// dialTimeout bounds the attempt at one address.
	dialTimeout = 5 * time.Second
	// connectTimeout bounds all addresses of a peer, the wait between them and
	// the exchange of what both sides can do.
	connectTimeout = dialTimeout + 5*time.Second

	// The next address of the same transport is tried after this, the next
	// transport after as long again, a relay last of all.
	nextAddress      = 250 * time.Millisecond
	nextAddressLocal = 30 * time.Millisecond
	relayDelay       = 2 * time.Second
)

// rankDials orders the addresses of a peer: TCP before QUIC, which costs twice
// the processor time for bulk data, and a relay only when nothing else is
// there quickly. Within a transport IPv6 and IPv4 take turns.
func rankDials(addrs []ma.Multiaddr) []network.AddrDelay {
	var out []network.AddrDelay
	var last time.Duration
	for _, local := range []bool{true, false} {
		step := nextAddress
		if local {
			step = nextAddressLocal
		}
		var at time.Duration
		for _, transport := range []string{transportTCP, transportQUIC} {
			group := slices.DeleteFunc(slices.Clone(addrs), func(a ma.Multiaddr) bool {
				return isRelayed(a) || transportOf(a) != transport || (addressRank(a) != publicRank) != local
			})
			for _, a := range alternate(group) {
				out = append(out, network.AddrDelay{Addr: a, Delay: at})
				last = max(last, at)
				at += step
			}
		}
	}
	var relays []ma.Multiaddr
	for _, a := range addrs {
		if isRelayed(a) || transportOf(a) == "" {
			relays = append(relays, a)
		}
	}
	at := time.Duration(0)
	if len(out) > 0 {
		at = last + relayDelay
	}
	for _, a := range relays {
		out = append(out, network.AddrDelay{Addr: a, Delay: at})
		at += nextAddress
	}
	return out
}

// alternate puts IPv6 first and lets the families take turns (RFC 8305).
func alternate(addrs []ma.Multiaddr) []ma.Multiaddr {
	var six, other, out []ma.Multiaddr
	for _, a := range addrs {
		if a[0].Protocol().Code == ma.P_IP6 {
			six = append(six, a)
		} else {
			other = append(other, a)
		}
	}
	for len(six) > 0 || len(other) > 0 {
		if len(six) > 0 {
			out, six = append(out, six[0]), six[1:]
		}
		if len(other) > 0 {
			out, other = append(out, other[0]), other[1:]
		}
	}
	return out
}

// connect dials a peer now: libp2p's back-off, which grows to minutes, is
// cleared first because the caller has its own pace.
func connect(ctx context.Context, h host.Host, info peer.AddrInfo) error {
	if s, ok := h.Network().(*libp2pswarm.Swarm); ok {
		s.Backoff().Clear(info.ID)
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return h.Connect(ctx, info)
}
