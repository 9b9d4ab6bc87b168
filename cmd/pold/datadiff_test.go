package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset"
)

// writeFiles writes texts to files of a new folder and returns their paths.
func writeFiles(t *testing.T, texts ...string) []string {
	t.Helper()
	dir := t.TempDir()
	paths := make([]string, len(texts))
	for i, text := range texts {
		paths[i] = filepath.Join(dir, string(rune('a'+i))+".csv")
		require.NoError(t, os.WriteFile(paths[i], []byte(text), 0o600))
	}
	return paths
}

func TestADiffLeadsFromOneTableToTheOther(t *testing.T) {
	f := writeFiles(t, oldBirds, newBirds, "")
	out, err := run(t, t.TempDir(), "data", "diff", f[0], f[1], "-o", f[2], "--name", "birds.csv")
	require.NoError(t, err)
	base, root := csvTable(t, oldBirds).Root(), csvTable(t, newBirds).Root()
	require.Equal(t, "rows   5 -> 7 (+4 -2)\nroot   "+hexOf(base[:])+" -> "+hexOf(root[:])+"\npatch  127 bytes\n"+
		`next: pold data propose SET `+f[2]+` --summary "what it changes, and why" --from KEY`+"\n", out)
	patch, err := os.ReadFile(f[2])
	require.NoError(t, err)
	require.Contains(t, string(patch), "--- a/birds.csv\n+++ b/birds.csv\n@@ -1,6 +1,8 @@\n")
	result, err := csvTable(t, oldBirds).Apply(mustDelta(t, patch))
	require.NoError(t, err)
	require.Equal(t, newBirds, string(result.Bytes()))

	out, err = run(t, t.TempDir(), "data", "diff", f[0], f[1], "--json")
	require.NoError(t, err)
	require.Contains(t, out, "+++ b/b.csv\n")
	require.Contains(t, out, `"rows_after": 7`)
	require.NotContains(t, out, "next:")
}

func TestADiffOfTablesThatAreNotCanonicalSaysWhereAndHowToGoOn(t *testing.T) {
	f := writeFiles(t, oldBirds, "a,b,y\n1,10,0\n2,2e1,1\n")
	_, err := run(t, t.TempDir(), "data", "diff", f[0], f[1])
	require.ErrorContains(t, err, f[1]+": line 3, column 2 (b): ")
	require.ErrorContains(t, err, "--canonicalize does it and says what it changes")
	f = writeFiles(t, oldBirds, "a,b,y\r\n1,10.0,0\r\n2,20,1\r\n")
	out, err := run(t, t.TempDir(), "data", "diff", f[0], f[1], "--canonicalize")
	require.NoError(t, err)
	require.Contains(t, out, f[1]+": replaced CR LF by LF at 3 line ends, first on line 1\n")
	require.Contains(t, out, f[1]+`: rewrote 1 numbers, first on line 2, column 2: "10.0" to "10"`+"\n")
	require.NotContains(t, out, "was not canonical", "the old one was")
	out, err = run(t, t.TempDir(), "data", "diff", f[1], f[0], "--canonicalize")
	require.NoError(t, err)
	require.Contains(t, out, "note: "+f[1]+" was not canonical, so it is not byte for byte a table of the chain")
	_, err = run(t, t.TempDir(), "data", "diff", f[0], writeFiles(t, "a,b,y\n1,,0\n")[0], "--canonicalize")
	require.ErrorContains(t, err, "line 2, column 2 (b)", "it decides nothing")
}

func TestADiffThatCouldNotBeProposedIsRefused(t *testing.T) {
	for _, c := range []struct{ name, next, says string }{
		{"equal tables", oldBirds, "the tables are equal, so there is nothing to propose"},
		{"another header", "a,c,y\n1,10,0\n", "expected the header to stay as it is"},
		{"another order", "a,b,y\n2,20,0\n1,10,0\n3,30,1\n4,40,1\n5,50,1\n", "expected a row that is new or gone"},
	} {
		f := writeFiles(t, oldBirds, c.next)
		_, err := run(t, t.TempDir(), "data", "diff", f[0], f[1])
		require.ErrorContains(t, err, c.says, c.name)
	}
	_, err := run(t, t.TempDir(), "data", "diff", "missing.csv", "b.csv")
	require.Equal(t, exitNotFound, exitCode(err))
	_, err = makePatch(csvTable(t, oldBirds), csvTable(t, newBirds), "x")
	require.NoError(t, err)
	var fault *dataset.DeltaError
	_, err = makePatch(csvTable(t, oldBirds), csvTable(t, "a,c,y\n1,10,0\n"), "x")
	require.ErrorAs(t, err, &fault)
	require.Equal(t, dataset.FaultHeader, fault.Fault)
}
