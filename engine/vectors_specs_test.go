package engine

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/pold-network/pold/modelspec"
)

// specVector is the bytes of a model spec with what the rules of SPEC.md section 2 make of them.
type specVector struct {
	Name string
	Spec string

	Valid                                                bool
	Out                                                  []int `json:",omitempty"`
	Parameters, Buffers, MultiplyAdds, Cost, Activations int64 `json:",omitempty"` // Activations: Σ(out + K)
}

func (v *specVector) compute(t *testing.T) {
	raw, err := hex.DecodeString(v.Spec)
	if err != nil {
		t.Fatal(err)
	}
	*v = specVector{Name: v.Name, Spec: v.Spec}
	spec, err := ParseSpec(raw)
	if err != nil {
		return
	}
	nodes, err := spec.Plan()
	if err != nil {
		t.Fatal(err)
	}
	v.Valid, v.Out = true, spec.OutputShape()
	v.Parameters, v.Buffers, v.MultiplyAdds, v.Cost = spec.Parameters(), spec.Buffers(), spec.MultiplyAdds(), spec.Cost()
	for i := range nodes {
		v.Activations += int64(nodes[i].Outputs()) + nodes[i].Kept
	}
}

// addSpecs asks about specs on both sides of every rule.
func (v *vectors) addSpecs() {
	for _, l := range v.Layers {
		v.Specs = append(v.Specs, specVector{Name: l.Name, Spec: l.Spec})
	}
	for _, t := range v.Training {
		v.Specs = append(v.Specs, specVector{Name: t.Name, Spec: t.Spec})
	}
	v.addSpecRules()
	v.addShapeRules()
	v.addEncodings()
}

func (v *vectors) askSpec(name string, s *Spec) {
	v.Specs = append(v.Specs, specVector{Name: name, Spec: hex.EncodeToString(s.Marshal())})
}

func (v *vectors) addSpecRules() {
	relu := func(name string, inputs ...string) Layer {
		return Layer{Name: name, Kind: modelspec.KindReLU, Inputs: inputs}
	}
	shapes := func(name string, shape ...uint32) {
		v.askSpec(name, &Spec{InputShape: shape, Layers: layers(relu("a"))})
	}
	shapes("no input shape")
	shapes("a size of 0", 2, 0)
	shapes("four sizes", 2, 2, 2, 2)
	shapes("five sizes", 1, 1, 1, 1, 1)
	shapes("65,536 inputs", 256, 256)
	shapes("65,537 inputs", 65537)
	shapes("sizes whose product wraps around", 1<<31, 1<<31, 4)
	normalization := func(name string, offset int64, divisor uint64) {
		v.askSpec(name, &Spec{InputShape: []uint32{2}, Normalization: &Normalization{OffsetE6: offset, DivisorE6: divisor}, Layers: layers(relu("a"))})
	}
	normalization("smallest normalization", -1e15, 1)
	normalization("largest normalization", 1e15, 1e15)
	normalization("offset too low", -1e15-1, 1)
	normalization("offset too high", 1e15+1, 1)
	normalization("divisor 0", 0, 0)
	normalization("divisor too high", 0, 1e15+1)
	names := func(name string, ls ...Layer) { v.askSpec(name, &Spec{InputShape: []uint32{3}, Layers: ls}) }
	names("no layers")
	names("no name", relu(""))
	names("longest name", relu(strings.Repeat("n", 64)))
	names("name too long", relu(strings.Repeat("n", 65)))
	names("name of every kind of character", relu("Zaz09_-"))
	names("name that starts with a digit", relu("0a"))
	names("name that starts with a dash", relu("-a"))
	names("name with a point", relu("a.b"))
	names("name input", relu("input"))
	names("two equal names", relu("a"), relu("a"))
	names("unknown kind", Layer{Name: "a", Kind: "ReLU"})
	names("a layer that nobody reads", relu("a"), relu("b", "input"))
	names("a layer that reads itself", relu("a", "a"))
	names("a layer that reads a later one", relu("a", "b"), relu("b"))
	names("two inputs for relu", relu("a"), relu("b", "a", "input"))
	names("the layer before, by name", relu("a"), relu("b", "a"))
	deep := func(name string, width uint32, n int) {
		var ls []Layer
		for i := range n {
			ls = append(ls, relu(string([]byte{'a' + byte(i/26), 'a' + byte(i%26)})))
		}
		v.askSpec(name, &Spec{InputShape: []uint32{width}, Layers: ls})
	}
	deep("64 layers of 65,536 values, the most that one row may take", 65536, 64)
	deep("65 layers", 1, 65)
	dropout := Layer{Name: "d", Kind: modelspec.KindDropout, RateE6: 1}
	v.askSpec("more values than one row may take", &Spec{InputShape: []uint32{65536}, Layers: append(manyRelu(62), dropout, relu("last"))})
	dense := func(name string, inputs uint32, units uint64) {
		v.askSpec(name, &Spec{InputShape: []uint32{inputs}, Layers: layers(denseLayer("a", units))})
	}
	dense("dense without units", 2, 0)
	dense("most units", 2, 65536)
	dense("too many units", 2, 65537)
	dense("most parameters", 4095, 4096)
	dense("too many parameters", 4096, 4096)
	names("units for relu", Layer{Name: "a", Kind: modelspec.KindReLU, Units: 3})
	names("dropout of nothing", Layer{Name: "a", Kind: modelspec.KindDropout})
	names("dropout of everything", Layer{Name: "a", Kind: modelspec.KindDropout, RateE6: 1_000_000})
	names("add of one", relu("a"), Layer{Name: "b", Kind: modelspec.KindAdd, Inputs: []string{"a"}})
	names("add without inputs", relu("a"), Layer{Name: "b", Kind: modelspec.KindAdd})
	names("add of three", relu("a"), relu("b"), Layer{Name: "c", Kind: modelspec.KindAdd, Inputs: []string{"a", "b", "input"}})
	names("add of the same twice", relu("a"), Layer{Name: "b", Kind: modelspec.KindAdd, Inputs: []string{"a", "a"}})
	names("add of unlike shapes", denseLayer("a", 2), Layer{Name: "b", Kind: modelspec.KindAdd, Inputs: []string{"a", "input"}})
}

