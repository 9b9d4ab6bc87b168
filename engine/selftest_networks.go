package engine

import (
	"encoding/binary"

	"github.com/pold-network/pold/modelspec"
)

// selfTestNetworks are training steps: every layer and optimiser on top of the kernels.
func selfTestNetworks() []selfTestItem {
	return []selfTestItem{
		{"training steps (sgd)", "26a4cf67fe091252908b3d0246a34b56359cb870f1e56f82ad0ea20c56f91b98", selfTestTraining(Recipe{Optimizer: OptimizerSGD, LearningRate: 0.1, Momentum: 0.9})},
		{"training steps (adam)", "56281961190a07d72a5f29d5136990b91ddd24a586d340b3fc6f809e82952245", selfTestTraining(Recipe{Optimizer: OptimizerAdam, LearningRate: 0.01, Momentum: 0.9, Beta2: 0.999, Epsilon: 1e-8})},
		{"training steps of a conv net", "ff8a9d245930abbe3bf16499f11e751ad78b2f55fbc48906bc7ecf7a9d9a370e", selfTestConvNet},
		{"training steps of a transformer", "adff1ba59ab64730a6e76cbaa52d7e5a004266d3c803eb24b2b661f2d354981f", selfTestTransformer},
	}
}

// selfTestTraining trains a small network for three steps with two objectives.
func selfTestTraining(r Recipe) func(*machine) []byte {
	return func(on *machine) []byte {
		spec := &Spec{
			InputShape:    []uint32{3, 2},
			Normalization: &Normalization{OffsetE6: -250_000, DivisorE6: 750_000},
			Layers: []Layer{
				{Name: "first", Kind: modelspec.KindDense, Units: 9}, {Name: "bend", Kind: modelspec.KindTanh},
				{Name: "second", Kind: modelspec.KindDense, Units: 7}, {Name: "cut", Kind: modelspec.KindReLU},
				{Name: "last", Kind: modelspec.KindDense, Units: 3},
			},
		}
		const rows = 20
		d := &Data{Features: 6, Targets: 3, X: selfTestNumbers("rows", rows*6), Y: selfTestNumbers("targets", rows*3)}
		for i := range rows {
			d.Labels = append(d.Labels, uint32(i%3))
		}
		r.BatchSize = 8
		var b []byte
		for _, o := range []Objective{CrossEntropy, MeanSquaredError} {
			b = append(b, selfTestSteps(on, spec, d, o, r)...)
		}
		return b
	}
}

// selfTestConvNet trains on images: convolutions with padding, stride and groups, batch norm, pooling and dropout.
func selfTestConvNet(on *machine) []byte {
	kernel := func(l Layer, size, stride uint64) Layer {
		l.KernelHeight, l.KernelWidth, l.StrideHeight, l.StrideWidth = size, size, stride, stride
		return l
	}
	const channels = 2
	spec := &Spec{InputShape: []uint32{channels, 9, 9}, Layers: []Layer{
		kernel(Layer{Name: "first", Kind: modelspec.KindConv2D, Units: 6, Groups: 1, PaddingHeight: 1, PaddingWidth: 1}, 3, 1),
		{Name: "norm", Kind: modelspec.KindBatchNorm, EpsilonE9: 10_000, MomentumE6: 100_000},
		{Name: "cut", Kind: modelspec.KindReLU},
		kernel(Layer{Name: "largest", Kind: modelspec.KindMaxPool}, 2, 2),
		{Name: "drop", Kind: modelspec.KindDropout, RateE6: 250_000},
		kernel(Layer{Name: "second", Kind: modelspec.KindConv2D, Units: 4, Groups: 2, PaddingHeight: 1, PaddingWidth: 1}, 3, 2),
		{Name: "gate", Kind: modelspec.KindSiLU},
		kernel(Layer{Name: "mean", Kind: modelspec.KindAveragePool}, 2, 1),
		{Name: "hidden", Kind: modelspec.KindDense, Units: 7},
		{Name: "features", Kind: modelspec.KindBatchNorm, EpsilonE9: 10_000, MomentumE6: 100_000},
		{Name: "squash", Kind: modelspec.KindSigmoid},
		{Name: "last", Kind: modelspec.KindDense, Units: 5},
	}}
	const rows, targets = 23, 5
	d := &Data{Features: channels * 81, Targets: targets, X: selfTestNumbers("images", rows*channels*81), Y: selfTestNumbers("shares", rows*targets)}
	for i, y := range d.Y {
		d.Y[i] = (y + 1) * 0.5
	}
	return selfTestSteps(on, spec, d, BinaryCrossEntropy, Recipe{Optimizer: OptimizerNesterov, LearningRate: 0.1, Momentum: 0.9, WeightDecay: 0.01,
		Schedule: ScheduleStep, StepSize: 2, Gamma: 0.5, BatchSize: 18})
}

// selfTestTransformer trains a block of a language model.
func selfTestTransformer(on *machine) []byte {
	const positions, vocabulary, rows = 9, 13, 6
	spec := &Spec{InputShape: []uint32{positions}, Layers: []Layer{
		{Name: "words", Kind: modelspec.KindEmbedding, Units: 12, Vocabulary: vocabulary},
		{Name: "places", Kind: modelspec.KindPosition},
		{Name: "norm", Kind: modelspec.KindLayerNorm, EpsilonE9: 10_000},
		{Name: "look", Kind: modelspec.KindAttention, Heads: 3, Causal: true},
		{Name: "sum", Kind: modelspec.KindAdd, Inputs: []string{"places", "look"}},
		{Name: "wide", Kind: modelspec.KindLinear, Units: 20},
		{Name: "bend", Kind: modelspec.KindGELU},
		{Name: "narrow", Kind: modelspec.KindLinear, Units: 12},
		{Name: "shares", Kind: modelspec.KindSoftmax},
		{Name: "both", Kind: modelspec.KindAdd, Inputs: []string{"sum", "shares"}},
		{Name: "next", Kind: modelspec.KindLinear, Units: vocabulary},
	}}
	s := newStream([32]byte{}, "self-test/text", 0)
	d := &Data{Features: positions}
	for range rows * positions {
		d.X = append(d.X, float32(s.below(vocabulary)))
		d.Labels = append(d.Labels, s.below(vocabulary))
	}
	return selfTestSteps(on, spec, d, CrossEntropy, Recipe{Optimizer: OptimizerAdamW, LearningRate: 0.01, Momentum: 0.9, Beta2: 0.99, Epsilon: 1e-8,
		WeightDecay: 0.1, ClipNorm: 0.5, LabelSmoothing: 0.1, Schedule: ScheduleCosine, WarmupSteps: 1, BatchSize: 4})
}

// selfTestSteps trains for three steps and returns losses, checkpoint and evaluation.
func selfTestSteps(on *machine, spec *Spec, d *Data, o Objective, r Recipe) []byte {
	r.Steps = 3
	m, err := NewModel(spec, [32]byte{1})
	if err != nil {
		return []byte(err.Error())
	}
	m.machine = on
	var b []byte
	if err := m.Train(d, o, r, func(_ int, loss float32) bool { b = appendBits(b, loss); return true }); err != nil {
		return []byte(err.Error())
	}
	e, err := m.Evaluate(d, o)
	if err != nil {
		return []byte(err.Error())
	}
	b = append(append(b, m.Encode()...), e.Digest[:]...)
	b = binary.LittleEndian.AppendUint64(b, e.LossE9)
	return binary.LittleEndian.AppendUint64(b, e.MetricE9)
}
