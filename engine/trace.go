package engine

import (
	"encoding/binary"
	"math"

	"github.com/pold-network/pold/engine/internal/exact"
)

// trace writes down what only the training itself knows: for each step the mean loss of its batch and, for each trainable tensor in
// the order of the parameters, the Euclidean norm of its gradient before clipping and decay. A record is these numbers' bits, four
// little-endian bytes each.
type trace struct {
	tensors []tensorRange
	norms   []float32
	record  []byte // of the steps since the last take
}

// tensorRange is a trainable tensor and its place in the parameters.
type tensorRange struct {
	name     string
	from, to int
}

func newTrace(m *Model) *trace {
	t := &trace{tensors: m.trainable()}
	t.norms = make([]float32, len(t.tensors))
	return t
}

// trainable lists the trainable tensors in the order of the parameters.
func (m *Model) trainable() []tensorRange {
	var list []tensorRange
	at := 0
	for i := range m.nodes {
		for j := range m.nodes[i].Tensors {
			if x := &m.nodes[i].Tensors[j]; !x.Buffer {
				list = append(list, tensorRange{x.Name, at, at + x.Size()})
				at += x.Size()
			}
		}
	}
	return list
}

// gradients notes the norms of gradients that stand at offset in the parameters: those of whole tensors.
func (t *trace) gradients(m *machine, g []float32, offset int) {
	for i, x := range t.tensors {
		if x.from >= offset && x.to <= offset+len(g) {
			part := g[x.from-offset : x.to-offset]
			t.norms[i] = float32(math.Sqrt(float64(m.vec.Dot(part, part))))
		}
	}
}

// step ends the record of a step.
func (t *trace) step(loss float32) {
	t.record = binary.LittleEndian.AppendUint32(t.record, exact.CanonicalBits(loss))
	for _, n := range t.norms {
		t.record = binary.LittleEndian.AppendUint32(t.record, exact.CanonicalBits(n))
	}
}

// take returns the records since the last call.
func (t *trace) take() []byte {
	r := t.record
	t.record = nil
	return r
}

// recordSize is the length of one step's record in bytes.
func (t *trace) recordSize() int { return 4 * (1 + len(t.tensors)) }
