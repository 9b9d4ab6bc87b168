package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/ipfs/boxo/bitswap"
	"github.com/ipfs/boxo/bitswap/network/bsnet"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	tls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
	mh "github.com/multiformats/go-multihash"
	"golang.org/x/time/rate"

	"github.com/pold-network/pold/sidecar/swarm"
)

// The best settings of bitswap for long lines that we know of. The defaults keep one block of 1 MiB on its way to a peer. What is off is
// the timeout after which bitswap takes a want for refused: on a busy machine it loses wants that way, and a transfer with one holder
// hangs.
const (
	bitswapOutstanding = 64 << 20
	bitswapWorkers     = 64
	bitswapWindow      = 256 // chunks asked for at a time
	streamWindow       = 2 << 20
	maxStreamWindow    = 64 << 20
)

// bitswapRole is a libp2p host with bitswap and a store in memory.
type bitswapRole struct {
	host     host.Host
	store    *blockMap
	exchange *bitswap.Bitswap
}

type bitswapPeer struct {
	PeerID string
	Port   int // of 127.0.0.1
}

func newBitswapRole() role {
	r := &bitswapRole{store: newBlockMap()}
	return role{
		operations: map[string]operation{
			"open": operate(r.open), "add": operate(r.add), "connect": operate(r.connect), "fetch": operate(r.fetch), "forget": operate(r.forget),
		},
		close: r.close,
	}
}

func (r *bitswapRole) close() error {
	if r.host == nil {
		return nil
	}
	return errors.Join(r.exchange.Close(), r.host.Close())
}

func (r *bitswapRole) open(context.Context, none) (bitswapPeer, error) {
	muxer := *yamux.DefaultTransport
	muxer.InitialStreamWindowSize, muxer.MaxStreamWindowSize = streamWindow, maxStreamWindow
	return r.start(muxer, nil,
		bitswap.MaxOutstandingBytesPerPeer(bitswapOutstanding),
		bitswap.TaskWorkerCount(bitswapWorkers),
		bitswap.WithoutDuplicatedBlockStats(),
		bitswap.SetSimulateDontHavesOnTimeout(false),
	)
}

// start opens a host whose upload a limiter bounds, unless it is nil.
func (r *bitswapRole) start(muxer yamux.Transport, limiter *rate.Limiter, options ...bitswap.Option) (p bitswapPeer, err error) {
	r.host, err = libp2p.New(
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Security(tls.ID, tls.New),
		libp2p.Muxer(yamux.ID, &muxer),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
	)
	if err != nil {
		return p, err
	}
	limited := r.host
	if limiter != nil {
		limited = limitedHost{r.host, limiter}
	}
	r.exchange = bitswap.New(context.Background(), bsnet.NewFromIpfsHost(limited), nil, r.store, options...)
	port, err := r.host.Network().ListenAddresses()[0].ValueForProtocol(ma.P_TCP)
	if err != nil {
		return p, err
	}
	p.PeerID = r.host.ID().String()
	p.Port, err = strconv.Atoi(port)
	return p, err
}

// add cuts a file into chunks and returns their CIDs.
func (r *bitswapRole) add(ctx context.Context, path string) (chunks []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	form := cid.Prefix{Version: 1, Codec: cid.Raw, MhType: mh.SHA2_256, MhLength: -1}
	for {
		data := make([]byte, swarm.ChunkSize)
		n, err := io.ReadFull(f, data)
		if n == 0 && errors.Is(err, io.EOF) {
			return chunks, nil
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, err
		}
		c, err := form.Sum(data[:n])
		if err != nil {
			return nil, err
		}
		b, err := blocks.NewBlockWithCid(data[:n], c)
		if err != nil {
			return nil, err
		}
		if err := r.store.Put(ctx, b); err != nil {
			return nil, err
		}
		chunks = append(chunks, c.String())
	}
}

func (r *bitswapRole) connect(ctx context.Context, p bitswapPeer) (none, error) {
	info, err := peer.AddrInfoFromString(fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/%s", p.Port, p.PeerID))
	if err != nil {
		return none{}, err
	}
	if err := r.host.Connect(ctx, *info); err != nil {
		return none{}, err
	}
	// The other side may still be opening the stream on which it hears what is wanted.
	time.Sleep(200 * time.Millisecond)
	return none{}, nil
}

// fetch gets the chunks that are missing into the store. They are verified: bitswap drops what was not asked for.
func (r *bitswapRole) fetch(ctx context.Context, chunks []string) (none, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	want, err := parseCIDs(chunks)
	if err != nil {
		return none{}, err
	}
	want = slices.DeleteFunc(want, r.store.holds)
	session := r.exchange.NewSession(ctx)
	failures := make(chan error, bitswapWindow)
	next := make(chan cid.Cid)
	go func() {
		defer close(next)
		for _, c := range want {
			select {
			case next <- c:
			case <-ctx.Done():
				return
			}
		}
	}()
	for range bitswapWindow {
		go func() {
			for c := range next {
				if _, err := session.GetBlock(ctx, c); err != nil {
					failures <- err
					cancel()
					return
				}
			}
			failures <- nil
		}()
	}
	for range bitswapWindow {
		err = errors.Join(err, <-failures)
	}
	return none{}, err
}

func (r *bitswapRole) forget(ctx context.Context, chunks []string) (none, error) {
	list, err := parseCIDs(chunks)
	if err != nil {
		return none{}, err
	}
	for _, c := range list {
		if err := r.store.DeleteBlock(ctx, c); err != nil {
			return none{}, err
		}
	}
	return none{}, nil
}

func parseCIDs(list []string) ([]cid.Cid, error) {
	out := make([]cid.Cid, len(list))
	for i, s := range list {
		var err error
		if out[i], err = cid.Decode(s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// tunedBitswap moves artefacts with bitswap between stores in memory. The fetcher is told the CIDs of all chunks.
type tunedBitswap struct {
	pair
	chunks []string
}

func startTunedBitswap(ctx context.Context, p *proxy) (_ *tunedBitswap, err error) {
	both, err := startPair("bitswap")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, both.close())
		}
	}()
	var at bitswapPeer
	if err := both.fetcher.call(ctx, "open", none{}, nil); err != nil {
		return nil, err
	}
	if err := both.holder.call(ctx, "open", none{}, &at); err != nil {
		return nil, err
	}
	if at.Port, err = p.routePort(at.Port); err != nil {
		return nil, err
	}
	return &tunedBitswap{pair: both}, both.fetcher.call(ctx, "connect", at, nil)
}

func (b *tunedBitswap) hold(ctx context.Context, a artefact) error {
	return b.holder.call(ctx, "add", a.path, &b.chunks)
}

func (b *tunedBitswap) fetch(ctx context.Context) error {
	return b.fetcher.call(ctx, "fetch", b.chunks, nil)
}

func (*tunedBitswap) verify(context.Context) error { return nil }

func (b *tunedBitswap) forget(ctx context.Context) error {
	return b.fetcher.call(ctx, "forget", b.chunks, nil)
}
