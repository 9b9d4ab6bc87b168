package weightdelta

import (
	"math"
	"slices"
	"testing"

	"github.com/pold-network/pold/testutil/models"
)

// edges are words at which something changes: zeros, subnormals, powers of two, infinities, NaNs, and their neighbours.
var edges = []uint32{
	0, 1, 2, 0x7fffff, 0x800000, 0x800001, 0x3f7fffff, 0x3f800000, 0x3f800001, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fc00000, 0x7fffffff,
	0x80000000, 0x80000001, 0x807fffff, 0x80800000, 0xbf800000, 0xff7fffff, 0xff800000, 0xffc00000, 0xfffffffe, 0xffffffff,
}

func TestResidualsAreUndone(t *testing.T) {
	words := append(slices.Clone(edges), models.Integers(200, math.MaxInt32, 1)...)
	for _, w := range words {
		for _, b := range words {
			if got := undoDifference(difference(w, b), b); got != w {
				t.Fatalf("difference of %#x and %#x: got %#x back", w, b, got)
			}
			if got := undoXor(xor(w, b), b); got != w {
				t.Fatalf("exclusive or of %#x and %#x: got %#x back", w, b, got)
			}
		}
	}
}

func TestNeighbouringFloatsDifferByOne(t *testing.T) {
	for _, f := range []float32{1e-45, 1e-38, 0.1, 0.99999994, 1, 2, 3e38, -1e-38, -1, -1.0000001, -4} {
		up := math.Nextafter32(f, math.MaxFloat32)
		if d := difference(math.Float32bits(up), math.Float32bits(f)); d != 2 {
			t.Errorf("from %v up to %v: expected residual 2, got %d", f, up, d)
		}
		if d := difference(math.Float32bits(f), math.Float32bits(up)); d != 1 {
			t.Errorf("from %v down to %v: expected residual 1, got %d", up, f, d)
		}
	}
}

func TestClassesAndBitsGiveTheResiduals(t *testing.T) {
	small := models.Integers(999, 1<<10, 2)
	large := models.Integers(1000, math.MaxInt32, 3)
	for i := range large {
		large[i] *= 2
	}
	for name, rs := range map[string][]uint32{
		"none": {}, "one": {7}, "without bits": {0, 1, 2, 3, 0}, "edges": edges, "largest": {math.MaxUint32, math.MaxUint32, math.MaxUint32, 1 << 31},
		"small": small, "large": large, "both": append(slices.Clone(small), large...),
	} {
		var symbols []byte
		for _, r := range rs {
			symbols = append(symbols, classOf(r))
		}
		low := appendLow(nil, rs)
		got := make([]uint32, len(rs))
		if err := complete(got, symbols, low); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !slices.Equal(got, rs) {
			t.Errorf("%s: expected the same residuals", name)
		}
		if err := complete(got, symbols, append(low, 0)); err == nil {
			t.Errorf("%s: expected an error with a byte too many", name)
		}
		if len(low) > 0 {
			if complete(got, symbols, low[:len(low)-1]) == nil {
				t.Errorf("%s: expected an error with a byte too few", name)
			}
		}
		if len(symbols) > 0 {
			symbols[0] = classes
			if complete(got, symbols, low) == nil {
				t.Errorf("%s: expected an error with a class that is none", name)
			}
		}
	}
}

func TestEveryResidualHasOneClass(t *testing.T) {
	for c := range classes - 1 {
		first, last := classStart[c], classStart[c+1]-1
		if classOf(first) != byte(c) || classOf(last) != byte(c) {
			t.Errorf("class %d: expected it for %d to %d, got %d and %d", c, first, last, classOf(first), classOf(last))
		}
		if last-first != classMask[c] {
			t.Errorf("class %d: expected %d residuals, got %d", c, uint64(classMask[c])+1, uint64(last-first)+1)
		}
	}
	if classOf(math.MaxUint32) != classes-1 {
		t.Errorf("the largest residual: expected class %d, got %d", classes-1, classOf(math.MaxUint32))
	}
}
