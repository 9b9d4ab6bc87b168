package gemm

import "fmt"

// Product is one matrix product C = C₀ + op(A)·op(B), with op(A) m×k, op(B) k×n and C m×n, all row-major; the leading dimensions LDA,
// LDB and LDC are the distances, in elements, between the rows as they are stored. C₀ is C when Accumulate is set and +0 otherwise
// (then C is not read). TransA says that A is stored k×m, TransB that B is stored n×k. C must not overlap A or B.
//
// Element (i, j) is the chain
//
//	acc = C₀[i,j]
//	for p = 0 … k-1: acc = fma(op(A)[i,p], op(B)[p,j], acc)
//
// and nothing else: how elements are grouped into tiles or shared among threads cannot change it.
type Product struct {
	TransA, TransB bool
	M, N, K        int
	A              []float32
	LDA            int
	B              []float32
	LDB            int
	Accumulate     bool
	C              []float32
	LDC            int
}

// verify panics unless the matrices hold what the sizes promise: the kernels do not look at the ends of slices.
func (p *Product) verify() {
	if p.M < 0 || p.N < 0 || p.K < 0 {
		panic(fmt.Sprintf("gemm: expected sizes of at least 0, got m = %d, n = %d, k = %d", p.M, p.N, p.K))
	}
	if p.M == 0 || p.N == 0 {
		return
	}
	verifyMatrix("C", p.M, p.N, len(p.C), p.LDC)
	if p.K == 0 {
		return
	}
	rowsA, colsA, rowsB, colsB := p.M, p.K, p.K, p.N
	if p.TransA {
		rowsA, colsA = p.K, p.M
	}
	if p.TransB {
		rowsB, colsB = p.N, p.K
	}
	verifyMatrix("A", rowsA, colsA, len(p.A), p.LDA)
	verifyMatrix("B", rowsB, colsB, len(p.B), p.LDB)
}

func verifyMatrix(name string, rows, cols, length, ld int) {
	if ld < cols {
		panic(fmt.Sprintf("gemm: expected a leading dimension of at least %d for %s, got %d", cols, name, ld))
	}
	// The division keeps a product of sizes that does not fit an int from passing.
	if length < cols || (rows > 1 && (length-cols)/ld < rows-1) {
		panic(fmt.Sprintf("gemm: expected %d rows of %d values, %d apart, in %s, got %d values", rows, cols, ld, name, length))
	}
}

// part returns the product of the rows i0 ≤ i < i1 and the columns j0 ≤ j < j1 of C.
func (p *Product) part(i0, i1, j0, j1 int) Product {
	q := *p
	q.M, q.N = i1-i0, j1-j0
	q.C = p.C[i0*p.LDC+j0:]
	if p.K == 0 {
		return q
	}
	if p.TransA {
		q.A = p.A[i0:]
	} else {
		q.A = p.A[i0*p.LDA:]
	}
	if p.TransB {
		q.B = p.B[j0*p.LDB:]
	} else {
		q.B = p.B[j0:]
	}
	return q
}

// clear sets C to +0.
func (p *Product) clear() {
	if p.N == 0 {
		return
	}
	for i := range p.M {
		clear(p.C[i*p.LDC:][:p.N])
	}
}

// turned returns the transposed product, Cᵀ = C₀ᵀ + op(B)ᵀ·op(A)ᵀ, of a product whose C is a contiguous column: its result is a row, which
// fills vectors. The chains are the same, because a multiply-add does not depend on the order of its factors.
func (p *Product) turned() Product {
	q := *p
	q.TransA, q.TransB = !p.TransB, !p.TransA
	q.M, q.N = p.N, p.M
	q.A, q.LDA, q.B, q.LDB = p.B, p.LDB, p.A, p.LDA
	q.LDC = q.N
	return q
}

// isColumn reports whether turned may and should be used.
func (p *Product) isColumn() bool { return p.N == 1 && p.LDC == 1 && p.M > 1 }
