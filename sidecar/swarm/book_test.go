package swarm

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/test"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

func someAddrs(n int) []ma.Multiaddr {
	var out []ma.Multiaddr
	for i := range n {
		out = append(out, ma.StringCast("/ip4/127.0.0.1/tcp/"+string(rune('1'+i))))
	}
	return out
}

func dueNow(b *book) map[peer.ID]contact {
	out := make(map[peer.ID]contact)
	for _, c := range b.candidates() {
		out[c.id] = c
	}
	return out
}

func TestTheBookKeepsTheBestKnownPeers(t *testing.T) {
	b := newBook()
	remembered := test.RandPeerIDFatal(t)
	require.True(t, b.add(remembered, someAddrs(1), fromMemory, 0))
	var first peer.ID
	for i := range 2 * maxBook {
		p := test.RandPeerIDFatal(t)
		require.True(t, b.add(p, someAddrs(1), fromGossip, 1))
		if i == 0 {
			first = p
		}
	}
	require.Len(t, b.contacts, maxBook)
	require.Contains(t, b.contacts, remembered, "gossip does not push out what worked before")
	require.NotContains(t, b.contacts, first)

	full := newBook()
	for range maxBook {
		full.add(test.RandPeerIDFatal(t), someAddrs(1), fromMemory, 0)
	}
	require.False(t, full.add(first, someAddrs(1), fromGossip, 1))
	require.True(t, full.add(first, someAddrs(1), fromMemory, 0))
}

func TestRecordsReplaceOnlyOlderOnes(t *testing.T) {
	b := newBook()
	require.True(t, b.add("p", someAddrs(1), fromGossip, 5))
	require.False(t, b.add("p", someAddrs(2), fromGossip, 5))
	require.False(t, b.add("p", someAddrs(2), fromGossip, 4))
	require.True(t, b.add("p", someAddrs(2), fromGossip, 6))
	require.Len(t, b.contacts["p"].addrs, 2)
	require.Equal(t, uint64(6), b.sequence("p"))
	require.False(t, b.add("q", nil, fromGossip, 1), "no address")
	require.False(t, b.add("q", []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/udp/1")}, fromGossip, 1), "no address of this network")
	require.True(t, b.add("q", someAddrs(9), fromGossip, 1))
	require.Len(t, b.contacts["q"].addrs, MaxAddresses)
}

func TestADeadAddressIsTriedLessAndLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.add("p", someAddrs(1), fromMemory, 0)
		wait := bookRetry
		for range 12 {
			require.Contains(t, dueNow(b), peer.ID("p"))
			b.dialled("p", errors.New("down"))
			require.NotContains(t, dueNow(b), peer.ID("p"))
			time.Sleep(min(wait, maxBookRetry))
			wait *= 2
		}
		b.dialled("p", errors.New("down"))
		b.add("p", someAddrs(2), fromNetwork, 0)
		require.Contains(t, dueNow(b), peer.ID("p"), "a new address is tried at once")
		b.dialled("p", nil)
		require.Contains(t, dueNow(b), peer.ID("p"))
		b.dialled("unknown", nil)
		require.NotContains(t, b.contacts, peer.ID("unknown"))
	})
}

func TestGossipIsForgottenUnlessItIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.add("gossip", someAddrs(1), fromGossip, 1)
		b.add("repeated", someAddrs(1), fromGossip, 1)
		b.add("remembered", someAddrs(1), fromMemory, 0)
		time.Sleep(recordLife / 2)
		b.add("repeated", someAddrs(1), fromGossip, 2)
		time.Sleep(recordLife/2 + time.Second)
		require.Len(t, dueNow(b), 2)
		require.NotContains(t, b.contacts, peer.ID("gossip"))
	})
}

func TestThePeersFileIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peers.json")
	require.NoError(t, newBook().load(path), "a first start")
	var infos []peer.AddrInfo
	for range 2 * maxRemembered {
		infos = append(infos, peer.AddrInfo{ID: test.RandPeerIDFatal(t), Addrs: someAddrs(2)})
	}
	require.NoError(t, savePeers(path, infos))
	b := newBook()
	require.NoError(t, b.load(path))
	require.Len(t, b.contacts, maxRemembered)
	for _, info := range infos[:maxRemembered] {
		require.Equal(t, info.Addrs, b.contacts[info.ID].addrs)
	}
	for name, text := range map[string]string{
		"cut off":         `{"version":1,`,
		"a newer version": `{"version":2,"peers":[]}`,
		"no peer id":      `{"version":1,"peers":[{"peer_id":"x","addresses":[]}]}`,
		"no address":      `{"version":1,"peers":[{"peer_id":"` + someID + `","addresses":["x"]}]}`,
		"another field":   `{"version":1,"peers":[],"more":1}`,
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.Error(t, newBook().load(path), name)
	}
}

func FuzzPeersFile(f *testing.F) {
	f.Add([]byte(`{"version":1,"peers":[{"peer_id":"` + someID + `","addresses":["/ip4/127.0.0.1/tcp/1"]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		infos, err := parsePeersFile(text)
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(infos), maxRemembered)
		for _, info := range infos {
			require.NotEmpty(t, info.ID)
			require.LessOrEqual(t, len(info.Addrs), MaxAddresses)
		}
	})
}
