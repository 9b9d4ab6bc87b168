package engine

import (
	"fmt"
	"math"
	"testing"

	"github.com/pold-network/pold/modelspec"
)

// keepGradients is a recipe whose gradients can be looked at.
func keepGradients(rows int) Recipe {
	return Recipe{Optimizer: OptimizerSGD, LearningRate: 1, BatchSize: rows, Steps: 1, ClipNorm: math.MaxFloat32, Seed: [32]byte{3}}
}

// checkGradients compares loss, every gradient and running statistics of a batch with the reference.
func checkGradients(t *testing.T, spec *Spec, rows int, o Objective, smoothing float32) {
	t.Helper()
	m := newTestModel(t, spec, 5)
	unsettle(m)
	if m.mapping != nil {
		mapping, err := NewMapping(m.inputs(), [32]byte{1})
		if err != nil {
			t.Fatal(err)
		}
		m.mapping = mapping
	}
	d := testData(t, spec, rows)
	recipe := keepGradients(rows)
	recipe.LabelSmoothing = smoothing
	ref := &reference{m: m.Clone(), training: true, seed: recipe.Seed, step: 1, smoothing: float64(smoothing)}
	params := wide(m.params)
	training, err := NewTraining(m, d, o, recipe)
	if err != nil {
		t.Fatal(err)
	}
	mean, err := training.Loss(d)
	if err != nil {
		t.Fatal(err)
	}
	if want := ref.loss(params, d, o); math.Abs(float64(mean)-want) > 3e-6*(1+want) {
		t.Errorf("loss: expected %v, got %v", want, mean)
	}
	compareBuffers(t, m, ref.buffers)
	slope := func(move func(step float64)) float64 {
		const step = 1e-7
		move(step)
		up := ref.loss(params, d, o)
		move(-2 * step)
		down := ref.loss(params, d, o)
		move(step)
		return (up - down) / (2 * step)
	}
	gradients, at, next := training.pass.tensorGradients(), 0, 0
	m.eachTensor(func(_ *modelspec.Node, tensor *modelspec.Tensor, _ []float32) {
		if tensor.Buffer {
			return
		}
		g, first := gradients[next], at
		next, at = next+1, at+tensor.Size()
		largest := 0.0
		for _, v := range g {
			largest = max(largest, math.Abs(float64(v)))
		}
		for i := 0; i < len(g); i += 1 + len(g)/16 { // all of a small tensor
			want := slope(func(step float64) { params[first+i] += step })
			if got := float64(g[i]); math.Abs(got-want) > 2e-6+2e-5*largest {
				t.Errorf("%s element %d of %d: expected gradient %v, got %v (largest %v)", tensor.Name, i, len(g), want, got, largest)
			}
		}
	})
	// Along a direction in which every parameter moves, none can be missed.
	direction := wide(selfTestNumbers("direction", len(params)))
	want := slope(func(step float64) {
		for i := range params {
			params[i] += step * direction[i]
		}
	})
	got, size := 0.0, 0.0
	for i, g := range training.pass.weights {
		got += float64(g) * direction[i]
		size += math.Abs(float64(g) * direction[i])
	}
	if math.Abs(got-want) > 2e-6+1e-5*size {
		t.Errorf("along a direction: expected slope %v, got %v", want, got)
	}
}

// compareBuffers checks the running statistics of a model.
func compareBuffers(t *testing.T, m *Model, want map[string][]float64) {
	t.Helper()
	m.eachTensor(func(_ *modelspec.Node, tensor *modelspec.Tensor, values []float32) {
		if !tensor.Buffer {
			return
		}
		for i, v := range values {
			if w := want[tensor.Name][i]; math.Abs(float64(v)-w) > 1e-6+2e-6*math.Abs(w) {
				t.Errorf("%s element %d: expected %v, got %v", tensor.Name, i, w, v)
			}
		}
	})
}

