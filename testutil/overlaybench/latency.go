package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Goals of the transfer over a long line.
const (
	goalKuboFar    = 10
	goalBitswapFar = 0.85
)

// lines are the round trips of the section. Kubo has one chunk on its way, so that it gets smaller artefacts, whose rate is the same.
var lines = []struct {
	rtt    time.Duration
	kubo   int64 // size of its artefact
	rounds int   // at most
	goals  bool
}{
	{10 * time.Millisecond, 32 * mib, 1, false},
	{50 * time.Millisecond, 32 * mib, 3, true},
	{100 * time.Millisecond, 16 * mib, 1, false},
}

// latency moves 256 MiB from one holder to one fetcher over lines with a delay and no limit of bandwidth.
func (r *run) latency(ctx context.Context) error {
	for _, l := range lines {
		if err := r.far(ctx, l.rtt, l.kubo, min(l.rounds, r.rounds), l.goals); err != nil {
			return fmt.Errorf("%v: %w", l.rtt, err)
		}
	}
	return nil
}

func (r *run) far(ctx context.Context, rtt time.Duration, kuboSize int64, rounds int, goals bool) (err error) {
	const size = 256 * mib
	dir, remove, err := r.scratch("latency")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	got, err := r.contest(ctx, dir, rtt, rounds, oursEntry(dir, size), r.kuboEntry(dir, kuboSize), bitswapEntry(size))
	if err != nil {
		return err
	}
	var kuboGoal, bitswapGoal float64
	if goals {
		kuboGoal, bitswapGoal = goalKuboFar, goalBitswapFar
	}
	row := fmt.Sprintf("256 MiB at %v round trip", rtt)
	r.report.Add(
		got[0].rateAgainst(row, got[1], fmt.Sprintf("Kubo, %d MiB", kuboSize/mib), kuboGoal),
		got[0].rateAgainst(row, got[2], "tuned bitswap", bitswapGoal),
	)
	return nil
}
