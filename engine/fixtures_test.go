package engine

import (
	"fmt"
	"testing"

	"github.com/pold-network/pold/engine/internal/isa"
	"github.com/pold-network/pold/modelspec"
)

func layers(ls ...Layer) []Layer { return ls }

func denseLayer(name string, units uint64) Layer {
	return Layer{Name: name, Kind: modelspec.KindDense, Units: units}
}

// digitsSpec is the network that most tests use.
func digitsSpec() *Spec {
	return &Spec{
		InputShape:    []uint32{8, 8},
		Normalization: &Normalization{OffsetE6: 8_000_000, DivisorE6: 8_000_000},
		Layers: layers(denseLayer("hidden", 32), Layer{Name: "hidden-relu", Kind: modelspec.KindReLU},
			Layer{Name: "classes", Kind: modelspec.KindDense, Inputs: []string{"hidden-relu"}, Units: 10}),
	}
}

// network makes a spec. Layers without a name are called after their place: l0, l1, …
func network(shape []uint32, ls ...Layer) *Spec {
	for i := range ls {
		if ls[i].Name == "" {
			ls[i].Name = fmt.Sprintf("l%d", i)
		}
	}
	return &Spec{InputShape: shape, Layers: ls}
}

// plain is a layer without settings.
func plain(kind string) Layer { return Layer{Kind: kind} }

func denseOf(units uint64) Layer { return Layer{Kind: modelspec.KindDense, Units: units} }
func linear(units uint64) Layer  { return Layer{Kind: modelspec.KindLinear, Units: units} }

func embeddingOf(vocabulary, units uint64) Layer {
	return Layer{Kind: modelspec.KindEmbedding, Vocabulary: vocabulary, Units: units}
}

// conv is a convolution with a square kernel, stride 1 and no padding; conv2 sets everything.
func conv(units, kernel uint64) Layer {
	return conv2(units, [2]uint64{kernel, kernel}, [2]uint64{1, 1}, [2]uint64{}, 1)
}

func conv2(units uint64, kernel, stride, padding [2]uint64, groups uint64) Layer {
	return Layer{Kind: modelspec.KindConv2D, Units: units, KernelHeight: kernel[0], KernelWidth: kernel[1], StrideHeight: stride[0],
		StrideWidth: stride[1], PaddingHeight: padding[0], PaddingWidth: padding[1], Groups: groups}
}

func pooling(kind string, kernel, stride [2]uint64) Layer {
	return Layer{Kind: kind, KernelHeight: kernel[0], KernelWidth: kernel[1], StrideHeight: stride[0], StrideWidth: stride[1]}
}

func maxPool2() Layer { return pooling(modelspec.KindMaxPool, [2]uint64{2, 2}, [2]uint64{2, 2}) }

func attend2(heads uint64, causal bool) Layer {
	return Layer{Kind: modelspec.KindAttention, Heads: heads, Causal: causal}
}

func layerNormOf(epsilonE9 uint64) Layer {
	return Layer{Kind: modelspec.KindLayerNorm, EpsilonE9: epsilonE9}
}

func batchNormOf() Layer {
	return Layer{Kind: modelspec.KindBatchNorm, EpsilonE9: 10_000, MomentumE6: 100_000}
}

func dropoutOf(rateE6 uint64) Layer { return Layer{Kind: modelspec.KindDropout, RateE6: rateE6} }

func addOf(a, b string) Layer { return Layer{Kind: modelspec.KindAdd, Inputs: []string{a, b}} }

// reading lets a layer read another one than that before it.
func reading(source string, l Layer) Layer {
	l.Inputs = []string{source}
	return l
}

// named gives a layer a name.
func named(name string, l Layer) Layer {
	l.Name = name
	return l
}

