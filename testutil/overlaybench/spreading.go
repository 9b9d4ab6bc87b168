package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pold-network/pold/sidecar/swarm"
	"github.com/pold-network/pold/testutil/bench"
)

// spreader is nodes in this process that exchange one artefact until all have it.
type spreader interface {
	// hold gives each node the chunks that it has from the start.
	hold(ctx context.Context, a artefact, holds func(node, chunk int) bool) error
	// fetch returns when all nodes have everything, verified.
	fetch(context.Context) error
	// verify compares what they have with the artefact, unless fetch has done so.
	verify(context.Context, artefact) error
	// forget takes it away from them.
	forget(context.Context) error
	// traffic is what each node has exchanged since it was opened.
	traffic() ([]swarm.Traffic, error)
	close() error
}

// warmup is the part of an artefact that the first turn moves, which does not count: it opens streams and finds out how fast they are.
const warmup = 8

// holdTimeout is how long it may take to give the nodes what they hold, and to verify what they have.
const holdTimeout = 5 * time.Minute

// spreading lets nodes spread artefacts, a new one each turn: they remember what they have sent of one. It is a bench.Contender.
type spreading struct {
	ctx     context.Context
	nodes   spreader
	dir     string
	name    string
	size    int64
	timeout time.Duration // of one turn
	holds   func(node, chunk int) bool
	peer    bool // that it hangs is no reason to stop

	turns    uint64
	outcomes []outcome // of the turns that count
	hung     string    // why a peer has no more turns
}

// outcome is what one turn has cost.
type outcome struct {
	took    time.Duration // until the last node had everything
	cpu     time.Duration // of this process
	traffic []swarm.Traffic
}

// Run spreads one artefact, whatever the slot.
func (s *spreading) Run(bench.Slot) (time.Duration, error) {
	if s.hung != "" {
		return s.timeout, nil
	}
	o, err := s.turn()
	if s.peer && errors.Is(err, errLate) {
		s.hung, err = err.Error(), nil
		o.took = s.timeout
	}
	if err != nil {
		return 0, fmt.Errorf("%s, turn %d: %w", s.name, s.turns, err)
	}
	if s.turns > 0 {
		s.outcomes = append(s.outcomes, o)
	}
	s.turns++
	return o.took, nil
}

// errLate is why a turn ended that took too long.
var errLate = errors.New("the transfer took too long")

func (s *spreading) turn() (o outcome, err error) {
	size := s.size
	if s.turns == 0 {
		size /= warmup
	}
	ctx, cancel := context.WithTimeoutCause(s.ctx, holdTimeout+s.timeout, errors.New("adding and verifying the artefact took too long"))
	defer cancel()
	a, err := newArtefact(filepath.Join(s.dir, "artefact-"+s.name), size, s.turns)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, os.Remove(a.path)) }()
	if err := s.nodes.hold(ctx, a, s.holds); err != nil {
		return o, err
	}
	unix.Sync()
	if o, err = s.timed(ctx); err != nil {
		return o, err
	}
	if err := s.nodes.verify(ctx, a); err != nil {
		return o, err
	}
	return o, s.nodes.forget(ctx)
}

// timed lets the nodes fetch what they miss.
func (s *spreading) timed(ctx context.Context) (o outcome, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, errLate)
	defer cancel()
	before, err := s.nodes.traffic()
	if err != nil {
		return o, err
	}
	cpu, err := cpuTime(os.Getpid())
	if err != nil {
		return o, err
	}
	start := time.Now()
	failed := s.nodes.fetch(ctx)
	o.took = time.Since(start)
	used, err := cpuTime(os.Getpid())
	if err != nil {
		return o, err
	}
	o.cpu = used - cpu
	after, err := s.nodes.traffic()
	if err != nil {
		return o, err
	}
	for i, t := range after {
		t.Received, t.Sent = t.Received-before[i].Received, t.Sent-before[i].Sent
		t.Useful, t.Duplicate = t.Useful-before[i].Useful, t.Duplicate-before[i].Duplicate
		o.traffic = append(o.traffic, t)
	}
	if failed != nil {
		return o, fmt.Errorf("%w; MiB of chunks that each node got and MiB that it sent: %s", failed, o)
	}
	return o, nil
}

// String tells what went on in a turn that failed.
func (o outcome) String() string {
	var list []string
	for _, t := range o.traffic {
		list = append(list, fmt.Sprintf("%d/%d", t.Useful/mib, t.Sent/mib))
	}
	return strings.Join(list, " ")
}

// duplicates is how much came although it was there already, in percent of what was needed.
func (s *spreading) duplicates() float64 {
	var duplicate, useful int64
	for _, o := range s.outcomes {
		for _, t := range o.traffic {
			duplicate, useful = duplicate+t.Duplicate, useful+t.Useful
		}
	}
	return 100 * float64(duplicate) / float64(useful)
}

// copies is how many times node 0 sent the artefact, on average.
func (s *spreading) copies() float64 {
	var sent int64
	for _, o := range s.outcomes {
		sent += o.traffic[0].Sent
	}
	return float64(sent) / float64(len(s.outcomes)) / float64(s.size)
}

// processors is how much of all processors this process used, in percent. Near 100 the machine is the limit and not the upload, and
// sooner when other programs run.
func (s *spreading) processors() float64 {
	var cpu, took time.Duration
	for _, o := range s.outcomes {
		cpu, took = cpu+o.cpu, took+o.took
	}
	return 100 * cpu.Seconds() / took.Seconds() / float64(runtime.NumCPU())
}
