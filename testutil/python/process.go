package python

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed serve.py
var serve string

// Program is the source of a script and how to start it.
type Program struct {
	Main  string            // one of Files
	Files map[string]string // name to source; all stand in one folder, together with serve.py
	Env   []string          // NAME=value, on top of the environment; "NAME" alone removes a variable
}

// Process is a running script. Its methods may not be called concurrently.
type Process struct {
	dir     string
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	errors  *tail
	ended   bool
}

type request struct {
	Call     string `json:"call"`
	Argument any    `json:"argument"`
}

type answer struct {
	Result json.RawMessage `json:"result"`
	Error  string          `json:"error"`
}

// Start runs a program with the interpreter of Find. Close ends it.
func Start(interpreter string, program Program) (*Process, error) {
	dir, err := os.MkdirTemp("", "pold-python-")
	if err != nil {
		return nil, err
	}
	p := &Process{dir: dir, errors: &tail{}}
	if err := p.start(interpreter, program); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", program.Main, err), os.RemoveAll(dir))
	}
	return p, nil
}

func (p *Process) start(interpreter string, program Program) error {
	files := maps.Clone(program.Files)
	files["serve.py"] = serve
	for name, source := range files {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(source), 0o600); err != nil {
			return err
		}
	}
	p.command = exec.Command(interpreter, "-B", filepath.Join(p.dir, program.Main))
	p.command.Env = environment(os.Environ(), program.Env)
	p.command.Stderr = p.errors
	in, err := p.command.StdinPipe()
	if err != nil {
		return err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return err
	}
	p.in, p.out = in, bufio.NewReaderSize(out, 1<<20)
	return p.command.Start()
}

// environment applies changes to an environment: later values win, a change without "=" removes the variable.
func environment(base, changes []string) []string {
	env := append([]string(nil), base...)
	for _, change := range changes {
		name, _, set := strings.Cut(change, "=")
		kept := env[:0]
		for _, e := range env {
			if n, _, _ := strings.Cut(e, "="); n != name {
				kept = append(kept, e)
			}
		}
		if env = kept; set {
			env = append(env, change)
		}
	}
	return env
}

// Call runs a function of the script with an argument and decodes what it returns into result, unless that is nil. An exception in
// the script is an error with its traceback, and the process stays usable.
func (p *Process) Call(function string, argument, result any) error {
	line, err := json.Marshal(request{Call: function, Argument: argument})
	if err != nil {
		return err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return p.died(function, err)
	}
	line, err = p.out.ReadBytes('\n')
	if err != nil {
		return p.died(function, err)
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return fmt.Errorf("%s: expected an answer in JSON, got %.200q: %w", function, line, err)
	}
	if a.Error != "" {
		return fmt.Errorf("%s: %s", function, a.Error)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(a.Result, result)
}

func (p *Process) died(function string, err error) error {
	p.end() // its standard error is complete only after that
	return fmt.Errorf("%s: the script ended (%w)\n%s", function, err, p.errors.text())
}

// end closes the input, which ends the loop of serve.py, and waits for the process.
func (p *Process) end() {
	if p.ended {
		return
	}
	p.ended = true
	// A script that ends because its input closed has nothing to say; one that died has said it in Call.
	_ = p.in.Close()
	_ = p.command.Wait()
}

// Close ends the script and removes its files.
func (p *Process) Close() error {
	p.end()
	return os.RemoveAll(p.dir)
}

// tail keeps the last bytes that a script wrote to its standard error.
type tail struct{ kept []byte }

const tailBytes = 4096

func (t *tail) Write(b []byte) (int, error) {
	t.kept = append(t.kept, b...)
	if over := len(t.kept) - tailBytes; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(b), nil
}

func (t *tail) text() string { return strings.TrimSpace(string(t.kept)) }
