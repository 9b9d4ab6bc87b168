package engine

import "github.com/pold-network/pold/engine/internal/gemm"

// dense is y = x·Wᵀ + b with W outputs×inputs, for each of count vectors in a row (one for kind dense). Each y is one chain that
// starts at the bias.
type dense struct {
	m               *machine
	count           int
	inputs, outputs int
	w, b, dw, db    []float32
	product         gemm.Product
	sums            *columnSums
	y               []float32
	bias            task
}

func newDense(m *machine, t layerTensors, count, inputs, outputs int) *dense {
	l := &dense{m: m, count: count, inputs: inputs, outputs: outputs, w: t.params[0], b: t.params[1]}
	if t.gradients != nil {
		l.dw, l.db = t.gradients[0], t.gradients[1]
		l.sums = newColumnSums(m, outputs)
	}
	l.bias.work = func(_, from, to int) {
		for r := from; r < to; r++ {
			copy(l.y[r*outputs:][:outputs], l.b)
		}
	}
	return l
}

func (l *dense) forward(b *io) {
	rows := b.rows * l.count
	l.y = b.y
	l.m.run(&l.bias, rows, rowPiece(l.outputs))
	l.product = gemm.Product{TransB: true, M: rows, N: l.outputs, K: l.inputs,
		A: b.x[0], LDA: l.inputs, B: l.w, LDB: l.inputs, Accumulate: true, C: b.y, LDC: l.outputs}
	l.m.mul.Multiply(&l.product)
}

func (l *dense) backward(b *io) {
	rows := b.rows * l.count
	l.product = gemm.Product{TransA: true, M: l.outputs, N: l.inputs, K: rows,
		A: b.dy, LDA: l.outputs, B: b.x[0], LDB: l.inputs, C: l.dw, LDC: l.inputs}
	l.m.mul.Multiply(&l.product)
	l.sums.sum(l.db, b.dy, rows)
	if dx := b.dx[0]; dx != nil {
		l.product = gemm.Product{M: rows, N: l.inputs, K: l.outputs,
			A: b.dy, LDA: l.outputs, B: l.w, LDB: l.inputs, C: dx, LDC: l.inputs}
		l.m.mul.Multiply(&l.product)
	}
}
