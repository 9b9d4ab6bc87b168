package engine

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/gonum"
)

// chain is the definition of one element, written down once more with the oracle as its step.
func chain(p product, i, j int, c0 float32) float32 {
	return chainWith(func(x, y, z float32) float32 {
		if isFinite(x) && isFinite(y) && isFinite(z) {
			return exactFMA(x, y, z)
		}
		return twiceRounded(x, y, z)
	}, p, i, j, c0)
}

func chainWith(step func(x, y, z float32) float32, p product, i, j int, c0 float32) float32 {
	acc := float32(0)
	if p.accumulate {
		acc = c0
	}
	for q := range p.k {
		atA, atB := i*p.lda+q, q*p.ldb+j
		if p.transA {
			atA = q*p.lda + i
		}
		if p.transB {
			atB = j*p.ldb + q
		}
		acc = step(p.a[atA], p.b[atB], acc)
	}
	return acc
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return canonicalBits(x) == canonicalBits(y) })
}

// testProducts returns products of every transposition with numbers of the given kind and padded leading dimensions.
func testProducts(numbers func(n int) []float32) []product {
	var ps []product
	for _, size := range [][3]int{{1, 1, 1}, {2, 3, 5}, {7, 1, 9}, {1, 17, 33}, {16, 16, 16}, {5, 31, 0}, {0, 3, 2}, {40, 37, 50}} {
		for variant := range 8 {
			p := product{m: size[0], n: size[1], k: size[2],
				transA: variant&1 != 0, transB: variant&2 != 0, accumulate: variant&4 != 0}
			rowsA, rowsB := p.m, p.k
			p.lda, p.ldb, p.ldc = p.k+2, p.n+1, p.n+3
			if p.transA {
				rowsA, p.lda = p.k, p.m+2
			}
			if p.transB {
				rowsB, p.ldb = p.n, p.k+1
			}
			p.a, p.b, p.c = numbers(rowsA*p.lda), numbers(rowsB*p.ldb), numbers(p.m*p.ldc)
			ps = append(ps, p)
		}
	}
	return ps
}

// numberKinds are sources of matrix elements that break careless kernels.
func numberKinds() map[string]func(n int) []float32 {
	fill := func(next func(s *stream) float32) func(int) []float32 {
		s := newStream([32]byte{}, "gemm test", 0)
		return func(n int) []float32 {
			x := make([]float32, n)
			for i := range x {
				x[i] = next(s)
			}
			return x
		}
	}
	special := []float32{0, math.Float32frombits(signBit32), inf32(false), inf32(true), nan32(), 0x1p-149, math.MaxFloat32, 1}
	return map[string]func(int) []float32{
		"ordinary":      fill((*stream).symmetric),
		"coarse":        fill(func(s *stream) float32 { return float32(int(s.below(17))-8) / 4 }),
		"subnormal":     fill(func(s *stream) float32 { return floatNear(s, -100, 30) }),
		"any bits":      fill(func(s *stream) float32 { return math.Float32frombits(s.uint32()) }),
		"special cases": fill(func(s *stream) float32 { return special[s.below(uint32(len(special)))] }),
	}
}

func TestGemmIsTheChainOfItsDefinition(t *testing.T) {
	for kind, numbers := range numberKinds() {
		t.Run(kind, func(t *testing.T) {
			for _, p := range testProducts(numbers) {
				want := slices.Clone(p.c)
				for i := range p.m {
					for j := range p.n {
						want[i*p.ldc+j] = chain(p, i, j, p.c[i*p.ldc+j])
					}
				}
				portable{threads: 1}.gemm(p)
				if !sameBits(p.c, want) {
					t.Fatalf("%d×%d×%d transA=%v transB=%v accumulate=%v: a result differs from its chain",
						p.m, p.n, p.k, p.transA, p.transB, p.accumulate)
				}
			}
		})
	}
}

func TestGemmDoesNotDependOnThreads(t *testing.T) {
	const m, n, k = 53, 47, 61 // above parallelWork
	if m*n*k < parallelWork {
		t.Fatal("the product is too small to be shared")
	}
	for kind, numbers := range numberKinds() {
		p := product{m: m, n: n, k: k, a: numbers(m * k), lda: k, b: numbers(k * n), ldb: n, c: make([]float32, m*n), ldc: n}
		portable{threads: 1}.gemm(p)
		for _, threads := range []int{2, 3, 7, 100} {
			q := p
			q.c = make([]float32, m*n)
			portable{threads: threads}.gemm(q)
			if !sameBits(p.c, q.c) {
				t.Errorf("%s numbers: %d threads give other bits than one", kind, threads)
			}
		}
	}
}

