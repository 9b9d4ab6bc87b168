package engine

import (
	"encoding/hex"

	"github.com/pold-network/pold/modelspec"
)

// addUpdates asks about schedules and optimisers by themselves.
func (v *vectors) addUpdates() {
	base := recipeVector{Optimizer: OptimizerSGD, Rates: hexBits{0.1, 0, 0, 0}, BatchSize: 1, Seed: seedB}
	schedule := func(name string, steps, warmup, stepSize int, gamma float32) {
		r := base
		r.Schedule, r.Steps, r.WarmupSteps, r.StepSize, r.More = name, steps, warmup, stepSize, hexBits{0, 0, 0, gamma}
		v.Schedules = append(v.Schedules, scheduleVector{Recipe: r})
	}
	schedule("", 3, 0, 0, 0)
	schedule(ScheduleConstant, 12, 7, 0, 0)
	schedule(ScheduleStep, 40, 3, 2, 0.7)
	schedule(ScheduleStep, 300, 0, 1, 0.95)
	schedule(ScheduleCosine, 150, 0, 0, 0)
	schedule(ScheduleCosine, 60, 11, 0, 0)
	schedule(ScheduleCosine, 5, 5, 0, 0)
	for _, c := range []struct {
		optimizer string
		rates     hexBits
		more      hexBits
	}{
		{OptimizerSGD, hexBits{0.1, 0, 0, 0}, nil},
		{OptimizerSGD, hexBits{0.1, 0.9, 0, 0}, nil},
		{OptimizerSGD, hexBits{0.1, 0.9, 0, 0}, hexBits{0.01, 0.5, 0, 0}},
		{OptimizerSGD, hexBits{0.1, 0, 0, 0}, hexBits{0.01, 100, 0, 0}},
		{OptimizerNesterov, hexBits{0.1, 0.9, 0, 0}, nil},
		{OptimizerNesterov, hexBits{0.1, 0.9, 0, 0}, hexBits{0.01, 1, 0, 0}},
		{OptimizerAdam, hexBits{0.01, 0.9, 0.999, 1e-8}, nil},
		{OptimizerAdam, hexBits{0.01, 0.9, 0.999, 1e-8}, hexBits{0.1, 0.5, 0, 0}},
		{OptimizerAdamW, hexBits{0.01, 0.9, 0.999, 1e-8}, hexBits{0.1, 0, 0, 0}},
		{OptimizerAdamW, hexBits{0.01, 0.9, 0.95, 1e-6}, hexBits{0.1, 0.5, 0, 0}},
	} {
		q := askAbout("updates")
		r := base
		r.Optimizer, r.Rates, r.More, r.Steps = c.optimizer, c.rates, c.more, 4
		u := updateVector{Recipe: r, Sizes: []int{19, 3, 1}, Weights: q.plain(23)}
		for range 4 {
			u.Gradients = append(u.Gradients, q.numbers(23))
		}
		v.Updates = append(v.Updates, u)
	}
	sml := &Spec{InputShape: []uint32{2, 3}, Layers: layers(Layer{Name: "map", Kind: modelspec.KindSML}, denseLayer("a", 3),
		Layer{Name: "b", Kind: modelspec.KindDense, Units: 3, Inputs: []string{"map"}}, Layer{Name: "sum", Kind: modelspec.KindAdd, Inputs: []string{"a", "b"}})}
	v.Mapping = append(v.Mapping, mappingVector{Spec: hex.EncodeToString(sml.Marshal()), ModelSeed: seedA, Mapping: seedA, Second: seedB,
		X: askAbout("mapping").plain(6)})
}

// vectorNetwork names the layers that have no name after their place.
func vectorNetwork(shape []uint32, ls ...Layer) *Spec {
	for i := range ls {
		if ls[i].Name == "" {
			ls[i].Name = string(rune('a' + i))
		}
	}
	return &Spec{InputShape: shape, Layers: ls}
}

