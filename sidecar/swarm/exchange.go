package swarm

import (
	"context"
	"time"

	"github.com/ipfs/boxo/bitswap"
	"github.com/ipfs/boxo/bitswap/network/bsnet"
	"github.com/ipfs/boxo/blockstore"
	boxoexchange "github.com/ipfs/boxo/exchange"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/host"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
	"github.com/pold-network/pold/sidecar/swarm/internal/transfer"
)

// exchange is all that the package needs from a protocol that exchanges single
// blocks with nodes that have no buffer maps, such as stock IPFS nodes.
type exchange interface {
	// session groups the requests of one download; it ends with ctx.
	session(ctx context.Context) transfer.Fallback
	// announce tells peers that have already asked for blocks of an object
	// that they are here now.
	announce(ctx context.Context, o *objectstore.Object)
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
	guard *guard
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
	), g}
}

// pacedBlocks counts what bitswap sends within the limit of the node.
type pacedBlocks struct {
	blockstore.Blockstore
	pace func(ctx context.Context, n int) error
}

func (p pacedBlocks) Get(ctx context.Context, c cid.Cid) (blocks.Block, error) {
	b, err := p.Blockstore.Get(ctx, c)
	if err != nil {
		return nil, err
	}
	return b, p.pace(ctx, len(b.RawData()))
}

func (e bitswapExchange) session(ctx context.Context) transfer.Fallback {
	return bitswapSession{e.NewSession(ctx), e.guard}
}

type bitswapSession struct {
	boxoexchange.Fetcher
	guard *guard
}

// Block returns the bytes of a block; they match its CID.
func (s bitswapSession) Block(ctx context.Context, c cid.Cid) ([]byte, error) {
	defer s.guard.expect(c)()
	b, err := s.GetBlock(ctx, c)
	if err != nil {
		return nil, err
	}
	return b.RawData(), nil
}

func (e bitswapExchange) announce(ctx context.Context, o *objectstore.Object) {
	// The server looks at CIDs and sizes only, and reads the block when it
	// sends it.
	list := []blocks.Block{}
	for _, inner := range o.Inner() {
		if b, err := blocks.NewBlockWithCid(inner.Block, inner.CID); err == nil {
			list = append(list, b)
		}
	}
	have, empty := o.Have(), make([]byte, ChunkSize)
	for i, d := range o.Leaves() {
		if !have.Has(i) {
			continue
		}
		if b, err := blocks.NewBlockWithCid(empty[:dag.LeafSize(o.Size(), i)], dag.LeafCID(d)); err == nil {
			list = append(list, b)
		}
	}
	_ = e.Server.NotifyNewBlocks(ctx, list...)
}
