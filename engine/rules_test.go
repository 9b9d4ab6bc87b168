package engine

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sourceFiles parses the package and its internal ones without their tests.
func sourceFiles(t *testing.T) (*token.FileSet, []*ast.File) {
	t.Helper()
	var names []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if entry.IsDir() && slices.Contains([]string{"gen", "bench", "testdata"}, entry.Name()) {
			return filepath.SkipDir // programs that make or measure the package
		}
		if filepath.Ext(path) == ".go" {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	if len(files) < 10 {
		t.Fatalf("expected the source files of the package, got %d", len(files))
	}
	return set, files
}

// TestSourceUsesOnlyPortableThings keeps the rules of the package comment: imports, and functions of package math.
func TestSourceUsesOnlyPortableThings(t *testing.T) {
	allowedImports := []string{
		"bytes", "cmp", "crypto/sha256", "encoding/binary", "encoding/hex", "errors", "fmt", "iter", "maps", "math", "math/bits", "runtime",
		"slices", "strconv", "strings", "sync", "unicode/utf16", "unicode/utf8", "unsafe",
		"sync/atomic", "time", "gonum.org/v1/gonum/blas", "golang.org/x/sys/cpu", "github.com/pold-network/pold/modelspec",
	}
	allowedMath := []string{"Abs", "Sqrt", "Float32bits", "Float32frombits", "Float64bits", "Float64frombits", "MaxFloat32", "MaxInt64"}
	set, files := sourceFiles(t)
	for _, f := range files {
		for _, imp := range f.Imports {
			path := strings.Trim(imp.Path.Value, `"`)
			if !slices.Contains(allowedImports, path) && !strings.HasPrefix(path, "github.com/pold-network/pold/engine/internal/") {
				t.Errorf("%v: import of %s; expected only %s", set.Position(imp.Pos()), path, strings.Join(allowedImports, ", "))
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "math" && !slices.Contains(allowedMath, sel.Sel.Name) {
					t.Errorf("%v: math.%s may differ between processors; expected only %s", set.Position(n.Pos()), sel.Sel.Name, strings.Join(allowedMath, ", "))
				}
			}
			return true
		})
	}
}

// long says whether tests may take minutes.
func long() bool { return os.Getenv("POLD_LONG") == "1" }

// longTests skips unless POLD_LONG=1.
func longTests(t *testing.T) {
	t.Helper()
	if !long() {
		t.Skip("takes long; set POLD_LONG=1 to run it")
	}
}

// goCommand runs the go tool in dir for another target.
func goCommand(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append([]string{"CGO_ENABLED=0", "GOFLAGS="}, env...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v go %s: %v\n%s", env, strings.Join(args, " "), err, out)
	}
	return string(out)
}

var fusedInstruction = regexp.MustCompile(`\t(V?FN?M(?:ADD|SUB|LA|LS)[A-Z0-9]*)\t`)

// TestCompilerFusesNothing compiles the package and its internal ones where the compiler may fuse x*y + z and looks for such instructions.
func TestCompilerFusesNothing(t *testing.T) {
	longTests(t)
	control := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module control\n\ngo 1.26\n",
		"f.go":   "package control\n\nfunc F(x, y, z float32) float32 { return x*y + z }\n\nfunc G(x, y, z float64) float64 { return z + x*y }\n",
	} {
		if err := os.WriteFile(filepath.Join(control, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, target := range [][]string{{"GOOS=linux", "GOARCH=arm64"}, {"GOOS=linux", "GOARCH=amd64", "GOAMD64=v3"}} {
		if found := fusedInstruction.FindAllString(goCommand(t, control, target, "build", "-gcflags=-S", "."), -1); len(found) != 2 {
			t.Fatalf("%v: the control file must show two fused instructions, got %q", target, found)
		}
		listing := goCommand(t, ".", target, "build", "-gcflags=-S", ".", "./internal/exact", "./internal/gemm", "./internal/isa", "./internal/pool", "./internal/vector")
		for _, function := range []string{"engine.(*conv2d).forward STEXT", "exact.FMA STEXT", "gemm.(*Multiplier).Multiply STEXT", "vector.portableGELU STEXT"} {
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

// TestOtherProcessorsGiveTheSameBits runs the stored answers on emulated arm64 and on builds for newer amd64 processors.
func TestOtherProcessorsGiveTheSameBits(t *testing.T) {
	longTests(t)
	const pattern = "^(TestVectors|TestCheckpointVector|TestSelfTestPassesOnEveryMachine|TestEveryMachineGivesTheSameBits|TestSharedMemoryChangesNoResult|" +
		"TestBatchNormOfFeaturesFollowsItsDefinition|TestOutputsMatchTheReference|TestEvaluationDoesNotDependOnItsChunks|TestTrainingIsRepeatable|" +
		"TestEvaluationIsMadeOfItsRows)$"
	for _, c := range []struct {
		name     string
		env      []string
		emulator string
	}{
		{"arm64", []string{"GOOS=linux", "GOARCH=arm64"}, "qemu-aarch64-static"},
		{"amd64 v3", []string{"GOOS=linux", "GOARCH=amd64", "GOAMD64=v3"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var command []string
			if c.emulator != "" {
				path, err := exec.LookPath(c.emulator)
				if err != nil {
					t.Skipf("%s is not on PATH; install qemu-user-static to compare with %s", c.emulator, c.name)
				}
				command = append(command, path)
			} else if !runsHere(t, "amd64", "avx2", "fma") {
				t.Skip("this processor cannot run GOAMD64=v3 programs")
			}
			binary := filepath.Join(t.TempDir(), "engine.test")
			goCommand(t, ".", c.env, "test", "-c", "-ldflags=-s -w", "-o", binary, ".")
			command = append(command, binary, "-test.v", "-test.run="+pattern)
			short := exec.Command(command[0], command[1:]...)
			short.Env = append(os.Environ(), "POLD_LONG=0") // emulated, the long form would take an hour
			out, err := short.CombinedOutput()
			if passed := strings.Count(string(out), "\n--- PASS"); err != nil || passed < 10 {
				t.Errorf("%s: expected at least 10 passing tests, got %d, %v\n%s", c.name, passed, err, out)
			}
		})
	}
}

// TestSecondImplementationAgrees lets the Python version of SPEC.md, which shares nothing with this package, recompute the stored answers.
func TestSecondImplementationAgrees(t *testing.T) {
	longTests(t)
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not on PATH")
	}
	out, err := exec.Command(python, filepath.Join("testdata", "second_implementation.py"), filepath.Join("testdata", "vectors.json")).CombinedOutput()
	if err != nil || !strings.Contains(string(out), " answers agree") {
		t.Errorf("expected all answers to agree, got %v\n%s", err, out)
	}
}

// runsHere reports whether this Linux machine has the architecture and all the processor flags.
func runsHere(t *testing.T, arch string, flags ...string) bool {
	t.Helper()
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil || strings.TrimSpace(goCommand(t, ".", nil, "env", "GOHOSTARCH")) != arch {
		return false
	}
	words := strings.Fields(string(info))
	return !slices.ContainsFunc(flags, func(f string) bool { return !slices.Contains(words, f) })
}
