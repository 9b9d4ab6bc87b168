package engine

import (
	"math"

	"github.com/pold-network/pold/engine/internal/gemm"
	"github.com/pold-network/pold/modelspec"
)

// attention is multi-head self-attention: queries, keys and values are linear maps of x, each head mixes values by
// softmax(queries·keysᵀ / sqrt(head size)), and a last linear map mixes the heads.
type attention struct {
	m                       *machine
	positions, width, heads int
	head                    int // width / heads
	causal                  bool
	scale                   float32
	project, output         *dense
	projected, mixed        []float32   // rows × positions × 3·width (queries, keys, values) and × width
	weights                 []float32   // rows × heads × positions × positions: after softmax
	dProjected, dMixed      []float32   // their gradients
	scores                  [][]float32 // per worker: positions × positions
	scratch                 []attentionScratch
	inner                   io // for project and output
	x, dx                   [1][]float32
	ahead, back             task
}

type attentionScratch struct {
	gemm    gemm.Scratch
	product gemm.Product
}

func newAttention(m *machine, n *modelspec.Node, t layerTensors, capacity int, mode passMode) *attention {
	positions, width := n.Rows()
	l := &attention{m: m, positions: positions, width: width, heads: int(n.Heads), causal: n.Causal}
	l.head = width / l.heads
	l.scale = 1 / float32(math.Sqrt(float64(l.head)))
	part := func(from int) layerTensors {
		p := layerTensors{params: t.params[from : from+2]}
		if t.gradients != nil {
			p.gradients = t.gradients[from : from+2]
		}
		return p
	}
	l.project = newDense(m, part(0), positions, width, 3*width)
	l.output = newDense(m, part(2), positions, width, width)
	rows := capacity * positions
	l.projected, l.mixed = make([]float32, rows*3*width), make([]float32, rows*width)
	l.scratch = make([]attentionScratch, m.pool.Threads())
	if mode == training {
		l.weights = make([]float32, capacity*l.heads*positions*positions)
		l.dProjected, l.dMixed = make([]float32, rows*3*width), make([]float32, rows*width)
	}
	for range m.pool.Threads() {
		l.scores = append(l.scores, make([]float32, positions*positions))
	}
	l.inner.x, l.inner.dx = l.x[:], l.dx[:]
	l.ahead.work = l.forwardRange
	l.back.work = l.backwardRange
	return l
}

// dense runs one of the linear maps forward.
func (l *attention) forward(b *io) {
	rows := b.rows * l.positions
	l.run(l.project, b, b.x[0], l.projected[:rows*3*l.width])
	l.m.run(&l.ahead, b.rows*l.heads, 1)
	l.run(l.output, b, l.mixed[:rows*l.width], b.y)
}

func (l *attention) run(d *dense, b *io, x, y []float32) {
	l.inner.rows, l.x[0], l.inner.y = b.rows, x, y
	d.forward(&l.inner)
}

// part returns queries (0), keys (1) or values (2) of one head of one row: a matrix positions × head with leading dimension 3·width.
func (l *attention) part(of []float32, row, head, which int) []float32 {
	return of[row*l.positions*3*l.width+which*l.width+head*l.head:]
}

// forwardRange computes the heads from ≤ i < to, counted over all rows.
func (l *attention) forwardRange(worker, from, to int) {
	s, n := &l.scratch[worker], l.positions
	for i := from; i < to; i++ {
		row, head := i/l.heads, i%l.heads
		p := l.scores[worker]
		if l.weights != nil {
			p = l.weights[i*n*n:][:n*n]
		}
		s.product = gemm.Product{TransB: true, M: n, N: n, K: l.head, A: l.part(l.projected, row, head, 0), LDA: 3 * l.width,
			B: l.part(l.projected, row, head, 1), LDB: 3 * l.width, C: p, LDC: n}
		l.m.mul.Serial(&s.product, &s.gemm)
		l.m.vec.Scale(p, p, l.scale)
		for t := range n {
			seen := l.seen(t)
			softmaxRow(l.m, p[t*n:][:seen], p[t*n:][:seen])
			clear(p[t*n+seen : (t+1)*n])
		}
		s.product = gemm.Product{M: n, N: l.head, K: n, A: p, LDA: n, B: l.part(l.projected, row, head, 2), LDB: 3 * l.width,
			C: l.mixed[row*n*l.width+head*l.head:], LDC: l.width}
		l.m.mul.Serial(&s.product, &s.gemm)
	}
}

// seen is how many positions position t attends to.
func (l *attention) seen(t int) int {
	if l.causal {
		return t + 1
	}
	return l.positions
}

func (l *attention) backward(b *io) {
	rows := b.rows * l.positions
	l.inner.rows = b.rows
	l.x[0], l.inner.dy, l.dx[0] = l.mixed[:rows*l.width], b.dy, l.dMixed[:rows*l.width]
	l.output.backward(&l.inner)
	l.m.run(&l.back, b.rows*l.heads, 1)
	l.x[0], l.inner.dy, l.dx[0] = b.x[0], l.dProjected[:rows*3*l.width], b.dx[0]
	l.project.backward(&l.inner)
}

func (l *attention) backwardRange(worker, from, to int) {
	s, n := &l.scratch[worker], l.positions
	for i := from; i < to; i++ {
		row, head := i/l.heads, i%l.heads
		p, dp := l.weights[i*n*n:][:n*n], l.scores[worker]
		dMixed := l.dMixed[row*n*l.width+head*l.head:]
		multiply := func(product gemm.Product) {
			s.product = product
			l.m.mul.Serial(&s.product, &s.gemm)
		}
		// values, then the weights before softmax, then queries and keys
		multiply(gemm.Product{TransA: true, M: n, N: l.head, K: n, A: p, LDA: n, B: dMixed, LDB: l.width,
			C: l.part(l.dProjected, row, head, 2), LDC: 3 * l.width})
		multiply(gemm.Product{TransB: true, M: n, N: n, K: l.head, A: dMixed, LDA: l.width,
			B: l.part(l.projected, row, head, 2), LDB: 3 * l.width, C: dp, LDC: n})
		for t := range n {
			seen := l.seen(t)
			softmaxRowGrad(l.m, dp[t*n:][:seen], p[t*n:][:seen], dp[t*n:][:seen])
			clear(dp[t*n+seen : (t+1)*n])
		}
		l.m.vec.Scale(dp, dp, l.scale)
		multiply(gemm.Product{M: n, N: l.head, K: n, A: dp, LDA: n, B: l.part(l.projected, row, head, 1), LDB: 3 * l.width,
			C: l.part(l.dProjected, row, head, 0), LDC: 3 * l.width})
		multiply(gemm.Product{TransA: true, M: n, N: l.head, K: n, A: dp, LDA: n, B: l.part(l.projected, row, head, 0), LDB: 3 * l.width,
			C: l.part(l.dProjected, row, head, 1), LDC: 3 * l.width})
	}
}
