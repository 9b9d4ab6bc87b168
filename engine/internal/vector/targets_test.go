package vector

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// goCommand runs the go tool for another target.
func goCommand(t *testing.T, env []string, args ...string) string {
	t.Helper()
	if os.Getenv("POLD_LONG") != "1" {
		t.Skip("takes long; set POLD_LONG=1 to run it")
	}
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), append([]string{"CGO_ENABLED=0", "GOFLAGS="}, env...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v go %s: %v\n%s", env, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestEmulatedNEONGivesTheSameBits runs the tests of this package on an emulated arm64 processor.
func TestEmulatedNEONGivesTheSameBits(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "vector.test")
	goCommand(t, []string{"GOOS=linux", "GOARCH=arm64"}, "test", "-c", "-ldflags=-s -w", "-o", binary, ".")
	emulator, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		t.Skip("qemu-aarch64-static is not on PATH; install qemu-user-static to compare with arm64")
	}
	cmd := exec.Command(emulator, binary, "-test.v")
	cmd.Env = append(os.Environ(), "POLD_LONG=0", "POLD_SWEEP=0")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestAllLevelsGiveTheSameBits") {
		t.Errorf("expected the tests to pass on arm64, got %v\n%s", err, out)
	}
}
