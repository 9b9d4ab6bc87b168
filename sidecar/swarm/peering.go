package swarm

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// MaxNeighbours bounds the announced peers a node keeps connections to.
	MaxNeighbours = 64
	// While fewer peers than this are connected, static and known peers are
	// dialled as well.
	wantedPeers = 8

	redialInterval = 2 * time.Second
	parallelDials  = 8
	neighbourTag   = "pold-neighbour"
	// A connection through a relay is tried again without it at this pace.
	directInterval = time.Minute
	// A peer of another network is not dialled again for this long.
	avoidFor = 10 * time.Minute
	// rateInterval is how often connections are rated and measured.
	rateInterval = 30 * time.Second
	pingTimeout  = 5 * time.Second
	// saveInterval is how often the connected peers are written to disk.
	saveInterval = 5 * time.Minute
)

// SetPeers replaces the list of announced peers, which are members; all others
// are guests. The node keeps a connection to each member, or to MaxNeighbours
// of a longer list, chosen by a hash so that different nodes choose
// differently, and by score. This node itself and entries that cannot be
// parsed are left out; the error names the latter, the others count.
func (n *Node) SetPeers(ctx context.Context, peers []PeerInfo) error {
	_, done, err := n.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	list := make(map[peer.ID][]ma.Multiaddr, len(peers))
	reputations := make(map[peer.ID]float64, len(peers))
	members := make(map[peer.ID]bool, len(peers))
	var bad []error
	for _, p := range peers {
		id, addrs, err := parsePeer(p)
		if err != nil {
			bad = append(bad, err)
		}
		if id == "" || id == n.host.ID() {
			continue
		}
		members[id] = true
		reputations[id] = min(max(p.Reputation, 0), 1)
		if len(addrs) > 0 {
			list[id] = addrs
		}
	}
	n.scores.setReputations(reputations)
	n.reclassify(n.members.set(members))
	n.peering.set(list)
	return errors.Join(bad...)
}

