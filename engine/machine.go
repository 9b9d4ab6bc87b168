package engine

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pold-network/pold/engine/internal/gemm"
	"github.com/pold-network/pold/engine/internal/isa"
	"github.com/pold-network/pold/engine/internal/pool"
	"github.com/pold-network/pold/engine/internal/vector"
)

// Config chooses how results are computed. It can't change a result.
type Config struct {
	Backend string // one of Backends; empty: the fastest
	Threads int    // 0: one per processor
}

// Backends lists the instruction sets that this processor can run, the slowest ("portable", the reference) first.
func Backends() []string {
	var names []string
	for _, l := range isa.Supported() {
		names = append(names, l.String())
	}
	return names
}

// maxThreads bounds Config.Threads.
const maxThreads = 1024

// Configure sets the backend and the number of threads of models that are made from now on.
func Configure(c Config) error {
	level := isa.Best()
	if c.Backend != "" {
		var err error
		if level, err = isa.Parse(c.Backend); err != nil || !slices.Contains(isa.Supported(), level) {
			return fmt.Errorf("backend %q can't run here; expected one of %s", c.Backend, strings.Join(Backends(), ", "))
		}
	}
	if c.Threads < 0 || c.Threads > maxThreads {
		return fmt.Errorf("expected 0 to %d threads, got %d", maxThreads, c.Threads)
	}
	configured.Lock()
	defer configured.Unlock()
	configured.machine = newMachine(level, c.Threads)
	return nil
}

// Backend describes what models made now compute with, for logs: the instruction set and the number of threads.
func Backend() (name string, threads int) {
	m := defaultMachine()
	return m.vec.Level.String(), m.pool.Threads()
}

var configured struct {
	sync.Mutex
	machine *machine
}

// defaultMachine is what Configure chose last, or the fastest backend on all processors.
func defaultMachine() *machine {
	configured.Lock()
	defer configured.Unlock()
	if configured.machine == nil {
		configured.machine = newMachine(isa.Best(), 0)
	}
	return configured.machine
}

// machine is what models compute with: one instruction set and its workers. Any machine gives the same bits.
type machine struct {
	vec  *vector.Kernels
	mul  multiplier
	pool *pool.Pool
}

// multiplier is the matrix product of package gemm.
type multiplier interface {
	Multiply(p *gemm.Product)
	Serial(p *gemm.Product, s *gemm.Scratch)
}

func newMachine(level isa.Level, threads int) *machine {
	p := pool.New(threads)
	return &machine{vec: vector.For(level), mul: gemm.New(level, p), pool: p}
}

// task is work over the numbers from 0 to n-1, cut into pieces that any worker may take in any order. It is made once and run often,
// so that a training step allocates nothing.
type task struct {
	work     func(worker, from, to int)
	n, piece int
}

// Do implements pool.Task.
func (t *task) Do(part, worker int) {
	from := part * t.piece
	t.work(worker, from, min(from+t.piece, t.n))
}

// run works through n numbers in pieces of the given size.
func (m *machine) run(t *task, n, piece int) {
	if n <= piece || m.pool.Threads() == 1 {
		if n > 0 {
			t.work(0, 0, n)
		}
		return
	}
	t.n, t.piece = n, piece
	m.pool.Run((n+piece-1)/piece, t)
}

// elementPiece is the number of values of an elementwise operation from which sharing pays, and the size of a share.
const elementPiece = 1 << 13

// rowPiece returns how many rows of the given width make a share.
func rowPiece(width int) int { return max(1, elementPiece/max(1, width)) }
