package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pold-network/pold/testutil/bench"
)

// Goals of growth: how many times longer many nodes may take than few, and how many copies the origin may send.
const (
	goalGrowth = 1.6
	goalCopies = 3
)

const (
	fewNodes    = 8
	manyNodes   = 64
	scaleSize   = 32 * mib
	scaleUpload = 2_000_000 // bytes a second
	scaleRings  = 5         // at most 10 neighbours
	scaleSeed   = 1
	// scaleRounds are the most that count: each takes half a minute and more.
	scaleRounds  = 2
	scaleTimeout = 3 * time.Minute
)

// scale moves 32 MiB from one node to few and to many others. Nobody has more than 10 members as neighbours; all others that a node meets
// by the DHT are its guests.
func (r *run) scale(ctx context.Context) (err error) {
	dir, remove, err := r.scratch("scale")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	origin := func(node, _ int) bool { return node == 0 }
	var contenders []*spreading
	for _, n := range []int{fewNodes, manyNodes} {
		name := fmt.Sprintf("%d nodes", n)
		g, err := openGroup(ctx, filepath.Join(dir, fmt.Sprint(n)), rings(n, scaleRings, scaleSeed), scaleUpload)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		defer func() { err = errors.Join(err, g.close()) }()
		if err := settle(ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		contenders = append(contenders, &spreading{ctx: ctx, nodes: g, dir: dir, name: name, size: scaleSize, timeout: scaleTimeout, holds: origin})
	}
	few, many := contenders[0], contenders[1]
	samples, err := bench.Measure(plan(min(r.rounds, scaleRounds)), few, many)
	if err != nil {
		return err
	}
	const row = "32 MiB to 64 nodes"
	growth := bench.Compare(row, samples[1].Median.Seconds(), samples[0].Median.Seconds(), few.name, "s", bench.LessIsBetter, 1/goalGrowth)
	growth.Spread = bench.Spread(samples...)
	ideal := time.Duration(scaleSize * int64(time.Second) / scaleUpload).Seconds()
	r.report.Add(
		growth,
		bench.Compare(row, samples[1].Median.Seconds(), ideal, "ideal", "s", bench.LessIsBetter, 0),
		bench.Compare("32 MiB to 8 nodes", samples[0].Median.Seconds(), ideal, "ideal", "s", bench.LessIsBetter, 0),
		bench.Compare(row+", copies sent by the origin", many.copies(), goalCopies, "limit", "copies", bench.LessIsBetter, 1),
		bench.Alone("32 MiB to 8 nodes, copies sent by the origin", few.copies(), "", "copies", 0),
		bench.Alone(row+", duplicates", many.duplicates(), "", "%", 0),
		bench.Alone(row+", processors in use", many.processors(), "", "%", 0),
	)
	return nil
}

// settle waits until the nodes of this process have done what they do after their start, at most half a minute.
func settle(ctx context.Context) error {
	const idle = 0.25 // of one processor
	before, err := cpuTime(os.Getpid())
	for range 15 {
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(2 * time.Second):
		}
		var now time.Duration
		if now, err = cpuTime(os.Getpid()); err == nil && (now-before).Seconds() < 2*idle {
			return nil
		}
		before = now
	}
	return err
}
