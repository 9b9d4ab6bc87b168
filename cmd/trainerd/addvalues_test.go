package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/sidecar/swarm"
	"github.com/pold-network/pold/sidecar/verifier"
)

// valueFolder keeps values under names that say nothing, with a table that names them.
func valueFolder(t *testing.T, values ...string) (folder string, table []byte) {
	t.Helper()
	folder = t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "more"), 0o700))
	text := "x,pixels:cid,label\n"
	for i, v := range values {
		cid, err := swarm.CIDOf([]byte(v))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, []string{"a", "more/b"}[i]), []byte(v), 0o600))
		text += fmt.Sprintf("%d,%s,0\n", i, cid)
	}
	return folder, []byte(text)
}

func TestAddCountsTheColumnsThatValuesMake(t *testing.T) {
	folder, table := valueFolder(t, "1,2\n", "3,4\n")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "readme"), []byte("other files don't matter"), 0o600))
	d, err := describe(table, folder)
	require.NoError(t, err)
	require.Equal(t, 3, d.Columns)
	require.Equal(t, 4, d.ExpandedColumns)
	require.Empty(t, d.Note)

	for _, c := range []struct {
		name   string
		change func()
		folder string
		note   string
	}{
		{"no folder", func() {}, "", "not known without the 2 values"},
		{"an empty one", func() {}, t.TempDir(), "expected 2 values in"},
		{"a missing value", func() { require.NoError(t, os.Remove(filepath.Join(folder, "more", "b"))) }, folder, "1 of them missing; the first is bafk"},
	} {
		c.change()
		d, err := describe(table, c.folder)
		require.NoError(t, err, c.name)
		require.Zero(t, d.ExpandedColumns, c.name)
		require.Contains(t, d.Note, c.note, c.name)
		require.Equal(t, "table", d.Kind, c.name)
	}
	_, err = describe(table, filepath.Join(folder, "nowhere"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Equal(t, exitNotFound, exitCode(err))
}

func TestAddSaysWhatIsWrongWithValues(t *testing.T) {
	for note, values := range map[string][]string{
		"line 3, column 2 (pixels:cid): expected a value of 2 numbers": {"1,2\n", "3\n"},
		"line 2, column 2 (pixels:cid): expected LF":                   {"1,2"},
		"got that of a larger file":                                    {strings.Repeat("1,", 1<<19) + "1\n"},
	} {
		folder, table := valueFolder(t, values...)
		d, err := describe(table, folder)
		require.NoError(t, err, note)
		require.Contains(t, d.Note, note)
		require.Zero(t, d.ExpandedColumns, note)
	}
}

// The largest value is one leaf: what publish says is what a cell may hold, and whoever knows only the CID can fetch it.
func TestAPublishedValueIsKnownByTheCIDThatACellHolds(t *testing.T) {
	largest := strings.Repeat("1,", verifier.MaxValue/2-1) + "1\n"
	require.Len(t, largest, verifier.MaxValue)
	folder, file := valueFolder(t, largest, "3,4\n")
	table, err := dataset.Parse(bytes.NewReader(file))
	require.NoError(t, err)
	cids, err := verifier.Values(table)
	require.NoError(t, err)

	node, err := swarm.Open(t.Context(), swarm.Config{Home: t.TempDir(), LoopbackOnly: true})
	require.NoError(t, err)
	defer node.Close()
	overlay := &overlay{node: node}
	files, err := storeFiles(t.Context(), overlay, []string{filepath.Join(folder, "a"), filepath.Join(folder, "more", "b")})
	require.NoError(t, err)
	for i, want := range []string{largest, "3,4\n"} {
		require.Equal(t, cids[i], files[i].CID)
		got, err := overlay.Fetch(t.Context(), cids[i], verifier.MaxValue, nil)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
		got, err = overlay.Local(t.Context(), cids[i])
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
}
