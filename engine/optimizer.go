package engine

// Optimisers that a Recipe may name.
const (
	OptimizerSGD  = "sgd"
	OptimizerAdam = "adam"
)

// sgdCoefficients is one step of stochastic gradient descent with momentum.
type sgdCoefficients struct{ rate, momentum float32 }

// update: v = momentum·v + g; w = w - rate·v, each with one rounding.
func (c sgdCoefficients) update(w, velocity, g []float32) {
	velocity, g = velocity[:len(w)], g[:len(w)]
	for i := range w {
		v := fma32(c.momentum, velocity[i], g[i])
		velocity[i] = v
		w[i] = fma32(-c.rate, v, w[i])
	}
}

// adamCoefficients is one step of Adam (Kingma and Ba 2015). correction1 and correction2 are 1 - beta1^t and 1 - beta2^t for step t,
// counted from 1.
type adamCoefficients struct {
	rate, beta1, beta2, epsilon float32
	correction1, correction2    float32
}

// update: m = beta1·m + (1-beta1)·g; v = beta2·v + (1-beta2)·g²; w = w - rate·(m/correction1) / (sqrt(v/correction2) + epsilon).
func (c adamCoefficients) update(w, m, v, g []float32) {
	m, v, g = m[:len(w)], v[:len(w)], g[:len(w)]
	rest1, rest2 := 1-c.beta1, 1-c.beta2
	for i := range w {
		m[i] = fma32(c.beta1, m[i], float32(rest1*g[i]))
		v[i] = fma32(c.beta2, v[i], float32(rest2*float32(g[i]*g[i])))
		mean := m[i] / c.correction1
		scale := sqrt32(v[i]/c.correction2) + c.epsilon
		w[i] = fma32(-c.rate, mean/scale, w[i])
	}
}

// optimizer holds the state that lives from step to step: zero at the start of a training.
type optimizer struct {
	recipe       Recipe
	first        []float32 // velocity (sgd) or mean of gradients (adam)
	second       []float32 // adam: mean of squared gradients
	beta1, beta2 float32   // adam: running powers beta^t, one rounded product a step
}

func newOptimizer(r Recipe, parameters int) *optimizer {
	o := &optimizer{recipe: r, first: make([]float32, parameters), beta1: 1, beta2: 1}
	if r.Optimizer == OptimizerAdam {
		o.second = make([]float32, parameters)
	}
	return o
}

// step updates the weights w from the gradient g.
func (o *optimizer) step(be backend, w, g []float32) {
	r := o.recipe
	if r.Optimizer == OptimizerSGD {
		be.sgd(sgdCoefficients{rate: r.LearningRate, momentum: r.Momentum}, w, o.first, g)
		return
	}
	o.beta1 = float32(o.beta1 * r.Momentum)
	o.beta2 = float32(o.beta2 * r.Beta2)
	be.adam(adamCoefficients{
		rate: r.LearningRate, beta1: r.Momentum, beta2: r.Beta2, epsilon: r.Epsilon,
		correction1: 1 - o.beta1, correction2: 1 - o.beta2,
	}, w, o.first, o.second, g)
}
