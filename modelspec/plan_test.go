package modelspec

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// says reports whether an error is of this package and holds the text; without a text it must be nil.
func says(err error, text string) bool {
	if text == "" {
		return err == nil
	}
	return errors.Is(err, ErrInvalidSpec) && strings.Contains(err.Error(), text)
}

// examples are networks as people build them.
var examples = map[string]*Spec{
	"convnet": {InputShape: []uint32{28, 28}, Normalization: &Normalization{DivisorE6: 255_000_000}, Layers: layers(
		rename(conv(16, 3, 1, 1, 1), "conv1"), Layer{Name: "norm1", Kind: KindBatchNorm, EpsilonE9: 10_000, MomentumE6: 100_000},
		Layer{Name: "act1", Kind: KindReLU}, rename(pool(KindMaxPool, 2, 2), "pool1"),
		rename(conv(16, 3, 1, 1, 16), "depthwise"), rename(conv(32, 1, 1, 0, 1), "pointwise"), Layer{Name: "act2", Kind: KindSiLU},
		Layer{Name: "pool2", Kind: KindGlobalAveragePool}, Layer{Name: "drop", Kind: KindDropout, RateE6: 250_000}, denseLayer("classes", 10))},
	"transformer": {InputShape: []uint32{64}, Layers: layers(
		Layer{Name: "tokens", Kind: KindEmbedding, Units: 32, Vocabulary: 65}, Layer{Name: "places", Kind: KindPosition},
		Layer{Name: "norm1", Kind: KindLayerNorm, EpsilonE9: 10_000}, Layer{Name: "attention", Kind: KindAttention, Heads: 4, Causal: true},
		Layer{Name: "sum1", Kind: KindAdd, Inputs: []string{"places", "attention"}},
		Layer{Name: "norm2", Kind: KindLayerNorm, EpsilonE9: 10_000}, Layer{Name: "wide", Kind: KindLinear, Units: 128},
		Layer{Name: "gelu", Kind: KindGELU}, Layer{Name: "narrow", Kind: KindLinear, Units: 32},
		Layer{Name: "sum2", Kind: KindAdd, Inputs: []string{"sum1", "narrow"}}, Layer{Name: "next", Kind: KindLinear, Units: 65})},
	"mapped": {InputShape: []uint32{8, 8}, Layers: layers(Layer{Name: "map", Kind: KindSML}, denseLayer("hidden", 16),
		Layer{Name: "act", Kind: KindSigmoid}, denseLayer("classes", 10))},
}

func TestSummaryPrintsShapesAndTotals(t *testing.T) {
	for name, want := range map[string]string{
		"convnet": `LAYER      KIND                                              READS      OUTPUT    PARAMETERS
input      -                                                 -          28×28     0
conv1      conv2d (3×3, stride 1×1, padding 1×1)             input      16×28×28  160
norm1      batch_norm                                        conv1      16×28×28  64
act1       relu                                              norm1      16×28×28  0
pool1      max_pool (2×2, stride 2×2)                        act1       16×14×14  0
depthwise  conv2d (3×3, stride 1×1, padding 1×1, groups 16)  pool1      16×14×14  160
pointwise  conv2d (1×1, stride 1×1)                          depthwise  32×14×14  544
act2       silu                                              pointwise  32×14×14  0
pool2      global_average_pool                               act2       32        0
drop       dropout (0.25)                                    pool2      32        0
classes    dense                                             drop       10        330
inputs are used as (x - 0) / 255
1,258 parameters (5,032 bytes), 1,226 trained and 32 running statistics; checkpoint file: 5,936 bytes
memory per row: 518,160 bytes in training, 100,352 in evaluation
241,792 multiply-adds per row: 483,584 FLOP forward, 1,450,752 in training; cost 2,631,744
`,
		"transformer": `LAYER      KIND                         READS              OUTPUT  PARAMETERS
input      -                            -                  64      0
tokens     embedding (vocabulary 65)    input              64×32   2,080
places     position                     tokens             64×32   2,048
norm1      layer_norm                   places             64×32   64
attention  attention (heads 4, causal)  norm1              64×32   4,224
sum1       add                          places, attention  64×32   0
norm2      layer_norm                   sum1               64×32   64
wide       linear                       norm2              64×128  4,224
gelu       gelu                         wide               64×128  0
narrow     linear                       gelu               64×32   4,128
sum2       add                          sum1, narrow       64×32   0
next       linear                       sum2               64×65   2,145
inputs are integers from 0 to 64
18,977 parameters (75,908 bytes); checkpoint file: 77,140 bytes
`,
	} {
		if got := examples[name].Summary(); !strings.HasPrefix(got, want) {
			t.Errorf("%s: expected\n%s\ngot\n%s", name, want, got)
		}
	}
	for _, text := range []string{"8×8", "inputs are used as (x - 8) / 8\n", "hidden-relu", "2,410 parameters (9,640 bytes); checkpoint file: ",
		"memory per row: 848 bytes in training, 384 in evaluation\n", "2,368 multiply-adds per row: 4,736 FLOP forward, 14,208 in training; cost 2,496\n"} {
		if got := digitsSpec().Summary(); !strings.Contains(got, text) {
			t.Errorf("expected %q in\n%s", text, got)
		}
	}
}

