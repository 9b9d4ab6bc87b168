package verifier

import (
	"context"
	"fmt"

	poltypes "github.com/pold-network/pold/x/pol/types"
)

// Chunks reads chunks of files that are here. It asks nobody else.
type Chunks interface {
	// Chunk returns the chunk of a file of size bytes with an index, counted from 0: poltypes.ChunkSize bytes, of the last one what is
	// left. An error means that it is not here.
	Chunk(ctx context.Context, cid string, size, index int64) ([]byte, error)
}

// Produce answers a store task: it needs the chunks that were drawn and no other byte of the file. An error means that this machine must
// abstain.
func Produce(ctx context.Context, m *poltypes.StoreManifest, chunks Chunks) ([]byte, error) {
	return m.Answer(func(index uint64) ([]byte, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return chunks.Chunk(ctx, m.Cid, int64(m.Size_), int64(index))
	})
}

// ChunkOf returns the chunk of a whole file with an index, counted from 0.
func ChunkOf(file []byte, index int64) ([]byte, error) {
	if count := poltypes.ChunkCount(uint64(len(file))); index < 0 || uint64(index) >= count {
		return nil, fmt.Errorf("expected a chunk from 0 to %d, got %d", int64(count)-1, index)
	}
	from := index * poltypes.ChunkSize
	return file[from:min(from+poltypes.ChunkSize, int64(len(file)))], nil
}

// fetched cuts chunks from a file that is fetched when the first one is asked for: whoever recomputes what validators said holds
// nothing.
type fetched struct {
	m     *poltypes.StoreManifest
	fetch FetchFunc
	file  []byte
}

// Chunk implements Chunks.
func (f *fetched) Chunk(ctx context.Context, cid string, size, index int64) ([]byte, error) {
	if f.file == nil {
		file, err := f.fetch(ctx, cid, uint64(size), f.m.Sha256)
		if err != nil {
			return nil, err
		}
		if err := checkBytes("file "+cid, file, f.m.Sha256, f.m.Size_); err != nil {
			return nil, err
		}
		f.file = file
	}
	return ChunkOf(f.file, index)
}
