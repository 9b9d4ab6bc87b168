// Package layering keeps the dependency directions of the repository: who may import whom.
package layering

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/pold-network/pold/"

// rule says what files under a folder must not import. Test files are free, except that nothing but tests may
// import testutil.
type rule struct {
	folder string
	never  []string
	// except are imports that a never prefix would forbid.
	except []string
}

var rules = []rule{
	{folder: "dataset", never: []string{"github.com/", "cosmossdk.io/", "golang.org/", "gonum.org/", "google.golang.org/"}},
	// The chain and the engine both decide by it, so it may know neither.
	{
		folder: "modelspec",
		never:  []string{"github.com/", "cosmossdk.io/", "golang.org/", "gonum.org/", "google.golang.org/", "net", "os", "time", "math/rand", "math/big"},
		except: []string{"google.golang.org/protobuf/encoding/protowire"},
	},
	{
		folder: "engine",
		never:  []string{"github.com/", "cosmossdk.io/", "net", "math/rand", "time", "google.golang.org/", "gonum.org/", "golang.org/"},
		except: []string{module + "dataset", module + "engine", module + "modelspec", "google.golang.org/protobuf/encoding/protowire", "gonum.org/v1/gonum/blas", "golang.org/x/sys/cpu"},
	},
	{folder: "x/*/types", never: []string{module + "x/*/keeper", module + "engine", module + "sidecar", module + "app", module + "cmd", "math/rand"}},
	{
		folder: "x/*/keeper",
		never: []string{
			module + "engine", module + "sidecar", module + "app", module + "cmd", module + "dataset", "math/rand", "net", "net/http", "os",
			"github.com/libp2p", "github.com/ipfs/boxo", "sync",
		},
	},
	// Of another module a module sees the types only; its own keeper it may import.
	{folder: "x", never: []string{module + "x/*/keeper", "math/rand", module + "engine", module + "sidecar", module + "app", module + "cmd", "github.com/libp2p", "github.com/ipfs/boxo"}},
	{folder: "sidecar/swarm", never: []string{module + "x", module + "app", module + "engine", module + "cmd"}},
	{
		folder: "sidecar",
		never:  []string{module + "x/*/keeper", module + "app", module + "cmd"},
	},
	{folder: "app", never: []string{module + "engine", module + "sidecar", module + "cmd", "github.com/libp2p", "github.com/ipfs/boxo"}, except: []string{module + "sidecar/api"}},
	{folder: "cmd/pold", never: []string{module + "sidecar", "github.com/libp2p", "github.com/ipfs/boxo"}},
	{folder: "cmd/trainerd", never: []string{module + "app", module + "x/*/keeper"}},
}

// overlay names the only folder that may import libp2p and boxo.
const overlay = "sidecar/swarm"

// overlayBenchmark measures the overlay against bitswap with other settings, so it has to build a libp2p host of its own. Nothing can
// import it.
const overlayBenchmark = "testutil/overlaybench"

// benchmark is a program that measures the engine and starts its peers; it is as free as a test, and nothing can import it.
const benchmark = "engine/internal/bench"

func TestPackagesImportOnlyWhatTheirLayerMay(t *testing.T) {
	root := filepath.Join("..", "..")
	files := 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && file != root || d.Name() == "tools" || d.Name() == "third_party" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		files++
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		checkFile(t, filepath.ToSlash(name), file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Fatalf("expected the whole repository, found %d files", files)
	}
}

func checkFile(t *testing.T, name, file string) {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	test := strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "testutil/") || strings.HasPrefix(name, benchmark+"/")
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		network := strings.HasPrefix(imported, "github.com/libp2p/") || strings.HasPrefix(imported, "github.com/ipfs/boxo")
		if network && strings.HasPrefix(name, "testutil/") && !strings.HasPrefix(name, overlayBenchmark+"/") && !strings.HasSuffix(name, "_test.go") {
			t.Errorf("%s imports %s: of testutil only %s may", name, imported, overlayBenchmark)
		}
		if test {
			continue
		}
		if strings.HasPrefix(imported, module+"testutil") {
			t.Errorf("%s imports %s: only tests may", name, imported)
		}
		if network && !strings.HasPrefix(name, overlay+"/") {
			t.Errorf("%s imports %s: only %s may", name, imported, overlay)
		}
		for _, r := range rules {
			if r.covers(name) && r.forbids(name, imported) {
				t.Errorf("%s imports %s: files under %s must not", name, imported, r.folder)
			}
		}
	}
}

// covers reports whether a file lies under the rule's folder; an asterisk stands for one folder.
func (r rule) covers(name string) bool { return within(path.Dir(name), r.folder) }

func (r rule) forbids(name, imported string) bool {
	for _, e := range r.except {
		if within(imported, e) {
			return false
		}
	}
	for _, n := range r.never {
		if strings.HasSuffix(n, "/") && strings.HasPrefix(imported, n) || within(imported, n) {
			return !strings.HasPrefix(name, "x/") || !ownPackage(name, imported)
		}
	}
	return false
}

// ownPackage reports whether a file of a module imports another package of the same module.
func ownPackage(name, imported string) bool {
	parts := strings.SplitN(name, "/", 3)
	return len(parts) == 3 && strings.HasPrefix(imported, module+"x/"+parts[1]+"/")
}

// within reports whether a path is a folder or lies in it.
func within(p, folder string) bool {
	have, want := strings.Split(p, "/"), strings.Split(strings.TrimSuffix(folder, "/"), "/")
	if len(have) < len(want) {
		return false
	}
	for i := range want {
		if want[i] != "*" && want[i] != have[i] {
			return false
		}
	}
	return true
}

func TestAForbiddenImportIsFound(t *testing.T) {
	for _, c := range []struct {
		file, imported string
		forbidden      bool
	}{
		{"dataset/table.go", "github.com/spf13/cobra", true},
		{"modelspec/wire.go", "google.golang.org/protobuf/encoding/protowire", false},
		{"modelspec/wire.go", "google.golang.org/protobuf/proto", true},
		{"modelspec/plan.go", module + "engine", true},
		{"x/pol/types/model.go", module + "modelspec", false},
		{"x/pol/types/model.go", module + "engine", true},
		{"engine/spec.go", module + "modelspec", false},
		{"engine/gemm.go", "math/rand", true},
		{"engine/gemm.go", "gonum.org/v1/gonum/blas", false},
		{"x/pol/keeper/round.go", module + "engine", true},
		{"x/pol/keeper/round.go", module + "x/pol/types", false},
		{"x/pol/keeper/round.go", module + "x/attestation/keeper", true},
		{"x/attestation/keeper/duties.go", module + "x/pol/keeper", true},
		{"x/pol/module.go", module + "x/trainingset/keeper", true},
		{"x/pol/module.go", module + "x/pol/keeper", false},
		{"x/pol/keeper/settle/prizes.go", module + "x/pol/keeper", false},
		{"app/voteext/record.go", module + "x/attestation/keeper", false},
		{"x/pol/types/model.go", module + "x/attestation/keeper", true},
		{"app/app.go", module + "sidecar/api", false},
		{"app/app.go", module + "sidecar/swarm", true},
		{"sidecar/verifier/score.go", module + "x/pol/keeper", true},
		{"cmd/pold/root.go", module + "sidecar/server", true},
	} {
		found := false
		for _, r := range rules {
			found = found || r.covers(c.file) && r.forbids(c.file, c.imported)
		}
		if found != c.forbidden {
			t.Errorf("%s importing %s: forbidden %v, expected %v", c.file, c.imported, found, c.forbidden)
		}
	}
}
