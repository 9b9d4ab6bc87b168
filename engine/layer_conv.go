package engine

import (
	"github.com/pold-network/pold/engine/internal/gemm"
	"github.com/pold-network/pold/modelspec"
)

// conv2d is a cross-correlation with zero padding, image by image as matrix products: the values that each output pixel sees stand in a
// column (channel, kernel row, kernel column), and y = W·columns + b. Each y is one chain that starts at the bias and includes the zeros
// of the padding.
type conv2d struct {
	m                                  *machine
	channels, height, width            int // of the input
	units, outHeight, outWidth         int
	kernelHeight, kernelWidth          int
	strideHeight, strideWidth          int
	padHeight, padWidth                int
	groups, groupIn, groupOut, columns int // columns: values that one output sees
	w, b, dw, db                       []float32

	workers  []convScratch
	flipped  []float32   // backward: for each group the weights as [groupIn, groupOut·kernel]
	partials [][]float32 // backward: gradients of the weights over partialSamples images each, transposed
	sums     []float32   // backward: rows × units, sums over pixels
	bias     *columnSums
	io       *io
	firstRun int // of the partials in hand

	ahead, back, collect task
}

// convScratch belongs to one worker.
type convScratch struct {
	gemm    gemm.Scratch
	product gemm.Product
	seen    window
	spread  window
}

// partialSamples is how many images the gradient of the weights takes in one chain; the partial sums are then added in order. It is part
// of the definition: without it, chains over all pixels of a batch would lose digits and could not be shared.
const partialSamples = 16

func newConv2D(m *machine, n *modelspec.Node, t layerTensors, capacity int, mode passMode) *conv2d {
	l := &conv2d{m: m, units: n.Out[0], outHeight: n.Out[1], outWidth: n.Out[2],
		kernelHeight: int(n.KernelHeight), kernelWidth: int(n.KernelWidth), strideHeight: int(n.StrideHeight), strideWidth: int(n.StrideWidth),
		padHeight: int(n.PaddingHeight), padWidth: int(n.PaddingWidth), groups: int(n.Groups), w: t.params[0], b: t.params[1]}
	l.channels, l.height, l.width = n.Image()
	l.groupIn, l.groupOut = l.channels/l.groups, l.units/l.groups
	l.columns = l.groupIn * l.kernelHeight * l.kernelWidth
	l.workers = make([]convScratch, m.pool.Threads())
	for i := range l.workers {
		l.workers[i].seen.init(l.columns, l.outHeight, l.outWidth)
	}
	l.ahead.work = l.forwardRange
	if mode == training {
		l.dw, l.db = t.gradients[0], t.gradients[1]
		l.flipped = make([]float32, len(l.w))
		parts := (capacity + partialSamples - 1) / partialSamples
		l.partials = make([][]float32, min(parts, m.pool.Threads()))
		for i := range l.partials {
			l.partials[i] = make([]float32, len(l.w))
		}
		l.sums = make([]float32, capacity*l.units)
		l.bias = newColumnSums(m, l.units)
		for i := range l.workers {
			l.workers[i].spread.init(l.groupOut*l.kernelHeight*l.kernelWidth, l.height, l.width)
		}
		l.back.work = l.inputGradientRange
		l.collect.work = l.weightGradientRange
	}
	return l
}

func (l *conv2d) outPixels() int  { return l.outHeight * l.outWidth }
func (l *conv2d) inputSize() int  { return l.channels * l.height * l.width }
func (l *conv2d) outputSize() int { return l.units * l.outPixels() }

func (l *conv2d) forward(b *io) {
	l.io = b
	l.m.run(&l.ahead, b.rows, 1)
}

func (l *conv2d) forwardRange(worker, from, to int) {
	s, pixels := &l.workers[worker], l.outPixels()
	for r := from; r < to; r++ {
		x, y := l.io.x[0][r*l.inputSize():][:l.inputSize()], l.io.y[r*l.outputSize():][:l.outputSize()]
		for u := range l.units {
			fill(y[u*pixels:][:pixels], l.b[u])
		}
		for g := range l.groups {
			for b := s.seen.first(); b.rows > 0; b = s.seen.next(b) {
				columns, n := l.gather(&s.seen, x, g, b), b.rows*b.cols
				s.product = gemm.Product{M: l.groupOut, N: n, K: l.columns,
					A: l.w[g*l.groupOut*l.columns:], LDA: l.columns, B: columns, LDB: n, Accumulate: true,
					C: y[g*l.groupOut*pixels+b.top*l.outWidth+b.left:], LDC: pixels}
				l.m.mul.Serial(&s.product, &s.gemm)
			}
		}
	}
}

