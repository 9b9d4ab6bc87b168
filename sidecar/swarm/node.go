package swarm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Node is one participant of the swarm. Its methods are safe for concurrent
// use; after Close they return ErrClosed.
type Node struct {
	cfg   Config
	log   *slog.Logger
	stall time.Duration

	lock      *os.File
	key       crypto.PrivKey
	host      host.Host
	gater     *gater
	meter     *meter
	store     *store
	guard     *guard
	exchange  exchange
	routing   *routing
	peering   *peering
	providing *providing
	healer    *healer

	// pinMu is held by whoever changes which objects are kept, and for the
	// whole of a removal; pins and holds have locks of their own for reading.
	pinMu sync.Mutex
	pins  *pinSet
	holds *holds

	ctx    context.Context // ends at Close
	cancel context.CancelCauseFunc

	mu      sync.Mutex // guards closed and additions to running
	closed  bool
	running sync.WaitGroup

	closeOnce sync.Once
	closeErr  error
}

// Open starts a node in cfg.Home, which is created when missing. ctx bounds
// the start only; the node runs until Close.
func Open(ctx context.Context, cfg Config) (*Node, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	n := &Node{
		cfg:   cfg,
		log:   cfg.Logger,
		stall: stallTimeout,
		gater: newGater(cfg.LoopbackOnly),
		meter: new(meter),
		holds: newHolds(),
	}
	n.ctx, n.cancel = context.WithCancelCause(context.Background())
	n.healer = newHealer(n)
	n.guard = newGuard(cfg.Logger, n.cutOff)
	if err := n.open(ctx); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Node) open(ctx context.Context) error {
	home := n.cfg.Home
	if err := os.MkdirAll(home, 0o700); err != nil {
		return fmt.Errorf("create the swarm home: %w", err)
	}
	var err error
	if n.lock, err = lockHome(home); err != nil {
		return err
	}
	if n.key, err = loadIdentity(filepath.Join(home, "identity.key")); err != nil {
		return err
	}
	if n.pins, err = loadPins(filepath.Join(home, "pins.json")); err != nil {
		return err
	}
	if n.store, err = openStore(filepath.Join(home, "blocks"), n.log, n.healer.report); err != nil {
		return err
	}
	if err := n.finishRemovals(ctx); err != nil {
		return err
	}
	if n.host, err = newHost(n.cfg, n.key, n.gater, n.meter); err != nil {
		return err
	}
	if n.routing, err = newRouting(n.host, n.log); err != nil {
		return err
	}
	n.exchange = newExchange(n.host, n.store, n.guard)
	n.peering = newPeering(n.host, n.log)
	n.providing = newProviding(n.routing, n.pins.list(false))
	n.background(func() { n.peering.run(n.ctx) })
	n.background(func() { n.providing.run(n.ctx) })
	n.background(func() { n.healer.run(n.ctx) })
	return nil
}

// finishRemovals completes what a crash interrupted.
func (n *Node) finishRemovals(ctx context.Context) error {
	n.pinMu.Lock()
	defer n.pinMu.Unlock()
	for _, p := range n.pins.list(true) {
		if !p.removing {
			continue
		}
		if err := n.finishRemove(ctx, p); err != nil {
			return fmt.Errorf("complete the removal of %s: %w", p.CID, err)
		}
	}
	return nil
}

// Close ends all calls under way with ErrClosed, leaves the network and closes
// the store. Further calls return the first result.
func (n *Node) Close() error {
	n.closeOnce.Do(func() {
		n.mu.Lock()
		n.closed = true
		n.mu.Unlock()
		n.cancel(ErrClosed)
		n.running.Wait()
		var errs []error
		if n.exchange != nil {
			errs = append(errs, n.exchange.Close())
		}
		if n.routing != nil {
			errs = append(errs, n.routing.Close())
		}
		if n.host != nil {
			errs = append(errs, n.host.Close())
		}
		if n.store != nil {
			errs = append(errs, n.store.Close())
		}
		if n.lock != nil {
			errs = append(errs, n.lock.Close())
		}
		if err := errors.Join(errs...); err != nil {
			n.closeErr = fmt.Errorf("close the swarm node: %w", err)
		}
	})
	return n.closeErr
}

// begin registers a call: its context also ends at Close, which waits for done.
func (n *Node) begin(ctx context.Context) (_ context.Context, done func(), _ error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, nil, ErrClosed
	}
	n.running.Add(1)
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(n.ctx, func() { cancel(ErrClosed) })
	return ctx, func() {
		stop()
		cancel(nil)
		n.running.Done()
	}, nil
}

// background runs fn in a goroutine that Close waits for.
func (n *Node) background(fn func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closed {
		n.running.Go(fn)
	}
}

// cutOff bans a peer for a while and drops its connections.
func (n *Node) cutOff(p peer.ID) {
	n.gater.ban(p, banDuration)
	n.background(func() {
		if err := n.host.Network().ClosePeer(p); err != nil {
			n.log.Debug("close connections", "peer", p.String(), "cause", err)
		}
	})
}

// PeerID returns the peer id of the node, which contains its public key.
func (n *Node) PeerID() string { return n.host.ID().String() }

// Addresses returns at most MaxAddresses multiaddrs, without /p2p suffix,
// under which others reach the node; loopback only when there is nothing else.
func (n *Node) Addresses() []string {
	all := n.host.Addrs()
	slices.SortFunc(all, func(a, b ma.Multiaddr) int {
		if d := addressRank(a) - addressRank(b); d != 0 {
			return d
		}
		return a.Compare(b)
	})
	var out []string
	for _, a := range all {
		if len(out) == MaxAddresses || (len(out) > 0 && addressRank(a) == loopbackRank) {
			break
		}
		out = append(out, a.String())
	}
	return out
}

const loopbackRank = 2

// addressRank orders public before private before loopback addresses.
func addressRank(a ma.Multiaddr) int {
	switch {
	case manet.IsIPLoopback(a):
		return loopbackRank
	case manet.IsPrivateAddr(a):
		return 1
	}
	return 0
}

// Sign signs message with the identity key (ed25519). The public key inside
// PeerID verifies it. The caller separates domains: it must never sign bytes
// that someone else chose.
func (n *Node) Sign(message []byte) ([]byte, error) {
	sig, err := n.key.Sign(message)
	if err != nil {
		return nil, fmt.Errorf("sign with the identity key: %w", err)
	}
	return sig, nil
}
