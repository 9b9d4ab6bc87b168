package weightdelta

// order says where the residual of each word of a block is: group by group, and in a group as in the block. The group of a word depends on
// the exponent of its base, which both sides know.
type order struct {
	groups [256]byte          // of each exponent
	starts [257]uint32        // of each group, in residuals
	next   [lanes][256]uint32 // where in each group the residuals of each lane begin
}

// lanes is how many quarters of a block are restored side by side. The place of a residual is counted up from the one before it in its
// group; with one counter for each group every word would wait for the last one, so each lane has its own.
const lanes = 4

// newOrder counts a block of the base. Cuts are, in ascending order, the exponents at which the next group begins.
func newOrder(cuts, old []byte) *order {
	o := new(order)
	g := 0
	for x := range o.groups {
		for g < len(cuts) && int(cuts[g]) <= x {
			g++
		}
		o.groups[x] = byte(g)
	}
	counts := countExponents(old)
	var sizes [lanes][256]uint32
	for lane := range lanes {
		for x, n := range counts[lane] {
			sizes[lane][o.groups[x]] += n
		}
	}
	sum := uint32(0)
	for g := range 256 {
		o.starts[g] = sum
		for lane := range lanes {
			o.next[lane][g] = sum
			sum += sizes[lane][g]
		}
	}
	o.starts[256] = sum
	return o
}

// laneSize is the length of a lane in bytes; up to three words follow the last lane and belong to it.
func laneSize(old []byte) int { return len(old) / 4 / lanes * 4 }

// countExponents returns how many words there are of each lane and exponent.
func countExponents(old []byte) (n [lanes][256]uint32) {
	m := laneSize(old)
	a, b, c, d := old[:m], old[m:2*m], old[2*m:3*m], old[3*m:4*m]
	b, c, d = b[:len(a)], c[:len(a)], d[:len(a)] // says that all checks in the loop hold
	for j := 0; j < len(a)-3; j += 4 {
		n[0][exponent(le.Uint32(a[j:]))]++
		n[1][exponent(le.Uint32(b[j:]))]++
		n[2][exponent(le.Uint32(c[j:]))]++
		n[3][exponent(le.Uint32(d[j:]))]++
	}
	for j := lanes * m; j < len(old); j += 4 {
		n[lanes-1][exponent(le.Uint32(old[j:]))]++
	}
	return n
}

// sort puts residuals in the order of the words into this order.
func (o *order) sort(sorted, rs []uint32, old []byte) {
	next := o.starts
	for i, r := range rs {
		g := o.groups[exponent(load(old, i))]
		sorted[next[g]] = r
		next[g]++
	}
}

// restoreXors turns exclusive ors in this order into the words of a block.
func (o *order) restoreXors(to, old []byte, rs []uint32) {
	next := o.starts
	for i := range rs {
		was := load(old, i)
		g := o.groups[exponent(was)]
		store(to, i, undoXor(rs[next[g]], was))
		next[g]++
	}
}

// restoreDifferences turns differences in this order into the words of a block. It can be done once.
func (o *order) restoreDifferences(to, old []byte, rs []uint32) {
	to = to[:len(old)]
	m := laneSize(old)
	for j := 0; j < m; j += 4 {
		k := j
		was := le.Uint32(old[k : k+4])
		le.PutUint32(to[k:k+4], undoDifference(rs[o.place(0, was)], was))
		k += m
		was = le.Uint32(old[k : k+4])
		le.PutUint32(to[k:k+4], undoDifference(rs[o.place(1, was)], was))
		k += m
		was = le.Uint32(old[k : k+4])
		le.PutUint32(to[k:k+4], undoDifference(rs[o.place(2, was)], was))
		k += m
		was = le.Uint32(old[k : k+4])
		le.PutUint32(to[k:k+4], undoDifference(rs[o.place(3, was)], was))
	}
	for j := lanes * m; j < len(old); j += 4 {
		was := le.Uint32(old[j : j+4])
		le.PutUint32(to[j:j+4], undoDifference(rs[o.place(lanes-1, was)], was))
	}
}

// place returns where the residual of the next word of a lane is; was is its base.
func (o *order) place(lane int, was uint32) uint32 {
	n := &o.next[lane][o.groups[exponent(was)]]
	*n++
	return *n - 1
}
