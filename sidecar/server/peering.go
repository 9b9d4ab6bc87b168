package server

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

const (
	// peerInterval is how often the announced peers are read.
	peerInterval = 2 * time.Second
	// maxAnnouncement bounds the life of an announcement in heights, whatever the chain allows.
	maxAnnouncement = 100_000
	// announceRetry is the wait after a refused announcement.
	announceRetry = 5 * time.Second
)

// PeerChain is what peering asks the node.
type PeerChain interface {
	ChainID() string
	Height(ctx context.Context) (int64, error)
	Peers(ctx context.Context) ([]attestationtypes.Peer, error)
	MaxPeerLifetime(ctx context.Context) (int64, error)
}

// Sender signs and sends transactions of one account.
type Sender interface {
	Address() string
	Send(ctx context.Context, msgs ...sdk.Msg) (hash string, height int64, err error)
}

// Identity is the part of a swarm node that peering uses.
type Identity interface {
	PeerID() string
	Addresses() []string
	Sign(message []byte) ([]byte, error)
	SetPeers(peers []attestationtypes.Peer)
}

// Peering keeps the swarm node connected to the peers that the chain knows, and the chain informed about this one.
type Peering struct {
	chain  PeerChain
	node   Identity
	sender Sender // nil: follow others, announce nothing
	log    *slog.Logger

	failing bool
	next    time.Time // no announcement before
}

// NewPeering returns peering that Run starts. Without a sender it only follows.
func NewPeering(chain PeerChain, node Identity, sender Sender, log *slog.Logger) *Peering {
	return &Peering{chain: chain, node: node, sender: sender, log: log}
}

// Run works until the context ends.
func (p *Peering) Run(ctx context.Context) error {
	tick := time.NewTicker(peerInterval)
	defer tick.Stop()
	for {
		p.Step(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Step reads the peers once and announces this one when that is due. Problems are logged once and tried again.
func (p *Peering) Step(ctx context.Context) {
	peers, err := p.chain.Peers(ctx)
	if err != nil {
		return // the worker already says that the node is away
	}
	p.node.SetPeers(slices.DeleteFunc(slices.Clone(peers), func(x attestationtypes.Peer) bool { return x.PeerId == p.node.PeerID() }))
	if p.sender == nil || time.Now().Before(p.next) {
		return
	}
	err = p.announce(ctx, peers)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		p.next = time.Now().Add(announceRetry)
		if !p.failing {
			p.log.Warn("could not announce this peer; trying again", "account", p.sender.Address(), "error", err)
		}
		p.failing = true
	default:
		p.failing = false
	}
}

// announce sends an announcement unless the chain holds a current one.
func (p *Peering) announce(ctx context.Context, peers []attestationtypes.Peer) error {
	height, err := p.chain.Height(ctx)
	if err != nil {
		return err
	}
	lifetime, err := p.chain.MaxPeerLifetime(ctx)
	if err != nil {
		return err
	}
	lifetime = min(lifetime, maxAnnouncement)
	addresses := p.node.Addresses()
	addresses = addresses[:min(len(addresses), attestationtypes.MaxPeerAddresses)]
	if len(addresses) == 0 {
		return fmt.Errorf("this peer listens on no address; give one with --p2p-listen")
	}
	for _, x := range peers {
		current := x.Address == p.sender.Address() && x.PeerId == p.node.PeerID() && slices.Equal(x.Addresses, addresses)
		if current && x.Expires-height > lifetime/4 {
			return nil
		}
	}
	m := &attestationtypes.MsgAnnouncePeer{Sender: p.sender.Address(), PeerId: p.node.PeerID(), Addresses: addresses, Expires: height + lifetime}
	message := attestationtypes.AnnouncementBytes(p.chain.ChainID(), m.Sender, m.PeerId, m.Addresses, m.Expires)
	if m.Signature, err = p.node.Sign(message); err != nil {
		return fmt.Errorf("sign the announcement: %w", err)
	}
	if _, _, err := p.sender.Send(ctx, m); err != nil {
		return err
	}
	p.log.Info("announced this peer", "account", m.Sender, "peer", m.PeerId, "addresses", m.Addresses, "expires", m.Expires)
	return nil
}
