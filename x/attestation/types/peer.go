package types

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"

	"github.com/mr-tron/base58"
	"github.com/multiformats/go-multiaddr"
)

const (
	// MaxPeerAddresses bounds the multiaddrs of an announcement.
	MaxPeerAddresses = 4
	// MaxPeerAddressSize bounds one multiaddr in bytes.
	MaxPeerAddressSize = 256

	announcementDomain = "pold/attestation/peer/v1"
)

// peerIDPrefix is the identity multihash of a protobuf-encoded ed25519 public key.
var peerIDPrefix = []byte{0x00, 0x24, 0x08, 0x01, 0x12, 0x20}

// PeerPublicKey returns the ed25519 key inside a libp2p peer id.
func PeerPublicKey(peerID string) (ed25519.PublicKey, error) {
	b, err := base58.Decode(peerID)
	if err != nil {
		return nil, ErrInvalidPeer.Wrapf("peer id %q: %s", peerID, err)
	}
	if len(b) != len(peerIDPrefix)+ed25519.PublicKeySize || !bytes.HasPrefix(b, peerIDPrefix) {
		return nil, ErrInvalidPeer.Wrapf("peer id %q: expected the id of an ed25519 key (12D3Koo…)", peerID)
	}
	return ed25519.PublicKey(b[len(peerIDPrefix):]), nil
}

// AnnouncementBytes is what the peer's key signs; it binds chain, account, addresses and expiry.
func AnnouncementBytes(chainID, sender, peerID string, addresses []string, expires int64) []byte {
	var e [8]byte
	binary.BigEndian.PutUint64(e[:], uint64(expires))
	fields := [][]byte{[]byte(announcementDomain), []byte(chainID), []byte(sender), []byte(peerID), e[:]}
	for _, a := range addresses {
		fields = append(fields, []byte(a))
	}
	return HashFields(fields...)
}

// ValidateAnnouncement checks shape and signature of an announcement.
func ValidateAnnouncement(chainID string, m *MsgAnnouncePeer) error {
	key, err := PeerPublicKey(m.PeerId)
	if err != nil {
		return err
	}
	if len(m.Addresses) == 0 || len(m.Addresses) > MaxPeerAddresses {
		return ErrInvalidPeer.Wrapf("addresses: expected 1 to %d, got %d", MaxPeerAddresses, len(m.Addresses))
	}
	for _, a := range m.Addresses {
		if len(a) > MaxPeerAddressSize {
			return ErrInvalidPeer.Wrapf("address: expected at most %d bytes, got %d", MaxPeerAddressSize, len(a))
		}
		if _, err := multiaddr.NewMultiaddr(a); err != nil {
			return ErrInvalidPeer.Wrapf("address %q: %s; expected a multiaddr such as /ip4/203.0.113.7/tcp/4001", a, err)
		}
	}
	if !ed25519.Verify(key, AnnouncementBytes(chainID, m.Sender, m.PeerId, m.Addresses, m.Expires), m.Signature) {
		return ErrInvalidPeer.Wrap("signature: not made by the peer's key over this chain, account, addresses and expiry; sign again with trainerd")
	}
	return nil
}
