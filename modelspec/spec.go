package modelspec

import "slices"

// Limits of a model spec. They bound what one evaluation can cost a validator in memory and time; they are part of the definition.
const (
	MaxSpecBytes   = 64 << 10 // encoded size
	MaxLayers      = 64
	MaxInputs      = 65536 // product of the input shape
	MaxInputRank   = 4
	MaxUnits       = 65536    // outputs of a dense layer, channels or features of another
	MaxVocabulary  = 65536    // rows of an embedding
	MaxPositions   = 4096     // positions of a sequence: embedding, position, attention
	MaxParameters  = 16 << 20 // values in the checkpoint: weights, biases and buffers of the whole model
	MaxActivations = 4 << 20  // values that one row needs in training: outputs of all layers and what Node.Kept counts
	MaxCost        = 1 << 36  // Cost of one row
	MaxNameBytes   = 64
	MaxOffsetE6    = 1e15 // absolute value
	MaxDivisorE6   = 1e15
)

// InputName is how a layer refers to the (normalised) input of the model.
const InputName = "input"

// Spec describes a feed-forward network. It mirrors the protobuf message pold.pol.v1.ModelSpec; layers stand in topological order and
// the last one is the output.
type Spec struct {
	InputShape    []uint32       // one row, for example {8, 8}; rows are given flat
	Normalization *Normalization // nil: inputs are used as they are
	Layers        []Layer
}

// Normalization maps every input x to (x - offset) / divisor. Both numbers are in millionths, so that no float stands in a message.
type Normalization struct {
	OffsetE6  int64
	DivisorE6 uint64
}

// Layer is one step of the network. Settings that its kind does not use are 0.
type Layer struct {
	Name   string
	Kind   string   // one of Kinds
	Inputs []string // names of earlier layers or "input"; empty: the layer before
	Units  uint64   // outputs of dense, features of linear and embedding, output channels of conv2d

	KernelHeight, KernelWidth   uint64 // conv2d, max_pool, average_pool
	StrideHeight, StrideWidth   uint64 // the same kinds
	PaddingHeight, PaddingWidth uint64 // conv2d: zeros on each side
	Groups                      uint64 // conv2d: 1, or as many as channels for a depthwise convolution, or between
	Heads                       uint64 // attention
	Causal                      bool   // attention: a position sees itself and earlier ones only
	RateE6                      uint64 // dropout: part of the values that become 0, in millionths
	EpsilonE9                   uint64 // layer_norm, batch_norm: added to the variance, in 10^-9
	MomentumE6                  uint64 // batch_norm: weight of the batch in the running statistics, in millionths
	Vocabulary                  uint64 // embedding: how many different integers the input holds
}

// Clone returns a copy that shares no memory with s.
func (s *Spec) Clone() *Spec {
	c := &Spec{InputShape: slices.Clone(s.InputShape), Layers: slices.Clone(s.Layers)}
	if s.Normalization != nil {
		n := *s.Normalization
		c.Normalization = &n
	}
	for i := range c.Layers {
		c.Layers[i].Inputs = slices.Clone(c.Layers[i].Inputs)
	}
	return c
}
