package modelspec

import (
	"slices"
	"strings"
)

// Validate reports the first broken rule, naming the layer, what is allowed and what to change. Errors wrap ErrInvalidSpec.
func (s *Spec) Validate() error {
	_, err := s.Plan()
	return err
}

// Plan validates the spec and resolves it: one node for each layer, in the same order. Errors are those of Validate.
func (s *Spec) Plan() ([]Node, error) {
	if err := s.checkInput(); err != nil {
		return nil, err
	}
	if len(s.Layers) == 0 || len(s.Layers) > MaxLayers {
		return nil, specError("expected 1 to %d layers, got %d", MaxLayers, len(s.Layers))
	}
	nodes := make([]Node, 0, len(s.Layers))
	index := map[string]int{InputName: Input}
	var totals totals
	for i, l := range s.Layers {
		n, err := s.resolve(i, l, nodes, index)
		if err != nil {
			return nil, err
		}
		if err := totals.add(&n); err != nil {
			return nil, err
		}
		index[l.Name] = i
		nodes = append(nodes, n)
	}
	if err := checkReaders(nodes); err != nil {
		return nil, err
	}
	return nodes, nil
}

// checkInput checks the input shape and the normalization.
func (s *Spec) checkInput() error {
	if len(s.InputShape) == 0 || len(s.InputShape) > MaxInputRank {
		return specError("expected an input_shape of 1 to %d sizes, got %d", MaxInputRank, len(s.InputShape))
	}
	width := uint64(1)
	for _, d := range s.InputShape {
		if width *= uint64(d); d == 0 || width > MaxInputs {
			return specError("expected an input_shape of 1 to %d values in all, got %v", MaxInputs, s.InputShape)
		}
	}
	if n := s.Normalization; n != nil {
		if n.DivisorE6 == 0 || n.DivisorE6 > MaxDivisorE6 {
			return specError("normalization: expected a divisor_e6 between 1 and 10^15, got %d", n.DivisorE6)
		}
		if n.OffsetE6 > MaxOffsetE6 || n.OffsetE6 < -MaxOffsetE6 {
			return specError("normalization: expected an offset_e6 between -10^15 and 10^15, got %d", n.OffsetE6)
		}
	}
	return nil
}

func (s *Spec) inputShape() []int {
	shape := make([]int, len(s.InputShape))
	for i, d := range s.InputShape {
		shape[i] = int(d)
	}
	return shape
}

// resolve works out one layer; before are the nodes of the layers that stand before it.
func (s *Spec) resolve(i int, l Layer, before []Node, index map[string]int) (Node, error) {
	n := Node{Layer: l}
	if err := checkName(i, l.Name, index); err != nil {
		return n, err
	}
	k, err := kindOf(&l)
	if err != nil {
		return n, err
	}
	if n.Sources, err = k.findSources(i, &l, before, index); err != nil {
		return n, err
	}
	for _, src := range n.Sources {
		if src == Input {
			n.In = append(n.In, s.inputShape())
		} else {
			n.In = append(n.In, slices.Clone(before[src].Out))
		}
	}
	if err := k.checkSettings(&l); err != nil {
		return n, err
	}
	if err := k.resolve(s, &n); err != nil {
		return n, err
	}
	for j := range n.Tensors {
		n.Tensors[j].Name = l.Name + "." + n.Tensors[j].Suffix
	}
	return n, nil
}

func (k kind) findSources(i int, l *Layer, before []Node, index map[string]int) ([]int, error) {
	if k.sources == 1 && len(l.Inputs) == 0 {
		return []int{i - 1}, nil // for the first layer this is Input
	}
	if k.sources == 1 && len(l.Inputs) > 1 {
		return nil, specError("layer %q: expected at most one input for kind %q, got %d", l.Name, l.Kind, len(l.Inputs))
	}
	if len(l.Inputs) != k.sources {
		return nil, specError("layer %q: expected the names of %d different layers as inputs of kind %q, got %d", l.Name, k.sources, l.Kind, len(l.Inputs))
	}
	sources := make([]int, 0, k.sources)
	for _, name := range l.Inputs {
		src, ok := index[name]
		if !ok {
			return nil, specError("layer %q reads %.80q, which is no earlier layer; expected one of %s", l.Name, name, strings.Join(earlier(before), ", "))
		}
		if slices.Contains(sources, src) {
			return nil, specError("layer %q names %q twice; expected %d different inputs for kind %q", l.Name, name, k.sources, l.Kind)
		}
		sources = append(sources, src)
	}
	return sources, nil
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
		return specError("layer %d: expected a name of 1 to %d letters, digits, '_' or '-' that starts with a letter, got %.80q", i, MaxNameBytes, name)
	}
	if name == InputName {
		return specError("layer %d: the name %q is taken by the input of the model; choose another", i, name)
	}
	if j, ok := index[name]; ok {
		return specError("layer %d has the same name %q as layer %d; names must differ", i, name, j)
	}
	return nil
}

func earlier(nodes []Node) []string {
	names := []string{InputName}
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	return names
}

// checkReaders refuses layers that nobody reads and readers that a secure mapping layer must not have.
func checkReaders(nodes []Node) error {
	readers := make([][]int, len(nodes))
	for i, n := range nodes {
		for _, src := range n.Sources {
			if src != Input {
				readers[src] = append(readers[src], i)
			}
		}
	}
	for i, n := range nodes {
		if last := i == len(nodes)-1; !last && len(readers[i]) == 0 {
			return specError("layer %q is never read; remove it or name it in the inputs of a later layer", n.Name)
		}
	}
	if nodes[0].Kind == KindSML {
		return checkMapping(nodes, readers[0])
	}
	return nil
}

// totals add up what is limited over the whole model.
type totals struct {
	parameters, activations, cost int64
}

func (t *totals) add(n *Node) error {
	for _, w := range n.Tensors {
		t.parameters = plus(t.parameters, product(w.Shape...))
	}
	if t.parameters > MaxParameters {
		return specError("layer %q brings the model to %d parameters, more than the %d allowed; use fewer units", n.Name, t.parameters, MaxParameters)
	}
	t.activations = plus(t.activations, product(n.Out...), n.Kept)
	if t.activations > MaxActivations {
		return specError("layer %q brings one row to %d values in all layers, more than the %d allowed; use smaller layers, larger strides or shorter sequences",
			n.Name, t.activations, MaxActivations)
	}
	t.cost = plus(t.cost, n.MultiplyAdds, n.Operations)
	if t.cost > MaxCost {
		return specError("layer %q brings the cost of one row to %d, more than the %d allowed; use smaller layers", n.Name, t.cost, int64(MaxCost))
	}
	return nil
}
