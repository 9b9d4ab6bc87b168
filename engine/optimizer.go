package engine

import (
	"fmt"
	"math"

	"github.com/pold-network/pold/engine/internal/vector"
)

// Optimisers that a Recipe may name.
const (
	OptimizerSGD      = "sgd"      // stochastic gradient descent, with momentum if set
	OptimizerNesterov = "nesterov" // the same with Nesterov's look-ahead
	OptimizerAdam     = "adam"     // Kingma and Ba 2015
	OptimizerAdamW    = "adamw"    // Adam with decoupled weight decay (Loshchilov and Hutter 2019)
)

// Optimizers lists the optimisers that a recipe may use.
func Optimizers() []string {
	return []string{OptimizerSGD, OptimizerNesterov, OptimizerAdam, OptimizerAdamW}
}

// isAdam says whether the recipe's optimiser keeps two states per weight.
func (r Recipe) isAdam() bool { return r.Optimizer == OptimizerAdam || r.Optimizer == OptimizerAdamW }

// optimizer holds what lives from step to step: zero at the start of a training.
type optimizer struct {
	recipe       Recipe
	m            *machine
	first        []float32 // velocity (sgd, nesterov), mean of gradients (adam); none for sgd without momentum
	second       []float32 // adam: mean of squared gradients
	beta1, beta2 float32   // adam: running powers beta^t, one rounded product a step

	// What the running update reads, set by update.
	rate    float32
	adam    vector.AdamCoefficients
	w, g    []float32
	offset  int // of w in the parameters
	clip    float32
	bad     []float32 // per worker: NaN once a weight is not finite
	updates task
}

func newOptimizer(r Recipe, m *machine, parameters int) *optimizer {
	o := &optimizer{recipe: r, m: m, beta1: 1, beta2: 1, clip: 1, bad: make([]float32, m.pool.Threads())}
	if r.isAdam() || r.Momentum != 0 {
		o.first = make([]float32, parameters)
	}
	if r.isAdam() {
		o.second = make([]float32, parameters)
	}
	o.updates.work = o.updateRange
	return o
}

// begin prepares the updates of a step, counted from 1.
func (o *optimizer) begin(step int) {
	r := o.recipe
	o.rate, o.clip = r.RateAt(step), 1
	clear(o.bad)
	if !r.isAdam() {
		return
	}
	o.beta1 = float32(o.beta1 * r.Momentum)
	o.beta2 = float32(o.beta2 * r.Beta2)
	o.adam = vector.AdamCoefficients{Rate: o.rate, Beta1: r.Momentum, Beta2: r.Beta2, Rest1: 1 - r.Momentum, Rest2: 1 - r.Beta2,
		Epsilon: r.Epsilon, Correction1: 1 - o.beta1, Correction2: 1 - o.beta2, Keep: 1}
	if r.Optimizer == OptimizerAdamW {
		o.adam.Keep = 1 - float32(o.rate*r.WeightDecay)
	}
}

// clipTo sets the factor that brings gradients of this norm down to the recipe's limit.
func (o *optimizer) clipTo(norm float32) {
	if limit := o.recipe.ClipNorm; norm > limit {
		o.clip = limit / norm
	}
}

// updatePiece is the number of weights that one worker updates at a time.
const updatePiece = 1 << 14

// update changes the weights w, which stand at offset in the parameters, by their gradient g; it may change g.
func (o *optimizer) update(w, g []float32, offset int) {
	o.w, o.g, o.offset = w, g, offset
	o.m.run(&o.updates, len(w), updatePiece)
}

func (o *optimizer) updateRange(worker, from, to int) {
	r, vec := &o.recipe, o.m.vec
	w, g := o.w[from:to], o.g[from:to]
	if o.clip != 1 {
		vec.Scale(g, g, o.clip)
	}
	if r.WeightDecay != 0 && r.Optimizer != OptimizerAdamW {
		vec.AddScaled(g, g, w, r.WeightDecay)
	}
	from, to = o.offset+from, o.offset+to
	var bad float32
	switch {
	case o.second != nil:
		bad = vec.Adam(w, o.first[from:to], o.second[from:to], g, &o.adam)
	case o.first == nil:
		bad = vec.SGDPlain(w, g, o.rate)
	case r.Optimizer == OptimizerNesterov:
		bad = vec.Nesterov(w, o.first[from:to], g, o.rate, r.Momentum)
	default:
		bad = vec.SGD(w, o.first[from:to], g, o.rate, r.Momentum)
	}
	o.bad[worker] += bad
}

