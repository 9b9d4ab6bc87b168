package swarm

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// A node that can't be reached keeps places at this many relays.
	wantedRelays = 2
	// relayInterval is how often it looks after them.
	relayInterval = 2 * time.Second
	// A relay that refused is asked again after this.
	relayRetry = time.Minute
	// relayRenew is how long before its end a place is renewed.
	relayRenew = 10 * time.Minute

	// What this node relays when it can be reached: enough to meet and to
	// punch a hole, too little for files.
	relayedTime    = 5 * time.Minute
	relayedBytes   = 1 << 20
	maxRelayed     = 64
	maxRelayGuests = 16
)

// relays keeps places at relays while this node can't be reached from outside.
// Candidates are connected members and static peers that relay; libp2p's own
// finder is not used because it insists on public addresses, which neither a
// devnet nor a company network has.
type relays struct {
	log     *slog.Logger
	host    host.Host // set before run
	members *members

	mu     sync.Mutex
	places map[peer.ID]place
	retry  map[peer.ID]time.Time
}

// place is a reservation and the address that leads to it.
type place struct {
	address ma.Multiaddr
	until   time.Time
}

func newRelays(m *members, log *slog.Logger) *relays {
	return &relays{log: log, members: m, places: make(map[peer.ID]place), retry: make(map[peer.ID]time.Time)}
}

// addresses returns the addresses at which relays accept connections for this
// node.
func (r *relays) addresses() []ma.Multiaddr {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]ma.Multiaddr, 0, len(r.places))
	for _, p := range r.places {
		out = append(out, p.address)
	}
	slices.SortFunc(out, ma.Multiaddr.Compare)
	return out
}

func (r *relays) run(ctx context.Context) {
	changes, err := r.host.EventBus().Subscribe(new(event.EvtLocalReachabilityChanged), eventbus.Name("pold-relays"))
	if err != nil {
		r.log.Warn("cannot learn whether this node can be reached; it uses no relays", "cause", err)
		return
	}
	defer changes.Close()
	tick := time.NewTicker(relayInterval)
	defer tick.Stop()
	private := false
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-changes.Out():
			reachability := e.(event.EvtLocalReachabilityChanged).Reachability
			private = reachability == network.ReachabilityPrivate
			r.log.Debug("reachability from outside", "is", reachability.String())
		case <-tick.C:
		}
		if private {
			r.refresh(ctx)
		} else {
			r.leave()
		}
	}
}

// leave forgets all places; the relays forget them in time.
func (r *relays) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.places)
}

// refresh drops places at relays that are gone, renews those that end, and
// looks for others while there are too few.
func (r *relays) refresh(ctx context.Context) {
	now := time.Now()
	r.mu.Lock()
	var renew []peer.ID
	for p, at := range r.places {
		switch {
		case r.host.Network().Connectedness(p) != network.Connected || now.After(at.until):
			delete(r.places, p)
		case now.After(at.until.Add(-relayRenew)):
			renew = append(renew, p)
		}
	}
	missing := wantedRelays - len(r.places)
	for p, at := range r.retry {
		if now.After(at) {
			delete(r.retry, p)
		}
	}
	r.mu.Unlock()
	for _, p := range renew {
		r.reserve(ctx, p)
	}
	for _, p := range r.candidates() {
		if missing <= 0 || ctx.Err() != nil {
			return
		}
		if r.reserve(ctx, p) {
			missing--
		}
	}
}

// candidates returns the connected members and static peers that relay and
// are not used yet, in an order that differs from node to node.
func (r *relays) candidates() []peer.ID {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []peer.ID
	for _, p := range r.host.Network().Peers() {
		_, used := r.places[p]
		_, refused := r.retry[p]
		if used || refused || r.members.isGuest(p) {
			continue
		}
		if can, err := r.host.Peerstore().SupportsProtocols(p, proto.ProtoIDv2Hop); err == nil && len(can) > 0 {
			out = append(out, p)
		}
	}
	rank := func(p peer.ID) string {
		sum := sha256.Sum256([]byte(string(r.host.ID()) + string(p)))
		return string(sum[:])
	}
	slices.SortFunc(out, func(a, b peer.ID) int { return slices.Compare([]byte(rank(a)), []byte(rank(b))) })
	return out
}

// reserve asks one relay for a place.
func (r *relays) reserve(ctx context.Context, p peer.ID) bool {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	address := r.addressOf(p)
	reservation, err := client.Reserve(ctx, r.host, peer.AddrInfo{ID: p})
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil || address == nil {
		r.log.Debug("no place at a relay", "peer", p.String(), "cause", err)
		delete(r.places, p)
		r.retry[p] = time.Now().Add(relayRetry)
		return false
	}
	if _, had := r.places[p]; !had {
		r.log.Info("others reach this node through a relay", "address", address.String())
	}
	r.places[p] = place{address: address, until: reservation.Expiration}
	return true
}

// addressOf returns how others reach this node through relay p: at its best
// address.
func (r *relays) addressOf(p peer.ID) ma.Multiaddr {
	addrs := direct(usable(r.host.Peerstore().Addrs(p)))
	if len(addrs) == 0 {
		return nil
	}
	slices.SortFunc(addrs, compareAddresses)
	return ma.Join(addrs[0], ma.StringCast(fmt.Sprintf("/p2p/%s/p2p-circuit", p)))
}

// relayOptions say what this node does for others once it can be reached.
func relayOptions(m *members) []relay.Option {
	resources := relay.DefaultResources()
	resources.Limit = &relay.RelayLimit{Duration: relayedTime, Data: relayedBytes}
	resources.MaxReservations = maxRelayed
	return []relay.Option{relay.WithResources(resources), relay.WithACL(&relayAccess{members: m, ttl: resources.ReservationTTL, guests: make(map[peer.ID]time.Time)})}
}

// relayAccess gives places to members, and few to guests: a node that can't be
// reached needs one before it is announced.
type relayAccess struct {
	members *members
	ttl     time.Duration

	mu     sync.Mutex
	guests map[peer.ID]time.Time // until when
}

// AllowReserve says whether p may have a place.
func (a *relayAccess) AllowReserve(p peer.ID, _ ma.Multiaddr) bool {
	if !a.members.isGuest(p) {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	for id, until := range a.guests {
		if now.After(until) {
			delete(a.guests, id)
		}
	}
	if _, had := a.guests[p]; !had && len(a.guests) >= maxRelayGuests {
		return false
	}
	a.guests[p] = now.Add(a.ttl)
	return true
}

// AllowConnect says whether src may be connected to dest, which has a place.
func (a *relayAccess) AllowConnect(src peer.ID, _ ma.Multiaddr, _ peer.ID) bool {
	return a.members.admitted(src)
}
