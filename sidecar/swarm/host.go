package swarm

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	tls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	dialTimeout = 5 * time.Second

	// A new stream may carry a whole chunk without waiting for a window
	// update; at 50 ms round trip that is the difference between 18 and
	// 190 MB/s.
	initialStreamWindow = 2 << 20
	maxStreamWindow     = 16 << 20

	// The connection manager trims between these; neighbours are protected.
	lowConnections  = 96
	highConnections = 160
)

// newHost builds the libp2p host and opens every listen address.
func newHost(cfg Config, key crypto.PrivKey, g *gater, m *meter) (host.Host, error) {
	listen, err := tcpAddresses(cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	announce, err := tcpAddresses(cfg.Announce)
	if err != nil {
		return nil, fmt.Errorf("announce: %w", err)
	}
	limits, err := newResourceManager()
	if err != nil {
		return nil, err
	}
	connections, err := connmgr.NewConnManager(lowConnections, highConnections)
	if err != nil {
		_ = limits.Close()
		return nil, fmt.Errorf("create the connection manager: %w", err)
	}
	muxer := *yamux.DefaultTransport
	muxer.InitialStreamWindowSize = initialStreamWindow
	muxer.MaxStreamWindowSize = maxStreamWindow

	h, err := libp2p.New(
		libp2p.Identity(key),
		libp2p.NoListenAddrs,
		// Without reuseport a taken port is an error instead of a port
		// shared by two nodes.
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
		libp2p.Security(tls.ID, tls.New),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, &muxer),
		libp2p.ResourceManager(limits),
		libp2p.ConnectionManager(connections),
		libp2p.ConnectionGater(g),
		libp2p.BandwidthReporter(m),
		libp2p.WithDialTimeout(dialTimeout),
		libp2p.UserAgent("pold"),
		libp2p.AddrsFactory(func(own []ma.Multiaddr) []ma.Multiaddr {
			if len(announce) > 0 {
				return announce
			}
			return own
		}),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
		libp2p.DisableIdentifyAddressDiscovery(),
	)
	if err != nil {
		_ = connections.Close()
		_ = limits.Close()
		return nil, fmt.Errorf("create the libp2p host: %w", err)
	}
	// One by one, because the host is content when any of several works.
	for _, a := range listen {
		if err := h.Network().Listen(a); err != nil {
			_ = h.Close()
			return nil, listenError(a, err)
		}
	}
	return h, nil
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

func tcpAddresses(list []string) ([]ma.Multiaddr, error) {
	out := make([]ma.Multiaddr, 0, len(list))
	for _, s := range list {
		a, err := tcpAddress(s)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// newResourceManager bounds what peers can make this node allocate. Memory
// here is what stream windows may claim, not what is in use.
func newResourceManager() (network.ResourceManager, error) {
	base := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&base)
	limits := rcmgr.PartialLimitConfig{
		System: rcmgr.ResourceLimits{
			Conns: 256, ConnsInbound: 192, ConnsOutbound: 192, FD: 256,
			Streams: 4096, StreamsInbound: 2048, StreamsOutbound: 4096,
			Memory: 192 << 20,
		},
		Transient: rcmgr.ResourceLimits{
			Conns: 64, ConnsInbound: 48, ConnsOutbound: 64, FD: 64,
			Streams: 256, StreamsInbound: 128, StreamsOutbound: 256,
			Memory: 32 << 20,
		},
		PeerDefault: rcmgr.ResourceLimits{
			Conns: 8, ConnsInbound: 8, ConnsOutbound: 8, FD: 8,
			Streams: 512, StreamsInbound: 256, StreamsOutbound: 512,
			Memory: 64 << 20,
		},
	}.Build(base.Scale(192<<20, 256))
	m, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits), rcmgr.WithMetricsDisabled())
	if err != nil {
		return nil, fmt.Errorf("create the resource manager: %w", err)
	}
	return m, nil
}
