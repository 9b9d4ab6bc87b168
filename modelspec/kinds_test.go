package modelspec

import (
	"fmt"
	"math"
	"reflect"
	"testing"
)

// text writes what a plan says of a node on one line.
func text(n Node) string {
	s := fmt.Sprintf("%v -> %v", n.In, n.Out)
	for _, w := range n.Tensors {
		s += fmt.Sprintf(" %s%v", w.Suffix, w.Shape)
		switch w.Init {
		case Ones:
			s += "=1"
		case GlorotUniform:
			s += fmt.Sprintf("~%d+%d", w.FanIn, w.FanOut)
		}
		if w.Buffer {
			s += "(buffer)"
		}
	}
	return s + fmt.Sprintf("; %d + %d, keeps %d", n.MultiplyAdds, n.Operations, n.Kept)
}

func conv(units, kernel, stride, padding, groups uint64) Layer {
	return Layer{Name: "x", Kind: KindConv2D, Units: units, KernelHeight: kernel, KernelWidth: kernel, StrideHeight: stride, StrideWidth: stride,
		PaddingHeight: padding, PaddingWidth: padding, Groups: groups}
}

func pool(kind string, kernel, stride uint64) Layer {
	return Layer{Name: "x", Kind: kind, KernelHeight: kernel, KernelWidth: kernel, StrideHeight: stride, StrideWidth: stride}
}

