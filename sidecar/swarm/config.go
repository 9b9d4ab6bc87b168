package swarm

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

const (
	// ChunkSize is the size in bytes of every chunk of an object but the last.
	ChunkSize = dag.ChunkSize
	// IPFSFlags let stock IPFS tools give files the CIDs that they have here.
	IPFSFlags = dag.IPFSFlags
	// DefaultMaxObject is the largest object in bytes when Config.MaxObject
	// is 0.
	DefaultMaxObject = 64 << 30
)

// maxNetworkName bounds Config.Network in bytes.
const maxNetworkName = 64

var (
	// ErrNotFound says that an object or one of its chunks is not stored here.
	ErrNotFound = objectstore.ErrNotFound
	// ErrDamaged says that a chunk on disk did not match its digest. It is
	// missing from then on; Fetch gets it again.
	ErrDamaged = objectstore.ErrDamaged
	// ErrDiskFull says that the disk has no room; what is stored stays.
	ErrDiskFull = objectstore.ErrDiskFull
	// ErrMismatch says that the content behind a CID is not what was expected.
	// Asking again cannot help.
	ErrMismatch = dag.ErrMismatch
	// ErrTooLarge says that an object exceeds a limit.
	ErrTooLarge = dag.ErrTooLarge
	// ErrClosed says that the node has been closed.
	ErrClosed = errors.New("swarm node is closed")
)

// Config describes a node. Only Home is required.
type Config struct {
	// Home is the folder of the node: identity.key, objects/,
	// objects.log, lock.
	Home string
	// Network names the network, as a rule the chain id: nodes of different
	// networks find nothing through each other. Empty is a network as well.
	Network string
	// Listen holds TCP and QUIC multiaddrs; the default is
	// /ip4/127.0.0.1/tcp/0. NoListen alone is for a node that only dials.
	Listen []string
	// Announce replaces the addresses told to others, for a node behind a
	// forwarded port; the default is what the node listens on.
	Announce []string
	// MaxObject bounds the size in bytes of one object; 0 means
	// DefaultMaxObject.
	MaxObject int64
	// LoopbackOnly refuses connections to and from other machines.
	LoopbackOnly bool
	// Bootstrap holds multiaddrs that end in /p2p/ID of peers to start from:
	// they are dialled while few others are connected.
	Bootstrap []string
	// MDNS finds and tells peers on the local network.
	MDNS bool
	// PrivateKeyFile is the key of a private network (swarm.key); QUIC is off
	// then.
	PrivateKeyFile string
	// AllowList closes the node to peers that are not named: AllowAnnounced or
	// a file of peer ids. Bootstrap peers are always allowed.
	AllowList string
	// NoRelay neither uses nor offers relays; NoPortMapping does not ask the
	// router to forward the ports.
	NoRelay       bool
	NoPortMapping bool
	// Quota bounds the bytes on disk: objects that are not pinned go when room
	// is needed. 0 is no limit but the disk.
	Quota int64
	// UploadLimit bounds what is sent to peers in bytes a second; 0 is no
	// limit.
	UploadLimit int64
	// ApplyDelta makes an object of at most limit bytes from a base and a
	// delta; the result is verified. Nil: deltas are not used.
	ApplyDelta func(base, delta []byte, limit int64) ([]byte, error)
	// Logger receives what goes wrong in the background; nil discards it.
	Logger *slog.Logger

	// reachability replaces what AutoNAT finds out.
	reachability network.Reachability
}

// Object is a stored object: its CID, its size in bytes and the SHA-256 of its
// bytes.
type Object struct {
	CID    string
	Size   int64
	SHA256 [32]byte
}

// Expect is what the caller knows about an object before it is fetched, from
// the chain as a rule. Both fields are checked.
type Expect struct {
	Size   int64
	SHA256 [32]byte
}

// PeerInfo is a peer announced on chain: its peer id, its multiaddrs, with or
// without /p2p suffix, and the reputation of the announcing account from 0 to
// 1.
type PeerInfo struct {
	PeerID     string
	Addresses  []string
	Reputation float64
}

func (c Config) withDefaults() (Config, error) {
	if c.Home == "" {
		return c, errors.New("swarm home is empty: expected the folder for identity, blocks and pins")
	}
	home, err := filepath.Abs(c.Home)
	if err != nil {
		return c, fmt.Errorf("swarm home %q: %w", c.Home, err)
	}
	c.Home = home
	if len(c.Listen) == 0 {
		c.Listen = []string{"/ip4/127.0.0.1/tcp/0"}
	}
	if c.MaxObject < 0 {
		return c, fmt.Errorf("largest object: expected a positive number of bytes, got %d", c.MaxObject)
	}
	if c.MaxObject == 0 {
		c.MaxObject = DefaultMaxObject
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if strings.ContainsFunc(c.Network, func(r rune) bool { return r == '/' || !unicode.IsGraphic(r) }) || len(c.Network) > maxNetworkName {
		return c, fmt.Errorf("network: expected a name such as a chain id of at most %d bytes without slashes, got %.80q", maxNetworkName, c.Network)
	}
	if len(c.Announce) > MaxAddresses {
		return c, fmt.Errorf("announced addresses: expected at most %d, got %d", MaxAddresses, len(c.Announce))
	}
	return c, nil
}
