package weightdelta

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/pold-network/pold/engine"
)

func hash(b []byte) [32]byte { return sha256.Sum256(b) }

func uvarint(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }

func undoFloat(w uint32) float32 { return math.Float32frombits(w) }

// changed returns a copy with one bit flipped.
func changed(b []byte, at int) []byte {
	b = slices.Clone(b)
	b[at] ^= 1
	return b
}

func rotated(x []float32) []float32 { return append(slices.Clone(x[1:]), x[0]) }

func smallTensors(step int) (list []engine.Tensor) {
	for i := range 300 {
		list = append(list, weights(fmt.Sprintf("layer%d.bias", i), 10+i, step))
	}
	return list
}

// sizeOfFirst is the size that the first block of a body says it has.
func sizeOfFirst(body []byte) int {
	n, _ := binary.Uvarint(body[1:])
	return int(min(n, 1<<40))
}
