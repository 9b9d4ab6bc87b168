package devnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopGrace is how long a process may take to stop by itself before it is killed.
const stopGrace = 10 * time.Second

// kind says what a child is. Children are stopped kind by kind in this order, so that each still has what it talks to
// while it stops.
type kind int

const (
	trainerKind kind = iota
	sidecarKind
	nodeKind
)

// process is one child: a node, a sidecar or a trainer.
type process struct {
	kind kind
	name string
	path string
	args []string
	log  string
	// extra are further arguments that were asked for since the start.
	extra []string

	cmd      *exec.Cmd     // nil unless the command runs
	stopping bool          // the running command was asked to end
	done     chan struct{} // closed when the running command has ended
}

// supervisor starts, stops and watches the children. On Linux they die with this process, however it ends.
type supervisor struct {
	mu        sync.Mutex
	processes map[string]*process
	names     []string
	closed    bool // stopAll was called: nothing may start any more
	// exited receives a child that ended without being asked to.
	exited chan exit
}

// exit says how a child ended.
type exit struct {
	Name string
	Err  error
	// Tail is the end of its log.
	Tail string
}

func newSupervisor() *supervisor {
	return &supervisor{processes: map[string]*process{}, exited: make(chan exit, 64)}
}

func (s *supervisor) add(k kind, name, path, log string, args []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.processes[name] = &process{kind: k, name: name, path: path, args: args, log: log}
	s.names = append(s.names, name)
}

// errClosed refuses a start while the devnet stops.
var errClosed = errors.New("the devnet is stopping")

// start runs a child that does not run.
func (s *supervisor) start(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("start %s: %w", name, errClosed)
	}
	p, ok := s.processes[name]
	if !ok {
		return fmt.Errorf("no process %q; there are %s", name, strings.Join(s.names, ", "))
	}
	if p.stopping {
		return p.errStopping()
	}
	if p.running() {
		return fmt.Errorf("%s runs already", name)
	}
	if err := os.MkdirAll(filepath.Dir(p.log), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	cmd := exec.Command(p.path, slices.Concat(p.args, p.extra)...)
	cmd.Stdout, cmd.Stderr = file, file
	cmd.Env = childEnvironment()
	cmd.SysProcAttr = childAttributes()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	p.cmd, p.done = cmd, make(chan struct{})
	go s.wait(p, cmd, p.done)
	return nil
}

// childEnvironment is this process's own, with a garbage collector that runs more often, to keep many processes small.
func childEnvironment() []string {
	if _, set := os.LookupEnv("GOGC"); set {
		return os.Environ()
	}
	return append(os.Environ(), "GOGC=50")
}

func (s *supervisor) wait(p *process, cmd *exec.Cmd, done chan struct{}) {
	err := cmd.Wait()
	s.mu.Lock()
	asked := p.stopping
	p.cmd, p.stopping = nil, false
	s.mu.Unlock()
	close(done)
	if !asked {
		s.exited <- exit{Name: p.name, Err: err, Tail: tail(p.log, 5)}
	}
}

func (p *process) running() bool { return p.cmd != nil }

func (p *process) errStopping() error {
	return fmt.Errorf("%s is still stopping; try again when it has ended", p.name)
}

// stop ends a child: politely, or at once as a crash would.
func (s *supervisor) stop(name string, crash bool) error {
	s.mu.Lock()
	p, ok := s.processes[name]
	if !ok {
		s.mu.Unlock()
		return fmt.Errorf("no process %q; there are %s", name, strings.Join(s.names, ", "))
	}
	if !p.running() {
		s.mu.Unlock()
		return fmt.Errorf("%s does not run; start it with: pold devnet start %s", name, name)
	}
	if p.stopping {
		s.mu.Unlock()
		return p.errStopping()
	}
	cmd, done := p.cmd, p.done
	p.stopping = true
	s.mu.Unlock()
	if crash {
		_ = cmd.Process.Kill()
		<-done
		return nil
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-done:
	case <-time.After(stopGrace):
		_ = cmd.Process.Kill()
		<-done
	}
	return nil
}

// restart ends a child if it runs and starts it with further arguments.
func (s *supervisor) restart(name string, extra []string) error {
	s.mu.Lock()
	p, ok := s.processes[name]
	if !ok {
		s.mu.Unlock()
		return fmt.Errorf("no process %q; there are %s", name, strings.Join(s.names, ", "))
	}
	p.extra = extra
	runs := p.running()
	s.mu.Unlock()
	if runs {
		if err := s.stop(name, false); err != nil {
			return err
		}
	}
	return s.start(name)
}

// last returns the child of a kind that was added last.
func (s *supervisor) last(k kind) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Backward(s.names) {
		if s.processes[name].kind == k {
			return name
		}
	}
	return ""
}

// stopAll ends every child in three waves, trainers, then sidecars, then nodes, and lets none start again. It returns when
// all have ended.
func (s *supervisor) stopAll() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	for _, k := range []kind{trainerKind, sidecarKind, nodeKind} {
		var wait sync.WaitGroup
		for name, done := range s.running(k) {
			wait.Go(func() {
				_ = s.stop(name, false) // fails when another stop is under way
				<-done
			})
		}
		wait.Wait()
	}
}

// running returns, by name, what is closed when each running child of a kind has ended.
func (s *supervisor) running(k kind) map[string]chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	ends := map[string]chan struct{}{}
	for name, p := range s.processes {
		if p.kind == k && p.running() {
			ends[name] = p.done
		}
	}
	return ends
}

// pids returns the process ids of the running children.
func (s *supervisor) pids() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := map[string]int{}
	for name, p := range s.processes {
		if p.running() {
			ids[name] = p.cmd.Process.Pid
		}
	}
	return ids
}

// watchExits reports children that end by themselves until the context ends.
func (s *supervisor) watchExits(ctx context.Context, report func(exit)) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-s.exited:
			report(e)
		}
	}
}

// maxTail bounds what is read of a log: logs grow for as long as a devnet runs.
const maxTail = 64 << 10

// tail returns the last lines of a file, or nothing. It reads no more than the last maxTail bytes.
func tail(path string, lines int) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return ""
	}
	start := max(0, size-maxTail)
	b, err := io.ReadAll(io.NewSectionReader(file, start, size-start))
	if err != nil {
		return ""
	}
	all := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// lockHome makes sure that one devnet runs in a home at a time.
func lockHome(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.New("a devnet runs already in this home; look at it with: pold devnet status, or choose another --home and --port-offset")
		}
		return nil, err
	}
	return func() { file.Close() }, nil
}
