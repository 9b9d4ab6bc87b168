package engine

import (
	"fmt"
	"strings"
)

// Limits of a model spec. They bound what one evaluation can cost a validator in memory and time; they are part of the definition.
const (
	MaxSpecBytes  = 64 << 10 // encoded size
	MaxLayers     = 64
	MaxInputs     = 65536 // product of the input shape
	MaxInputRank  = 4
	MaxUnits      = 65536    // outputs of one layer
	MaxParameters = 16 << 20 // weights and biases of the whole model
	MaxNameBytes  = 64
	MaxOffsetE6   = 1e15 // absolute value
	MaxDivisorE6  = 1e15
)

// inputName is how a layer refers to the (normalised) input of the model.
const inputName = "input"

// Layer kinds.
const (
	KindDense = "dense" // y = x·Wᵀ + b, with Units outputs
	KindReLU  = "relu"  // y = x where x > 0, else 0
	KindTanh  = "tanh"
)

// Kinds lists the layer kinds that a spec may use.
func Kinds() []string { return []string{KindDense, KindReLU, KindTanh} }

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

// Layer is one step of the network.
type Layer struct {
	Name   string
	Kind   string   // one of Kinds
	Inputs []string // names of earlier layers or "input"; empty: the layer before
	Units  uint64   // outputs, for kind "dense" only
}

// node is a layer with its place in the network worked out.
type node struct {
	Layer
	source  int // index of the layer it reads, -1 for the input
	inputs  int
	outputs int
	params  int64
}

// Validate reports the first broken rule, naming the layer, what is allowed and what to change. Errors wrap ErrInvalidSpec.
func (s *Spec) Validate() error {
	_, err := s.plan()
	return err
}

// plan validates the spec and resolves names and sizes.
func (s *Spec) plan() ([]node, error) {
	width, err := s.inputWidth()
	if err != nil {
		return nil, err
	}
	if n := s.Normalization; n != nil {
		if n.DivisorE6 == 0 || n.DivisorE6 > MaxDivisorE6 {
			return nil, specError("normalization: expected a divisor_e6 between 1 and 10^15, got %d", n.DivisorE6)
		}
		if n.OffsetE6 > MaxOffsetE6 || n.OffsetE6 < -MaxOffsetE6 {
			return nil, specError("normalization: expected an offset_e6 between -10^15 and 10^15, got %d", n.OffsetE6)
		}
	}
	if len(s.Layers) == 0 || len(s.Layers) > MaxLayers {
		return nil, specError("expected 1 to %d layers, got %d", MaxLayers, len(s.Layers))
	}
	nodes := make([]node, len(s.Layers))
	index := map[string]int{inputName: -1}
	reader := make([]int, len(s.Layers)+1) // reader[i+1]: how many layers read the output of layer i
	var params int64
	for i, l := range s.Layers {
		n, err := planLayer(i, l, nodes, index, width)
		if err != nil {
			return nil, err
		}
		if params += n.params; params > MaxParameters {
			return nil, specError("layer %q brings the model to %d parameters, more than the %d allowed; use fewer units",
				l.Name, params, MaxParameters)
		}
		reader[n.source+1]++
		index[l.Name] = i
		nodes[i] = n
	}
	for i, l := range s.Layers {
		if last := i == len(s.Layers)-1; !last && reader[i+1] == 0 {
			return nil, specError("layer %q is never read; remove it or name it in the inputs of a later layer", l.Name)
		}
	}
	return nodes, nil
}

func (s *Spec) inputWidth() (int, error) {
	if len(s.InputShape) == 0 || len(s.InputShape) > MaxInputRank {
		return 0, specError("expected an input_shape of 1 to %d sizes, got %d", MaxInputRank, len(s.InputShape))
	}
	width := uint64(1)
	for _, d := range s.InputShape {
		if width *= uint64(d); d == 0 || width > MaxInputs {
			return 0, specError("expected an input_shape of 1 to %d values in all, got %v", MaxInputs, s.InputShape)
		}
	}
	return int(width), nil
}

func planLayer(i int, l Layer, before []node, index map[string]int, width int) (node, error) {
	if err := checkName(i, l.Name, index); err != nil {
		return node{}, err
	}
	n := node{Layer: l, source: i - 1}
	switch len(l.Inputs) {
	case 0:
	case 1:
		src, ok := index[l.Inputs[0]]
		if !ok {
			return node{}, specError("layer %q reads %q, which is no earlier layer; expected one of %s",
				l.Name, l.Inputs[0], strings.Join(earlier(before[:i]), ", "))
		}
		n.source = src
	default:
		return node{}, specError("layer %q: expected at most one input for kind %q, got %d", l.Name, l.Kind, len(l.Inputs))
	}
	n.inputs = width
	if n.source >= 0 {
		n.inputs = before[n.source].outputs
	}
	switch l.Kind {
	case KindDense:
		if l.Units == 0 || l.Units > MaxUnits {
			return node{}, specError("layer %q: expected 1 to %d units, got %d", l.Name, MaxUnits, l.Units)
		}
		n.outputs = int(l.Units)
		n.params = int64(n.inputs+1) * int64(n.outputs)
	case KindReLU, KindTanh:
		if l.Units != 0 {
			return node{}, specError("layer %q: kind %q has as many outputs as inputs; leave units at 0, got %d", l.Name, l.Kind, l.Units)
		}
		n.outputs = n.inputs
	default:
		return node{}, specError("layer %q has unknown kind %q; expected one of %s", l.Name, l.Kind, strings.Join(Kinds(), ", "))
	}
	return n, nil
}

// checkName keeps names fit for tensor names, file names and terminals.
func checkName(i int, name string, index map[string]int) error {
	valid := len(name) > 0 && len(name) <= MaxNameBytes
	for j := 0; j < len(name) && valid; j++ {
		c := name[j]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		valid = letter || j > 0 && (c >= '0' && c <= '9' || c == '_' || c == '-')
	}
	if !valid {
		return specError("layer %d: expected a name of 1 to %d letters, digits, '_' or '-' that starts with a letter, got %q", i, MaxNameBytes, name)
	}
	if name == inputName {
		return specError("layer %d: the name %q is taken by the input of the model; choose another", i, name)
	}
	if j, ok := index[name]; ok {
		return specError("layer %d has the same name %q as layer %d; names must differ", i, name, j)
	}
	return nil
}

func earlier(nodes []node) []string {
	names := []string{inputName}
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	return names
}

func specError(format string, a ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalidSpec}, a...)...)
}

// Inputs is the number of values in one input row; 0 when the spec is invalid.
func (s *Spec) Inputs() int {
	w, err := s.inputWidth()
	if err != nil {
		return 0
	}
	return w
}

// Outputs is the number of values in one output row; 0 when the spec is invalid.
func (s *Spec) Outputs() int {
	nodes, err := s.plan()
	if err != nil {
		return 0
	}
	return nodes[len(nodes)-1].outputs
}

// Parameters is the number of weights and biases; 0 when the spec is invalid.
func (s *Spec) Parameters() int64 {
	nodes, err := s.plan()
	if err != nil {
		return 0
	}
	var total int64
	for _, n := range nodes {
		total += n.params
	}
	return total
}

// MultiplyAdds is the cost of a forward pass over one row, in fused multiply-adds of dense layers; 0 when the spec is invalid. A
// training step costs about three times that per row.
func (s *Spec) MultiplyAdds() int64 {
	nodes, err := s.plan()
	if err != nil {
		return 0
	}
	var total int64
	for _, n := range nodes {
		if n.Kind == KindDense {
			total += int64(n.inputs) * int64(n.outputs)
		}
	}
	return total
}
