package weightdelta

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"sync"
)

// A task is some neighbouring blocks: at least taskSize bytes of them or taskBlocks, so that many tiny blocks are few tasks.
const (
	taskSize   = 128 << 10
	taskBlocks = 1024
)

// Apply restores the full file. It checks the hash of the base, and size and hash of the result, which has at most limit bytes. Errors
// wrap ErrBase, when the delta belongs to another base, or ErrDamaged.
func Apply(base, delta []byte, limit int64) ([]byte, error) {
	h, err := ParseHeader(delta)
	if err != nil {
		return nil, err
	}
	// The base is read twice at the same time rather than one time after the other.
	var found [32]byte
	var hash sync.WaitGroup
	if h.BaseSize == int64(len(base)) { // ApplyVerified reports another size
		hash.Go(func() { found = sha256.Sum256(base) })
	} else {
		found = h.BaseSHA256
	}
	full, err := ApplyVerified(base, delta, limit)
	hash.Wait()
	if found != h.BaseSHA256 {
		return nil, fmt.Errorf("%w: expected the file with SHA-256 %x, got %x", ErrBase, h.BaseSHA256, found)
	}
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(full); sum != h.FullSHA256 {
		return nil, fmt.Errorf("%w: expected a result with SHA-256 %x, got %x; fetch the delta again or the full file", ErrDamaged, h.FullSHA256, sum)
	}
	return full, nil
}

// ApplyVerified is Apply without hashes, for callers that know that base is the right file and check the result themselves, for example
// by its CID. It checks the sizes, and whether the delta is well formed.
func ApplyVerified(base, delta []byte, limit int64) ([]byte, error) {
	h, err := ParseHeader(delta)
	if err != nil {
		return nil, err
	}
	switch {
	case h.BaseSize != int64(len(base)):
		return nil, fmt.Errorf("%w: expected a file of %d bytes, got %d", ErrBase, h.BaseSize, len(base))
	case h.FullSize > min(limit, math.MaxInt):
		return nil, fmt.Errorf("%w: the result has %d bytes; expected at most %d", ErrDamaged, h.FullSize, limit)
	case int64(len(delta)) >= h.FullSize:
		return nil, fmt.Errorf("%w: %d bytes for a file of %d; expected fewer than the file", ErrDamaged, len(delta), h.FullSize)
	}
	// All blocks are looked at once before anything is allocated.
	for r := newBlockReader(h, delta); ; {
		if b, err := r.read(); err != nil {
			return nil, err
		} else if b.size == 0 {
			break
		}
	}
	full := make([]byte, h.FullSize)
	if err := restoreBlocks(full, base, newBlockReader(h, delta)); err != nil {
		return nil, err
	}
	return full, nil
}

// task is a number of blocks from a place on.
type task struct {
	reader blockReader
	blocks int
}

// restoreBlocks restores blocks side by side.
func restoreBlocks(full, base []byte, r blockReader) error {
	failures := make([]error, workers(1+len(full)/taskSize))
	queue := make(chan task, 2*len(failures))
	var wait sync.WaitGroup
	for i := range failures {
		wait.Go(func() {
			d := spareDecoders.Get().(*decoder)
			defer spareDecoders.Put(d)
			for t := range queue {
				if failures[i] == nil { // otherwise only empty the queue, so that nobody waits
					failures[i] = d.restore(full, base, t)
				}
			}
		})
	}
	t := task{reader: r}
	for size := 0; ; {
		b, _ := r.read() // has been read before without error
		t.blocks++
		size += b.size
		if b.size == 0 || size >= taskSize || t.blocks == taskBlocks {
			queue <- t
			t, size = task{reader: r}, 0
		}
		if b.size == 0 {
			break
		}
	}
	close(queue)
	wait.Wait()
	return errors.Join(failures...)
}