func manyRelu(n int) []Layer {
	ls := make([]Layer, n)
	for i := range ls {
		ls[i] = Layer{Name: "r" + strings.Repeat("x", i), Kind: modelspec.KindReLU}
	}
	return ls
}

func (v *vectors) addShapeRules() {
	one := func(name string, shape []uint32, l Layer) {
		l.Name = "a"
		v.askSpec(name, &Spec{InputShape: shape, Layers: layers(l)})
	}
	conv := func(units, groups uint64) Layer {
		return Layer{Kind: modelspec.KindConv2D, Units: units, Groups: groups}
	}
	one("groups that do not divide the channels", []uint32{3, 4, 4}, window2(conv(4, 2), 2, 1, 0))
	one("groups that do not divide the units", []uint32{4, 4, 4}, window2(conv(3, 2), 2, 1, 0))
	one("convolution without groups", []uint32{4, 4}, window2(conv(2, 0), 2, 1, 0))
	one("convolution without stride", []uint32{4, 4}, window2(conv(2, 1), 2, 0, 0))
	one("padding as large as the kernel", []uint32{4, 4}, window2(conv(1, 1), 2, 1, 2))
	one("kernel as large as the padded image", []uint32{4, 4}, window2(conv(1, 1), 8, 1, 2))
	one("kernel larger than the padded image", []uint32{4, 4}, window2(conv(1, 1), 9, 1, 2))
	one("convolution of features", []uint32{16}, window2(conv(1, 1), 1, 1, 0))
	one("convolution of four sizes", []uint32{1, 1, 4, 4}, window2(conv(1, 1), 1, 1, 0))
	one("stride larger than the image", []uint32{4, 4}, window2(conv(1, 1), 2, 65536, 0))
	one("pool with padding", []uint32{4, 4}, window2(Layer{Kind: modelspec.KindMaxPool}, 2, 2, 1))
	one("pool larger than the image", []uint32{4, 4}, window2(Layer{Kind: modelspec.KindAveragePool}, 5, 1, 0))
	one("global pool of features", []uint32{4}, Layer{Kind: modelspec.KindGlobalAveragePool})
	one("the most work", []uint32{256, 256}, window2(conv(1, 1), 192, 1, 191))
	one("too much work", []uint32{256, 256}, window2(conv(1, 1), 256, 1, 255))
	one("convolution with too many weights", []uint32{4096, 4, 4}, window2(conv(257, 1), 4, 1, 0))
	embedding := Layer{Kind: modelspec.KindEmbedding, Units: 2, Vocabulary: 65536}
	one("most positions of an embedding", []uint32{4096}, embedding)
	one("too many positions of an embedding", []uint32{4097}, embedding)
	one("embedding of two sizes", []uint32{2, 2}, embedding)
	embedding.Vocabulary++
	one("too large a vocabulary", []uint32{2}, embedding)
	one("position of features", []uint32{65536}, Layer{Kind: modelspec.KindPosition})
	one("most positions", []uint32{4096, 2}, Layer{Kind: modelspec.KindPosition})
	one("too many positions", []uint32{4097, 2}, Layer{Kind: modelspec.KindPosition})
	one("position of three sizes", []uint32{2, 2, 2}, Layer{Kind: modelspec.KindPosition})
	attention := func(heads uint64) Layer { return Layer{Kind: modelspec.KindAttention, Heads: heads} }
	one("attention of features", []uint32{4}, attention(1))
	one("attention of three sizes", []uint32{2, 2, 2}, attention(1))
	one("attention without heads", []uint32{2, 4}, attention(0))
	one("heads that do not divide the features", []uint32{2, 4}, attention(3))
	one("attention with too many weights", []uint32{2, 2048}, attention(1))
	one("attention maps with too many values", []uint32{2049, 1}, attention(1))
	one("layer norm without epsilon", []uint32{2}, Layer{Kind: modelspec.KindLayerNorm})
	one("layer norm of the largest epsilon", []uint32{2, 2, 2, 2}, Layer{Kind: modelspec.KindLayerNorm, EpsilonE9: 1e9})
	one("layer norm of too large an epsilon", []uint32{2}, Layer{Kind: modelspec.KindLayerNorm, EpsilonE9: 1e9 + 1})
	batchNorm := func(momentum uint64) Layer {
		return Layer{Kind: modelspec.KindBatchNorm, EpsilonE9: 1, MomentumE6: momentum}
	}
	one("batch norm of the largest momentum", []uint32{2}, batchNorm(1e6))
	one("batch norm of too large a momentum", []uint32{2}, batchNorm(1e6+1))
	one("batch norm without momentum", []uint32{2}, batchNorm(0))
	one("batch norm of a sequence", []uint32{2, 2}, batchNorm(1))
	one("linear of four sizes", []uint32{2, 2, 2, 2}, Layer{Kind: modelspec.KindLinear, Units: 3})
	relu, sml := Layer{Name: "r", Kind: modelspec.KindReLU}, Layer{Name: "s", Kind: modelspec.KindSML}
	embedded := Layer{Name: "e", Kind: modelspec.KindEmbedding, Units: 1, Vocabulary: 2}
	ask := func(name string, ls ...Layer) { v.askSpec(name, &Spec{InputShape: []uint32{2}, Layers: ls}) }
	ask("embedding behind another layer", relu, embedded)
	again := embedded
	again.Name, again.Inputs = "again", []string{"input"}
	ask("two embeddings", embedded, again, Layer{Name: "sum", Kind: modelspec.KindAdd, Inputs: []string{"e", "again"}})
	v.askSpec("embedding with a normalization", &Spec{InputShape: []uint32{2}, Normalization: &Normalization{DivisorE6: 1}, Layers: layers(embedded)})
	ask("mapping alone", sml)
	ask("mapping in the middle", relu, sml)
	ask("mapping read by relu", sml, relu)
	ask("mapping read by dense", sml, denseLayer("d", 1))
	beside := denseLayer("d", 2)
	beside.Inputs = []string{"input"}
	ask("input read beside the mapping", sml, denseLayer("c", 2), beside, Layer{Name: "sum", Kind: modelspec.KindAdd, Inputs: []string{"c", "d"}})
	late := sml
	late.Inputs = []string{"input"}
	ask("mapping of the input that is not the first layer", relu, late, denseLayer("d", 2), Layer{Name: "sum", Kind: modelspec.KindAdd, Inputs: []string{"r", "d"}})
}

