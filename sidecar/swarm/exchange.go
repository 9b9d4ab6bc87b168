package swarm

import (
	"context"
	"time"

	"github.com/ipfs/boxo/bitswap"
	"github.com/ipfs/boxo/bitswap/network/bsnet"
	"github.com/ipfs/boxo/blockstore"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/host"
)

// fetcher gets blocks from peers; the blocks match their CIDs.
type fetcher interface {
	GetBlock(context.Context, cid.Cid) (blocks.Block, error)
}

// exchange is all that the package needs from a block exchange protocol.
type exchange interface {
	// session groups the requests of one download; it ends with ctx.
	session(ctx context.Context) fetcher
	// announce sends a stored block to peers that have already asked for it.
	announce(ctx context.Context, b blocks.Block) error
	Close() error
}

const (
	// With the default of 1 MiB a single chunk is in flight to each peer.
	outstandingBytesPerPeer = 16 << 20
	taskWorkers             = 64
	// A session that got nothing asks all its peers again after this time.
	sessionSearchDelay = 250 * time.Millisecond
)

type bitswapExchange struct {
	*bitswap.Bitswap
}

// newExchange starts bitswap with its stock protocol ids, so that any IPFS
// node can fetch from this one. It has no provider lookup of its own: only
// roots have provider records, and routing.go looks those up.
func newExchange(h host.Host, bs blockstore.Blockstore, g *guard) exchange {
	return bitswapExchange{bitswap.New(context.Background(), bsnet.NewFromIpfsHost(h), nil, bs,
		bitswap.MaxOutstandingBytesPerPeer(outstandingBytesPerPeer),
		bitswap.TaskWorkerCount(taskWorkers),
		bitswap.EngineTaskWorkerCount(8),
		bitswap.EngineBlockstoreWorkerCount(16),
		bitswap.ProviderSearchDelay(sessionSearchDelay),
		bitswap.WithoutDuplicatedBlockStats(),
		bitswap.WithTracer(g),
	)}
}

func (e bitswapExchange) session(ctx context.Context) fetcher { return e.NewSession(ctx) }

func (e bitswapExchange) announce(ctx context.Context, b blocks.Block) error {
	return e.NotifyNewBlocks(ctx, b)
}
