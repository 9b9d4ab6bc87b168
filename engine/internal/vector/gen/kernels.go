package main

// define makes a kernel: its name, its parameters as in vector.Kernels, and its instructions.
func define(name string, unroll int, reduces reduction, params []param, body func(k *kernel)) *kernel {
	k := &kernel{name: name, params: params, reduces: reduces, unroll: unroll, numbers: map[uint32]value{}, scalars: map[int]value{}}
	body(k)
	return k
}

// Vectors side by side in the main loop.
const (
	light = 4 // few instructions: amortises the loop
	heavy = 2 // long dependency chains: hides latency
)

func arrays(names ...string) []param {
	var p []param
	for _, n := range names {
		p = append(p, param{n, slice})
	}
	return p
}

func with(p []param, scalars ...string) []param {
	for _, n := range scalars {
		p = append(p, param{n, scalar})
	}
	return p
}

// function is dst = f(x).
func function(name string, unroll int, f func(k *kernel, x value) value) *kernel {
	return define(name, unroll, none, arrays("dst", "x"), func(k *kernel) { k.store(0, f(k, k.load(1))) })
}

// functionOf is dst = f(x) with scalar parameters.
func functionOf(name string, scalars []string, f func(k *kernel, x value) value) *kernel {
	return define(name, light, none, with(arrays("dst", "x"), scalars...), func(k *kernel) { k.store(0, f(k, k.load(1))) })
}

// gradient is dx = f(y, dy), where other is the name of y.
func gradient(name string, unroll int, other string, f func(k *kernel, y, dy value) value) *kernel {
	return define(name, unroll, none, arrays("dx", other, "dy"), func(k *kernel) { k.store(0, f(k, k.load(1), k.load(2))) })
}

func binary(name string, o op) *kernel {
	return define(name, light, none, arrays("dst", "a", "b"), func(k *kernel) { k.store(0, k.emit(o, k.load(1), k.load(2))) })
}

// kernels lists all kernels in the order of vector.Kernels.
func kernels() []*kernel {
	return []*kernel{
		function("Exp", heavy, exp),
		function("Log", heavy, log),
		function("Tanh", heavy, tanh),
		function("Sigmoid", heavy, sigmoid),
		function("GELU", heavy, gelu),
		function("SiLU", heavy, silu),
		function("ReLU", light, func(k *kernel, x value) value { return k.max(x, k.number(0)) }),

		gradient("ReLUGrad", light, "y", func(k *kernel, y, dy value) value {
			return k.choose(k.greater(y, k.number(0)), dy, k.number(0))
		}),
		gradient("TanhGrad", light, "y", func(k *kernel, y, dy value) value { return k.mul(dy, k.fnma(y, y, k.number(1))) }),
		gradient("SigmoidGrad", light, "y", func(k *kernel, y, dy value) value { return k.mul(dy, k.fnma(y, y, y)) }),
		gradient("GELUGrad", heavy, "x", func(k *kernel, x, dy value) value { return k.mul(dy, geluDerivative(k, x)) }),
		gradient("SiLUGrad", heavy, "x", func(k *kernel, x, dy value) value { return k.mul(dy, siluDerivative(k, x)) }),

		binary("Add", opAdd),
		binary("Sub", opSub),
		binary("Mul", opMul),
		define("AddScaled", light, none, with(arrays("dst", "a", "b"), "s"), func(k *kernel) {
			k.store(0, k.fma(k.scalar(0), k.load(2), k.load(1)))
		}),
		functionOf("Scale", []string{"s"}, func(k *kernel, x value) value { return k.mul(k.scalar(0), x) }),
		functionOf("AddScalar", []string{"s"}, func(k *kernel, x value) value { return k.add(x, k.scalar(0)) }),
		functionOf("DivScalar", []string{"s"}, func(k *kernel, x value) value { return k.div(x, k.scalar(0)) }),
		functionOf("DivScale", []string{"s", "t"}, func(k *kernel, x value) value { return k.mul(k.div(x, k.scalar(0)), k.scalar(1)) }),
		functionOf("Normalize", []string{"offset", "divisor"}, func(k *kernel, x value) value {
			return k.div(k.sub(x, k.scalar(0)), k.scalar(1))
		}),
		functionOf("Standardize", []string{"mean", "rstd"}, func(k *kernel, x value) value {
			return k.mul(k.sub(x, k.scalar(0)), k.scalar(1))
		}),
		functionOf("Affine", []string{"scale", "shift"}, func(k *kernel, x value) value { return k.fma(x, k.scalar(0), k.scalar(1)) }),
		define("AffineRow", light, none, arrays("dst", "x", "scale", "shift"), func(k *kernel) {
			k.store(0, k.fma(k.load(1), k.load(2), k.load(3)))
		}),
		define("LayerNormGrad", light, none, with(arrays("dx", "t", "xhat"), "a", "b", "rstd"), func(k *kernel) {
			k.store(0, k.mul(k.scalar(2), k.fnma(k.load(2), k.scalar(1), k.sub(k.load(1), k.scalar(0)))))
		}),

		define("Sum", light, sum, arrays("x"), func(k *kernel) { k.emit(opAccAdd, k.load(0)) }),
		define("Dot", light, sum, arrays("a", "b"), func(k *kernel) { k.emit(opAccFMA, k.load(0), k.load(1)) }),
		define("SumSquaredDiff", light, sum, with(arrays("x"), "mean"), func(k *kernel) {
			d := k.sub(k.load(0), k.scalar(0))
			k.emit(opAccFMA, d, d)
		}),
		define("Max", light, maxima, arrays("x"), func(k *kernel) { k.emit(opAccMax, k.load(0)) }),
		define("ExpSubSum", heavy, sum, with(arrays("dst", "x"), "m"), func(k *kernel) {
			e := exp(k, k.sub(k.load(1), k.scalar(0)))
			k.store(0, e)
			k.emit(opAccAdd, e)
		}),

		define("SGDPlain", light, sum, with(arrays("w", "grad"), "rate"), func(k *kernel) {
			k.weight(k.fnma(k.scalar(0), k.load(1), k.load(0)))
		}),
		define("SGD", light, sum, with(arrays("w", "v", "grad"), "rate", "momentum"), func(k *kernel) {
			v := k.fma(k.scalar(1), k.load(1), k.load(2))
			k.store(1, v)
			k.weight(k.fnma(k.scalar(0), v, k.load(0)))
		}),
		define("Nesterov", light, sum, with(arrays("w", "v", "grad"), "rate", "momentum"), func(k *kernel) {
			g := k.load(2)
			v := k.fma(k.scalar(1), k.load(1), g)
			k.store(1, v)
			k.weight(k.fnma(k.scalar(0), k.fma(k.scalar(1), v, g), k.load(0)))
		}),
		define("Adam", heavy, sum, append(arrays("w", "m", "v", "grad"), param{"c", coefficients}), adam),
		define("NonFinite", light, sum, arrays("x"), func(k *kernel) { k.emit(opAccFMA, k.load(0), k.number(0)) }),

		define("MaxPool2", light, none,
			[]param{{"dst", slice}, {"index", integers}, {"top", pairs}, {"bottom", pairs}}, maxPool2),
		define("MaxPool2Grad", light, none,
			[]param{{"top", pairs}, {"bottom", pairs}, {"dy", slice}, {"index", integers}}, maxPool2Grad),
	}
}

