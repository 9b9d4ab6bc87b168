package weightdelta

import (
	"crypto/sha256"
	"runtime"
	"sync"
	"sync/atomic"
)

// maxWorkers bounds the goroutines, and with them the memory, of one call.
const maxWorkers = 8

// batch is how many blocks per worker are encoded before they are written.
const batch = 16

// Encode returns the delta that turns base into full, and whether it is smaller than full. When it is not, ship the full file: delta is nil
// then. Any two byte strings will do; a gain needs safetensors files with tensors of the same names and shapes, or files that agree in long
// stretches. Equal inputs give equal deltas.
func Encode(base, full []byte) (delta []byte, smaller bool) {
	if len(full) <= headerSize {
		return nil, false
	}
	h := Header{BaseSize: int64(len(base)), FullSize: int64(len(full))}
	var hashes sync.WaitGroup
	hashes.Go(func() { h.BaseSHA256, h.FullSHA256 = sha256.Sum256(base), sha256.Sum256(full) })

	var parts []run
	for _, r := range plan(base, full) {
		parts = append(parts, r.cut()...)
	}
	encoders := make([]*encoder, workers(len(parts)))
	for i := range encoders {
		encoders[i] = spareEncoders.Get().(*encoder)
		defer spareEncoders.Put(encoders[i])
	}
	out := blockWriter{out: make([]byte, headerSize)}
	for len(parts) > 0 && len(out.out) < len(full) {
		n := min(batch*len(encoders), len(parts))
		for _, b := range encodeBlocks(encoders, base, full, parts[:n]) {
			out.write(b)
		}
		parts = parts[n:]
	}
	out.flush()
	hashes.Wait()
	if len(out.out) >= len(full) {
		return nil, false
	}
	h.append(out.out[:0])
	return out.out, true
}

// encodeBlocks encodes the parts side by side.
func encodeBlocks(encoders []*encoder, base, full []byte, parts []run) []block {
	blocks := make([]block, len(parts))
	var next atomic.Int64
	var wait sync.WaitGroup
	for _, e := range encoders {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(parts) {
					return
				}
				blocks[i] = e.encode(base, full, parts[i])
			}
		})
	}
	wait.Wait()
	return blocks
}

func workers(tasks int) int { return min(runtime.GOMAXPROCS(0), maxWorkers, tasks) }
