package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"math"

	"github.com/pold-network/pold/engine/internal/exact"
)

// Evaluation is the result of a model on a data set as integers, fit for consensus.
type Evaluation struct {
	Rows     int
	LossE9   uint64   // mean loss per row in 10^-9, rounded down; MaxInt64 when not Finite
	MetricE9 uint64   // accuracy, or mean absolute error, in 10^-9, rounded down; 0 when not Finite
	Digest   [32]byte // over every output and every per-row loss: only the whole computation yields it
	Finite   bool     // every output and every loss is finite; otherwise the checkpoint is invalid
}

const evaluationDomain = Version + "/evaluation\x00"

// Evaluate computes loss, metric and digest over all rows in their order.
func (m *Model) Evaluate(d *Data, o Objective) (Evaluation, error) { return m.evaluate(d, o, nil) }

// EvaluateRows is Evaluate that also returns the loss of each row, as the bits of a float32 with one NaN.
func (m *Model) EvaluateRows(d *Data, o Objective) (Evaluation, []uint32, error) {
	losses := make([]uint32, 0, d.Rows())
	e, err := m.evaluate(d, o, func(bits uint32) { losses = append(losses, bits) })
	return e, losses, err
}

// evaluate calls each, unless nil, with the loss of each row.
func (m *Model) evaluate(d *Data, o Objective, each func(bits uint32)) (Evaluation, error) {
	if err := d.Validate(m.spec, o); err != nil {
		return Evaluation{}, err
	}
	rows, outputs := d.Rows(), m.outputs()
	chunk := min(rows, m.chunkRows())
	p, l := m.passes.take(m, chunk), newLoss(m.machine, o, chunk, m.positions(), m.classes())
	defer m.passes.put(p)

	header := append([]byte(evaluationDomain), make([]byte, 0, 16)...)
	header = binary.LittleEndian.AppendUint32(header, uint32(o))
	header = binary.LittleEndian.AppendUint64(header, uint64(rows))
	header = binary.LittleEndian.AppendUint32(header, uint32(outputs))
	digest := sha256.New()
	digest.Write(header)

	e := Evaluation{Rows: rows, Finite: true}
	var lossMean, metricMean meanE9
	var buf []byte
	for from := 0; from < rows; from += chunk {
		part := d.slice(from, min(from+chunk, rows))
		out := p.forward(part.X, part.Rows())
		perRow := l.rows(out, part, nil)
		e.Finite = e.Finite && m.machine.vec.NonFinite(out) == 0 && m.machine.vec.NonFinite(perRow) == 0
		for _, v := range m.metricRows(out, part, o) {
			metricMean.add(v)
		}
		buf = buf[:0]
		for r, v := range perRow {
			lossMean.add(toE9(v))
			for _, y := range out[r*outputs:][:outputs] {
				buf = binary.LittleEndian.AppendUint32(buf, exact.CanonicalBits(y))
			}
			buf = binary.LittleEndian.AppendUint32(buf, exact.CanonicalBits(v))
			if each != nil {
				each(exact.CanonicalBits(v))
			}
		}
		digest.Write(buf)
	}
	digest.Sum(e.Digest[:0])
	if !e.Finite {
		e.LossE9 = maxE9
		return e, nil
	}
	e.LossE9, e.MetricE9 = lossMean.mean(rows), metricMean.mean(rows)
	return e, nil
}

// metricRows returns the metric of each row in 10^-9: the part of right decisions, or the mean absolute error.
func (m *Model) metricRows(out []float32, d *Data, o Objective) []uint64 {
	n := m.outputs()
	values := make([]uint64, d.Rows())
	if o == MeanSquaredError {
		for r, v := range absoluteErrors(m.machine, out, d.Y, n) {
			values[r] = toE9(v)
		}
		return values
	}
	for r := range values {
		right, decisions := uint64(0), m.positions()
		y := out[r*n:][:n]
		if o == BinaryCrossEntropy {
			decisions = n
			for j, t := range d.Y[r*n:][:n] {
				if (y[j] > 0) == (t > 0.5) {
					right++
				}
			}
		} else {
			for j, label := range d.Labels[r*decisions:][:decisions] {
				if argmax(y[j*n/decisions:][:n/decisions]) == int(label) {
					right++
				}
			}
		}
		values[r] = right * 1_000_000_000 / uint64(decisions)
	}
	return values
}

// Forward returns the outputs (rows × outputs, for cross-entropy the logits) of the given rows (rows × inputs, not normalised). NaN
// outputs are the canonical one.
func (m *Model) Forward(x []float32, rows int) ([]float32, error) {
	inputs, outputs := m.inputs(), m.outputs()
	if rows < 0 || rows > MaxRows || len(x) != rows*inputs {
		return nil, dataError("expected %d rows of %d inputs, got %d values", rows, inputs, len(x))
	}
	chunk := min(rows, m.chunkRows())
	p := m.passes.take(m, chunk)
	defer m.passes.put(p)
	if n := m.spec.Vocabulary(); n > 0 {
		if err := (&Data{Features: inputs, X: x}).validateVocabulary(n); err != nil {
			return nil, err
		}
	}
	result := make([]float32, 0, rows*outputs)
	for from := 0; from < rows; from += chunk {
		to := min(from+chunk, rows)
		result = append(result, p.forward(x[from*inputs:to*inputs], to-from)...)
	}
	for i, v := range result {
		result[i] = math.Float32frombits(exact.CanonicalBits(v))
	}
	return result, nil
}

// Predict returns for each row, or for each of its positions, the index of the largest output, the first of equals: the class of a model
// trained with cross-entropy.
func (m *Model) Predict(x []float32, rows int) ([]int, error) {
	out, err := m.Forward(x, rows)
	if err != nil {
		return nil, err
	}
	n := m.classes()
	classes := make([]int, len(out)/n)
	for r := range classes {
		classes[r] = argmax(out[r*n:][:n])
	}
	return classes, nil
}

// chunkRows is how many rows one pass takes: enough to share work, few enough to stay in the processors' caches. It cannot change a
// result.
func (m *Model) chunkRows() int {
	floats := m.machine.pool.Threads() << 19
	return max(1, min(128, floats/m.activations()))
}
