package engine

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/dataset/digits"
	"github.com/pold-network/pold/modelspec"
)

func newTestMapping(t testing.TB, inputs int, seed byte) *Mapping {
	t.Helper()
	m, err := NewMapping(inputs, [32]byte{seed})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMappingsAreSignedPermutations(t *testing.T) {
	const n = 1000
	m := newTestMapping(t, n, 1)
	sorted := slices.Sorted(slices.Values(m.from))
	negative, moved := 0, 0
	for i := range n {
		if sorted[i] != i {
			t.Fatalf("expected every input once, got %v", m.from)
		}
		switch m.sign[i] {
		case -1:
			negative++
		case 1:
		default:
			t.Fatalf("sign %d: expected 1 or -1, got %v", i, m.sign[i])
		}
		if m.from[i] != i {
			moved++
		}
	}
	if negative < 430 || negative > 570 || moved < 980 {
		t.Errorf("expected about half of %d signs negative and nearly all inputs moved, got %d and %d", n, negative, moved)
	}
	if again := newTestMapping(t, n, 1); !slices.Equal(again.from, m.from) || !slices.Equal(again.sign, m.sign) {
		t.Error("the same seed gives two mappings")
	}
	if other := newTestMapping(t, n, 2); slices.Equal(other.from, m.from) || slices.Equal(other.sign, m.sign) {
		t.Error("two seeds give the same permutation or the same signs")
	}
	if one := newTestMapping(t, 1, 1); !slices.Equal(one.from, []int{0}) {
		t.Errorf("expected one input to stay where it is, got %v", one.from)
	}
	for _, size := range []int{0, -1, modelspec.MaxInputs + 1} {
		if _, err := NewMapping(size, [32]byte{}); err == nil || !strings.Contains(err.Error(), "expected 1 to 65536 inputs") {
			t.Errorf("a mapping of %d inputs: expected an error with the limits, got %v", size, err)
		}
	}
}

// TestMappingByHand follows two values through mapping and layer, and the weight through a change of the mapping.
func TestMappingByHand(t *testing.T) {
	m := newTestModel(t, network([]uint32{3}, plain(modelspec.KindSML), denseOf(1)), 1)
	copy(m.params, []float32{1, 10, 100, 0.5})
	if err := m.SetMapping(&Mapping{from: []int{2, 0, 1}, sign: []float32{1, -1, 1}}); err != nil {
		t.Fatal(err)
	}
	x := []float32{2, 3, 4} // mapped: 4, -2, 3
	check := func(name string, want float32, weights ...float32) {
		t.Helper()
		if y, err := m.Forward(x, 1); err != nil || y[0] != want || !slices.Equal(m.params[:3], weights) {
			t.Errorf("%s: expected output %v with weights %v, got %v with %v, %v", name, want, weights, y, m.params[:3], err)
		}
	}
	check("mapped", 4-20+300+0.5, 1, 10, 100)
	if err := m.Rebase(&Mapping{from: []int{0, 1, 2}, sign: []float32{1, 1, -1}}); err != nil {
		t.Fatal(err)
	}
	check("rebased", 4-20+300+0.5, -10, 100, -1)
}

// mappedDigits returns a network with a mapping layer, and the rows that it learns.
func mappedDigits(t testing.TB) (*Spec, *Data) {
	t.Helper()
	table, err := dataset.Parse(bytes.NewReader(digits.CSV()))
	if err != nil {
		t.Fatal(err)
	}
	x, _, err := table.Numeric(1)
	if err != nil {
		t.Fatal(err)
	}
	labels, err := table.Labels(digits.Classes)
	if err != nil {
		t.Fatal(err)
	}
	spec := network([]uint32{8, 8}, plain(modelspec.KindSML), denseOf(32), plain(modelspec.KindReLU), denseOf(10))
	spec.Normalization = &Normalization{OffsetE6: 8_000_000, DivisorE6: 8_000_000}
	return spec, &Data{Features: digits.Features, X: x, Labels: labels}
}

func accuracy(t testing.TB, m *Model, d *Data) float64 {
	t.Helper()
	e, err := m.Evaluate(d, CrossEntropy)
	if err != nil {
		t.Fatal(err)
	}
	return float64(e.MetricE9) / 1e9
}

func TestStolenWeightsAreOfNoUse(t *testing.T) {
	spec, d := mappedDigits(t)
	owner := newTestModel(t, spec, 1)
	if err := owner.SetMapping(newTestMapping(t, 64, 1)); err != nil {
		t.Fatal(err)
	}
	r := adamRecipe
	r.LearningRate, r.BatchSize, r.Steps = 0.005, 64, 250
	if err := owner.Train(d, CrossEntropy, r, nil); err != nil {
		t.Fatal(err)
	}
	if a := accuracy(t, owner, d); a < 0.95 {
		t.Fatalf("expected the owner to recognise 95 of 100 digits, got %v", a)
	}
	thief, err := DecodeModel(spec, owner.Encode())
	if err != nil {
		t.Fatal(err)
	}
	const tries = 30
	total := accuracy(t, thief, d) // without a mapping
	for seed := range byte(tries - 1) {
		if err := thief.SetMapping(newTestMapping(t, 64, 100+seed)); err != nil {
			t.Fatal(err)
		}
		a := accuracy(t, thief, d)
		if total += a; a > 0.35 {
			t.Errorf("mapping %d: expected about one in ten right with a wrong mapping, got %v", seed, a)
		}
	}
	if mean := total / tries; mean < 0.05 || mean > 0.15 {
		t.Errorf("expected one in ten right on average, got %v", mean)
	}
	if err := thief.SetMapping(newTestMapping(t, 64, 1)); err != nil || accuracy(t, thief, d) != accuracy(t, owner, d) {
		t.Errorf("with the owner's mapping: expected the owner's accuracy, got %v, %v", accuracy(t, thief, d), err)
	}
}

func TestRebaseKeepsWhatTheModelKnows(t *testing.T) {
	spec := network([]uint32{8, 8}, named("map", plain(modelspec.KindSML)), named("a", denseOf(12)), plain(modelspec.KindTanh),
		named("b", reading("map", denseOf(12))), addOf("l2", "b"), denseOf(10))
	m := newTestModel(t, spec, 1)
	unsettle(m)
	m.params[3] = float32(math.Copysign(0, -1)) // a sign that must not get lost
	first, second := newTestMapping(t, 64, 1), newTestMapping(t, 64, 2)
	if err := m.SetMapping(first); err != nil {
		t.Fatal(err)
	}
	d := testData(t, spec, 50)
	before, file := forward(t, m, d), m.Encode()
	clone := m.Clone()
	if err := m.Rebase(second); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(m.Encode(), file) || !bytes.Equal(clone.Encode(), file) {
		t.Error("expected other weights, and a clone that keeps its own")
	}
	for i, y := range forward(t, m, d) {
		if math.Abs(float64(y-before[i])) > 2e-5 {
			t.Errorf("output %d: expected %v up to rounding, got %v", i, before[i], y)
		}
	}
	// Values only move and change their sign, within their row.
	next := m.params
	for i, row := range slices.Collect(slices.Chunk(clone.params[:64*12], 64)) {
		if !slices.Equal(magnitudes(row), magnitudes(next[i*64:][:64])) {
			t.Errorf("row %d of the first layer: expected the same magnitudes", i)
		}
	}
	if !slices.Equal(clone.params[64*12:][:12], next[64*12:][:12]) {
		t.Error("expected the same biases")
	}
	if err := m.Rebase(first); err != nil || !bytes.Equal(m.Encode(), file) {
		t.Errorf("rebased there and back: expected the same file, got another, %v", err)
	}
	if got := forward(t, m, d); !bytes.Equal(appendBits(nil, got...), appendBits(nil, before...)) {
		t.Error("rebased there and back: expected the same outputs bit by bit")
	}
}

func forward(t testing.TB, m *Model, d *Data) []float32 {
	t.Helper()
	y, err := m.Forward(d.X, d.Rows())
	if err != nil {
		t.Fatal(err)
	}
	return y
}

func magnitudes(x []float32) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(math.Abs(float64(v)))
	}
	slices.Sort(y)
	return y
}

func TestMappingsMustFitTheModel(t *testing.T) {
	mapped, unmapped := newTestModel(t, network([]uint32{4}, plain(modelspec.KindSML), denseOf(2)), 1), newTestModel(t, network([]uint32{4}, denseOf(2)), 1)
	for _, c := range []struct {
		name    string
		model   *Model
		mapping *Mapping
		is      error
		want    string
	}{
		{"a mapping of other size", mapped, newTestMapping(t, 5, 1), nil, "expected one of 4 inputs, as the model has, got 5"},
		{"no mapping at all", mapped, nil, nil, "expected one of 4 inputs"},
		{"a model without mapping layer", unmapped, newTestMapping(t, 4, 1), ErrInvalidSpec, `no layer of kind "sml"`},
	} {
		for name, change := range map[string]func(*Mapping) error{"SetMapping": c.model.SetMapping, "Rebase": c.model.Rebase} {
			before := c.model.Encode()
			err := change(c.mapping)
			if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %s: expected an error with %q, got %v", c.name, name, c.want, err)
			}
			if !bytes.Equal(before, c.model.Encode()) {
				t.Errorf("%s: %s: a refused mapping changed the weights", c.name, name)
			}
		}
	}
}
