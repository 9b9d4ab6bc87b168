package engine

import (
	"encoding/hex"
	"math"

	"github.com/pold-network/pold/modelspec"
)

// window2 gives a layer a window whose kernel, stride and padding are the same down and across.
func window2(l Layer, kernel, stride, padding uint64) Layer {
	l.KernelHeight, l.KernelWidth, l.StrideHeight, l.StrideWidth = kernel, kernel, stride, stride
	l.PaddingHeight, l.PaddingWidth = padding, padding
	return l
}

// addLayers asks about every kind by itself.
func (v *vectors) addLayers() {
	conv := Layer{Kind: modelspec.KindConv2D, Units: 2, Groups: 1}
	grouped := conv
	grouped.Units, grouped.Groups = 4, 2
	depthwise := conv
	depthwise.Units, depthwise.Groups = 3, 3
	uneven := Layer{Kind: modelspec.KindConv2D, Units: 2, Groups: 1, KernelHeight: 3, KernelWidth: 2, StrideHeight: 1, StrideWidth: 2, PaddingHeight: 2, PaddingWidth: 1}
	batchNorm := Layer{Kind: modelspec.KindBatchNorm, EpsilonE9: 10_000, MomentumE6: 100_000}
	layerNorm := Layer{Kind: modelspec.KindLayerNorm, EpsilonE9: 10_000}
	average := Layer{Kind: modelspec.KindAveragePool, KernelHeight: 3, KernelWidth: 2, StrideHeight: 1, StrideWidth: 2}
	attention := func(heads uint64, causal bool) Layer {
		return Layer{Kind: modelspec.KindAttention, Heads: heads, Causal: causal}
	}
	of := func(kind string) Layer { return Layer{Kind: kind} }
	for _, c := range []struct {
		name  string
		shape []uint32
		rows  int
		layer Layer
	}{
		{"dense", []uint32{2, 3}, 3, denseLayer("", 4)},
		{"dense, more rows than lanes", []uint32{2}, 21, denseLayer("", 2)},
		{"linear", []uint32{3, 4}, 2, Layer{Kind: modelspec.KindLinear, Units: 3}},
		{"relu", []uint32{9}, 2, of(modelspec.KindReLU)},
		{"gelu", []uint32{9}, 2, of(modelspec.KindGELU)},
		{"silu", []uint32{9}, 2, of(modelspec.KindSiLU)},
		{"tanh", []uint32{9}, 2, of(modelspec.KindTanh)},
		{"sigmoid", []uint32{9}, 2, of(modelspec.KindSigmoid)},
		{"softmax", []uint32{2, 3}, 2, of(modelspec.KindSoftmax)},
		{"softmax, more values than lanes", []uint32{19}, 2, of(modelspec.KindSoftmax)},
		{"flatten", []uint32{2, 2}, 1, of(modelspec.KindFlatten)},
		{"position of features", []uint32{4}, 3, of(modelspec.KindPosition)},
		{"position of a sequence", []uint32{2, 3}, 18, of(modelspec.KindPosition)},
		{"embedding", []uint32{4}, 5, Layer{Kind: modelspec.KindEmbedding, Units: 3, Vocabulary: 5}},
		{"sml", []uint32{3, 3}, 2, of(modelspec.KindSML)},
		{"dropout", []uint32{7}, 5, Layer{Kind: modelspec.KindDropout, RateE6: 300_000}},
		{"dropout of nearly everything", []uint32{5}, 2, Layer{Kind: modelspec.KindDropout, RateE6: 999_999}},
		{"convolution with padding", []uint32{2, 4, 5}, 2, window2(conv, 3, 1, 1)},
		{"convolution of a grey image with stride", []uint32{5, 6}, 2, window2(conv, 2, 2, 0)},
		{"convolution with stride and padding that leaves a rest", []uint32{1, 6, 6}, 1, window2(conv, 3, 2, 1)},
		{"convolution with uneven sizes", []uint32{2, 3, 5}, 1, uneven},
		{"convolution of single pixels", []uint32{3, 2, 3}, 2, window2(conv, 1, 1, 0)},
		{"convolution in groups", []uint32{4, 3, 3}, 2, window2(grouped, 2, 1, 1)},
		{"depthwise convolution", []uint32{3, 3, 3}, 2, window2(depthwise, 3, 1, 1)},
		{"convolution of more than two runs of images", []uint32{2, 3}, 35, window2(conv, 2, 1, 0)},
		{"max pool", []uint32{2, 4, 6}, 2, window2(of(modelspec.KindMaxPool), 2, 2, 0)},
		{"max pool that leaves a rest", []uint32{5, 5}, 2, window2(of(modelspec.KindMaxPool), 2, 2, 0)},
		{"max pool with overlap", []uint32{6, 5}, 2, window2(of(modelspec.KindMaxPool), 3, 1, 0)},
		{"max pool with gaps", []uint32{6, 6}, 1, window2(of(modelspec.KindMaxPool), 2, 3, 0)},
		{"average pool", []uint32{2, 4, 4}, 1, window2(of(modelspec.KindAveragePool), 2, 2, 0)},
		{"average pool with uneven sizes and overlap", []uint32{5, 5}, 2, average},
		{"global average pool", []uint32{3, 4, 5}, 2, of(modelspec.KindGlobalAveragePool)},
		{"layer norm", []uint32{3, 5}, 2, layerNorm},
		{"layer norm, more values than lanes", []uint32{21}, 3, layerNorm},
		{"batch norm of features", []uint32{4}, 19, batchNorm},
		{"batch norm of an image", []uint32{3, 2, 3}, 4, batchNorm},
		{"batch norm of one row", []uint32{3}, 1, batchNorm},
		{"attention", []uint32{3, 4}, 2, attention(2, false)},
		{"causal attention", []uint32{4, 4}, 2, attention(2, true)},
		{"causal attention, more positions than lanes", []uint32{18, 2}, 1, attention(1, true)},
	} {
		c.layer.Name = "it"
		spec := &Spec{InputShape: c.shape, Layers: layers(c.layer)}
		v.Layers = append(v.Layers, askLayer(c.name, spec, c.rows))
	}
	residual := &Spec{InputShape: []uint32{7}, Layers: layers(Layer{Name: "other", Kind: modelspec.KindReLU},
		Layer{Name: "it", Kind: modelspec.KindAdd, Inputs: []string{"other", "input"}})}
	v.Layers = append(v.Layers, askLayer("add", residual, 2))
	v.addEdges()
	// What one output sees, for all outputs together, is more than a reasonable buffer holds, so an implementation will go piece by piece.
	large := window2(conv, 16, 1, 8)
	large.Name, large.Units = "it", 1
	v.Layers = append(v.Layers, askLayer("convolution of a large kernel", &Spec{InputShape: []uint32{17, 17}, Layers: layers(large)}, 2))
}

