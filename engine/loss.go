package engine

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/pold-network/pold/engine/internal/exact"
)

// Objective is what training minimises. The numbers are those of the protobuf enum pold.pol.v1.Objective.
type Objective uint32

// Objectives.
const (
	// CrossEntropy: softmax cross-entropy of one class per row, in nats; its metric is accuracy.
	CrossEntropy Objective = 1
	// MeanSquaredError: mean of the squared errors over the targets of a row; its metric is the mean absolute error.
	MeanSquaredError Objective = 2
	// BinaryCrossEntropy: sigmoid cross-entropy, in nats, of each output against a target between 0 and 1; its metric is the part of
	// the outputs on the right side of 0.
	BinaryCrossEntropy Objective = 3
)

// Objectives lists the objectives.
func Objectives() []Objective { return []Objective{CrossEntropy, MeanSquaredError, BinaryCrossEntropy} }

// String returns the name that people read.
func (o Objective) String() string {
	switch o {
	case CrossEntropy:
		return "cross-entropy"
	case MeanSquaredError:
		return "mean squared error"
	case BinaryCrossEntropy:
		return "binary cross-entropy"
	}
	return fmt.Sprintf("objective %d", uint32(o))
}

// Validate reports an objective that is none of Objectives.
func (o Objective) Validate() error {
	if slices.Contains(Objectives(), o) {
		return nil
	}
	return dataError("expected objective %d (%v), %d (%v) or %d (%v), got %d", CrossEntropy, CrossEntropy, MeanSquaredError, MeanSquaredError,
		BinaryCrossEntropy, BinaryCrossEntropy, uint32(o))
}

// loss computes losses, and gradients when asked, for batches of up to a fixed number of rows.
type loss struct {
	m         *machine
	objective Objective
	positions int       // decisions per row (cross-entropy)
	classes   int       // outputs per decision, or per row for the other objectives
	smoothing float32   // cross-entropy: see Recipe
	scratch   []float32 // as outputs: exponentials or errors
	second    []float32 // as outputs: smoothed cross-entropy and binary only
	sums      []float32 // per decision
	parts     []float32 // per decision
	perRow    []float32

	// What the running call reads.
	out, gradient []float32
	data          *Data
	each          task
}

func newLoss(m *machine, o Objective, capacity, positions, classes int) *loss {
	floats := func(n int) []float32 { return make([]float32, n) }
	if o != CrossEntropy {
		positions, classes = 1, positions*classes
	}
	decisions := capacity * positions
	l := &loss{m: m, objective: o, positions: positions, classes: classes, scratch: floats(decisions * classes),
		sums: floats(decisions), parts: floats(decisions), perRow: floats(capacity)}
	switch o {
	case CrossEntropy:
		l.each.work = l.crossEntropy
	case BinaryCrossEntropy:
		l.second = floats(decisions * classes)
		l.each.work = l.binary
	default:
		l.each.work = l.squaredError
	}
	return l
}

// rows returns the loss of each row of out (rows × outputs) against the same rows of d, valid until the next call. With a non-nil
// gradient it also stores there the gradient of the mean loss over these rows.
func (l *loss) rows(out []float32, d *Data, gradient []float32) []float32 {
	l.out, l.data, l.gradient = out, d, gradient
	if l.smoothing != 0 && l.second == nil {
		l.second = make([]float32, len(l.scratch))
	}
	rows := len(out) / (l.positions * l.classes)
	l.m.run(&l.each, rows*l.positions, rowPiece(8*l.classes))
	if l.objective != CrossEntropy || l.positions == 1 {
		copy(l.perRow[:rows], l.parts)
		return l.perRow[:rows]
	}
	for r := range rows {
		l.perRow[r] = l.m.vec.Sum(l.parts[r*l.positions:][:l.positions]) / float32(l.positions)
	}
	return l.perRow[:rows]
}

// crossEntropy: with d_j = z_j - max, loss = log Σ exp(d_j) - d_label; gradient = (exp(d_j)/Σ - [j = label]) · (1/decisions). Smoothing
// by s: loss = s·(log Σ - Σ d_j / n) + (1-s)·(log Σ - d_label), and the target of the gradient is s/n, plus 1-s for the label.
func (l *loss) crossEntropy(_, from, to int) {
	n, vec := l.classes, l.m.vec
	labels := l.data.Labels[from:to]
	for i, label := range labels {
		z, e := l.out[(from+i)*n:][:n], l.scratch[(from+i)*n:][:n]
		top := vec.Max(z)
		l.sums[from+i] = vec.ExpSubSum(e, z, top)
		l.parts[from+i] = z[label] - top
		if l.smoothing != 0 {
			d := l.second[(from+i)*n:][:n]
			vec.AddScalar(d, z, -top)
			d[0] = vec.Sum(d) / float32(n)
		}
	}
	scale := 1 / float32(len(l.out)/n)
	for i, label := range labels {
		at := from + i
		if l.gradient == nil {
			continue
		}
		e, g := l.scratch[at*n:][:n], l.gradient[at*n:][:n]
		if s := l.smoothing; s != 0 {
			share := s / float32(n)
			vec.DivScalar(g, e, l.sums[at])
			vec.AddScalar(g, g, -share)
			g[label] -= 1 - s
			vec.Scale(g, g, scale)
			continue
		}
		p := e[label] / l.sums[at]
		vec.DivScale(g, e, l.sums[at], scale)
		g[label] = (p - 1) * scale
	}
	vec.Log(l.sums[from:to], l.sums[from:to])
	for i := range labels {
		at := from + i
		loss := l.sums[at] - l.parts[at]
		if s := l.smoothing; s != 0 {
			loss = exact.FMA(s, l.sums[at]-l.second[at*n], float32((1-s)*loss))
		}
		l.parts[at] = loss
	}
}

