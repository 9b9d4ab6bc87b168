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
	open  atomic.Bool    // task and shares may be read by a worker that is counted in users

	task   Task
	shares []share // one for each thread

	_     [64]byte
	users atomic.Int32 // workers that may be in the job, and ownerWaits when the owner sleeps until they are gone
	done  chan struct{}
}

// ownerWaits is added to users by an owner that goes to sleep.
const ownerWaits = 1 << 30

// share is a range of parts that one thread takes first. The same thread has the same share of every job with as many parts, so that it
// finds in its cache what it left there: fetching it from that of another processor costs as much as computing it.
type share struct {
	next atomic.Int64 // written by everybody who takes a part: a cache line of its own
	end  int64
	_    [112]byte
}

func newJob(threads int) *job {
	return &job{shares: make([]share, threads), done: make(chan struct{}, 1)}
}

// divide gives every thread its share of the parts, the first threads the larger ones.
func (j *job) divide(parts int) {
	threads := len(j.shares)
	for i := range j.shares {
		j.shares[i].next.Store(int64((i*parts + threads - 1) / threads))
		j.shares[i].end = int64(((i+1)*parts + threads - 1) / threads)
	}
}

// drain takes parts until none is left: those of the worker's own share, then those of the others.
func (j *job) drain(worker int) {
	t := j.task
	for i := range j.shares {
		s := &j.shares[(worker+i)%len(j.shares)]
		for {
			part := s.next.Add(1) - 1
			if part >= s.end {
				break
			}
			t.Do(int(part), worker)
		}
	}
}

// left reports whether there are parts that nobody has taken.
func (j *job) left() bool {
	for i := range j.shares {
		if s := &j.shares[i]; s.next.Load() < s.end {
			return true
		}
	}
	return false
}

// help lets a worker take parts if the job is open.
func (j *job) help(w *worker) {
	if !j.open.Load() {
		return
	}
	j.users.Add(1)
	// The shares belong to the owner until the job is known to be open.
	if j.open.Load() && j.left() && w.fit() {
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