// askLayer asks about the last layer of a spec.
func askLayer(name string, spec *Spec, rows int) layerVector {
	nodes, err := spec.Plan()
	if err != nil {
		panic(err) // the spec of a question
	}
	n, q := &nodes[len(nodes)-1], askAbout("layer/"+name)
	l := layerVector{Name: name, Spec: hex.EncodeToString(spec.Marshal()), Rows: rows, X: q.numbers(rows * n.Inputs()), DY: q.numbers(rows * n.Outputs())}
	for i := range n.Tensors {
		t := &n.Tensors[i]
		if t.Suffix == "running_var" {
			l.Tensors = append(l.Tensors, q.between(0.5, 2, t.Size())...)
		} else {
			l.Tensors = append(l.Tensors, q.plain(t.Size())...)
		}
	}
	switch n.Kind {
	case modelspec.KindEmbedding:
		l.X = asNumbers(q.integers(uint32(n.Vocabulary), rows*n.Inputs()))
	case modelspec.KindDropout:
		l.Seed, l.Step = seedB, 3
	case modelspec.KindSML:
		l.Seed = seedB
	case modelspec.KindAdd:
		l.X2 = q.numbers(len(l.X))
	}
	return l
}

// addEdges asks about infinities, NaN, zeros of either sign and ties.
func (v *vectors) addEdges() {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	zero := math.Float32frombits(1 << 31)
	edge := func(name string, layer Layer, shape []uint32, x hexBits) {
		layer.Name = "it"
		l := askLayer(name, &Spec{InputShape: shape, Layers: layers(layer)}, 1)
		l.X = x
		v.Layers = append(v.Layers, l)
	}
	for _, kind := range []string{modelspec.KindReLU, modelspec.KindGELU, modelspec.KindSiLU, modelspec.KindTanh, modelspec.KindSigmoid} {
		edge(kind+" at the edges", Layer{Kind: kind}, []uint32{uint32(len(specials()))}, specials())
	}
	edge("max pool of NaN and zeros, stored", window2(Layer{Kind: modelspec.KindMaxPool}, 2, 2, 0), []uint32{2, 10},
		hexBits{nan, 1, 1, nan, 0, zero, zero, 0, -inf, nan, 2, 3, nan, 0, zero, 0, 0, zero, -inf, -inf})
	edge("max pool of NaN and zeros, added", window2(Layer{Kind: modelspec.KindMaxPool}, 2, 1, 0), []uint32{2, 10},
		hexBits{nan, 1, 1, nan, 0, zero, zero, 0, -inf, nan, 2, 3, nan, 0, zero, 0, 0, zero, -inf, -inf})
	edge("softmax of infinities and NaN", Layer{Kind: modelspec.KindSoftmax}, []uint32{6, 3},
		hexBits{-inf, 1, 2, inf, 1, 2, nan, 1, 2, 1, nan, 2, zero, 0, zero, -200, 100, 0})
	edge("layer norm of equal values", Layer{Kind: modelspec.KindLayerNorm, EpsilonE9: 1}, []uint32{3, 3}, hexBits{0.1, 0.1, 0.1, 0, zero, 0, 1e30, -1e30, 1})
	edge("convolution of an infinity beside padding", window2(Layer{Kind: modelspec.KindConv2D, Units: 1, Groups: 1}, 3, 1, 1), []uint32{2, 3},
		hexBits{inf, 1, 2, zero, 3, -1})
	edge("causal attention with a late infinity", Layer{Kind: modelspec.KindAttention, Heads: 1, Causal: true}, []uint32{3, 2}, hexBits{1, 2, 3, 4, inf, 5})
}

