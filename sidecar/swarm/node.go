package swarm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
	"github.com/pold-network/pold/sidecar/swarm/internal/transfer"
)

// Node is one participant of the swarm. Its methods are safe for concurrent
// use; after Close they return ErrClosed.
type Node struct {
	cfg Config
	log *slog.Logger

	lock      *os.File
	key       crypto.PrivKey
	host      *connections
	members   *members
	scores    *scores
	gater     *gater
	relays    *relays
	meter     *meter
	store     *objectstore.Store
	transfer  *transfer.Service
	guard     *guard
	exchange  exchange
	routing   *routing
	peering   *peering
	gossip    *gossip
	mdns      io.Closer
	providing *providing
	healer    *healer

	ctx    context.Context // ends at Close
	cancel context.CancelCauseFunc

	mu      sync.Mutex // guards closed and additions to running
	closed  bool
	running sync.WaitGroup

	room     sync.Mutex // one at a time makes room
	reserved int64      // bytes of objects that are about to begin

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
		meter: new(meter),
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
	if n.store, err = objectstore.Open(home, n.log, n.healer.report); err != nil {
		return err
	}
	if err := n.migrate(ctx); err != nil {
		return err
	}
	if err := n.connect(); err != nil {
		return err
	}
	n.transfer = transfer.New(n.host, n.store, transferPeers{n}, n.cfg.UploadLimit, n.log)
	n.exchange = newExchange(n.host, pacedBlocks{n.store.Blockstore(), n.transfer.Pace}, n.guard)
	n.providing = newProviding(n.routing, n.store.List())
	for c := range n.tagRecords() {
		n.providing.add(c)
	}
	n.answerSearches()
	if err := n.startPeering(); err != nil {
		return err
	}
	n.background(func() { n.providing.run(n.ctx) })
	n.background(func() { n.healer.run(n.ctx) })
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
		if n.mdns != nil {
			errs = append(errs, n.mdns.Close())
		}
		if n.transfer != nil {
			n.transfer.Close()
		}
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
// under which others reach the node, through a relay if need be; loopback only
// when there is nothing else.
func (n *Node) Addresses() []string {
	var out []string
	for _, a := range announced(n.host.Addrs()) {
		out = append(out, a.String())
	}
	return out
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
