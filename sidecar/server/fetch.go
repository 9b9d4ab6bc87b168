package server

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/pold-network/pold/sidecar/verifier"
)

const (
	// maxFetches bounds downloads at the same time.
	maxFetches = 4
	// firstAttempt and laterAttempts bound one download, on top of slowestTransfer. The first is short, so that files nobody holds
	// don't keep those behind them waiting; blocks that arrived stay on disk for the next attempt.
	firstAttempt  = 3 * time.Second
	laterAttempts = 10 * time.Second
	// slowestTransfer is the rate in bytes per second that is waited for.
	slowestTransfer = 256 << 10
	maxBackoff      = 10 * time.Second
)

// Store is the part of a swarm node that the worker uses. Fetch takes local bytes first and verifies size and hash; without a hash the
// size is the most that the object may have. Add announces nothing. Local and Chunk ask nobody else.
type Store interface {
	verifier.Chunks
	Fetch(ctx context.Context, cid string, size uint64, sha256 []byte) ([]byte, error)
	Local(ctx context.Context, cid string) ([]byte, error)
	Add(ctx context.Context, file []byte) (cid string, err error)
	Provide(ctx context.Context, cid string) error
	Remove(cid string) error
}

// download is what the worker knows about an object.
type download struct {
	held     bool
	busy     bool
	failures int
	next     time.Time // no attempt before
	order    int       // place in the current plan
}

// attempt is how long the next download may take.
func (d *download) attempt(o object) time.Duration {
	base := laterAttempts
	if d.failures == 0 {
		base = firstAttempt
	}
	return base + time.Duration(o.size/slowestTransfer)*time.Second
}

// failed schedules the next attempt.
func (d *download) failed(now time.Time) {
	d.failures++
	wait := maxBackoff
	if d.failures < 6 {
		wait = min(maxBackoff, 500*time.Millisecond<<d.failures)
	}
	d.next = now.Add(wait)
}

// due returns at most n objects to fetch now: those that failed least first, then in the order of the plan.
func (w *Worker) due(now time.Time, n int) []object {
	var waiting []object
	for o, d := range w.downloads {
		if !d.held && !d.busy && !d.next.After(now) {
			waiting = append(waiting, o)
		}
	}
	slices.SortFunc(waiting, func(a, b object) int {
		x, y := w.downloads[a], w.downloads[b]
		return cmp.Or(cmp.Compare(x.failures, y.failures), cmp.Compare(x.order, y.order))
	})
	return waiting[:min(max(n, 0), len(waiting))]
}

// fetch downloads one object, checks it and tells others that it can be had here.
func (w *Worker) fetch(ctx context.Context, o object, limit time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if o.values {
		return nil, w.fetchValues(ctx, o)
	}
	b, err := w.checked(ctx, o.cid, o.size, o.hash)
	if err != nil {
		return nil, err
	}
	if err := w.store.Provide(ctx, o.cid); err != nil {
		w.log.Debug("could not announce an object", "cid", o.cid, "error", err)
	}
	return b, nil
}
