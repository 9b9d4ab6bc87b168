package main

import (
	"math"
	"time"

	"github.com/pold-network/pold/engine/internal/isa"
	"github.com/pold-network/pold/engine/internal/vector"
	"github.com/pold-network/pold/testutil/bench"
	"github.com/pold-network/pold/testutil/models"
)

// The matrix that elementwise functions are measured on: small enough for the second-level cache.
const functionRows, functionColumns = 256, 768

// functions measures elementwise functions on one thread. They have no goals of their own; the goals are those of whole steps.
func (r *run) functions() error {
	const threads = 1
	peer, err := r.peer("PyTorch", threads)
	if err != nil {
		return err
	}
	for _, f := range elementwise(vector.For(isa.Best())) {
		samples, err := r.against(threads, f.call, peer, "elementwise",
			map[string]any{"function": f.name, "rows": functionRows, "columns": functionColumns})
		if err != nil {
			return err
		}
		const elements = functionRows * functionColumns
		r.report.Add(timeRow(label(f.name, threads), samples, elements*time.Nanosecond, "PyTorch", "ns/element", 0))
	}
	return nil
}

type function struct {
	name string
	call bench.Func
}

// elementwise lists the functions, the last two put together from kernels the way the layers do it.
func elementwise(k *vector.Kernels) []function {
	x := models.Numbers(functionRows*functionColumns, 1)
	y, ones, zeros := make([]float32, len(x)), make([]float32, functionColumns), make([]float32, functionColumns)
	for i := range ones {
		ones[i] = 1
	}
	plain := func(f func(dst, x []float32)) bench.Func { return func() error { f(y, x); return nil } }
	rows := func(f func(dst, x []float32)) bench.Func {
		return func() error {
			for i := 0; i < len(x); i += functionColumns {
				f(y[i:i+functionColumns], x[i:i+functionColumns])
			}
			return nil
		}
	}
	return []function{
		{"exp", plain(k.Exp)},
		{"tanh", plain(k.Tanh)},
		{"gelu", plain(k.GELU)},
		{"softmax", rows(func(dst, x []float32) { k.DivScalar(dst, dst, k.ExpSubSum(dst, x, k.Max(x))) })},
		{"layernorm", rows(func(dst, x []float32) {
			mean := k.Sum(x) / functionColumns
			variance := k.SumSquaredDiff(x, mean) / functionColumns
			k.Standardize(dst, x, mean, 1/float32(math.Sqrt(float64(variance+1e-5))))
			k.AffineRow(dst, dst, ones, zeros)
		})},
	}
}