func TestEveryKindHasItsShapesTensorsAndWork(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []struct {
		name  string
		input []uint32
		layer Layer
		want  string
	}{
		{"dense", []uint32{5}, Layer{Kind: KindDense, Units: 3}, "[[5]] -> [3] weight[3 5]~5+3 bias[3]; 15 + 0, keeps 0"},
		{"dense flattens", []uint32{2, 3, 4}, Layer{Kind: KindDense, Units: 3}, "[[2 3 4]] -> [3] weight[3 24]~24+3 bias[3]; 72 + 0, keeps 0"},
		{"linear on one vector", []uint32{5}, Layer{Kind: KindLinear, Units: 3}, "[[5]] -> [3] weight[3 5]~5+3 bias[3]; 15 + 268, keeps 0"},
		{"linear on positions", []uint32{7, 5}, Layer{Kind: KindLinear, Units: 3}, "[[7 5]] -> [7 3] weight[3 5]~5+3 bias[3]; 105 + 1876, keeps 0"},
		{"conv2d", []uint32{3, 8, 6}, conv(4, 3, 1, 1, 1), "[[3 8 6]] -> [4 8 6] weight[4 3 3 3]~27+36 bias[4]; 5184 + 37696, keeps 0"},
		{"conv2d of a flat image", []uint32{8, 6}, conv(4, 3, 2, 0, 1), "[[8 6]] -> [4 3 2] weight[4 1 3 3]~9+36 bias[4]; 216 + 9376, keeps 0"},
		{"conv2d in groups", []uint32{4, 5, 5}, conv(6, 3, 2, 2, 2), "[[4 5 5]] -> [6 4 4] weight[6 2 3 3]~18+27 bias[6]; 1728 + 45440, keeps 0"},
		{"conv2d depthwise", []uint32{4, 5, 5}, conv(4, 3, 1, 1, 4), "[[4 5 5]] -> [4 5 5] weight[4 1 3 3]~9+9 bias[4]; 900 + 43424, keeps 0"},
		{"conv2d with unequal sides", []uint32{1, 7, 9}, Layer{Kind: KindConv2D, Units: 2, KernelHeight: 1, KernelWidth: 4, StrideHeight: 3, StrideWidth: 2, PaddingWidth: 3, Groups: 1},
			"[[1 7 9]] -> [2 3 6] weight[2 1 1 4]~4+8 bias[2]; 144 + 8080, keeps 0"},
		{"max_pool", []uint32{3, 7, 6}, pool(KindMaxPool, 2, 2), "[[3 7 6]] -> [3 3 3]; 0 + 10368, keeps 27"},
		{"average_pool that overlaps", []uint32{3, 7, 6}, pool(KindAveragePool, 3, 1), "[[3 7 6]] -> [3 5 4]; 0 + 40320, keeps 0"},
		{"average_pool of a flat image", []uint32{4, 4}, pool(KindAveragePool, 4, 4), "[[4 4]] -> [1 1 1]; 0 + 1024, keeps 0"},
		{"global_average_pool", []uint32{3, 7, 6}, Layer{Kind: KindGlobalAveragePool}, "[[3 7 6]] -> [3]; 0 + 2040, keeps 0"},
		{"flatten", []uint32{3, 7, 6}, Layer{Kind: KindFlatten}, "[[3 7 6]] -> [126]; 0 + 0, keeps 0"},
		{"embedding", []uint32{7}, Layer{Kind: KindEmbedding, Units: 5, Vocabulary: 30}, "[[7]] -> [7 5] weight[30 5]~5+5; 0 + 140, keeps 0"},
		{"position", []uint32{7, 5}, Layer{Kind: KindPosition}, "[[7 5]] -> [7 5] weight[7 5]~5+5; 0 + 140, keeps 0"},
		{"position on one vector", []uint32{7}, Layer{Kind: KindPosition}, "[[7]] -> [7] weight[7]~7+7; 0 + 28, keeps 0"},
		{"layer_norm", []uint32{7, 5}, Layer{Kind: KindLayerNorm, EpsilonE9: 1}, "[[7 5]] -> [7 5] weight[5]=1 bias[5]; 0 + 15456, keeps 42"},
		{"batch_norm of features", []uint32{7}, Layer{Kind: KindBatchNorm, EpsilonE9: 1, MomentumE6: 1},
			"[[7]] -> [7] weight[7]=1 bias[7] running_mean[7](buffer) running_var[7]=1(buffer); 0 + 3612, keeps 7"},
		{"batch_norm of channels", []uint32{3, 2, 2}, Layer{Kind: KindBatchNorm, EpsilonE9: 1, MomentumE6: 1},
			"[[3 2 2]] -> [3 2 2] weight[3]=1 bias[3] running_mean[3](buffer) running_var[3]=1(buffer); 0 + 1584, keeps 12"},
		{"dropout", []uint32{7}, Layer{Kind: KindDropout, RateE6: 500_000}, "[[7]] -> [7]; 0 + 28, keeps 7"},
		{"attention", []uint32{5, 8}, Layer{Kind: KindAttention, Heads: 2, Causal: true},
			"[[5 8]] -> [5 8] in_proj_weight[24 8]~8+8 in_proj_bias[24] out_proj.weight[8 8]~8+8 out_proj.bias[8]; 1680 + 43264, keeps 210"},
		{"relu", []uint32{7, 5}, Layer{Kind: KindReLU}, "[[7 5]] -> [7 5]; 0 + 140, keeps 0"},
		{"gelu", []uint32{7}, Layer{Kind: KindGELU}, "[[7]] -> [7]; 0 + 448, keeps 0"},
		{"silu", []uint32{7}, Layer{Kind: KindSiLU}, "[[7]] -> [7]; 0 + 448, keeps 0"},
		{"tanh", []uint32{1, 1, 1, 7}, Layer{Kind: KindTanh}, "[[1 1 1 7]] -> [1 1 1 7]; 0 + 448, keeps 0"},
		{"sigmoid", []uint32{7}, Layer{Kind: KindSigmoid}, "[[7]] -> [7]; 0 + 448, keeps 0"},
		{"softmax", []uint32{7}, Layer{Kind: KindSoftmax}, "[[7]] -> [7]; 0 + 2496, keeps 0"},
		{"sml", []uint32{8, 8}, Layer{Kind: KindSML}, "[[8 8]] -> [64]; 0 + 256, keeps 0"},
	} {
		c.layer.Name = "x"
		seen[c.layer.Kind] = true
		s := &Spec{InputShape: c.input, Layers: layers(c.layer)}
		nodes, err := s.Plan()
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := text(nodes[0]); got != c.want {
			t.Errorf("%s: expected %s, got %s", c.name, c.want, got)
		}
		if !reflect.DeepEqual(s.OutputShape(), nodes[0].Out) || s.Outputs() != nodes[0].Outputs() {
			t.Errorf("%s: expected outputs %v, got %v", c.name, nodes[0].Out, s.OutputShape())
		}
		for _, w := range nodes[0].Tensors {
			if w.Name != "x."+w.Suffix {
				t.Errorf("%s: expected the tensor x.%s, got %s", c.name, w.Suffix, w.Name)
			}
		}
	}
	sum := &Spec{InputShape: []uint32{7}, Layers: layers(Layer{Name: "a", Kind: KindTanh}, Layer{Name: "x", Kind: KindAdd, Inputs: []string{"input", "a"}})}
	nodes, err := sum.Plan()
	if err != nil {
		t.Fatal(err)
	}
	seen[KindAdd] = true
	if got := text(nodes[1]); got != "[[7] [7]] -> [7]; 0 + 28, keeps 0" || !reflect.DeepEqual(nodes[1].Sources, []int{Input, 0}) {
		t.Errorf("add: got %s from %v", got, nodes[1].Sources)
	}
	for _, k := range Kinds() {
		if !seen[k] {
			t.Errorf("kind %s is not in this table", k)
		}
	}
}

