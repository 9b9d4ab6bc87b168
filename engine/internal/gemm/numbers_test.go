package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/engine/internal/isa"
	"github.com/pold-network/pold/engine/internal/pool"
)

// kinds are sources of matrix elements that break careless kernels.
var kinds = []struct {
	name string
	next func(r *rand.Rand) float32
}{
	{"ordinary", func(r *rand.Rand) float32 { return 2*r.Float32() - 1 }},
	{"coarse", func(r *rand.Rand) float32 { return float32(r.IntN(17)-8) * 0x1.001p-2 }}, // many sums half way between two numbers
	{"subnormal", func(r *rand.Rand) float32 {
		return float32(r.IntN(1<<24)-1<<23) * float32(math.Ldexp(1, -90-r.IntN(20)))
	}},
	{"any bits", func(r *rand.Rand) float32 { return math.Float32frombits(r.Uint32()) }},
	{"special", func(r *rand.Rand) float32 {
		return []float32{0, float32(math.Copysign(0, -1)), exact.Inf(false), exact.Inf(true), exact.NaN(), 0x1p-149, -math.MaxFloat32, 1}[r.IntN(8)]
	}},
}

// source returns the source of numbers of a kind.
func source(kind int) func() float32 {
	r := rand.New(rand.NewPCG(1, uint64(kind)))
	return func() float32 { return kinds[kind].next(r) }
}

// product returns a product of random numbers. Bit 0 of variant transposes A, bit 1 B, bit 2 accumulates; pad is added to the leading
// dimensions. What is no element of A or B is NaN, so that it spoils results when it is used.
func product(m, n, k, variant, pad int, next func() float32) *Product {
	p := &Product{TransA: variant&1 != 0, TransB: variant&2 != 0, Accumulate: variant&4 != 0, M: m, N: n, K: k}
	p.A, p.LDA = matrix(m, k, p.TransA, pad, next)
	p.B, p.LDB = matrix(k, n, p.TransB, pad, next)
	p.C, p.LDC = matrix(m, n, false, pad, next)
	return p
}

func matrix(rows, cols int, transposed bool, pad int, next func() float32) ([]float32, int) {
	if transposed {
		rows, cols = cols, rows
	}
	if rows*cols == 0 {
		return nil, cols + pad
	}
	x := make([]float32, (rows-1)*(cols+pad)+cols)
	for i := range x {
		x[i] = exact.NaN()
		if i%(cols+pad) < cols {
			x[i] = next()
		}
	}
	return x, cols + pad
}

func (p *Product) String() string {
	return fmt.Sprintf("%d×%d×%d transA=%v transB=%v accumulate=%v lda=%d ldb=%d ldc=%d",
		p.M, p.N, p.K, p.TransA, p.TransB, p.Accumulate, p.LDA, p.LDB, p.LDC)
}

// withC returns the same product with a result of its own.
func (p *Product) withC() *Product {
	q := *p
	q.C = slices.Clone(p.C)
	return &q
}

// firstDifference returns the first index at which the bits differ, all NaN being equal, or -1.
func firstDifference(a, b []float32) int {
	for i := range a {
		if exact.CanonicalBits(a[i]) != exact.CanonicalBits(b[i]) {
			return i
		}
	}
	return -1
}

func forEachLevel(t *testing.T, threads int, f func(t *testing.T, m *Multiplier)) {
	p := pool.New(threads)
	defer p.Close()
	for _, level := range isa.Supported() {
		t.Run(level.String(), func(t *testing.T) { f(t, New(level, p)) })
	}
}
