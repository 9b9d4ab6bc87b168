package torch

import (
	"testing"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/modelspec"
	"github.com/pold-network/pold/testutil/models"
)

// comparison is a model, rows for it and how they are judged.
type comparison struct {
	name       string
	spec       *engine.Spec
	rows       int
	vocabulary int // inputs are integers below it
	objective  engine.Objective
	smoothing  float32
	limit      float64 // 0: tolerance
	onlyOutput bool    // PyTorch draws other random numbers in training
	vanishing  string  // a tensor whose gradient is 0 but for rounding: a bias that a batch norm takes away again
}

func dense(name string, units uint64) modelspec.Layer {
	return modelspec.Layer{Name: name, Kind: modelspec.KindDense, Units: units}
}

func conv(name string, units, kernelHeight, kernelWidth, stride, padding, groups uint64) modelspec.Layer {
	return modelspec.Layer{
		Name: name, Kind: modelspec.KindConv2D, Units: units, KernelHeight: kernelHeight, KernelWidth: kernelWidth,
		StrideHeight: stride, StrideWidth: stride, PaddingHeight: padding, PaddingWidth: padding, Groups: groups,
	}
}

func pool(kind string, size, stride uint64) modelspec.Layer {
	return modelspec.Layer{Name: "pool", Kind: kind, KernelHeight: size, KernelWidth: size, StrideHeight: stride, StrideWidth: stride}
}

func plain(kind string) modelspec.Layer { return modelspec.Layer{Name: "f_" + kind, Kind: kind} }

func spec(shape []uint32, layers ...modelspec.Layer) *engine.Spec {
	return &engine.Spec{InputShape: shape, Layers: layers}
}

