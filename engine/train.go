package engine

import "fmt"

// Limits of a recipe.
const (
	MaxBatchSize        = 65536
	MaxSteps            = 1 << 24
	MaxLearningRate     = 1024
	maxBatchActivations = 1 << 27 // values in all layers of one batch
)

// Recipe says how to train: with it, the data and the first weights, every bit of the result is determined.
type Recipe struct {
	Optimizer    string  // "sgd" or "adam"
	LearningRate float32 // above 0
	Momentum     float32 // sgd: momentum; adam: beta1; in [0, 1)
	Beta2        float32 // adam only, in [0, 1)
	Epsilon      float32 // adam only, above 0
	BatchSize    int     // rows per step
	Steps        int
	Seed         [32]byte // order of the rows
}

// Validate reports the first setting outside its range. Errors wrap ErrInvalidRecipe.
func (r Recipe) Validate() error {
	fraction := func(x float32) bool { return x >= 0 && x < 1 } // false for NaN
	switch {
	case r.Optimizer != OptimizerSGD && r.Optimizer != OptimizerAdam:
		return recipeError("expected optimizer %q or %q, got %q", OptimizerSGD, OptimizerAdam, r.Optimizer)
	case !(r.LearningRate > 0 && r.LearningRate <= MaxLearningRate):
		return recipeError("expected a learning rate above 0 and at most %d, got %v", MaxLearningRate, r.LearningRate)
	case !fraction(r.Momentum):
		return recipeError("expected a momentum (beta1) of at least 0 and below 1, got %v", r.Momentum)
	case r.Optimizer == OptimizerSGD && (r.Beta2 != 0 || r.Epsilon != 0):
		return recipeError("beta2 and epsilon belong to adam; leave them 0 for sgd, got %v and %v", r.Beta2, r.Epsilon)
	case r.Optimizer == OptimizerAdam && !fraction(r.Beta2):
		return recipeError("expected a beta2 of at least 0 and below 1, got %v", r.Beta2)
	case r.Optimizer == OptimizerAdam && !(r.Epsilon > 0 && r.Epsilon <= 1):
		return recipeError("expected an epsilon above 0 and at most 1, got %v", r.Epsilon)
	case r.BatchSize < 1 || r.BatchSize > MaxBatchSize:
		return recipeError("expected a batch size of 1 to %d, got %d", MaxBatchSize, r.BatchSize)
	case r.Steps < 1 || r.Steps > MaxSteps:
		return recipeError("expected 1 to %d steps, got %d", MaxSteps, r.Steps)
	}
	return nil
}

func recipeError(format string, a ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalidRecipe}, a...)...)
}

// batches walks over the rows in the order of a seed: the permutations of epoch 0, 1, 2, … one after the other, cut into batches of
// equal size without regard to where an epoch ends.
type batches struct {
	seed  [32]byte
	rows  int
	epoch uint64 // of order
	order []int
	next  int // position in order
}

func newBatches(seed [32]byte, rows int) *batches {
	b := &batches{seed: seed, rows: rows}
	b.order = b.permutation()
	return b
}

func (b *batches) permutation() []int { return newStream(b.seed, "order", b.epoch).permutation(b.rows) }

// take fills idx with the next rows.
func (b *batches) take(idx []int) {
	for i := range idx {
		if b.next == b.rows {
			b.epoch++
			b.order, b.next = b.permutation(), 0
		}
		idx[i] = b.order[b.next]
		b.next++
	}
}

// Train runs the steps of the recipe on the weights in place. After each step it calls progress, if not nil, with the number of the
// step (from 1) and the mean loss of its batch before the update; when progress returns false training ends there without error. A
// loss or weight that is not finite ends it with ErrNonFinite; the weights are then of no use.
func (m *Model) Train(d *Data, o Objective, r Recipe, progress func(step int, loss float32) bool) error {
	if err := r.Validate(); err != nil {
		return err
	}
	if err := d.Validate(m.spec, o); err != nil {
		return err
	}
	if need := r.BatchSize * m.activations(); need > maxBatchActivations {
		return recipeError("a batch of %d rows holds %d values in this model, more than the %d allowed; use a smaller batch",
			r.BatchSize, need, maxBatchActivations)
	}
	t := m.newTrainer(d, o, r)
	for step := 1; step <= r.Steps; step++ {
		loss, err := t.step()
		if err != nil {
			return fmt.Errorf("step %d: %w; try a lower learning rate", step, err)
		}
		if progress != nil && !progress(step, loss) {
			return nil
		}
	}
	return nil
}

// trainer is the state of one training between steps.
type trainer struct {
	m         *Model
	data      *Data
	pass      *pass
	loss      *loss
	optimizer *optimizer
	batches   *batches
	idx       []int
}

func (m *Model) newTrainer(d *Data, o Objective, r Recipe) *trainer {
	return &trainer{
		m: m, data: d,
		pass:      m.newPass(r.BatchSize, true),
		loss:      newLoss(m.be, o, r.BatchSize, m.outputs()),
		optimizer: newOptimizer(r, len(m.params)),
		batches:   newBatches(r.Seed, d.Rows()),
		idx:       make([]int, r.BatchSize),
	}
}

// step draws a batch, computes its mean loss and the gradient, and updates the weights.
func (t *trainer) step() (float32, error) {
	t.batches.take(t.idx)
	mean := t.gradient(t.data.Select(t.idx))
	if !isFinite(mean) {
		return mean, fmt.Errorf("%w: the loss of the batch is %v", ErrNonFinite, mean)
	}
	t.optimizer.step(t.m.be, t.m.params, t.pass.weights)
	if i := firstNonFinite(t.m.params); i >= 0 {
		return mean, fmt.Errorf("%w: a weight became %v", ErrNonFinite, t.m.params[i])
	}
	return mean, nil
}

// gradient leaves the gradient of the mean loss of the batch in t.pass.weights and returns that loss.
func (t *trainer) gradient(batch *Data) float32 {
	rows := batch.Rows()
	out := t.pass.forward(batch.X, rows)
	last := len(t.pass.gradients) - 1
	perRow := t.loss.rows(out, batch, t.pass.gradients[last][:len(out)])
	t.pass.backward(rows)
	return t.m.be.sum(perRow) / float32(rows)
}
