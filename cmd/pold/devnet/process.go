package devnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopGrace is how long a process may take to stop by itself before it is killed.
const stopGrace = 10 * time.Second

// process is one child: a node, a sidecar or a trainer.
type process struct {
	name string
	path string
	args []string
	log  string

	cmd  *exec.Cmd
	done chan struct{} // closed when the running command has ended
}

// supervisor starts, stops and watches the children. Children die with this process, however it ends.
type supervisor struct {
	mu        sync.Mutex
	processes map[string]*process
	names     []string
	// exited receives the name of a child that ended without being asked to.
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

func (s *supervisor) add(name, path, log string, args []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.processes[name] = &process{name: name, path: path, args: args, log: log}
	s.names = append(s.names, name)
}

// start runs a child that does not run.
func (s *supervisor) start(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.processes[name]
	if !ok {
		return fmt.Errorf("no process %q; there are %s", name, strings.Join(s.names, ", "))
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
	cmd := exec.Command(p.path, p.args...)
	cmd.Stdout, cmd.Stderr = file, file
	// A garbage collector that runs more often keeps the seven processes of a devnet small.
	cmd.Env = append(os.Environ(), "GOGC=50")
	cmd.SysProcAttr = childAttributes()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	p.cmd, p.done = cmd, make(chan struct{})
	go s.wait(p, cmd, p.done)
	return nil
}

func (s *supervisor) wait(p *process, cmd *exec.Cmd, done chan struct{}) {
	err := cmd.Wait()
	s.mu.Lock()
	asked := p.cmd != cmd
	if !asked {
		p.cmd = nil
	}
	s.mu.Unlock()
	close(done)
	if !asked {
		s.exited <- exit{Name: p.name, Err: err, Tail: tail(p.log, 5)}
	}
}

func (p *process) running() bool { return p.cmd != nil }

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
	cmd, done := p.cmd, p.done
	p.cmd = nil // marks the end as asked for
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

// stopAll ends every child: trainers and sidecars before nodes.
func (s *supervisor) stopAll() {
	s.mu.Lock()
	names := make([]string, 0, len(s.processes))
	for name, p := range s.processes {
		if p.running() {
			names = append(names, name)
		}
	}
	s.mu.Unlock()
	sort.Strings(names)
	var wait sync.WaitGroup
	for _, name := range names {
		wait.Go(func() { _ = s.stop(name, false) })
	}
	wait.Wait()
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

// tail returns the last lines of a file, or nothing.
func tail(path string, lines int) string {
	b, err := os.ReadFile(path)
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
