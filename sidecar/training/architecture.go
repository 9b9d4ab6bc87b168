package training

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/modelspec"
)

// Names of ready-made architectures.
const (
	ArchitectureMLP         = "mlp"
	ArchitectureConv        = "conv"
	ArchitectureTransformer = "transformer"
)

// Architecture says which ready-made model to build. A size of 0 means the usual one.
type Architecture struct {
	Name  string
	Width int // units of a hidden layer, channels of the first convolution, features of a position
	Depth int // hidden layers, convolutions, blocks
	// Dropout is the part of the hidden values that training sets to 0 at random, below 1; 0 for none. It helps when there are few rows.
	Dropout float64
}

// Spec builds the model for some examples: it reads their rows as they are, normalises them by their own mean and spread where that makes
// sense, and has their outputs.
func (a Architecture) Spec(e *Examples) (*modelspec.Spec, error) {
	if a.Width < 0 || a.Depth < 0 {
		return nil, fmt.Errorf("expected a width and a depth of at least 1, or 0 for the usual one, got %d and %d", a.Width, a.Depth)
	}
	if a.Depth > modelspec.MaxLayers || a.Width > modelspec.MaxUnits {
		return nil, fmt.Errorf("expected a width of at most %d and a depth of at most %d layers, got %d and %d", modelspec.MaxUnits, modelspec.MaxLayers, a.Width, a.Depth)
	}
	if !(a.Dropout >= 0 && a.Dropout < 1) {
		return nil, fmt.Errorf("expected a dropout of at least 0 and below 1, got %v", a.Dropout)
	}
	b := &builder{spec: &modelspec.Spec{InputShape: e.InputShape}, outputs: uint64(e.Outputs), dropE6: uint64(math.Round(a.Dropout * 1e6))}
	if e.Vocabulary == nil {
		b.spec.Normalization = normalization(e.Training)
	}
	switch {
	case (a.Name == ArchitectureTransformer) != (e.Vocabulary != nil):
		return nil, fmt.Errorf("architecture %q: expected %s for this data: a text needs one label for each position; write a model of your own for anything else", a.Name, suits(e))
	case a.Name == ArchitectureMLP:
		b.mlp(or(a.Width, 128), or(a.Depth, 2))
	case a.Name == ArchitectureConv && len(e.InputShape) != 2 && len(e.InputShape) != 3:
		return nil, fmt.Errorf("architecture %q: expected images of shape [height, width] or [channels, height, width], got %v; give the shape of a row", a.Name, e.InputShape)
	case a.Name == ArchitectureConv:
		b.conv(or(a.Width, 16), or(a.Depth, 2))
	case a.Name == ArchitectureTransformer:
		if err := b.transformer(or(a.Width, 128), or(a.Depth, 2), uint64(len(e.Vocabulary))); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("expected architecture %q, %q or %q, got %q", ArchitectureMLP, ArchitectureConv, ArchitectureTransformer, a.Name)
	}
	return b.spec, b.spec.Validate()
}

// Usual is the architecture that suits examples best as a start.
func Usual(e *Examples) string {
	switch {
	case e.Vocabulary != nil:
		return ArchitectureTransformer
	case len(e.InputShape) > 1 && volume(e.InputShape) > 256:
		return ArchitectureConv
	}
	return ArchitectureMLP
}

func suits(e *Examples) string {
	if e.Vocabulary != nil {
		return ArchitectureTransformer
	}
	return strings.Join([]string{ArchitectureMLP, ArchitectureConv}, " or ")
}

func or(n, usual int) uint64 {
	if n == 0 {
		return uint64(usual)
	}
	return uint64(n)
}

// normalization takes all features to about mean 0 and deviation 1, with numbers of two digits that people can read.
func normalization(d *engine.Data) *modelspec.Normalization {
	var sum, squares float64
	for _, v := range d.X {
		sum += float64(v)
	}
	mean := sum / float64(len(d.X))
	for _, v := range d.X {
		squares += float64((float64(v) - mean) * (float64(v) - mean)) // the conversion keeps processors from fusing both operations
	}
	divisor := twoDigits(math.Sqrt(squares / float64(len(d.X))))
	offset := twoDigits(mean)
	if !(divisor >= 1e-6 && divisor <= modelspec.MaxDivisorE6/1e6 && math.Abs(offset) <= modelspec.MaxOffsetE6/1e6) {
		return nil // constant or enormous: as it is
	}
	return &modelspec.Normalization{OffsetE6: int64(math.Round(offset * 1e6)), DivisorE6: uint64(math.Round(divisor * 1e6))}
}