// finite reports whether every weight updated since begin is finite.
func (o *optimizer) finite() bool {
	for _, b := range o.bad {
		if b != 0 { // also true for NaN
			return false
		}
	}
	return true
}

// norm returns the Euclidean norm of gradients: the square root of the sum, in their order, of the tensors' sums of squares.
func norm(vec *vector.Kernels, gradients [][]float32) float32 {
	total := float32(0)
	for _, g := range gradients {
		total += vec.Dot(g, g)
	}
	return float32(math.Sqrt(float64(total)))
}

// validateOptimizer reports the first optimiser setting outside its range.
func (r Recipe) validateOptimizer() error {
	fraction := func(x float32) bool { return x >= 0 && x < 1 } // false for NaN
	known := false
	for _, name := range Optimizers() {
		known = known || name == r.Optimizer
	}
	switch {
	case !known:
		return recipeError("expected optimizer %q, %q, %q or %q, got %q", OptimizerSGD, OptimizerNesterov, OptimizerAdam, OptimizerAdamW, r.Optimizer)
	case !(r.LearningRate > 0 && r.LearningRate <= MaxLearningRate):
		return recipeError("expected a learning rate above 0 and at most %d, got %v", MaxLearningRate, r.LearningRate)
	case !fraction(r.Momentum):
		return recipeError("expected a momentum (beta1) of at least 0 and below 1, got %v", r.Momentum)
	case r.Optimizer == OptimizerNesterov && r.Momentum == 0:
		return recipeError("nesterov needs a momentum above 0; use %q for none", OptimizerSGD)
	case !r.isAdam() && (r.Beta2 != 0 || r.Epsilon != 0):
		return recipeError("beta2 and epsilon belong to adam and adamw; leave them 0 for %s, got %v and %v", r.Optimizer, r.Beta2, r.Epsilon)
	case r.isAdam() && !fraction(r.Beta2):
		return recipeError("expected a beta2 of at least 0 and below 1, got %v", r.Beta2)
	case r.isAdam() && !(r.Epsilon > 0 && r.Epsilon <= 1):
		return recipeError("expected an epsilon above 0 and at most 1, got %v", r.Epsilon)
	case !fraction(r.WeightDecay):
		return recipeError("expected a weight decay of at least 0 and below 1, got %v", r.WeightDecay)
	case !(r.ClipNorm >= 0 && r.ClipNorm <= math.MaxFloat32):
		return recipeError("expected a finite clip norm of at least 0 (none), got %v", r.ClipNorm)
	case !fraction(r.LabelSmoothing):
		return recipeError("expected a label smoothing of at least 0 and below 1, got %v", r.LabelSmoothing)
	}
	return nil
}

// validateSchedule reports the first schedule setting outside its range.
func (r Recipe) validateSchedule() error {
	switch {
	case r.WarmupSteps < 0 || r.WarmupSteps > r.Steps:
		return recipeError("expected 0 to %d warm-up steps, as the recipe has steps, got %d", r.Steps, r.WarmupSteps)
	case r.Schedule == ScheduleStep && (r.StepSize < 1 || r.StepSize > MaxSteps):
		return recipeError("schedule %q: expected a step size of 1 to %d, got %d", ScheduleStep, MaxSteps, r.StepSize)
	case r.Schedule == ScheduleStep && !(r.Gamma > 0 && r.Gamma <= 1):
		return recipeError("schedule %q: expected a gamma above 0 and at most 1, got %v", ScheduleStep, r.Gamma)
	case r.Schedule != ScheduleStep && (r.StepSize != 0 || r.Gamma != 0):
		return recipeError("step size and gamma belong to schedule %q; leave them 0, got %d and %v", ScheduleStep, r.StepSize, r.Gamma)
	}
	switch r.Schedule {
	case "", ScheduleConstant, ScheduleStep, ScheduleCosine:
		return nil
	}
	return recipeError("expected schedule %q, %q or %q, got %q", ScheduleConstant, ScheduleStep, ScheduleCosine, r.Schedule)
}

func recipeError(format string, a ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalidRecipe}, a...)...)
}
