package swarm

import (
	"net"
	"regexp"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

func TestPeersOfTheLocalNetworkAreDialled(t *testing.T) {
	n, other := open(t, testConfig(t)), open(t, testConfig(t))
	finder := localFinder{n}
	finder.HandlePeerFound(peer.AddrInfo{ID: other.host.ID(), Addrs: []ma.Multiaddr{ma.StringCast("/ip4/192.0.2.1/tcp/1")}})
	require.Empty(t, n.peering.book.candidates(), "this node stays on its machine")
	finder.HandlePeerFound(peer.AddrInfo{ID: n.host.ID(), Addrs: n.host.Addrs()})
	require.Empty(t, n.peering.book.candidates(), "itself")
	finder.HandlePeerFound(peer.AddrInfo{ID: other.host.ID(), Addrs: other.host.Addrs()})
	waitConnected(t, n, other)
}

func TestServiceNames(t *testing.T) {
	require.Regexp(t, regexp.MustCompile(`^_pold-[0-9a-f]{8}\._udp$`), serviceName("one"))
	require.NotEqual(t, serviceName("one"), serviceName("two"))
}

func TestNodesFindEachOtherByMDNS(t *testing.T) {
	if !multicastWorks() {
		t.Skip("no network interface of this machine can do multicast")
	}
	with := func(c *Config) { c.MDNS, c.Network = true, t.Name() }
	a, b := openWith(t, with), openWith(t, with)
	waitConnected(t, a, b)
	stranger := openWith(t, func(c *Config) { c.MDNS, c.Network = true, "another" })
	require.Empty(t, stranger.Connected())
}

func multicastWorks() bool {
	interfaces, err := net.Interfaces()
	if err != nil {
		return false
	}
	for _, i := range interfaces {
		if addrs, err := i.Addrs(); err == nil && len(addrs) > 0 && i.Flags&(net.FlagUp|net.FlagMulticast) == net.FlagUp|net.FlagMulticast {
			return true
		}
	}
	return false
}
