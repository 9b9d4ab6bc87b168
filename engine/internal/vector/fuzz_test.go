package vector

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// FuzzKernels takes the numbers from the bytes of the input, over and over.
func FuzzKernels(f *testing.F) {
	f.Add(uint8(0), uint16(17), []byte{0, 0, 0x80, 0x7f, 0, 0, 0xc0, 0x7f, 1, 0, 0, 0})
	f.Add(uint8(4), uint16(5), []byte{0, 0, 0x30, 0xc1, 0, 0, 0x80, 0xff})
	f.Add(uint8(28), uint16(40), []byte{0, 0, 0xc0, 0x7f, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x80})
	f.Add(uint8(33), uint16(33), []byte{0xff, 0xff, 0x7f, 0x7f, 0, 0, 0, 0x3f})
	f.Add(uint8(35), uint16(9), []byte{0, 0, 0x80, 0x3f, 0, 0, 0x80, 0x3f, 0, 0, 0xc0, 0xff})
	f.Fuzz(func(t *testing.T, which uint8, n uint16, data []byte) {
		s := &subjects[int(which)%len(subjects)]
		n %= 300
		if n == 0 && s.nonzero || len(data) < 4 {
			return
		}
		at := 0
		g := generator{"", func(*rand.Rand) float32 {
			x := math.Float32frombits(binary.LittleEndian.Uint32(data[at:]))
			if at++; at+4 > len(data) {
				at = 0
			}
			return x
		}}
		check(t, s, newCall(s, int(n), rand.New(rand.NewPCG(uint64(which), uint64(n))), &g), levels(), fmt.Sprintf("%d elements", n))
	})
}
