package swarm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	libp2pswarm "github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// MaxNeighbours bounds the announced peers a node keeps connections to.
	MaxNeighbours = 64

	redialInterval = 2 * time.Second
	parallelDials  = 8
	neighbourTag   = "pold-neighbour"
)

// SetPeers replaces the list of announced peers. The node keeps a connection
// to each of them, or to MaxNeighbours of a longer list, chosen by a hash so
// that different nodes choose differently. This node itself and entries that
// cannot be parsed are left out; the error names the latter, the others count.
func (n *Node) SetPeers(ctx context.Context, peers []PeerInfo) error {
	_, done, err := n.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	list := make(map[peer.ID][]ma.Multiaddr, len(peers))
	var bad []error
	for _, p := range peers {
		id, addrs, err := parsePeer(p)
		if err != nil {
			bad = append(bad, err)
		}
		if id != "" && id != n.host.ID() && len(addrs) > 0 {
			list[id] = addrs
		}
	}
	n.peering.set(list)
	return errors.Join(bad...)
}

// parsePeer returns the usable part of p; the error names the rest.
func parsePeer(p PeerInfo) (peer.ID, []ma.Multiaddr, error) {
	id, err := peer.Decode(p.PeerID)
	if err != nil {
		return "", nil, fmt.Errorf("peer id %.80q: %w", p.PeerID, err)
	}
	var (
		addrs []ma.Multiaddr
		bad   []error
	)
	for _, s := range p.Addresses {
		plain := strings.TrimSuffix(s, "/p2p/"+p.PeerID)
		a, err := tcpAddress(plain)
		if err != nil {
			bad = append(bad, fmt.Errorf("peer %s: %w", p.PeerID, err))
			continue
		}
		if len(addrs) < MaxAddresses {
			addrs = append(addrs, a)
		}
	}
	return id, addrs, errors.Join(bad...)
}

// Connected returns the ids of the peers this node has a connection to, in
// order.
func (n *Node) Connected() []string {
	peers := n.host.Network().Peers()
	out := make([]string, len(peers))
	for i, p := range peers {
		out[i] = p.String()
	}
	slices.Sort(out)
	return out
}

// peering keeps connections to the neighbours.
type peering struct {
	host host.Host
	log  *slog.Logger
	wake chan struct{}

	mu         sync.Mutex
	neighbours map[peer.ID][]ma.Multiaddr
	dialling   map[peer.ID]bool
}

func newPeering(h host.Host, log *slog.Logger) *peering {
	return &peering{
		host:       h,
		log:        log,
		wake:       make(chan struct{}, 1),
		neighbours: make(map[peer.ID][]ma.Multiaddr),
		dialling:   make(map[peer.ID]bool),
	}
}

func (p *peering) set(list map[peer.ID][]ma.Multiaddr) {
	chosen := chooseNeighbours(p.host.ID(), list)
	p.mu.Lock()
	old := p.neighbours
	p.neighbours = chosen
	p.mu.Unlock()
	for id, addrs := range old {
		// Announced addresses are permanent; forget those no longer announced.
		p.host.Peerstore().SetAddrs(id, addrs, 0)
		if _, ok := chosen[id]; !ok {
			p.host.ConnManager().Unprotect(id, neighbourTag)
		}
	}
	for id, addrs := range chosen {
		p.host.Peerstore().SetAddrs(id, addrs, peerstore.PermanentAddrTTL)
		p.host.ConnManager().Protect(id, neighbourTag)
	}
	p.redialNow()
}

// chooseNeighbours keeps MaxNeighbours of the list, by the order of
// sha256(self ‖ peer).
func chooseNeighbours(self peer.ID, list map[peer.ID][]ma.Multiaddr) map[peer.ID][]ma.Multiaddr {
	if len(list) <= MaxNeighbours {
		return list
	}
	type ranked struct {
		id   peer.ID
		rank [32]byte
	}
	all := make([]ranked, 0, len(list))
	for id := range list {
		all = append(all, ranked{id, sha256.Sum256([]byte(string(self) + string(id)))})
	}
	slices.SortFunc(all, func(a, b ranked) int { return bytes.Compare(a.rank[:], b.rank[:]) })
	out := make(map[peer.ID][]ma.Multiaddr, MaxNeighbours)
	for _, r := range all[:MaxNeighbours] {
		out[r.id] = list[r.id]
	}
	return out
}

// redialNow asks for a round of dials without waiting for the next one.
func (p *peering) redialNow() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *peering) run(ctx context.Context) {
	var dials sync.WaitGroup
	defer dials.Wait()
	slots := make(chan struct{}, parallelDials)
	tick := time.NewTicker(redialInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		case <-tick.C:
		}
		for id, addrs := range p.missing() {
			dials.Go(func() {
				defer p.dialled(id)
				select {
				case slots <- struct{}{}:
				case <-ctx.Done():
					return
				}
				defer func() { <-slots }()
				if err := connect(ctx, p.host, peer.AddrInfo{ID: id, Addrs: addrs}); err != nil {
					p.log.Debug("neighbour not reachable", "peer", id.String(), "cause", err)
				}
			})
		}
	}
}

// missing returns the neighbours without connection that are not being
// dialled, and marks them as being dialled.
func (p *peering) missing() map[peer.ID][]ma.Multiaddr {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make(map[peer.ID][]ma.Multiaddr)
	for id, addrs := range p.neighbours {
		if !p.dialling[id] && p.host.Network().Connectedness(id) != network.Connected {
			p.dialling[id] = true
			out[id] = addrs
		}
	}
	return out
}

func (p *peering) dialled(id peer.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.dialling, id)
}

// connect dials a peer now: libp2p's back-off, which grows to minutes, is
// cleared first because the caller has its own pace.
func connect(ctx context.Context, h host.Host, info peer.AddrInfo) error {
	if s, ok := h.Network().(*libp2pswarm.Swarm); ok {
		s.Backoff().Clear(info.ID)
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return h.Connect(ctx, info)
}
