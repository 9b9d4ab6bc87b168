package engine

import "github.com/pold-network/pold/modelspec"

// activation is a function of each value by itself.
type activation struct {
	m           *machine
	b           *io
	ahead, back task
	function    func(y, x []float32)
	derivative  func(dx, kept, dy []float32)
	keepsOutput bool // derivative reads y, else x
}

func newActivation(m *machine, kind string) *activation {
	l := &activation{m: m, keepsOutput: traitsOf(kind).needsOutput}
	switch v := m.vec; kind {
	case modelspec.KindReLU:
		l.function, l.derivative = v.ReLU, v.ReLUGrad
	case modelspec.KindTanh:
		l.function, l.derivative = v.Tanh, v.TanhGrad
	case modelspec.KindSigmoid:
		l.function, l.derivative = v.Sigmoid, v.SigmoidGrad
	case modelspec.KindGELU:
		l.function, l.derivative = v.GELU, v.GELUGrad
	case modelspec.KindSiLU:
		l.function, l.derivative = v.SiLU, v.SiLUGrad
	}
	l.ahead.work = func(_, from, to int) { l.function(l.b.y[from:to], l.b.x[0][from:to]) }
	l.back.work = func(_, from, to int) {
		kept := l.b.x[0]
		if l.keepsOutput {
			kept = l.b.y
		}
		l.derivative(l.b.dx[0][from:to], kept[from:to], l.b.dy[from:to])
	}
	return l
}

func (l *activation) forward(b *io) {
	l.b = b
	l.m.run(&l.ahead, len(b.y), elementPiece)
}

func (l *activation) backward(b *io) {
	if b.dx[0] != nil {
		l.b = b
		l.m.run(&l.back, len(b.dy), elementPiece)
	}
}

// softmax is exp(x - max) / sum over the last axis.
type softmax struct {
	m           *machine
	length      int
	b           *io
	ahead, back task
}

func newSoftmax(m *machine, length int) *softmax {
	l := &softmax{m: m, length: length}
	l.ahead.work = func(_, from, to int) {
		for r := from; r < to; r++ {
			softmaxRow(m, l.b.y[r*length:][:length], l.b.x[0][r*length:][:length])
		}
	}
	l.back.work = func(_, from, to int) {
		for r := from; r < to; r++ {
			softmaxRowGrad(m, l.b.dx[0][r*length:][:length], l.b.y[r*length:][:length], l.b.dy[r*length:][:length])
		}
	}
	return l
}

func (l *softmax) forward(b *io) {
	l.b = b
	l.m.run(&l.ahead, len(b.y)/l.length, rowPiece(l.length))
}

func (l *softmax) backward(b *io) {
	if b.dx[0] != nil {
		l.b = b
		l.m.run(&l.back, len(b.dy)/l.length, rowPiece(l.length))
	}
}

// softmaxRow: e = exp(x - max x); y = e / sum(e). y may be x.
func softmaxRow(m *machine, y, x []float32) {
	total := m.vec.ExpSubSum(y, x, m.vec.Max(x))
	m.vec.DivScalar(y, y, total)
}

// softmaxRowGrad: dx = y·(dy - dot(dy, y)). dx may be dy.
func softmaxRowGrad(m *machine, dx, y, dy []float32) {
	inner := m.vec.Dot(dy, y)
	m.vec.AddScalar(dx, dy, -inner)
	m.vec.Mul(dx, dx, y)
}
