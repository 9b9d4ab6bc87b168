package engine

import (
	"fmt"
	"slices"
)

// Model is a network with its float32 weights. Methods that only read (Forward, Predict, Evaluate, Encode, Clone) may run
// concurrently; Train may not run beside any of them.
type Model struct {
	spec   *Spec
	nodes  []node
	params []float32 // for every dense layer in order: weight [units, inputs] row-major, then bias [units]
	be     backend
}

func newModel(spec *Spec) (*Model, error) {
	nodes, err := spec.plan()
	if err != nil {
		return nil, err
	}
	m := &Model{spec: spec.clone(), nodes: nodes, be: defaultBackend}
	m.params = make([]float32, m.spec.Parameters())
	return m, nil
}

// NewModel makes a model with initial weights: Glorot uniform from the stream (seed, "init/<layer>", 0) in row-major order, biases
// zero. Equal specs and seeds give equal bits everywhere.
func NewModel(spec *Spec, seed [32]byte) (*Model, error) {
	m, err := newModel(spec)
	if err != nil {
		return nil, err
	}
	m.eachDense(func(n node, weight, _ []float32) {
		newStream(seed, "init/"+n.Name, 0).glorotUniform(weight, n.inputs, n.outputs)
	})
	return m, nil
}

// eachDense visits the layers that have weights in the order of the spec.
func (m *Model) eachDense(visit func(n node, weight, bias []float32)) {
	rest := m.params
	for _, n := range m.nodes {
		if n.params == 0 {
			continue
		}
		split := n.inputs * n.outputs
		visit(n, rest[:split], rest[split:n.params])
		rest = rest[n.params:]
	}
}

// DecodeModel reads the weights of spec from a canonical safetensors file with exactly the tensors "<layer>.weight" [units, inputs]
// and "<layer>.bias" [units], all F32 and finite. Errors wrap ErrMalformed, ErrNotCanonical, ErrWrongTensors, ErrNonFinite or
// ErrInvalidSpec.
func DecodeModel(spec *Spec, file []byte) (*Model, error) {
	m, err := newModel(spec)
	if err != nil {
		return nil, err
	}
	if limit := maxHeaderBytes + 8 + 4*len(m.params); len(file) > limit {
		return nil, fmt.Errorf("%w: expected at most %d bytes for a model of %d parameters, got %d",
			ErrWrongTensors, limit, len(m.params), len(file))
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
	want := m.tensors()
	loaded := make([]Tensor, 0, len(want)) // in the order of want
	for _, w := range want {
		t, ok := byName[w.Name]
		if !ok {
			return fmt.Errorf("%w: tensor %q is missing; expected %s of shape %v", ErrWrongTensors, w.Name, DTypeF32, w.Shape)
		}
		if t.DType != DTypeF32 || !slices.Equal(t.Shape, w.Shape) {
			return fmt.Errorf("%w: tensor %q: expected %s of shape %v, got %s of shape %v",
				ErrWrongTensors, w.Name, DTypeF32, w.Shape, t.DType, t.Shape)
		}
		loaded = append(loaded, t)
		delete(byName, w.Name)
	}
	for _, t := range tensors {
		if _, extra := byName[t.Name]; extra {
			return fmt.Errorf("%w: tensor %q belongs to no layer; remove it (the spec has %d tensors)", ErrWrongTensors, t.Name, len(want))
		}
	}
	next := 0
	fill := func(dst []float32) error {
		t := loaded[next]
		next++
		decodeF32(dst, t.Data)
		if i := firstNonFinite(dst); i >= 0 {
			return fmt.Errorf("%w: tensor %q element %d is %v; every weight must be finite", ErrNonFinite, t.Name, i, dst[i])
		}
		return nil
	}
	var err error
	m.eachDense(func(_ node, weight, bias []float32) {
		if err == nil {
			err = fill(weight)
		}
		if err == nil {
			err = fill(bias)
		}
	})
	return err
}

func weightName(n node) string { return n.Name + ".weight" }
func biasName(n node) string   { return n.Name + ".bias" }

// tensors returns the weights as tensors in the order of the spec.
func (m *Model) tensors() []Tensor {
	var ts []Tensor
	m.eachDense(func(n node, weight, bias []float32) {
		ts = append(ts,
			Tensor{Name: weightName(n), DType: DTypeF32, Shape: []int{n.outputs, n.inputs}, Data: encodeF32(weight)},
			Tensor{Name: biasName(n), DType: DTypeF32, Shape: []int{n.outputs}, Data: encodeF32(bias)})
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
	c.params = slices.Clone(m.params)
	return &c
}

// Spec returns a copy of the model's spec.
func (m *Model) Spec() *Spec { return m.spec.clone() }

func (s *Spec) clone() *Spec {
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
