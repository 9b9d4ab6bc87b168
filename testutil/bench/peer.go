package bench

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pold-network/pold/testutil/python"
)

//go:embed contest.py
var contest string

// Peer is a Python process that prepares cases and runs them in slots. It is a Contender for the case prepared last.
//
// Its script builds on contest.py, which stands beside it:
//
//	import contest
//	@contest.case
//	def gemm(m, n, k): ...; return lambda: np.dot(a, b, out=c)
//	contest.run(versions={"numpy": np.__version__})
type Peer struct{ process *python.Process }

// PeerProgram is what to start.
type PeerProgram struct {
	Modules []string // what the script imports and this machine may lack
	Source  string
	Threads int
	Env     []string // see python.Program
}

// StartPeer starts a peer with this many threads. The error wraps python.ErrMissing when the machine lacks a module.
func StartPeer(p PeerProgram) (*Peer, error) {
	interpreter, err := python.Find(p.Modules...)
	if err != nil {
		return nil, err
	}
	threads := fmt.Sprint(p.Threads)
	// A forced kernel or cache size of OpenBLAS would not be the peer that its users have.
	env := append([]string{"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_NUM_THREADS=" + threads, "OMP_NUM_THREADS=" + threads, "POLD_PEER_THREADS=" + threads}, p.Env...)
	process, err := python.Start(interpreter, python.Program{
		Main:  "peer.py",
		Files: map[string]string{"peer.py": p.Source, "contest.py": contest},
		Env:   env,
	})
	if err != nil {
		return nil, err
	}
	return &Peer{process}, nil
}

// Versions returns what the script says about itself, as "name version" in alphabetical order.
func (p *Peer) Versions() (string, error) {
	var versions map[string]string
	if err := p.process.Call("versions", nil, &versions); err != nil {
		return "", err
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(versions)) {
		parts = append(parts, name+" "+versions[name])
	}
	return strings.Join(parts, ", "), nil
}

// Prepare makes a case of the script the one that Run runs. Arguments are given by name.
func (p *Peer) Prepare(name string, arguments map[string]any) error {
	return p.process.Call("prepare", map[string]any{"case": name, "arguments": arguments}, nil)
}

// Run runs the prepared case for one slot.
func (p *Peer) Run(s Slot) (time.Duration, error) {
	var best time.Duration
	err := p.process.Call("slot", map[string]any{"shortest": s.Shortest, "longest": s.Longest, "calls": s.Calls}, &best)
	return best, err
}

// Close ends the process.
func (p *Peer) Close() error { return p.process.Close() }
