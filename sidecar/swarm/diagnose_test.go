package swarm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	libp2pswarm "github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/stretchr/testify/require"
)

// freePort returns a TCP port at which nothing listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

// answering listens and answers every connection with text.
func answering(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte(text))
			_ = c.Close()
		}
	}()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return "/ip4/127.0.0.1/tcp/" + port
}

// Every trouble that one machine can make for real.
func TestProbeExplains(t *testing.T) {
	n, other := open(t, testConfig(t)), open(t, testConfig(t))
	_, someone := newAuthor(t)
	port := freePort(t)
	for name, c := range map[string]struct {
		peer  PeerInfo
		cause Cause
		says  []string
	}{
		"it answers": {infoOf(other), CauseNone, nil},
		"nothing listens": {PeerInfo{PeerID: someone.String(), Addresses: []string{"/ip4/127.0.0.1/tcp/" + port}},
			CauseRefused, []string{"nothing listens at /ip4/127.0.0.1/tcp/" + port, "start it or announce again"}},
		"another identity": {PeerInfo{PeerID: someone.String(), Addresses: other.Addresses()},
			CauseOtherPeer, []string{"another identity, " + other.PeerID() + ", answers at " + other.Addresses()[0], "announce again"}},
		"no peer": {PeerInfo{PeerID: someone.String(), Addresses: []string{answering(t, "HTTP/1.1 400 Bad Request\r\n\r\n")}},
			CauseNetworkKey, []string{"speaks another language", "no peer at all", "--p2p-private-key-file"}},
		"no name": {PeerInfo{PeerID: someone.String(), Addresses: []string{"/dns4/nowhere.invalid/tcp/4001"}},
			CauseName, []string{"the name nowhere.invalid does not resolve"}},
		"another machine": {PeerInfo{PeerID: someone.String(), Addresses: []string{"/ip4/192.0.2.1/tcp/4001"}},
			CauseElsewhere, []string{"is on another machine and this node stays on this one"}},
		"relay without a place": {PeerInfo{PeerID: someone.String(), Addresses: []string{other.Addresses()[0] + "/p2p/" + other.PeerID() + "/p2p-circuit"}},
			CauseRelay, []string{"does not lead to it"}},
		"no address": {PeerInfo{PeerID: someone.String()}, CauseNoAddress, []string{"announces no address", "--p2p-announce"}},
		"useless address": {PeerInfo{PeerID: someone.String(), Addresses: []string{"/ip4/127.0.0.1/udp/1"}},
			CauseNoAddress, []string{"can't be used", "--p2p-announce"}},
		"no peer id": {PeerInfo{PeerID: "x", Addresses: []string{"/ip4/127.0.0.1/tcp/1"}}, CauseNoAddress, []string{`peer id "x"`}},
		"one of two addresses tells more": {PeerInfo{PeerID: someone.String(), Addresses: append([]string{"/ip4/127.0.0.1/tcp/" + port}, other.Addresses()...)},
			CauseOtherPeer, []string{"another identity"}},
	} {
		t.Run(name, func(t *testing.T) {
			n.host.Peerstore().ClearAddrs(someone)
			d := n.Probe(t.Context(), c.peer)
			require.Equal(t, c.cause, d.Cause, d.Problem)
			require.Equal(t, c.cause == CauseNone, d.Problem == "")
			for _, s := range c.says {
				require.Contains(t, d.Problem, s)
			}
		})
	}
	require.NoError(t, n.Close())
	require.Equal(t, CauseUnknown, n.Probe(t.Context(), infoOf(other)).Cause)
}

