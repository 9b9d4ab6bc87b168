package engine

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

func layers(ls ...Layer) []Layer { return ls }

func denseLayer(name string, units uint64) Layer {
	return Layer{Name: name, Kind: KindDense, Units: units}
}

// digitsSpec is the network that most tests use.
func digitsSpec() *Spec {
	return &Spec{
		InputShape:    []uint32{8, 8},
		Normalization: &Normalization{OffsetE6: 8_000_000, DivisorE6: 8_000_000},
		Layers: layers(denseLayer("hidden", 32), Layer{Name: "hidden-relu", Kind: KindReLU},
			Layer{Name: "classes", Kind: KindDense, Inputs: []string{"hidden-relu"}, Units: 10}),
	}
}

func TestSpecCountsItsSizes(t *testing.T) {
	s := digitsSpec()
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what      string
		got, want int64
	}{
		{"inputs", int64(s.Inputs()), 64}, {"outputs", int64(s.Outputs()), 10},
		{"parameters", s.Parameters(), 65*32 + 33*10}, {"multiply-adds", s.MultiplyAdds(), 64*32 + 32*10},
	} {
		if c.got != c.want {
			t.Errorf("%s: expected %d, got %d", c.what, c.want, c.got)
		}
	}
	for _, text := range []string{"8×8", "(x - 8) / 8", "hidden-relu", "2,410 parameters (9,640 bytes)", "2,368 multiply-adds"} {
		if !strings.Contains(s.Summary(), text) {
			t.Errorf("summary: expected it to contain %q, got\n%s", text, s.Summary())
		}
	}
}

func TestSpecValidationNamesWhatIsWrong(t *testing.T) {
	many := func(n int) []Layer {
		ls := make([]Layer, n)
		for i := range ls {
			ls[i] = Layer{Name: fmt.Sprintf("l%d", i), Kind: KindTanh}
		}
		return ls
	}
	one := []uint32{1}
	for _, c := range []struct {
		name string
		spec Spec
		want string // part of the error; empty: valid
	}{
		{"a single layer", Spec{InputShape: one, Layers: layers(denseLayer("out", 1))}, ""},
		{"a layer that names the layer before", Spec{InputShape: one, Layers: layers(denseLayer("a", 2),
			Layer{Name: "b", Kind: KindDense, Inputs: []string{"a"}, Units: 1})}, ""},
		{"a first layer that names the input", Spec{InputShape: one, Layers: layers(
			Layer{Name: "b", Kind: KindDense, Inputs: []string{"input"}, Units: 1})}, ""},
		{"as many layers as allowed", Spec{InputShape: one, Layers: many(MaxLayers)}, ""},
		{"too many layers", Spec{InputShape: one, Layers: many(MaxLayers + 1)}, "expected 1 to 64 layers, got 65"},
		{"no layer", Spec{InputShape: one}, "expected 1 to 64 layers, got 0"},
		{"no input shape", Spec{Layers: many(1)}, "expected an input_shape of 1 to 4 sizes, got 0"},
		{"five dimensions", Spec{InputShape: []uint32{1, 1, 1, 1, 1}, Layers: many(1)}, "1 to 4 sizes, got 5"},
		{"a zero dimension", Spec{InputShape: []uint32{8, 0}, Layers: many(1)}, "got [8 0]"},
		{"as many inputs as allowed", Spec{InputShape: []uint32{256, 256}, Layers: many(1)}, ""},
		{"too many inputs", Spec{InputShape: []uint32{256, 257}, Layers: many(1)}, "1 to 65536 values"},
		{"input sizes whose product overflows", Spec{InputShape: []uint32{1 << 31, 1 << 31, 4, 1}, Layers: many(1)}, "1 to 65536 values"},
		{"an unknown kind", Spec{InputShape: one, Layers: layers(Layer{Name: "x", Kind: "conv2d"})},
			`layer "x" has unknown kind "conv2d"; expected one of dense, relu, tanh`},
		{"dense without units", Spec{InputShape: one, Layers: layers(denseLayer("x", 0))}, `layer "x": expected 1 to 65536 units, got 0`},
		{"too many units", Spec{InputShape: one, Layers: layers(denseLayer("x", MaxUnits+1))}, "got 65537"},
		{"units on an activation", Spec{InputShape: one, Layers: layers(Layer{Name: "x", Kind: KindReLU, Units: 3})}, "leave units at 0"},
		{"too many parameters", Spec{InputShape: []uint32{4096}, Layers: layers(denseLayer("a", 4096), denseLayer("b", 1))},
			`layer "a" brings the model to 16781312 parameters`},
		{"a name used twice", Spec{InputShape: one, Layers: layers(denseLayer("x", 1), denseLayer("x", 1))}, `the same name "x" as layer 0`},
		{"the name of the input", Spec{InputShape: one, Layers: layers(denseLayer("input", 1))}, "taken by the input"},
		{"an empty name", Spec{InputShape: one, Layers: layers(denseLayer("", 1))}, "expected a name of 1 to 64"},
		{"a name with a dot", Spec{InputShape: one, Layers: layers(denseLayer("a.b", 1))}, "expected a name of 1 to 64"},
		{"a name that starts with a digit", Spec{InputShape: one, Layers: layers(denseLayer("1a", 1))}, "starts with a letter"},
		{"a name that is too long", Spec{InputShape: one, Layers: layers(denseLayer(strings.Repeat("a", 65), 1))}, "1 to 64"},
		{"an input that comes later", Spec{InputShape: one, Layers: layers(
			Layer{Name: "a", Kind: KindTanh, Inputs: []string{"b"}}, Layer{Name: "b", Kind: KindTanh})},
			`layer "a" reads "b", which is no earlier layer; expected one of input`},
		{"two inputs", Spec{InputShape: one, Layers: layers(Layer{Name: "a", Kind: KindTanh, Inputs: []string{"input", "input"}})}, "at most one input"},
		{"a layer that nobody reads", Spec{InputShape: one, Layers: layers(denseLayer("a", 1),
			Layer{Name: "b", Kind: KindTanh, Inputs: []string{"input"}})}, `layer "a" is never read`},
		{"a divisor of zero", Spec{InputShape: one, Normalization: &Normalization{}, Layers: many(1)}, "divisor_e6 between 1"},
		{"a huge divisor", Spec{InputShape: one, Normalization: &Normalization{DivisorE6: 1e15 + 1}, Layers: many(1)}, "divisor_e6 between 1"},
		{"a huge offset", Spec{InputShape: one, Normalization: &Normalization{OffsetE6: math.MinInt64, DivisorE6: 1}, Layers: many(1)}, "offset_e6 between"},
	} {
		err := c.spec.Validate()
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: expected no error, got %v", c.name, err)
		case c.want != "" && (!errors.Is(err, ErrInvalidSpec) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: expected an error with %q, got %v", c.name, c.want, err)
		}
		if err != nil && (c.spec.Outputs() != 0 || c.spec.Parameters() != 0 || c.spec.MultiplyAdds() != 0 || !strings.Contains(c.spec.Summary(), c.want)) {
			t.Errorf("%s: expected sizes of 0 and a summary with the reason", c.name)
		}
	}
}

