package types

import (
	"crypto/sha256"
	"math"
	"math/bits"
	"regexp"
)

// Limits of a model; the engine applies the same, so that no group opens whose model sidecars would refuse.
const (
	maxLayers        = 64
	maxUnits         = 65_536
	maxInputs        = 65_536
	maxParameters    = 16 << 20
	maxNormalization = 1_000_000_000_000_000
)

// inputName is how a layer refers to the input of the model.
const inputName = "input"

var layerName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)

// ModelShape is what the chain needs to know of a model.
type ModelShape struct {
	Inputs, Outputs int64
	Parameters      int64
	// MultiplyAdds is the work of one forward pass of one row.
	MultiplyAdds int64
}

// Shape checks a model against the list of layers and the limits and infers its shape.
func (m ModelSpec) Shape() (ModelShape, error) {
	var s ModelShape
	s.Inputs = 1
	if len(m.InputShape) == 0 || len(m.InputShape) > 4 {
		return s, ErrInvalidModel.Wrapf("input_shape: expected 1 to 4 dimensions, got %d", len(m.InputShape))
	}
	for _, d := range m.InputShape {
		if d == 0 || s.Inputs*int64(d) > maxInputs {
			return s, ErrInvalidModel.Wrapf("input_shape: expected positive sizes with a product of at most %d, got %v", maxInputs, m.InputShape)
		}
		s.Inputs *= int64(d)
	}
	if n := m.Normalization; n != nil {
		if n.DivisorE6 == 0 || n.DivisorE6 > maxNormalization || n.OffsetE6 > maxNormalization || n.OffsetE6 < -maxNormalization {
			return s, ErrInvalidModel.Wrapf("normalization: expected divisor_e6 from 1 to %d and offset_e6 within the same bound, got %d and %d",
				uint64(maxNormalization), n.DivisorE6, n.OffsetE6)
		}
	}
	if len(m.Layers) == 0 || len(m.Layers) > maxLayers {
		return s, ErrInvalidModel.Wrapf("layers: expected 1 to %d, got %d", maxLayers, len(m.Layers))
	}
	width := map[string]int64{inputName: s.Inputs}
	read := map[string]bool{}
	previous := inputName
	for i, l := range m.Layers {
		if l == nil || !layerName.MatchString(l.Name) {
			return s, ErrInvalidModel.Wrapf("layer %d: expected a name of 1 to 64 letters, digits, _ or -, starting with a letter", i)
		}
		if _, dup := width[l.Name]; dup {
			return s, ErrInvalidModel.Wrapf("layer %q: the name is taken", l.Name)
		}
		source := previous
		if len(l.Inputs) > 1 {
			return s, ErrInvalidModel.Wrapf("layer %q: kind %s takes one input, got %d", l.Name, l.Kind, len(l.Inputs))
		}
		if len(l.Inputs) == 1 {
			source = l.Inputs[0]
		}
		in, ok := width[source]
		if !ok {
			return s, ErrInvalidModel.Wrapf("layer %q: input %q is not an earlier layer", l.Name, source)
		}
		read[source] = true
		out := in
		switch l.Kind {
		case "dense":
			if l.Units == 0 || l.Units > maxUnits {
				return s, ErrInvalidModel.Wrapf("layer %q: expected 1 to %d units, got %d", l.Name, maxUnits, l.Units)
			}
			out = int64(l.Units)
			s.Parameters += in*out + out
			s.MultiplyAdds += in * out
		case "relu", "tanh":
			if l.Units != 0 {
				return s, ErrInvalidModel.Wrapf("layer %q: kind %s has no units, got %d", l.Name, l.Kind, l.Units)
			}
		default:
			return s, ErrInvalidModel.Wrapf("layer %q: kind %q is not one of dense, relu, tanh", l.Name, l.Kind)
		}
		if s.Parameters > maxParameters {
			return s, ErrInvalidModel.Wrapf("layer %q: expected at most %d parameters in all, got %d", l.Name, maxParameters, s.Parameters)
		}
		width[l.Name], previous = out, l.Name
	}
	for _, l := range m.Layers {
		if l.Name != previous && !read[l.Name] {
			return s, ErrInvalidModel.Wrapf("layer %q is never read; remove it or name it in the inputs of a later layer", l.Name)
		}
	}
	if s.Parameters == 0 {
		return s, ErrInvalidModel.Wrap("expected at least one dense layer")
	}
	s.Outputs = width[previous]
	return s, nil
}

// Hash returns the SHA-256 of the model's deterministic encoding.
func (m ModelSpec) Hash() ([]byte, error) {
	b, err := m.Marshal()
	if err != nil {
		return nil, ErrInvalidModel.Wrap(err.Error())
	}
	h := sha256.Sum256(b)
	return h[:], nil
}

// ScoreCost returns the cost of scoring one checkpoint: multiply-adds over all rows plus the bytes to fetch. A cost
// beyond 64 bits is the largest number, which no budget allows.
func (s ModelShape) ScoreCost(rows, tableBytes uint64) uint64 {
	high, cost := bits.Mul64(uint64(s.MultiplyAdds), rows)
	for _, size := range []uint64{tableBytes, uint64(s.MaxCheckpointSize())} {
		var carry uint64
		cost, carry = bits.Add64(cost, size, 0)
		high += carry
	}
	if high != 0 {
		return math.MaxUint64
	}
	return cost
}

// MaxCheckpointSize bounds a canonical checkpoint in bytes: four per parameter and a header.
func (s ModelShape) MaxCheckpointSize() int64 {
	const header = 64 << 10
	return 4*s.Parameters + header
}
