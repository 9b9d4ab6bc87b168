package server

import (
	"context"
	"fmt"

	"github.com/pold-network/pold/sidecar/verifier"
)

// compute answers a task whose files are held. An error, or a panic anywhere below, means that this validator abstains.
func (w *Worker) compute(ctx context.Context, j job) (answer []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			answer, err = nil, fmt.Errorf("the computation of task %d panicked: %v; please report it", j.id, r)
		}
	}()
	fetch := func(ctx context.Context, cid string, size uint64, hash []byte) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, laterAttempts)
		defer cancel()
		return w.store.Fetch(ctx, cid, size, hash)
	}
	if j.score != nil {
		a, err := w.verifier.Score(ctx, j.score, fetch)
		if err != nil {
			return nil, err
		}
		return a.Encode(), nil
	}
	table := j.data.Table
	file, err := fetch(ctx, table.Cid, table.Size_, table.Sha256)
	if err != nil {
		return nil, err
	}
	a, err := verifier.CheckData(j.data, file, j.manifestHash)
	if err != nil {
		return nil, err
	}
	return a.Encode(), nil
}
