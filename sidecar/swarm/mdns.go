package swarm

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	ma "github.com/multiformats/go-multiaddr"
)

// localFinder puts peers of the local network into the book.
type localFinder struct{ node *Node }

// HandlePeerFound is called for every answer on the local network.
func (f localFinder) HandlePeerFound(info peer.AddrInfo) {
	n := f.node
	addrs := slices.DeleteFunc(slices.Clone(info.Addrs), func(a ma.Multiaddr) bool { return !n.gater.reachable(a) || isRelayed(a) })
	if info.ID != n.host.ID() && n.peering.book.add(info.ID, addrs, fromNetwork, 0) {
		n.peering.redialNow()
	}
}

// serviceName is what nodes of one network ask for on the local network; DNS
// allows it 15 bytes.
func serviceName(network string) string {
	sum := sha256.Sum256([]byte(network))
	return fmt.Sprintf("_pold-%x._udp", sum[:4])
}

// startMDNS asks and answers on the local network until Close.
func (n *Node) startMDNS() error {
	service := mdns.NewMdnsService(n.host, serviceName(n.cfg.Network), localFinder{n})
	if err := service.Start(); err != nil {
		_ = service.Close()
		return fmt.Errorf("find peers on the local network: %w; leave out --p2p-mdns, or listen on an address of the local network", err)
	}
	n.mdns = service
	return nil
}
