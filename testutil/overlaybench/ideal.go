package main

import (
	"math/bits"
	"math/rand/v2"
	"time"
)

// crowd is who holds what before a transfer that ends when everybody holds everything.
type crowd struct {
	nodes   int      // at most 16: ideal looks at every group of them
	chunk   int64    // size of a chunk in bytes
	holders []uint16 // of each chunk: bit i is set when node i holds it
}

// flashCrowd is a crowd of which only node 0 holds anything, which is everything.
func flashCrowd(nodes, chunks int, chunk int64) crowd {
	c := crowd{nodes: nodes, chunk: chunk, holders: make([]uint16, chunks)}
	for i := range c.holders {
		c.holders[i] = 1
	}
	return c
}

// halfCrowd is a crowd whose nodes hold a random half of the chunks each, such that somebody holds every chunk and nobody all.
func halfCrowd(nodes, chunks int, chunk int64, seed uint64) crowd {
	draw := rand.New(rand.NewPCG(seed, 0))
	for {
		c := crowd{nodes: nodes, chunk: chunk, holders: make([]uint16, chunks)}
		for node := range nodes {
			for _, i := range draw.Perm(chunks)[:chunks/2] {
				c.holders[i] |= 1 << node
			}
		}
		if c.whole() {
			return c
		}
	}
}

// whole says whether the nodes together hold every chunk.
func (c crowd) whole() bool {
	for _, h := range c.holders {
		if h == 0 {
			return false
		}
	}
	return true
}

// holds says whether a node holds a chunk.
func (c crowd) holds(node, chunk int) bool { return c.holders[chunk]>>node&1 == 1 }

// ideal is a time that no transfer can beat when every node uploads at most rate bytes a second and downloads are not limited. With n
// nodes it is the largest of
//
//   - all bytes that are missing somewhere / (n × rate), because every missing byte is uploaded once for each node that misses it;
//   - for every group of g < n nodes: the bytes that nobody outside holds / (g × rate), because they have to leave the group at least
//     once. A group of one is a node with chunks that nobody else has, such as the only seeder, for which it is size / rate;
//   - for every node: the bytes that it misses / ((n - 1) × rate), because all others together upload no faster.
//
// For a flash crowd with one seeder this is max(size / rate, (n - 1) × size / (n × rate)) = size / rate. It ignores that a chunk can be
// passed on only when all of it has arrived, and the way of the last chunks, so that it cannot be reached quite.
func (c crowd) ideal(rate int64) time.Duration {
	all := uint16(1<<c.nodes - 1)
	missing := make([]int, c.nodes)
	total := 0
	for i := range c.holders {
		for node := range missing {
			if !c.holds(node, i) {
				missing[node]++
				total++
			}
		}
	}
	chunks := float64(total) / float64(c.nodes) // to be uploaded by the busiest node
	for _, m := range missing {
		chunks = max(chunks, float64(m)/float64(c.nodes-1))
	}
	for group := uint16(1); group < all; group++ {
		own := 0
		for _, h := range c.holders {
			if h&^group == 0 {
				own++
			}
		}
		chunks = max(chunks, float64(own)/float64(bits.OnesCount16(group)))
	}
	return time.Duration(chunks * float64(c.chunk) / float64(rate) * float64(time.Second))
}
