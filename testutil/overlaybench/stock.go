package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"golang.org/x/time/rate"

	"github.com/pold-network/pold/sidecar/swarm"
)

// stockCrowd is hosts in this process, each connected to all others, that run bitswap with the defaults of boxo and stores in memory.
type stockCrowd struct {
	nodes  []*bitswapRole
	chunks []string // CIDs of the artefact
}

// openStockCrowd opens n hosts that upload at most limit bytes a second each.
func openStockCrowd(ctx context.Context, n int, limit int64) (_ *stockCrowd, err error) {
	c := new(stockCrowd)
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	for range n {
		r := &bitswapRole{store: newBlockMap()}
		at, err := r.start(*yamux.DefaultTransport, newLimiter(limit))
		if err != nil {
			return nil, err
		}
		for _, other := range c.nodes {
			if _, err := other.connect(ctx, at); err != nil {
				return nil, errors.Join(err, r.close())
			}
		}
		c.nodes = append(c.nodes, r)
	}
	return c, nil
}

func (c *stockCrowd) hold(ctx context.Context, a artefact, holds func(node, chunk int) bool) (err error) {
	for i, n := range c.nodes {
		if c.chunks, err = n.add(ctx, a.path); err != nil {
			return err
		}
		var others []string
		for chunk, id := range c.chunks {
			if !holds(i, chunk) {
				others = append(others, id)
			}
		}
		if _, err := n.forget(ctx, others); err != nil {
			return err
		}
	}
	return nil
}

func (c *stockCrowd) fetch(ctx context.Context) error {
	return each(ctx, len(c.nodes), func(ctx context.Context, i int) error {
		_, err := c.nodes[i].fetch(ctx, c.chunks)
		return err
	})
}

func (*stockCrowd) verify(context.Context, artefact) error { return nil }

func (c *stockCrowd) forget(ctx context.Context) error {
	for _, n := range c.nodes {
		if _, err := n.forget(ctx, c.chunks); err != nil {
			return err
		}
	}
	return nil
}

func (c *stockCrowd) traffic() ([]swarm.Traffic, error) {
	out := make([]swarm.Traffic, len(c.nodes))
	for i, n := range c.nodes {
		s, err := n.exchange.Stat()
		if err != nil {
			return nil, err
		}
		out[i] = swarm.Traffic{
			Received: int64(s.DataReceived), Sent: int64(s.DataSent),
			Useful: int64(s.DataReceived - s.DupDataReceived), Duplicate: int64(s.DupDataReceived),
		}
	}
	return out, nil
}

func (c *stockCrowd) close() error {
	var err error
	for _, n := range c.nodes {
		err = errors.Join(err, n.close())
	}
	return err
}

// The upload of a host is limited as that of our nodes is: in slices, of which an eighth of a second's may be sent at once.
const sendSlice = 64 << 10

func newLimiter(limit int64) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(limit), int(max(sendSlice, limit/8)))
}

// limitedHost limits what is written to the streams that it opens. Bitswap sends on those only.
type limitedHost struct {
	host.Host
	limiter *rate.Limiter
}

func (h limitedHost) NewStream(ctx context.Context, p peer.ID, protocols ...protocol.ID) (network.Stream, error) {
	s, err := h.Host.NewStream(ctx, p, protocols...)
	if err != nil {
		return nil, err
	}
	return limitedStream{s, h.limiter}, nil
}

type limitedStream struct {
	network.Stream
	limiter *rate.Limiter
}

func (s limitedStream) Write(b []byte) (written int, err error) {
	for len(b) > 0 {
		slice := b[:min(len(b), sendSlice)]
		if err := s.limiter.WaitN(context.Background(), len(slice)); err != nil {
			return written, fmt.Errorf("wait for the limit of the upload: %w", err)
		}
		n, err := s.Stream.Write(slice)
		written += n
		if err != nil {
			return written, err
		}
		b = b[n:]
	}
	return written, nil
}