func TestDecimalsAreExact(t *testing.T) {
	for _, c := range []struct {
		n    int64
		want string
	}{{0, "0"}, {1, "0.000001"}, {-1_500_000, "-1.5"}, {255_000_000, "255"}, {10_000_001, "10.000001"}, {-1e15, "-1000000000"}} {
		if got := decimal(c.n, 6); got != c.want {
			t.Errorf("%d millionths: expected %s, got %s", c.n, c.want, got)
		}
	}
}

func TestEvaluationKeepsWhatIsReadLater(t *testing.T) {
	for _, c := range []struct {
		name string
		spec *Spec
		want int64
	}{
		{"the input and the first layer", &Spec{InputShape: []uint32{100}, Layers: layers(denseLayer("a", 7), denseLayer("b", 5))}, 100 + 7},
		{"the last two layers", &Spec{InputShape: []uint32{10}, Layers: layers(denseLayer("a", 7), denseLayer("b", 100))}, 7 + 100},
		{"the first layer until the sum", &Spec{InputShape: []uint32{10}, Layers: layers(denseLayer("a", 7), denseLayer("b", 100), denseLayer("c", 7),
			Layer{Name: "x", Kind: KindAdd, Inputs: []string{"a", "c"}})}, 7 + 100 + 7},
		{"the input until the sum", &Spec{InputShape: []uint32{7}, Layers: layers(denseLayer("a", 100), denseLayer("b", 7),
			Layer{Name: "x", Kind: KindAdd, Inputs: []string{"input", "b"}})}, 7 + 100 + 7},
	} {
		if got := c.spec.EvaluationMemory(); got != 4*c.want {
			t.Errorf("%s: expected %d bytes, got %d", c.name, 4*c.want, got)
		}
	}
}

func TestTheSmallestVocabularyCounts(t *testing.T) {
	for _, order := range [][2]uint64{{9, 5}, {5, 9}} {
		s := &Spec{InputShape: []uint32{8}, Layers: layers(Layer{Name: "a", Kind: KindEmbedding, Units: 4, Vocabulary: order[0]},
			Layer{Name: "b", Kind: KindEmbedding, Inputs: []string{"input"}, Units: 4, Vocabulary: order[1]},
			Layer{Name: "x", Kind: KindAdd, Inputs: []string{"a", "b"}})}
		if got := s.Vocabulary(); got != 5 {
			t.Errorf("%v: expected 5, got %d", order, got)
		}
	}
}

