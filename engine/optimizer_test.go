package engine

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pold-network/pold/engine/internal/exact"
)

// optimizer64 is every optimiser in float64, from the formulas of its paper and of PyTorch's documentation.
type optimizer64 struct {
	Recipe
	first, second []float64
}

func (o *optimizer64) step(t int, w, g []float64) {
	rate, momentum, beta2 := rate64(o.Recipe, t), float64(o.Momentum), float64(o.Beta2)
	g = slices.Clone(g)
	if limit := float64(o.ClipNorm); limit > 0 {
		norm := 0.0
		for _, v := range g {
			norm += v * v
		}
		if norm = math.Sqrt(norm); norm > limit {
			for i := range g {
				g[i] *= limit / norm
			}
		}
	}
	for i := range w {
		if o.Optimizer == OptimizerAdamW {
			w[i] -= rate * float64(o.WeightDecay) * w[i]
		} else {
			g[i] += float64(o.WeightDecay) * w[i]
		}
		switch o.Optimizer {
		case OptimizerSGD:
			o.first[i] = momentum*o.first[i] + g[i]
			w[i] -= rate * o.first[i]
		case OptimizerNesterov:
			o.first[i] = momentum*o.first[i] + g[i]
			w[i] -= rate * (g[i] + momentum*o.first[i])
		default:
			o.first[i] = momentum*o.first[i] + (1-momentum)*g[i]
			o.second[i] = beta2*o.second[i] + (1-beta2)*g[i]*g[i]
			mean, size := o.first[i]/(1-math.Pow(momentum, float64(t))), o.second[i]/(1-math.Pow(beta2, float64(t)))
			w[i] -= rate * mean / (math.Sqrt(size) + float64(o.Epsilon))
		}
	}
}

// rate64 is RateAt in float64.
func rate64(r Recipe, step int) float64 {
	if step <= r.WarmupSteps {
		return float64(r.LearningRate) * float64(step) / float64(r.WarmupSteps)
	}
	done := step - 1 - r.WarmupSteps
	switch r.Schedule {
	case ScheduleStep:
		return float64(r.LearningRate) * math.Pow(float64(r.Gamma), float64(done/r.StepSize))
	case ScheduleCosine:
		return float64(r.LearningRate) * (1 + math.Cos(math.Pi*float64(done)/float64(r.Steps-r.WarmupSteps))) / 2
	}
	return float64(r.LearningRate)
}

func TestOptimizersByHand(t *testing.T) {
	adam := Recipe{Optimizer: OptimizerAdam, LearningRate: 0.01, Momentum: 0.9, Beta2: 0.99, Epsilon: 1e-6}
	adamW := adam
	adamW.Optimizer = OptimizerAdamW
	sgd := Recipe{Optimizer: OptimizerSGD, LearningRate: 0.1}
	momentum := Recipe{Optimizer: OptimizerSGD, LearningRate: 0.1, Momentum: 0.9}
	nesterov := Recipe{Optimizer: OptimizerNesterov, LearningRate: 0.1, Momentum: 0.9}
	const steps = 12
	for _, base := range []Recipe{sgd, momentum, nesterov, adam, adamW} {
		for _, change := range []struct {
			name string
			to   func(r *Recipe)
		}{
			{"as it is", func(*Recipe) {}},
			{"with weight decay", func(r *Recipe) { r.WeightDecay = 0.05 }},
			{"clipped", func(r *Recipe) { r.ClipNorm = 1 }},
			{"with a clip norm that is not reached", func(r *Recipe) { r.ClipNorm = 1000 }},
			{"with everything", func(r *Recipe) {
				r.WeightDecay, r.ClipNorm, r.Schedule, r.WarmupSteps = 0.05, 1, ScheduleCosine, 3
			}},
		} {
			r := base
			change.to(&r)
			r.BatchSize, r.Steps = 1, steps
			if err := r.Validate(); err != nil {
				t.Fatal(err)
			}
			const n = 37
			w := selfTestNumbers("weights", n)
			want := wide(w)
			o, o64 := newOptimizer(r, defaultMachine(), n), &optimizer64{Recipe: r, first: make([]float64, n), second: make([]float64, n)}
			for step := 1; step <= steps; step++ {
				g := selfTestNumbers(fmt.Sprintf("gradient %d", step), n)
				o64.step(step, want, wide(g))
				o.begin(step)
				if r.ClipNorm > 0 {
					// Tensor by tensor, as the pass hands them over.
					o.clipTo(norm(o.m.vec, [][]float32{g[:10], g[10:]}))
				}
				o.update(w[:10], g[:10], 0)
				o.update(w[10:], g[10:], 10)
				if !o.finite() {
					t.Fatalf("%s %s: step %d: expected finite weights", r.Optimizer, change.name, step)
				}
			}
			for i := range w {
				if math.Abs(float64(w[i])-want[i]) > 3e-6 {
					t.Errorf("%s %s: weight %d: expected %v, got %v", r.Optimizer, change.name, i, want[i], w[i])
				}
			}
		}
	}
}

