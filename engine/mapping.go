package engine

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/pold-network/pold/modelspec"
)

// Mapping is a secure mapping: a signed permutation of a model's inputs, y[i] = sign[i]·x[from[i]]. A model with a layer of kind sml
// works only together with the mapping that its weights were trained for.
type Mapping struct {
	from []int
	sign []float32 // 1 or -1
}

// NewMapping draws the mapping of n inputs from a seed: the permutation of n and then, for each input, the sign of one word (negative
// when its lowest bit is set), all from the stream (seed, "sml", 0).
func NewMapping(n int, seed [32]byte) (*Mapping, error) {
	if n < 1 || n > modelspec.MaxInputs {
		return nil, fmt.Errorf("mapping: expected 1 to %d inputs, got %d", modelspec.MaxInputs, n)
	}
	s := openStream(seed, "sml", 0)
	m := identityMapping(n)
	s.permute(m.from)
	for i := range m.sign {
		if s.uint32()&1 == 1 {
			m.sign[i] = -1
		}
	}
	return m, nil
}

func identityMapping(n int) *Mapping {
	m := &Mapping{from: make([]int, n), sign: make([]float32, n)}
	for i := range n {
		m.from[i], m.sign[i] = i, 1
	}
	return m
}

// SetMapping makes the model see its inputs through the mapping, without changing its weights: for weights that were trained with it.
func (m *Model) SetMapping(to *Mapping) error {
	if err := m.checkMapping(to); err != nil {
		return err
	}
	m.mapping, m.passes = to, new(passCache)
	return nil
}

// Rebase changes the mapping and the weights together, so that the model computes the same function: it moves and negates columns of
// the layers that read the mapped input, exactly. (Sums run in another order afterwards, so a loss may differ in its last digits.)
func (m *Model) Rebase(to *Mapping) error {
	if err := m.checkMapping(to); err != nil {
		return err
	}
	old := m.mapping
	at := make([]int, len(old.from)) // at[k]: where the old mapping puts input k
	for i, k := range old.from {
		at[k] = i
	}
	offset := 0
	for i := range m.nodes {
		n := &m.nodes[i]
		if s := n.Sources[0]; s >= 0 && m.nodes[s].Kind == modelspec.KindSML {
			weight := m.params[offset:][:n.Tensors[0].Size()]
			for row := range slices.Chunk(weight, len(old.from)) {
				before := slices.Clone(row)
				for j, k := range to.from {
					row[j] = to.sign[j] * (old.sign[at[k]] * before[at[k]])
				}
			}
		}
		offset += int(n.Parameters())
	}
	m.mapping, m.passes = to, new(passCache)
	return nil
}

func (m *Model) checkMapping(to *Mapping) error {
	if m.mapping == nil {
		return specError("the model has no layer of kind %q, so it takes no mapping", modelspec.KindSML)
	}
	if to == nil || len(to.from) != len(m.mapping.from) {
		got := "none"
		if to != nil {
			got = strconv.Itoa(len(to.from))
		}
		return fmt.Errorf("mapping: expected one of %d inputs, as the model has, got %s", len(m.mapping.from), got)
	}
	return nil
}

// mappingLayer applies the model's mapping.
type mappingLayer struct {
	m       *machine
	mapping *Mapping
	b       *io
	ahead   task
}

func newMappingLayer(m *machine, mapping *Mapping) *mappingLayer {
	l := &mappingLayer{m: m, mapping: mapping}
	l.ahead.work = func(_, from, to int) {
		n := len(mapping.from)
		for r := from; r < to; r++ {
			x, y := l.b.x[0][r*n:][:n], l.b.y[r*n:][:n]
			for i, k := range mapping.from {
				y[i] = x[k]
			}
			m.vec.Mul(y, y, mapping.sign)
		}
	}
	return l
}

func (l *mappingLayer) forward(b *io) {
	l.b = b
	l.m.run(&l.ahead, b.rows, rowPiece(len(l.mapping.from)))
}

// backward has nothing to do: the layer reads the input of the model, which needs no gradient.
func (l *mappingLayer) backward(*io) {}
