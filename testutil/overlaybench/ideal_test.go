package main

import (
	"slices"
	"testing"
	"time"
)

func TestIdealTimes(t *testing.T) {
	const rate = 10 // chunks of 1 byte
	for _, c := range []struct {
		name  string
		crowd crowd
		want  time.Duration
	}{
		{"one seeder uploads everything once", flashCrowd(8, 100, 1), 10 * time.Second},
		{"two nodes, one complete", flashCrowd(2, 100, 1), 10 * time.Second},
		{"everybody complete", crowd{nodes: 3, chunk: 1, holders: []uint16{7, 7, 7, 7}}, 0},
		// 4 chunks at two nodes each, 8 missing somewhere, over 4 uploads.
		{"all uploads are busy", crowd{nodes: 4, chunk: 1, holders: []uint16{0b0011, 0b0110, 0b1100, 0b1001}}, 200 * time.Millisecond},
		// Node 0 alone holds 3 of 4 chunks, the mean upload would be 5 of 3 nodes.
		{"a node with chunks of its own", crowd{nodes: 3, chunk: 1, holders: []uint16{1, 1, 1, 6}}, 300 * time.Millisecond},
		// Nodes 0 and 1 alone hold 6 of 6 chunks, 3 uploads each at least; the mean is 12 of 4 nodes, too.
		{"a pair with chunks of its own", crowd{nodes: 4, chunk: 1, holders: []uint16{3, 3, 3, 3, 3, 3}}, 300 * time.Millisecond},
		// 3 of 4 nodes are complete: 12 chunks come from 3 others at best.
		{"an empty node among complete ones", crowd{nodes: 4, chunk: 1, holders: slices.Repeat([]uint16{7}, 12)}, 400 * time.Millisecond},
		{"larger chunks take longer", flashCrowd(8, 10, 5), 5 * time.Second},
	} {
		if got := c.crowd.ideal(rate); got != c.want {
			t.Errorf("%s: expected %v, got %v", c.name, c.want, got)
		}
	}
}

func TestNodesOfAHalfCrowdHoldHalf(t *testing.T) {
	for seed := range uint64(50) {
		c := halfCrowd(8, 16, 1, seed)
		if !c.whole() {
			t.Fatalf("seed %d: somebody should hold every chunk", seed)
		}
		for node := range c.nodes {
			held := 0
			for i := range c.holders {
				if c.holds(node, i) {
					held++
				}
			}
			if held != 8 {
				t.Errorf("seed %d: node %d holds %d chunks, expected 8", seed, node, held)
			}
		}
		if again := halfCrowd(8, 16, 1, seed); !slices.Equal(again.holders, c.holders) {
			t.Errorf("seed %d: expected the same crowd twice", seed)
		}
	}
}

func TestIdealOfHalvesIsTheMeanUploadUnlessChunksAreRare(t *testing.T) {
	c := halfCrowd(8, 64, 1, 1)
	// 8 nodes miss 32 chunks each: 256 uploads of 8 nodes.
	if got, want := c.ideal(1), 32*time.Second; got != want {
		t.Errorf("expected %v, got %v", want, got)
	}
}