// twoDigits rounds to two significant digits by way of text, which is exact on every machine.
func twoDigits(x float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'e', 1, 64), 64)
	if err != nil {
		return math.NaN()
	}
	return rounded
}

// builder adds layers to a spec.
type builder struct {
	spec    *modelspec.Spec
	outputs uint64
	dropE6  uint64
}

// drop adds a dropout layer, if there is to be any, and returns the name of the last layer.
func (b *builder) drop(name string) string {
	if b.dropE6 > 0 {
		b.add(modelspec.Layer{Name: name, Kind: modelspec.KindDropout, RateE6: b.dropE6})
	}
	return b.spec.Layers[len(b.spec.Layers)-1].Name
}

func (b *builder) add(l modelspec.Layer) { b.spec.Layers = append(b.spec.Layers, l) }

func (b *builder) mlp(width, depth uint64) {
	for i := range depth {
		b.add(modelspec.Layer{Name: fmt.Sprintf("dense%d", i+1), Kind: modelspec.KindDense, Units: width})
		b.add(modelspec.Layer{Name: fmt.Sprintf("relu%d", i+1), Kind: modelspec.KindReLU})
		b.drop(fmt.Sprintf("dropout%d", i+1))
	}
	b.add(modelspec.Layer{Name: "out", Kind: modelspec.KindDense, Units: b.outputs})
}

// conv halves the image and doubles the channels with every layer, as long as there is something to halve.
func (b *builder) conv(width, depth uint64) {
	shape := b.spec.InputShape[len(b.spec.InputShape)-2:]
	height, breadth := shape[0], shape[1]
	for i := range depth {
		b.add(modelspec.Layer{Name: fmt.Sprintf("conv%d", i+1), Kind: modelspec.KindConv2D, Units: width << i, KernelHeight: 3, KernelWidth: 3,
			StrideHeight: 1, StrideWidth: 1, PaddingHeight: 1, PaddingWidth: 1, Groups: 1})
		b.add(modelspec.Layer{Name: fmt.Sprintf("relu%d", i+1), Kind: modelspec.KindReLU})
		if height >= 2 && breadth >= 2 {
			b.add(modelspec.Layer{Name: fmt.Sprintf("pool%d", i+1), Kind: modelspec.KindMaxPool, KernelHeight: 2, KernelWidth: 2, StrideHeight: 2, StrideWidth: 2})
			height, breadth = height/2, breadth/2
		}
	}
	b.drop("dropout")
	b.add(modelspec.Layer{Name: "out", Kind: modelspec.KindDense, Units: b.outputs})
}

const (
	headFeatures = 32     // features of one attention head
	normEpsilon  = 10_000 // 10^-5
)

// transformer is a decoder with normalisation before attention and before the two linear layers.
func (b *builder) transformer(width, depth, vocabulary uint64) error {
	heads := max(1, width/headFeatures)
	if width%heads != 0 {
		return fmt.Errorf("architecture %q: expected a width that is a multiple of %d, got %d", ArchitectureTransformer, headFeatures, width)
	}
	norm := func(name string, inputs ...string) {
		b.add(modelspec.Layer{Name: name, Kind: modelspec.KindLayerNorm, Inputs: inputs, EpsilonE9: normEpsilon})
	}
	b.add(modelspec.Layer{Name: "embedding", Kind: modelspec.KindEmbedding, Units: width, Vocabulary: vocabulary})
	b.add(modelspec.Layer{Name: "position", Kind: modelspec.KindPosition})
	last := b.drop("dropout")
	for i := range depth {
		name := func(part string) string { return fmt.Sprintf("%s%d", part, i+1) }
		norm(name("norm-a"))
		b.add(modelspec.Layer{Name: name("attention"), Kind: modelspec.KindAttention, Heads: heads, Causal: true})
		b.add(modelspec.Layer{Name: name("add-a"), Kind: modelspec.KindAdd, Inputs: []string{last, b.drop(name("dropout-a"))}})
		norm(name("norm-b"))
		b.add(modelspec.Layer{Name: name("expand"), Kind: modelspec.KindLinear, Units: 4 * width})
		b.add(modelspec.Layer{Name: name("gelu"), Kind: modelspec.KindGELU})
		b.add(modelspec.Layer{Name: name("contract"), Kind: modelspec.KindLinear, Units: width})
		b.add(modelspec.Layer{Name: name("add-b"), Kind: modelspec.KindAdd, Inputs: []string{name("add-a"), b.drop(name("dropout-b"))}})
		last = name("add-b")
	}
	norm("norm")
	b.add(modelspec.Layer{Name: "out", Kind: modelspec.KindLinear, Units: b.outputs})
	return nil
}
