package main

import (
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/pold-network/pold/testutil/bench"
	"github.com/pold-network/pold/testutil/python"
)

//go:embed peer_numpy.py
var numpySource string

//go:embed peer_torch.py
var torchSource string

// spin is how long idle threads of OpenBLAS go on spinning; whoever runs beside them has half a machine.
const spin = 200 * time.Millisecond

// kinds are the peers by name. Python's memory allocator is told to keep what it once got: giving large arrays back to the system
// after each call costs page faults, which on some virtual machines take longer than the computation.
var kinds = map[string]bench.PeerProgram{
	"OpenBLAS": {Modules: []string{"numpy"}, Source: numpySource},
	"PyTorch": {
		Modules: []string{"torch", "numpy"}, Source: torchSource,
		Env: []string{"MALLOC_MMAP_THRESHOLD_=33554432", "MALLOC_TRIM_THRESHOLD_=4294967296", "MALLOC_TOP_PAD_=67108864"},
	},
}

// key is a peer with a number of threads: libraries take theirs at the start of the process.
type key struct {
	name    string
	threads int
}

// peers starts what is needed and remembers what is missing.
type peers struct {
	running map[key]*bench.Peer
	missing map[string]bool
}

// peer returns the running peer, or nil after having said why there is none.
func (r *run) peer(name string, threads int) (*bench.Peer, error) {
	k := key{name, threads}
	if p := r.peers.running[k]; p != nil || r.peers.missing[name] {
		return p, nil
	}
	if r.peers.running == nil {
		r.peers.running, r.peers.missing = map[key]*bench.Peer{}, map[string]bool{}
	}
	program := kinds[name]
	program.Threads = threads
	p, err := bench.StartPeer(program)
	if errors.Is(err, python.ErrMissing) {
		r.peers.missing[name] = true
		fmt.Fprintf(r.out, "%s is left out: %v\n", name, err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r.peers.running[k] = p
	versions, err := p.Versions()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(r.out, "%s: %s\n", label(name, threads), versions)
	return p, nil
}

func (p *peers) close() error {
	var errs []error
	for _, peer := range p.running {
		errs = append(errs, peer.Close())
	}
	return errors.Join(errs...)
}

// against measures ours and, when there is one, the prepared case of a peer: two samples, or one without a peer.
func (r *run) against(threads int, ours bench.Func, peer *bench.Peer, name string, arguments map[string]any) ([]bench.Sample, error) {
	contenders := []bench.Contender{ours}
	if peer != nil {
		if err := peer.Prepare(name, arguments); err != nil {
			return nil, err
		}
		contenders = append(contenders, peer)
	}
	return bench.Measure(r.planFor(threads), contenders...)
}

// timeRow makes a row of the samples of against; the unit is what a time is divided by.
func timeRow(row string, samples []bench.Sample, per time.Duration, peerName, unit string, goal float64) bench.Row {
	ours := float64(samples[0].Median) / float64(per)
	if len(samples) == 1 {
		return bench.Alone(row, ours, peerName, unit, goal)
	}
	made := bench.Compare(row, ours, float64(samples[1].Median)/float64(per), peerName, unit, bench.LessIsBetter, goal)
	made.Spread = bench.Spread(samples...)
	return made
}
