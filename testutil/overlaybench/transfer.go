package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pold-network/pold/testutil/bench"
)

// transferTimeout ends a transfer that hangs.
const transferTimeout = 3 * time.Minute

// errHung is what a peer returns for a transfer that hung. It does not count and is repeated, at most hangs times in a row; when ours
// hangs, the benchmark fails.
var errHung = errors.New("the transfer of a peer hung")

const hangs = 2

// system moves artefacts from a holder to a fetcher, each a process of its own.
type system interface {
	// hold gives the holder an artefact.
	hold(context.Context, artefact) error
	// fetch moves it and returns when the fetcher has all of it, verified.
	fetch(context.Context) error
	// verify compares what the fetcher has with the artefact, unless fetch has done so.
	verify(context.Context) error
	// forget takes it away from the fetcher, which may not have it yet.
	forget(context.Context) error
	// processes are the ids of holder and fetcher.
	processes() [2]int
	close() error
}

// contender lets a system move one artefact again and again. It is a bench.Contender.
type contender struct {
	ctx    context.Context
	system system
	size   int64
	proxy  *proxy // nil: straight
	cpu    []time.Duration
}

// contend starts a system's part in a comparison: its holder gets the artefact.
func contend(ctx context.Context, s system, a artefact, p *proxy) (*contender, error) {
	timed, cancel := context.WithTimeoutCause(ctx, transferTimeout, errors.New("adding the artefact took too long"))
	defer cancel()
	if err := s.hold(timed, a); err != nil {
		return nil, err
	}
	return &contender{ctx: ctx, system: s, size: a.size, proxy: p}, nil
}

// Run moves the artefact once, whatever the slot.
func (c *contender) Run(bench.Slot) (took time.Duration, err error) {
	for range hangs + 1 {
		if took, err = c.move(); !errors.Is(err, errHung) {
			break
		}
	}
	return took, err
}

func (c *contender) move() (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(c.ctx, transferTimeout, errors.New("the transfer took too long"))
	defer cancel()
	if err := c.system.forget(ctx); err != nil {
		return 0, err
	}
	unix.Sync()
	pids := c.system.processes()
	cpu, err := cpuTime(pids[:]...)
	if err != nil {
		return 0, err
	}
	carried, start := c.proxy.carried(), time.Now()
	if err := c.system.fetch(ctx); err != nil {
		return 0, err
	}
	took := time.Since(start)
	if got := c.proxy.carried() - carried; c.proxy != nil && got < c.size {
		return 0, fmt.Errorf("expected at least %d bytes to pass the proxy, %d did: the nodes found another way", c.size, got)
	}
	used, err := cpuTime(pids[:]...)
	c.cpu = append(c.cpu, used-cpu)
	return took, err
}

// rate is in MB/s.
func (c *contender) rate(s bench.Sample) float64 { return float64(c.size) / 1e6 / s.Median.Seconds() }

// cpuPerGB is the median of the CPU seconds that both ends used for 10^9 bytes.
func (c *contender) cpuPerGB() float64 {
	sorted := slices.Sorted(slices.Values(c.cpu[1:])) // the first transfer warms up
	return sorted[len(sorted)/2].Seconds() / (float64(c.size) / 1e9)
}

// plan measures transfers: rounds of each contender, and more when they differ much.
func plan(rounds int) bench.Plan {
	return bench.Plan{Slot: bench.Slot{Calls: 1}, Rounds: rounds, Limit: rounds + rounds/2, Noise: bench.NoisySpread}
}

// measure lets contenders take turns; nil ones are left out and get an empty sample.
func measure(p bench.Plan, all ...*contender) ([]bench.Sample, error) {
	var present []bench.Contender
	for _, c := range all {
		if c != nil {
			present = append(present, c)
		}
	}
	measured, err := bench.Measure(p, present...)
	if err != nil {
		return nil, err
	}
	samples := make([]bench.Sample, len(all))
	for i, c := range all {
		if c != nil {
			samples[i], measured = measured[0], measured[1:]
		}
	}
	return samples, nil
}
