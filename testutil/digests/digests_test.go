package digests

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// The long tier runs every build, backend and number of threads that this machine can, emulated ones included; the short tier what this
// processor runs itself.
func TestEveryConfigurationEndsWithTheSameBits(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	dependOnSources(t)
	targets, threads := Targets, Threads
	if os.Getenv("POLD_LONG") == "" {
		targets, threads = nil, []int{1, 3}
		for _, target := range Targets {
			if target.Arch == runtime.GOARCH {
				targets = append(targets, target)
				break
			}
		}
	}
	matrix, err := Run(targets, threads)
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range matrix.Missing {
		t.Log("not run:", reason)
	}
	if err := matrix.Check(); err != nil {
		t.Error(err)
	}
}

// dependOnSources opens what the program is built from, for the go command remembers results of tests whose files did not change, and
// does not see what a build inside a test reads.
func dependOnSources(t *testing.T) {
	t.Helper()
	for _, folder := range []string{"../../engine", "../../modelspec", "../models", "program"} {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			if ext := filepath.Ext(path); ext != ".go" && ext != ".s" {
				return nil
			}
			file, err := os.Open(path)
			if err != nil {
				return err
			}
			return file.Close()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestADifferenceIsReportedWithItsConfigurations(t *testing.T) {
	result := func(backend, digest string) Result {
		return Result{Targets[0], backend, 2, map[string]string{"a": "same", "b": digest}}
	}
	m := Matrix{Results: []Result{result("portable", "one"), result("avx2", "two")}, Missing: []string{"something: reason"}}
	if m.Different("a") != 1 || m.Different("b") != 2 {
		t.Errorf("expected 1 and 2 digests, got %d and %d", m.Different("a"), m.Different("b"))
	}
	if err := m.Check(); err == nil || !strings.Contains(err.Error(), "two from amd64/v1 avx2 with 2 threads") {
		t.Errorf("expected who differs, got %v", err)
	}
	m.Results = m.Results[:1]
	if err := m.Check(); err != nil {
		t.Error(err)
	}
	var text strings.Builder
	if err := m.Print(&text); err != nil || !strings.Contains(text.String(), "not run: something") || !strings.Contains(text.String(), "one") {
		t.Errorf("expected the matrix, got %q, %v", text.String(), err)
	}
	if err := (Matrix{}).Check(); err == nil {
		t.Error("expected an error when nothing ran")
	}
}

func TestAMissingEmulatorIsNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	other := "arm64"
	if runtime.GOARCH == other {
		other = "amd64"
	}
	if _, missing := emulatorFor(other); !strings.Contains(missing, "apt-get install qemu-user-static") {
		t.Errorf("expected what to install, got %q", missing)
	}
}
