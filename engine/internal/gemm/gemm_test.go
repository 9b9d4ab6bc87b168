package gemm

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"github.com/pold-network/pold/engine/internal/exact"
	"github.com/pold-network/pold/engine/internal/isa"
	"github.com/pold-network/pold/engine/internal/pool"
)

// expected is a product with its right result.
type expected struct {
	*Product
	result []float32
}

func expect(p *Product) expected {
	q := p.withC()
	q.reference()
	return expected{p, q.C}
}

func (e expected) verify(t *testing.T, what string, compute func(*Product)) {
	t.Helper()
	q := e.withC()
	compute(q)
	if i := firstDifference(q.C, e.result); i >= 0 {
		t.Fatalf("%s, %v: C[%d,%d]: expected %08x, got %08x", what, q, i/q.LDC, i%q.LDC,
			math.Float32bits(e.result[i]), math.Float32bits(q.C[i]))
	}
}

func TestTheReferenceIsTheChainOfItsDefinition(t *testing.T) {
	for kind := range kinds {
		next := source(kind)
		for _, size := range [][3]int{{1, 1, 1}, {2, 3, 5}, {7, 1, 9}, {1, 17, 33}, {16, 16, 16}, {5, 31, 0}, {0, 3, 2}} {
			for variant := range 8 {
				p := product(size[0], size[1], size[2], variant, 2, next)
				e := expect(p)
				for i := range p.M {
					for j := range p.N {
						acc := float32(0)
						if p.Accumulate {
							acc = p.C[i*p.LDC+j]
						}
						for q := range p.K {
							atA, atB := i*p.LDA+q, q*p.LDB+j
							if p.TransA {
								atA = q*p.LDA + i
							}
							if p.TransB {
								atB = j*p.LDB + q
							}
							acc = exact.FMA(p.A[atA], p.B[atB], acc)
						}
						if got := e.result[i*p.LDC+j]; exact.CanonicalBits(got) != exact.CanonicalBits(acc) {
							t.Fatalf("%s numbers, %v: C[%d,%d]: expected %x, got %x", kinds[kind].name, p, i, j, acc, got)
						}
					}
				}
			}
		}
	}
}

// TestEveryTile runs every kernel, as all heights and widths of tiles occur, with every kind of number.
func TestEveryTile(t *testing.T) {
	for kind := range kinds {
		next := source(kind)
		var all []expected
		for m := 1; m <= 17; m++ {
			for n := 1; n <= 50; n++ {
				k := 1 + (3*m+5*n)%21
				all = append(all, expect(product(m, n, k, m+n/2+kind, (m+n)%3, next)))
			}
		}
		forEachLevel(t, 1, func(t *testing.T, m *Multiplier) {
			var s Scratch
			for _, e := range all {
				e.verify(t, kinds[kind].name, func(p *Product) { m.Serial(p, &s) })
			}
		})
	}
}

// TestBlocks goes over the edges of the blocks of the driver, made small for this, with all kinds of numbers and threads.
func TestBlocks(t *testing.T) {
	small := blocking{blockK: 20, blockA: 500, blockColumns: 96, inPlaceRows: 24, blockTransposed: 16}
	sizes := [][3]int{{1, 100, 70}, {3, 20, 21}, {9, 50, 46}, {24, 60, 40}, {25, 61, 41}, {26, 49, 20}, {27, 97, 33}, {70, 200, 19}, {90, 10, 50}, {65, 131, 77},
		{50, 1, 30}, {3, 1, 45}}
	for kind := range kinds {
		next := source(kind)
		var all []expected
		for i, size := range sizes {
			for variant := range 8 {
				if kind == 0 || (variant+i+kind)%4 == 0 { // all variants with ordinary numbers are enough
					all = append(all, expect(product(size[0], size[1], size[2], variant, []int{0, 3}[(i+variant/2+variant/4)%2], next)))
				}
			}
		}
		for _, threads := range []int{1, 2, 3, 7} {
			forEachLevel(t, threads, func(t *testing.T, m *Multiplier) {
				if m.kernels.level == isa.Portable && threads > 2 {
					return
				}
				k := *m.kernels
				k.blocking, k.worthSharing = small, 1
				m.kernels = &k
				for _, e := range all {
					e.verify(t, fmt.Sprintf("%s, %d threads", kinds[kind].name, threads), m.Multiply)
				}
			})
		}
	}
}

// TestRealSizes computes products of the size that models have, with the blocks as they are.
func TestRealSizes(t *testing.T) {
	if testing.Short() {
		t.Skip("slow under emulation")
	}
	var all []expected
	for variant, size := range [][3]int{{130, 100, 784}, {250, 400, 513}, {32, 784, 144}, {64, 64, 32}, {300, 500, 128}} {
		all = append(all, expect(product(size[0], size[1], size[2], variant, variant%2, source(0))))
	}
	forEachLevel(t, 2, func(t *testing.T, m *Multiplier) {
		if m.kernels.level == isa.Portable {
			return
		}
		for _, e := range all {
			e.verify(t, "two threads", m.Multiply)
		}
	})
}

// TestNothingToAdd covers empty products: C becomes C₀.
func TestNothingToAdd(t *testing.T) {
	forEachLevel(t, 2, func(t *testing.T, m *Multiplier) {
		for _, size := range [][3]int{{0, 5, 5}, {5, 0, 5}, {20, 30, 0}} {
			for variant := range 8 {
				expect(product(size[0], size[1], size[2], variant, 1, source(0))).verify(t, "empty", m.Multiply)
			}
		}
	})
}

