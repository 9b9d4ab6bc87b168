package pool

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// worker is a goroutine that is locked to its thread.
type worker struct {
	pool      *Pool
	number    int
	goroutine atomic.Uintptr
	asleep    atomic.Bool
	wake      chan struct{} // one token for each change of asleep from true to false by somebody else
	unfit     bool
}

// spinning counts the workers of all pools that are looking for work without sleeping. More of them than processors that are not
// needed by a caller would take time from the very work they wait for.
var spinning atomic.Int32

func (w *worker) live(started *sync.WaitGroup) {
	runtime.LockOSThread() // never unlocked: the thread ends with the worker
	p := w.pool
	defer p.running.Done()
	w.goroutine.Store(goroutine())
	defer w.goroutine.Store(0)
	fit := w.fit()
	started.Done()
	if !fit {
		return
	}
	limit := int32(runtime.GOMAXPROCS(0) - 1)
	for seen := uint64(0); ; {
		now := p.work.Load()
		if now == seen {
			if !w.spin(seen, limit) {
				w.sleep(seen)
			}
			continue
		}
		seen = now
		if p.closed.Load() {
			return
		}
		for _, j := range *p.jobs.Load() {
			j.help(w)
		}
		if w.unfit {
			return
		}
	}
}

// fit checks the floating-point mode of the thread; after the first failure the worker computes no more.
func (w *worker) fit() bool {
	if w.unfit {
		return false
	}
	if err := w.pool.check(); err != nil {
		w.unfit = true
		failure := fmt.Errorf("worker thread %d: %w", w.number, err)
		w.pool.failure.CompareAndSwap(nil, &failure)
		return false
	}
	return true
}

// spin waits actively for an event after seen, for a short time only. It reports whether there was one.
func (w *worker) spin(seen uint64, limit int32) bool {
	defer spinning.Add(-1)
	if spinning.Add(1) > limit {
		return false
	}
	for start := ticks(); ticks()-start < spinTicks; {
		if w.pool.work.Load() != seen {
			return true
		}
	}
	return false
}

// sleep waits for an event after seen.
func (w *worker) sleep(seen uint64) {
	w.asleep.Store(true)
	if w.pool.work.Load() != seen && w.asleep.CompareAndSwap(true, false) {
		return // the event came before rouse could see that the worker was going to sleep
	}
	<-w.wake
}

// rouse wakes the worker if it is asleep and reports whether it was. It is called after the event has been counted.
func (w *worker) rouse() bool {
	if !w.asleep.Load() || !w.asleep.CompareAndSwap(true, false) {
		return false
	}
	w.wake <- struct{}{}
	return true
}
