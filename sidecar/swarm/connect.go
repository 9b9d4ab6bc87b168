package swarm

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
)

// partDelay is how long a peer of another network may stay, so that both sides
// find out why it has to go.
const partDelay = time.Second

// connect starts everything that has to do with other peers but the exchange
// of files.
func (n *Node) connect() error {
	static, err := n.cfg.bootstrapPeers()
	if err != nil {
		return err
	}
	if n.members, err = newMembers(n.cfg.AllowList, static); err != nil {
		return err
	}
	key, err := loadNetworkKey(n.cfg.PrivateKeyFile, n.log)
	if err != nil {
		return err
	}
	n.scores = newScores(n.log, n.cutOff)
	n.gater = newGater(n.cfg.LoopbackOnly, n.members)
	n.relays = newRelays(n.members, n.log)
	n.host, err = newHost(n.cfg, hostParts{key: n.key, network: key, gater: n.gater, meter: n.meter, members: n.members, relays: n.relays})
	if err != nil {
		return err
	}
	n.relays.host = n.host
	if n.routing, err = newRouting(n.host, n.cfg.Network, n.log); err != nil {
		return err
	}
	book, path := newBook(), filepath.Join(n.cfg.Home, "peers.json")
	if err := book.load(path); err != nil {
		n.log.Warn("the peers of the last run are forgotten: their file is damaged", "file", path, "cause", err)
	}
	n.peering = newPeering(n.host, n.scores, n.gater, book, static, path, n.log)
	return nil
}

// startPeering starts the background work of connect's parts.
func (n *Node) startPeering() error {
	var err error
	if n.gossip, err = newGossip(n); err != nil {
		return err
	}
	if err := n.spreadRecords(); err != nil {
		return err
	}
	if n.cfg.MDNS {
		if err := n.startMDNS(); err != nil {
			return err
		}
	}
	n.background(func() { n.peering.run(n.ctx) })
	n.background(func() { n.peering.watch(n.ctx) })
	n.background(func() { n.partNetworks(n.ctx) })
	if !n.cfg.NoRelay {
		n.background(func() { n.relays.run(n.ctx) })
	}
	return nil
}

// bootstrapPeers parses Bootstrap; addresses of one peer are joined.
func (c Config) bootstrapPeers() ([]peer.AddrInfo, error) {
	var out []peer.AddrInfo
	at := make(map[peer.ID]int)
	for _, s := range c.Bootstrap {
		info, err := parseTarget(s)
		if err != nil {
			return nil, fmt.Errorf("bootstrap: %w", err)
		}
		if i, had := at[info.ID]; had {
			out[i].Addrs = append(out[i].Addrs, info.Addrs...)
			continue
		}
		at[info.ID] = len(out)
		out = append(out, info)
	}
	return out, nil
}

// otherNetwork returns the name of the network of a connected peer when that
// is another than this node's, and both have one.
func (n *Node) otherNetwork(p peer.ID) string {
	protocols, err := n.host.Peerstore().GetProtocols(p)
	if err != nil || n.cfg.Network == "" {
		return ""
	}
	other := ""
	for _, id := range protocols {
		name, ok := strings.CutSuffix(string(id), dhtProtocol)
		if name, of := strings.CutPrefix(name, dhtPrefix+"/"); ok && of {
			if name == n.cfg.Network {
				return ""
			}
			other = name
		}
	}
	return other
}

// partNetworks leaves peers of other networks: their files are as good as any,
// but they know nobody of this one and take a place.
func (n *Node) partNetworks(ctx context.Context) {
	identified, err := n.host.EventBus().Subscribe(new(event.EvtPeerIdentificationCompleted), eventbus.Name("pold-networks"))
	if err != nil {
		n.log.Warn("cannot learn the network of peers", "cause", err)
		return
	}
	defer identified.Close()
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-identified.Out():
			p := e.(event.EvtPeerIdentificationCompleted).Peer
			n.host.manager.rate(p, n.score(p))
			if other := n.otherNetwork(p); other != "" {
				n.log.Debug("left a peer of another network", "peer", p.String(), "network", other)
				n.peering.avoid(p, errOtherNetwork{other})
				n.background(func() { n.part(ctx, p) })
			}
		}
	}
}

// part closes the connections to a peer, once it has learnt the reason too.
func (n *Node) part(ctx context.Context, p peer.ID) {
	select {
	case <-ctx.Done():
	case <-time.After(partDelay):
	}
	for _, c := range n.host.Network().ConnsToPeer(p) {
		_ = c.CloseWithError(network.ConnGated)
	}
}

// errOtherNetwork says which network a peer belongs to.
type errOtherNetwork struct{ name string }

func (e errOtherNetwork) Error() string { return fmt.Sprintf("it belongs to network %q", e.name) }
