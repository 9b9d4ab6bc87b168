package vector

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

var fusedInstruction = regexp.MustCompile(`\t(V?FN?M(?:ADD|SUB|LA|LS)[A-Z0-9]*)\t`)

// TestCompilerFusesNothing looks for multiply-adds in the Go code of this package and of package exact, where the compiler may fuse.
// Assembly does not show in these listings.
func TestCompilerFusesNothing(t *testing.T) {
	for _, target := range [][]string{{"GOOS=linux", "GOARCH=arm64"}, {"GOOS=linux", "GOARCH=amd64", "GOAMD64=v3"}} {
		listing := goCommand(t, target, "build", "-gcflags=-S", ".", "../exact")
		for _, function := range []string{"portableGELU STEXT", "exact.FMA STEXT"} {
			if !strings.Contains(listing, function) {
				t.Fatalf("%v: expected an assembly listing with %s", target, function)
			}
		}
		for line := range strings.Lines(listing) {
			if fusedInstruction.MatchString(line) {
				t.Errorf("%v: the compiler fused a product and a sum; write float32(x*y) + z: %s", target, strings.TrimSpace(line))
			}
		}
	}
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
