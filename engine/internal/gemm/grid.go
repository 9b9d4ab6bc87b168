package gemm

// grid says into how many bands of rows and of columns a product is cut; their intersections are the parts that threads take.
type grid struct{ rows, cols int }

// shape is what the choice of a grid depends on.
type shape struct {
	transA, transB bool
	m, n, k        int
}

// shapesKept bounds the memory for choices made before.
const shapesKept = 4096

// gridFor returns the grid for a product. The caller holds m.mu.
func (m *Multiplier) gridFor(p *Product) grid {
	threads := m.pool.Threads()
	if threads == 1 || float64(p.M)*float64(p.N)*float64(p.K) < m.kernels.worthSharing {
		return grid{1, 1}
	}
	s := shape{p.TransA, p.TransB, p.M, p.N, p.K}
	g, known := m.grids[s]
	if !known {
		if len(m.grids) >= shapesKept {
			clear(m.grids)
		}
		g = m.kernels.bestGrid(s, threads)
		m.grids[s] = g
	}
	return g
}

// bestGrid compares all grids of up to eight parts for each thread.
func (k *kernelSet) bestGrid(s shape, threads int) grid {
	vectors := (s.n + k.lanes - 1) / k.lanes
	tiles := (s.m + k.rows - 1) / k.rows
	best, least := grid{1, 1}, 0
	for rows := 1; rows <= min(tiles, 8*threads); rows++ {
		for cols := 1; cols <= min(vectors, 8*threads/rows); cols++ {
			if cost := k.cost(s, grid{rows, cols}, threads); least == 0 || cost < least {
				best, least = grid{rows, cols}, cost
			}
		}
	}
	return best
}

// cost estimates how long a product takes; the unit is a fortieth of a multiply-add of vectors. The constants were measured; they need
// not be right, only put good grids first.
func (k *kernelSet) cost(s shape, g grid, threads int) int {
	const (
		perPart    = 1200 // taking a part and filling the caches
		perTile    = 80   // starting and storing a tile
		perB       = 4    // reading a vector of op(B) for the first time
		perBFar    = 12   // the same when it comes from the third-level cache or memory
		perBPacked = 12   // copying it
		perBTurned = 24   // transposing it
		perA       = 1    // reading a value of op(A) for the first time
		perVector  = 2    // a multiply-add of vectors

		farB = 256 << 10 // values of op(B) that do not stay in the second-level cache
	)
	m := (s.m + g.rows - 1) / g.rows
	vectors := ((s.n+k.lanes-1)/k.lanes + g.cols - 1) / g.cols
	tiles := (m + k.rows - 1) / k.rows * k.panels(vectors*k.lanes).count * ((s.k + k.blockK - 1) / k.blockK)
	part := perPart + perTile*tiles + m*s.k*perA + m*vectors*s.k*perVector
	switch {
	case s.transB:
		part += perBTurned * vectors * s.k
	case m > k.inPlaceRows:
		part += perBPacked * vectors * s.k
	case vectors*k.lanes*s.k > farB:
		part += perBFar * vectors * s.k
	default:
		part += perB * vectors * s.k
	}
	// Threads do not run at the same speed, and the last part ends alone: that counts as 0.15 of a part.
	rounds := (g.rows*g.cols + threads - 1) / threads
	return (20*rounds + 3) * part
}