// gradientCases are networks in which every kind stands behind and before weights. The first layer's only purpose often is that the
// second has an input gradient to compute.
var gradientCases = []struct {
	name string
	spec *Spec
	rows int
}{
	{"dense", network([]uint32{4}, denseOf(3)), 21},
	{"dense reads an image as one vector", network([]uint32{2, 2, 3}, conv(2, 1), denseOf(3)), 5},
	{"linear over positions", network([]uint32{3, 4}, linear(5), linear(3)), 6},
	{"linear over an image", network([]uint32{2, 3, 4}, linear(5), linear(2), denseOf(3)), 4},
	{"convolution", network([]uint32{2, 5, 6}, conv(3, 1), conv(4, 3), denseOf(3)), 5},
	{"convolution of one channel", network([]uint32{6, 5}, plain(modelspec.KindPosition), conv(4, 3), denseOf(3)), 5},
	{"convolution with stride", network([]uint32{2, 7, 8}, conv(3, 1), conv2(4, [2]uint64{3, 3}, [2]uint64{2, 3}, [2]uint64{}, 1), denseOf(3)), 5},
	{"convolution with padding", network([]uint32{2, 4, 5}, conv(3, 1), conv2(4, [2]uint64{3, 2}, [2]uint64{1, 1}, [2]uint64{2, 1}, 1), denseOf(3)), 5},
	{"convolution with stride, padding and a rest", network([]uint32{2, 8, 7}, conv(4, 1),
		conv2(6, [2]uint64{3, 4}, [2]uint64{3, 2}, [2]uint64{1, 2}, 2), denseOf(3)), 5},
	{"convolution with a stride above the kernel", network([]uint32{1, 7, 9}, conv(3, 1), conv2(2, [2]uint64{2, 1}, [2]uint64{3, 2}, [2]uint64{}, 1), denseOf(3)), 5},
	{"convolution with a kernel as large as the image", network([]uint32{2, 3, 4}, conv(3, 1), conv2(5, [2]uint64{3, 4}, [2]uint64{1, 1}, [2]uint64{}, 1), denseOf(3)), 5},
	{"convolution with a kernel larger than the image", network([]uint32{1, 3, 2}, conv(2, 1), conv2(3, [2]uint64{5, 4}, [2]uint64{1, 1}, [2]uint64{1, 1}, 1), denseOf(3)), 5},
	{"convolution of 1x1 pixels", network([]uint32{3, 3, 3}, conv(4, 1), conv(5, 1), denseOf(3)), 5},
	{"convolution of 1x1 pixels with stride", network([]uint32{3, 5, 4}, conv(4, 1), conv2(5, [2]uint64{1, 1}, [2]uint64{2, 3}, [2]uint64{}, 1), denseOf(3)), 5},
	{"convolution in groups", network([]uint32{2, 4, 4}, conv(6, 1), conv2(9, [2]uint64{3, 3}, [2]uint64{1, 1}, [2]uint64{1, 1}, 3), denseOf(3)), 5},
	{"depthwise convolution", network([]uint32{2, 5, 4}, conv(4, 1), conv2(4, [2]uint64{3, 3}, [2]uint64{1, 1}, [2]uint64{1, 1}, 4), denseOf(3)), 5},
	{"depthwise convolution with two units per channel and stride", network([]uint32{2, 5, 6}, conv(3, 1),
		conv2(6, [2]uint64{3, 3}, [2]uint64{2, 2}, [2]uint64{1, 1}, 3), denseOf(3)), 5},
	{"convolution of more than one partial sum", network([]uint32{1, 3, 3}, conv(2, 1), conv(2, 2), denseOf(3)), 37},
	{"convolution of a large image", network([]uint32{90, 100}, plain(modelspec.KindPosition),
		conv2(2, [2]uint64{3, 3}, [2]uint64{1, 1}, [2]uint64{1, 1}, 1), plain(modelspec.KindGlobalAveragePool), denseOf(2)), 2},
	{"convolution of a large image with stride", network([]uint32{101, 97}, plain(modelspec.KindPosition),
		conv2(2, [2]uint64{5, 5}, [2]uint64{2, 2}, [2]uint64{2, 1}, 1), plain(modelspec.KindTanh), plain(modelspec.KindGlobalAveragePool), denseOf(2)), 2},
	{"max pool of 2x2", network([]uint32{2, 4, 6}, conv(3, 1), maxPool2(), denseOf(3)), 5},
	{"max pool of 2x2 with a rest", network([]uint32{2, 5, 7}, conv(3, 1), maxPool2(), denseOf(3)), 5},
	{"max pool that overlaps", network([]uint32{2, 6, 5}, conv(3, 1), pooling(modelspec.KindMaxPool, [2]uint64{3, 3}, [2]uint64{1, 2}), denseOf(3)), 5},
	{"max pool with gaps", network([]uint32{2, 7, 7}, conv(2, 1), pooling(modelspec.KindMaxPool, [2]uint64{2, 1}, [2]uint64{3, 3}), denseOf(3)), 5},
	{"average pool", network([]uint32{2, 4, 6}, conv(3, 1), pooling(modelspec.KindAveragePool, [2]uint64{2, 2}, [2]uint64{2, 2}), denseOf(3)), 5},
	{"average pool that overlaps, with a rest", network([]uint32{2, 7, 6}, conv(3, 1), pooling(modelspec.KindAveragePool, [2]uint64{3, 2}, [2]uint64{2, 1}), denseOf(3)), 5},
	{"global average pool", network([]uint32{2, 5, 7}, conv(4, 2), plain(modelspec.KindGlobalAveragePool), denseOf(3)), 5},
	{"flatten", network([]uint32{2, 3, 2}, plain(modelspec.KindFlatten), denseOf(4), plain(modelspec.KindFlatten), denseOf(3)), 5},
	{"embedding", network([]uint32{5}, embeddingOf(7, 4), denseOf(3)), 6},
	{"two embeddings of one text", network([]uint32{5}, named("a", embeddingOf(7, 4)), named("b", reading("input", embeddingOf(9, 4))), addOf("a", "b"), linear(3)), 6},
	{"position of features", network([]uint32{5}, plain(modelspec.KindPosition), denseOf(4), plain(modelspec.KindPosition), denseOf(3)), 6},
	{"position of a sequence", network([]uint32{4, 3}, linear(5), plain(modelspec.KindPosition), linear(3)), 6},
	{"layer norm of features", network([]uint32{5}, denseOf(6), layerNormOf(10_000), denseOf(3)), 6},
	{"layer norm of a sequence", network([]uint32{4, 3}, linear(19), layerNormOf(1_000_000), linear(3)), 6},
	{"layer norm of the input", network([]uint32{4, 3}, layerNormOf(10_000), denseOf(3)), 6},
	{"batch norm of features", network([]uint32{5}, denseOf(19), batchNormOf(), denseOf(3)), 37},
	{"batch norm of the input", network([]uint32{5}, batchNormOf(), denseOf(3)), 7},
	{"batch norm of images", network([]uint32{2, 4, 5}, conv(3, 2), batchNormOf(), denseOf(3)), 7},
	{"batch norm of images of one pixel", network([]uint32{2, 2, 2}, conv(3, 2), batchNormOf(), denseOf(3)), 7},
	{"dropout", network([]uint32{6}, denseOf(9), dropoutOf(400_000), denseOf(3)), 6},
	{"dropout of the input", network([]uint32{6}, dropoutOf(200_000), denseOf(3)), 6},
	{"two dropouts", network([]uint32{6}, denseOf(9), dropoutOf(400_000), dropoutOf(400_000), denseOf(3)), 6},
	{"add", network([]uint32{4}, named("a", denseOf(5)), named("b", reading("input", denseOf(5))), addOf("a", "b"), denseOf(3)), 6},
	{"add of an output that others read as well", network([]uint32{4}, named("a", denseOf(5)), named("b", plain(modelspec.KindTanh)),
		named("c", addOf("a", "b")), named("d", addOf("c", "a")), named("e", addOf("b", "d")), denseOf(3)), 6},
	{"add to the input", network([]uint32{4}, named("a", denseOf(4)), addOf("input", "a"), addOf("l1", "input"), denseOf(3)), 6},
	{"add of a value and its flat view", network([]uint32{4}, named("a", denseOf(5)), named("b", plain(modelspec.KindFlatten)), addOf("b", "a"), denseOf(3)), 6},
	{"attention", network([]uint32{5, 4}, linear(6), attend2(2, false), linear(3)), 5},
	{"attention with a causal mask", network([]uint32{5, 4}, linear(6), attend2(3, true), linear(3)), 5},
	{"attention with one head of one position", network([]uint32{1, 4}, linear(6), attend2(1, true), linear(3)), 5},
	{"attention over the input", network([]uint32{17, 4}, attend2(4, false), linear(3)), 3},
	{"relu", network([]uint32{4}, denseOf(9), plain(modelspec.KindReLU), denseOf(3)), 21},
	{"relu before any weights", network([]uint32{4}, plain(modelspec.KindReLU), denseOf(3)), 9},
	{"gelu", network([]uint32{4}, denseOf(9), plain(modelspec.KindGELU), denseOf(3)), 9},
	{"silu", network([]uint32{4}, denseOf(9), plain(modelspec.KindSiLU), denseOf(3)), 9},
	{"tanh", network([]uint32{4}, denseOf(9), plain(modelspec.KindTanh), denseOf(3)), 9},
	{"sigmoid", network([]uint32{4}, denseOf(9), plain(modelspec.KindSigmoid), denseOf(3)), 9},
	{"softmax of features", network([]uint32{4}, denseOf(9), plain(modelspec.KindSoftmax), denseOf(3)), 9},
	{"softmax of a sequence", network([]uint32{4, 3}, linear(5), plain(modelspec.KindSoftmax), linear(3)), 9},
	{"secure mapping", network([]uint32{2, 3}, plain(modelspec.KindSML), denseOf(4), plain(modelspec.KindTanh), denseOf(3)), 6},
	{"tanh as output", network([]uint32{4}, denseOf(3), plain(modelspec.KindTanh)), 6},
	{"gelu as output", network([]uint32{4}, denseOf(3), plain(modelspec.KindGELU)), 6},
	{"an add as output", network([]uint32{4}, named("a", denseOf(3)), named("b", plain(modelspec.KindReLU)), addOf("a", "b")), 6},
	{"a residual block", residualNet(), 5},
	{"a transformer block", transformerNet(), 4},
	{"a conv net", convNet(), 5},
	{"layers in place", inPlaceNet(), 6},
}