// reclassify applies what depends on the class of a peer to open connections.
func (n *Node) reclassify(changed map[peer.ID]bool) {
	for p := range changed {
		if n.host.Network().Connectedness(p) == network.NotConnected {
			continue
		}
		if !n.members.admitted(p) {
			n.background(func() { _ = n.host.Network().ClosePeer(p) })
			continue
		}
		if err := n.host.limiter.update(n.host.Network().ResourceManager(), p); err != nil {
			n.log.Debug("cannot change the limits of a peer", "peer", p.String(), "cause", err)
		}
		n.host.manager.rate(p, n.score(p))
	}
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
		a, err := parseAddress(plain)
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

// peering keeps connections to the neighbours and, while there are few, to
// other known peers.
type peering struct {
	host   *connections
	log    *slog.Logger
	scores *scores
	gater  *gater
	book   *book
	static []peer.AddrInfo
	path   string // of the peers file
	wake   chan struct{}

	mu         sync.Mutex
	neighbours map[peer.ID][]ma.Multiaddr
	dialling   map[peer.ID]bool
	direct     map[peer.ID]time.Time // next attempt to do without a relay
	avoided    map[peer.ID]time.Time // until when a peer of no use is not dialled
	failures   map[peer.ID]error     // of the last dial, if it failed
}

func newPeering(h *connections, s *scores, g *gater, b *book, static []peer.AddrInfo, path string, log *slog.Logger) *peering {
	return &peering{
		host: h, log: log, scores: s, gater: g, book: b, static: static, path: path,
		wake:       make(chan struct{}, 1),
		neighbours: make(map[peer.ID][]ma.Multiaddr),
		dialling:   make(map[peer.ID]bool),
		direct:     make(map[peer.ID]time.Time),
		avoided:    make(map[peer.ID]time.Time),
		failures:   make(map[peer.ID]error),
	}
}

func (p *peering) set(list map[peer.ID][]ma.Multiaddr) {
	p.mu.Lock()
	old := p.neighbours
	chosen := chooseNeighbours(p.host.ID(), list, func(id peer.ID) float64 {
		if p.gater.isBanned(id) {
			return 0
		}
		weight := p.scores.score(id)
		if _, kept := old[id]; kept {
			weight += keptWeight
		}
		return weight
	})
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

const (
	// minWeight is the weight of the worst peer in the choice of neighbours.
	minWeight = 0.05
	// keptWeight is added for a neighbour, so that small changes of scores
	// cost no connections.
	keptWeight = 0.25
)

// chooseNeighbours keeps MaxNeighbours of the list. A peer of twice the weight
// is chosen twice as likely, and the same node chooses the same from the same
// list: weighted sampling (Efraimidis and Spirakis 2006) with
// sha256(self ‖ peer) instead of chance.
func chooseNeighbours(self peer.ID, list map[peer.ID][]ma.Multiaddr, weight func(peer.ID) float64) map[peer.ID][]ma.Multiaddr {
	if len(list) <= MaxNeighbours {
		return list
	}
	type ranked struct {
		id   peer.ID
		rank float64
	}
	all := make([]ranked, 0, len(list))
	for id := range list {
		sum := sha256.Sum256([]byte(string(self) + string(id)))
		u := (float64(binary.BigEndian.Uint64(sum[:])>>11) + 0.5) / (1 << 53) // in (0, 1)
		all = append(all, ranked{id, -math.Log(u) / max(weight(id), minWeight)})
	}
	slices.SortFunc(all, func(a, b ranked) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.id, b.id)) })
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
				select {
				case slots <- struct{}{}:
				case <-ctx.Done():
					p.dialled(id, ctx.Err())
					return
				}
				defer func() { <-slots }()
				dial := ctx
				if p.host.Network().Connectedness(id) == network.Limited {
					dial = network.WithForceDirectDial(ctx, "relayed so far")
				}
				p.dialled(id, connect(dial, p.host, peer.AddrInfo{ID: id, Addrs: addrs}))
			})
		}
	}
}

