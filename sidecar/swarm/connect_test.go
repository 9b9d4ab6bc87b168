package swarm

import (
	"bytes"
	"context"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/stretchr/testify/require"
)

const tcpAndQUIC = "/ip4/127.0.0.1/tcp/0 /ip4/127.0.0.1/udp/0/quic-v1"

// openWith opens a node after a change of its configuration.
func openWith(t *testing.T, change func(*Config)) *Node {
	t.Helper()
	cfg := testConfig(t)
	change(&cfg)
	return open(t, cfg)
}

func openListening(t *testing.T, addrs string) *Node {
	t.Helper()
	return openWith(t, func(c *Config) { c.Listen = strings.Fields(addrs) })
}

// targets returns the addresses of a node for Bootstrap.
func targets(n *Node) []string {
	var out []string
	for _, a := range n.Addresses() {
		out = append(out, a+"/p2p/"+n.PeerID())
	}
	return out
}

func stateOf(t *testing.T, n, other *Node) PeerState {
	t.Helper()
	for _, s := range n.Peers() {
		if s.PeerID == other.PeerID() {
			return s
		}
	}
	return PeerState{}
}

func TestTransports(t *testing.T) {
	for _, c := range []struct{ listens, transport string }{
		{"/ip4/127.0.0.1/tcp/0", "tcp"},
		{"/ip4/127.0.0.1/udp/0/quic-v1", "quic"},
		{tcpAndQUIC, "tcp"},
	} {
		t.Run(c.listens, func(t *testing.T) {
			seeker, holder := open(t, testConfig(t)), openListening(t, c.listens)
			data := content("transport", ChunkSize+1)
			obj := add(t, holder, data)
			require.NoError(t, seeker.SetPeers(t.Context(), []PeerInfo{infoOf(holder)}))
			fetch(t, seeker, obj.CID, data)
			require.Equal(t, c.transport, stateOf(t, seeker, holder).Transport)
		})
	}
}

// A node behind something that blocks TCP.
func TestQUICIsUsedWhenOnlyItWorks(t *testing.T) {
	seeker, holder := open(t, testConfig(t)), openListening(t, "/ip4/127.0.0.1/udp/0/quic-v1")
	info := infoOf(holder)
	info.Addresses = append([]string{"/ip4/127.0.0.1/tcp/1"}, info.Addresses...)
	require.NoError(t, seeker.SetPeers(t.Context(), []PeerInfo{info}))
	waitConnected(t, seeker, holder)
	require.Equal(t, "quic", stateOf(t, seeker, holder).Transport)
}

// networkKey writes a swarm.key and returns its path.
func networkKey(t *testing.T, fill byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "swarm.key")
	text := "/key/swarm/psk/1.0.0/\n/base16/\n" + hex.EncodeToString(bytes.Repeat([]byte{fill}, 32)) + "\n"
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestPrivateNetworks(t *testing.T) {
	key, other := networkKey(t, 1), networkKey(t, 2)
	withKey := func(path string) *Node { return openWith(t, func(c *Config) { c.PrivateKeyFile = path }) }
	var out bytes.Buffer
	a := openWith(t, func(c *Config) {
		c.PrivateKeyFile = key
		c.Logger = slog.New(slog.NewTextHandler(&out, nil))
	})
	require.Contains(t, out.String(), "QUIC is off")
	same, different, none := withKey(key), withKey(other), withKey("")
	data := content("private", 10)
	obj := add(t, a, data)
	require.NoError(t, same.SetPeers(t.Context(), []PeerInfo{infoOf(a)}))
	fetch(t, same, obj.CID, data)
	for name, n := range map[string]*Node{"another key": different, "no key": none} {
		d := n.Probe(t.Context(), infoOf(a))
		require.Equal(t, CauseNetworkKey, d.Cause, "%s: %s", name, d.Problem)
		require.Empty(t, n.Connected(), name)
	}

	cfg := testConfig(t)
	cfg.PrivateKeyFile, cfg.Listen = key, strings.Fields(tcpAndQUIC)
	_, err := Open(t.Context(), cfg)
	require.ErrorContains(t, err, "QUIC can't carry the key of a private network; listen on TCP only")
	damaged := filepath.Join(t.TempDir(), "swarm.key")
	require.NoError(t, os.WriteFile(damaged, []byte("/key/swarm/psk/1.0.0/\n/base16/\nabc\n"), 0o600))
	cfg = testConfig(t)
	cfg.PrivateKeyFile = damaged
	_, err = Open(t.Context(), cfg)
	require.ErrorContains(t, err, "expected the three lines")
}

