package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/pold-network/pold/sidecar/api"
	"github.com/pold-network/pold/sidecar/verifier"
)

// errMissing says that a file could not be fetched before the computation began.
var errMissing = errors.New("it could not be fetched")

// compute answers a task whose files are held. An error, or a panic anywhere below, means that this validator abstains.
func (w *Worker) compute(ctx context.Context, j job, operator string) (answer api.Answer, err error) {
	defer func() {
		if r := recover(); r != nil {
			answer, err = api.Answer{}, fmt.Errorf("the computation of task %d panicked: %v; please report it", j.task.ID, r)
		}
	}()
	if j.store != nil {
		ctx, cancel := context.WithTimeout(ctx, laterAttempts)
		defer cancel()
		produced, err := verifier.Produce(ctx, j.store, w.store)
		return api.Answer{TaskId: j.task.ID, Answer: produced}, err
	}
	fetch := func(ctx context.Context, cid string, size uint64, hash []byte) ([]byte, error) {
		if hash != nil { // a value is known by its CID alone
			if o, err := newObject(cid, size, hash); err != nil || j.missing[o] {
				return nil, errMissing
			}
		}
		ctx, cancel := context.WithTimeout(ctx, laterAttempts)
		defer cancel()
		return w.store.Fetch(ctx, cid, size, hash)
	}
	r, err := w.verifier.Compute(ctx, w.chain.ChainID(), j.task, operator, fetch)
	if err != nil {
		return api.Answer{}, err
	}
	if r.Problem != "" || len(r.Challenges) > 0 {
		w.log.Info("what the task is about is refuted", "task", j.task.ID, "finding", r.Problem, "challenged segments", r.Challenges)
	}
	return api.Answer{TaskId: j.task.ID, Answer: r.Answer, Personal: r.Personal, Challenges: r.Challenges}, nil
}
