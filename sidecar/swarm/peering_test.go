package swarm

import (
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/test"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

func TestSetPeersUsesTheGoodEntriesAndNamesTheBad(t *testing.T) {
	nodes := openNodes(t, 2)
	good := infoOf(nodes[1])
	good.Addresses = []string{"/ip4/127.0.0.1/udp/1", good.Addresses[0] + "/p2p/" + good.PeerID}
	err := nodes[0].SetPeers(t.Context(), []PeerInfo{
		infoOf(nodes[0]), // itself: no error, not dialled
		{PeerID: "nobody", Addresses: []string{"/ip4/127.0.0.1/tcp/1"}},
		good,
	})
	require.ErrorContains(t, err, `peer id "nobody"`)
	require.ErrorContains(t, err, "expected host and port")
	waitConnected(t, nodes[0], nodes[1])
}

func TestAPeerWithANewAddressIsFound(t *testing.T) {
	a, cfg := open(t, testConfig(t)), testConfig(t)
	b := open(t, cfg)
	introduce(t, a, b)
	require.NoError(t, b.Close())
	eventually(t, "the end of the connection", func() bool { return len(a.Connected()) == 0 })
	b = open(t, cfg) // another port
	require.NoError(t, a.SetPeers(t.Context(), []PeerInfo{infoOf(b)}))
	waitConnected(t, a, b)
}

func TestABannedPeerStaysOut(t *testing.T) {
	a, b := open(t, testConfig(t)), open(t, testConfig(t))
	introduce(t, a, b)
	a.cutOff(b.host.ID())
	eventually(t, "the end of the connection", func() bool { return len(a.Connected()) == 0 })
	require.Error(t, connect(t.Context(), a.host, peer.AddrInfo{ID: b.host.ID()}))
	_ = connect(t.Context(), b.host, peer.AddrInfo{ID: a.host.ID()})
	eventually(t, "the refusal", func() bool { return len(a.Connected()) == 0 })
}

func TestABanEnds(t *testing.T) {
	g := newTestGater(t, false)
	g.ban("p", time.Minute)
	require.True(t, g.isBanned("p"))
	require.False(t, g.InterceptPeerDial("p"))
	g.ban("p", -time.Minute)
	require.False(t, g.isBanned("p"))
}

func TestLoopbackOnly(t *testing.T) {
	near, far := ma.StringCast("/ip4/127.0.0.1/tcp/1"), ma.StringCast("/ip4/192.0.2.1/tcp/1")
	require.True(t, newTestGater(t, true).InterceptAddrDial("p", near))
	require.False(t, newTestGater(t, true).InterceptAddrDial("p", far))
	require.True(t, newTestGater(t, false).InterceptAddrDial("p", far))
}

func TestNeighboursAreBoundedAndDifferByNode(t *testing.T) {
	list := make(map[peer.ID][]ma.Multiaddr)
	for range 3 * MaxNeighbours {
		list[test.RandPeerIDFatal(t)] = nil
	}
	equal := func(peer.ID) float64 { return 0.5 }
	a, b := test.RandPeerIDFatal(t), test.RandPeerIDFatal(t)
	require.Len(t, chooseNeighbours(a, list, equal), MaxNeighbours)
	require.Equal(t, chooseNeighbours(a, list, equal), chooseNeighbours(a, list, equal))
	require.NotEqual(t, chooseNeighbours(a, list, equal), chooseNeighbours(b, list, equal))
}

func TestGuardCountsOnlyBlocksNobodyAskedFor(t *testing.T) {
	cut := make(map[peer.ID]int)
	g := newGuard(open(t, testConfig(t)).log, func(p peer.ID) { cut[p]++ })
	var ids []cid.Cid
	for _, d := range dag.SumBytes(content("guard", 3*ChunkSize)) {
		ids = append(ids, dag.LeafCID(d))
	}
	done := g.expect(ids[0])
	g.received("good", ids[0])
	done()
	for range 5 {
		g.received("good", ids[0]) // late or twice
	}
	g.received("bad", ids[1])
	require.Empty(t, cut)
	g.received("bad", ids[2])
	require.Equal(t, map[peer.ID]int{"bad": 1}, cut)
}
