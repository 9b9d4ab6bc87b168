package main

import (
	"context"
	"sync"

	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
)

// blockMap is a block store in memory, the fastest that bitswap can have.
type blockMap struct {
	mu     sync.RWMutex
	blocks map[cid.Cid]blocks.Block
}

func newBlockMap() *blockMap { return &blockMap{blocks: make(map[cid.Cid]blocks.Block)} }

func (m *blockMap) Get(_ context.Context, c cid.Cid) (blocks.Block, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if b, ok := m.blocks[c]; ok {
		return b, nil
	}
	return nil, ipld.ErrNotFound{Cid: c}
}

func (m *blockMap) Has(_ context.Context, c cid.Cid) (bool, error) { return m.holds(c), nil }

func (m *blockMap) holds(c cid.Cid) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	_, ok := m.blocks[c]
	return ok
}

func (m *blockMap) GetSize(ctx context.Context, c cid.Cid) (int, error) {
	b, err := m.Get(ctx, c)
	if err != nil {
		return 0, err
	}
	return len(b.RawData()), nil
}

func (m *blockMap) Put(ctx context.Context, b blocks.Block) error {
	return m.PutMany(ctx, []blocks.Block{b})
}

func (m *blockMap) PutMany(_ context.Context, list []blocks.Block) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range list {
		m.blocks[b.Cid()] = b
	}
	return nil
}

func (m *blockMap) DeleteBlock(_ context.Context, c cid.Cid) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.blocks, c)
	return nil
}

func (m *blockMap) AllKeysChan(context.Context) (<-chan cid.Cid, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make(chan cid.Cid, len(m.blocks))
	for c := range m.blocks {
		out <- c
	}
	close(out)
	return out, nil
}
