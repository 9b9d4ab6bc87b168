package engine

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
)

// Objective is what training minimises. The numbers are those of the protobuf enum pold.pol.v1.Objective.
type Objective uint32

// Objectives.
const (
	// CrossEntropy: softmax cross-entropy of one class per row, in nats; its metric is accuracy.
	CrossEntropy Objective = 1
	// MeanSquaredError: mean of the squared errors over the targets of a row; its metric is the mean absolute error.
	MeanSquaredError Objective = 2
)

// String returns the name that people read.
func (o Objective) String() string {
	switch o {
	case CrossEntropy:
		return "cross-entropy"
	case MeanSquaredError:
		return "mean squared error"
	}
	return fmt.Sprintf("objective %d", uint32(o))
}

// Validate reports an objective that is neither CrossEntropy (1) nor MeanSquaredError (2).
func (o Objective) Validate() error {
	if o != CrossEntropy && o != MeanSquaredError {
		return dataError("expected objective %d (%v) or %d (%v), got %d",
			CrossEntropy, CrossEntropy, MeanSquaredError, MeanSquaredError, uint32(o))
	}
	return nil
}

// loss computes losses, and gradients when asked, for batches of up to a fixed number of rows.
type loss struct {
	be        backend
	objective Objective
	outputs   int
	scratch   []float32 // rows × outputs: exponentials or squared errors
	rowSums   []float32
	rowLogs   []float32
	perRow    []float32
}

func newLoss(be backend, o Objective, capacity, outputs int) *loss {
	floats := func() []float32 { return make([]float32, capacity) }
	return &loss{be: be, objective: o, outputs: outputs, scratch: make([]float32, capacity*outputs),
		rowSums: floats(), rowLogs: floats(), perRow: floats()}
}

// rows returns the loss of each row of out (rows × outputs) against the same rows of d, valid until the next call. With a non-nil
// gradient it also stores there the gradient of the mean loss over these rows.
func (l *loss) rows(out []float32, d *Data, gradient []float32) []float32 {
	if l.objective == CrossEntropy {
		return l.crossEntropy(out, d.Labels, gradient)
	}
	return l.squaredError(out, d.Y, gradient)
}

// crossEntropy: loss = log Σ exp(z_j - max) - (z_label - max); gradient = (exp(z_j - max)/Σ - [j = label]) · (1/rows).
func (l *loss) crossEntropy(out []float32, labels []uint32, gradient []float32) []float32 {
	rows, n := len(labels), l.outputs
	e := l.scratch[:rows*n]
	for r := range rows {
		z := out[r*n:][:n]
		top := z[argmax(z)]
		for j, v := range z {
			e[r*n+j] = v - top
		}
		l.perRow[r] = z[labels[r]] - top
	}
	l.be.exp(e, e)
	for r := range rows {
		l.rowSums[r] = l.be.sum(e[r*n:][:n])
	}
	l.be.log(l.rowLogs[:rows], l.rowSums[:rows])
	for r := range rows {
		l.perRow[r] = l.rowLogs[r] - l.perRow[r]
	}
	if gradient != nil {
		scale := 1 / float32(rows)
		for r := range rows {
			for j, v := range e[r*n:][:n] {
				g := v / l.rowSums[r]
				if j == int(labels[r]) {
					g -= 1
				}
				gradient[r*n+j] = g * scale
			}
		}
	}
	return l.perRow[:rows]
}

// squaredError: loss = Σ (y_j - t_j)² / targets; gradient = 2·(y_j - t_j) · (1/(rows·targets)).
func (l *loss) squaredError(out, targets []float32, gradient []float32) []float32 {
	n := l.outputs
	rows := len(targets) / n
	squares := l.scratch[:rows*n]
	scale := 1 / float32(rows*n)
	for i, y := range out {
		diff := y - targets[i]
		squares[i] = diff * diff
		if gradient != nil {
			gradient[i] = (diff + diff) * scale
		}
	}
	for r := range rows {
		l.perRow[r] = l.be.sum(squares[r*n:][:n]) / float32(n)
	}
	return l.perRow[:rows]
}

// absoluteErrors returns the mean absolute error of each row of out, in a new slice.
func absoluteErrors(be backend, out, targets []float32, outputs int) []float32 {
	diffs := make([]float32, len(out))
	for i, y := range out {
		diffs[i] = float32(math.Abs(float64(y - targets[i])))
	}
	var perRow []float32
	for row := range slices.Chunk(diffs, outputs) {
		perRow = append(perRow, be.sum(row)/float32(outputs))
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
	b := math.Float32bits(x) &^ signBit32
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