func TestGradientsMatchFiniteDifferences(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range gradientCases {
		for _, l := range c.spec.Layers {
			seen[l.Kind] = true
		}
		t.Run(c.name, func(t *testing.T) {
			checkGradients(t, c.spec, c.rows, CrossEntropy, 0)
			checkGradients(t, c.spec, c.rows, MeanSquaredError, 0)
		})
	}
	for _, kind := range modelspec.Kinds() {
		if !seen[kind] {
			t.Errorf("no gradient of kind %q is tested", kind)
		}
	}
}

func TestGradientsOfEveryLoss(t *testing.T) {
	for _, c := range []struct {
		name string
		spec *Spec
	}{
		{"one class per row", network([]uint32{4}, denseOf(5))},
		{"two classes", network([]uint32{4}, denseOf(2))},
		{"a class for each position", network([]uint32{6, 4}, linear(5))},
		{"many classes", network([]uint32{3}, denseOf(67))},
	} {
		for _, loss := range []struct {
			objective Objective
			smoothing float32
		}{{CrossEntropy, 0}, {CrossEntropy, 0.1}, {CrossEntropy, 0.9}, {MeanSquaredError, 0}, {BinaryCrossEntropy, 0}} {
			t.Run(fmt.Sprintf("%s, %v, smoothing %v", c.name, loss.objective, loss.smoothing), func(t *testing.T) {
				checkGradients(t, c.spec, 7, loss.objective, loss.smoothing)
			})
		}
	}
}