// squaredError: loss = Σ (y_j - t_j)² / targets; gradient = 2·(y_j - t_j) · (1/(rows·targets)).
func (l *loss) squaredError(_, from, to int) {
	n, vec := l.classes, l.m.vec
	scale := 1 / float32(len(l.out))
	d := l.scratch[from*n : to*n]
	vec.Sub(d, l.out[from*n:to*n], l.data.Y[from*n:to*n])
	if l.gradient != nil {
		g := l.gradient[from*n : to*n]
		vec.Add(g, d, d)
		vec.Scale(g, g, scale)
	}
	vec.Mul(d, d, d)
	for r := from; r < to; r++ {
		l.parts[r] = vec.Sum(l.scratch[r*n:][:n]) / float32(n)
	}
}

// binary: with outputs z and targets t, loss = Σ ((max(z, 0) - z·t) + log(1 + exp(-|z|))) / targets; gradient = (sigmoid(z) - t) ·
// (1/(rows·targets)).
func (l *loss) binary(_, from, to int) {
	n, vec := l.classes, l.m.vec
	scale := 1 / float32(len(l.out))
	z, t := l.out[from*n:to*n], l.data.Y[from*n:to*n]
	e, a := l.scratch[from*n:to*n], l.second[from*n:to*n]
	for i, v := range z {
		e[i] = math.Float32frombits(math.Float32bits(v) | 1<<31) // -|z|
	}
	vec.Exp(e, e)
	vec.AddScalar(e, e, 1)
	vec.Log(e, e)
	vec.Mul(a, z, t)
	for i, v := range z {
		if !(v > 0) && v == v {
			v = 0
		}
		a[i] = v - a[i]
	}
	vec.Add(e, a, e)
	for r := from; r < to; r++ {
		l.parts[r] = vec.Sum(l.scratch[r*n:][:n]) / float32(n)
	}
	if l.gradient != nil {
		g := l.gradient[from*n : to*n]
		vec.Sigmoid(g, z)
		vec.Sub(g, g, t)
		vec.Scale(g, g, scale)
	}
}

// absoluteErrors returns the mean absolute error of each row of out, in a new slice.
func absoluteErrors(m *machine, out, targets []float32, outputs int) []float32 {
	diffs := make([]float32, len(out))
	for i, y := range out {
		diffs[i] = float32(math.Abs(float64(y - targets[i])))
	}
	var perRow []float32
	for row := range slices.Chunk(diffs, outputs) {
		perRow = append(perRow, m.vec.Sum(row)/float32(outputs))
	}
	return perRow
}

// argmax returns the index of the largest element, the first of equals; NaN never wins, except at index 0.
func argmax(x []float32) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

// maxE9 is the largest value that an integer loss can take; larger losses are stored as this.
const maxE9 = math.MaxInt64

// toE9 returns x ≥ 0 in units of 10^-9, rounded once from the exact product to the nearest integer, ties to even.
func toE9(x float32) uint64 {
	b := math.Float32bits(x) &^ exact.SignBit
	exponent := int(b >> 23)
	significand := uint64(b & (1<<23 - 1))
	if exponent > 0 {
		significand |= 1 << 23
	} else {
		exponent = 1
	}
	v := significand * 1_000_000_000 // below 2^54
	shift := exponent - 150
	switch {
	case v == 0:
		return 0
	case shift >= 0:
		if bits.Len64(v)+shift > 63 {
			return maxE9
		}
		return v << shift
	case shift <= -56: // below half a unit
		return 0
	}
	quotient, rest, half := v>>-shift, v&(1<<-shift-1), uint64(1)<<(-shift-1)
	if rest > half || rest == half && quotient&1 == 1 {
		quotient++
	}
	return quotient
}

// meanE9 accumulates integers without overflow and divides once, rounding down.
type meanE9 struct{ hi, lo uint64 }

func (m *meanE9) add(v uint64) {
	var carry uint64
	m.lo, carry = bits.Add64(m.lo, v, 0)
	m.hi += carry
}

func (m *meanE9) mean(n int) uint64 {
	quotient, _ := bits.Div64(m.hi, m.lo, uint64(n))
	return quotient
}
