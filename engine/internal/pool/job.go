package pool

import (
	"runtime"
	"sync/atomic"
)

// job is one Run. A worker takes part in this order: count itself in users, see that the job is open, take parts, count itself out.
// The owner in this order: close the job, see that users is zero. The operations are sequentially consistent, so either the worker
// sees that the job is closed or the owner sees the worker.
type job struct {
	taken atomic.Bool
	owner atomic.Uintptr // the goroutine in Run, 0 when there is none
	open  atomic.Bool    // task and parts may be read by a worker that is counted in users

	task  Task
	parts int64

	_     [64]byte // next is written by everybody all the time: a cache line of its own
	next  atomic.Int64
	_     [64]byte
	users atomic.Int32 // workers that may be in the job, and ownerWaits when the owner sleeps until they are gone
	done  chan struct{}
}

// ownerWaits is added to users by an owner that goes to sleep.
const ownerWaits = 1 << 30

func newJob() *job { return &job{done: make(chan struct{}, 1)} }

// drain takes parts until none is left.
func (j *job) drain(worker int) {
	t, parts := j.task, j.parts
	for {
		part := j.next.Add(1) - 1
		if part >= parts {
			return
		}
		t.Do(int(part), worker)
	}
}

// help lets a worker take parts if the job is open.
func (j *job) help(w *worker) {
	if !j.open.Load() {
		return
	}
	j.users.Add(1)
	// parts belongs to the owner until the job is known to be open.
	if j.open.Load() && j.next.Load() < j.parts && w.fit() {
		j.drain(w.number)
	}
	if j.users.Add(-1) == ownerWaits && j.users.CompareAndSwap(ownerWaits, 0) {
		j.done <- struct{}{}
	}
}

// release ends the job: it waits for the workers that have begun a part and frees the job for the next Run.
func (j *job) release() {
	j.open.Store(false)
	if !j.quiet() {
		// Whoever takes ownerWaits off again, exactly one, has seen that nobody is left; a worker then tells the owner.
		if j.users.Add(ownerWaits) != ownerWaits || !j.users.CompareAndSwap(ownerWaits, 0) {
			<-j.done
		}
	}
	j.task = nil
	j.owner.Store(0)
	j.taken.Store(false)
}

// quiet spins until no worker is in the job. It gives up, with false, when that takes longer than a worker should need for a part.
func (j *job) quiet() bool {
	for start := ticks(); ; {
		if j.users.Load() == 0 {
			return true
		}
		if ticks()-start > spinTicks/4 {
			break
		}
	}
	runtime.Gosched()
	return j.users.Load() == 0
}
