package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/pold-network/pold/testutil/bench"
)

// entry is one contender of a contest: how to start its system, and what it moves.
type entry struct {
	name  string
	size  int64
	start func(context.Context, *proxy) (system, error)
}

// result is what a contender of a contest has reached.
type result struct {
	*contender
	sample bench.Sample
}

// rateAgainst makes a row of the rates of two contenders, of which the peer may be missing.
func (ours result) rateAgainst(row string, peer result, peerName string, goal float64) bench.Row {
	if peer.contender == nil {
		return bench.Alone(row, ours.rate(ours.sample), peerName, "MB/s", goal)
	}
	r := bench.Compare(row, ours.rate(ours.sample), peer.rate(peer.sample), peerName, "MB/s", bench.MoreIsBetter, goal)
	r.Spread = bench.Spread(ours.sample, peer.sample)
	return r
}

// contest measures systems against each other over lines with a round trip time; 0 is the straight way. Missing entries have no start
// function and get an empty result.
func (r *run) contest(ctx context.Context, dir string, rtt time.Duration, rounds int, entries ...entry) (_ []result, err error) {
	contenders := make([]*contender, len(entries))
	for i, e := range entries {
		if e.start == nil {
			continue
		}
		var p *proxy
		if rtt > 0 {
			if p, err = newProxy(line{delay: rtt / 2}); err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(err, p.close()) }()
		}
		var s system
		if s, err = e.start(ctx, p); err != nil {
			return nil, fmt.Errorf("%s: %w", e.name, err)
		}
		defer func() { err = errors.Join(err, s.close()) }()
		var a artefact
		if a, err = newArtefact(filepath.Join(dir, fmt.Sprintf("artefact-%d", i)), e.size, uint64(e.size)); err != nil {
			return nil, err
		}
		if contenders[i], err = contend(ctx, s, a, p); err != nil {
			return nil, fmt.Errorf("%s: %w", e.name, err)
		}
	}
	samples, err := measure(plan(rounds), contenders...)
	if err != nil {
		return nil, err
	}
	results := make([]result, len(entries))
	for i, c := range contenders {
		results[i] = result{c, samples[i]}
		if c == nil {
			continue
		}
		if err := c.system.verify(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", entries[i].name, err)
		}
	}
	return results, nil
}

// The systems of contests. Their stores are folders under dir.

func oursEntry(dir string, size int64) entry {
	return entry{name: "ours", size: size, start: func(ctx context.Context, p *proxy) (system, error) { return startOurs(ctx, dir, p) }}
}

func (r *run) kuboEntry(dir string, size int64) entry {
	e := entry{name: "Kubo", size: size}
	if r.kubo != "" {
		e.start = func(ctx context.Context, p *proxy) (system, error) { return startKubo(ctx, r.kubo, dir, p) }
	}
	return e
}

func bitswapEntry(size int64) entry {
	return entry{name: "tuned bitswap", size: size, start: func(ctx context.Context, p *proxy) (system, error) { return startTunedBitswap(ctx, p) }}
}

func tcpEntry(size int64) entry {
	return entry{name: "TCP copy", size: size, start: func(context.Context, *proxy) (system, error) { return startTCPCopy() }}
}
