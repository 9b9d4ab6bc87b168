package engine

import (
	"runtime"
	"sync"
)

// product is one matrix product C = C₀ + op(A)·op(B), with op(A) m×k, op(B) k×n and C m×n, all row-major with leading dimensions.
// C₀ is C when accumulate is set and +0 otherwise (then C is not read).
//
// Element (i, j) is the chain
//
//	acc = C₀[i,j]
//	for p = 0 … k-1: acc = fma32(op(A)[i,p], op(B)[p,j], acc)
//
// and nothing else: how elements are grouped into tiles or shared among threads cannot change it.
type product struct {
	transA, transB bool
	m, n, k        int
	a              []float32
	lda            int
	b              []float32
	ldb            int
	accumulate     bool
	c              []float32
	ldc            int
}

// parallelWork is the number of multiply-adds from which a product is worth sharing among goroutines.
const parallelWork = 1 << 16

func (be portable) gemm(p product) {
	if p.m == 0 || p.n == 0 {
		return
	}
	if p.transB {
		p.b, p.ldb, p.transB = transposed(p.b, p.ldb, p.n, p.k), p.n, false
	}
	workers := be.threads
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	workers = min(workers, p.m)
	if workers < 2 || p.m*p.n*p.k < parallelWork {
		p.rows(0, p.m)
		return
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { p.rows(w*p.m/workers, (w+1)*p.m/workers) })
	}
	wg.Wait()
}

// transposed returns the k×n transpose of an n×k matrix.
func transposed(b []float32, ldb, n, k int) []float32 {
	t := make([]float32, n*k)
	for j := range n {
		for i, v := range b[j*ldb:][:k] {
			t[i*n+j] = v
		}
	}
	return t
}

// rows computes the rows from ≤ i < to of C; B is not transposed any more. The loop over j inside the loop over p runs n independent
// chains side by side, which hides the latency of each.
func (p product) rows(from, to int) {
	rowStep, colStep := p.lda, 1
	if p.transA {
		rowStep, colStep = 1, p.lda
	}
	for i := from; i < to; i++ {
		c := p.c[i*p.ldc:][:p.n]
		if !p.accumulate {
			clear(c)
		}
		for q := range p.k {
			x := p.a[i*rowStep+q*colStep]
			b := p.b[q*p.ldb:][:len(c)]
			for j, y := range b {
				c[j] = fma32(x, y, c[j])
			}
		}
	}
}
