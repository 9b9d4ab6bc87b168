package engine

import (
	"math"

	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/modelspec"
)

// layerNorm brings each vector of the last axis to mean 0 and variance 1, then scales and shifts it: y = fma((x - mean)·rstd, w, b).
type layerNorm struct {
	m            *machine
	length       int
	epsilon      float32
	w, b, dw, db []float32
	means, rstds []float32
	products     []float32 // dy · normalised x
	lanes        []float32
	io           *io
	ahead, back  task
	scratch      [][]float32 // per worker: two vectors
}

func newLayerNorm(m *machine, n *modelspec.Node, t layerTensors, capacity int, mode passMode) *layerNorm {
	count, length := n.Rows()
	l := &layerNorm{m: m, length: length, epsilon: nanos(n.EpsilonE9), w: t.params[0], b: t.params[1],
		means: make([]float32, capacity*count), rstds: make([]float32, capacity*count)}
	l.ahead.work = l.forwardRange
	if mode == training {
		l.dw, l.db = t.gradients[0], t.gradients[1]
		l.products = make([]float32, capacity*n.Outputs())
		l.lanes = make([]float32, reductionLanes*length)
		for range m.pool.Threads() {
			l.scratch = append(l.scratch, make([]float32, length))
		}
		l.back.work = l.backwardRange
	}
	return l
}

// nanos converts an integer number of 10^-9 (exact in float64) to float32.
func nanos(e9 uint64) float32 { return float32(float64(e9) / 1e9) }

// reciprocalRoot returns 1 / sqrt(variance + epsilon), each operation rounded.
func reciprocalRoot(variance, epsilon float32) float32 {
	return 1 / float32(math.Sqrt(float64(variance+epsilon)))
}

func (l *layerNorm) forward(b *io) {
	l.io = b
	l.m.run(&l.ahead, len(b.y)/l.length, rowPiece(l.length))
}

func (l *layerNorm) forwardRange(_, from, to int) {
	vec, n := l.m.vec, l.length
	for r := from; r < to; r++ {
		x, y := l.io.x[0][r*n:][:n], l.io.y[r*n:][:n]
		mean := vec.Sum(x) / float32(n)
		rstd := reciprocalRoot(vec.SumSquaredDiff(x, mean)/float32(n), l.epsilon)
		l.means[r], l.rstds[r] = mean, rstd
		vec.Standardize(y, x, mean, rstd)
		vec.AffineRow(y, y, l.w, l.b)
	}
}

func (l *layerNorm) backward(b *io) {
	l.io = b
	rows := len(b.dy) / l.length
	l.m.run(&l.back, rows, rowPiece(l.length))
	l.m.vec.SumColumns(l.dw, l.products, rows, l.length, l.lanes)
	l.m.vec.SumColumns(l.db, b.dy, rows, l.length, l.lanes)
}

// backwardRange: with t = dy·w and x̂ the normalised x, dx = rstd · ((t - mean t) - x̂ · mean(t·x̂)).
func (l *layerNorm) backwardRange(worker, from, to int) {
	vec, n := l.m.vec, l.length
	normal := l.scratch[worker]
	for r := from; r < to; r++ {
		x, dy := l.io.x[0][r*n:][:n], l.io.dy[r*n:][:n]
		vec.Standardize(normal, x, l.means[r], l.rstds[r])
		t := l.products[r*n:][:n]
		if l.io.dx[0] != nil {
			vec.Mul(t, dy, l.w)
			a, b := vec.Sum(t)/float32(n), vec.Dot(t, normal)/float32(n)
			vec.LayerNormGrad(l.io.dx[0][r*n:][:n], t, normal, a, b, l.rstds[r])
		}
		vec.Mul(t, dy, normal)
	}
}

// batchNorm does the same with mean and variance of each channel over all images and pixels of the batch (each feature over the rows);
// evaluation uses running statistics instead, to which every batch of training adds its share.
type batchNorm struct {
	m                    *machine
	channels, pixels     int
	epsilon, momentum    float32
	w, b, dw, db         []float32
	runMean, runVariance []float32

	mean, rstd     []float32 // per channel, of the batch in hand
	scale, shift   []float32 // backward: per channel
	perRow, second []float32 // rows × channels: reductions over pixels
	lanes          []float32
	values         []float32 // as x, for single features only: normalised values
	io             *io

	normal, sums, squares, back, gradients task
}

func newBatchNorm(m *machine, n *modelspec.Node, t layerTensors, capacity int, mode passMode) *batchNorm {
	channels := n.Out[0]
	floats := func(n int) []float32 { return make([]float32, n) }
	l := &batchNorm{m: m, channels: channels, pixels: n.Outputs() / channels, epsilon: nanos(n.EpsilonE9),
		momentum: millionths(float64(n.MomentumE6)), w: t.params[0], b: t.params[1], runMean: t.buffers[0], runVariance: t.buffers[1],
		mean: floats(channels), rstd: floats(channels)}
	l.normal.work = l.normalRange
	if mode == training {
		l.dw, l.db = t.gradients[0], t.gradients[1]
		l.scale, l.shift = floats(channels), floats(channels)
		l.perRow, l.second = floats(capacity*channels), floats(capacity*channels)
		l.lanes = floats(reductionLanes * channels)
		l.sums.work = func(_, from, to int) { l.reduce(from, to, func(x []float32, _ int) float32 { return m.vec.Sum(x) }) }
		l.squares.work = func(_, from, to int) {
			l.reduce(from, to, func(x []float32, c int) float32 { return m.vec.SumSquaredDiff(x, l.mean[c]) })
		}
		l.gradients.work = l.gradientRange
		l.back.work = l.backwardRange
		l.values = floats(m.pool.Threads() * max(l.pixels, channels))
	}
	return l
}