// TestFileSizeIsThatOfAFile compares with a stored file of the engine.
func TestFileSizeIsThatOfAFile(t *testing.T) {
	file, err := os.ReadFile("../engine/testdata/digits-initial.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	s := digitsSpec()
	for _, w := range []string{`"hidden.weight"`, `"classes.bias"`} {
		if !bytes.Contains(file, []byte(w)) {
			t.Fatalf("expected a tensor %s in the stored file", w)
		}
	}
	if got := s.FileSize(); got != int64(len(file)) {
		t.Errorf("expected %d bytes, got %d", len(file), got)
	}
}

// withinLimits fails unless an accepted spec keeps every promise that its readers rely on.
func withinLimits(t *testing.T, s *Spec) {
	t.Helper()
	nodes, err := s.Plan()
	if err != nil {
		t.Fatal(err)
	}
	var parameters, buffers, activations, cost int64
	names := map[string]bool{}
	for i := range nodes {
		n := &nodes[i]
		for j, src := range n.Sources {
			want := s.inputShape()
			if src != Input {
				want = nodes[src].Out
			}
			if src >= i || !reflect.DeepEqual(n.In[j], want) {
				t.Errorf("layer %q reads %d as %v, which gives %v", n.Name, src, n.In[j], want)
			}
		}
		if n.MultiplyAdds < 0 || n.Operations < 0 || n.Kept < 0 || n.Outputs() < 1 {
			t.Errorf("layer %q: expected amounts of 0 or above, got %s", n.Name, text(*n))
		}
		for _, w := range n.Tensors {
			if names[w.Name] || w.Size() < 1 {
				t.Errorf("tensor %q of %d values: expected a name of its own", w.Name, w.Size())
			}
			names[w.Name] = true
		}
		parameters, buffers = parameters+n.Parameters(), buffers+n.Buffers()
		activations, cost = activations+int64(n.Outputs())+n.Kept, cost+n.MultiplyAdds+n.Operations
	}
	if parameters+buffers > MaxParameters || activations > MaxActivations || cost > MaxCost {
		t.Errorf("accepted %d parameters, %d buffers, %d activations and a cost of %d", parameters, buffers, activations, cost)
	}
	if s.Parameters() != parameters || s.Buffers() != buffers || s.Cost() != cost || s.MultiplyAdds() > cost {
		t.Errorf("expected totals %d, %d and %d, got %d, %d and %d", parameters, buffers, cost, s.Parameters(), s.Buffers(), s.Cost())
	}
	if labels, classes, err := s.Classification(); err == nil && labels*classes != s.Outputs() {
		t.Errorf("expected %d outputs, got %d labels of %d classes", s.Outputs(), labels, classes)
	}
	header := s.FileSize() - 4*(parameters+buffers)
	if header < 8 || header > 64<<10 || header%8 != 0 {
		t.Errorf("expected a file header of whole words up to 64 KiB, got %d bytes", header)
	}
	if s.EvaluationMemory() > s.TrainingMemory()+4*int64(s.Inputs()) || strings.HasPrefix(s.Summary(), ErrInvalidSpec.Error()) {
		t.Errorf("expected evaluation to need less than training, and a summary; got\n%s", s.Summary())
	}
	if b := s.Marshal(); len(b) > MaxSpecBytes {
		t.Errorf("a valid spec takes %d bytes, more than can be read", len(b))
	} else if back, err := ParseSpec(b); err != nil || !bytes.Equal(back.Marshal(), b) {
		t.Errorf("a valid spec can't be read back: %v", err)
	}
}

func TestExamplesKeepEveryPromise(t *testing.T) {
	for _, s := range examples {
		withinLimits(t, s)
	}
	withinLimits(t, digitsSpec())
}

// randomLayer has a setting for each that its kind needs, mostly small, sometimes of any size.
func randomLayer(r *rand.Rand, i int, names []string) Layer {
	number := func() uint64 {
		switch r.IntN(40) {
		case 0:
			return r.Uint64() >> r.IntN(64)
		case 1:
			return math.MaxUint64
		case 2:
			return 0
		}
		return 1 + uint64(r.IntN(4))
	}
	k := kinds[r.IntN(len(kinds))]
	l := Layer{Name: fmt.Sprintf("l%d", i), Kind: k.name}
	for _, s := range append(append([]setting(nil), k.needs...), k.may...) {
		if err := l.set(s, number()); err != nil {
			l.Causal = true
		}
	}
	if k.sources == 2 || r.IntN(6) == 0 {
		for range k.sources {
			l.Inputs = append(l.Inputs, names[len(names)-1-r.IntN(min(3, len(names)))])
		}
	}
	return l
}

func TestRandomSpecsAreRefusedOrKeepEveryPromise(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	accepted := map[string]int{}
	for range 30_000 {
		s := &Spec{}
		for range 1 + r.IntN(3) {
			s.InputShape = append(s.InputShape, 1+uint32(r.IntN(9)))
		}
		names := []string{InputName}
		for i := range 1 + r.IntN(5) {
			l := randomLayer(r, i, names)
			s.Layers, names = append(s.Layers, l), append(names, l.Name)
		}
		if err := s.Validate(); err != nil {
			if !errors.Is(err, ErrInvalidSpec) {
				t.Fatalf("expected an error of this package, got %v", err)
			}
			continue
		}
		for _, l := range s.Layers {
			accepted[l.Kind]++
		}
		withinLimits(t, s)
	}
	for _, k := range Kinds() {
		if accepted[k] < 20 {
			t.Errorf("kind %s was accepted %d times only; the test does not reach it", k, accepted[k])
		}
	}
}

// TestWindowsAreThoseThatFit counts the windows one by one.
func TestWindowsAreThoseThatFit(t *testing.T) {
	for size := 1; size <= 9; size++ {
		for kernel := uint64(1); kernel <= 11; kernel++ {
			for stride := uint64(1); stride <= 4; stride++ {
				for padding := uint64(0); padding < kernel; padding++ {
					want := 0
					for from := 0; from+int(kernel) <= size+2*int(padding); from += int(stride) {
						want++
					}
					if got := places(size, kernel, stride, padding); got != want {
						t.Fatalf("size %d, kernel %d, stride %d, padding %d: expected %d windows, got %d", size, kernel, stride, padding, want, got)
					}
				}
			}
		}
	}
}

func TestAmountsNeverOverflow(t *testing.T) {
	if got := product(1<<30, 1<<30, 1<<30); got != math.MaxInt64 {
		t.Errorf("expected the largest number, got %d", got)
	}
	if got := product(1<<30, 1<<30, 1<<30, 0); got != 0 {
		t.Errorf("expected 0, got %d", got)
	}
	if got := plus(math.MaxInt64, 1); got != math.MaxInt64 {
		t.Errorf("expected the largest number, got %d", got)
	}
}

// TestHostileSpecsTakeLittleMemory: whoever sends 64 KiB must not make a reader allocate much more.
func TestHostileSpecsTakeLittleMemory(t *testing.T) {
	huge := everySetting()
	for s := range settingCount {
		_ = huge.set(s, math.MaxUint64)
	}
	var manyHuge []Layer
	for i := range MaxLayers {
		l := huge
		l.Name, l.Kind = fmt.Sprintf("l%d", i), Kinds()[i%len(kinds)]
		manyHuge = append(manyHuge, l)
	}
	sizes := make([]uint32, 60_000)
	for i := range sizes {
		sizes[i] = 1
	}
	for name, s := range map[string]*Spec{
		"many sizes":     {InputShape: sizes},
		"many inputs":    {InputShape: []uint32{1}, Layers: layers(Layer{Name: "a", Kind: KindAdd, Inputs: make([]string, 32_000)})},
		"a long name":    {InputShape: []uint32{1}, Layers: layers(Layer{Name: strings.Repeat("a", 60_000), Kind: KindReLU})},
		"huge settings":  {InputShape: []uint32{65536}, Layers: manyHuge},
		"an unfit kind":  {InputShape: []uint32{65536}, Layers: layers(Layer{Name: "a", Kind: strings.Repeat("x", 60_000)})},
		"a huge product": {InputShape: []uint32{256, 256}, Layers: layers(conv(65536, 65536, 1, 65535, 1))},
	} {
		b := s.Marshal()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := ParseSpec(b)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrInvalidSpec) {
			t.Errorf("%s: expected a refusal, got %v", name, err)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
			t.Errorf("%s: %d bytes of spec took %d bytes of memory", name, len(b), got)
		}
	}
}