// weight stores a new weight and lets a lane become NaN if it is not finite.
func (k *kernel) weight(w value) {
	k.store(0, w)
	k.emit(opAccFMA, w, k.number(0))
}

func adam(k *kernel) {
	const rate, beta1, beta2, rest1, rest2, epsilon, correction1, correction2, keep = 0, 1, 2, 3, 4, 5, 6, 7, 8
	g := k.load(3)
	m := k.fma(k.scalar(beta1), k.load(1), k.mul(k.scalar(rest1), g))
	k.store(1, m)
	v := k.fma(k.scalar(beta2), k.load(2), k.mul(k.scalar(rest2), k.mul(g, g)))
	k.store(2, v)
	mean := k.div(m, k.scalar(correction1))
	size := k.add(k.emit(opSqrt, k.div(v, k.scalar(correction2))), k.scalar(epsilon))
	k.weight(k.fnma(k.scalar(rate), k.div(mean, size), k.mul(k.load(0), k.scalar(keep))))
}

func maxPool2(k *kernel) {
	best, at := k.indexed(opLoadEven, 2), k.bits(0)
	for i, next := range []func() value{
		func() value { return k.indexed(opLoadOdd, 2) },
		func() value { return k.indexed(opLoadEven, 3) },
		func() value { return k.indexed(opLoadOdd, 3) },
	} {
		v := next()
		above := k.greater(v, best)
		best = k.choose(above, v, best)
		at = k.choose(above, k.bits(uint32(i+1)), at)
	}
	k.store(0, best)
	k.store(1, at)
}

func maxPool2Grad(k *kernel) {
	dy, index := k.load(2), k.load(3)
	at := func(i uint32) value { return k.choose(k.emit(opIEqual, index, k.bits(i)), dy, k.bits(0)) }
	left, right := at(0), at(1)
	k.indexed(opStorePairs, 0, left, right)
	left, right = at(2), at(3)
	k.indexed(opStorePairs, 1, left, right)
}
