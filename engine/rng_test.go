package engine

import (
	"math"
	"slices"
	"testing"
)

// TestPhiloxKnownAnswers uses the vectors published with the generator (Random123, kat_vectors, philox4x32 with 10 rounds).
func TestPhiloxKnownAnswers(t *testing.T) {
	const ones = 0xffffffff
	for _, c := range []struct {
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{[4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{ones, ones, ones, ones}, [2]uint32{ones, ones}, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := philox4x32(c.counter, c.key); got != c.want {
			t.Errorf("counter %x, key %x: expected %x, got %x", c.counter, c.key, c.want, got)
		}
	}
}

func TestStreamsDifferInSeedLabelAndIndex(t *testing.T) {
	first := func(seed byte, label string, index uint64) uint32 {
		return newStream([32]byte{seed}, label, index).uint32()
	}
	base := first(1, "a", 0)
	if base != first(1, "a", 0) {
		t.Error("the same stream begins differently")
	}
	for name, other := range map[string]uint32{"seed": first(2, "a", 0), "label": first(1, "b", 0), "index": first(1, "a", 1)} {
		if other == base {
			t.Errorf("streams with another %s begin alike", name)
		}
	}
}

func TestBelowIsUniformAndUnbiased(t *testing.T) {
	s := newStream([32]byte{}, "below", 0)
	const n, draws = 7, 70_000
	var counts [n]int
	for range draws {
		counts[s.below(n)]++
	}
	for v, c := range counts {
		if math.Abs(float64(c-draws/n)) > 500 { // more than five standard deviations
			t.Errorf("value %d: expected about %d draws, got %d", v, draws/n, c)
		}
	}
	// Three quarters of 2^32: a quarter of all words has to be thrown away, or small values would come up twice as often.
	const wide = 3 << 30
	low := 0
	for range draws {
		if s.below(wide) < wide/2 {
			low++
		}
	}
	if math.Abs(float64(low-draws/2)) > 700 {
		t.Errorf("expected about half of %d draws in the lower half, got %d", draws, low)
	}
}

func TestSymmetricIsInsideTheOpenInterval(t *testing.T) {
	s := newStream([32]byte{}, "symmetric", 0)
	var mean float64
	const draws = 100_000
	for range draws {
		x := s.symmetric()
		if x == 0 || x <= -1 || x >= 1 || x*0x1p23 != float32(int32(x*0x1p23)) {
			t.Fatalf("got %x, expected an odd multiple of 2^-23 between -1 and 1", x)
		}
		mean += float64(x) / draws
	}
	if math.Abs(mean) > 0.01 {
		t.Errorf("expected a mean near 0, got %v", mean)
	}
}

func TestPermutationHoldsEveryIndexOnce(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		p := make([]int, n)
		newStream([32]byte{3}, "order", 9).permute(p)
		sorted := slices.Sorted(slices.Values(p))
		for i, v := range sorted {
			if i != v {
				t.Fatalf("permutation of %d: index %d is missing", n, i)
			}
		}
		if n == 1000 && slices.IsSorted(p) {
			t.Error("the permutation does not permute")
		}
	}
}

func TestBatchesVisitEveryRowOncePerEpoch(t *testing.T) {
	b := newBatches([32]byte{1}, 10)
	var all []int
	for range 20 { // 20 batches of 3: six epochs, batches across their ends included
		idx := make([]int, 3)
		b.take(idx)
		all = append(all, idx...)
	}
	var orders [][]int
	for epoch := range slices.Chunk(all, 10) {
		if !slices.Equal(slices.Sorted(slices.Values(epoch)), []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
			t.Fatalf("an epoch visits %v", epoch)
		}
		orders = append(orders, epoch)
	}
	if slices.Equal(orders[0], orders[1]) {
		t.Error("two epochs have the same order")
	}
}