// TestOptimizersNoticeWeightsThatAreNotFinite puts one bad gradient at the beginning, in the middle or at the end.
func TestOptimizersNoticeWeightsThatAreNotFinite(t *testing.T) {
	for _, base := range []Recipe{sgdRecipe, {Optimizer: OptimizerSGD, LearningRate: 0.1}, {Optimizer: OptimizerNesterov, LearningRate: 0.1, Momentum: 0.5},
		adamRecipe} {
		for _, bad := range []float32{exact.NaN(), exact.Inf(true), math.MaxFloat32} {
			for _, at := range []int{0, 20, 40, 3*updatePiece - 1} {
				r := base
				r.LearningRate, r.BatchSize, r.Steps = 1000, 1, 1
				w, g := make([]float32, 3*updatePiece), make([]float32, 3*updatePiece)
				g[at] = bad
				o := newOptimizer(r, defaultMachine(), len(w))
				o.begin(1)
				o.update(w, g, 0)
				if o.finite() == (exact.FirstNonFinite(w) >= 0) {
					t.Errorf("%s: gradient %v at %d: finite() is %v for a weight of %v", r.Optimizer, bad, at, o.finite(), w[at])
				}
			}
		}
	}
}

func TestClippingByHand(t *testing.T) {
	vec := defaultMachine().vec
	if got := norm(vec, [][]float32{{3}, {}, {0, 4}}); got != 5 {
		t.Errorf("expected the norm 5 of 3, 0 and 4, got %v", got)
	}
	for _, c := range []struct {
		name        string
		limit, norm float32
		want        float32
	}{{"a norm above the limit", 1, 4, 0.25}, {"a norm at the limit", 4, 4, 1}, {"a norm below the limit", 5, 4, 1}, {"a norm that is not finite", 1, exact.Inf(false), 0}} {
		o := newOptimizer(Recipe{Optimizer: OptimizerSGD, LearningRate: 1, ClipNorm: c.limit}, defaultMachine(), 1)
		o.begin(1)
		if o.clipTo(c.norm); o.clip != c.want {
			t.Errorf("%s: expected the factor %v, got %v", c.name, c.want, o.clip)
		}
		if o.begin(2); o.clip != 1 {
			t.Errorf("%s: expected no clipping left over in the next step, got the factor %v", c.name, o.clip)
		}
	}
}