// addEncodings asks about other bytes for the same spec.
func (v *vectors) addEncodings() {
	raw := func(name string, b []byte) {
		v.Specs = append(v.Specs, specVector{Name: name, Spec: hex.EncodeToString(b)})
	}
	shape, layer := []byte{0x0a, 1, 2}, []byte{0x1a, 9, 0x0a, 1, 'a', 0x12, 4, 't', 'a', 'n', 'h'}
	raw("no bytes", nil)
	raw("plain bytes", slices.Concat(shape, layer))
	raw("layer before shape", slices.Concat(layer, shape))
	raw("unpacked shape", slices.Concat([]byte{0x08, 2}, layer))
	raw("shape in two pieces", slices.Concat(shape, shape, layer))
	raw("size with a longer varint", slices.Concat([]byte{0x0a, 2, 0x82, 0}, layer))
	raw("length with a longer varint", slices.Concat([]byte{0x0a, 0x81, 0, 2}, layer))
	raw("size beyond 32 bits", slices.Concat([]byte{0x0a, 5, 0x82, 0x80, 0x80, 0x80, 0x10}, layer))
	raw("units 0 written", slices.Concat(shape, []byte{0x1a, 11}, layer[2:], []byte{0x20, 0}))
	raw("unknown field of the spec", slices.Concat(shape, layer, []byte{0x20, 1}))
	raw("unknown field of a layer", slices.Concat(shape, []byte{0x1a, 12}, layer[2:], []byte{0x90, 1, 1}))
	raw("kind before name", slices.Concat(shape, []byte{0x1a, 9}, layer[5:], layer[2:5]))
	raw("name twice", slices.Concat(shape, []byte{0x1a, 12}, layer[2:5], layer[2:]))
	raw("truncated layer", slices.Concat(shape, layer[:10]))
	raw("empty normalization", slices.Concat(shape, []byte{0x12, 0}, layer))
	raw("varint in place of a name", slices.Concat(shape, []byte{0x1a, 8, 0x08, 1}, layer[5:]))
	raw("trailing byte", slices.Concat(shape, layer, []byte{0}))
	attention := &Spec{InputShape: []uint32{2, 2}, Layers: layers(Layer{Name: "a", Kind: modelspec.KindAttention, Heads: 1, Causal: true})}
	b := attention.Marshal()
	raw("causal", b)
	b = slices.Clone(b)
	b[len(b)-1] = 2
	raw("causal 2", b)
}
