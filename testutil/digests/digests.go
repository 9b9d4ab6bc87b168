// Package digests checks that trainings end with the same bits whatever computes them: it builds one program for several processors,
// runs it with every backend and several numbers of threads, under emulation where the processor is another one, and compares the
// digests of the final weights and evaluations. It installs nothing; what this machine cannot run is named.
package digests

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

const program = "github.com/pold-network/pold/testutil/digests/program"

// Target is what a program is built for, and the backends it should be run with there.
type Target struct {
	Arch, Level string // GOARCH and GOAMD64
	Backends    []string
}

func (t Target) String() string {
	if t.Level == "" {
		return t.Arch
	}
	return t.Arch + "/" + t.Level
}

// Targets are all that the engine has code for. The two levels of amd64 differ in what the compiler itself may fuse.
var Targets = []Target{
	{"amd64", "v1", []string{"portable", "avx2", "avx512"}},
	{"amd64", "v3", []string{"portable", "avx2", "avx512"}},
	{"arm64", "", []string{"portable", "neon"}},
}

// Threads are the numbers of threads that every backend is run with.
var Threads = []int{1, 2, 3, 7}

// Result is what one configuration got: digests by experiment.
type Result struct {
	Target  Target
	Backend string
	Threads int
	Digests map[string]string
}

// Matrix is the outcome of all configurations.
type Matrix struct {
	Results []Result
	Missing []string // what could not run here, and why
}

// Run builds and runs the program for the targets. The module must be the current one.
func Run(targets []Target, threads []int) (m Matrix, err error) {
	dir, err := os.MkdirTemp("", "pold-digests-")
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for i, t := range targets {
		emulator, reason := emulatorFor(t.Arch)
		if reason != "" {
			m.Missing = append(m.Missing, fmt.Sprintf("%v: %s", t, reason))
			continue
		}
		file := filepath.Join(dir, strconv.Itoa(i))
		if err := build(t, file); err != nil {
			return m, err
		}
		if err := m.run(t, append(emulator, file), threads); err != nil {
			return m, fmt.Errorf("%v: %w", t, err)
		}
	}
	return m, nil
}

// emulatorFor returns the command that runs programs for an architecture here, or why there is none.
func emulatorFor(arch string) (command []string, missing string) {
	if arch == runtime.GOARCH {
		return nil, ""
	}
	machine := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[arch]
	for _, name := range []string{"qemu-" + machine + "-static", "qemu-" + machine} {
		if path, err := exec.LookPath(name); err == nil {
			return []string{path}, ""
		}
	}
	return nil, fmt.Sprintf("qemu-%s-static is missing; apt-get install qemu-user-static", machine)
}

func build(t Target, file string) error {
	command := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, program)
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+runtime.GOOS, "GOARCH="+t.Arch)
	if t.Level != "" {
		command.Env = append(command.Env, "GOAMD64="+t.Level)
	}
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s for %v: %w\n%s", program, t, err, out)
	}
	return nil
}

// run runs a built program with every backend that the processor has.
func (m *Matrix) run(t Target, command []string, threads []int) error {
	out, err := output(command, "-backend", "list")
	if err != nil {
		// The Go runtime ends a program that was built for a newer processor, before it does anything.
		m.Missing = append(m.Missing, fmt.Sprintf("%v: this processor cannot run it (%v)", t, err))
		return nil
	}
	var available []string
	if err := json.Unmarshal(out, &available); err != nil {
		return err
	}
	for _, backend := range t.Backends {
		if !slices.Contains(available, backend) {
			m.Missing = append(m.Missing, fmt.Sprintf("%v %s: this processor lacks the instructions", t, backend))
			continue
		}
		results, err := runBackend(t, command, backend, threads)
		if err != nil {
			return fmt.Errorf("%s: %w", backend, err)
		}
		m.Results = append(m.Results, results...)
	}
	return nil
}

func runBackend(t Target, command []string, backend string, threads []int) ([]Result, error) {
	var list []string
	results := make([]Result, len(threads))
	for i, n := range threads {
		list = append(list, strconv.Itoa(n))
		results[i] = Result{t, backend, n, map[string]string{}}
	}
	out, err := output(command, "-backend", backend, "-threads", strings.Join(list, ","))
	if err != nil {
		return nil, err
	}
	lines := json.NewDecoder(bytes.NewReader(out))
	for {
		var line struct {
			Threads            int
			Experiment, Digest string
		}
		if err := lines.Decode(&line); err == io.EOF {
			return results, nil
		} else if err != nil {
			return nil, err
		}
		i := slices.Index(threads, line.Threads)
		if i < 0 {
			return nil, fmt.Errorf("expected results for %v threads, got %d", threads, line.Threads)
		}
		results[i].Digests[line.Experiment] = line.Digest
	}
}

func output(command []string, args ...string) ([]byte, error) {
	var messages bytes.Buffer
	c := exec.Command(command[0], slices.Concat(command[1:], args)...)
	c.Stderr = &messages
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(messages.String()))
	}
	return out, nil
}

// Experiments lists the names of what was trained.
func (m Matrix) Experiments() []string {
	names := map[string]bool{}
	for _, r := range m.Results {
		for name := range r.Digests {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Different counts the different digests of an experiment. A configuration without one counts as different from all others.
func (m Matrix) Different(experiment string) int {
	found := map[string]bool{}
	for _, r := range m.Results {
		found[r.Digests[experiment]] = true
	}
	return len(found)
}

// Check reports an experiment whose digests are not all the same, with the configurations that gave them.
func (m Matrix) Check() error {
	if len(m.Results) == 0 {
		return errors.New("expected at least one configuration that can run here, found none")
	}
	for _, e := range m.Experiments() {
		if m.Different(e) == 1 {
			continue
		}
		by := map[string][]string{}
		for _, r := range m.Results {
			by[r.Digests[e]] = append(by[r.Digests[e]], fmt.Sprintf("%v %s with %d threads", r.Target, r.Backend, r.Threads))
		}
		var b strings.Builder
		for _, digest := range slices.Sorted(maps.Keys(by)) {
			fmt.Fprintf(&b, "\n  %.16s from %s", digest, strings.Join(by[digest], ", "))
		}
		return fmt.Errorf("%s: expected one digest from every configuration, got %d:%s", e, len(by), b.String())
	}
	return nil
}

// Print writes the matrix: a line for each configuration, the first digits of the digest of each experiment, and what is missing.
func (m Matrix) Print(w io.Writer) error {
	var b strings.Builder
	experiments := m.Experiments()
	fmt.Fprintf(&b, "%-10s %-9s %7s", "build", "backend", "threads")
	for _, e := range experiments {
		fmt.Fprintf(&b, "  %-16s", e)
	}
	b.WriteString("\n")
	for _, r := range m.Results {
		fmt.Fprintf(&b, "%-10v %-9s %7d", r.Target, r.Backend, r.Threads)
		for _, e := range experiments {
			fmt.Fprintf(&b, "  %-16.12s", r.Digests[e])
		}
		b.WriteString("\n")
	}
	for _, reason := range m.Missing {
		b.WriteString("not run: " + reason + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
