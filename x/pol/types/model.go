package types

import (
	"crypto/sha256"
	"strings"

	"github.com/pold-network/pold/modelspec"
)

// ModelShape is what the chain needs to know of a model.
type ModelShape struct {
	Inputs, Outputs int64
	// Labels is the number of classes that cross-entropy predicts for each row, 0 for a model whose output it can't read.
	Labels int64
	// Parameters are trained, Buffers are running statistics; a checkpoint holds both.
	Parameters, Buffers int64
	// MultiplyAdds are those of matrix products and convolutions in one forward pass of one row.
	MultiplyAdds int64
	// Cost is the whole work of that pass, in multiply-adds that take as long.
	Cost int64
}

// Spec returns the model in the form that holds its rules.
func (m ModelSpec) Spec() *modelspec.Spec {
	s := &modelspec.Spec{InputShape: m.InputShape}
	if n := m.Normalization; n != nil {
		s.Normalization = &modelspec.Normalization{OffsetE6: n.OffsetE6, DivisorE6: n.DivisorE6}
	}
	for _, l := range m.Layers {
		if l == nil {
			l = new(Layer) // refused for its missing name
		}
		s.Layers = append(s.Layers, modelspec.Layer{
			Name: l.Name, Kind: l.Kind, Inputs: l.Inputs, Units: l.Units,
			KernelHeight: l.KernelHeight, KernelWidth: l.KernelWidth, StrideHeight: l.StrideHeight, StrideWidth: l.StrideWidth,
			PaddingHeight: l.PaddingHeight, PaddingWidth: l.PaddingWidth, Groups: l.Groups, Heads: l.Heads, Causal: l.Causal,
			RateE6: l.RateE6, EpsilonE9: l.EpsilonE9, MomentumE6: l.MomentumE6, Vocabulary: l.Vocabulary,
		})
	}
	return s
}

// Shape checks a model of a group without secure mapping against the rules of package modelspec, which the engine applies
// too, and infers its shape.
func (m ModelSpec) Shape() (ModelShape, error) { return m.shape(false) }

// Shape checks the model of the group, with its secure mapping layer if the group has that option, and infers its shape.
func (s GroupSettings) Shape() (ModelShape, error) { return s.Model.shape(s.Mapping) }

func (m ModelSpec) shape(mapping bool) (ModelShape, error) {
	s := m.Spec()
	if err := s.CheckForChain(mapping); err != nil {
		return ModelShape{}, ErrInvalidModel.Wrap(reason(err))
	}
	return ModelShape{
		Inputs: int64(s.Inputs()), Outputs: int64(s.Outputs()), Labels: int64(s.LabelsPerRow()),
		Parameters: s.Parameters(), Buffers: s.Buffers(), MultiplyAdds: s.MultiplyAdds(), Cost: s.Cost(),
	}, nil
}

// reason is an error of package modelspec without its class, which an error of this module replaces.
func reason(err error) string {
	return strings.TrimPrefix(err.Error(), modelspec.ErrInvalidSpec.Error()+": ")
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

// MaxCheckpointSize bounds a canonical checkpoint in bytes: four per stored value and a header.
func (s ModelShape) MaxCheckpointSize() int64 {
	const header = 64 << 10
	return 4*(s.Parameters+s.Buffers) + header
}