// addTrainings asks about whole trainings of networks in which most kinds meet.
func (v *vectors) addTrainings() {
	of := func(kind string) Layer { return Layer{Kind: kind} }
	named := func(name string, l Layer) Layer { l.Name = name; return l }
	add := func(a, b string) Layer { return Layer{Kind: modelspec.KindAdd, Inputs: []string{a, b}} }
	linear := func(units uint64) Layer { return Layer{Kind: modelspec.KindLinear, Units: units} }
	batchNorm := Layer{Kind: modelspec.KindBatchNorm, EpsilonE9: 10_000, MomentumE6: 100_000}
	layerNorm := Layer{Kind: modelspec.KindLayerNorm, EpsilonE9: 10_000}
	dropout := Layer{Kind: modelspec.KindDropout, RateE6: 250_000}
	conv := func(units, kernel, stride, padding, groups uint64) Layer {
		return window2(Layer{Kind: modelspec.KindConv2D, Units: units, Groups: groups}, kernel, stride, padding)
	}

	convolutional := vectorNetwork([]uint32{7, 7}, conv(3, 3, 1, 1, 1), batchNorm, of(modelspec.KindReLU), window2(of(modelspec.KindMaxPool), 2, 2, 0),
		conv(6, 3, 1, 1, 3), of(modelspec.KindSiLU), dropout, denseLayer("", 6), batchNorm, of(modelspec.KindTanh), denseLayer("", 3))
	convolutional.Normalization = &Normalization{OffsetE6: -100_000, DivisorE6: 1_500_000}
	v.train("conv net, cross-entropy, sgd, momentum, weight decay, cosine", convolutional, CrossEntropy, 24,
		recipeVector{Optimizer: OptimizerSGD, Rates: hexBits{0.1, 0.9, 0, 0}, BatchSize: 18, Steps: 4, More: hexBits{0.001, 0, 0, 0}, Schedule: ScheduleCosine, WarmupSteps: 1})

	pooling := vectorNetwork([]uint32{2, 7, 6}, conv(4, 2, 2, 1, 2), of(modelspec.KindGELU), window2(of(modelspec.KindAveragePool), 2, 1, 0),
		window2(of(modelspec.KindMaxPool), 2, 1, 0), conv(3, 1, 1, 0, 1), of(modelspec.KindGlobalAveragePool), of(modelspec.KindSigmoid), denseLayer("", 2))
	v.train("conv net with other pools, mean squared error, adam, step", pooling, MeanSquaredError, 7,
		recipeVector{Optimizer: OptimizerAdam, Rates: hexBits{0.01, 0.9, 0.999, 1e-8}, BatchSize: 5, Steps: 5, More: hexBits{0.01, 0, 0, 0.5}, Schedule: ScheduleStep, StepSize: 2})

	transformer := vectorNetwork([]uint32{5}, Layer{Kind: modelspec.KindEmbedding, Units: 6, Vocabulary: 7}, named("in", of(modelspec.KindPosition)), layerNorm,
		named("mix", Layer{Kind: modelspec.KindAttention, Heads: 2, Causal: true}), named("middle", add("in", "mix")), layerNorm, linear(12), of(modelspec.KindGELU),
		dropout, named("back", linear(6)), add("middle", "back"), layerNorm, linear(7))
	v.train("transformer, a class for each position, adamw, clipping, warm-up", transformer, CrossEntropy, 11,
		recipeVector{Optimizer: OptimizerAdamW, Rates: hexBits{0.01, 0.9, 0.999, 1e-8}, BatchSize: 4, Steps: 5, More: hexBits{0.1, 0.5, 0, 0}, WarmupSteps: 3})

	residual := vectorNetwork([]uint32{3, 2}, named("in", denseLayer("", 8)), of(modelspec.KindGELU), named("x", denseLayer("", 8)),
		named("y", Layer{Kind: modelspec.KindSiLU, Inputs: []string{"in"}}), named("p", add("in", "x")), named("q", add("y", "p")), named("r", add("in", "q")),
		layerNorm, of(modelspec.KindFlatten), dropout, denseLayer("", 4))
	v.train("residual MLP whose first layer has four readers, label smoothing, clipping, adamw, cosine", residual, CrossEntropy, 20,
		recipeVector{Optimizer: OptimizerAdamW, Rates: hexBits{0.02, 0.9, 0.99, 1e-8}, BatchSize: 8, Steps: 8, More: hexBits{0.05, 1, 0.1, 0}, Schedule: ScheduleCosine, WarmupSteps: 2})

	binary := vectorNetwork([]uint32{4}, denseLayer("", 6), of(modelspec.KindSiLU), of(modelspec.KindPosition), batchNorm, denseLayer("", 2))
	v.train("binary cross-entropy, nesterov, step", binary, BinaryCrossEntropy, 19,
		recipeVector{Optimizer: OptimizerNesterov, Rates: hexBits{0.1, 0.8, 0, 0}, BatchSize: 6, Steps: 8, More: hexBits{0, 0.3, 0, 0.9}, Schedule: ScheduleStep, StepSize: 3})

	secure := vectorNetwork([]uint32{2, 3}, of(modelspec.KindSML), denseLayer("", 5), of(modelspec.KindSoftmax), denseLayer("", 3))
	secure.Normalization = &Normalization{OffsetE6: 1, DivisorE6: 333_333}
	v.train("secure mapping, sgd without momentum, label smoothing", secure, CrossEntropy, 9,
		recipeVector{Optimizer: OptimizerSGD, Rates: hexBits{0.5, 0, 0, 0}, BatchSize: 4, Steps: 6, More: hexBits{0.01, 0, 0.2, 0}})
	v.Training[len(v.Training)-1].Mapping = seedB

	images := vectorNetwork([]uint32{4, 4}, conv(4, 2, 1, 0, 1), layerNorm, Layer{Kind: modelspec.KindLinear, Units: 2})
	v.train("outputs of an image, mean squared error, sgd", images, MeanSquaredError, 3,
		recipeVector{Optimizer: OptimizerSGD, Rates: hexBits{0.05, 0.5, 0, 0}, BatchSize: 3, Steps: 3})
}

// train asks about a training on rows of random numbers.
func (v *vectors) train(name string, spec *Spec, o Objective, rows int, r recipeVector) {
	nodes, err := spec.Plan()
	if err != nil {
		panic(err) // the spec of a question
	}
	q := askAbout("training/" + name)
	r.Seed = seedB
	outputs := spec.Outputs()
	t := trainingVector{Name: name, Spec: hex.EncodeToString(spec.Marshal()), ModelSeed: seedA, Objective: o, Features: spec.Inputs(), Targets: outputs, Recipe: r}
	if n := spec.Vocabulary(); n > 0 {
		t.X = asNumbers(q.integers(uint32(n), rows*t.Features))
	} else {
		t.X = q.plain(rows * t.Features)
	}
	switch o {
	case CrossEntropy:
		classes := classesOf(nodes)
		t.Labels = q.integers(uint32(classes), rows*outputs/classes)
	case MeanSquaredError:
		t.Y = q.plain(rows * outputs)
	case BinaryCrossEntropy:
		t.Y = q.between(0, 1, rows*outputs)
		for i := range t.Y {
			if i%2 == 0 {
				t.Y[i] = float32(q.below(2))
			}
		}
	}
	v.Training = append(v.Training, t)
}