func TestGemmInBlocksOfKGivesTheSameBits(t *testing.T) {
	const m, n, k = 9, 11, 64
	for kind, numbers := range numberKinds() {
		p := product{m: m, n: n, k: k, a: numbers(m * k), lda: k, b: numbers(k * n), ldb: n, c: make([]float32, m*n), ldc: n}
		portable{}.gemm(p)
		q := p
		q.c = make([]float32, m*n)
		for from := 0; from < k; from += 16 {
			block := q
			block.k, block.a, block.b, block.accumulate = 16, q.a[from:], q.b[from*n:], from > 0
			portable{}.gemm(block)
		}
		if !sameBits(p.c, q.c) {
			t.Errorf("%s numbers: four blocks of k differ from one", kind)
		}
	}
}

func TestReductionsKeepTheLaneOrder(t *testing.T) {
	s := newStream([32]byte{}, "reduce test", 0)
	for _, n := range []int{0, 1, 2, 15, 16, 17, 31, 100, 1000} {
		x := make([]float32, n)
		for i := range x {
			x[i] = floatNear(s, 0, 20)
		}
		var lane [16]float32
		for i, v := range x {
			lane[i%16] += v
		}
		for _, half := range []int{8, 4, 2, 1} {
			for i := range half {
				lane[i] += lane[i+half]
			}
		}
		if got := sum(x); math.Float32bits(got) != math.Float32bits(lane[0]) {
			t.Errorf("sum of %d numbers: expected %x, got %x", n, lane[0], got)
		}
		const columns = 3
		wide, got := make([]float32, n*columns), make([]float32, columns)
		for i, v := range x {
			wide[i*columns], wide[i*columns+2] = v, -v
		}
		sumColumns(got, wide, n, columns)
		if want := []float32{lane[0], 0, 0 - lane[0]}; !sameBits(got, want) {
			t.Errorf("sumColumns of %d rows: expected %x, got %x", n, want, got)
		}
	}
}

func TestSgemmIsTheSameProductThroughGonum(t *testing.T) {
	blas32.Use(BLAS{})
	t.Cleanup(func() { blas32.Use(gonum.Implementation{}) })
	numbers := numberKinds()["ordinary"]
	const m, n, k = 6, 5, 20
	a := blas32.General{Rows: m, Cols: k, Stride: k, Data: numbers(m * k)}
	b := blas32.General{Rows: n, Cols: k, Stride: k, Data: numbers(n * k)}
	for _, c := range []struct{ alpha, beta float32 }{{1, 0}, {1, 1}, {0.3, 0}, {-1.7, 0.9}, {0, 0.5}} {
		t.Run(fmt.Sprintf("alpha %v, beta %v", c.alpha, c.beta), func(t *testing.T) {
			before := numbers(m * n)
			if c.beta == 0 {
				before[0] = nan32() // must not be read
			}
			got := blas32.General{Rows: m, Cols: n, Stride: n, Data: slices.Clone(before)}
			blas32.Gemm(blas.NoTrans, blas.Trans, c.alpha, a, b, c.beta, got)
			for i := range m {
				for j := range n {
					acc := float32(before[i*n+j] * c.beta)
					if c.beta == 0 {
						acc = 0
					}
					for q := 0; q < k && c.alpha != 0; q++ {
						acc = exactFMA(float32(c.alpha*a.Data[i*k+q]), b.Data[j*k+q], acc)
					}
					if math.Float32bits(acc) != math.Float32bits(got.Data[i*n+j]) {
						t.Fatalf("element (%d, %d): expected %x, got %x", i, j, acc, got.Data[i*n+j])
					}
				}
			}
		})
	}
}

func TestSgemmRefusesSizesThatDoNotFit(t *testing.T) {
	x := make([]float32, 6)
	for name, call := range map[string]func(){
		"negative size":           func() { BLAS{}.Sgemm('N', 'N', -1, 2, 3, 1, x, 3, x, 2, 0, x, 2) },
		"short A":                 func() { BLAS{}.Sgemm('N', 'N', 3, 2, 3, 1, x, 3, x, 2, 0, x, 2) },
		"small leading dimension": func() { BLAS{}.Sgemm('N', 'N', 2, 2, 3, 1, x, 2, x, 2, 0, x, 2) },
		"unknown transposition":   func() { BLAS{}.Sgemm('X', 'N', 2, 2, 3, 1, x, 3, x, 2, 0, x, 2) },
	} {
		if mustPanic(call) == "" {
			t.Errorf("%s: expected a panic", name)
		}
	}
}

// mustPanic returns the text that call panics with, empty when it returns.
func mustPanic(call func()) (text string) {
	defer func() {
		if r := recover(); r != nil {
			text = fmt.Sprint(r)
		}
	}()
	call()
	return ""
}
