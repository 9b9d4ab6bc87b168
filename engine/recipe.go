package engine

// Limits of a recipe.
const (
	MaxBatchSize    = 65536
	MaxSteps        = 1 << 24
	MaxLearningRate = 1024
)

// Recipe says how to train: with it, the data and the first weights, every bit of the result is determined.
type Recipe struct {
	Optimizer      string  // one of Optimizers
	LearningRate   float32 // above 0
	Momentum       float32 // sgd, nesterov: momentum; adam, adamw: beta1; in [0, 1)
	Beta2          float32 // adam, adamw only, in [0, 1)
	Epsilon        float32 // adam, adamw only, above 0
	WeightDecay    float32 // added to the gradient as WeightDecay·w; adamw: w is multiplied by 1 - rate·WeightDecay
	ClipNorm       float32 // gradients of a larger Euclidean norm are scaled down to it; 0: never
	LabelSmoothing float32 // cross-entropy only: the part of the target spread evenly over all classes, in [0, 1)
	Schedule       string  // "" (constant) or one of the schedules
	WarmupSteps    int     // steps over which the rate rises from 0
	StepSize       int     // schedule step: steps between two changes
	Gamma          float32 // schedule step: factor of a change
	BatchSize      int     // rows per step
	Steps          int
	Seed           [32]byte // order of the rows and dropout
}

// Validate reports the first setting outside its range. Errors wrap ErrInvalidRecipe.
func (r Recipe) Validate() error {
	if err := r.validateOptimizer(); err != nil {
		return err
	}
	switch {
	case r.BatchSize < 1 || r.BatchSize > MaxBatchSize:
		return recipeError("expected a batch size of 1 to %d, got %d", MaxBatchSize, r.BatchSize)
	case r.Steps < 1 || r.Steps > MaxSteps:
		return recipeError("expected 1 to %d steps, got %d", MaxSteps, r.Steps)
	}
	return r.validateSchedule()
}

// batches walks over the rows in the order of a seed: the permutations of epoch 0, 1, 2, … one after the other, cut into batches of
// equal size without regard to where an epoch ends.
type batches struct {
	seed  [32]byte
	epoch uint64 // of order
	order []int
	next  int // position in order
}

func newBatches(seed [32]byte, rows int) *batches {
	b := &batches{seed: seed, order: make([]int, rows)}
	b.shuffle()
	return b
}

func (b *batches) shuffle() { newStream(b.seed, "order", b.epoch).permute(b.order) }

// take fills idx with the next rows.
func (b *batches) take(idx []int) {
	for i := range idx {
		if b.next == len(b.order) {
			b.epoch++
			b.next = 0
			b.shuffle()
		}
		idx[i] = b.order[b.next]
		b.next++
	}
}
