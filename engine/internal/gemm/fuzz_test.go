package gemm

import (
	"math"
	"testing"

	"github.com/pold-network/pold/engine/internal/isa"
	"github.com/pold-network/pold/engine/internal/pool"
)

// FuzzEveryLevelGivesTheBitsOfTheReference varies shapes, strides and the bits of the elements. The elements repeat data, four bytes each.
func FuzzEveryLevelGivesTheBitsOfTheReference(f *testing.F) {
	f.Add(uint8(9), uint8(49), uint8(21), uint8(0), uint8(0), []byte{0, 0, 128, 63, 1, 0, 0, 0, 0, 0, 192, 127})
	f.Add(uint8(31), uint8(10), uint8(50), uint8(3), uint8(5), []byte{255, 255, 127, 127, 0, 0, 128, 0, 0, 0, 0, 128})
	f.Add(uint8(1), uint8(1), uint8(0), uint8(4), uint8(1), []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
	threads := pool.New(2)
	f.Fuzz(func(t *testing.T, rows, cols, k, variant, pad uint8, data []byte) {
		const limit = 100 // keeps a case short
		m, n, depth := int(rows)%limit, int(cols)%limit, int(k)%limit
		at := 0
		next := func() float32 {
			var bits uint32
			for range 4 {
				if len(data) > 0 {
					bits = bits<<8 | uint32(data[at%len(data)])
					at++
				}
			}
			at += 3 // so that short data gives more than a few different numbers
			return math.Float32frombits(bits)
		}
		e := expect(product(m, n, depth, int(variant)%8, int(pad)%20, next))
		for _, level := range isa.Supported()[1:] {
			x := New(level, threads)
			set := *x.kernels
			set.blocking, set.worthSharing = blocking{blockK: 32, blockA: 600, blockColumns: 64, inPlaceRows: 20, blockTransposed: 16}, 1
			x.kernels = &set
			e.verify(t, level.String(), x.Multiply)
		}
	})
}
