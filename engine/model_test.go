package engine

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/modelspec"
)

func newTestModel(t testing.TB, spec *Spec, seed byte) *Model {
	t.Helper()
	m, err := NewModel(spec, [32]byte{seed})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestNewModelFollowsItsSeed(t *testing.T) {
	a, b, c := newTestModel(t, digitsSpec(), 1), newTestModel(t, digitsSpec(), 1), newTestModel(t, digitsSpec(), 2)
	if !bytes.Equal(a.Encode(), b.Encode()) {
		t.Error("the same seed gives two models")
	}
	if bytes.Equal(a.Encode(), c.Encode()) {
		t.Error("two seeds give the same model")
	}
	a.eachTensor(func(n *modelspec.Node, tensor *modelspec.Tensor, values []float32) {
		largest := 0.0
		for _, w := range values {
			largest = max(largest, math.Abs(float64(w)))
		}
		limit := 0.0
		if tensor.Suffix == "weight" {
			limit = math.Sqrt(6 / float64(n.Inputs()+n.Outputs()))
		}
		if largest > limit*1.000001 || largest < 0.9*limit {
			t.Errorf("%s: expected values up to %v, got up to %v", tensor.Name, limit, largest)
		}
	})
	if _, err := NewModel(&Spec{}, [32]byte{}); !errors.Is(err, ErrInvalidSpec) {
		t.Errorf("an invalid spec: expected ErrInvalidSpec, got %v", err)
	}
}

func TestModelSurvivesItsFile(t *testing.T) {
	m := newTestModel(t, digitsSpec(), 1)
	file := m.Encode()
	if !IsCanonical(file) {
		t.Error("expected a canonical file")
	}
	back, err := DecodeModel(digitsSpec(), file)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(back.params, m.params) || !bytes.Equal(back.Encode(), file) {
		t.Error("expected the same weights back")
	}
	clone := m.Clone()
	clone.params[0]++
	if m.params[0] == clone.params[0] {
		t.Error("a clone shares weights with its origin")
	}
	s := m.Spec()
	s.Layers[0].Units = 1
	s.InputShape[0] = 1
	s.Normalization.DivisorE6 = 1
	if !bytes.Equal(m.Spec().Marshal(), digitsSpec().Marshal()) {
		t.Error("changing the returned spec changes the model")
	}
}

func TestDecodeModelExplainsWhatDoesNotFit(t *testing.T) {
	spec := &Spec{InputShape: []uint32{2}, Layers: layers(denseLayer("d", 1))}
	weight, bias := NewTensor("d.weight", []int{1, 2}, []float32{1, 2}), NewTensor("d.bias", []int{1}, []float32{3})
	encode := func(ts ...Tensor) []byte {
		b, err := EncodeSafetensors(ts)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	float64Bias := rawFile(padded(`{"d.bias":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}`), make([]byte, 8)...)
	for _, c := range []struct {
		name string
		file []byte
		is   error
		want string
	}{
		{"a fitting file", encode(weight, bias), nil, ""},
		{"a missing tensor", encode(weight), ErrWrongTensors, `"d.bias" is missing; expected F32 of shape [1]`},
		{"a tensor too many", encode(weight, bias, NewTensor("e.bias", []int{1}, []float32{0})), ErrWrongTensors, `"e.bias" belongs to no layer`},
		{"a transposed weight", encode(NewTensor("d.weight", []int{2, 1}, []float32{1, 2}), bias), ErrWrongTensors, "expected F32 of shape [1 2], got F32 of shape [2 1]"},
		{"a bias without dimension", encode(weight, NewTensor("d.bias", nil, []float32{3})), ErrWrongTensors, "got F32 of shape []"},
		{"double precision", float64Bias, ErrWrongTensors, "has dtype F64"},
		{"an infinite weight", encode(NewTensor("d.weight", []int{1, 2}, []float32{1, exact.Inf(true)}), bias), ErrNonFinite, `"d.weight" element 1 is -Inf`},
		{"a bias that is NaN", encode(weight, NewTensor("d.bias", []int{1}, []float32{exact.NaN()})), ErrNonFinite, `"d.bias" element 0 is NaN`},
		{"a header that is not padded", rawFile(`{}`), ErrNotCanonical, "canonicalize it"},
		{"no safetensors file", []byte("PK\x03\x04 a pickle perhaps"), ErrMalformed, "is it a safetensors file?"},
		{"a file far too large", make([]byte, maxHeaderBytes+100), ErrWrongTensors, "expected at most"},
	} {
		_, err := DecodeModel(spec, c.file)
		if !errors.Is(err, c.is) || (c.is == nil) != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: expected %v with %q, got %v", c.name, c.is, c.want, err)
		}
	}
}

// TestForwardByHand computes a small network step by step.
func TestForwardByHand(t *testing.T) {
	spec := &Spec{InputShape: []uint32{2}, Normalization: &Normalization{OffsetE6: 1_000_000, DivisorE6: 2_000_000},
		Layers: layers(denseLayer("a", 2), Layer{Name: "r", Kind: modelspec.KindReLU}, denseLayer("b", 1))}
	file, err := EncodeSafetensors([]Tensor{
		NewTensor("a.weight", []int{2, 2}, []float32{1, -2, 3, 4}), NewTensor("a.bias", []int{2}, []float32{0.5, -1}),
		NewTensor("b.weight", []int{1, 2}, []float32{2, -1}), NewTensor("b.bias", []int{1}, []float32{10}),
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := DecodeModel(spec, file)
	if err != nil {
		t.Fatal(err)
	}
	// Rows (5, 3) and (-1, 1) become (2, 1) and (-1, 0); a gives (0.5, 9) and (-0.5, -4); relu (0.5, 9) and (0, 0).
	got, err := m.Forward([]float32{5, 3, -1, 1}, 2)
	if want := []float32{2*0.5 - 9 + 10, 10}; err != nil || !slices.Equal(got, want) {
		t.Errorf("expected %v, got %v, %v", want, got, err)
	}
	if _, err := m.Forward([]float32{1, 2, 3}, 2); !errors.Is(err, ErrInvalidData) {
		t.Errorf("three values for two rows: expected ErrInvalidData, got %v", err)
	}
	if got, err := m.Forward(nil, 0); err != nil || len(got) != 0 {
		t.Errorf("no rows: expected no outputs, got %v, %v", got, err)
	}
}

func TestForwardDoesNotDependOnHowRowsAreCut(t *testing.T) {
	m, d := digitsLike(t, 600) // more than one pass
	all, err := m.Forward(d.X, 600)
	if err != nil {
		t.Fatal(err)
	}
	for r := range 600 {
		one, err := m.Forward(d.X[r*64:][:64], 1)
		if err != nil || !slices.Equal(one, all[r*10:][:10]) {
			t.Fatalf("row %d alone: expected %v, got %v, %v", r, all[r*10:][:10], one, err)
		}
	}
	classes, err := m.Predict(d.X, 600)
	if err != nil {
		t.Fatal(err)
	}
	for r, c := range classes {
		if slices.Max(all[r*10:][:10]) != all[r*10+c] {
			t.Fatalf("row %d: class %d is not the largest of %v", r, c, all[r*10:][:10])
		}
	}
}

func TestArgmaxTakesTheFirstOfEquals(t *testing.T) {
	nan := exact.NaN()
	for _, c := range []struct {
		x    []float32
		want int
	}{{[]float32{1, 3, 3}, 1}, {[]float32{2, 2}, 0}, {[]float32{0, math.Float32frombits(exact.SignBit)}, 0}, {[]float32{1, nan, 2}, 2}, {[]float32{nan, 5}, 0}} {
		if got := argmax(c.x); got != c.want {
			t.Errorf("argmax(%v): expected %d, got %d", c.x, c.want, got)
		}
	}
}