// Every kind stands behind a layer with weights, so that its gradient is part of what is compared, and in front of one.
func comparisons() []comparison {
	vector, image, sequence := []uint32{23}, []uint32{3, 11, 13}, []uint32{9, 12}
	norm := modelspec.Layer{Name: "norm", Kind: modelspec.KindLayerNorm, EpsilonE9: 10_000}
	batchNorm := modelspec.Layer{Name: "norm", Kind: modelspec.KindBatchNorm, EpsilonE9: 10_000, MomentumE6: 100_000}
	linear := func(name string, units uint64) modelspec.Layer {
		return modelspec.Layer{Name: name, Kind: modelspec.KindLinear, Units: units}
	}
	attention := modelspec.Layer{Name: "attention", Kind: modelspec.KindAttention, Heads: 3, Causal: true}
	open := attention
	open.Causal = false
	list := []comparison{
		{name: "dense with 5000 inputs", spec: spec([]uint32{5000}, dense("a", 7)), rows: 5, limit: longTolerance},
		{name: "normalised inputs", spec: &engine.Spec{InputShape: vector, Normalization: &engine.Normalization{OffsetE6: 250_000, DivisorE6: 1_700_000}, Layers: []modelspec.Layer{dense("a", 5)}}, rows: 6},
		{name: "linear on vectors", spec: spec(sequence, linear("a", 8), plain(modelspec.KindTanh), linear("b", 5)), rows: 4},
		{name: "convolution", spec: spec(image, conv("a", 5, 3, 3, 1, 1, 1), plain(modelspec.KindReLU), dense("b", 4)), rows: 6},
		{name: "convolution with stride, uneven kernel and no padding", spec: spec(image, conv("a", 5, 2, 5, 2, 0, 1), conv("b", 4, 3, 2, 1, 1, 1), dense("c", 4)), rows: 6},
		{name: "convolution in groups", spec: spec(image, conv("a", 6, 3, 3, 1, 1, 3), conv("b", 4, 3, 3, 2, 1, 2), dense("c", 4)), rows: 6},
		{name: "depthwise convolution", spec: spec(image, conv("a", 3, 3, 3, 1, 1, 3), conv("b", 6, 3, 3, 1, 1, 3), dense("c", 4)), rows: 6},
		{name: "convolution whose weight gradient sums 9152 products", spec: spec(image, conv("a", 5, 3, 3, 1, 1, 1), plain(modelspec.KindTanh), dense("b", 4)), rows: 64, limit: longTolerance},
		{name: "convolution of an image without channels", spec: spec([]uint32{8, 8}, conv("a", 4, 3, 3, 1, 1, 1), dense("b", 4)), rows: 5},
		{name: "maxima of 2×2", spec: spec(image, conv("a", 4, 3, 3, 1, 1, 1), pool(modelspec.KindMaxPool, 2, 2), dense("b", 4)), rows: 6},
		{name: "overlapping maxima of 3×3", spec: spec(image, conv("a", 4, 3, 3, 1, 1, 1), pool(modelspec.KindMaxPool, 3, 2), dense("b", 4)), rows: 6},
		{name: "averages of 2×2", spec: spec(image, conv("a", 4, 3, 3, 1, 1, 1), pool(modelspec.KindAveragePool, 2, 2), dense("b", 4)), rows: 6},
		{name: "overlapping averages of 3×3", spec: spec(image, conv("a", 4, 3, 3, 1, 1, 1), pool(modelspec.KindAveragePool, 3, 1), dense("b", 4)), rows: 6},
		{name: "global average", spec: spec(image, conv("a", 6, 3, 3, 1, 1, 1), plain(modelspec.KindGlobalAveragePool), dense("b", 4)), rows: 6},
		{name: "flatten", spec: spec(image, conv("a", 2, 3, 3, 1, 1, 1), plain(modelspec.KindFlatten), dense("b", 4)), rows: 6},
		{name: "embedding and position", spec: spec([]uint32{9}, modelspec.Layer{Name: "a", Kind: modelspec.KindEmbedding, Vocabulary: 17, Units: 8}, modelspec.Layer{Name: "b", Kind: modelspec.KindPosition}, linear("c", 5)), rows: 6, vocabulary: 17},
		{name: "layer norm of vectors", spec: spec(sequence, linear("a", 10), norm, linear("b", 5)), rows: 6},
		{name: "batch norm of features", spec: spec(vector, dense("a", 10), batchNorm, plain(modelspec.KindReLU), dense("b", 4)), rows: 16, vanishing: "a.bias"},
		{name: "batch norm of channels", spec: spec(image, conv("a", 4, 3, 3, 1, 1, 1), batchNorm, plain(modelspec.KindReLU), dense("b", 4)), rows: 6, vanishing: "a.bias"},
		{name: "dropout", spec: spec(vector, dense("a", 10), modelspec.Layer{Name: "d", Kind: modelspec.KindDropout, RateE6: 400_000}, dense("b", 4)), rows: 6, onlyOutput: true},
		{name: "sum of two layers", spec: spec(vector, dense("a", 10), plain(modelspec.KindTanh), modelspec.Layer{Name: "s", Kind: modelspec.KindAdd, Inputs: []string{"a", "f_tanh"}}, dense("b", 4)), rows: 6},
		{name: "causal attention", spec: spec(sequence, linear("a", 12), attention, linear("b", 5)), rows: 4},
		{name: "attention to all positions", spec: spec(sequence, linear("a", 12), open, linear("b", 5)), rows: 4},
		{name: "transformer", spec: models.Transformer(17, 9, 12, 3, 2), rows: 4, vocabulary: 17},
		{name: "label smoothing", spec: spec(vector, dense("a", 10)), rows: 12, smoothing: 0.1},
		{name: "mean squared error", spec: spec(vector, dense("a", 8), plain(modelspec.KindTanh), dense("b", 5)), rows: 12, objective: engine.MeanSquaredError},
		{name: "binary cross-entropy", spec: spec(vector, dense("a", 8), plain(modelspec.KindTanh), dense("b", 5)), rows: 12, objective: engine.BinaryCrossEntropy},
		{name: "softmax inside", spec: spec(sequence, linear("a", 7), plain(modelspec.KindSoftmax), linear("b", 5)), rows: 6},
	}
	for _, kind := range []string{modelspec.KindReLU, modelspec.KindGELU, modelspec.KindSiLU, modelspec.KindTanh, modelspec.KindSigmoid} {
		list = append(list, comparison{name: kind, spec: spec(vector, dense("a", 40), plain(kind), dense("b", 4)), rows: 16})
	}
	return list
}

// data makes rows for the model and targets for its objective.
func (c comparison) data(t *testing.T) (*engine.Data, engine.Objective) {
	t.Helper()
	features, outputs := c.spec.Inputs(), c.spec.Outputs()
	d := &engine.Data{Features: features, X: models.Numbers(c.rows*features, 1)}
	if c.vocabulary > 0 {
		d.X = models.Floats(models.Integers(c.rows*features, c.vocabulary, 1))
	}
	switch c.objective {
	case engine.MeanSquaredError:
		d.Targets, d.Y = outputs, models.Numbers(c.rows*outputs, 2)
	case engine.BinaryCrossEntropy:
		d.Targets, d.Y = outputs, models.Floats(models.Integers(c.rows*outputs, 2, 2))
	default:
		labels, classes, err := c.spec.Classification()
		if err != nil {
			t.Fatal(err)
		}
		d.Labels = models.Integers(c.rows*labels, classes, 2)
		return d, engine.CrossEntropy
	}
	return d, c.objective
}

