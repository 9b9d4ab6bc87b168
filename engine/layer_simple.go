package engine

import "github.com/pold-network/pold/modelspec"

// addition is y = x₀ + x₁, the end of a residual branch.
type addition struct {
	m     *machine
	b     *io
	ahead task
}

func newAddition(m *machine) *addition {
	l := &addition{m: m}
	l.ahead.work = func(_, from, to int) { m.vec.Add(l.b.y[from:to], l.b.x[0][from:to], l.b.x[1][from:to]) }
	return l
}

func (l *addition) forward(b *io) {
	l.b = b
	l.m.run(&l.ahead, len(b.y), elementPiece)
}

func (l *addition) backward(b *io) {
	copyGradient(b.dx[1], b.dy)
	copyGradient(b.dx[0], b.dy)
}

// copyGradient copies dy to dx unless dx is not needed or is dy itself.
func copyGradient(dx, dy []float32) {
	if len(dx) > 0 && &dx[0] != &dy[0] {
		copy(dx, dy)
	}
}

// flatten is y = x under another shape; the memory plan makes both the same values, except behind the model's input.
type flatten struct{}

func (flatten) forward(b *io)  { copyGradient(b.y, b.x[0]) }
func (flatten) backward(b *io) { copyGradient(b.dx[0], b.dy) }

// position is y = x + w with one weight for every value of a row: what a sequence knows of its positions.
type position struct {
	m     *machine
	w, dw []float32
	sums  *columnSums
	b     *io
	ahead task
}

func newPosition(m *machine, t layerTensors) *position {
	l := &position{m: m, w: t.params[0]}
	if t.gradients != nil {
		l.dw = t.gradients[0]
		l.sums = newColumnSums(m, len(l.dw))
	}
	l.ahead.work = func(_, from, to int) {
		n := len(l.w)
		for r := from; r < to; r++ {
			m.vec.Add(l.b.y[r*n:][:n], l.b.x[0][r*n:][:n], l.w)
		}
	}
	return l
}

func (l *position) forward(b *io) {
	l.b = b
	l.m.run(&l.ahead, b.rows, rowPiece(len(l.w)))
}

func (l *position) backward(b *io) {
	l.sums.sum(l.dw, b.dy, b.rows)
	copyGradient(b.dx[0], b.dy)
}

// embedding is y[t] = w[x[t]] for the integers x of a row.
type embedding struct {
	m     *machine
	units int
	w, dw []float32
	b     *io
	ahead task
}

func newEmbedding(m *machine, t layerTensors, n *modelspec.Node) *embedding {
	l := &embedding{m: m, units: int(n.Units), w: t.params[0]}
	if t.gradients != nil {
		l.dw = t.gradients[0]
	}
	l.ahead.work = func(_, from, to int) {
		for i := from; i < to; i++ {
			copy(l.b.y[i*l.units:][:l.units], l.w[int(l.b.x[0][i])*l.units:][:l.units])
		}
	}
	return l
}

func (l *embedding) forward(b *io) {
	l.b = b
	l.m.run(&l.ahead, len(b.x[0]), rowPiece(l.units))
}

// backward adds the gradients of equal integers in the order of the batch.
func (l *embedding) backward(b *io) {
	clear(l.dw)
	for i, x := range b.x[0] {
		row := l.dw[int(x)*l.units:][:l.units]
		l.m.vec.Add(row, row, b.dy[i*l.units:][:l.units])
	}
}

// dropout sets values to 0 with the probability of the layer and scales the others up, in training only. Which ones is decided by
// word i of the stream (seed, "dropout/<layer>", step) for value i of the batch.
type dropout struct {
	m         *machine
	label     string
	threshold uint32 // words below it drop
	scale     float32
	mask      []float32 // 0 or scale
	b         *io
	ahead     task
	back      task
}

func newDropout(m *machine, n *modelspec.Node, capacity int, mode passMode) *dropout {
	rate := float64(n.RateE6)
	l := &dropout{m: m, label: "dropout/" + n.Name, threshold: uint32(n.RateE6 << 32 / 1_000_000),
		scale: float32(1 / (1 - float64(rate/1e6)))}
	if mode == training {
		l.mask = make([]float32, capacity*n.Outputs())
	}
	l.ahead.work = func(_, from, to int) {
		s := openStream(l.b.seed, l.label, l.b.step)
		s.skip(uint64(from))
		for i := from; i < to; i++ {
			l.mask[i] = l.scale
			if s.uint32() < l.threshold {
				l.mask[i] = 0
			}
		}
		m.vec.Mul(l.b.y[from:to], l.b.x[0][from:to], l.mask[from:to])
	}
	l.back.work = func(_, from, to int) { m.vec.Mul(l.b.dx[0][from:to], l.b.dy[from:to], l.mask[from:to]) }
	return l
}

func (l *dropout) forward(b *io) {
	if !b.training {
		copyGradient(b.y, b.x[0])
		return
	}
	l.b = b
	l.m.run(&l.ahead, len(b.y), elementPiece)
}

func (l *dropout) backward(b *io) {
	if b.dx[0] != nil {
		l.b = b
		l.m.run(&l.back, len(b.dy), elementPiece)
	}
}