// TestOutputsMatchTheReference compares evaluation: running statistics, no dropout.
func TestOutputsMatchTheReference(t *testing.T) {
	for _, c := range gradientCases {
		m := newTestModel(t, c.spec, 6)
		unsettle(m)
		d := testData(t, c.spec, c.rows)
		got, err := m.Forward(d.X, c.rows)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		ref := &reference{m: m}
		for i, want := range ref.forward(wide(m.params), d) {
			if math.Abs(float64(got[i])-want) > 5e-6*(1+math.Abs(want)) {
				t.Errorf("%s: output %d: expected %v, got %v", c.name, i, want, got[i])
				break
			}
		}
		for _, o := range Objectives() {
			e, err := m.Evaluate(d, o)
			if err != nil {
				t.Errorf("%s, %v: %v", c.name, o, err)
			} else if want := ref.loss(wide(m.params), d, o); math.Abs(float64(e.LossE9)/1e9-want) > 5e-6*(1+want) {
				t.Errorf("%s, %v: expected a loss of %v, got %v", c.name, o, want, float64(e.LossE9)/1e9)
			}
		}
	}
}

// TestBatchNormOfASingleRow follows a batch of one row, whose variance has no unbiased form.
func TestBatchNormOfASingleRow(t *testing.T) {
	spec := network([]uint32{3}, denseOf(4), batchNormOf(), denseOf(3))
	checkGradients(t, spec, 1, CrossEntropy, 0)
	checkGradients(t, network([]uint32{2, 2, 2}, conv(2, 2), batchNormOf(), denseOf(3)), 1, MeanSquaredError, 0)
}
