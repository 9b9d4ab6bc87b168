package types_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/mr-tron/base58"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/x/attestation/types"
)

func peerID(key ed25519.PrivateKey) string {
	prefix := []byte{0x00, 0x24, 0x08, 0x01, 0x12, 0x20}
	return base58.Encode(append(prefix, key.Public().(ed25519.PublicKey)...))
}

func announcement() (*types.MsgAnnouncePeer, ed25519.PrivateKey) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	m := &types.MsgAnnouncePeer{
		Sender: "pol1sender", PeerId: peerID(key), Expires: 100,
		Addresses: []string{"/ip4/203.0.113.7/tcp/4001", "/dns4/a.example/udp/4001/quic-v1"},
	}
	sign(m, key)
	return m, key
}

func sign(m *types.MsgAnnouncePeer, key ed25519.PrivateKey) {
	m.Signature = ed25519.Sign(key, types.AnnouncementBytes(chainID, m.Sender, m.PeerId, m.Addresses, m.Expires))
}

func TestAnnouncementBytesAreThoseOfTheVector(t *testing.T) {
	b := types.AnnouncementBytes(chainID, "pol1sender", "12D3KooW", []string{"/ip4/127.0.0.1/tcp/4001", "/dns4/a.example/udp/9/quic-v1"}, 100)
	require.Equal(t, "9357a2fec6e624d2156053b9bbb1c8ae310c1207685322b20812cc881fcd972f", hex.EncodeToString(b))
	require.NotEqual(t,
		types.AnnouncementBytes(chainID, "a", "b", []string{"/unix/x\n/unix/y"}, 1),
		types.AnnouncementBytes(chainID, "a", "b", []string{"/unix/x", "/unix/y"}, 1), "one address is not two")
}

func TestAnAnnouncementSignedByThePeerIsValid(t *testing.T) {
	m, _ := announcement()
	require.True(t, strings.HasPrefix(m.PeerId, "12D3KooW"))
	require.NoError(t, types.ValidateAnnouncement(chainID, m))
}

func TestAnAnnouncementIsBoundToAllItSays(t *testing.T) {
	other := ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef"))
	for _, c := range []struct {
		name  string
		chain string
		alter func(*types.MsgAnnouncePeer)
	}{
		{"another chain", "pold-test-2", func(*types.MsgAnnouncePeer) {}},
		{"another sender", chainID, func(m *types.MsgAnnouncePeer) { m.Sender = "pol1thief" }},
		{"another peer", chainID, func(m *types.MsgAnnouncePeer) { m.PeerId = peerID(other) }},
		{"another address", chainID, func(m *types.MsgAnnouncePeer) { m.Addresses[0] = "/ip4/203.0.113.8/tcp/4001" }},
		{"an address less", chainID, func(m *types.MsgAnnouncePeer) { m.Addresses = m.Addresses[:1] }},
		{"a longer life", chainID, func(m *types.MsgAnnouncePeer) { m.Expires++ }},
		{"another signature", chainID, func(m *types.MsgAnnouncePeer) { m.Signature[0] ^= 1 }},
		{"no signature", chainID, func(m *types.MsgAnnouncePeer) { m.Signature = nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, _ := announcement()
			c.alter(m)
			err := types.ValidateAnnouncement(c.chain, m)
			require.ErrorIs(t, err, types.ErrInvalidPeer)
			require.ErrorContains(t, err, "signature")
		})
	}
}

func TestAnAnnouncementHasItsShape(t *testing.T) {
	long := "/dns4/" + strings.Repeat("a", 256) + "/tcp/1"
	for _, c := range []struct {
		name, want string
		alter      func(*types.MsgAnnouncePeer)
	}{
		{"no address", "expected 1 to 4, got 0", func(m *types.MsgAnnouncePeer) { m.Addresses = nil }},
		{"five addresses", "expected 1 to 4, got 5", func(m *types.MsgAnnouncePeer) {
			m.Addresses = []string{"/ip4/1.1.1.1/tcp/1", "/ip4/1.1.1.1/tcp/2", "/ip4/1.1.1.1/tcp/3", "/ip4/1.1.1.1/tcp/4", "/ip4/1.1.1.1/tcp/5"}
		}},
		{"an address that is a URL", "expected a multiaddr such as", func(m *types.MsgAnnouncePeer) { m.Addresses = []string{"http://a.example"} }},
		{"an empty address", "expected a multiaddr", func(m *types.MsgAnnouncePeer) { m.Addresses = []string{""} }},
		{"a long address", "at most 256 bytes", func(m *types.MsgAnnouncePeer) { m.Addresses = []string{long} }},
		{"a peer id in another alphabet", "peer id", func(m *types.MsgAnnouncePeer) { m.PeerId = "0OIl" }},
		{"a peer id of an RSA key", "expected the id of an ed25519 key", func(m *types.MsgAnnouncePeer) { m.PeerId = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N" }},
		{"no peer id", "peer id", func(m *types.MsgAnnouncePeer) { m.PeerId = "" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, key := announcement()
			c.alter(m)
			sign(m, key)
			err := types.ValidateAnnouncement(chainID, m)
			require.ErrorIs(t, err, types.ErrInvalidPeer)
			require.ErrorContains(t, err, c.want)
		})
	}
}
