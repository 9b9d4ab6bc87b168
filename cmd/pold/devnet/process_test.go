package devnet

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// shell adds a child that runs a script.
func shell(t *testing.T, s *supervisor, k kind, name, script string) {
	t.Helper()
	sh, err := exec.LookPath("sh")
	require.NoError(t, err)
	s.add(k, name, sh, filepath.Join(t.TempDir(), "logs", name+".log"), []string{"-c", script})
}

// supervised returns a supervisor whose children end with the test.
func supervised(t *testing.T) *supervisor {
	s := newSupervisor()
	t.Cleanup(func() {
		for _, pid := range s.pids() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return s
}

// waitReady waits until a child has printed "ready".
func waitReady(t *testing.T, s *supervisor, name string) {
	t.Helper()
	require.Eventually(t, func() bool { return tail(s.processes[name].log, 1) == "ready" }, time.Minute, time.Millisecond)
}

const sleeper = "exec sleep 600"

func TestAChildRunsUntilItIsStopped(t *testing.T) {
	s := supervised(t)
	shell(t, s, nodeKind, "val0", sleeper)
	require.ErrorContains(t, s.start("val7"), `no process "val7"; there are val0`)
	require.ErrorContains(t, s.stop("val7", true), `no process "val7"`)
	require.ErrorContains(t, s.stop("val0", true), "does not run")
	for _, crash := range []bool{true, false} {
		require.NoError(t, s.start("val0"))
		require.ErrorContains(t, s.start("val0"), "val0 runs already")
		pid := s.pids()["val0"]
		require.NoError(t, syscall.Kill(pid, 0))
		require.NoError(t, s.stop("val0", crash))
		require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
		require.Empty(t, s.pids())
	}
	require.Empty(t, s.exited, "an end that was asked for is no news")
}

func TestAChildThatEndsByItselfIsReportedAndCanStartAgain(t *testing.T) {
	s := supervised(t)
	shell(t, s, trainerKind, "carol", "echo out of memory; exit 3")
	for range 2 {
		require.NoError(t, s.start("carol"))
		e := <-s.exited
		require.Equal(t, "carol", e.Name)
		require.EqualError(t, e.Err, "exit status 3")
		require.Contains(t, e.Tail, "out of memory")
	}
}

func TestAChildThatIsStillStoppingDoesNotStartASecondTime(t *testing.T) {
	s := supervised(t)
	shell(t, s, nodeKind, "val0", `trap "" TERM; echo ready; `+sleeper)
	require.NoError(t, s.start("val0"))
	waitReady(t, s, "val0")
	pid := s.pids()["val0"]
	stopped := make(chan error)
	go func() { stopped <- s.stop("val0", false) }()
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.processes["val0"].stopping
	}, time.Minute, time.Millisecond)
	require.ErrorContains(t, s.start("val0"), "val0 is still stopping")
	require.ErrorContains(t, s.stop("val0", true), "val0 is still stopping")
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	require.NoError(t, <-stopped)
	require.NoError(t, s.start("val0"))
	require.NotEqual(t, pid, s.pids()["val0"])
}

func TestStopAllStopsInWavesAndLetsNothingStart(t *testing.T) {
	s := supervised(t)
	order := filepath.Join(t.TempDir(), "order")
	names := []string{"val0", "val0-sidecar", "carol"} // kinds in the reverse of the order of stopping
	for i, k := range []kind{nodeKind, sidecarKind, trainerKind} {
		script := `trap "echo ` + names[i] + ` >> '` + order + `'; exit 0" TERM; echo ready; while :; do sleep 0.01; done`
		shell(t, s, k, names[i], script)
		require.NoError(t, s.start(names[i]))
		waitReady(t, s, names[i])
	}
	shell(t, s, trainerKind, "dave", sleeper)
	s.stopAll()
	b, err := os.ReadFile(order)
	require.NoError(t, err)
	require.Equal(t, "carol\nval0-sidecar\nval0\n", string(b))
	for _, name := range []string{"val0", "dave"} {
		require.ErrorIs(t, s.start(name), errClosed)
	}
	require.Empty(t, s.pids())
}

func TestTheUsersGarbageCollectorSettingStays(t *testing.T) {
	t.Setenv("GOGC", "200") // restored when the test ends
	require.Contains(t, childEnvironment(), "GOGC=200")
	require.NotContains(t, childEnvironment(), "GOGC=50")
	require.NoError(t, os.Unsetenv("GOGC"))
	require.Contains(t, childEnvironment(), "GOGC=50")
}

func TestTailReadsTheLastLinesAndAtMostItsBound(t *testing.T) {
	for _, c := range []struct{ what, content, want string }{
		{"an empty file", "", ""},
		{"fewer lines than asked for", "a\nb\n", "a\nb"},
		{"more lines than asked for", "a\nb\nc\nd\n", "b\nc\nd"},
		{"no newline at the end", "a\nb\nc\nd", "b\nc\nd"},
		{"a long file", strings.Repeat("line\n", 1<<18) + "x\ny\nz\n", "x\ny\nz"},
		{"one line beyond the bound", strings.Repeat("v", 3*maxTail), strings.Repeat("v", maxTail)},
	} {
		t.Run(c.what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log")
			require.NoError(t, os.WriteFile(path, []byte(c.content), 0o600))
			require.True(t, tail(path, 3) == c.want)
		})
	}
	require.Empty(t, tail(filepath.Join(t.TempDir(), "none"), 3))
}

func TestOneDevnetRunsInAHome(t *testing.T) {
	path := filepath.Join(t.TempDir(), "devnet.lock")
	unlock, err := lockHome(path)
	require.NoError(t, err)
	_, err = lockHome(path)
	require.ErrorContains(t, err, "a devnet runs already")
	unlock()
	unlock, err = lockHome(path)
	require.NoError(t, err)
	unlock()
}