// residualNet has two paths that meet again, and one output that three layers read.
func residualNet() *Spec {
	return network([]uint32{2, 6, 6}, conv(4, 3), batchNormOf(), named("in", plain(modelspec.KindReLU)),
		conv2(4, [2]uint64{3, 3}, [2]uint64{1, 1}, [2]uint64{1, 1}, 1), batchNormOf(), plain(modelspec.KindReLU),
		named("inner", conv2(4, [2]uint64{3, 3}, [2]uint64{1, 1}, [2]uint64{1, 1}, 2)),
		named("short", reading("in", conv(4, 1))), addOf("inner", "short"), named("sum", addOf("in", "l8")),
		plain(modelspec.KindReLU), plain(modelspec.KindGlobalAveragePool), denseOf(3))
}

// transformerNet is a block of a causal language model over 11 characters.
func transformerNet() *Spec {
	return network([]uint32{5}, embeddingOf(11, 8), named("in", plain(modelspec.KindPosition)),
		layerNormOf(10_000), named("attention", attend2(2, true)), named("middle", addOf("in", "attention")),
		layerNormOf(10_000), linear(16), plain(modelspec.KindGELU), named("mixed", linear(8)), addOf("middle", "mixed"),
		dropoutOf(100_000), linear(11))
}

// convNet is a small network for images.
func convNet() *Spec {
	s := network([]uint32{9, 9}, conv2(6, [2]uint64{3, 3}, [2]uint64{1, 1}, [2]uint64{1, 1}, 1), batchNormOf(), plain(modelspec.KindReLU),
		maxPool2(), conv2(8, [2]uint64{3, 3}, [2]uint64{1, 1}, [2]uint64{}, 2), plain(modelspec.KindSiLU),
		dropoutOf(250_000), denseOf(12), batchNormOf(), plain(modelspec.KindTanh), denseOf(4))
	s.Normalization = &Normalization{OffsetE6: 100_000, DivisorE6: 500_000}
	return s
}

// inPlaceNet is made of layers that may overwrite what they read.
func inPlaceNet() *Spec {
	return network([]uint32{3, 4}, denseOf(12), plain(modelspec.KindReLU), plain(modelspec.KindFlatten), dropoutOf(300_000),
		plain(modelspec.KindTanh), plain(modelspec.KindFlatten), plain(modelspec.KindPosition), plain(modelspec.KindGELU),
		dropoutOf(1), plain(modelspec.KindSigmoid), plain(modelspec.KindSoftmax), plain(modelspec.KindSiLU), denseOf(4))
}

// testData returns rows that fit a model and every objective.
func testData(t testing.TB, spec *Spec, rows int) *Data {
	t.Helper()
	nodes, err := spec.Plan()
	if err != nil {
		t.Fatal(err)
	}
	outputs := spec.Outputs()
	d := &Data{Features: spec.Inputs(), Targets: outputs, X: selfTestNumbers("rows", rows*spec.Inputs()), Y: selfTestNumbers("targets", rows*outputs)}
	s := newStream([32]byte{}, "test data", 0)
	if n := spec.Vocabulary(); n > 0 {
		for i := range d.X {
			d.X[i] = float32(s.below(uint32(n)))
		}
	}
	for i, y := range d.Y {
		d.Y[i] = (y + 1) / 2
	}
	classes := classesOf(nodes)
	for range rows * outputs / classes {
		d.Labels = append(d.Labels, s.below(uint32(classes)))
	}
	return d
}

// unsettle gives every bias, scale and running statistic of a new model a value of its own, so that none is lost unnoticed.
func unsettle(m *Model) {
	m.eachTensor(func(_ *modelspec.Node, t *modelspec.Tensor, values []float32) {
		if t.Init == modelspec.GlorotUniform {
			return
		}
		for i, v := range selfTestNumbers(t.Name, len(values)) {
			values[i] += v / 2
		}
	})
}

// onEveryMachine runs f for each instruction set of this processor with 1, 2, 3 and 7 threads. Workers end with the test.
func onEveryMachine(t *testing.T, f func(name string, on *machine)) {
	t.Helper()
	for _, level := range isa.Supported() {
		for _, threads := range []int{1, 2, 3, 7} {
			on := newMachine(level, threads)
			f(fmt.Sprintf("%s, %d threads", level, threads), on)
			on.pool.Close()
		}
	}
}
