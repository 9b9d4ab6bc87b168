package swarm

import (
	"testing"

	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

const (
	someID    = "12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5"
	someRelay = "/ip4/203.0.113.7/tcp/4001/p2p/" + someID + "/p2p-circuit"
)

func TestAddressesOfThisNetwork(t *testing.T) {
	for _, c := range []struct {
		address, transport string
		relayed            bool
	}{
		{"/ip4/203.0.113.7/tcp/4001", "tcp", false},
		{"/ip6/2001:db8::1/tcp/4001", "tcp", false},
		{"/dns/peer.example/tcp/4001", "tcp", false},
		{"/dns4/peer.example/udp/4001/quic-v1", "quic", false},
		{"/ip4/203.0.113.7/udp/4001/quic-v1", "quic", false},
		{someRelay, "tcp", true},
		{"/dns6/peer.example/udp/4001/quic-v1/p2p/" + someID + "/p2p-circuit", "quic", true},
		{"/ip4/203.0.113.7", "", false},
		{"/ip4/203.0.113.7/udp/4001", "", false},
		{"/ip4/203.0.113.7/udp/4001/quic-v1/webtransport", "", false},
		{"/ip4/203.0.113.7/tcp/4001/ws", "", false},
		{"/ip4/203.0.113.7/tcp/4001/p2p/" + someID, "", false},
		{someRelay + "/p2p/" + someID, "", false},
		{"/p2p/" + someID + "/p2p-circuit", "", false},
		{"/dnsaddr/peer.example", "", false},
		{"/unix/a", "", false},
		{"localhost:4001", "", false},
		{"", "", false},
	} {
		a, err := parseAddress(c.address)
		if c.transport == "" {
			require.Error(t, err, c.address)
			continue
		}
		require.NoError(t, err, c.address)
		require.Equal(t, c.transport, transportOf(a), c.address)
		require.Equal(t, c.relayed, isRelayed(a), c.address)
	}
}

func TestWhatIsAnnounced(t *testing.T) {
	const (
		loop, lan, lanQUIC = "/ip4/127.0.0.1/tcp/1", "/ip4/192.168.1.2/tcp/1", "/ip4/192.168.1.2/udp/1/quic-v1"
		pub, pubQUIC       = "/ip4/203.0.113.9/tcp/1", "/ip4/203.0.113.9/udp/1/quic-v1"
		loopRelay          = "/ip4/127.0.0.1/tcp/4001/p2p/" + someID + "/p2p-circuit"
	)
	for name, c := range map[string]struct{ own, want []string }{
		"loopback when there is nothing else":     {[]string{loop}, []string{loop}},
		"no loopback beside others":               {[]string{loop, lan}, []string{lan}},
		"public first, TCP first":                 {[]string{lanQUIC, pubQUIC, lan, loop, pub}, []string{pub, pubQUIC, lan, lanQUIC}},
		"a relay instead of loopback":             {[]string{loop, someRelay}, []string{someRelay}},
		"one slot for a relay":                    {[]string{pub, pubQUIC, lan, lanQUIC, someRelay}, []string{pub, pubQUIC, lan, someRelay}},
		"a relay on this machine beside loopback": {[]string{loop, loopRelay}, []string{loop, loopRelay}},
		"a relay alone":                           {[]string{loopRelay}, []string{loopRelay}},
		"nothing":                                 {nil, nil},
		"nothing of this network":                 {[]string{"/ip4/203.0.113.9/tcp/1/ws"}, nil},
	} {
		var own []ma.Multiaddr
		for _, s := range c.own {
			own = append(own, ma.StringCast(s))
		}
		var got []string
		for _, a := range announced(own) {
			got = append(got, a.String())
		}
		require.Equal(t, c.want, got, name)
	}
}

func TestDialsPreferTCPAndDirectWays(t *testing.T) {
	const (
		six, four, sixQUIC, fourQUIC = "/ip6/2001:db8::1/tcp/1", "/ip4/203.0.113.9/tcp/1", "/ip6/2001:db8::1/udp/1/quic-v1", "/ip4/203.0.113.9/udp/1/quic-v1"
	)
	var addrs []ma.Multiaddr
	for _, s := range []string{someRelay, fourQUIC, four, sixQUIC, six} {
		addrs = append(addrs, ma.StringCast(s))
	}
	var order []string
	ranked := rankDials(addrs)
	for i, d := range ranked {
		order = append(order, d.Addr.String())
		if i > 0 {
			require.Greater(t, d.Delay, ranked[i-1].Delay)
		}
	}
	require.Equal(t, []string{six, four, sixQUIC, fourQUIC, someRelay}, order)
	require.Zero(t, ranked[0].Delay)
	require.GreaterOrEqual(t, ranked[4].Delay, relayDelay)
	require.Zero(t, rankDials(addrs[:1])[0].Delay, "a relay that is the only way is dialled at once")
	near := rankDials([]ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/udp/1/quic-v1"), ma.StringCast("/ip4/203.0.113.9/tcp/1")})
	require.Zero(t, near[0].Delay+near[1].Delay, "near and far addresses are tried at the same time")
}

func TestBootstrapAddressesOfOnePeerAreJoined(t *testing.T) {
	infos, err := Config{Bootstrap: []string{"/ip4/203.0.113.7/tcp/1/p2p/" + someID, "/ip4/203.0.113.7/udp/1/quic-v1/p2p/" + someID}}.bootstrapPeers()
	require.NoError(t, err)
	require.Len(t, infos, 1)
	require.Len(t, infos[0].Addrs, 2)
	_, err = Config{Bootstrap: []string{"/ip4/203.0.113.7/tcp/1/p2p/nobody"}}.bootstrapPeers()
	require.ErrorContains(t, err, "peer id")
	_, err = Config{Bootstrap: []string{"/ip4/203.0.113.7/p2p/" + someID}}.bootstrapPeers()
	require.ErrorContains(t, err, "expected host and port")
}