func TestGuestsAreFewAndMembersAlwaysGetIn(t *testing.T) {
	const places = 3
	host := open(t, testConfig(t))
	host.gater.places = places
	guests := openNodes(t, places+1)
	member := open(t, testConfig(t))
	require.NoError(t, host.SetPeers(t.Context(), []PeerInfo{{PeerID: member.PeerID(), Addresses: []string{"/ip4/127.0.0.1/tcp/1"}}}))
	target := peer.AddrInfo{ID: host.host.ID(), Addrs: host.host.Addrs()}
	for _, g := range guests[:places] {
		require.NoError(t, connect(t.Context(), g.host, target))
	}
	eventually(t, "guests", func() bool { return len(host.Connected()) == places })
	last := guests[places]
	require.Equal(t, CauseRefusedByIt, last.Probe(t.Context(), infoOf(host)).Cause)
	require.NotContains(t, host.Connected(), last.PeerID())
	require.NoError(t, connect(t.Context(), member.host, target))
	waitConnected(t, host, member)
	require.Equal(t, ClassMember, stateOf(t, host, member).Class)
	require.Equal(t, ClassGuest, stateOf(t, host, guests[0]).Class)

	// A guest that goes, or that is announced, makes room.
	require.NoError(t, guests[0].Close())
	eventually(t, "room", func() bool { return last.Probe(t.Context(), infoOf(host)).Cause == CauseNone })
}

func TestGuestsHaveSmallerLimitsAndAreNeverProtected(t *testing.T) {
	host, guest := open(t, testConfig(t)), open(t, testConfig(t))
	id := guest.host.ID()
	require.NoError(t, connect(t.Context(), guest.host, peer.AddrInfo{ID: host.host.ID(), Addrs: host.host.Addrs()}))
	waitConnected(t, host, guest)
	streams := func() (limit int) {
		err := host.host.Network().ResourceManager().ViewPeer(id, func(s network.PeerScope) error {
			limit = s.(rcmgr.ResourceScopeLimiter).Limit().GetStreamTotalLimit()
			return nil
		})
		require.NoError(t, err)
		return limit
	}
	require.Equal(t, int(guestLimits.Streams), streams())
	host.host.ConnManager().Protect(id, "dht")
	require.False(t, host.host.ConnManager().IsProtected(id, ""))

	require.NoError(t, host.SetPeers(t.Context(), []PeerInfo{infoOf(guest)}))
	require.Equal(t, int(memberLimits.Streams), streams())
	require.True(t, host.host.ConnManager().IsProtected(id, neighbourTag))
	require.Greater(t, host.host.ConnManager().GetTagInfo(id).Tags[classTag], memberValue)
	require.True(t, host.isMember(id))
}

func TestClosedNetworks(t *testing.T) {
	member, guest := open(t, testConfig(t)), open(t, testConfig(t))
	closed := openWith(t, func(c *Config) { c.AllowList = AllowAnnounced })
	require.NoError(t, closed.SetPeers(t.Context(), []PeerInfo{infoOf(member)}))
	waitConnected(t, closed, member)

	d := guest.Probe(t.Context(), infoOf(closed))
	require.Equal(t, CauseRefusedByIt, d.Cause, d.Problem)
	require.Error(t, connect(t.Context(), closed.host, peer.AddrInfo{ID: guest.host.ID(), Addrs: guest.host.Addrs()}))
	require.Equal(t, CauseNotAllowed, closed.Probe(t.Context(), infoOf(guest)).Cause)
	require.Equal(t, []string{member.PeerID()}, closed.Connected())

	// Who is announced no more has to go.
	require.NoError(t, closed.SetPeers(t.Context(), []PeerInfo{infoOf(guest)}))
	eventually(t, "the change of members", func() bool { return slices.Equal(closed.Connected(), []string{guest.PeerID()}) })
}

func TestNetworksDoNotMix(t *testing.T) {
	named := func(name string) *Node { return openWith(t, func(c *Config) { c.Network = name }) }
	one, two, alsoOne := named("one"), named("two"), named("one")
	require.NoError(t, connect(t.Context(), two.host, peer.AddrInfo{ID: one.host.ID(), Addrs: one.host.Addrs()}))
	eventually(t, "the parting of networks", func() bool { return len(one.Connected()) == 0 && len(two.Connected()) == 0 })
	require.Equal(t, CauseOtherNetwork, two.peering.explain(one.host.ID()).Cause)
	require.False(t, one.routing.ready())

	require.NoError(t, connect(t.Context(), alsoOne.host, peer.AddrInfo{ID: one.host.ID(), Addrs: one.host.Addrs()}))
	eventually(t, "the DHT", func() bool { return one.routing.ready() && alsoOne.routing.ready() })
	require.NotEqual(t, one.topicName(peersKind), two.topicName(peersKind))
	require.Equal(t, "/pold/one/peers/1", one.topicName(peersKind))
	require.Equal(t, "/pold/peers/1", open(t, testConfig(t)).topicName(peersKind))
}

func TestStaticPeersAreTheFirstToKnow(t *testing.T) {
	first := open(t, testConfig(t))
	n := openWith(t, func(c *Config) { c.Bootstrap = targets(first) })
	waitConnected(t, n, first)
	require.Equal(t, ClassStatic, stateOf(t, n, first).Class)
	// It comes back.
	require.NoError(t, first.host.Network().ClosePeer(n.host.ID()))
	waitConnected(t, n, first)
}

