package atomicfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		all = append(all, f.Name())
	}
	return all
}

func TestWriteReplacesContentAndPermissionsAndLeavesNothingElse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	for _, c := range []struct {
		content string
		perm    os.FileMode
	}{{"a longer first version", 0o644}, {"second", 0o600}, {"", 0o600}} {
		require.NoError(t, Write(path, []byte(c.content), c.perm))
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, c.content, string(b))
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, c.perm, info.Mode().Perm())
		require.Equal(t, []string{"state.json"}, names(t, dir))
	}
}

func TestAFailedWriteLeavesTheOldStateAndNoTemporaryFile(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	require.NoError(t, os.MkdirAll(filepath.Join(taken, "inside"), 0o700))
	require.Error(t, Write(taken, []byte("x"), 0o600), "a folder can't be replaced by a file")
	require.Equal(t, []string{"taken"}, names(t, dir))
	require.Equal(t, []string{"inside"}, names(t, taken))
	require.ErrorIs(t, Write(filepath.Join(dir, "missing", "x"), nil, 0o600), os.ErrNotExist)
}