var lossNames = map[engine.Objective]string{
	engine.CrossEntropy: "cross-entropy", engine.MeanSquaredError: "squared", engine.BinaryCrossEntropy: "binary",
}

// request is what network.py needs to build the same model and judge the same rows.
func request(m *engine.Model, d *engine.Data, o engine.Objective, smoothing float32) map[string]any {
	return map[string]any{
		"spec": m.Spec(), "file": m.Encode(), "rows": d.Rows(), "x": floats(d.X), "loss": lossNames[o], "smoothing": smoothing,
		"labels": d.Labels, "targets": floats(d.Y),
	}
}

// model makes a model whose biases and norms are not the first ones either, so that every tensor matters.
func (c comparison) model(t *testing.T) *engine.Model {
	t.Helper()
	m, err := engine.NewModel(c.spec, [32]byte{4})
	if err != nil {
		t.Fatal(err)
	}
	list, err := engine.DecodeSafetensors(m.Encode())
	if err != nil {
		t.Fatal(err)
	}
	for i, tensor := range list {
		values, err := tensor.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		for j, v := range models.Numbers(len(values), uint64(10+i)) {
			if v *= 0.1; v < 0 && tensor.Name == "norm.running_var" {
				v = -v
			}
			values[j] += v
		}
		list[i] = engine.NewTensor(tensor.Name, tensor.Shape, values)
	}
	file, err := engine.EncodeSafetensors(list)
	if err != nil {
		t.Fatal(err)
	}
	m, err = engine.DecodeModel(c.spec, file)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestOutputsLossesAndGradientsAreThoseOfPyTorch(t *testing.T) {
	for _, c := range comparisons() {
		t.Run(c.name, func(t *testing.T) {
			m := c.model(t)
			d, objective := c.data(t)
			var want struct {
				Outputs floats
				Loss    float32
				Tensors map[string]floats
			}
			call(t, "gradients", request(m, d, objective, c.smoothing), &want)
			limit := c.limit
			if limit == 0 {
				limit = tolerance
			}
			outputs, err := m.Forward(d.X, c.rows)
			if err != nil {
				t.Fatal(err)
			}
			expectClose(t, "outputs", outputs, want.Outputs, limit)
			if c.onlyOutput {
				return
			}
			loss, got := gradients(t, m, d, objective, c.smoothing)
			expectClose(t, "loss", []float32{loss}, []float32{want.Loss}, limit)
			if len(got) != len(want.Tensors) {
				t.Errorf("expected %d tensors, got %d", len(want.Tensors), len(got))
			}
			for name, w := range want.Tensors {
				if name == c.vanishing {
					expectVanishing(t, "gradient of "+name, got[name], limit, got)
					continue
				}
				expectClose(t, "gradient of "+name, got[name], w, limit)
			}
		})
	}
}

// gradients of the mean loss of all rows, read off one step of plain gradient descent: with the largest rate that a recipe may have,
// the old weights are lost in the rounding of the new ones, and what remains is the gradient to 7 digits of its largest value. Buffers
// (running statistics) stand for themselves, as they are after the step.
func gradients(t *testing.T, m *engine.Model, d *engine.Data, o engine.Objective, smoothing float32) (float32, map[string]floats) {
	t.Helper()
	const rate = engine.MaxLearningRate
	recipe := engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: rate, BatchSize: d.Rows(), Steps: 1, LabelSmoothing: smoothing}
	before, nodes := tensors(t, m), plan(t, m)
	var loss float32
	if err := m.Train(d, o, recipe, func(_ int, l float32) bool { loss = l; return true }); err != nil {
		t.Fatal(err)
	}
	found := tensors(t, m)
	for _, n := range nodes {
		for _, tensor := range n.Tensors {
			if tensor.Buffer {
				continue
			}
			name := n.Name + "." + tensor.Suffix
			for i, after := range found[name] {
				found[name][i] = float32((float64(before[name][i]) - float64(after)) / rate)
			}
		}
	}
	return loss, found
}

func plan(t *testing.T, m *engine.Model) []modelspec.Node {
	t.Helper()
	nodes, err := m.Spec().Plan()
	if err != nil {
		t.Fatal(err)
	}
	return nodes
}

func TestEveryKindIsCompared(t *testing.T) {
	compared := map[string]bool{modelspec.KindSML: true} // TestAMappedModelIsThePlainOneOnMappedInputs
	for _, c := range comparisons() {
		for _, l := range c.spec.Layers {
			compared[l.Kind] = true
		}
	}
	for _, kind := range modelspec.Kinds() {
		if !compared[kind] {
			t.Errorf("expected a comparison of kind %q, there is none", kind)
		}
	}
}
