package engine

import "github.com/pold-network/pold/engine/internal/vector"

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
	s := &columnSums{m: m, columns: columns, lanes: make([]float32, vector.Lanes*columns)}
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
	s.m.vec.SumColumnsOf(s.dst[from:to], s.x[from:], s.rows, to-from, s.columns, s.lanes[from*vector.Lanes:to*vector.Lanes])
}
