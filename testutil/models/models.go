// Package models holds the networks that benchmarks, digests and comparisons share, and made-up data for them. Every number is drawn
// from a counter, so that it is the same on every machine.
package models

import (
	"fmt"

	"github.com/pold-network/pold/modelspec"
)

// MLP is a perceptron with ReLU between its layers: sizes are the inputs, the hidden layers and the outputs.
func MLP(sizes ...int) *modelspec.Spec {
	s := &modelspec.Spec{InputShape: []uint32{uint32(sizes[0])}}
	for i, units := range sizes[1:] {
		if i > 0 {
			s.Layers = append(s.Layers, modelspec.Layer{Name: fmt.Sprintf("cut%d", i), Kind: modelspec.KindReLU})
		}
		s.Layers = append(s.Layers, modelspec.Layer{Name: fmt.Sprintf("dense%d", i+1), Kind: modelspec.KindDense, Units: uint64(units)})
	}
	return s
}

// ConvNet is two convolutions of 3×3 with pooling and two dense layers on images of one channel and side×side pixels.
func ConvNet(side, filters, hidden, classes int) *modelspec.Spec {
	conv := func(name string, filters int) modelspec.Layer {
		return modelspec.Layer{
			Name: name, Kind: modelspec.KindConv2D, Units: uint64(filters), KernelHeight: 3, KernelWidth: 3,
			StrideHeight: 1, StrideWidth: 1, PaddingHeight: 1, PaddingWidth: 1, Groups: 1,
		}
	}
	pool := func(name string) modelspec.Layer {
		return modelspec.Layer{Name: name, Kind: modelspec.KindMaxPool, KernelHeight: 2, KernelWidth: 2, StrideHeight: 2, StrideWidth: 2}
	}
	relu := func(name string) modelspec.Layer { return modelspec.Layer{Name: name, Kind: modelspec.KindReLU} }
	return &modelspec.Spec{
		InputShape: []uint32{1, uint32(side), uint32(side)},
		Layers: []modelspec.Layer{
			conv("conv1", filters), relu("cut1"), pool("pool1"),
			conv("conv2", 2*filters), relu("cut2"), pool("pool2"),
			{Name: "hidden", Kind: modelspec.KindDense, Units: uint64(hidden)}, relu("cut3"),
			{Name: "classes", Kind: modelspec.KindDense, Units: uint64(classes)},
		},
	}
}

// Transformer is a character model: embedding and learned positions, blocks of causal attention and a GELU perceptron behind layer norms,
// and a linear head that predicts the next character at every position.
func Transformer(vocabulary, positions, features, heads, blocks int) *modelspec.Spec {
	const epsilonE9 = 10_000 // 10^-5, as everywhere
	norm := func(name, input string) modelspec.Layer {
		return modelspec.Layer{Name: name, Kind: modelspec.KindLayerNorm, EpsilonE9: epsilonE9, Inputs: []string{input}}
	}
	linear := func(name string, units int) modelspec.Layer {
		return modelspec.Layer{Name: name, Kind: modelspec.KindLinear, Units: uint64(units)}
	}
	s := &modelspec.Spec{
		InputShape: []uint32{uint32(positions)},
		Layers: []modelspec.Layer{
			{Name: "embedding", Kind: modelspec.KindEmbedding, Vocabulary: uint64(vocabulary), Units: uint64(features)},
			{Name: "position", Kind: modelspec.KindPosition},
		},
	}
	stream := "position"
	for b := 1; b <= blocks; b++ {
		name := func(part string) string { return fmt.Sprintf("block%d_%s", b, part) }
		s.Layers = append(s.Layers,
			norm(name("norm1"), stream),
			modelspec.Layer{Name: name("attention"), Kind: modelspec.KindAttention, Heads: uint64(heads), Causal: true},
			modelspec.Layer{Name: name("add1"), Kind: modelspec.KindAdd, Inputs: []string{stream, name("attention")}},
			norm(name("norm2"), name("add1")),
			linear(name("up"), 4*features),
			modelspec.Layer{Name: name("gelu"), Kind: modelspec.KindGELU},
			linear(name("down"), features),
			modelspec.Layer{Name: name("add2"), Kind: modelspec.KindAdd, Inputs: []string{name("add1"), name("down")}},
		)
		stream = name("add2")
	}
	s.Layers = append(s.Layers, norm("norm", stream), linear("head", vocabulary))
	return s
}
