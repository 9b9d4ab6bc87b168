package gemm

import (
	"fmt"
	"slices"
	"sync"

	"github.com/pold-network/pold/engine/internal/isa"
	"github.com/pold-network/pold/engine/internal/pool"
)

// Multiplier computes products with the kernels of one instruction set on the threads of one pool. It may be used by several
// goroutines at once.
type Multiplier struct {
	kernels *kernelSet
	pool    *pool.Pool
	mu      sync.Mutex
	idle    []*shared
	grids   map[shape]grid
}

// New returns a Multiplier. It panics if this processor does not support the level.
func New(level isa.Level, p *pool.Pool) *Multiplier {
	if !slices.Contains(isa.Supported(), level) {
		panic(fmt.Sprintf("gemm: expected an instruction set of this processor (%v), got %v", isa.Supported(), level))
	}
	return &Multiplier{kernels: kernelsOf(level), pool: p, grids: map[shape]grid{}}
}

// Multiply computes the product on the threads of the pool. It panics if the sizes do not fit the slices. In the steady state, the same
// sizes again and as many callers as before, it does not allocate.
func (m *Multiplier) Multiply(p *Product) {
	p.verify()
	if p.M == 0 || p.N == 0 {
		return
	}
	if p.isColumn() {
		q := p.turned()
		p = &q
	}
	m.mu.Lock()
	g := m.gridFor(p)
	m.mu.Unlock()
	m.share(p, g)
}

// share computes the product in the parts of the grid.
func (m *Multiplier) share(p *Product, g grid) {
	s := m.take()
	defer m.put(s)
	if g.rows*g.cols == 1 {
		m.kernels.serial(p, &s.scratch[0])
		return
	}
	s.product, s.grid = *p, g
	// All workers get what they may need now: which of them takes the largest part, and when for the first time, is chance.
	for i := range s.scratch {
		m.kernels.reserve(&s.scratch[i], p, g)
	}
	m.pool.Run(g.rows*g.cols, s)
}

// Serial computes the product on the calling goroutine alone. Only one goroutine at a time may use the scratch memory.
func (m *Multiplier) Serial(p *Product, s *Scratch) {
	p.verify()
	if p.isColumn() {
		q := p.turned()
		p = &q
	}
	m.kernels.serial(p, s)
}

// shared is a product that is shared among threads: part number i of the grid is the task of whoever comes first.
type shared struct {
	kernels *kernelSet
	product Product
	grid    grid
	scratch []Scratch // one for each worker
}

// Do computes one part.
func (s *shared) Do(part, worker int) {
	p := &s.product
	i, j := part/s.grid.cols, part%s.grid.cols
	lanes := s.kernels.lanes
	vectors := (p.N + lanes - 1) / lanes
	q := p.part(i*p.M/s.grid.rows, (i+1)*p.M/s.grid.rows,
		j*vectors/s.grid.cols*lanes, min((j+1)*vectors/s.grid.cols*lanes, p.N))
	s.kernels.serial(&q, &s.scratch[worker])
}

func (m *Multiplier) take() *shared {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.idle); n > 0 {
		s := m.idle[n-1]
		m.idle = m.idle[:n-1]
		return s
	}
	return &shared{kernels: m.kernels, scratch: make([]Scratch, m.pool.Threads())}
}

func (m *Multiplier) put(s *shared) {
	s.product = Product{} // keeps no matrix alive
	m.mu.Lock()
	defer m.mu.Unlock()
	m.idle = append(m.idle, s)
}
