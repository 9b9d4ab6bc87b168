package dag

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"runtime"
	"sync"
)

// SumBytes returns the digests of the leaves of data.
func SumBytes(data []byte) []Digest {
	out := make([]Digest, Leaves(int64(len(data))))
	_ = forEachLeaf(len(out), func(i int) error { // which can't fail
		out[i] = sha256.Sum256(data[i*ChunkSize : i*ChunkSize+LeafSize(int64(len(data)), i)])
		return nil
	})
	return out
}

// Sum reads size bytes from r and returns the digests of the leaves. keep, when
// it is not nil, gets every leaf, several at a time and in no order; what it
// gets is valid until it returns. Memory is bounded by some MiB.
func Sum(ctx context.Context, r io.ReaderAt, size int64, keep func(i int, leaf []byte) error) ([]Digest, error) {
	out := make([]Digest, Leaves(size))
	err := forEachLeaf(len(out), func(i int) error {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		buf := GetBuffer()
		defer PutBuffer(buf)
		leaf := buf[:LeafSize(size, i)]
		if n, err := r.ReadAt(leaf, int64(i)*ChunkSize); n < len(leaf) {
			if err == io.EOF { //nolint:errorlint // not one that a reader has wrapped
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("read bytes %d to %d: %w", int64(i)*ChunkSize, int64(i)*ChunkSize+int64(len(leaf)), err)
		}
		out[i] = sha256.Sum256(leaf)
		if keep == nil {
			return nil
		}
		return keep(i, leaf)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// forEachLeaf calls fn for 0..n-1 on all processors, about in order, and
// returns one of the errors; after an error no further calls begin.
func forEachLeaf(n int, fn func(i int) error) error {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		for i := range n {
			if err := fn(i); err != nil {
				return err
			}
		}
		return nil
	}
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		next   int
		failed error
	)
	for range workers {
		wg.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				stop := failed != nil || i >= n
				mu.Unlock()
				if stop {
					return
				}
				if err := fn(i); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return failed
}

var buffers = sync.Pool{New: func() any { return new([ChunkSize]byte) }}

// GetBuffer returns a buffer for one leaf from a pool.
func GetBuffer() *[ChunkSize]byte { return buffers.Get().(*[ChunkSize]byte) }

// PutBuffer gives a buffer back; nobody may use it afterwards.
func PutBuffer(b *[ChunkSize]byte) { buffers.Put(b) }