// reduce applies a reduction to the pixels of each channel of the images from ≤ r < to.
func (l *batchNorm) reduce(from, to int, of func(x []float32, channel int) float32) {
	for r := from; r < to; r++ {
		for c := range l.channels {
			i := r*l.channels + c
			l.perRow[i] = of(l.io.x[0][i*l.pixels:][:l.pixels], c)
		}
	}
}

func (l *batchNorm) forward(b *io) {
	l.io = b
	piece := rowPiece(l.channels * l.pixels)
	if b.training {
		vec, count := l.m.vec, float32(b.rows*l.pixels)
		l.m.run(&l.sums, b.rows, piece)
		vec.SumColumns(l.mean, l.perRow, b.rows, l.channels, l.lanes)
		vec.DivScalar(l.mean, l.mean, count)
		l.m.run(&l.squares, b.rows, piece)
		vec.SumColumns(l.rstd, l.perRow, b.rows, l.channels, l.lanes)
		for c, total := range l.rstd {
			variance := total / count
			l.rstd[c] = reciprocalRoot(variance, l.epsilon)
			if count > 1 {
				variance = total / (count - 1)
			}
			l.runMean[c] = exact.FMA(l.momentum, l.mean[c]-l.runMean[c], l.runMean[c])
			l.runVariance[c] = exact.FMA(l.momentum, variance-l.runVariance[c], l.runVariance[c])
		}
	} else {
		for c := range l.rstd {
			l.mean[c], l.rstd[c] = l.runMean[c], reciprocalRoot(l.runVariance[c], l.epsilon)
		}
	}
	l.m.run(&l.normal, b.rows, piece)
}

func (l *batchNorm) normalRange(_, from, to int) {
	vec, n := l.m.vec, l.channels*l.pixels
	for r := from; r < to; r++ {
		x, y := l.io.x[0][r*n:][:n], l.io.y[r*n:][:n]
		if l.pixels == 1 {
			vec.Sub(y, x, l.mean)
			vec.Mul(y, y, l.rstd)
			vec.AffineRow(y, y, l.w, l.b)
			continue
		}
		for c := range l.channels {
			y := y[c*l.pixels:][:l.pixels]
			vec.Standardize(y, x[c*l.pixels:][:l.pixels], l.mean[c], l.rstd[c])
			vec.Affine(y, y, l.w[c], l.b[c])
		}
	}
}

func (l *batchNorm) backward(b *io) {
	l.io = b
	vec, piece := l.m.vec, rowPiece(l.channels*l.pixels)
	l.m.run(&l.gradients, b.rows, piece)
	vec.SumColumns(l.db, l.perRow, b.rows, l.channels, l.lanes)
	vec.SumColumns(l.dw, l.second, b.rows, l.channels, l.lanes)
	if b.dx[0] == nil {
		return
	}
	count := float32(b.rows * l.pixels)
	vec.DivScalar(l.shift, l.db, count)
	vec.DivScalar(l.scale, l.dw, count)
	l.m.run(&l.back, b.rows, piece)
}

// gradientRange leaves, for each image and channel, the sums of dy and of dy·x̂ over the pixels.
func (l *batchNorm) gradientRange(worker, from, to int) {
	vec := l.m.vec
	normal := l.room(worker)
	for i := from * l.channels; i < to*l.channels; i++ {
		c := i % l.channels
		x, dy := l.io.x[0][i*l.pixels:][:l.pixels], l.io.dy[i*l.pixels:][:l.pixels]
		vec.Standardize(normal[:l.pixels], x, l.mean[c], l.rstd[c])
		l.perRow[i] = vec.Sum(dy)
		l.second[i] = vec.Dot(dy, normal[:l.pixels])
	}
}

func (l *batchNorm) room(worker int) []float32 {
	size := len(l.values) / l.m.pool.Threads()
	return l.values[worker*size:][:size]
}

// backwardRange: dx = (w·rstd) · ((dy - Σdy/count) - x̂ · Σ(dy·x̂)/count).
func (l *batchNorm) backwardRange(worker, from, to int) {
	vec := l.m.vec
	normal := l.room(worker)
	for i := from * l.channels; i < to*l.channels; i++ {
		c := i % l.channels
		x, dy, dx := l.io.x[0][i*l.pixels:][:l.pixels], l.io.dy[i*l.pixels:][:l.pixels], l.io.dx[0][i*l.pixels:][:l.pixels]
		vec.Standardize(normal[:l.pixels], x, l.mean[c], l.rstd[c])
		vec.LayerNormGrad(dx, dy, normal[:l.pixels], l.shift[c], l.scale[c], l.w[c]*l.rstd[c])
	}
}