func TestPeersOfTheLastRunAreDialledAgain(t *testing.T) {
	other, cfg := open(t, testConfig(t)), testConfig(t)
	n := open(t, cfg)
	introduce(t, n, other)
	require.NoError(t, n.Close())
	text, err := os.ReadFile(filepath.Join(cfg.Home, "peers.json"))
	require.NoError(t, err)
	require.Contains(t, string(text), other.PeerID())

	n = open(t, cfg)
	waitConnected(t, n, other)
	require.NoError(t, n.Close())
	var out bytes.Buffer
	cfg.Logger = slog.New(slog.NewTextHandler(&out, nil))
	require.NoError(t, os.WriteFile(filepath.Join(cfg.Home, "peers.json"), []byte("{"), 0o600))
	open(t, cfg)
	require.Contains(t, out.String(), "the peers of the last run are forgotten")
}

func TestGossipIntroducesPeers(t *testing.T) {
	hub := open(t, testConfig(t))
	var nodes []*Node
	for range 3 {
		nodes = append(nodes, openWith(t, func(c *Config) { c.Bootstrap = targets(hub) }))
	}
	for _, n := range nodes {
		for _, other := range nodes {
			if n != other {
				waitConnected(t, n, other)
			}
		}
	}
}

func TestOwnTopics(t *testing.T) {
	nodes := openNodes(t, 3)
	introduce(t, nodes[0], nodes[1])
	introduce(t, nodes[1], nodes[2])
	topic := nodes[0].topicName("artefacts")
	type message struct{ author, text string }
	got := make([]chan message, 3)
	for i, n := range nodes {
		got[i] = make(chan message, 10_000)
		require.NoError(t, n.subscribe(topic, func(_ peer.ID, data []byte) verdict {
			switch string(data) {
			case "bad":
				return reject
			case "late":
				return ignore
			}
			return accept
		}, func(author peer.ID, data []byte) { got[i] <- message{author.String(), string(data)} }))
	}
	for i, n := range nodes {
		eventually(t, "subscribers", func() bool { return len(n.gossip.pubsub.ListPeers(topic)) >= []int{1, 2, 1}[i] })
	}
	require.NoError(t, nodes[0].publish(topic, []byte("bad")))
	require.NoError(t, nodes[0].publish(topic, []byte("late")))
	require.ErrorContains(t, nodes[0].publish(topic, make([]byte, maxGossip+1)), "expected at most")
	// Until the mesh of the topic stands, a message may not get past the first hop.
	eventually(t, "the message", func() bool {
		require.NoError(t, nodes[0].publish(topic, []byte("hello")))
		return len(got[1]) > 0 && len(got[2]) > 0
	})
	for _, messages := range got[1:] {
		require.Equal(t, message{nodes[0].PeerID(), "hello"}, <-messages)
	}
	eventually(t, "the strike", func() bool { return stateOf(t, nodes[1], nodes[0]).Strikes > 0.9 })
	require.Zero(t, stateOf(t, nodes[2], nodes[1]).Strikes, "it passed nothing bad on")
	require.Empty(t, got[0], "own messages are left out")
}

func TestRelayedPeers(t *testing.T) {
	relay := openWith(t, func(c *Config) { c.reachability = network.ReachabilityPublic })
	hidden := openWith(t, func(c *Config) { c.Listen, c.reachability = []string{NoListen}, network.ReachabilityPrivate })
	// Nobody can dial it either: else the hidden node would, on hearing of it.
	third := openWith(t, func(c *Config) { c.Listen = []string{NoListen} })
	require.Empty(t, hidden.Addresses())
	require.NoError(t, hidden.SetPeers(t.Context(), []PeerInfo{infoOf(relay)}))
	eventually(t, "a place at the relay", func() bool { return len(hidden.Addresses()) == 1 })
	require.Equal(t, relay.Addresses()[0]+"/p2p/"+relay.PeerID()+"/p2p-circuit", hidden.Addresses()[0])
	require.Equal(t, "private", hidden.Reachability())
	require.Equal(t, "public", relay.Reachability())

	d := third.Probe(t.Context(), infoOf(hidden))
	require.Equal(t, CauseNone, d.Cause, d.Problem)
	require.True(t, d.Relayed)
	require.NoError(t, third.SetPeers(t.Context(), []PeerInfo{infoOf(hidden)}))
	waitConnected(t, third, hidden)
	require.True(t, stateOf(t, third, hidden).Relayed)

	// Without the relay its address is no longer told.
	require.NoError(t, relay.Close())
	eventually(t, "the loss of the place", func() bool { return len(hidden.Addresses()) == 0 })
}

func TestRelaysCanBeSwitchedOff(t *testing.T) {
	relay := openWith(t, func(c *Config) { c.reachability, c.NoRelay = network.ReachabilityPublic, true })
	other := open(t, testConfig(t))
	introduce(t, relay, other)
	protocols, err := other.host.Peerstore().GetProtocols(relay.host.ID())
	require.NoError(t, err)
	for _, p := range protocols {
		require.NotContains(t, p, "relay")
	}
}

func TestPingsMeasureMembers(t *testing.T) {
	nodes := openNodes(t, 2)
	introduce(t, nodes...)
	nodes[0].peering.measure(context.Background())
	require.Positive(t, stateOf(t, nodes[0], nodes[1]).RTT)
}
