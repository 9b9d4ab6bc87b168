package swarm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/pnet"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	libp2pswarm "github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	tls "github.com/libp2p/go-libp2p/p2p/security/tls"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	// A new stream may carry two whole chunks, and what frames them, without
	// waiting for a window update: at 50 ms round trip that is the difference
	// between 18 and 190 MB/s. More than the largest window is under way on
	// several streams: windows grow while the memory of the peer allows, and
	// a few large ones would leave nothing for the others.
	initialStreamWindow = 2<<20 + 64<<10
	maxStreamWindow     = 4 << 20
)

// hostParts is what newHost puts together beside the configuration.
type hostParts struct {
	key     crypto.PrivKey
	network pnet.PSK // nil: open network
	gater   *gater
	meter   *meter
	members *members
	relays  *relays
}

// connections are the host and what regulates it.
type connections struct {
	host.Host
	manager connectionManager
	limiter *classLimiter
}

// newHost builds the libp2p host and opens every listen address.
func newHost(cfg Config, parts hostParts) (*connections, error) {
	listen, err := cfg.listenAddresses(parts.network != nil)
	if err != nil {
		return nil, err
	}
	announce, err := parseDirectAll(cfg.Announce)
	if err != nil {
		return nil, fmt.Errorf("announce: %w", err)
	}
	limits, limiter, err := newResourceManager(parts.members)
	if err != nil {
		return nil, err
	}
	manager, err := connmgr.NewConnManager(lowConnections, highConnections)
	if err != nil {
		_ = limits.Close()
		return nil, fmt.Errorf("create the connection manager: %w", err)
	}
	muxer := *yamux.DefaultTransport
	muxer.InitialStreamWindowSize = initialStreamWindow
	muxer.MaxStreamWindowSize = maxStreamWindow

	c := &connections{manager: connectionManager{manager, parts.members}, limiter: limiter}
	options := []libp2p.Option{
		libp2p.Identity(parts.key),
		libp2p.NoListenAddrs,
		// Without reuseport a taken port is an error instead of a port
		// shared by two nodes.
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
		libp2p.Security(tls.ID, tls.New),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, &muxer),
		libp2p.ResourceManager(limits),
		libp2p.ConnectionManager(c.manager),
		libp2p.ConnectionGater(parts.gater),
		libp2p.BandwidthReporter(parts.meter),
		libp2p.SwarmOpts(libp2pswarm.WithDialRanker(rankDials)),
		libp2p.WithDialTimeout(dialTimeout),
		libp2p.UserAgent("pold"),
		libp2p.AddrsFactory(func(own []ma.Multiaddr) []ma.Multiaddr {
			if len(announce) > 0 {
				own = announce
			}
			return slices.Concat(own, parts.relays.addresses())
		}),
		libp2p.DisableMetrics(),
	}
	if parts.network != nil {
		options = append(options, libp2p.PrivateNetwork(parts.network))
	} else {
		options = append(options, libp2p.Transport(quic.NewTransport))
	}
	options = append(options, traversal(cfg, listen, parts.members)...)
	if c.Host, err = libp2p.New(options...); err != nil {
		_ = manager.Close()
		_ = limits.Close()
		return nil, fmt.Errorf("create the libp2p host: %w", err)
	}
	// One by one, because the host is content when any of several works.
	for _, a := range listen {
		if err := c.Network().Listen(a); err != nil {
			_ = c.Close()
			return nil, listenError(a, err)
		}
	}
	return c, nil
}

// traversal returns the options for being reached from outside: mapped ports,
// what others see of this node, and relays until a direct way is found.
func traversal(cfg Config, listen []ma.Multiaddr, m *members) []libp2p.Option {
	// Whoever listens on this machine alone can't be reached by any other.
	near := !slices.ContainsFunc(listen, func(a ma.Multiaddr) bool { return addressRank(a) != loopbackRank })
	outside := !cfg.LoopbackOnly && !near
	var out []libp2p.Option
	if outside {
		out = append(out, libp2p.EnableNATService())
		if !cfg.NoPortMapping {
			out = append(out, libp2p.NATPortMap())
		}
	} else {
		out = append(out, libp2p.DisableIdentifyAddressDiscovery())
	}
	if cfg.NoRelay {
		out = append(out, libp2p.DisableRelay())
	} else {
		out = append(out, libp2p.EnableRelay(), libp2p.EnableRelayService(relayOptions(m)...))
		if outside {
			out = append(out, libp2p.EnableHolePunching())
		}
	}
	reachability := cfg.reachability
	if reachability == network.ReachabilityUnknown && near && !cfg.LoopbackOnly && len(cfg.Announce) == 0 {
		reachability = network.ReachabilityPrivate
	}
	switch reachability {
	case network.ReachabilityPublic:
		out = append(out, libp2p.ForceReachabilityPublic())
	case network.ReachabilityPrivate:
		out = append(out, libp2p.ForceReachabilityPrivate())
	}
	return out
}

// listenAddresses parses Listen. In a private network QUIC is refused, because
// only TCP can carry the network key.
func (c Config) listenAddresses(private bool) ([]ma.Multiaddr, error) {
	if slices.Equal(c.Listen, []string{NoListen}) {
		return nil, nil
	}
	listen, err := parseDirectAll(c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	for _, a := range listen {
		if private && transportOf(a) == transportQUIC {
			return nil, fmt.Errorf("listen: %s: QUIC can't carry the key of a private network; listen on TCP only, such as /ip4/0.0.0.0/tcp/4001, or leave out the key", a)
		}
	}
	return listen, nil
}

func listenError(a ma.Multiaddr, err error) error {
	text := err.Error()
	switch {
	case errors.Is(err, syscall.EADDRINUSE) || strings.Contains(text, syscall.EADDRINUSE.Error()):
		return fmt.Errorf("cannot listen on %s: the port is taken by another program; stop it or choose another port (0 picks a free one): %w", a, err)
	case errors.Is(err, syscall.EACCES) || strings.Contains(text, syscall.EACCES.Error()):
		return fmt.Errorf("cannot listen on %s: not allowed; choose a port above 1023: %w", a, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL) || strings.Contains(text, syscall.EADDRNOTAVAIL.Error()):
		return fmt.Errorf("cannot listen on %s: this machine does not have the address; listen on one of its own and name the public one under announce: %w", a, err)
	}
	return fmt.Errorf("cannot listen on %s: %w", a, err)
}
