package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pold-network/pold/sidecar/swarm"
	"github.com/pold-network/pold/testutil/bench"
)

// Goals of crowds: how many times the ideal time they may take, and how many percent may come twice.
const (
	goalFlashCrowd = 1.5
	goalHalfCrowd  = 1.25
	goalDuplicates = 4
)

const (
	crowdNodes  = 8
	crowdSize   = 64 * mib
	crowdUpload = 20_000_000 // bytes a second
	crowdSeed   = 1
	// crowdRounds are the most that count: stock bitswap takes half a minute.
	crowdRounds = 3
	// crowdTimeout ends a transfer whose ideal time is some seconds.
	crowdTimeout = 90 * time.Second
)

// crowd moves 64 MiB between 8 nodes that are neighbours of each other: from one to all others, and when none of them has all.
func (r *run) crowd(ctx context.Context) (err error) {
	const chunks = crowdSize / swarm.ChunkSize
	dir, remove, err := r.scratch("crowd")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	ours, err := openGroup(ctx, dir, everybody(crowdNodes), crowdUpload)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.close()) }()
	stock, err := openStockCrowd(ctx, crowdNodes, crowdUpload)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stock.close()) }()
	for _, c := range []struct {
		row   string
		crowd crowd
		goal  float64
	}{
		{"64 MiB from 1 of 8 nodes", flashCrowd(crowdNodes, chunks, swarm.ChunkSize), goalFlashCrowd},
		{"64 MiB, 8 nodes hold half", halfCrowd(crowdNodes, chunks, swarm.ChunkSize, crowdSeed), goalHalfCrowd},
	} {
		spread := func(name string, nodes spreader, peer bool) *spreading {
			return &spreading{ctx: ctx, nodes: nodes, dir: dir, name: name, size: crowdSize, timeout: crowdTimeout, holds: c.crowd.holds, peer: peer}
		}
		our, peer := spread("ours", ours, false), spread("stock bitswap", stock, true)
		samples, err := bench.Measure(plan(min(r.rounds, crowdRounds)), our, peer)
		if err != nil {
			return fmt.Errorf("%s: %w", c.row, err)
		}
		seconds := samples[0].Median.Seconds()
		ideal := bench.Compare(c.row, seconds, c.crowd.ideal(crowdUpload).Seconds(), "ideal", "s", bench.LessIsBetter, 1/c.goal)
		ideal.Spread = samples[0].Spread
		r.report.Add(ideal, bench.Compare(c.row+", duplicates", our.duplicates(), goalDuplicates, "limit", "%", bench.LessIsBetter, 1))
		if peer.hung != "" {
			fmt.Fprintf(r.out, "stock bitswap, %s: %s\n", c.row, peer.hung)
			r.report.Add(bench.Alone(c.row, seconds, "stock bitswap", "s", 0))
		} else {
			against := bench.Compare(c.row, seconds, samples[1].Median.Seconds(), "stock bitswap", "s", bench.LessIsBetter, 0)
			against.Spread = bench.Spread(samples...)
			r.report.Add(against, bench.Compare(c.row+", duplicates", our.duplicates(), peer.duplicates(), "stock bitswap", "%", bench.LessIsBetter, 0))
		}
		r.report.Add(bench.Alone(c.row+", processors in use", our.processors(), "", "%", 0))
	}
	return nil
}
