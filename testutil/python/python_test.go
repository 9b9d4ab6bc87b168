package python

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func start(t *testing.T, source string, env ...string) *Process {
	t.Helper()
	interpreter, err := Find()
	if err != nil {
		t.Skip(err)
	}
	p, err := Start(interpreter, Program{Main: "main.py", Files: map[string]string{"main.py": source}, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestAScriptAnswersAndOutlivesAnException(t *testing.T) {
	p := start(t, `
import os, serve
def add(r):
    print("noise that must not disturb the answers")
    return r["a"] + r["b"]
def env(name): return os.environ.get(name)
serve.run(add=add, env=env)
`, "POLD_ADDED=yes", "HOME")
	for range 2 {
		var sum int
		if err := p.Call("add", map[string]int{"a": 2, "b": 3}, &sum); err != nil || sum != 5 {
			t.Fatalf("expected 5, got %d, %v", sum, err)
		}
		if err := p.Call("add", map[string]int{"a": 2}, nil); err == nil || !strings.Contains(err.Error(), "KeyError: 'b'") {
			t.Fatalf("expected the exception, got %v", err)
		}
	}
	for name, want := range map[string]string{"POLD_ADDED": "yes", "HOME": ""} {
		var got string
		if err := p.Call("env", name, &got); err != nil || got != want {
			t.Errorf("%s: expected %q, got %q, %v", name, want, got, err)
		}
	}
}

func TestAScriptThatDiesIsReportedWithItsLastWords(t *testing.T) {
	p := start(t, "raise SystemExit('out of luck')")
	if err := p.Call("anything", nil, nil); err == nil || !strings.Contains(err.Error(), "the script ended") {
		t.Fatalf("expected an error about the end of the script, got %v", err)
	}
}

func TestAMissingModuleIsNamedWithItsPackage(t *testing.T) {
	_, err := Find("surely_not_a_module")
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "python3-surely_not_a_module") {
		t.Fatalf("expected what to install, got %v", err)
	}
	t.Setenv("PYTHON", "/no/such/interpreter")
	if _, err := Find("numpy"); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "install python3 python3-numpy") {
		t.Fatalf("expected what to install, got %v", err)
	}
}

func TestEnvironmentChanges(t *testing.T) {
	got := environment([]string{"A=1", "B=2", "C=3"}, []string{"B", "C=4", "D=5"})
	if want := []string{"A=1", "C=4", "D=5"}; !slices.Equal(got, want) {
		t.Fatalf("expected %v, got %v", want, got)
	}
}
