package server

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/pold-network/pold/sidecar/verifier"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

const (
	// pollInterval is how often the open work is read.
	pollInterval = 250 * time.Millisecond
	// maxJobBackoff bounds the wait before a failed computation is tried again.
	maxJobBackoff = time.Minute
)

// Chain is what the worker asks the node.
type Chain interface {
	ChainID() string
	Work(ctx context.Context) (*attestationtypes.QueryWorkResponse, error)
}

// Worker follows the chain and keeps the answers ready. Its state belongs to the goroutine of Run; what others read is behind mu.
type Worker struct {
	chain    Chain
	store    Store
	verifier *verifier.Verifier
	answers  *Answers
	log      *slog.Logger

	asked     map[artefactKey]object
	downloads map[object]*download
	jobs      []job
	waits     map[uint64]jobWait // tasks whose computation failed
	abstained map[uint64]string  // tasks that can't be read, with the reason that was logged
	fetching  int
	computing bool
	connected bool
	done      chan func() // results of goroutines, run by the loop

	mu      sync.RWMutex
	held    map[artefactKey]bool
	reached bool
	height  int64
}

type jobWait struct {
	failures int
	next     time.Time
}

// artefactKey is a question of the chain: the id and what it is about.
type artefactKey struct {
	id   uint64
	hash string
}

// NewWorker returns a worker that Run starts.
func NewWorker(chain Chain, store Store, v *verifier.Verifier, answers *Answers, log *slog.Logger) *Worker {
	return &Worker{chain: chain, store: store, verifier: v, answers: answers, log: log, connected: true,
		downloads: map[object]*download{}, waits: map[uint64]jobWait{}, abstained: map[uint64]string{},
		held: map[artefactKey]bool{}, done: make(chan func())}
}

// Run works until the context ends. A node that is down is asked again quietly.
func (w *Worker) Run(ctx context.Context) error {
	var background sync.WaitGroup
	defer background.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		w.step(ctx, &background)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case result := <-w.done:
			result()
			w.start(ctx, &background)
		case <-tick.C:
		}
	}
}

// step reads the open work and starts what can be started.
func (w *Worker) step(ctx context.Context, background *sync.WaitGroup) {
	work, err := w.chain.Work(ctx)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		if w.connected {
			w.log.Warn("the node does not answer; trying again", "error", err)
		}
		w.connected = false
		return
	}
	if !w.connected {
		w.log.Info("the node answers again", "height", work.Height)
	}
	w.connected = true
	w.plan(work)
	w.start(ctx, background)
}

// plan turns the open work into downloads and jobs and forgets what is over.
func (w *Worker) plan(work *attestationtypes.QueryWorkResponse) {
	artefacts := map[artefactKey]object{}
	wanted := map[object]int{}
	want := func(o object) {
		if _, ok := wanted[o]; !ok {
			wanted[o] = len(wanted)
		}
	}
	for _, a := range work.Artefacts {
		if o, err := newObject(a.Cid, a.Size_, a.Sha256); err == nil {
			artefacts[artefactKey{a.Id, string(a.Sha256)}] = o
			want(o)
		}
	}
	w.jobs = w.jobs[:0]
	open := map[uint64]bool{}
	for _, t := range work.Tasks {
		open[t.Id] = true
		if _, ok := w.answers.Get(t.Id, t.ManifestHash); ok {
			continue
		}
		j, err := newJob(w.chain.ChainID(), t)
		if err != nil {
			w.abstain(t.Id, err)
			continue
		}
		w.jobs = append(w.jobs, j)
	}
	sortJobs(w.jobs)
	for _, j := range w.jobs {
		for _, o := range j.needs {
			want(o)
		}
	}
	for o, place := range wanted {
		d, ok := w.downloads[o]
		if !ok {
			d = &download{}
			w.downloads[o] = d
		}
		d.order = place
	}
	for o, d := range w.downloads {
		if _, ok := wanted[o]; !ok && !d.busy {
			delete(w.downloads, o)
		}
	}
	for id := range w.waits {
		if !open[id] {
			delete(w.waits, id)
		}
	}
	for id := range w.abstained {
		if !open[id] {
			delete(w.abstained, id)
		}
	}
	w.asked = artefacts
	w.publish(work.Height)
}

// publish shows the gRPC service what is held.
func (w *Worker) publish(height int64) {
	held := make(map[artefactKey]bool, len(w.asked))
	for key, o := range w.asked {
		if d, ok := w.downloads[o]; ok && d.held {
			held[key] = true
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held, w.reached, w.height = held, true, height
}

// abstain says once why a task gets no answer from this validator.
func (w *Worker) abstain(id uint64, err error) {
	if w.abstained[id] != err.Error() {
		w.abstained[id] = err.Error()
		w.log.Warn("abstaining", "task", id, "reason", err)
	}
}

// start begins downloads and, if none is running, the next computation.
func (w *Worker) start(ctx context.Context, background *sync.WaitGroup) {
	now := time.Now()
	for _, o := range w.due(now, maxFetches-w.fetching) {
		d := w.downloads[o]
		limit := d.attempt(o)
		d.busy = true
		w.fetching++
		background.Go(func() {
			err := w.fetch(ctx, o, limit)
			w.finish(ctx, func() {
				d.busy = false
				w.fetching--
				if err == nil {
					d.held = true
					w.publish(w.height)
				} else {
					d.failed(time.Now())
					w.log.Debug("not fetched yet", "cid", o.cid, "attempt", d.failures, "error", err)
				}
			})
		})
	}
	if w.computing {
		return
	}
	j, ok := w.ready(now)
	if !ok {
		return
	}
	w.computing = true
	background.Go(func() {
		answer, err := w.compute(ctx, j)
		if err == nil {
			err = w.answers.Put(j.id, j.manifestHash, answer)
		}
		w.finish(ctx, func() {
			w.computing = false
			w.computed(ctx, j, err)
		})
	})
}

// ready returns the most urgent job that lacks neither files nor patience.
func (w *Worker) ready(now time.Time) (job, bool) {
next:
	for _, j := range w.jobs {
		if _, ok := w.answers.Get(j.id, j.manifestHash); ok || w.waits[j.id].next.After(now) {
			continue
		}
		for _, o := range j.needs {
			if d, ok := w.downloads[o]; !ok || !d.held {
				continue next
			}
		}
		return j, true
	}
	return job{}, false
}

// computed notes how a computation ended.
func (w *Worker) computed(ctx context.Context, j job, err error) {
	if err == nil {
		delete(w.waits, j.id)
		w.log.Info("answer ready", "task", j.id)
		return
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return
	}
	w.abstain(j.id, err)
	wait := w.waits[j.id]
	wait.failures++
	wait.next = time.Now().Add(min(maxJobBackoff, time.Second<<min(wait.failures, 6)))
	w.waits[j.id] = wait
	// The files may have been damaged on disk since they were fetched.
	for _, o := range j.needs {
		if d, ok := w.downloads[o]; ok && !d.busy {
			d.held, d.next = false, time.Time{}
		}
	}
}

// finish hands a result to the loop, unless that has ended.
func (w *Worker) finish(ctx context.Context, result func()) {
	select {
	case w.done <- result:
	case <-ctx.Done():
	}
}

// Held reports whether all bytes of an artefact are here and verified.
func (w *Worker) Held(id uint64, hash []byte) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.held[artefactKey{id, string(hash)}]
}

// Progress returns the height of the last open work that was read, how many asked artefacts are held, and whether the node has ever
// answered.
func (w *Worker) Progress() (height int64, held int, reached bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.height, len(w.held), w.reached
}
