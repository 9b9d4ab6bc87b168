// Package pool shares the parts of a short computation among processors.
//
// Starting a goroutine costs more than many of the engine's matrix products, so a Pool keeps its workers: after a job a worker looks
// for the next one for a fraction of a millisecond before it goes to sleep. The caller of Run works too, takes parts until none is
// left, and then waits only for parts that somebody has begun. A worker that is asleep, or that the operating system does not let
// run, therefore delays nobody. Which worker computes which part is chance; a Task must give the same result for every distribution.
//
// Every worker is locked to its operating system thread and computes only while the floating-point mode of that thread is the one of
// the engine's definition; see CheckWorkers.
package pool

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/pold-network/pold/engine/internal/isa"
)

// Task is a computation in numbered parts.
type Task interface {
	// Do computes one part. The number worker is in [0, Threads); of one Run, no two calls that run at the same time share it, so it
	// can choose scratch memory.
	Do(part, worker int)
}

// Pool is a set of workers. All methods may be called by several goroutines at once.
type Pool struct {
	threads int
	workers []*worker
	jobs    atomic.Pointer[[]*job] // grows, never shrinks; the elements are used again
	grow    sync.Mutex
	work    atomic.Uint64 // counts the events that a worker should look at: jobs and Close
	closed  atomic.Bool
	running sync.WaitGroup
	failure atomic.Pointer[error] // first wrong floating-point mode found by a worker
	check   func() error          // isa.CheckMode, except in tests
}

// New starts a pool that computes on the given number of threads, the caller of Run included. With 0 it takes GOMAXPROCS.
func New(threads int) *Pool { return newPool(threads, isa.CheckMode) }

func newPool(threads int, check func() error) *Pool {
	if threads < 0 {
		panic(fmt.Sprintf("pool: expected at least 0 threads, got %d", threads))
	}
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	p := &Pool{threads: threads, check: check}
	p.jobs.Store(&[]*job{newJob(threads)})
	var started sync.WaitGroup
	for i := 1; i < threads; i++ {
		w := &worker{pool: p, number: i, wake: make(chan struct{}, 1)}
		p.workers = append(p.workers, w)
		started.Add(1)
		p.running.Add(1)
		go w.live(&started)
	}
	started.Wait()
	return p
}

// Threads returns the number of threads, the caller of Run included.
func (p *Pool) Threads() int { return p.threads }

// Run calls t.Do once for every part in [0, parts) and returns when all calls have returned. It allocates nothing once as many Runs as
// ever before have been under way at once. A Run from inside a Do runs entirely on the goroutine that calls it, as worker 0. Run
// panics if the floating-point mode of the calling thread is wrong, because the results would be too.
func (p *Pool) Run(parts int, t Task) {
	if parts <= 0 {
		return
	}
	if err := p.checkCaller(); err != nil {
		panic("pool: " + err.Error())
	}
	if len(p.workers) == 0 {
		runInline(parts, t)
		return
	}
	self := goroutine()
	if p.inside(self) {
		runInline(parts, t)
		return
	}
	j := p.acquire()
	j.owner.Store(self)
	j.task = t
	j.divide(parts)
	j.open.Store(true)
	p.work.Add(1)
	for i, need := 0, parts-1; i < len(p.workers) && need > 0; i++ {
		if p.workers[i].rouse() {
			need--
		}
	}
	defer j.release() // also when a Do panics, so that the other callers go on
	j.drain(0)
}

// CheckWorkers returns an error if the floating-point mode of the calling thread is wrong, or was found wrong in a worker when the pool
// started or at any job since. Such a worker has stopped for good without computing anything in that mode: the results so far are
// right, but something in the process is not to be trusted.
func (p *Pool) CheckWorkers() error {
	if err := p.failure.Load(); err != nil {
		return *err
	}
	return p.checkCaller()
}

// Close stops the workers and waits until they are gone. A Run under way, or a later one, is completed by its caller.
func (p *Pool) Close() {
	p.closed.Store(true)
	p.work.Add(1)
	for _, w := range p.workers {
		w.rouse()
	}
	p.running.Wait()
}

func (p *Pool) checkCaller() error {
	if err := isa.CheckMode(); err != nil {
		return fmt.Errorf("calling thread: %w", err)
	}
	return nil
}

func runInline(parts int, t Task) {
	for part := range parts {
		t.Do(part, 0)
	}
}

// inside reports whether the goroutine is in a Do of this pool: it is a worker, or it has called Run and not come back.
func (p *Pool) inside(self uintptr) bool {
	for _, w := range p.workers {
		if w.goroutine.Load() == self {
			return true
		}
	}
	for _, j := range *p.jobs.Load() {
		if j.owner.Load() == self {
			return true
		}
	}
	return false
}

// acquire returns a job that nobody uses.
func (p *Pool) acquire() *job {
	for {
		known := p.jobs.Load()
		for _, j := range *known {
			if j.taken.CompareAndSwap(false, true) {
				return j
			}
		}
		p.grow.Lock()
		if p.jobs.Load() == known {
			more := append(append([]*job(nil), *known...), newJob(p.threads))
			p.jobs.Store(&more)
		}
		p.grow.Unlock()
	}
}
