package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/engine/internal/gemm"
	"github.com/pold-network/pold/engine/internal/vector"
	"github.com/pold-network/pold/modelspec"
)

// vectors is testdata/vectors.json, see SPEC.md section 13.
type vectors struct {
	Version   string
	FMA       []hexBits // x, y, z, result
	Exp       []hexBits // argument, result
	Log       []hexBits
	Tanh      []hexBits
	Sum       []hexBits // elements, and the result last
	Gemm      []gemmVector
	Stream    streamVector
	LossE9    []lossVector
	Training  []trainingVector
	Functions map[string][]hexBits // argument, result
	Max       []hexBits            // as Sum
	Dot       []pairVector
	Squares   []pairVector
	Layers    []layerVector
	Losses    []rowLossVector
	Schedules []scheduleVector
	Updates   []updateVector
	Mapping   []mappingVector
	Specs     []specVector
}

type gemmVector struct {
	M, N, K                    int
	TransA, TransB, Accumulate bool
	A, B, C, Result            hexBits
}

type pairVector struct{ A, B, Result hexBits }

type streamVector struct {
	Seed, Label string
	Index       uint64
	Words       []uint32
	Symmetric   hexBits
	Below10     []uint32
	Permutation []int // of 20
}

type lossVector struct {
	Loss   hexBits
	LossE9 uint64
}

// vectorFunctions are the functions of one number besides those that have a list of their own, each as a kernel and as its reference.
var vectorFunctions = map[string]struct {
	kernel    func(v *vector.Kernels, dst, x []float32)
	reference func(x float32) float32
}{
	"Sigmoid":  {func(v *vector.Kernels, dst, x []float32) { v.Sigmoid(dst, x) }, exact.Sigmoid},
	"SiLU":     {func(v *vector.Kernels, dst, x []float32) { v.SiLU(dst, x) }, exact.SiLU},
	"GELU":     {func(v *vector.Kernels, dst, x []float32) { v.GELU(dst, x) }, exact.GELU},
	"SiLUGrad": {func(v *vector.Kernels, dst, x []float32) { v.SiLUGrad(dst, x, ones(len(x))) }, exact.SiLUDerivative},
	"GELUGrad": {func(v *vector.Kernels, dst, x []float32) { v.GELUGrad(dst, x, ones(len(x))) }, exact.GELUDerivative},
}

func ones(n int) []float32 { return slices.Repeat([]float32{1}, n) }

// compute fills in every answer from the questions.
func (v *vectors) compute(t *testing.T, on *machine) {
	t.Helper()
	v.Version = Version
	for i, c := range v.FMA {
		v.FMA[i] = append(c[:3:3], exact.FMA(c[0], c[1], c[2]))
	}
	computeFunction(t, "exp", v.Exp, on.vec.Exp, exact.Exp)
	computeFunction(t, "log", v.Log, on.vec.Log, exact.Log)
	computeFunction(t, "tanh", v.Tanh, on.vec.Tanh, exact.Tanh)
	for name, f := range vectorFunctions {
		computeFunction(t, name, v.Functions[name], func(dst, x []float32) { f.kernel(on.vec, dst, x) }, f.reference)
	}
	for i, c := range v.Sum {
		elements := c[: len(c)-1 : len(c)-1]
		v.Sum[i] = append(elements, on.vec.Sum(elements))
	}
	for i, c := range v.Max {
		elements := c[: len(c)-1 : len(c)-1]
		v.Max[i] = append(elements, on.vec.Max(elements))
	}
	for i, c := range v.Dot {
		v.Dot[i].Result = hexBits{on.vec.Dot(c.A, c.B)}
	}
	for i, c := range v.Squares {
		v.Squares[i].Result = hexBits{on.vec.SumSquaredDiff(c.A, c.B[0])}
	}
	for i := range v.Gemm {
		v.Gemm[i].compute(on)
	}
	v.Stream.compute(t)
	for i, l := range v.LossE9 {
		v.LossE9[i].LossE9 = toE9(l.Loss[0])
	}
	for i := range v.Layers {
		v.Layers[i].compute(t, on)
	}
	for i := range v.Losses {
		v.Losses[i].compute(on)
	}
	for i := range v.Schedules {
		v.Schedules[i].compute(t)
	}
	for i := range v.Updates {
		v.Updates[i].compute(t, on)
	}
	for i := range v.Mapping {
		v.Mapping[i].compute(t, on)
	}
	for i := range v.Training {
		v.Training[i].compute(t, on)
	}
	for i := range v.Specs {
		v.Specs[i].compute(t)
	}
}