// TestManyShortPiecesAreNotCheap: the same values cost far more when each is a piece of work of its own.
func TestManyShortPiecesAreNotCheap(t *testing.T) {
	for _, c := range []struct {
		name  string
		input []uint32
		layer Layer
		least int64
	}{
		{"conv2d with a group for each pixel", []uint32{65536, 1, 1}, conv(65536, 1, 1, 0, 65536), 4096},
		{"linear on vectors of one value", []uint32{65536, 1}, Layer{Name: "x", Kind: KindLinear, Units: 1}, 256},
		{"layer_norm of vectors of one value", []uint32{65536, 1}, Layer{Name: "x", Kind: KindLayerNorm, EpsilonE9: 1}, 2048},
		{"softmax of vectors of one value", []uint32{65536, 1}, Layer{Name: "x", Kind: KindSoftmax}, 2048},
		{"batch_norm of single features", []uint32{65536}, Layer{Name: "x", Kind: KindBatchNorm, EpsilonE9: 1, MomentumE6: 1}, 512},
		{"max_pool of single pixels", []uint32{65536, 1, 1}, pool(KindMaxPool, 1, 1), 128},
		{"global_average_pool of single pixels", []uint32{65536, 1, 1}, Layer{Name: "x", Kind: KindGlobalAveragePool}, 512},
	} {
		s := after(c.input, c.layer)
		if err := s.Validate(); err != nil || s.Cost() < 65536*c.least {
			t.Errorf("%s: expected a cost of at least %d, got %d (%v)", c.name, 65536*c.least, s.Cost(), err)
		}
	}
	attention := after([]uint32{1, 1024}, Layer{Name: "x", Kind: KindAttention, Heads: 1024})
	if got := attention.Cost() - attention.MultiplyAdds(); got < 1024*8192 {
		t.Errorf("attention with many heads: expected at least %d beside the multiply-adds, got %d", 1024*8192, got)
	}
}

// after puts a layer behind others.
func after(input []uint32, ls ...Layer) Spec { return Spec{InputShape: input, Layers: ls} }