func (l *conv2d) backward(b *io) {
	l.io = b
	parts := (b.rows + partialSamples - 1) / partialSamples
	for l.firstRun = 0; l.firstRun < parts; l.firstRun += len(l.partials) {
		run := min(len(l.partials), parts-l.firstRun)
		l.m.run(&l.collect, run, 1)
		for i, partial := range l.partials[:run] {
			l.addPartial(partial, l.firstRun+i == 0)
		}
	}
	l.bias.sum(l.db, l.sums, b.rows)
	if b.dx[0] != nil {
		l.flipWeights()
		l.m.run(&l.back, b.rows, 1)
	}
}

// weightGradientRange computes partials: for each group the transpose [columns, groupOut] of the gradient over partialSamples images,
// one chain over the pixels of the images in order. It also leaves the sums of dy over the pixels for the gradient of the bias.
func (l *conv2d) weightGradientRange(worker, from, to int) {
	s, pixels := &l.workers[worker], l.outPixels()
	for part := from; part < to; part++ {
		begin := (l.firstRun + part) * partialSamples
		for r := begin; r < min(begin+partialSamples, l.io.rows); r++ {
			x, dy := l.io.x[0][r*l.inputSize():][:l.inputSize()], l.io.dy[r*l.outputSize():][:l.outputSize()]
			for u := range l.units {
				l.sums[r*l.units+u] = l.m.vec.Sum(dy[u*pixels:][:pixels])
			}
			for g := range l.groups {
				for b := s.seen.first(); b.rows > 0; b = s.seen.next(b) {
					columns, n := l.gather(&s.seen, x, g, b), b.rows*b.cols
					s.product = gemm.Product{TransB: true, M: l.columns, N: l.groupOut, K: n,
						A: columns, LDA: n, B: dy[g*l.groupOut*pixels+b.top*l.outWidth+b.left:], LDB: pixels,
						Accumulate: r > begin || b.top+b.left > 0, C: l.partials[part][g*l.columns*l.groupOut:], LDC: l.groupOut}
					l.m.mul.Serial(&s.product, &s.gemm)
				}
			}
		}
	}
}

// addPartial adds a transposed partial to dw, or stores it when it is the first.
func (l *conv2d) addPartial(partial []float32, first bool) {
	for g := range l.groups {
		dw, p := l.dw[g*l.groupOut*l.columns:], partial[g*l.columns*l.groupOut:]
		for u := range l.groupOut {
			row := dw[u*l.columns:][:l.columns]
			if first {
				for i := range row {
					row[i] = p[i*l.groupOut+u]
				}
				continue
			}
			for i := range row {
				row[i] += p[i*l.groupOut+u]
			}
		}
	}
}

// flipWeights lays the weights out for the gradient of the input: flipped[group][channel in group, unit in group, kernel].
func (l *conv2d) flipWeights() {
	area := l.kernelHeight * l.kernelWidth
	for g := range l.groups {
		w, f := l.w[g*l.groupOut*l.columns:], l.flipped[g*l.groupOut*l.columns:]
		for u := range l.groupOut {
			for c := range l.groupIn {
				copy(f[(c*l.groupOut+u)*area:][:area], w[(u*l.groupIn+c)*area:])
			}
		}
	}
}

// inputGradientRange: dx at a pixel is one chain over (unit, kernel row, kernel column) of weight times the dy that this weight led the
// pixel to, +0 where there is none.
func (l *conv2d) inputGradientRange(worker, from, to int) {
	s, pixels := &l.workers[worker], l.height*l.width
	depth := l.groupOut * l.kernelHeight * l.kernelWidth
	for r := from; r < to; r++ {
		dx, dy := l.io.dx[0][r*l.inputSize():][:l.inputSize()], l.io.dy[r*l.outputSize():][:l.outputSize()]
		for g := range l.groups {
			for b := s.spread.first(); b.rows > 0; b = s.spread.next(b) {
				columns, n := l.spread(&s.spread, dy, g, b), b.rows*b.cols
				s.product = gemm.Product{M: l.groupIn, N: n, K: depth,
					A: l.flipped[g*l.groupOut*l.columns:], LDA: depth, B: columns, LDB: n,
					C: dx[g*l.groupIn*pixels+b.top*l.width+b.left:], LDC: pixels}
				l.m.mul.Serial(&s.product, &s.gemm)
			}
		}
	}
}

// fill sets every element to v, by copies that double: a loop over the elements is several times slower.
func fill(x []float32, v float32) {
	if len(x) == 0 {
		return
	}
	x[0] = v
	for n := 1; n < len(x); n *= 2 {
		copy(x[n:], x[:n])
	}
}