// missing returns whom to dial now and marks them as being dialled: neighbours
// without connection and, while few peers are connected, static peers and the
// best known ones.
func (p *peering) missing() map[peer.ID][]ma.Multiaddr {
	var known []contact
	if few := wantedPeers - p.settled(); few > 0 {
		known = p.book.candidates()
		slices.SortFunc(known, func(a, b contact) int {
			return cmp.Or(cmp.Compare(p.scores.score(b.id), p.scores.score(a.id)), cmp.Compare(a.failed, b.failed),
				cmp.Compare(b.source, a.source), b.seen.Compare(a.seen))
		})
		known = known[:min(len(known), few)]
		for _, info := range p.static {
			known = append(known, contact{id: info.ID, addrs: info.Addrs})
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make(map[peer.ID][]ma.Multiaddr)
	want := func(id peer.ID, addrs []ma.Multiaddr) {
		if !p.dialling[id] && id != p.host.ID() && p.dialable(id, addrs) {
			p.dialling[id] = true
			out[id] = addrs
		}
	}
	for id, addrs := range p.neighbours {
		want(id, addrs)
	}
	for _, c := range known {
		want(c.id, c.addrs)
	}
	return out
}

// settled counts the connected peers without guests that came by themselves:
// whoever wants to isolate a node connects to it often.
func (p *peering) settled() (n int) {
	for _, id := range p.host.Network().Peers() {
		outbound := slices.ContainsFunc(p.host.Network().ConnsToPeer(id), func(c network.Conn) bool { return c.Stat().Direction == network.DirOutbound })
		if outbound || !p.host.manager.members.isGuest(id) {
			n++
		}
	}
	return n
}

// dialable says whether a dial can improve the connection to a peer. The
// caller holds mu.
func (p *peering) dialable(id peer.ID, addrs []ma.Multiaddr) bool {
	switch p.host.Network().Connectedness(id) {
	case network.Connected:
		return false
	case network.Limited:
		if len(direct(addrs)) == 0 || time.Now().Before(p.direct[id]) {
			return false
		}
		p.direct[id] = time.Now().Add(directInterval)
	}
	return !p.gater.isBanned(id) && !time.Now().Before(p.avoided[id])
}

// avoid does without a peer for a while.
func (p *peering) avoid(id peer.ID, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.avoided[id] = time.Now().Add(avoidFor)
	p.failures[id] = why
}

// dialled notes the outcome of a dial.
func (p *peering) dialled(id peer.ID, err error) {
	p.book.dialled(id, err)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.dialling, id)
	if err == nil {
		if _, avoided := p.avoided[id]; !avoided {
			delete(p.failures, id)
		}
		return
	}
	p.log.Debug("peer not reachable", "peer", id.String(), "cause", err)
	if _, had := p.failures[id]; had || len(p.failures) < maxBook {
		p.failures[id] = err
	}
}

// explain says why the last dial of a peer failed; there is no cause when it
// did not.
func (p *peering) explain(id peer.ID) Diagnosis {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.failures[id]
	if err == nil {
		return Diagnosis{}
	}
	return diagnose(err, p.neighbours[id])
}

// watch rates and measures connections, and remembers peers for the next run.
func (p *peering) watch(ctx context.Context) {
	rate, save := time.NewTicker(rateInterval), time.NewTicker(saveInterval)
	defer rate.Stop()
	defer save.Stop()
	defer p.remember()
	for {
		select {
		case <-ctx.Done():
			return
		case <-rate.C:
			p.tidy()
			p.measure(ctx)
		case <-save.C:
			p.remember()
		}
	}
}

// tidy rates all connections and forgets what belongs to no known peer.
func (p *peering) tidy() {
	connected := make(map[peer.ID]bool)
	for _, id := range p.host.Network().Peers() {
		connected[id] = true
		p.host.manager.rate(id, p.scores.score(id))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.direct {
		if !connected[id] {
			delete(p.direct, id)
		}
	}
	for id, until := range p.avoided {
		if time.Now().After(until) {
			delete(p.avoided, id)
		}
	}
	for id := range p.failures {
		if connected[id] {
			delete(p.failures, id)
		}
	}
}

// measure pings the connected peers that are no guests.
func (p *peering) measure(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	var pings sync.WaitGroup
	defer pings.Wait()
	for _, id := range p.host.Network().Peers() {
		if p.host.manager.members.isGuest(id) {
			continue
		}
		pings.Go(func() {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			<-ping.Ping(ctx, p.host, id) // libp2p keeps the time
		})
	}
}

// remember writes the connected peers that others can dial, best first.
func (p *peering) remember() {
	p.mu.Lock()
	neighbours := maps.Clone(p.neighbours)
	p.mu.Unlock()
	var infos []peer.AddrInfo
	for _, id := range p.host.Network().Peers() {
		addrs := neighbours[id]
		if len(addrs) == 0 {
			addrs = usable(p.host.Peerstore().Addrs(id))
		}
		if len(addrs) > 0 {
			infos = append(infos, peer.AddrInfo{ID: id, Addrs: addrs})
		}
	}
	if len(infos) == 0 {
		return // what the last run knew is better than nothing
	}
	slices.SortFunc(infos, func(a, b peer.AddrInfo) int {
		return cmp.Or(cmp.Compare(p.scores.score(b.ID), p.scores.score(a.ID)), cmp.Compare(a.ID, b.ID))
	})
	if err := savePeers(p.path, infos); err != nil {
		p.log.Warn("cannot remember the connected peers for the next start; is the disk full?", "file", p.path, "cause", err)
	}
}

// kept returns the neighbours and their announced addresses.
func (p *peering) kept() map[peer.ID][]ma.Multiaddr {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.neighbours // replaced as a whole, never changed
}