func TestKindsSayWhatTheyCanNotRead(t *testing.T) {
	tokens := Layer{Name: "tokens", Kind: KindEmbedding, Units: 4, Vocabulary: 9}
	for _, c := range []struct {
		name string
		spec Spec
		want string
	}{
		{"conv2d without a stride", after([]uint32{8, 8}, conv(1, 3, 0, 0, 1)), `layer "x": expected 1 to 65536 stride_height, got 0`},
		{"conv2d without groups", after([]uint32{8, 8}, conv(1, 3, 1, 0, 0)), `layer "x": expected 1 to 65536 groups, got 0`},
		{"conv2d on a vector", after([]uint32{8}, conv(1, 3, 1, 0, 1)), "reads images, [channels, height, width] or [height, width]; got shape [8]"},
		{"conv2d on four axes", after([]uint32{2, 2, 2, 2}, conv(1, 1, 1, 0, 1)), "got shape [2 2 2 2]"},
		{"conv2d with a kernel as large as the image", after([]uint32{8, 8}, conv(1, 8, 1, 0, 1)), ""},
		{"conv2d with a kernel that is larger", after([]uint32{8, 8}, conv(1, 9, 1, 0, 1)), "the kernel of 9×9 is larger than the 8×8 values it reads"},
		{"conv2d with a large kernel in zeros", after([]uint32{8, 8}, conv(1, 9, 1, 1, 1)), ""},
		{"conv2d with the most zeros", after([]uint32{8, 8}, conv(1, 3, 1, 2, 1)), ""},
		{"conv2d with more zeros", after([]uint32{8, 8}, conv(1, 3, 1, 3, 1)), "expected a padding smaller than the kernel, got 3×3 for a kernel of 3×3"},
		{"conv2d with more zeros above and below only", after([]uint32{8, 8}, Layer{Name: "x", Kind: KindConv2D, Units: 1, KernelHeight: 3, KernelWidth: 3,
			StrideHeight: 1, StrideWidth: 1, PaddingHeight: 3, Groups: 1}), "got 3×0 for a kernel of 3×3"},
		{"conv2d with endless zeros", after([]uint32{8, 8}, conv(1, 3, 1, math.MaxUint64, 1)), "expected 0 to 65536 padding_height, got 18446744073709551615"},
		{"conv2d with groups that cut a channel", after([]uint32{4, 8, 8}, conv(6, 3, 1, 1, 3)), "divide both the 4 channels read and the 6 units, got 3"},
		{"conv2d with groups that cut a unit", after([]uint32{4, 8, 8}, conv(6, 3, 1, 1, 4)), "divide both the 4 channels read and the 6 units, got 4"},
		{"conv2d with too many weights", after([]uint32{65536, 1, 1}, conv(65536, 1, 1, 0, 1)), "more than the 16777216 allowed"},
		{"max_pool with padding", after([]uint32{8, 8}, Layer{Name: "x", Kind: KindMaxPool, KernelHeight: 3, KernelWidth: 3, StrideHeight: 1, StrideWidth: 1, PaddingHeight: 1}),
			"does not use padding_height"},
		{"max_pool without a kernel", after([]uint32{8, 8}, pool(KindMaxPool, 0, 1)), "expected 1 to 65536 kernel_height, got 0"},
		{"max_pool on a vector", after([]uint32{8}, pool(KindMaxPool, 1, 1)), "reads images"},
		{"average_pool with a kernel that is larger", after([]uint32{8, 8}, pool(KindAveragePool, 9, 1)), "use a smaller kernel"},
		{"global_average_pool on a vector", after([]uint32{8}, Layer{Name: "x", Kind: KindGlobalAveragePool}), "reads images"},
		{"embedding of a layer", after([]uint32{8}, Layer{Name: "a", Kind: KindReLU}, tokens), `layer "tokens": kind "embedding" reads integers and so the input of the model itself`},
		{"embedding after a normalization", Spec{InputShape: []uint32{8}, Normalization: &Normalization{DivisorE6: 1}, Layers: layers(tokens)}, "no normalization"},
		{"embedding of an image", after([]uint32{8, 8}, tokens), "expects an input_shape of one size, the number of positions, got [8 8]"},
		{"embedding of the most positions", after([]uint32{4096}, tokens), ""},
		{"embedding of more positions", after([]uint32{4097}, tokens), "at most 4096 positions, got 4097"},
		{"embedding without a vocabulary", after([]uint32{8}, Layer{Name: "x", Kind: KindEmbedding, Units: 4}), "expected 1 to 65536 vocabulary, got 0"},
		{"two embeddings of the same input", after([]uint32{8}, tokens, Layer{Name: "more", Kind: KindEmbedding, Inputs: []string{"input"}, Units: 4, Vocabulary: 5},
			Layer{Name: "x", Kind: KindAdd, Inputs: []string{"tokens", "more"}}), ""},
		{"position on an image", after([]uint32{2, 2, 2}, Layer{Name: "x", Kind: KindPosition}), "expects shape [n] or [positions, features], got [2 2 2]"},
		{"position on more positions", after([]uint32{4097, 1}, Layer{Name: "x", Kind: KindPosition}), "at most 4096 positions"},
		{"position on a long vector", after([]uint32{4097}, Layer{Name: "x", Kind: KindPosition}), ""},
		{"layer_norm without epsilon", after([]uint32{8}, Layer{Name: "x", Kind: KindLayerNorm}), "expected 1 to 1000000000 epsilon_e9, got 0"},
		{"layer_norm with momentum", after([]uint32{8}, Layer{Name: "x", Kind: KindLayerNorm, EpsilonE9: 1, MomentumE6: 1}), "does not use momentum_e6"},
		{"batch_norm without momentum", after([]uint32{8}, Layer{Name: "x", Kind: KindBatchNorm, EpsilonE9: 1}), "expected 1 to 1000000 momentum_e6, got 0"},
		{"batch_norm of a sequence", after([]uint32{8, 8}, Layer{Name: "x", Kind: KindBatchNorm, EpsilonE9: 1, MomentumE6: 1}), "got shape [8 8]; use layer_norm for sequences"},
		{"dropout of everything", after([]uint32{8}, Layer{Name: "x", Kind: KindDropout, RateE6: 1_000_000}), "expected 1 to 999999 rate_e6, got 1000000"},
		{"dropout of nothing", after([]uint32{8}, Layer{Name: "x", Kind: KindDropout}), "expected 1 to 999999 rate_e6, got 0"},
		{"add of one layer", after([]uint32{8}, Layer{Name: "x", Kind: KindAdd}), `expected the names of 2 different layers as inputs of kind "add", got 0`},
		{"add of three", after([]uint32{8}, Layer{Name: "x", Kind: KindAdd, Inputs: []string{"input", "input", "input"}}), "got 3"},
		{"add of a layer to itself", after([]uint32{8}, Layer{Name: "x", Kind: KindAdd, Inputs: []string{"input", "input"}}), `names "input" twice`},
		{"add of unequal shapes", after([]uint32{2, 4}, Layer{Name: "a", Kind: KindFlatten}, Layer{Name: "x", Kind: KindAdd, Inputs: []string{"input", "a"}}),
			"expected two inputs of equal shape, got input of shape [2 4] and a of shape [8]"},
		{"add of an unknown layer", after([]uint32{8}, Layer{Name: "x", Kind: KindAdd, Inputs: []string{"input", "b"}}), `reads "b", which is no earlier layer`},
		{"attention without heads", after([]uint32{8, 8}, Layer{Name: "x", Kind: KindAttention}), "expected 1 to 65536 heads, got 0"},
		{"attention with heads that cut a feature", after([]uint32{8, 8}, Layer{Name: "x", Kind: KindAttention, Heads: 3}), "heads that divide the 8 features, got 3"},
		{"attention on a vector", after([]uint32{8}, Layer{Name: "x", Kind: KindAttention, Heads: 1}), "expects shape [positions, features], got [8]"},
		{"attention on more positions", after([]uint32{4097, 1}, Layer{Name: "x", Kind: KindAttention, Heads: 1}), "at most 4096 positions"},
		{"attention with maps beyond the memory", after([]uint32{4096, 1}, Layer{Name: "x", Kind: KindAttention, Heads: 1}), "values in all layers, more than the 4194304 allowed"},
		{"layers beyond the memory", after([]uint32{65536}, reluLayers(64)...), ""},
		{"one value beyond the memory", after([]uint32{1, 65536}, append(reluLayers(63), Layer{Name: "x", Kind: KindConv2D, Units: 1, KernelHeight: 1, KernelWidth: 2,
			StrideHeight: 1, StrideWidth: 1, PaddingWidth: 1, Groups: 1})...), "brings one row to 4194305 values in all layers"},
		{"one layer's mask beyond the memory", after([]uint32{65536}, append(reluLayers(63), Layer{Name: "x", Kind: KindDropout, RateE6: 1})...), "values in all layers"},
		{"work beyond the limit", after([]uint32{256, 256}, conv(500, 171, 1, 0, 1)), `layer "x" brings the cost of one row to`},
		{"sml behind a layer", after([]uint32{8}, Layer{Name: "a", Kind: KindReLU}, Layer{Name: "x", Kind: KindSML}), "make it the first layer"},
		{"sml as the second reader", after([]uint32{8}, Layer{Name: "a", Kind: KindReLU}, Layer{Name: "x", Kind: KindSML, Inputs: []string{"input"}}), "make it the first layer"},
		{"sml before dense layers", after([]uint32{8}, Layer{Name: "x", Kind: KindSML}, denseLayer("a", 2), Layer{Name: "b", Kind: KindDense, Units: 2, Inputs: []string{"x"}},
			Layer{Name: "c", Kind: KindAdd, Inputs: []string{"a", "b"}}), ""},
		{"sml before another kind", after([]uint32{8}, Layer{Name: "x", Kind: KindSML}, Layer{Name: "a", Kind: KindReLU}), `layer "a" of kind "relu" reads the secure mapping layer "x"; only dense layers may`},
		{"a way around sml", after([]uint32{8}, Layer{Name: "x", Kind: KindSML}, denseLayer("a", 8), Layer{Name: "b", Kind: KindAdd, Inputs: []string{"a", "input"}}),
			`layer "b" reads the input beside the secure mapping layer "x"`},
	} {
		check(t, c.name, &c.spec, c.want)
	}
}

