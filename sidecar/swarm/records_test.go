package swarm

import (
	"bytes"
	"crypto/rand"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/libp2p/go-libp2p/core/test"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

// newAuthor returns a key and its peer id.
func newAuthor(t testing.TB) (crypto.PrivKey, peer.ID) {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	require.NoError(t, err)
	id, err := peer.IDFromPrivateKey(key)
	require.NoError(t, err)
	return key, id
}

func seal(t testing.TB, key crypto.PrivKey, r *peer.PeerRecord) []byte {
	t.Helper()
	envelope, err := record.Seal(r, key)
	require.NoError(t, err)
	data, err := envelope.Marshal()
	require.NoError(t, err)
	return data
}

func TestHostileRecordsAreRejected(t *testing.T) {
	key, author := newAuthor(t)
	_, other := newAuthor(t)
	rec := func(id peer.ID, addrs ...ma.Multiaddr) *peer.PeerRecord {
		return peer.PeerRecordFromAddrInfo(peer.AddrInfo{ID: id, Addrs: addrs})
	}
	good := seal(t, key, rec(author, someAddrs(MaxAddresses)...))
	r, err := parseRecord(author, good)
	require.NoError(t, err)
	require.Len(t, r.Addrs, MaxAddresses)

	tampered := bytes.Clone(good)
	tampered[len(tampered)-1] ^= 1
	future := rec(author, someAddrs(1)...)
	future.Seq = 1 << 63
	for name, data := range map[string][]byte{
		"bad signature":              tampered,
		"of another peer":            seal(t, key, rec(other, someAddrs(1)...)),
		"too many addresses":         seal(t, key, rec(author, someAddrs(MaxAddresses+1)...)),
		"no address":                 seal(t, key, rec(author)),
		"the same address twice":     seal(t, key, rec(author, append(someAddrs(1), someAddrs(1)...)...)),
		"address of another network": seal(t, key, rec(author, ma.StringCast("/ip4/127.0.0.1/udp/1"))),
		"a time that is yet to come": seal(t, key, future),
		"cut off":                    good[:len(good)/2],
		"empty":                      nil,
		"too long":                   append(bytes.Clone(good), make([]byte, maxRecord)...),
		"something else that is signed": func() []byte {
			sig, err := key.Sign(good)
			require.NoError(t, err)
			return sig
		}(),
	} {
		_, err := parseRecord(author, data)
		require.Error(t, err, name)
	}
	_, err = parseRecord(other, good)
	require.Error(t, err, "sent by another author")
}

func FuzzRecord(f *testing.F) {
	key, author := newAuthor(f)
	f.Add(seal(f, key, peer.PeerRecordFromAddrInfo(peer.AddrInfo{ID: author, Addrs: someAddrs(2)})))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseRecord(author, data)
		if err == nil {
			require.Equal(t, author, r.PeerID)
			require.Equal(t, usable(r.Addrs), r.Addrs)
		}
	})
}

func TestThePaceOfAuthorsIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pace{last: make(map[peer.ID]time.Time)}
		require.True(t, p.allow("a", false))
		require.False(t, p.allow("a", false))
		require.True(t, p.allow("b", false))
		time.Sleep(recordPause)
		require.True(t, p.allow("a", false))
		for range maxPaced {
			p.allow(test.RandPeerIDFatal(t), false)
		}
		require.Len(t, p.last, maxPaced)
		require.False(t, p.allow("c", false), "too many authors at once")
		require.True(t, p.allow("member", true), "but the network knows this one")
		time.Sleep(recordPause)
		require.True(t, p.allow("c", false))
	})
}

// A peer whose records are not what they should be ends up banned by those who
// get them from it.
func TestWhoSpreadsHostileRecordsIsBanned(t *testing.T) {
	evil := openWith(t, func(c *Config) { c.Bootstrap = nil })
	n := openWith(t, func(c *Config) { c.Bootstrap = targets(evil) })
	waitConnected(t, n, evil)
	topic := n.topicName(peersKind)
	eventually(t, "the subscription", func() bool { return len(evil.gossip.pubsub.ListPeers(topic)) > 0 })
	key, other := newAuthor(t)
	stolen := seal(t, key, peer.PeerRecordFromAddrInfo(peer.AddrInfo{ID: other, Addrs: someAddrs(1)}))
	eventually(t, "the ban", func() bool {
		require.NoError(t, evil.publish(topic, append(stolen, byte(time.Now().UnixNano())))) // each a new message
		return n.gater.isBanned(evil.host.ID())
	})
	require.Zero(t, n.peering.book.sequence(other))
	s := stateOf(t, n, evil)
	require.False(t, s.BannedUntil.IsZero())
	require.Contains(t, s.Reason, "invalid message")
	require.Equal(t, CauseBanned, n.Probe(t.Context(), infoOf(evil)).Cause)
}

func TestTopicsOfOtherNetworksAreNotKept(t *testing.T) {
	f := topicsOf((&Node{cfg: Config{Network: "one"}}).topicName(""))
	for topic, want := range map[string]bool{
		"/pold/one/peers/1": true, "/pold/one/artefacts/1": true, "/pold/two/peers/1": false, "/pold/peers/1": false, "/pold/one//1": false,
		"/pold/one/a/b/1": false, "/pold/one/peers/2": false, "": false, "/pold/one/1": false,
	} {
		require.Equal(t, want, f.CanSubscribe(topic), topic)
	}
	require.True(t, topicsOf((&Node{}).topicName("")).CanSubscribe("/pold/peers/1"))
}
