package main

import (
	"fmt"
	"time"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/pold-network/pold/engine/internal/gemm"
	"github.com/pold-network/pold/engine/internal/isa"
	"github.com/pold-network/pold/engine/internal/pool"
	"github.com/pold-network/pold/testutil/bench"
	"github.com/pold-network/pold/testutil/models"
)

// Goals of the products: against OpenBLAS, gonum's own kernels and the measured peak of one core.
const (
	openblasMeanGoal, openblasGoal = 1.05, 0.97
	gonumMeanGoal                  = 10
	peakMeanGoal, peakGoal         = 0.70, 0.65
)

// shape is a product m×n×k; ta and tb say that an operand is stored transposed, as in the backward pass.
type shape struct {
	m, n, k int
	ta, tb  bool
}

// The squares, and the products of the steps of a perceptron 784-512-256 with a batch of 128.
var shapes = []shape{
	{m: 128, n: 128, k: 128},
	{m: 256, n: 256, k: 256},
	{m: 512, n: 512, k: 512},
	{m: 1024, n: 1024, k: 1024},
	{m: 2048, n: 2048, k: 2048},
	{m: 128, n: 512, k: 784},
	{m: 128, n: 256, k: 512},
	{m: 784, n: 512, k: 128, ta: true},
	{m: 512, n: 256, k: 128, ta: true},
	{m: 128, n: 512, k: 256, tb: true},
}

func (s shape) String() string {
	text := fmt.Sprintf("gemm %dx%dx%d", s.m, s.n, s.k)
	if s.m == s.n && s.n == s.k {
		text = fmt.Sprintf("gemm %d^3", s.m)
	}
	switch {
	case s.ta:
		text += " TN"
	case s.tb:
		text += " NT"
	}
	return text
}

// square reports whether the share of the peak is a goal for the shape.
func (s shape) square() bool { return s.m == s.n && s.n == s.k && s.m >= 256 }

// gonumBudget leaves out products that would take gonum seconds.
const gonumBudget = 1024 * 1024 * 1024

func (r *run) products() error {
	for _, threads := range r.threads {
		if err := withThreads(threads, func() error { return r.productsWith(threads) }); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) productsWith(threads int) error {
	peer, err := r.peer("OpenBLAS", threads)
	if err != nil {
		return err
	}
	workers := pool.New(threads)
	defer workers.Close()
	multiplier := gemm.New(isa.Best(), workers)
	var openblas, native, share []bench.Row
	var limit peak
	for _, s := range shapes {
		ours, gonums := s.contenders(multiplier)
		contenders := []bench.Contender{ours}
		add := func(c bench.Contender) int { contenders = append(contenders, c); return len(contenders) - 1 }
		var atPeer, atGonum, atPeak int
		if peer != nil {
			if err := peer.Prepare("gemm", map[string]any{"m": s.m, "n": s.n, "k": s.k, "trans_a": s.ta, "trans_b": s.tb}); err != nil {
				return err
			}
			atPeer = add(peer)
		}
		if s.m*s.n*s.k <= gonumBudget {
			atGonum = add(gonums)
		}
		if s.square() && threads == 1 {
			atPeak = add(&limit)
		}
		samples, err := bench.Measure(r.planFor(threads), contenders...)
		if err != nil {
			return err
		}
		row, mine := label(s.String(), threads), s.rate(samples[0].Median)
		compare := func(at int, theirs float64, name string, goal float64) bench.Row {
			made := bench.Compare(row, mine, theirs, name, "GF/s", bench.MoreIsBetter, goal)
			made.Spread = bench.Spread(samples[0], samples[at])
			return made
		}
		if atPeer > 0 {
			openblas = append(openblas, compare(atPeer, s.rate(samples[atPeer].Median), "OpenBLAS", openblasGoal))
		} else {
			openblas = append(openblas, bench.Alone(row, mine, "OpenBLAS", "GF/s", openblasGoal))
		}
		if atGonum > 0 {
			native = append(native, compare(atGonum, s.rate(samples[atGonum].Median), "gonum", 0))
		}
		if atPeak > 0 {
			share = append(share, compare(atPeak, limit.rate(samples[atPeak].Median), "peak", peakGoal))
		}
	}
	r.report.Add(openblas...)
	r.report.Add(bench.GeometricMean(label("gemm, all shapes", threads), "OpenBLAS", openblas, openblasMeanGoal))
	r.report.Add(native...)
	r.report.Add(bench.GeometricMean(label("gemm, all shapes", threads), "gonum", native, gonumMeanGoal))
	if len(share) > 0 {
		r.report.Add(share...)
		r.report.Add(bench.GeometricMean(label("gemm, squares", threads), "peak", share, peakMeanGoal))
	}
	return nil
}

// contenders are our product and gonum's on the same operands.
func (s shape) contenders(multiplier *gemm.Multiplier) (ours, native bench.Func) {
	lda, ldb := s.k, s.n
	ta, tb := blas.NoTrans, blas.NoTrans
	if s.ta {
		lda, ta = s.m, blas.Trans
	}
	if s.tb {
		ldb, tb = s.k, blas.Trans
	}
	a, b, c := models.Numbers(s.m*s.k, 1), models.Numbers(s.k*s.n, 2), make([]float32, s.m*s.n)
	product := gemm.Product{TransA: s.ta, TransB: s.tb, M: s.m, N: s.n, K: s.k, A: a, LDA: lda, B: b, LDB: ldb, C: c, LDC: s.n}
	ours = func() error { multiplier.Multiply(&product); return nil }
	native = func() error {
		gonum.Implementation{}.Sgemm(ta, tb, s.m, s.n, s.k, 1, a, lda, b, ldb, 0, c, s.n)
		return nil
	}
	return ours, native
}

// rate is billions of floating-point operations a second, two for each multiply-add.
func (s shape) rate(d time.Duration) float64 {
	return 2 * float64(s.m) * float64(s.n) * float64(s.k) / float64(d)
}
