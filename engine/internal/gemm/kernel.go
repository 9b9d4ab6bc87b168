package gemm

import (
	"fmt"
	"unsafe"

	"github.com/pold-network/pold/engine/internal/isa"
)

// kernelSet is what the driver must know about the kernels of one instruction set. A tile is a block of C that a kernel keeps in
// registers: up to rows rows of up to vectors vectors, a vector being lanes columns.
type kernelSet struct {
	level   isa.Level
	lanes   int
	vectors int
	rows    int
	masked  bool // kernels can leave out the last lanes of the last vector; otherwise they read and write whole vectors

	worthSharing float64 // multiply-adds from which more than one thread pays
	blocking
}

// blocking holds sizes of blocks for the driver. They were chosen by measurement and change speed only.
type blocking struct {
	blockK          int // columns of op(A) and rows of op(B) at a time
	blockA          int // values of op(A) that stay in the second-level cache beside a panel of op(B)
	blockColumns    int // columns of a packed block of op(B) that stays there; a multiple of 16
	blockTransposed int // rows of op(B) at a time when they are transposed for few rows of op(A); at most blockK
	inPlaceRows     int // up to this many rows of C, op(B) is read where it is: a copy would not be used often enough
}

var megabyteCache = blocking{blockK: 512, blockA: 240 * 512, blockColumns: 384, inPlaceRows: 160, blockTransposed: 128}

// tiles are the arguments of a kernel: count tiles of the same size, each a block of C and the k steps that are added to it. Steps are in
// bytes. The generator knows this layout.
type tiles struct {
	a          unsafe.Pointer // first row of op(A)
	rowStep    int            // from a row of op(A) to the next
	kStep      int            // from a column of op(A) to the next
	b          unsafe.Pointer // first row of op(B); its columns are contiguous
	bStep      int            // from a row of op(B) to the next
	c          unsafe.Pointer
	cStep      int
	k          int // at least 1
	count      int // at least 1; used up
	nextA      int // from one tile to the next
	nextB      int
	nextC      int
	mask       unsafe.Pointer // lanes of the last vector that exist: a bit mask (AVX-512) or 8 words (AVX2); for masked kernels only
	accumulate int            // 0: start from +0, otherwise from C
	kernel     int            // see kernelNumber
}

// kernelNumber returns the place of a kernel in the table of its instruction set.
func (k *kernelSet) kernelNumber(rows, vectors int, masked bool) int {
	n := (vectors-1)*k.rows + rows - 1
	if masked {
		n += k.vectors * k.rows
	}
	return n
}

// kernelsOf returns the kernels of a level that this program contains.
func kernelsOf(level isa.Level) *kernelSet {
	for _, k := range append([]*kernelSet{&portable}, assembly...) {
		if k.level == level {
			return k
		}
	}
	panic(fmt.Sprintf("gemm: no kernels for %v in this program", level))
}

// portable stands for reference.go: its elements are tiles of their own.
var portable = kernelSet{level: isa.Portable, lanes: 1, vectors: 1, rows: 1, worthSharing: 1 << 13, blocking: megabyteCache}