func rename(l Layer, name string) Layer {
	l.Name = name
	return l
}

func reluLayers(n int) []Layer {
	ls := make([]Layer, n)
	for i := range ls {
		ls[i] = Layer{Name: fmt.Sprintf("l%d", i), Kind: KindReLU}
	}
	return ls
}

func TestObjectivesReadOnlyOutputsThatSuitThem(t *testing.T) {
	for _, c := range []struct {
		name            string
		spec            Spec
		labels, classes int
		crossEntropy    string // part of the error; empty: accepted
		binary          string
	}{
		{"classes", *digitsSpec(), 1, 10, "", ""},
		{"one output", after([]uint32{8}, denseLayer("x", 1)), 0, 0, "needs at least 2 outputs, one per class, the model has 1", ""},
		{"positions of classes", after([]uint32{5}, Layer{Name: "t", Kind: KindEmbedding, Units: 4, Vocabulary: 9}, Layer{Name: "x", Kind: KindLinear, Units: 9}), 5, 9, "", ""},
		{"positions of one class", after([]uint32{5, 3}, Layer{Name: "x", Kind: KindLinear, Units: 1}), 0, 0, "at least 2 outputs", ""},
		{"an image", after([]uint32{5, 5}, conv(2, 3, 1, 0, 1)), 0, 0, "expects outputs [classes] or [positions, classes], got shape [2 3 3]", ""},
		{"nothing to learn", after([]uint32{8, 8}, Layer{Name: "x", Kind: KindTanh}), 1, 64, "", ""},
		{"a softmax", after([]uint32{8}, denseLayer("a", 3), Layer{Name: "x", Kind: KindSoftmax}), 0, 0, `layer "x": cross-entropy applies the softmax itself`, "applies the sigmoid itself"},
		{"a softmax inside", after([]uint32{8}, Layer{Name: "a", Kind: KindSoftmax}, denseLayer("x", 3)), 1, 3, "", ""},
		{"a sigmoid", after([]uint32{8}, denseLayer("a", 3), Layer{Name: "x", Kind: KindSigmoid}), 1, 3, "", `layer "x": binary cross-entropy applies the sigmoid itself`},
	} {
		labels, classes, err := c.spec.Classification()
		if labels != c.labels || classes != c.classes || c.spec.LabelsPerRow() != c.labels || !says(err, c.crossEntropy) {
			t.Errorf("%s: expected %d labels of %d classes and the error %q, got %d, %d and %v", c.name, c.labels, c.classes, c.crossEntropy, labels, classes, err)
		}
		if err := c.spec.CheckBinary(); !says(err, c.binary) {
			t.Errorf("%s: binary: expected the error %q, got %v", c.name, c.binary, err)
		}
	}
}

