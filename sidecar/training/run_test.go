package training

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRunsWithOneNameGetFoldersOfTheirOwn(t *testing.T) {
	logdir := filepath.Join(t.TempDir(), "a", "runs")
	for _, want := range []string{"digits", "digits-2", "digits-3"} {
		run, err := OpenRun(logdir, "digits")
		require.NoError(t, err)
		require.Equal(t, filepath.Join(logdir, want), run.Dir)
		require.NoError(t, run.Close())
		require.FileExists(t, run.Events.Path())
	}
}

func TestOldRunsAreForgottenButNothingElse(t *testing.T) {
	logdir := t.TempDir()
	begin := time.Now().Add(-time.Hour)
	for i, name := range []string{"round-000009", "round-000010", "round-000001", "round-000002", "mine"} {
		run, err := OpenRun(logdir, name)
		require.NoError(t, err)
		require.NoError(t, run.Close())
		require.NoError(t, os.Chtimes(run.Dir, begin, begin.Add(time.Duration(i)*time.Second)))
	}
	require.NoError(t, os.WriteFile(filepath.Join(logdir, "round-000010", "notes.txt"), nil, 0o600))
	require.NoError(t, os.Chtimes(filepath.Join(logdir, "round-000010"), begin, begin.Add(time.Second)))
	require.NoError(t, PruneRuns(logdir, "round-", 2))
	var left []string
	entries, err := os.ReadDir(logdir)
	require.NoError(t, err)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	require.Equal(t, []string{"mine", "round-000001", "round-000002", "round-000010"}, left, "the newest, what others made, and what holds other files")
}