func FuzzValidate(f *testing.F) {
	f.Add(uint32(8), uint32(8), uint32(3), uint8(2), uint8(14), uint64(4), uint64(3), uint64(1), uint64(1), uint64(2), uint64(9))
	f.Add(uint32(65536), uint32(1), uint32(1), uint8(3), uint8(0), uint64(math.MaxUint64), uint64(math.MaxUint64), uint64(math.MaxUint64),
		uint64(math.MaxUint64), uint64(math.MaxUint64), uint64(math.MaxUint64))
	f.Add(uint32(4096), uint32(16), uint32(0), uint8(13), uint8(12), uint64(65536), uint64(1), uint64(1), uint64(0), uint64(4), uint64(65536))
	f.Fuzz(func(t *testing.T, a, b, c uint32, first, second uint8, units_, kernel, stride, padding, parts, other uint64) {
		s := &Spec{InputShape: []uint32{a}}
		for _, d := range []uint32{b, c} {
			if d != 0 {
				s.InputShape = append(s.InputShape, d)
			}
		}
		for i, k := range []kind{kinds[int(first)%len(kinds)], kinds[int(second)%len(kinds)]} {
			l := Layer{Name: fmt.Sprintf("l%d", i), Kind: k.name}
			for _, set := range append(append([]setting(nil), k.needs...), k.may...) {
				v := map[setting]uint64{units: units_, kernelHeight: kernel, kernelWidth: kernel, strideHeight: stride, strideWidth: stride,
					paddingHeight: padding, paddingWidth: padding, groups: parts, heads: parts, causal: parts & 1}
				value, ok := v[set]
				if !ok {
					value = other
				}
				if err := l.set(set, value); err != nil {
					t.Fatal(err)
				}
			}
			if k.sources == 2 {
				l.Inputs = []string{InputName, "l0"}
			}
			s.Layers = append(s.Layers, l)
		}
		if s.Validate() == nil {
			withinLimits(t, s)
		}
	})
}
