package engine

import (
	"fmt"

	"gonum.org/v1/gonum/blas"

	"github.com/pold-network/pold/engine/internal/gemm"
)

// BLAS is the matrix product of this package behind gonum's single precision interface:
//
//	blas32.Use(engine.BLAS{})
//
// Only Sgemm is defined. Every other routine panics, so that no routine whose result depends on the processor can slip in unnoticed.
type BLAS struct{}

var _ blas.Float32 = BLAS{}

// Sgemm computes C = alpha·op(A)·op(B) + beta·C, row-major. Each element starts as acc = beta·C[i,j] rounded (+0 without reading C when
// beta is 0, C itself when beta is 1) and then adds the k products in ascending order with acc = fma32(alpha·op(A)[i,p], op(B)[p,j],
// acc), where alpha·op(A)[i,p] is rounded (A itself when alpha is 1). When alpha or k is 0, A and B are not read. Like gonum's it
// panics on sizes that do not fit.
func (BLAS) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	transA, transB := isTransposed("A", tA), isTransposed("B", tB)
	rowsA, colsA, rowsB, colsB := m, k, k, n
	if transA {
		rowsA, colsA = k, m
	}
	if transB {
		rowsB, colsB = n, k
	}
	if m < 0 || n < 0 || k < 0 {
		panic(fmt.Sprintf("engine: Sgemm: expected sizes of at least 0, got m = %d, n = %d, k = %d", m, n, k))
	}
	if m == 0 || n == 0 {
		return
	}
	checkMatrix("C", m, n, c, ldc)
	for i := range m {
		row := c[i*ldc:][:n]
		switch beta {
		case 0:
			clear(row)
		case 1:
		default:
			for j := range row {
				row[j] *= beta
			}
		}
	}
	if alpha == 0 || k == 0 {
		return
	}
	checkMatrix("A", rowsA, colsA, a, lda)
	checkMatrix("B", rowsB, colsB, b, ldb)
	if alpha != 1 {
		scaled := make([]float32, rowsA*colsA)
		for i := range rowsA {
			for j, v := range a[i*lda:][:colsA] {
				scaled[i*colsA+j] = alpha * v
			}
		}
		a, lda = scaled, colsA
	}
	defaultMachine().mul.Multiply(&gemm.Product{TransA: transA, TransB: transB, M: m, N: n, K: k,
		A: a, LDA: lda, B: b, LDB: ldb, Accumulate: true, C: c, LDC: ldc})
}

func isTransposed(name string, t blas.Transpose) bool {
	switch t {
	case blas.NoTrans:
		return false
	case blas.Trans, blas.ConjTrans:
		return true
	}
	panic(fmt.Sprintf("engine: Sgemm: expected blas.NoTrans, blas.Trans or blas.ConjTrans for %s, got %q", name, rune(t)))
}

func checkMatrix(name string, rows, cols int, x []float32, ld int) {
	if ld < max(1, cols) {
		panic(fmt.Sprintf("engine: Sgemm: expected a leading dimension of at least %d for %s, got %d", max(1, cols), name, ld))
	}
	if need := (rows-1)*ld + cols; len(x) < need {
		panic(fmt.Sprintf("engine: Sgemm: expected at least %d values in %s (%d rows of %d), got %d", need, name, rows, cols, len(x)))
	}
}
