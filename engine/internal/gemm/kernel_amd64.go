package gemm

import (
	"unsafe"

	"github.com/pold-network/pold/engine/internal/isa"
)

var assembly = []*kernelSet{
	{level: isa.AVX2, lanes: 8, vectors: 2, rows: 6, masked: true, worthSharing: 150_000, blocking: megabyteCache},
	{level: isa.AVX512, lanes: 16, vectors: 3, rows: 8, masked: true, worthSharing: 300_000, blocking: megabyteCache},
}

//go:noescape
func tilesAVX2(t *tiles)

//go:noescape
func tilesAVX512(t *tiles)

// transposeAVX2 transposes blocks of 8×8 values: 8 rows of src, srcStep bytes apart, become 8·blocks rows of 8 values, dstStep bytes
// apart.
//
//go:noescape
func transposeAVX2(dst unsafe.Pointer, dstStep int, src unsafe.Pointer, srcStep, blocks int)

func (k *kernelSet) run(t *tiles) {
	if k.level == isa.AVX512 {
		tilesAVX512(t)
	} else {
		tilesAVX2(t)
	}
}

// peakAVX2 and peakAVX512 run rounds of as many multiply-adds as peakLoop says.
func peakAVX2(rounds int)
func peakAVX512(rounds int)

// peakLoop returns the multiply-adds of vectors in a round.
func (k *kernelSet) peakLoop(rounds int) (perRound int) {
	if k.level == isa.AVX512 {
		peakAVX512(rounds)
		return 24
	}
	peakAVX2(rounds)
	return 12
}

func transpose8(dst unsafe.Pointer, dstStep int, src unsafe.Pointer, srcStep, blocks int) {
	transposeAVX2(dst, dstStep, src, srcStep, blocks)
}

// laneMasks holds, for each number of lanes, what the masked kernels load.
var (
	laneMasksAVX2   [9][8]int32
	laneMasksAVX512 [17]uint16
)

func init() {
	for n := range laneMasksAVX2 {
		for lane := range n {
			laneMasksAVX2[n][lane] = -1
		}
	}
	for n := range laneMasksAVX512 {
		laneMasksAVX512[n] = uint16(1<<n - 1)
	}
}

func (k *kernelSet) mask(lanes int) unsafe.Pointer {
	if k.level == isa.AVX512 {
		return unsafe.Pointer(&laneMasksAVX512[lanes])
	}
	return unsafe.Pointer(&laneMasksAVX2[lanes])
}
