package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/engine/internal/gemm"
	"github.com/pold-network/pold/modelspec"
)

var update = flag.Bool("update", false, "rewrite the known answers in testdata (only together with a new engine version)")

var joinLines = regexp.MustCompile(`\[[^\[\]{}]*\]`)

// hexBits is a list of float32 values written as eight hexadecimal digits each.
type hexBits []float32

func (h hexBits) MarshalJSON() ([]byte, error) {
	texts := make([]string, len(h))
	for i, v := range h {
		texts[i] = fmt.Sprintf("%08x", exact.CanonicalBits(v))
	}
	return json.Marshal(texts)
}

func (h *hexBits) UnmarshalJSON(b []byte) error {
	var texts []string
	if err := json.Unmarshal(b, &texts); err != nil {
		return err
	}
	*h = nil
	for _, t := range texts {
		bits, err := strconv.ParseUint(t, 16, 32)
		if err != nil {
			return err
		}
		*h = append(*h, math.Float32frombits(uint32(bits)))
	}
	return nil
}

// vectors is testdata/vectors.json, see SPEC.md section 13.
type vectors struct {
	Version  string
	FMA      []hexBits // x, y, z, result
	Exp      []hexBits // argument, result
	Log      []hexBits
	Tanh     []hexBits
	Sum      []hexBits // elements, and the result last
	Gemm     []gemmVector
	Stream   streamVector
	LossE9   []lossVector
	Training []trainingVector
}

type gemmVector struct {
	M, N, K                    int
	TransA, TransB, Accumulate bool
	A, B, C, Result            hexBits
}

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

type trainingVector struct {
	Name      string
	Spec      string // canonical protobuf bytes
	ModelSeed string
	Objective Objective
	Features  int
	Targets   int
	X         hexBits
	Labels    []uint32
	Y         hexBits
	Recipe    recipeVector

	InitialSHA256 string
	Losses        hexBits
	FinalSHA256   string
	LossE9        uint64
	MetricE9      uint64
	Digest        string
}

type recipeVector struct {
	Optimizer string
	Rates     hexBits // learning rate, momentum, beta2, epsilon
	BatchSize int
	Steps     int
	Seed      string
}

// compute fills in every answer from the inputs.
func (v *vectors) compute(t *testing.T) {
	t.Helper()
	v.Version = Version
	for i, c := range v.FMA {
		v.FMA[i] = append(c[:3:3], exact.FMA(c[0], c[1], c[2]))
	}
	for _, f := range []struct {
		list []hexBits
		f    func(float32) float32
	}{{v.Exp, exact.Exp}, {v.Log, exact.Log}, {v.Tanh, exact.Tanh}} {
		for i, c := range f.list {
			f.list[i] = append(c[:1:1], f.f(c[0]))
		}
	}
	for i, c := range v.Sum {
		elements := c[: len(c)-1 : len(c)-1]
		v.Sum[i] = append(elements, defaultMachine().vec.Sum(elements))
	}
	for i, g := range v.Gemm {
		p := gemm.Product{TransA: g.TransA, TransB: g.TransB, M: g.M, N: g.N, K: g.K, Accumulate: g.Accumulate,
			A: g.A, LDA: g.K, B: g.B, LDB: g.N, C: slices.Clone(g.C), LDC: g.N}
		if p.TransA {
			p.LDA = g.M
		}
		if p.TransB {
			p.LDB = g.K
		}
		defaultMachine().mul.Multiply(&p)
		v.Gemm[i].Result = p.C
	}
	v.Stream.compute(t)
	for i, l := range v.LossE9 {
		v.LossE9[i].LossE9 = toE9(l.Loss[0])
	}
	for i := range v.Training {
		v.Training[i].compute(t)
	}
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

func (v *trainingVector) compute(t *testing.T) {
	t.Helper()
	raw, err := hex.DecodeString(v.Spec)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := ParseSpec(raw)
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewModel(spec, seedFromHex(t, v.ModelSeed))
	if err != nil {
		t.Fatal(err)
	}
	fingerprint := func() string {
		h := sha256.Sum256(m.Encode())
		return hex.EncodeToString(h[:])
	}
	d := &Data{Features: v.Features, Targets: v.Targets, X: v.X, Labels: v.Labels, Y: v.Y}
	r := v.Recipe
	recipe := Recipe{Optimizer: r.Optimizer, LearningRate: r.Rates[0], Momentum: r.Rates[1], Beta2: r.Rates[2], Epsilon: r.Rates[3],
		BatchSize: r.BatchSize, Steps: r.Steps, Seed: seedFromHex(t, r.Seed)}
	v.InitialSHA256 = fingerprint()
	v.Losses = nil
	if err := m.Train(d, v.Objective, recipe, func(_ int, loss float32) bool { v.Losses = append(v.Losses, loss); return true }); err != nil {
		t.Fatal(err)
	}
	v.FinalSHA256 = fingerprint()
	e, err := m.Evaluate(d, v.Objective)
	if err != nil {
		t.Fatal(err)
	}
	v.LossE9, v.MetricE9, v.Digest = e.LossE9, e.MetricE9, hex.EncodeToString(e.Digest[:])
}

func seedFromHex(t *testing.T, s string) [32]byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		t.Fatalf("expected a seed of 64 hexadecimal digits, got %q", s)
	}
	return [32]byte(b)
}

