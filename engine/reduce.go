package engine

// reductionLanes is the number of partial sums of every reduction.
const reductionLanes = 16

// columnSums adds up the columns of a matrix in the lane order of SPEC.md section 1, sharing the columns among the workers.
type columnSums struct {
	m       *machine
	dst, x  []float32
	rows    int
	columns int
	lanes   []float32
	share   task
}

func newColumnSums(m *machine, columns int) *columnSums {
	s := &columnSums{m: m, columns: columns, lanes: make([]float32, reductionLanes*columns)}
	s.share.work = s.sumRange
	return s
}

// sum stores in dst[j] the sum of column j of x (rows × columns).
func (s *columnSums) sum(dst, x []float32, rows int) {
	s.dst, s.x, s.rows = dst, x, rows
	// Lines of a share should not be much shorter than a kernel call is worth.
	const narrowest = 64
	threads := s.m.pool.Threads()
	piece := max(narrowest, rowPiece(rows), (s.columns+threads-1)/threads)
	s.m.run(&s.share, s.columns, piece)
}

func (s *columnSums) sumRange(_, from, to int) {
	vec, width := s.m.vec, to-from
	lanes := s.lanes[from*reductionLanes : to*reductionLanes]
	clear(lanes)
	for r := range s.rows {
		lane := lanes[r%reductionLanes*width:][:width]
		vec.Add(lane, lane, s.x[r*s.columns+from:][:width])
	}
	for half := reductionLanes / 2; half > 0; half /= 2 {
		low, high := lanes[:half*width], lanes[half*width:2*half*width]
		vec.Add(low, low, high)
	}
	copy(s.dst[from:to], lanes[:width])
}
