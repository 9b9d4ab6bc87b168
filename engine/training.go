package engine

import (
	"fmt"
	"slices"

	"github.com/pold-network/pold/engine/internal/exact"
)

// maxBatchActivations bounds the values in all layers of one batch.
const maxBatchActivations = 1 << 27

// Train runs the steps of the recipe on the weights in place. After each step it calls progress, if not nil, with the number of the
// step (from 1) and the mean loss of its batch before the update; progress may evaluate and encode the model. When it returns false
// training ends there without error. A loss or weight that is not finite ends it with ErrNonFinite; the weights are then of no use.
func (m *Model) Train(d *Data, o Objective, r Recipe, progress func(step int, loss float32) bool) error {
	t, err := NewTraining(m, d, o, r)
	if err != nil {
		return err
	}
	for step := 1; step <= r.Steps; step++ {
		loss, err := t.Step()
		if err != nil {
			return err
		}
		if progress != nil && !progress(step, loss) {
			return nil
		}
	}
	return nil
}

// Training is a training between steps. It changes the weights of its model and may not be used by several goroutines at once. Once
// made, it allocates nothing more.
type Training struct {
	m         *Model
	mapping   *Mapping // of the model when the training was made
	data      *Data
	pass      *pass
	loss      *loss
	optimizer *optimizer
	batches   *batches
	batch     *Data
	idx       []int
	steps     int    // done
	trace     *trace // nil unless a transcript is made or checked
}

// NewTraining prepares the training of m on d. Errors wrap ErrInvalidRecipe, ErrInvalidData or ErrInvalidSpec.
func NewTraining(m *Model, d *Data, o Objective, r Recipe) (*Training, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	if err := d.Validate(m.spec, o); err != nil {
		return nil, err
	}
	if r.LabelSmoothing != 0 && o != CrossEntropy {
		return nil, recipeError("label smoothing belongs to %v; leave it 0 for %v, got %v", CrossEntropy, o, r.LabelSmoothing)
	}
	if need := r.BatchSize * m.activations(); need > maxBatchActivations {
		return nil, recipeError("a batch of %d rows holds %d values in this model, more than the %d allowed; use a smaller batch",
			r.BatchSize, need, maxBatchActivations)
	}
	t := &Training{
		m: m, mapping: m.mapping, data: d,
		// Clipping has to see all gradients before the first update; without it each layer's can be used up at once.
		pass:      m.newPass(r.BatchSize, training, r.ClipNorm > 0),
		loss:      newLoss(m.machine, o, r.BatchSize, m.positions(), m.classes()),
		optimizer: newOptimizer(r, m.machine, len(m.params)),
		batches:   newBatches(r.Seed, d.Rows()),
		batch:     d.batchOf(r.BatchSize),
		idx:       make([]int, r.BatchSize),
	}
	t.loss.smoothing = r.LabelSmoothing
	t.pass.seed = r.Seed
	return t, nil
}

// Step draws a batch, computes its mean loss and the gradient, updates the weights and returns the loss before the update. Steps may
// go on beyond the recipe's number only with a schedule that does not need it.
func (t *Training) Step() (float32, error) {
	if t.mapping != t.m.mapping {
		return 0, recipeError("the mapping of the model has changed since the training was made; make a new one")
	}
	t.steps++
	o := t.optimizer
	t.batches.take(t.idx)
	t.batch.copyRows(t.data, t.idx)
	mean := t.forward(t.batch, t.steps)
	if !exact.IsFinite(mean) {
		return mean, fmt.Errorf("step %d: %w: the loss of the batch is %v; try a lower learning rate", t.steps, ErrNonFinite, mean)
	}
	o.begin(t.steps)
	switch {
	case o.recipe.ClipNorm > 0:
		t.pass.backward(t.batch.Rows(), nil)
		if t.trace != nil {
			t.trace.gradients(t.m.machine, t.pass.weights, 0)
		}
		o.clipTo(norm(t.m.machine.vec, t.pass.tensorGradients()))
		o.update(t.m.params, t.pass.weights, 0)
	case t.trace != nil:
		t.pass.backward(t.batch.Rows(), func(w, g []float32, offset int) {
			t.trace.gradients(t.m.machine, g, offset)
			o.update(w, g, offset)
		})
	default:
		t.pass.backward(t.batch.Rows(), o.update)
	}
	if t.trace != nil {
		t.trace.step(mean)
	}
	if i := exact.FirstNonFinite(t.m.buffers); i >= 0 {
		return mean, fmt.Errorf("step %d: %w: a running statistic became %v; try a lower learning rate", t.steps, ErrNonFinite, t.m.buffers[i])
	}
	if !o.finite() {
		i := exact.FirstNonFinite(t.m.params)
		return mean, fmt.Errorf("step %d: %w: a weight became %v; try a lower learning rate", t.steps, ErrNonFinite, t.m.params[max(i, 0)])
	}
	return mean, nil
}

// Loss returns the mean loss of a batch of rows as the next step would see it (dropout, batch statistics) and leaves the gradient of
// every parameter for Gradients. Of the model it changes running statistics only. The recipe must set a ClipNorm, which keeps gradients.
func (t *Training) Loss(batch *Data) (float32, error) {
	if !t.pass.all {
		return 0, recipeError("gradients are kept only when the recipe sets a clip norm; set a large one")
	}
	if err := batch.Validate(t.m.spec, t.loss.objective); err != nil {
		return 0, err
	}
	if batch.Rows() > t.optimizer.recipe.BatchSize {
		return 0, dataError("expected at most %d rows, as the recipe has in a batch, got %d", t.optimizer.recipe.BatchSize, batch.Rows())
	}
	mean := t.forward(batch, t.steps+1)
	t.pass.backward(batch.Rows(), nil)
	return mean, nil
}

// Gradients visits, after Loss, the gradient of every trainable tensor in the order of the model's parameters. The values are those of
// the mean loss, row-major, before clipping and decay, and stay valid until the next Loss or Step.
func (t *Training) Gradients(visit func(tensor string, shape []int, gradient []float32)) {
	gradients := t.pass.tensorGradients()
	for i := range t.m.nodes {
		for _, tensor := range t.m.nodes[i].Tensors {
			if !tensor.Buffer {
				visit(tensor.Name, slices.Clone(tensor.Shape), gradients[0])
				gradients = gradients[1:]
			}
		}
	}
}

// forward computes the mean loss of the batch and leaves the gradient of the outputs in the pass.
func (t *Training) forward(batch *Data, step int) float32 {
	rows := batch.Rows()
	t.pass.step = uint64(step)
	out := t.pass.forward(batch.X, rows)
	perRow := t.loss.rows(out, batch, t.pass.outputGradient(rows))
	return t.m.machine.vec.Sum(perRow) / float32(rows)
}
