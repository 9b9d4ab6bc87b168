// Package vector computes on slices of float32: activations and their gradients, reductions, optimiser updates and pooling.
//
// Every kernel is defined by its portable form, element by element, in terms of package exact and of the reductions of engine/SPEC.md
// section 1. For returns a table of kernels for one instruction set; all tables give the same bits, so the choice is one of speed only.
//
// Rules that hold for every kernel: the number of elements n is the length of the first slice (of dy for MaxPool2Grad), and the other
// slices must be at least as long (shorter ones panic); n may be 0; a destination may be the same slice as an input, but must not
// overlap one in any other way; nothing is allocated; any number of goroutines may call at the same time. A NaN among the results is the
// canonical one for the functions Exp to SiLU and ExpSubSum, and any NaN elsewhere.
//
// Where to read: this file says what each kernel computes and reference_test.go says it in Go. gen/kernels.go and gen/functions.go
// describe the kernels in a small instruction form, from which "go generate" makes the files kernels_*: portable Go, AVX2, AVX-512, NEON.
package vector

import "github.com/pold-network/pold/engine/internal/isa"

// Lanes is the number of partial results of every reduction: one 512-bit register, two of 256 or four of 128 hold them.
const Lanes = 16

// Kernels is the table of kernels for one instruction set.
type Kernels struct {
	Level isa.Level

	// Functions, element by element: dst[i] = f(x[i]) with the f of package exact; ReLU is x if x > 0, else +0 (also for NaN).
	Exp, Log, Tanh, Sigmoid, GELU, SiLU, ReLU func(dst, x []float32)

	// Gradients from the output y of the function: ReLUGrad is dy if y > 0, else +0; TanhGrad is dy·fma(-y, y, 1); SigmoidGrad is
	// dy·fma(-y, y, y).
	ReLUGrad, TanhGrad, SigmoidGrad func(dx, y, dy []float32)
	// Gradients from the input x of the function: dy times the derivative of package exact.
	GELUGrad, SiLUGrad func(dx, x, dy []float32)

	// Arithmetic: a+b, a-b, a·b.
	Add, Sub, Mul func(dst, a, b []float32)
	// AddScaled is fma(s, b, a).
	AddScaled func(dst, a, b []float32, s float32)
	// Scale is s·x.
	Scale func(dst, x []float32, s float32)
	// AddScalar is x+s.
	AddScalar func(dst, x []float32, s float32)
	// DivScalar is x/s.
	DivScalar func(dst, x []float32, s float32)
	// DivScale is (x/s)·t, two roundings.
	DivScale func(dst, x []float32, s, t float32)
	// Normalize is (x-offset)/divisor.
	Normalize func(dst, x []float32, offset, divisor float32)
	// Standardize is (x-mean)·rstd.
	Standardize func(dst, x []float32, mean, rstd float32)
	// Affine is fma(x, scale, shift).
	Affine func(dst, x []float32, scale, shift float32)
	// AffineRow is fma(x[i], scale[i], shift[i]).
	AffineRow func(dst, x, scale, shift []float32)
	// LayerNormGrad is rstd·fma(-xhat, b, t-a).
	LayerNormGrad func(dx, t, xhat []float32, a, b, rstd float32)

	// Reductions: element i goes to lane i mod 16, then the lanes are folded 8 on 8, 4 on 4, 2 on 2, 1 on 1.

	// Sum adds the elements; lanes start at +0.
	Sum func(x []float32) float32
	// Dot is the inner product: lane = fma(a, b, lane).
	Dot func(a, b []float32) float32
	// SumSquaredDiff is the sum of (x-mean)²: d = x-mean, lane = fma(d, d, lane).
	SumSquaredDiff func(x []float32, mean float32) float32
	// Max is the largest element: lanes start at x[0], lane = x if x > lane, and the fold compares likewise. So a NaN counts only as
	// the first element, and then it is the result. x must not be empty.
	Max func(x []float32) float32
	// ExpSubSum stores exp(x-m) and returns its Sum.
	ExpSubSum func(dst, x []float32, m float32) float32

	// Updates in place. The result is NaN if any new weight is infinite or NaN, else 0: lane = fma(w, 0, lane).

	// SGDPlain is w = fma(-rate, g, w).
	SGDPlain func(w, g []float32, rate float32) float32
	// SGD is v = fma(momentum, v, g); w = fma(-rate, v, w).
	SGD func(w, v, g []float32, rate, momentum float32) float32
	// Nesterov is v = fma(momentum, v, g); u = fma(momentum, v, g); w = fma(-rate, u, w).
	Nesterov func(w, v, g []float32, rate, momentum float32) float32
	// Adam is m = fma(beta1, m, rest1·g); v = fma(beta2, v, rest2·(g·g)); u = (m/correction1) / (sqrt(v/correction2) + epsilon);
	// w = fma(-rate, u, w·keep).
	Adam func(w, m, v, g []float32, c *AdamCoefficients) float32
	// NonFinite is NaN if any element is infinite or NaN, else 0.
	NonFinite func(x []float32) float32

	// CopyBlock copies rows of cols values; row r begins at r·stride.
	CopyBlock func(dst []float32, dstStride int, src []float32, srcStride, rows, cols int)
	// MaxPool2 takes the largest of each 2×2 block of the rows top and bottom, which are twice as long as dst, and its index: 0 top
	// left, 1 top right, 2 bottom left, 3 bottom right. The first maximum wins: only a strictly greater value replaces, NaN never.
	MaxPool2 func(dst []float32, index []uint32, top, bottom []float32)
	// MaxPool2Grad stores dy[i] at the element of block i that index[i] names and +0 at the other three.
	MaxPool2Grad func(top, bottom, dy []float32, index []uint32)
}

// AdamCoefficients is one step of Adam. Rest1 and Rest2 are 1-Beta1 and 1-Beta2, Correction1 and Correction2 are 1-Beta1^t and 1-Beta2^t
// for step t, each computed by the caller in its defined order; Keep is 1 for Adam and 1-rate·decay for AdamW.
type AdamCoefficients struct {
	Rate, Beta1, Beta2, Rest1, Rest2, Epsilon, Correction1, Correction2, Keep float32
}

// SumColumns stores in dst[j] the Sum of column j of the rows×columns matrix x, with the rows as i. lanes is scratch space of
// Lanes·columns values.
func (k *Kernels) SumColumns(dst, x []float32, rows, columns int, lanes []float32) {
	k.SumColumnsOf(dst, x, rows, columns, columns, lanes)
}

// SumColumnsOf is SumColumns for some columns of a wider matrix: row r begins at x[r·stride].
func (k *Kernels) SumColumnsOf(dst, x []float32, rows, columns, stride int, lanes []float32) {
	lanes = lanes[:Lanes*columns]
	clear(lanes)
	for r := range rows {
		lane := lanes[r%Lanes*columns:][:columns]
		k.Add(lane, lane, x[r*stride:][:columns])
	}
	for half := Lanes / 2; half > 0; half /= 2 {
		low, high := lanes[:half*columns], lanes[half*columns:2*half*columns]
		k.Add(low, low, high)
	}
	copy(dst[:columns], lanes)
}
