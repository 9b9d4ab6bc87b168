package swarm

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	ma "github.com/multiformats/go-multiaddr"
)

// DefaultMaxObject is the largest object in bytes when Config.MaxObject is 0.
const DefaultMaxObject = 256 << 20

// MaxAddresses is how many addresses of one peer the chain records.
const MaxAddresses = 4

var (
	// ErrNotFound says that an object or one of its blocks is not stored here.
	ErrNotFound = errors.New("not stored on this node")
	// ErrDamaged says that a block on disk did not match its hash. The block
	// has been deleted; Fetch gets it again.
	ErrDamaged = errors.New("damaged on disk")
	// ErrMismatch says that the content behind a CID is not what was expected.
	// Asking again cannot help.
	ErrMismatch = errors.New("content differs from what was expected")
	// ErrTooLarge says that an object exceeds Config.MaxObject.
	ErrTooLarge = errors.New("object too large")
	// ErrClosed says that the node has been closed.
	ErrClosed = errors.New("swarm node is closed")
)

// Config describes a node. Only Home is required.
type Config struct {
	// Home is the folder of the node: identity.key, blocks/, pins.json, lock.
	Home string
	// Listen holds TCP multiaddrs; the default is /ip4/127.0.0.1/tcp/0.
	Listen []string
	// Announce replaces the addresses told to others, for a node behind a
	// forwarded port; the default is what the node listens on.
	Announce []string
	// MaxObject bounds the size in bytes of one object; 0 means
	// DefaultMaxObject.
	MaxObject int64
	// LoopbackOnly refuses connections to and from other machines.
	LoopbackOnly bool
	// Logger receives what goes wrong in the background; nil discards it.
	Logger *slog.Logger
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

// PeerInfo is a peer announced on chain: its peer id and its multiaddrs, with
// or without /p2p suffix.
type PeerInfo struct {
	PeerID    string
	Addresses []string
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
	if len(c.Announce) > MaxAddresses {
		return c, fmt.Errorf("announced addresses: expected at most %d, got %d", MaxAddresses, len(c.Announce))
	}
	return c, nil
}

// tcpAddress parses a multiaddr and insists on plain TCP, the one transport of
// the network.
func tcpAddress(s string) (ma.Multiaddr, error) {
	a, err := ma.NewMultiaddr(s)
	if err != nil {
		return nil, fmt.Errorf("address %q: expected a multiaddr such as /ip4/127.0.0.1/tcp/4001: %w", s, err)
	}
	if len(a) == 2 && a[1].Protocol().Code == ma.P_TCP {
		switch a[0].Protocol().Code {
		case ma.P_IP4, ma.P_IP6, ma.P_DNS, ma.P_DNS4, ma.P_DNS6:
			return a, nil
		}
	}
	return nil, fmt.Errorf("address %q: expected host and TCP port such as /ip4/127.0.0.1/tcp/4001", s)
}
