package gemm

import (
	"unsafe"

	"github.com/pold-network/pold/engine/internal/isa"
)

var assembly = []*kernelSet{
	{level: isa.NEON, lanes: 4, vectors: 3, rows: 8, worthSharing: 1 << 17, blocking: megabyteCache},
}

//go:noescape
func tilesNEON(t *tiles)

// transposeNEON transposes blocks of 8×8 values: 8 rows of src, srcStep bytes apart, become 8·blocks rows of 8 values, dstStep bytes
// apart.
//
//go:noescape
func transposeNEON(dst unsafe.Pointer, dstStep int, src unsafe.Pointer, srcStep, blocks int)

func (k *kernelSet) run(t *tiles) { tilesNEON(t) }

// peakNEON runs rounds of as many multiply-adds as peakLoop says.
func peakNEON(rounds int)

// peakLoop returns the multiply-adds of vectors in a round.
func (k *kernelSet) peakLoop(rounds int) (perRound int) {
	peakNEON(rounds)
	return 24
}

func transpose8(dst unsafe.Pointer, dstStep int, src unsafe.Pointer, srcStep, blocks int) {
	transposeNEON(dst, dstStep, src, srcStep, blocks)
}

func (k *kernelSet) mask(int) unsafe.Pointer { return nil }
