package objectstore

import (
	"context"
	"errors"
	"slices"

	"github.com/ipfs/boxo/blockstore"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

// Blockstore returns the view of the store that an exchange of blocks has: it
// reads, and never writes or deletes.
func (s *Store) Blockstore() blockstore.Blockstore { return blockView{s} }

type blockView struct{ s *Store }

var errReadOnly = errors.New("objects are written by their download, not block by block")

// Get returns a verified block. A damaged one is "not found", so that peers
// are told that this node does not have it.
func (v blockView) Get(_ context.Context, c cid.Cid) (blocks.Block, error) {
	if p, ok := v.innerNode(c); ok {
		return blocks.NewBlockWithCid(p.object.tree.Inner[p.index].Block, c)
	}
	for _, p := range v.chunk(c) {
		if b, err := v.s.readPlace(p, make([]byte, dag.ChunkSize)); err == nil {
			return blocks.NewBlockWithCid(b, c)
		}
	}
	return nil, ipld.ErrNotFound{Cid: c}
}

func (v blockView) innerNode(c cid.Cid) (place, bool) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	p, ok := v.s.inner[c]
	return p, ok
}

// chunk returns where the bytes of a leaf are.
func (v blockView) chunk(c cid.Cid) []place {
	if dag.CheckCID(c) != nil || c.Type() != cid.Raw {
		return nil
	}
	v.s.mu.Lock()
	places := slices.Clone(v.s.leaves[dag.DigestOf(c)])
	v.s.mu.Unlock()
	return slices.DeleteFunc(places, func(p place) bool { return !p.object.Has(p.index) })
}

// Has says whether a block is here, without reading it.
func (v blockView) Has(_ context.Context, c cid.Cid) (bool, error) {
	_, inner := v.innerNode(c)
	return inner || len(v.chunk(c)) > 0, nil
}

// GetSize returns the size of a block in bytes, without reading it.
func (v blockView) GetSize(_ context.Context, c cid.Cid) (int, error) {
	if p, ok := v.innerNode(c); ok {
		return len(p.object.tree.Inner[p.index].Block), nil
	}
	if places := v.chunk(c); len(places) > 0 {
		return dag.LeafSize(places[0].object.size, places[0].index), nil
	}
	return -1, ipld.ErrNotFound{Cid: c}
}

func (blockView) Put(context.Context, blocks.Block) error       { return errReadOnly }
func (blockView) PutMany(context.Context, []blocks.Block) error { return errReadOnly }
func (blockView) DeleteBlock(context.Context, cid.Cid) error    { return errReadOnly }

// AllKeysChan lists the blocks that are here.
func (v blockView) AllKeysChan(ctx context.Context) (<-chan cid.Cid, error) {
	v.s.mu.Lock()
	var all []cid.Cid
	for c := range v.s.inner {
		all = append(all, c)
	}
	for d, places := range v.s.leaves {
		if slices.ContainsFunc(places, func(p place) bool { return p.object.Has(p.index) }) {
			all = append(all, dag.LeafCID(d))
		}
	}
	v.s.mu.Unlock()
	out := make(chan cid.Cid)
	go func() {
		defer close(out)
		for _, c := range all {
			select {
			case out <- c:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}