// vectorInputs are the questions; the answers are in testdata.
func vectorInputs() *vectors {
	s := newStream([32]byte{}, "vector inputs", 0)
	v := new(vectors)
	for i := range 120 {
		x, y, z := floatNear(s, 0, 4), floatNear(s, 0, 4), floatNear(s, 0, 6)
		switch i % 4 {
		case 1: // a product that misses half a unit of the sum
			x, y, z = 1+0x1p-23, 0.5-float32(int(s.below(3))-1)*0x1p-24, float32(1<<23|s.below(1<<23))
		case 2: // subnormal results
			x, y, z = floatNear(s, -70, 6), floatNear(s, -60, 6), floatNear(s, -127, 8)
		case 3:
			x, y, z = math.Float32frombits(s.uint32()), math.Float32frombits(s.uint32()), math.Float32frombits(s.uint32())
		}
		v.FMA = append(v.FMA, hexBits{x, y, z})
	}
	for i := range 128 {
		x := math.Float32frombits(s.uint32())
		if i%2 == 0 {
			x = s.symmetric() * 20
		}
		v.Exp = append(v.Exp, hexBits{x})
		v.Log = append(v.Log, hexBits{float32(math.Abs(float64(x)))})
		v.Tanh = append(v.Tanh, hexBits{x})
	}
	numbers := func(n int) hexBits {
		x := make(hexBits, n)
		for i := range x {
			x[i] = floatNear(s, 0, 3)
		}
		return x
	}
	for _, n := range []int{0, 1, 5, 16, 17, 40} {
		v.Sum = append(v.Sum, append(numbers(n), 0))
	}
	for i := range 8 {
		const m, n, k = 3, 2, 5
		v.Gemm = append(v.Gemm, gemmVector{M: m, N: n, K: k, TransA: i&1 != 0, TransB: i&2 != 0, Accumulate: i&4 != 0,
			A: numbers(m * k), B: numbers(k * n), C: numbers(m * n)})
	}
	const seedA, seedB = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "ff00000000000000000000000000000000000000000000000000000000000001"
	v.Stream = streamVector{Seed: seedA, Label: "order", Index: 7}
	for _, x := range []float32{0, 1, 0.5, 2.3025851, 0x1p-10, 3 * 0x1p-10, 1e-9, 5e-10, 1e-12, 123456.79, 9.2e9, 9.3e9, math.MaxFloat32} {
		v.LossE9 = append(v.LossE9, lossVector{Loss: hexBits{x}})
	}
	for _, kind := range []string{modelspec.KindReLU, modelspec.KindTanh} {
		for _, o := range []Objective{CrossEntropy, MeanSquaredError} {
			for _, r := range []recipeVector{
				{Optimizer: OptimizerSGD, Rates: hexBits{0.05, 0.9, 0, 0}, BatchSize: 7, Steps: 12, Seed: seedB},
				{Optimizer: OptimizerAdam, Rates: hexBits{0.01, 0.9, 0.999, 1e-8}, BatchSize: 20, Steps: 12, Seed: seedB},
			} {
				spec := &Spec{InputShape: []uint32{2, 2}, Normalization: &Normalization{OffsetE6: 125_000, DivisorE6: 3_000_000},
					Layers: layers(denseLayer("hidden", 6), Layer{Name: "bend", Kind: kind}, denseLayer("out", 3))}
				d := smallData(25, 4, 3)
				v.Training = append(v.Training, trainingVector{
					Name: fmt.Sprintf("%s, %v, %s", kind, o, r.Optimizer), Spec: hex.EncodeToString(spec.Marshal()), ModelSeed: seedA,
					Objective: o, Features: 4, Targets: 3, X: d.X, Labels: d.Labels, Y: d.Y, Recipe: r,
				})
			}
		}
	}
	return v
}

