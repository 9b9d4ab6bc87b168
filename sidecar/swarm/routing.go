package swarm

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p-kad-dht/records"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

const (
	// dhtPrefix keeps this DHT apart from that of the public IPFS network; the
	// name of the network follows, and dhtProtocol is what the DHT adds.
	dhtPrefix   = "/pold"
	dhtProtocol = "/kad/1.0.0"
	// A provider record lives this long; holders renew it at a third of that.
	recordValidity = 6 * time.Hour

	// Connected peers get this long to answer before the DHT is asked.
	lookupDelay = 200 * time.Millisecond
	// While a download runs, providers are looked up again at this pace.
	lookupInterval = 5 * time.Second
	maxProviders   = 8
)

// routing is the DHT: which peers hold which roots.
type routing struct {
	host host.Host
	dht  *dht.IpfsDHT
	log  *slog.Logger
}

func newRouting(h host.Host, network string, log *slog.Logger) (*routing, error) {
	prefix := protocol.ID(dhtPrefix)
	if network != "" {
		prefix += "/" + protocol.ID(network)
	}
	d, err := dht.New(h,
		dht.Mode(dht.ModeServer),
		dht.ProtocolPrefix(prefix),
		dht.DisableValues(),
		dht.ProviderManagerOpts(records.ProvideValidity(recordValidity)),
	)
	if err != nil {
		return nil, fmt.Errorf("start the DHT: %w", err)
	}
	return &routing{host: h, dht: d, log: log}, nil
}

// ready says whether any other node of the DHT is known.
func (r *routing) ready() bool { return r.dht.RoutingTable().Size() > 0 }

// provide writes the record "this node holds root" to the closest nodes.
func (r *routing) provide(ctx context.Context, root cid.Cid) error {
	return r.dht.Provide(ctx, root, true)
}

// connectProviders looks for holders of root and connects to them, again and
// again until ctx ends. Bitswap asks every new connection for what is missing.
func (r *routing) connectProviders(ctx context.Context, root cid.Cid) {
	wait := lookupDelay
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = lookupInterval
		for info := range r.dht.FindProvidersAsync(ctx, root, maxProviders) {
			if info.ID == r.host.ID() || r.host.Network().Connectedness(info.ID) == network.Connected {
				continue
			}
			if err := r.connect(ctx, info); err != nil {
				r.log.Debug("provider not reachable", "peer", info.ID.String(), "cause", err)
			}
		}
	}
}

func (r *routing) connect(ctx context.Context, info peer.AddrInfo) error {
	if len(info.Addrs) == 0 {
		found, err := r.dht.FindPeer(ctx, info.ID)
		if err != nil {
			return err
		}
		info = found
	}
	return connect(ctx, r.host, info)
}

func (r *routing) Close() error { return r.dht.Close() }