func TestSchedulesFollowTheirFormulas(t *testing.T) {
	for _, r := range []Recipe{
		{LearningRate: 0.1, Steps: 10},
		{LearningRate: 0.1, Steps: 10, Schedule: ScheduleConstant, WarmupSteps: 4},
		{LearningRate: 1, Steps: 1000, Schedule: ScheduleCosine},
		{LearningRate: 1024, Steps: 5000, Schedule: ScheduleCosine, WarmupSteps: 77},
		{LearningRate: 1e-6, Steps: 3, Schedule: ScheduleCosine, WarmupSteps: 2},
		{LearningRate: 0.3, Steps: 1, Schedule: ScheduleCosine},
		{LearningRate: 0.5, Steps: 9, WarmupSteps: 9, Schedule: ScheduleCosine},
		{LearningRate: 0.1, Steps: 1000, Schedule: ScheduleStep, StepSize: 10, Gamma: 0.9},
		{LearningRate: 0.1, Steps: 1000, Schedule: ScheduleStep, StepSize: 1, Gamma: 0.999},
		{LearningRate: 2, Steps: 500, Schedule: ScheduleStep, StepSize: 7, Gamma: 1, WarmupSteps: 100},
		{LearningRate: 0.1, Steps: MaxSteps, Schedule: ScheduleCosine, WarmupSteps: 1000},
	} {
		for step := 1; step <= r.Steps; step += 1 + r.Steps/4000 {
			got, want := float64(r.RateAt(step)), rate64(r, step)
			limit := 1e-6 * float64(r.LearningRate)
			if r.Schedule == ScheduleStep { // a rounding for each of the changes, however they are grouped
				limit += want * float64(step/r.StepSize) * 0x1p-24
			}
			if math.Abs(got-want) > limit || got < 0 {
				t.Errorf("%+v, step %d: expected a rate of %v, got %v", r, step, want, got)
				break
			}
		}
	}
	for _, c := range []struct {
		name   string
		recipe Recipe
		step   int
		want   float32
	}{
		{"the first of four warm-up steps", Recipe{LearningRate: 1, Steps: 9, WarmupSteps: 4}, 1, 0.25},
		{"the last warm-up step", Recipe{LearningRate: 1, Steps: 9, WarmupSteps: 4}, 4, 1},
		{"the start of a cosine", Recipe{LearningRate: 1, Steps: 8, Schedule: ScheduleCosine}, 1, 1},
		{"half of a cosine", Recipe{LearningRate: 1, Steps: 8, Schedule: ScheduleCosine}, 5, 0.5},
		{"the last step before a change", Recipe{LearningRate: 1, Steps: 8, Schedule: ScheduleStep, StepSize: 3, Gamma: 0.5}, 3, 1},
		{"the first step after a change", Recipe{LearningRate: 1, Steps: 8, Schedule: ScheduleStep, StepSize: 3, Gamma: 0.5}, 4, 0.5},
		{"the second change", Recipe{LearningRate: 1, Steps: 8, Schedule: ScheduleStep, StepSize: 3, Gamma: 0.5}, 7, 0.25},
	} {
		if got := c.recipe.RateAt(c.step); math.Abs(float64(got-c.want)) > 1e-7 {
			t.Errorf("%s: expected %v, got %v", c.name, c.want, got)
		}
	}
}

// TestCosineIsAccurate goes through the whole range.
func TestCosineIsAccurate(t *testing.T) {
	for i := range 1 << 16 {
		u := float32(i) / (1 << 16)
		if got, want := float64(cosPi(u)), math.Cos(math.Pi*float64(u)); math.Abs(got-want) > 0x1p-23 {
			t.Fatalf("cos(π·%v): expected %v, got %v", u, want, got)
		}
	}
	if cosPi(0) != 1 || cosPi(1) != -1 {
		t.Errorf("expected 1 and -1 at the ends, got %v and %v", cosPi(0), cosPi(1))
	}
}

