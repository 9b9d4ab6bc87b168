package server

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/verifier"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

const (
	// pollInterval is how often the open work is read.
	pollInterval = 250 * time.Millisecond
	// wantAttempts is how often a state that only this validator replays is fetched in vain before it is challenged.
	wantAttempts = 2
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

	asked     map[artefactKey]bundle
	downloads map[object]*download
	jobs      []job
	waits     map[uint64]jobWait // tasks whose computation failed
	abstained map[uint64]string  // tasks that can't be read, with the reason that was logged
	// lacking are the store tasks whose chunks were not here: the whole file is fetched for them, like any other.
	lacking  map[uint64]bool
	fetching int
	// computing and producing say what is under way. Chunks are read beside a computation, which may last longer than their window.
	computing bool
	producing bool
	connected bool
	done      chan func() // results of goroutines, run by the loop
	// watched are the transcripts among what is wanted; transcripts are those that were fetched, nil for files that are none.
	watched     map[object]bool
	transcripts map[object]*engine.Transcript
	// valued are the fetched files that look like tables with columns of content identifiers.
	valued map[object]bool

	mu       sync.RWMutex
	operator string
	held     map[artefactKey]bool
	reached  bool
	height   int64
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
		downloads: map[object]*download{}, waits: map[uint64]jobWait{}, abstained: map[uint64]string{}, lacking: map[uint64]bool{},
		watched: map[object]bool{}, transcripts: map[object]*engine.Transcript{}, valued: map[object]bool{},
		held: map[artefactKey]bool{}, done: make(chan func())}
}

// SetOperator says for which validator to compute. The node tells with every question, so nothing is computed before the first.
func (w *Worker) SetOperator(operator string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.operator = operator
}

// Operator is the validator that this sidecar computes for, empty before the node has asked.
func (w *Worker) Operator() string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.operator
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

// abstain says once why a task gets no answer from this validator.
func (w *Worker) abstain(id uint64, err error) {
	if w.abstained[id] != err.Error() {
		w.abstained[id] = err.Error()
		w.log.Warn("abstaining", "task", id, "reason", err)
	}
}

// start begins downloads and, if none is running, the next computation and the next store task.
func (w *Worker) start(ctx context.Context, background *sync.WaitGroup) {
	now := time.Now()
	for _, o := range w.due(now, maxFetches-w.fetching) {
		d := w.downloads[o]
		limit := d.attempt(o)
		d.busy = true
		w.fetching++
		background.Go(func() {
			file, err := w.fetch(ctx, o, limit)
			w.finish(ctx, func() {
				d.busy = false
				w.fetching--
				if err == nil {
					d.held = true
					w.read(o, file)
					w.publish(w.height)
				} else {
					d.failed(time.Now())
					w.log.Debug("not fetched yet", "cid", o.cid, "attempt", d.failures, "error", err)
				}
			})
		})
	}
	w.begin(ctx, background, now, &w.computing, func(j job) bool { return j.store == nil })
	w.begin(ctx, background, now, &w.producing, func(j job) bool { return j.store != nil })
}

// begin starts the most urgent job of some, unless one of them is under way.
func (w *Worker) begin(ctx context.Context, background *sync.WaitGroup, now time.Time, busy *bool, some func(job) bool) {
	if *busy {
		return
	}
	j, ok := w.ready(now, some)
	if !ok {
		return
	}
	*busy = true
	background.Go(func() {
		operator := w.Operator()
		answer, err := w.compute(ctx, j, operator)
		if err == nil {
			err = w.answers.Put(j.manifestHash, operator, answer)
		}
		w.finish(ctx, func() {
			*busy = false
			w.computed(ctx, j, err)
		})
	})
}

// ready returns the most urgent of some jobs whose files are held. Own segments of an audit do not hold it up for long: what can't be fetched
// is challenged.
func (w *Worker) ready(now time.Time, some func(job) bool) (job, bool) {
	for _, j := range w.jobs {
		if !some(j) || j.store != nil && w.lacking[j.task.ID] && len(j.needs) == 0 { // the next plan names the file
			continue
		}
		if _, ok := w.answers.Get(j.task.ID, j.manifestHash, w.Operator()); ok || w.waits[j.task.ID].next.After(now) || !w.holds(j.needs...) || !w.holds(w.valuesOf(j.tables)...) {
			continue
		}
		if j.audit != nil && !w.known(&j) {
			continue
		}
		j.missing = map[object]bool{}
		patient := true
		for _, o := range j.wants {
			if d, ok := w.downloads[o]; !ok || !d.held {
				j.missing[o] = true
				patient = patient && ok && d.failures >= wantAttempts
			}
		}
		if patient {
			return j, true
		}
	}
	return job{}, false
}

// known reports whether the transcript of an audit was read and its start states are held; it notes the operator's own ones.
func (w *Worker) known(j *job) bool {
	o, err := newObject(j.audit.TranscriptCid, j.audit.TranscriptSize, j.audit.TranscriptRoot)
	if err != nil {
		return false
	}
	states, wants, known := w.segments(o, j.audit, j.of, j.own)
	j.wants = wants
	return known && w.holds(states...)
}

// computed notes how a computation ended.
func (w *Worker) computed(ctx context.Context, j job, err error) {
	if err == nil {
		delete(w.waits, j.task.ID)
		w.log.Info("answer ready", "task", j.task.ID)
		return
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return
	}
	if j.store != nil && !w.lacking[j.task.ID] {
		w.lacking[j.task.ID] = true
		w.log.Info("a store task asks for chunks that are not here; fetching the file", "task", j.task.ID, "cid", j.store.Cid, "reason", err)
		return
	}
	w.abstain(j.task.ID, err)
	wait := w.waits[j.task.ID]
	wait.failures++
	wait.next = time.Now().Add(min(maxJobBackoff, time.Second<<min(wait.failures, 6)))
	w.waits[j.task.ID] = wait
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
