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
	// announcePause is the least time between announcements of new addresses: a router may give out one after the other.
	announcePause = time.Minute
	// reputationInterval is how often reputations are read, of reputationBatch accounts at a time and for at most reputationTimeout.
	reputationInterval = time.Minute
	reputationBatch    = 64
	reputationTimeout  = 3 * time.Second
	// neutralReputation is that of an account of which nothing is known yet.
	neutralReputation = 0.5
)

// PeerChain is what peering asks the node.
type PeerChain interface {
	ChainID() string
	Height(ctx context.Context) (int64, error)
	Peers(ctx context.Context) ([]attestationtypes.Peer, error)
	MaxPeerLifetime(ctx context.Context) (int64, error)
	Reputation(ctx context.Context, account string) (float64, error)
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
	SetPeers(peers []AnnouncedPeer)
}

// AnnouncedPeer is a peer that the chain knows, with the reputation of its account from 0 to 1.
type AnnouncedPeer struct {
	attestationtypes.Peer
	Reputation float64
}

// Peering keeps the swarm node connected to the peers that the chain knows, and the chain informed about this one.
type Peering struct {
	chain  PeerChain
	node   Identity
	sender Sender // nil: follow others, announce nothing
	log    *slog.Logger

	failing   bool
	next      time.Time // no announcement before
	announced time.Time // the last one

	reputations map[string]reputation // by account
	read        time.Time             // when reputations were last read
}

// reputation is a value and when it was read.
type reputation struct {
	value float64
	at    time.Time
}

// NewPeering returns peering that Run starts. Without a sender it only follows.
func NewPeering(chain PeerChain, node Identity, sender Sender, log *slog.Logger) *Peering {
	return &Peering{chain: chain, node: node, sender: sender, log: log, reputations: make(map[string]reputation)}
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
	p.readReputations(ctx, peers)
	others := make([]AnnouncedPeer, 0, len(peers))
	for _, x := range peers {
		if x.PeerId != p.node.PeerID() {
			others = append(others, AnnouncedPeer{Peer: x, Reputation: p.reputation(x.Address)})
		}
	}
	p.node.SetPeers(others)
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

// readReputations reads some reputations again, those longest ago first, and forgets the accounts that announce no peer. It stops at the
// first failure: what was known stays, the rest is neutral.
func (p *Peering) readReputations(ctx context.Context, peers []attestationtypes.Peer) {
	now := time.Now()
	if now.Sub(p.read) < reputationInterval {
		return
	}
	p.read = now
	known := make(map[string]reputation, len(peers))
	var accounts []string
	for _, x := range peers {
		if _, twice := known[x.Address]; !twice {
			known[x.Address] = reputation{p.reputation(x.Address), p.reputations[x.Address].at}
			accounts = append(accounts, x.Address)
		}
	}
	p.reputations = known
	slices.SortStableFunc(accounts, func(a, b string) int { return known[a].at.Compare(known[b].at) })
	ctx, cancel := context.WithTimeout(ctx, reputationTimeout)
	defer cancel()
	for _, account := range accounts[:min(len(accounts), reputationBatch)] {
		value, err := p.chain.Reputation(ctx, account)
		if err != nil {
			p.log.Debug("reputations not read", "account", account, "error", err)
			return
		}
		known[account] = reputation{value, now}
	}
}

func (p *Peering) reputation(account string) float64 {
	if r, ok := p.reputations[account]; ok {
		return r.value
	}
	return neutralReputation
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
		return fmt.Errorf("this peer listens on no address and has found no relay yet; give an address with --p2p-listen, or wait")
	}
	for _, x := range peers {
		ours := x.Address == p.sender.Address() && x.PeerId == p.node.PeerID() && x.Expires-height > lifetime/4
		if ours && (slices.Equal(x.Addresses, addresses) || time.Since(p.announced) < announcePause) {
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
	p.announced = time.Now()
	p.log.Info("announced this peer", "account", m.Sender, "peer", m.PeerId, "addresses", m.Addresses, "expires", m.Expires)
	return nil
}