func TestRecipeLimits(t *testing.T) {
	nan := exact.NaN()
	for _, c := range []struct {
		name   string
		change func(r *Recipe)
		adam   bool
		valid  bool
	}{
		{"the sgd recipe", func(*Recipe) {}, false, true},
		{"the adam recipe", func(*Recipe) {}, true, true},
		{"no momentum", func(r *Recipe) { r.Momentum = 0 }, false, true},
		{"another optimizer", func(r *Recipe) { r.Optimizer = "Adam" }, true, false},
		{"no learning rate", func(r *Recipe) { r.LearningRate = 0 }, false, false},
		{"a negative learning rate", func(r *Recipe) { r.LearningRate = -1 }, false, false},
		{"a learning rate that is NaN", func(r *Recipe) { r.LearningRate = nan }, false, false},
		{"an infinite learning rate", func(r *Recipe) { r.LearningRate = exact.Inf(false) }, false, false},
		{"a momentum of one", func(r *Recipe) { r.Momentum = 1 }, false, false},
		{"a momentum that is NaN", func(r *Recipe) { r.Momentum = nan }, false, false},
		{"sgd with beta2", func(r *Recipe) { r.Beta2 = 0.9 }, false, false},
		{"sgd with epsilon", func(r *Recipe) { r.Epsilon = 0.1 }, false, false},
		{"a beta2 of one", func(r *Recipe) { r.Beta2 = 1 }, true, false},
		{"no epsilon", func(r *Recipe) { r.Epsilon = 0 }, true, false},
		{"an epsilon above one", func(r *Recipe) { r.Epsilon = 2 }, true, false},
		{"empty batches", func(r *Recipe) { r.BatchSize = 0 }, false, false},
		{"nesterov with momentum", func(r *Recipe) { r.Optimizer = OptimizerNesterov }, false, true},
		{"nesterov without momentum", func(r *Recipe) { r.Optimizer, r.Momentum = OptimizerNesterov, 0 }, false, false},
		{"adamw", func(r *Recipe) { r.Optimizer = OptimizerAdamW }, true, true},
		{"adam without momentum", func(r *Recipe) { r.Momentum = 0 }, true, true},
		{"weight decay", func(r *Recipe) { r.WeightDecay = 0.01 }, false, true},
		{"a weight decay of one", func(r *Recipe) { r.WeightDecay = 1 }, true, false},
		{"a negative weight decay", func(r *Recipe) { r.WeightDecay = -0.1 }, true, false},
		{"a weight decay that is NaN", func(r *Recipe) { r.WeightDecay = nan }, true, false},
		{"clipping", func(r *Recipe) { r.ClipNorm = 1 }, false, true},
		{"a negative clip norm", func(r *Recipe) { r.ClipNorm = -1 }, false, false},
		{"an infinite clip norm", func(r *Recipe) { r.ClipNorm = exact.Inf(false) }, false, false},
		{"a clip norm that is NaN", func(r *Recipe) { r.ClipNorm = nan }, false, false},
		{"label smoothing", func(r *Recipe) { r.LabelSmoothing = 0.1 }, false, true},
		{"a label smoothing of one", func(r *Recipe) { r.LabelSmoothing = 1 }, false, false},
		{"a label smoothing that is NaN", func(r *Recipe) { r.LabelSmoothing = nan }, false, false},
		{"a constant schedule by name", func(r *Recipe) { r.Schedule = ScheduleConstant }, false, true},
		{"an unknown schedule", func(r *Recipe) { r.Schedule = "linear" }, false, false},
		{"a cosine schedule", func(r *Recipe) { r.Schedule = ScheduleCosine }, false, true},
		{"warm-up over all steps", func(r *Recipe) { r.WarmupSteps = r.Steps }, false, true},
		{"warm-up beyond all steps", func(r *Recipe) { r.WarmupSteps = r.Steps + 1 }, false, false},
		{"a negative warm-up", func(r *Recipe) { r.WarmupSteps = -1 }, false, false},
		{"a step schedule", func(r *Recipe) { r.Schedule, r.StepSize, r.Gamma = ScheduleStep, 10, 0.5 }, false, true},
		{"a step schedule without size", func(r *Recipe) { r.Schedule, r.Gamma = ScheduleStep, 0.5 }, false, false},
		{"a step schedule without gamma", func(r *Recipe) { r.Schedule, r.StepSize = ScheduleStep, 10 }, false, false},
		{"a gamma above one", func(r *Recipe) { r.Schedule, r.StepSize, r.Gamma = ScheduleStep, 10, 1.5 }, false, false},
		{"a gamma that is NaN", func(r *Recipe) { r.Schedule, r.StepSize, r.Gamma = ScheduleStep, 10, nan }, false, false},
		{"a gamma without step schedule", func(r *Recipe) { r.Gamma = 0.5 }, false, false},
		{"huge batches", func(r *Recipe) { r.BatchSize = MaxBatchSize + 1 }, false, false},
		{"no steps", func(r *Recipe) { r.Steps = 0 }, false, false},
		{"too many steps", func(r *Recipe) { r.Steps = MaxSteps + 1 }, false, false},
	} {
		r := sgdRecipe
		if c.adam {
			r = adamRecipe
		}
		c.change(&r)
		if err := r.Validate(); (err == nil) != c.valid || err != nil && !errors.Is(err, ErrInvalidRecipe) {
			t.Errorf("%s: expected valid = %v, got %v", c.name, c.valid, err)
		}
	}
	wide := &Spec{InputShape: []uint32{8}, Layers: layers(denseLayer("a", 65536))}
	r := sgdRecipe
	r.BatchSize = MaxBatchSize
	if err := newTestModel(t, wide, 1).Train(smallData(4, 8, 65536), MeanSquaredError, r, nil); !errors.Is(err, ErrInvalidRecipe) || !strings.Contains(err.Error(), "smaller batch") {
		t.Errorf("a batch beyond memory: expected ErrInvalidRecipe with advice, got %v", err)
	}
	r = sgdRecipe
	r.LabelSmoothing = 0.1
	if err := newTestModel(t, network([]uint32{8}, denseOf(3)), 1).Train(smallData(4, 8, 3), MeanSquaredError, r, nil); !errors.Is(err, ErrInvalidRecipe) {
		t.Errorf("label smoothing of squared errors: expected ErrInvalidRecipe, got %v", err)
	}
}