func TestSpecHasOneEncoding(t *testing.T) {
	s := digitsSpec()
	s.Normalization.OffsetE6 = -1
	b := s.Marshal()
	const want = "0a020808" + "1210" + "08ffffffffffffffffff01" + "1080a4e803" +
		"1a11" + "0a0668696464656e" + "120564656e7365" + "2020" +
		"1a13" + "0a0b68696464656e2d72656c75" + "120472656c75" +
		"1a1f" + "0a07636c6173736573" + "120564656e7365" + "1a0b68696464656e2d72656c75" + "200a"
	if got := hex.EncodeToString(b); got != want {
		t.Fatalf("expected %s, got %s", want, got)
	}
	parsed, err := ParseSpec(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(parsed.Marshal(), b) || parsed.Normalization.OffsetE6 != -1 || parsed.Layers[2].Inputs[0] != "hidden-relu" {
		t.Errorf("expected the same spec back, got %+v", parsed)
	}
}

func TestParseSpecRefusesEverythingElse(t *testing.T) {
	good := hex.EncodeToString((&Spec{InputShape: []uint32{2}, Layers: layers(Layer{Name: "a", Kind: KindTanh})}).Marshal())
	// 0a0102 · 1a09 0a0161 120474616e68
	const shape, layer = "0a0102", "1a090a0161120474616e68"
	if good != shape+layer {
		t.Fatalf("expected %s, got %s", shape+layer, good)
	}
	for _, c := range []struct {
		name, hex string
		want      error
	}{
		{"the canonical bytes", shape + layer, nil},
		{"no bytes", "", ErrInvalidSpec},
		{"fields in another order", layer + shape, ErrNotCanonical},
		{"an unknown field", shape + layer + "2001", ErrInvalidSpec},
		{"an unknown field of a layer", shape + "1a0b0a0161120474616e682801", ErrInvalidSpec},
		{"an unknown field of the normalization", shape + "120410011801" + layer, ErrInvalidSpec},
		{"input_shape not packed", "0802" + layer, ErrInvalidSpec},
		{"input_shape in two parts", "0a0102" + "0a0102" + layer, ErrNotCanonical},
		{"a size above 32 bits", "0a058080808010" + layer, ErrInvalidSpec},
		{"a size with a needless byte", "0a028200" + layer, ErrNotCanonical},
		{"a zero written out", shape + "1a0b0a0161120474616e682000", ErrNotCanonical},
		{"fields of a layer in another order", shape + "1a09120474616e680a0161", ErrNotCanonical},
		{"a name given twice", shape + "1a0c0a01610a0161120474616e68", ErrNotCanonical},
		{"a length with a needless byte", shape + "1a89000a0161120474616e68", ErrNotCanonical},
		{"two normalizations", shape + "12021001" + "12021001" + layer, ErrNotCanonical},
		{"an empty normalization", shape + "1200" + layer, ErrInvalidSpec},
		{"a wrong wire type", "0d02000000" + layer, ErrInvalidSpec},
		{"cut off", (shape + layer)[:20], ErrInvalidSpec},
		{"a field number of zero", shape + layer + "0000", ErrInvalidSpec},
		{"too long", strings.Repeat("00", MaxSpecBytes+1), ErrInvalidSpec},
	} {
		b, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if _, err := ParseSpec(b); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: expected %v, got %v", c.name, c.want, err)
		}
	}
}

func FuzzParseSpec(f *testing.F) {
	f.Add(digitsSpec().Marshal())
	f.Add((&Spec{InputShape: []uint32{2}, Layers: layers(Layer{Name: "a", Kind: KindTanh})}).Marshal())
	f.Add([]byte{0x12, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSpec(b)
		if err != nil {
			return
		}
		if !bytes.Equal(s.Marshal(), b) {
			t.Errorf("accepted %x, which encodes again as %x", b, s.Marshal())
		}
		if s.Inputs() < 1 || s.Outputs() < 1 || s.Parameters() > MaxParameters {
			t.Errorf("accepted a spec beyond the limits: %+v", s)
		}
	})
}