// TestVectors recomputes every answer in testdata/vectors.json. It runs unchanged on other processors.
func TestVectors(t *testing.T) {
	path := filepath.Join("testdata", "vectors.json")
	if *update {
		v := vectorInputs()
		v.compute(t)
		writeIndented(t, path, v)
	}
	stored, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var want, got vectors
	if err := json.Unmarshal(stored, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(stored, &got); err != nil {
		t.Fatal(err)
	}
	got.compute(t)
	if got.Version != want.Version {
		t.Fatalf("the vectors belong to %s, the engine is %s", want.Version, got.Version)
	}
	compareLists(t, "fma", got.FMA, want.FMA)
	compareLists(t, "exp", got.Exp, want.Exp)
	compareLists(t, "log", got.Log, want.Log)
	compareLists(t, "tanh", got.Tanh, want.Tanh)
	compareLists(t, "sum", got.Sum, want.Sum)
	compareLists(t, "gemm", got.Gemm, want.Gemm)
	compareLists(t, "stream", []streamVector{got.Stream}, []streamVector{want.Stream})
	compareLists(t, "loss_e9", got.LossE9, want.LossE9)
	compareLists(t, "training", got.Training, want.Training)
}

// compareLists compares through JSON, where floats are bits.
func compareLists[T any](t *testing.T, name string, got, want []T) {
	t.Helper()
	if len(want) == 0 {
		t.Errorf("%s: expected vectors, got none", name)
	}
	for i := range want {
		g, err := json.Marshal(got[i])
		if err != nil {
			t.Fatal(err)
		}
		w, err := json.Marshal(want[i])
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(g, w) {
			t.Errorf("%s vector %d: expected %s, got %s", name, i, w, g)
		}
	}
}

func writeIndented(t *testing.T, path string, v any) {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	// One line per list of numbers keeps the file readable.
	b = joinLines.ReplaceAllFunc(b, func(list []byte) []byte {
		return bytes.Join(bytes.Fields(list), nil)
	})
	if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestCheckpointVector reads a stored checkpoint and writes it again.
func TestCheckpointVector(t *testing.T) {
	path := filepath.Join("testdata", "digits-initial.safetensors")
	want := newTestModel(t, digitsSpec(), 42).Encode()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(stored, want) {
		t.Error("the initial weights of seed 2a00…00 differ from the stored checkpoint")
	}
	m, err := DecodeModel(digitsSpec(), stored)
	if err != nil || !bytes.Equal(m.Encode(), stored) {
		t.Errorf("expected the stored checkpoint to survive decoding and encoding, got %v", err)
	}
}