// TestEveryGridOfParts forces cuts that the cost model may never choose here.
func TestEveryGridOfParts(t *testing.T) {
	next := source(0)
	p := pool.New(3)
	defer p.Close()
	for variant := range 8 {
		e := expect(product(37, 83, 19, variant, 1, next))
		for _, level := range isa.Supported() {
			m := New(level, p)
			for _, g := range []grid{{1, 2}, {2, 1}, {2, 2}, {3, 5}, {37, 1}, {5, 3}} {
				e.verify(t, fmt.Sprintf("%v in %v", level, g), func(q *Product) { m.share(q, g) })
			}
		}
	}
}

func TestACallerOutsideThePoolAndNestedCallersAgree(t *testing.T) {
	p := pool.New(3)
	defer p.Close()
	m := New(isa.Best(), p)
	e := expect(product(70, 90, 60, 0, 0, source(0)))
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for range 20 {
				e.verify(t, "concurrent callers", m.Multiply)
			}
		})
	}
	callers.Wait()
	p.Run(5, nested(func() { e.verify(t, "inside a task", m.Multiply) }))
}

type nested func()

func (f nested) Do(int, int) { f() }

func TestSizesThatDoNotFitAreRefused(t *testing.T) {
	m := New(isa.Best(), pool.New(1))
	good := func() *Product { return product(4, 5, 6, 0, 0, source(0)) }
	for name, spoil := range map[string]func(p *Product){
		"negative m":              func(p *Product) { p.M = -1 },
		"short A":                 func(p *Product) { p.A = p.A[1:] },
		"short B":                 func(p *Product) { p.B = p.B[:len(p.B)-1] },
		"short C":                 func(p *Product) { p.C = p.C[1:] },
		"small leading dimension": func(p *Product) { p.LDB = 4 },
		"transposed A":            func(p *Product) { p.TransA = true; p.LDA = 3 },
		"transposed B":            func(p *Product) { p.TransB = true; p.LDB = 5 },
		"sizes beyond an int":     func(p *Product) { p.M, p.LDA, p.LDC = math.MaxInt/2, math.MaxInt/2, math.MaxInt/2 },
	} {
		p := good()
		spoil(p)
		for call, f := range map[string]func(){"Multiply": func() { m.Multiply(p) }, "Serial": func() { m.Serial(p, new(Scratch)) }} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: expected a panic of %s", name, call)
					}
				}()
				f()
			}()
		}
	}
}

func TestTheSteadyStateDoesNotAllocate(t *testing.T) {
	sizes := [][3]int{{64, 64, 32}, {128, 200, 300}, {300, 100, 50}, {7, 500, 20}, {600, 1, 700}}
	for _, threads := range []int{1, 2} {
		forEachLevel(t, threads, func(t *testing.T, m *Multiplier) {
			var products []*Product
			for _, s := range sizes {
				for variant := range 4 {
					if m.kernels.level == isa.Portable {
						s[0], s[1] = s[0]/8+1, s[1]/8+1
					}
					products = append(products, product(s[0], s[1], s[2], variant, 1, source(0)))
				}
			}
			var s Scratch
			for _, p := range products {
				m.Multiply(p)
				m.Serial(p, &s)
			}
			for _, p := range products {
				if n := testing.AllocsPerRun(3, func() { m.Multiply(p) }); n != 0 {
					t.Errorf("Multiply %v: %v allocations", p, n)
				}
				if n := testing.AllocsPerRun(3, func() { m.Serial(p, &s) }); n != 0 {
					t.Errorf("Serial %v: %v allocations", p, n)
				}
			}
		})
	}
}

// TestTheGeneratorKnowsTheArguments pins the layout that layout.go of the generator repeats.
func TestTheGeneratorKnowsTheArguments(t *testing.T) {
	var x tiles
	for i, offset := range []uintptr{unsafe.Offsetof(x.a), unsafe.Offsetof(x.rowStep), unsafe.Offsetof(x.kStep), unsafe.Offsetof(x.b),
		unsafe.Offsetof(x.bStep), unsafe.Offsetof(x.c), unsafe.Offsetof(x.cStep), unsafe.Offsetof(x.k), unsafe.Offsetof(x.count),
		unsafe.Offsetof(x.nextA), unsafe.Offsetof(x.nextB), unsafe.Offsetof(x.nextC), unsafe.Offsetof(x.mask),
		unsafe.Offsetof(x.accumulate), unsafe.Offsetof(x.kernel)} {
		if runtime.GOARCH != "386" && offset != uintptr(8*i) {
			t.Errorf("field %d of tiles: expected offset %d, got %d", i, 8*i, offset)
		}
	}
}

func TestThePeakLoopCountsItsOperations(t *testing.T) {
	for _, level := range isa.Supported() {
		one, hundred := PeakLoop(level, 1), PeakLoop(level, 100)
		if one <= 0 || hundred != 100*one || one%int64(2*kernelsOf(level).lanes) != 0 {
			t.Errorf("%v: expected whole vectors of multiply-adds in every round, got %d operations in 1 round and %d in 100", level, one, hundred)
		}
		if PeakLoop(level, 0) != 0 {
			t.Errorf("%v: expected nothing to be done in 0 rounds", level)
		}
	}
}