// addLosses asks about every loss by itself.
func (v *vectors) addLosses() {
	q := askAbout("losses")
	for _, c := range []struct{ rows, positions, classes int }{{4, 1, 3}, {2, 3, 4}, {1, 18, 2}, {2, 1, 19}} {
		for _, smoothing := range []float32{0, 0.1} {
			v.Losses = append(v.Losses, rowLossVector{Objective: CrossEntropy, Positions: c.positions, Classes: c.classes, Smoothing: hexBits{smoothing},
				Outputs: q.between(-8, 8, c.rows*c.positions*c.classes), Labels: q.integers(uint32(c.classes), c.rows*c.positions)})
		}
	}
	for _, c := range []struct{ rows, outputs int }{{5, 1}, {4, 3}, {2, 19}} {
		n := c.rows * c.outputs
		v.Losses = append(v.Losses,
			rowLossVector{Objective: MeanSquaredError, Positions: 1, Classes: c.outputs, Smoothing: hexBits{0}, Outputs: q.numbers(n), Targets: q.numbers(n)},
			rowLossVector{Objective: BinaryCrossEntropy, Positions: 1, Classes: c.outputs, Smoothing: hexBits{0}, Outputs: q.between(-20, 20, n), Targets: q.between(0, 1, n)})
	}
	nan, inf, zero := float32(math.NaN()), float32(math.Inf(1)), math.Float32frombits(1<<31)
	v.Losses = append(v.Losses,
		rowLossVector{Objective: CrossEntropy, Positions: 1, Classes: 3, Smoothing: hexBits{0}, Labels: []uint32{0, 1, 2, 0, 1, 2},
			Outputs: hexBits{inf, 0, 1, nan, 0, 1, 0, nan, 1, -inf, 0, 1, 200, -200, 0, zero, 0, zero}},
		rowLossVector{Objective: BinaryCrossEntropy, Positions: 1, Classes: 2, Smoothing: hexBits{0},
			Outputs: hexBits{0, zero, inf, -inf, nan, 1, 200, -200, 1e-40, -1e-40}, Targets: hexBits{0, 1, 1, 1, 0.5, 0.5, 1, 0, 0, 1}})
}
