package server

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/api"
)

func open(t *testing.T, path string, limit int) *Answers {
	t.Helper()
	a, err := openAnswers(path, limit)
	require.NoError(t, err)
	t.Cleanup(func() { a.Close() })
	return a
}

func TestAnswersSurviveARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "home", "answers.journal")
	a := open(t, path, 10)
	require.NoError(t, a.Put([]byte{1}, "", api.Answer{TaskId: 7, Answer: []byte("seven")}))
	require.NoError(t, a.Put([]byte{2}, "", api.Answer{TaskId: 8, Answer: []byte("eight")}))
	require.NoError(t, a.Close())
	b := open(t, path, 10)
	got, ok := b.Get(7, []byte{1}, "")
	require.True(t, ok)
	require.Equal(t, "seven", string(got.Answer))
	require.Equal(t, 2, b.Len())
}

func TestAnAnswerBelongsToExactlyOneManifest(t *testing.T) {
	a := open(t, filepath.Join(t.TempDir(), "j"), 10)
	require.NoError(t, a.Put([]byte{1}, "", api.Answer{TaskId: 7, Answer: []byte("seven")}))
	_, ok := a.Get(7, []byte{2}, "")
	require.False(t, ok)
	_, ok = a.Get(8, []byte{1}, "")
	require.False(t, ok)
}

func TestADamagedJournalNeverGivesAWrongAnswer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	a := open(t, path, 10)
	require.NoError(t, a.Put([]byte{1}, "", api.Answer{TaskId: 7, Answer: []byte("seven")}))
	require.NoError(t, a.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for at := range whole {
		for _, damaged := range [][]byte{
			append(bytes.Clone(whole[:at]), append([]byte{whole[at] ^ 1}, whole[at+1:]...)...), // one bit
			whole[:at], // a torn write
		} {
			require.NoError(t, os.WriteFile(path, damaged, 0o600))
			b := open(t, path, 10)
			if got, ok := b.Get(7, []byte{1}, ""); ok {
				require.Equal(t, "seven", string(got.Answer))
			}
			require.LessOrEqual(t, b.Len(), 1)
		}
	}
}

func TestAJournalOfAnotherEngineIsNotUsed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	a := open(t, path, 10)
	require.NoError(t, a.Put([]byte{1}, "", api.Answer{TaskId: 7, Answer: []byte("seven")}))
	require.NoError(t, a.Close())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(b), header(), "pold answers pold-engine/0", 1)), 0o600))
	require.Zero(t, open(t, path, 10).Len())
}

func TestJournalAndMemoryAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	a := open(t, path, 4)
	for i := range 100 {
		require.NoError(t, a.Put([]byte{1}, "", api.Answer{TaskId: uint64(i), Answer: []byte("answer")}))
	}
	require.Equal(t, 4, a.Len())
	_, ok := a.Get(99, []byte{1}, "")
	require.True(t, ok)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.LessOrEqual(t, bytes.Count(b, []byte{'\n'}), 10)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}
