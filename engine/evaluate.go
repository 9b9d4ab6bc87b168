package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
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
func (m *Model) Evaluate(d *Data, o Objective) (Evaluation, error) {
	if err := d.Validate(m.spec, o); err != nil {
		return Evaluation{}, err
	}
	rows, outputs := d.Rows(), m.outputs()
	chunk := min(rows, m.chunkRows())
	p, l := m.newPass(chunk, false), newLoss(m.be, o, chunk, outputs)

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
		e.Finite = e.Finite && firstNonFinite(out) < 0 && firstNonFinite(perRow) < 0
		for _, v := range m.metricRows(out, part, o) {
			metricMean.add(v)
		}
		buf = buf[:0]
		for r, v := range perRow {
			lossMean.add(toE9(v))
			for _, y := range out[r*outputs:][:outputs] {
				buf = binary.LittleEndian.AppendUint32(buf, canonicalBits(y))
			}
			buf = binary.LittleEndian.AppendUint32(buf, canonicalBits(v))
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

// metricRows returns the metric of each row in 10^-9: 10^9 for a right class and 0 for a wrong one, or the mean absolute error.
func (m *Model) metricRows(out []float32, d *Data, o Objective) []uint64 {
	n := m.outputs()
	values := make([]uint64, d.Rows())
	if o == CrossEntropy {
		for r := range values {
			if argmax(out[r*n:][:n]) == int(d.Labels[r]) {
				values[r] = 1_000_000_000
			}
		}
		return values
	}
	for r, v := range absoluteErrors(m.be, out, d.Y, n) {
		values[r] = toE9(v)
	}
	return values
}

// slice returns the rows from ≤ i < to without copying.
func (d *Data) slice(from, to int) *Data {
	s := &Data{Features: d.Features, Targets: d.Targets, X: d.X[from*d.Features : to*d.Features]}
	if d.Labels != nil {
		s.Labels = d.Labels[from:to]
	}
	if d.Y != nil {
		s.Y = d.Y[from*d.Targets : to*d.Targets]
	}
	return s
}

// Forward returns the outputs (rows × outputs, for cross-entropy the logits) of the given rows (rows × inputs, not normalised). NaN
// outputs are the canonical one.
func (m *Model) Forward(x []float32, rows int) ([]float32, error) {
	inputs, outputs := m.nodes[0].inputs, m.outputs()
	if rows < 0 || rows > MaxRows || len(x) != rows*inputs {
		return nil, dataError("expected %d rows of %d inputs, got %d values", rows, inputs, len(x))
	}
	chunk := min(rows, m.chunkRows())
	p := m.newPass(chunk, false)
	result := make([]float32, 0, rows*outputs)
	for from := 0; from < rows; from += chunk {
		to := min(from+chunk, rows)
		result = append(result, p.forward(x[from*inputs:to*inputs], to-from)...)
	}
	for i, v := range result {
		result[i] = math.Float32frombits(canonicalBits(v))
	}
	return result, nil
}

// Predict returns for each row the index of its largest output, the first of equals: the class of a model trained with cross-entropy.
func (m *Model) Predict(x []float32, rows int) ([]int, error) {
	out, err := m.Forward(x, rows)
	if err != nil {
		return nil, err
	}
	n := m.outputs()
	classes := make([]int, rows)
	for r := range classes {
		classes[r] = argmax(out[r*n:][:n])
	}
	return classes, nil
}

func (m *Model) outputs() int { return m.nodes[len(m.nodes)-1].outputs }

// chunkRows is how many rows one pass takes: enough to share work, few enough to bound memory. It cannot change a result.
func (m *Model) chunkRows() int {
	const floats = 1 << 22
	return max(1, min(256, floats/m.activations()))
}

// activations is the number of values that one row takes in a pass.
func (m *Model) activations() int {
	total := m.nodes[0].inputs
	for _, n := range m.nodes {
		total += n.outputs
	}
	return total
}
