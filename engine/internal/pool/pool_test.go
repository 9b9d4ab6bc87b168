package pool

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// counter counts how often each part is done and which workers are in a Do at the same time.
type counter struct {
	t       *testing.T
	done    []atomic.Int32
	busy    []atomic.Int32 // per worker
	work    func(part, worker int)
	workers atomic.Int64 // bit set of the workers seen
}

func newCounter(t *testing.T, parts, threads int) *counter {
	return &counter{t: t, done: make([]atomic.Int32, parts), busy: make([]atomic.Int32, threads)}
}

func (c *counter) Do(part, worker int) {
	if c.busy[worker].Add(1) != 1 {
		c.t.Errorf("two calls share worker %d", worker)
	}
	if c.work != nil {
		c.work(part, worker)
	}
	c.done[part].Add(1)
	c.workers.Or(1 << worker)
	c.busy[worker].Add(-1)
}

func (c *counter) verify() {
	c.t.Helper()
	for part := range c.done {
		if n := c.done[part].Load(); n != 1 {
			c.t.Fatalf("part %d of %d: expected to be done once, got %d times", part, len(c.done), n)
		}
	}
}

func TestEveryPartIsDoneOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 7} {
		p := New(threads)
		for _, parts := range []int{0, 1, 2, 3, 10, 1000} {
			for range 50 {
				c := newCounter(t, parts, threads)
				p.Run(parts, c)
				c.verify()
			}
		}
		p.Close()
	}
}

func TestSeveralCallersShareAPool(t *testing.T) {
	p := New(4)
	defer p.Close()
	var callers sync.WaitGroup
	for range 6 {
		callers.Go(func() {
			for range 200 {
				c := newCounter(t, 20, 4)
				p.Run(20, c)
				c.verify()
			}
		})
	}
	callers.Wait()
}

func TestANestedRunIsInline(t *testing.T) {
	p := New(3)
	defer p.Close()
	for range 100 {
		outer := newCounter(t, 12, 3)
		outer.work = func(part, worker int) {
			self := goroutine()
			inner := newCounter(t, 9, 3)
			inner.work = func(int, int) {
				if goroutine() != self {
					t.Error("a part of a nested Run was done on another goroutine")
				}
			}
			p.Run(9, inner)
			inner.verify()
			if inner.workers.Load() != 1 {
				t.Error("a nested Run has another worker than 0")
			}
		}
		p.Run(12, outer)
		outer.verify()
	}
}

func TestWorkersReallyHelp(t *testing.T) {
	p := New(2)
	defer p.Close()
	// Each of two parts waits for the other one: without a second worker this test would not end.
	var both sync.WaitGroup
	for range 100 {
		both.Add(2)
		c := newCounter(t, 2, 2)
		c.work = func(int, int) { both.Done(); both.Wait() }
		p.Run(2, c)
		c.verify()
	}
}

func TestSleepingWorkersAreWoken(t *testing.T) {
	p := New(3)
	defer p.Close()
	for range 5 {
		for _, w := range p.workers {
			for !w.asleep.Load() {
				runtime.Gosched()
			}
		}
		var all sync.WaitGroup
		all.Add(3)
		c := newCounter(t, 3, 3)
		c.work = func(int, int) { all.Done(); all.Wait() }
		p.Run(3, c)
		c.verify()
	}
}

func TestACallerThatSleepsIsWokenByTheLastWorker(t *testing.T) {
	p := New(2)
	defer p.Close()
	for range 20 {
		var begun sync.WaitGroup
		begun.Add(2)
		c := newCounter(t, 2, 2)
		c.work = func(_, worker int) {
			begun.Done()
			begun.Wait()
			if worker == 0 {
				return
			}
			for start := ticks(); ticks()-start < 2*spinTicks; { // longer than the owner spins
			}
		}
		p.Run(2, c)
		c.verify()
	}
}

func TestAWorkerInAWrongModeComputesNothing(t *testing.T) {
	wrong := errors.New("rounds toward zero")
	t.Run("from the start", func(t *testing.T) {
		p := newPool(3, func() error { return wrong })
		defer p.Close()
		c := newCounter(t, 100, 3)
		p.Run(100, c)
		c.verify()
		if c.workers.Load() != 1 {
			t.Error("a worker in a wrong mode has computed")
		}
		if err := p.CheckWorkers(); !errors.Is(err, wrong) {
			t.Errorf("CheckWorkers: expected the worker's error, got %v", err)
		}
	})
	t.Run("later on", func(t *testing.T) {
		var broken atomic.Bool
		p := newPool(2, func() error {
			if broken.Load() {
				return wrong
			}
			return nil
		})
		defer p.Close()
		if err := p.CheckWorkers(); err != nil {
			t.Fatal(err)
		}
		broken.Store(true)
		for p.CheckWorkers() == nil {
			c := newCounter(t, 10, 2)
			p.Run(10, c)
			c.verify()
			if c.workers.Load() != 1 {
				t.Fatal("a worker in a wrong mode has computed")
			}
		}
	})
	t.Run("a healthy pool has no complaint", func(t *testing.T) {
		p := New(3)
		defer p.Close()
		if err := p.CheckWorkers(); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseEndsTheWorkersAndRunStillWorks(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		p := New(5)
		p.Run(10, newCounter(t, 10, 5))
		p.Close()
		c := newCounter(t, 10, 5)
		p.Run(10, c)
		c.verify()
		p.Close()
	}
	// A goroutine that has left its last deferred call is still counted for a moment.
	for runtime.NumGoroutine() > before {
		runtime.Gosched()
	}
}

func TestAPanicInTheCallersPartFreesTheJob(t *testing.T) {
	p := New(2)
	defer p.Close()
	for range 10 {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("expected the panic of the Do to reach the caller")
				}
			}()
			c := newCounter(t, 1, 2)
			c.work = func(int, int) { panic("part") }
			p.Run(1, c)
		}()
	}
	if n := len(*p.jobs.Load()); n != 1 {
		t.Errorf("expected one job that is used again, got %d", n)
	}
}

type nothing struct{}

func (nothing) Do(part, worker int) {}

// meeting has parts that wait for each other, so that every worker takes one.
type meeting struct{ begun sync.WaitGroup }

func (m *meeting) Do(part, worker int) {
	m.begun.Done()
	m.begun.Wait()
}

func TestRunDoesNotAllocate(t *testing.T) {
	p := New(3)
	defer p.Close()
	if n := testing.AllocsPerRun(100, func() { p.Run(8, nothing{}) }); n != 0 {
		t.Errorf("parts without work: expected no allocation, got %v per Run", n)
	}
	var m meeting
	if n := testing.AllocsPerRun(100, func() { m.begun.Add(3); p.Run(3, &m) }); n != 0 {
		t.Errorf("parts for every worker: expected no allocation, got %v per Run", n)
	}
}

func BenchmarkRun(b *testing.B) {
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("%d threads", threads), func(b *testing.B) {
			p := New(threads)
			defer p.Close()
			for b.Loop() {
				p.Run(threads, nothing{})
			}
		})
	}
}