// computeFunction answers all arguments with one call, so that whole vectors and their rest are in it, and compares with the reference.
func computeFunction(t *testing.T, name string, list []hexBits, kernel func(dst, x []float32), reference func(float32) float32) {
	t.Helper()
	x := make([]float32, len(list))
	for i, c := range list {
		x[i] = c[0]
	}
	y := make([]float32, len(x))
	kernel(y, x)
	for i, c := range list {
		list[i] = append(c[:1:1], y[i])
		if want := exact.CanonicalBits(reference(x[i])); exact.CanonicalBits(y[i]) != want {
			t.Errorf("%s(%v): expected bits %08x as package exact says, got %08x", name, x[i], want, exact.CanonicalBits(y[i]))
		}
	}
}

func (v *gemmVector) compute(on *machine) {
	p := gemm.Product{TransA: v.TransA, TransB: v.TransB, M: v.M, N: v.N, K: v.K, Accumulate: v.Accumulate,
		A: v.A, LDA: v.K, B: v.B, LDB: v.N, C: slices.Clone(v.C), LDC: v.N}
	if p.TransA {
		p.LDA = v.M
	}
	if p.TransB {
		p.LDB = v.K
	}
	on.mul.Multiply(&p)
	v.Result = p.C
}

func (v *streamVector) compute(t *testing.T) {
	open := func() *stream { return newStream(seedFromHex(t, v.Seed), v.Label, v.Index) }
	s := open()
	v.Words = nil
	for range 10 {
		v.Words = append(v.Words, s.uint32())
	}
	s = open()
	v.Symmetric = nil
	for range 10 {
		v.Symmetric = append(v.Symmetric, s.symmetric())
	}
	s = open()
	v.Below10 = nil
	for range 10 {
		v.Below10 = append(v.Below10, s.below(10))
	}
	v.Permutation = make([]int, 20)
	open().permute(v.Permutation)
}

// mappingVector rebases a new model to the mapping of one seed and then to that of another.
type mappingVector struct {
	Spec, ModelSeed, Mapping, Second string

	From                         []int
	Sign                         hexBits
	FirstSHA256, SecondSHA256    string
	Outputs, FirstOut, SecondOut hexBits // of the row X
	X                            hexBits
}

func (v *mappingVector) compute(t *testing.T, on *machine) {
	m := vectorModel(t, on, v.Spec, v.ModelSeed)
	outputs := func() hexBits {
		y, err := m.Forward(v.X, 1)
		if err != nil {
			t.Fatal(err)
		}
		return y
	}
	rebase := func(seed string) *Mapping {
		to, err := NewMapping(m.inputs(), seedFromHex(t, seed))
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Rebase(to); err != nil {
			t.Fatal(err)
		}
		return to
	}
	v.Outputs = outputs()
	first := rebase(v.Mapping)
	v.From, v.Sign = first.from, first.sign
	v.FirstSHA256, v.FirstOut = fingerprint(m), outputs()
	rebase(v.Second)
	v.SecondSHA256, v.SecondOut = fingerprint(m), outputs()
}

// fingerprint is the identity of the model's checkpoint.
func fingerprint(m *Model) string {
	h := sha256.Sum256(m.Encode())
	return hex.EncodeToString(h[:])
}

func vectorSpec(t *testing.T, text string) *Spec {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := ParseSpec(raw)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func vectorModel(t *testing.T, on *machine, spec, seed string) *Model {
	t.Helper()
	m, err := NewModel(vectorSpec(t, spec), seedFromHex(t, seed))
	if err != nil {
		t.Fatal(err)
	}
	m.machine = on
	return m
}

func seedFromHex(t *testing.T, s string) [32]byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		t.Fatalf("expected a seed of 64 hexadecimal digits, got %q", s)
	}
	return [32]byte(b)
}

// lastNode is the layer that a layerVector asks about.
func lastNode(t *testing.T, spec *Spec) *modelspec.Node {
	t.Helper()
	nodes, err := spec.Plan()
	if err != nil {
		t.Fatal(fmt.Errorf("spec of a vector: %w", err))
	}
	return &nodes[len(nodes)-1]
}
