package modelspec

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"path/filepath"
	"strings"
	"testing"
)

func layers(ls ...Layer) []Layer { return ls }

func denseLayer(name string, units uint64) Layer {
	return Layer{Name: name, Kind: KindDense, Units: units}
}

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
		{"parameters", s.Parameters(), 65*32 + 33*10}, {"buffers", s.Buffers(), 0},
		{"multiply-adds", s.MultiplyAdds(), 64*32 + 32*10}, {"cost", s.Cost(), 64*32 + 32*10 + 4*32},
		{"vocabulary", int64(s.Vocabulary()), 0}, {"labels per row", int64(s.LabelsPerRow()), 1},
		{"training memory", s.TrainingMemory(), 4 * (64 + 2*(32+32+10))},
		{"evaluation memory", s.EvaluationMemory(), 4 * (64 + 32)},
	} {
		if c.got != c.want {
			t.Errorf("%s: expected %d, got %d", c.what, c.want, c.got)
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
		{"as many values as 64 layers can have", Spec{InputShape: []uint32{65536}, Layers: many(MaxLayers)}, ""},
		{"too many layers", Spec{InputShape: one, Layers: many(MaxLayers + 1)}, "expected 1 to 64 layers, got 65"},
		{"no layer", Spec{InputShape: one}, "expected 1 to 64 layers, got 0"},
		{"no input shape", Spec{Layers: many(1)}, "expected an input_shape of 1 to 4 sizes, got 0"},
		{"five dimensions", Spec{InputShape: []uint32{1, 1, 1, 1, 1}, Layers: many(1)}, "1 to 4 sizes, got 5"},
		{"a zero dimension", Spec{InputShape: []uint32{8, 0}, Layers: many(1)}, "got [8 0]"},
		{"as many inputs as allowed", Spec{InputShape: []uint32{256, 256}, Layers: many(1)}, ""},
		{"too many inputs", Spec{InputShape: []uint32{256, 257}, Layers: many(1)}, "1 to 65536 values"},
		{"input sizes whose product overflows", Spec{InputShape: []uint32{1 << 31, 1 << 31, 4, 1}, Layers: many(1)}, "1 to 65536 values"},
		{"an unknown kind", Spec{InputShape: one, Layers: layers(Layer{Name: "x", Kind: "conv3d"})},
			`layer "x" has unknown kind "conv3d"; expected one of dense, linear, conv2d, max_pool, average_pool, global_average_pool, flatten, embedding, ` +
				`position, layer_norm, batch_norm, dropout, add, attention, relu, gelu, silu, tanh, sigmoid, softmax, sml`},
		{"dense without units", Spec{InputShape: one, Layers: layers(denseLayer("x", 0))}, `layer "x": expected 1 to 65536 units, got 0`},
		{"too many units", Spec{InputShape: one, Layers: layers(denseLayer("x", MaxUnits+1))}, "got 65537"},
		{"units on an activation", Spec{InputShape: one, Layers: layers(Layer{Name: "x", Kind: KindReLU, Units: 3})},
			`layer "x": kind "relu" does not use units; leave units at 0, got 3 (settings of relu: none)`},
		{"a setting of another kind", Spec{InputShape: one, Layers: layers(Layer{Name: "x", Kind: KindDense, Units: 3, Causal: true})},
			`layer "x": kind "dense" does not use causal; leave causal at 0, got 1 (settings of dense: units)`},
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
		check(t, c.name, &c.spec, c.want)
	}
}

// check fails unless the spec is valid or, with a text, refused with it.
func check(t *testing.T, name string, s *Spec, want string) {
	t.Helper()
	err := s.Validate()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: expected no error, got %v", name, err)
	case want != "" && (!errors.Is(err, ErrInvalidSpec) || !strings.Contains(err.Error(), want)):
		t.Errorf("%s: expected an error with %q, got %v", name, want, err)
	}
	if err == nil {
		return
	}
	if s.Outputs() != 0 || s.OutputShape() != nil || s.Parameters() != 0 || s.Buffers() != 0 || s.MultiplyAdds() != 0 || s.Cost() != 0 ||
		s.Vocabulary() != 0 || s.LabelsPerRow() != 0 || s.FileSize() != 0 || s.TrainingMemory() != 0 || s.EvaluationMemory() != 0 {
		t.Errorf("%s: expected every size of an invalid spec to be 0", name)
	}
	if s.CheckBinary() == nil || s.CheckForChain(false) == nil || s.CheckForChain(true) == nil || !strings.Contains(s.Summary(), want) {
		t.Errorf("%s: expected the reason everywhere", name)
	}
}

func TestCloneSharesNothing(t *testing.T) {
	s := digitsSpec()
	c := s.Clone()
	c.InputShape[0], c.Normalization.OffsetE6, c.Layers[0].Units, c.Layers[2].Inputs[0] = 1, 1, 1, "x"
	if w := digitsSpec(); string(s.Marshal()) != string(w.Marshal()) {
		t.Errorf("a change of the copy changed the original: %+v", s)
	}
}

// Rules that the chain applies must not depend on how a processor rounds.
func TestNoFloatTakesPart(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		files++
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && (strings.HasPrefix(id.Name, "float") || strings.HasPrefix(id.Name, "complex")) {
				t.Errorf("%s uses %s", name, id.Name)
			}
			return true
		})
	}
	if files < 5 {
		t.Errorf("expected the files of the package, found %d", files)
	}
}
