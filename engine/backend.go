package engine

// backend is the seam between the definition and fast code: the loops that take nearly all the time, each with exactly one right
// answer. The portable one in this package is the definition and stays for ever; another one must give the same bits for every input,
// infinities, NaN (as a class) and subnormals included, with any number of threads.
type backend interface {
	// gemm computes p.c, see product.
	gemm(p product)

	// exp, log and tanh apply the function of elementary.go to every element; dst and src have equal length and may be the same slice.
	exp(dst, src []float32)
	log(dst, src []float32)
	tanh(dst, src []float32)

	// sum and sumColumns reduce in the lane order of reduce.go.
	sum(x []float32) float32
	sumColumns(dst, x []float32, rows, columns int)

	// sgd and adam update weights w and state in place from the gradient g, see optimizer.go.
	sgd(c sgdCoefficients, w, velocity, g []float32)
	adam(c adamCoefficients, w, m, v, g []float32)
}

// portable is the reference backend: scalar Go, correct everywhere.
type portable struct {
	threads int // goroutines for one product; 0: one per processor
}

func (portable) exp(dst, src []float32) {
	for i, x := range src {
		dst[i] = exp32(x)
	}
}

func (portable) log(dst, src []float32) {
	for i, x := range src {
		dst[i] = log32(x)
	}
}

func (portable) tanh(dst, src []float32) {
	for i, x := range src {
		dst[i] = tanh32(x)
	}
}

func (portable) sum(x []float32) float32 { return sum(x) }

func (portable) sumColumns(dst, x []float32, rows, columns int) { sumColumns(dst, x, rows, columns) }

func (portable) sgd(c sgdCoefficients, w, velocity, g []float32) { c.update(w, velocity, g) }

func (portable) adam(c adamCoefficients, w, m, v, g []float32) { c.update(w, m, v, g) }

// defaultBackend serves every Model and BLAS.
var defaultBackend backend = portable{}