func TestGroupsTakeOnlyModelsThatLearnAndSuitTheirMapping(t *testing.T) {
	mapped := after([]uint32{8}, Layer{Name: "x", Kind: KindSML}, denseLayer("a", 2))
	for _, c := range []struct {
		name    string
		spec    Spec
		mapping bool
		want    string
	}{
		{"digits", *digitsSpec(), false, ""},
		{"a norm alone", after([]uint32{8}, Layer{Name: "x", Kind: KindLayerNorm, EpsilonE9: 1}), false, ""},
		{"no weights", after([]uint32{8}, Layer{Name: "x", Kind: KindTanh}), false, "at least one layer with weights"},
		{"a map alone", after([]uint32{8}, Layer{Name: "x", Kind: KindSML}), true, "at least one layer with weights"},
		{"a map in a group with the option", mapped, true, ""},
		{"a map in a group without it", mapped, false, `layer "x": only groups with the option mapping can use kind "sml"`},
		{"the option without a map", *digitsSpec(), true, `the option mapping needs a first layer of kind "sml", got "dense"`},
		{"a map that is no first layer", after([]uint32{8}, denseLayer("a", 8), Layer{Name: "x", Kind: KindSML}), true, "make it the first layer"},
	} {
		if err := c.spec.CheckForChain(c.mapping); !says(err, c.want) {
			t.Errorf("%s: expected the error %q, got %v", c.name, c.want, err)
		}
	}
}