// What would need another network to happen for real.
func TestDialErrorsAreExplained(t *testing.T) {
	tcp, six, quic := ma.StringCast("/ip4/203.0.113.7/tcp/4001"), ma.StringCast("/ip6/2001:db8::1/tcp/4001"), ma.StringCast("/ip4/203.0.113.7/udp/4001/quic-v1")
	failed := func(a ma.Multiaddr, err error) error {
		return fmt.Errorf("failed to dial: %w", &libp2pswarm.DialError{Cause: libp2pswarm.ErrAllDialsFailed, DialErrors: []libp2pswarm.TransportError{{Address: a, Cause: err}}})
	}
	timeout := &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
	for name, c := range map[string]struct {
		err   error
		addrs []ma.Multiaddr
		cause Cause
		says  string
	}{
		"firewall":              {failed(tcp, timeout), []ma.Multiaddr{tcp}, CauseTimeout, "its owner has to forward the port, or listen behind a relay"},
		"the whole time is up":  {fmt.Errorf("failed to dial: %w", context.DeadlineExceeded), []ma.Multiaddr{tcp}, CauseTimeout, "no answer from /ip4/203.0.113.7/tcp/4001"},
		"UDP is blocked":        {failed(quic, errors.New("timeout: no recent network activity")), []ma.Multiaddr{quic}, CauseUDP, "only QUIC is announced"},
		"QUIC is not all":       {failed(quic, errors.New("timeout: no recent network activity")), []ma.Multiaddr{tcp, quic}, CauseTimeout, "no answer from /ip4/203.0.113.7/udp/4001/quic-v1"},
		"no IPv6":               {failed(six, &net.OpError{Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}), []ma.Multiaddr{six}, CauseNoRoute, "this machine has no IPv6"},
		"no route":              {failed(tcp, os.NewSyscallError("connect", syscall.EHOSTUNREACH)), []ma.Multiaddr{tcp}, CauseNoRoute, "no route from here to /ip4/203.0.113.7/tcp/4001"},
		"IPv6 given up":         {failed(six, libp2pswarm.ErrDialRefusedBlackHole), []ma.Multiaddr{six}, CauseNoRoute, "this machine has no IPv6"},
		"another id, by QUIC":   {failed(quic, errors.New("CRYPTO_ERROR 0x12a (local): peer id mismatch: expected a")), []ma.Multiaddr{quic}, CauseOtherPeer, "another identity answers"},
		"another id":            {failed(tcp, sec.ErrPeerIDMismatch{Expected: "a", Actual: peer.ID("b")}), []ma.Multiaddr{tcp}, CauseOtherPeer, "another identity"},
		"gated":                 {failed(quic, &network.ConnError{Remote: true, ErrorCode: network.ConnGated}), []ma.Multiaddr{quic}, CauseRefusedByIt, "not on its allow list"},
		"TLS":                   {failed(tcp, errors.New("failed to negotiate security protocol: remote error: tls: bad certificate")), []ma.Multiaddr{tcp}, CauseHandshake, "the encrypted handshake with"},
		"closed in between":     {failed(tcp, errors.New("failed to negotiate stream multiplexer: EOF")), []ma.Multiaddr{tcp}, CauseRefusedByIt, "it has banned us or is overloaded"},
		"silent":                {failed(tcp, errors.New("failed to negotiate security protocol: i/o deadline reached")), []ma.Multiaddr{tcp}, CauseNetworkKey, "another private network key"},
		"name":                  {failed(tcp, &net.DNSError{Err: "no such host", Name: "x"}), []ma.Multiaddr{tcp}, CauseName, "does not resolve"},
		"not dialled":           {&libp2pswarm.DialError{Cause: libp2pswarm.ErrGaterDisallowedConnection}, []ma.Multiaddr{tcp}, CauseNotAllowed, "banned or not on the allow list"},
		"nothing to dial":       {&libp2pswarm.DialError{Cause: libp2pswarm.ErrNoGoodAddresses}, []ma.Multiaddr{quic}, CauseNoAddress, "none of its announced addresses can be dialled"},
		"of another network":    {errOtherNetwork{"two"}, nil, CauseOtherNetwork, `network "two"`},
		"something new":         {failed(tcp, errors.New("strange\nlong story")), []ma.Multiaddr{tcp}, CauseUnknown, "the connection to /ip4/203.0.113.7/tcp/4001 failed: strange"},
		"something without any": {errors.New("strange\nlong story"), nil, CauseUnknown, "the connection failed: strange"},
	} {
		t.Run(name, func(t *testing.T) {
			d := diagnose(c.err, c.addrs)
			require.Equal(t, c.cause, d.Cause, d.Problem)
			require.Contains(t, d.Problem, c.says)
			require.NotContains(t, d.Problem, "\n")
		})
	}
	for _, c := range causes {
		require.NotEmpty(t, c)
	}
}
