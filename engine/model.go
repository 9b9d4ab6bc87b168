package engine

import (
	"fmt"
	"slices"

	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/modelspec"
)

// Model is a network with its float32 weights. Methods that only read (Forward, Predict, Evaluate, Encode, Clone) may run
// concurrently; Train may not run beside any of them.
type Model struct {
	spec    *Spec
	nodes   []modelspec.Node
	params  []float32 // trainable tensors, one after the other in the order of the nodes
	buffers []float32 // the others
	mapping *Mapping  // of the sml layer; nil without one
	machine *machine
	passes  *passCache
}

func newModel(spec *Spec) (*Model, error) {
	nodes, err := spec.Plan()
	if err != nil {
		return nil, err
	}
	m := &Model{spec: spec.Clone(), nodes: nodes, machine: defaultMachine(), passes: new(passCache)}
	var params, buffers int64
	for i := range nodes {
		params += nodes[i].Parameters()
		buffers += nodes[i].Buffers()
		if nodes[i].Kind == modelspec.KindSML {
			m.mapping = identityMapping(nodes[i].Inputs())
		}
	}
	m.params, m.buffers = make([]float32, params), make([]float32, buffers)
	return m, nil
}

// NewModel makes a model with initial weights, see SPEC.md section 5. Equal specs and seeds give equal bits everywhere.
func NewModel(spec *Spec, seed [32]byte) (*Model, error) {
	m, err := newModel(spec)
	if err != nil {
		return nil, err
	}
	streams := map[string]*stream{} // one for each layer
	m.eachTensor(func(n *modelspec.Node, t *modelspec.Tensor, values []float32) {
		switch t.Init {
		case modelspec.Ones:
			for i := range values {
				values[i] = 1
			}
		case modelspec.GlorotUniform:
			if streams[n.Name] == nil {
				streams[n.Name] = newStream(seed, "init/"+n.Name, 0)
			}
			streams[n.Name].glorotUniform(values, t.FanIn, t.FanOut)
		}
	})
	return m, nil
}

// eachTensor visits weights and buffers in the order of the nodes.
func (m *Model) eachTensor(visit func(n *modelspec.Node, t *modelspec.Tensor, values []float32)) {
	params, buffers := m.params, m.buffers
	for i := range m.nodes {
		n := &m.nodes[i]
		for j := range n.Tensors {
			t := &n.Tensors[j]
			from := &params
			if t.Buffer {
				from = &buffers
			}
			visit(n, t, (*from)[:t.Size():t.Size()])
			*from = (*from)[t.Size():]
		}
	}
}

// DecodeModel reads the weights of spec from a canonical safetensors file with exactly the tensors of the spec, "<layer>.weight" and so
// on, all F32 and finite. Errors wrap ErrMalformed, ErrNotCanonical, ErrWrongTensors, ErrNonFinite or ErrInvalidSpec.
func DecodeModel(spec *Spec, file []byte) (*Model, error) {
	m, err := newModel(spec)
	if err != nil {
		return nil, err
	}
	if limit := maxHeaderBytes + 8 + 4*(len(m.params)+len(m.buffers)); len(file) > limit {
		return nil, fmt.Errorf("%w: expected at most %d bytes for a model of %d parameters, got %d",
			ErrWrongTensors, limit, len(m.params)+len(m.buffers), len(file))
	}
	tensors, err := DecodeSafetensors(file)
	if err != nil {
		return nil, err
	}
	if err := requireCanonical(file); err != nil {
		return nil, err
	}
	if err := m.load(tensors); err != nil {
		return nil, err
	}
	return m, nil
}

// load copies the tensors into the weights.
func (m *Model) load(tensors []Tensor) error {
	byName := make(map[string]Tensor, len(tensors))
	for _, t := range tensors {
		byName[t.Name] = t
	}
	var err error
	expected := 0
	m.eachTensor(func(_ *modelspec.Node, want *modelspec.Tensor, values []float32) {
		expected++
		if err == nil {
			err = loadTensor(byName, want, values)
		}
	})
	if err != nil {
		return err
	}
	for _, t := range tensors {
		if _, extra := byName[t.Name]; extra {
			return fmt.Errorf("%w: tensor %q belongs to no layer; remove it (the spec has %d tensors)", ErrWrongTensors, t.Name, expected)
		}
	}
	return nil
}

// loadTensor takes one tensor out of byName.
func loadTensor(byName map[string]Tensor, want *modelspec.Tensor, values []float32) error {
	t, ok := byName[want.Name]
	if !ok {
		return fmt.Errorf("%w: tensor %q is missing; expected %s of shape %v", ErrWrongTensors, want.Name, DTypeF32, want.Shape)
	}
	if t.DType != DTypeF32 || !slices.Equal(t.Shape, want.Shape) {
		return fmt.Errorf("%w: tensor %q: expected %s of shape %v, got %s of shape %v",
			ErrWrongTensors, want.Name, DTypeF32, want.Shape, t.DType, t.Shape)
	}
	decodeF32(values, t.Data)
	if err := checkFinite(want.Name, values); err != nil {
		return err
	}
	delete(byName, want.Name)
	return nil
}

func checkFinite(name string, values []float32) error {
	if i := exact.FirstNonFinite(values); i >= 0 {
		return fmt.Errorf("%w: tensor %q element %d is %v; every weight must be finite", ErrNonFinite, name, i, values[i])
	}
	return nil
}

// tensors returns the weights as tensors in the order of the spec.
func (m *Model) tensors() []Tensor {
	var ts []Tensor
	m.eachTensor(func(_ *modelspec.Node, t *modelspec.Tensor, values []float32) {
		ts = append(ts, Tensor{Name: t.Name, DType: DTypeF32, Shape: t.Shape, Data: encodeF32(values)})
	})
	return ts
}

// Encode returns the canonical safetensors file of the weights. Its SHA-256 is the identity of the checkpoint.
func (m *Model) Encode() []byte {
	b, err := EncodeSafetensors(m.tensors())
	if err != nil {
		panic(fmt.Sprintf("engine: a valid model has no encoding: %v", err)) // names and shapes come from a validated spec
	}
	return b
}

// Clone returns a model with the same spec and its own copy of the weights.
func (m *Model) Clone() *Model {
	c := *m
	c.params, c.buffers, c.passes = slices.Clone(m.params), slices.Clone(m.buffers), new(passCache)
	return &c
}

// Spec returns a copy of the model's spec.
func (m *Model) Spec() *Spec { return m.spec.Clone() }

// inputs and outputs are the numbers of values in one row.
func (m *Model) inputs() int  { return m.spec.Inputs() }
func (m *Model) outputs() int { return m.nodes[len(m.nodes)-1].Outputs() }

// positions and classes divide the outputs of a row for cross-entropy: [T, classes] holds T decisions, any other shape one. So does
// every shape in a model without parameters, see modelspec.Spec.Classification.
func (m *Model) positions() int { return m.outputs() / m.classes() }
func (m *Model) classes() int   { return classesOf(m.nodes) }

func classesOf(nodes []modelspec.Node) int {
	out := nodes[len(nodes)-1].Out
	trained := slices.ContainsFunc(nodes, func(n modelspec.Node) bool { return n.Parameters() > 0 })
	if len(out) == 2 && trained {
		return out[1]
	}
	return sizeOf(out)
}

func sizeOf(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// activations is the number of values that one row takes in a pass.
func (m *Model) activations() int {
	total := m.inputs()
	for i := range m.nodes {
		total += m.nodes[i].Outputs() + int(m.nodes[i].Kept)
	}
	return total
}
