package dataset

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// program runs a program in the C locale and returns what it wrote to standard output.
// Exit status 1 is no failure: diff returns it for files that differ.
func program(t *testing.T, name string, arguments ...string) []byte {
	t.Helper()
	command := exec.Command(name, arguments...)
	command.Env = append(os.Environ(), "LC_ALL=C")
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err := command.Output()
	var exit *exec.ExitError
	if err != nil && !(name == "diff" && errors.As(err, &exit) && exit.ExitCode() == 1) {
		t.Fatalf("%s %q: %v\n%s%s", name, arguments, err, out, complaints.Bytes())
	}
	return out
}

func TestAThousandDeltasOfAGrowingTableAgreeWithDiffAndPatch(t *testing.T) {
	for _, name := range []string{"diff", "patch"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("the program %s is missing, so deltas are not compared with it; install GNU diffutils and patch", name)
		}
		if version, err := exec.Command(name, "--version").Output(); err != nil || !bytes.Contains(version, []byte("GNU")) {
			t.Skipf("%s is not the one of GNU, whose options this test uses; install GNU diffutils and patch", name)
		}
	}
	steps := 1000
	if testing.Short() {
		steps = 100
	}
	r := rand.New(rand.NewPCG(3, 1))
	next := rowMaker()
	var rows []string
	for range 20 {
		rows = append(rows, next())
	}
	table := tableOf(t, rows)
	folder := t.TempDir()
	path := func(name string) string { return filepath.Join(folder, name) }
	write := func(name string, text []byte) string {
		if err := os.WriteFile(path(name), text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path(name)
	}
	for step := range steps {
		moves := step%2 == 1
		rows = mutation(r, rows, moves, next)
		want := tableOf(t, rows)
		old, new := write("old.csv", table.Bytes()), write("new.csv", want.Bytes())

		ours := Diff(table, want, "t.csv")
		said := program(t, "patch", "--fuzz=0", "--output="+path("patched.csv"), old, write("ours.diff", ours))
		patched, err := os.ReadFile(path("patched.csv"))
		if err != nil || !bytes.Equal(patched, want.Bytes()) {
			t.Fatalf("step %d: patch makes another table of our delta: %v\n%s", step, err, ours)
		}
		if text := string(said); strings.Contains(text, "offset") || strings.Contains(text, "fuzz") {
			t.Fatalf("step %d: patch had to search: %s\n%s", step, said, ours)
		}

		// With moves there may be several shortest deltas; without, there is one.
		arguments := []string{"-u", old, new}
		if !moves {
			arguments = append([]string{"--label=a/t.csv", "--label=b/t.csv"}, arguments...)
		}
		theirs := program(t, "diff", arguments...)
		if !moves && !bytes.Equal(ours, theirs) {
			t.Fatalf("step %d: diff writes\n%s\nwe write\n%s", step, theirs, ours)
		}
		for _, delta := range [][]byte{ours, theirs} {
			result, err := applyText(table, delta)
			if err != nil {
				t.Fatalf("step %d: %v\n%s", step, err, delta)
			}
			if !bytes.Equal(result.Bytes(), want.Bytes()) {
				t.Fatalf("step %d: the delta leads to another table\n%s", step, delta)
			}
		}
		table = want
	}
	t.Logf("%d deltas led to a table of %d rows", steps, table.Rows())
}
