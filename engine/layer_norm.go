package engine

import (
	"math"

	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/engine/internal/vector"
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
		l.lanes = make([]float32, vector.Lanes*length)
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
	factor         []float32 // backward: per channel, w·rstd
	perRow, second []float32 // rows × channels: reductions over pixels; single features need the second only
	lanes          []float32
	values         []float32 // for each worker the normalised values of a channel, or those of a row of single features
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
		l.scale, l.shift, l.factor = floats(channels), floats(channels), floats(channels)
		l.second = floats(capacity * channels)
		l.lanes = floats(vector.Lanes * channels)
		if l.pixels == 1 {
			l.values = floats(m.pool.Threads() * channels)
			l.squares.work, l.gradients.work, l.back.work = l.squareRow, l.gradientRow, l.backwardRow
			return l
		}
		l.values = floats(m.pool.Threads() * l.pixels)
		l.perRow = floats(capacity * channels)
		l.sums.work, l.squares.work, l.gradients.work, l.back.work = l.sumRange, l.squareRange, l.gradientRange, l.backwardRange
	}
	return l
}

func (l *batchNorm) forward(b *io) {
	l.io = b
	piece := rowPiece(l.channels * l.pixels)
	if b.training {
		vec, count := l.m.vec, float32(b.rows*l.pixels)
		sums, squares := l.perRow, l.perRow
		if l.pixels == 1 {
			sums, squares = b.x[0], l.second
		} else {
			l.m.run(&l.sums, b.rows, piece)
		}
		vec.SumColumns(l.mean, sums, b.rows, l.channels, l.lanes)
		vec.DivScalar(l.mean, l.mean, count)
		l.m.run(&l.squares, b.rows, piece)
		vec.SumColumns(l.rstd, squares, b.rows, l.channels, l.lanes)
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

// sumRange leaves the sum of the pixels of each channel of the images from ≤ r < to.
func (l *batchNorm) sumRange(_, from, to int) {
	for i := from * l.channels; i < to*l.channels; i++ {
		l.perRow[i] = l.m.vec.Sum(l.io.x[0][i*l.pixels:][:l.pixels])
	}
}

// squareRange does the same with the squares of their distances from the mean.
func (l *batchNorm) squareRange(_, from, to int) {
	for i := from * l.channels; i < to*l.channels; i++ {
		l.perRow[i] = l.m.vec.SumSquaredDiff(l.io.x[0][i*l.pixels:][:l.pixels], l.mean[i%l.channels])
	}
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
	sums := l.perRow
	if l.pixels == 1 {
		sums = b.dy
	}
	vec.SumColumns(l.db, sums, b.rows, l.channels, l.lanes)
	vec.SumColumns(l.dw, l.second, b.rows, l.channels, l.lanes)
	if b.dx[0] == nil {
		return
	}
	count := float32(b.rows * l.pixels)
	vec.DivScalar(l.shift, l.db, count)
	vec.DivScalar(l.scale, l.dw, count)
	vec.Mul(l.factor, l.w, l.rstd)
	l.m.run(&l.back, b.rows, piece)
}

// gradientRange leaves, for each image and channel, the sums of dy and of dy·x̂ over the pixels.
func (l *batchNorm) gradientRange(worker, from, to int) {
	vec, normal := l.m.vec, l.room(worker)
	for i := from * l.channels; i < to*l.channels; i++ {
		c := i % l.channels
		x, dy := l.io.x[0][i*l.pixels:][:l.pixels], l.io.dy[i*l.pixels:][:l.pixels]
		vec.Standardize(normal, x, l.mean[c], l.rstd[c])
		l.perRow[i] = vec.Sum(dy)
		l.second[i] = vec.Dot(dy, normal)
	}
}

// room is the worker's part of values.
func (l *batchNorm) room(worker int) []float32 {
	size := len(l.values) / l.m.pool.Threads()
	return l.values[worker*size:][:size]
}

// backwardRange: dx = (w·rstd) · ((dy - Σdy/count) - x̂ · Σ(dy·x̂)/count).
func (l *batchNorm) backwardRange(worker, from, to int) {
	vec, normal := l.m.vec, l.room(worker)
	for i := from * l.channels; i < to*l.channels; i++ {
		c := i % l.channels
		x, dy, dx := l.io.x[0][i*l.pixels:][:l.pixels], l.io.dy[i*l.pixels:][:l.pixels], l.io.dx[0][i*l.pixels:][:l.pixels]
		vec.Standardize(normal, x, l.mean[c], l.rstd[c])
		vec.LayerNormGrad(dx, dy, normal, l.shift[c], l.scale[c], l.factor[c])
	}
}

// Single features take the same steps a row at a time. Where a reduction over the one pixel is left out, its result would differ by no
// more than the sign of a zero, and that doesn't show in the sum of a column, which starts at +0.

// squareRow leaves the square of the distance from the mean.
func (l *batchNorm) squareRow(_, from, to int) {
	n := l.channels
	for r := from; r < to; r++ {
		squares := l.second[r*n:][:n]
		l.m.vec.Sub(squares, l.io.x[0][r*n:][:n], l.mean)
		l.m.vec.Mul(squares, squares, squares)
	}
}

// normalRow stores x̂ of row r.
func (l *batchNorm) normalRow(normal []float32, r int) {
	l.m.vec.Sub(normal, l.io.x[0][r*l.channels:][:l.channels], l.mean)
	l.m.vec.Mul(normal, normal, l.rstd)
}

// gradientRow leaves dy·x̂.
func (l *batchNorm) gradientRow(_, from, to int) {
	n := l.channels
	for r := from; r < to; r++ {
		products := l.second[r*n:][:n]
		l.normalRow(products, r)
		l.m.vec.Mul(products, products, l.io.dy[r*n:][:n])
	}
}

// backwardRow is backwardRange.
func (l *batchNorm) backwardRow(worker, from, to int) {
	vec, normal, n := l.m.vec, l.room(worker), l.channels
	for r := from; r < to; r++ {
		dy, dx := l.io.dy[r*n:][:n], l.io.dx[0][r*n:][:n]
		l.normalRow(normal, r)
		vec.Scale(normal, normal, -1)
		vec.Sub(dx, dy, l.shift)
		vec.AffineRow(dx, normal, l.scale, dx)
		vec.Mul(dx, dx, l.factor)
	}
}
