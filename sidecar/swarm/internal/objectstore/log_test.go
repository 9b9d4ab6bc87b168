package objectstore

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

func sampleEntry(i int) entry {
	d := dag.SumBytes([]byte(fmt.Sprint("entry ", i)))[0]
	return entry{root: dag.LeafCID(d), size: int64(i), Kept: Kept{Provide: i%2 == 0, Card: &Card{Kind: "table", Tags: []string{"t"}}}}
}

func TestALogIsReadWhateverACrashHasLeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "objects.log")
	l, err := openLog(path)
	require.NoError(t, err)
	for i := range 3 {
		require.NoError(t, l.set(sampleEntry(i)))
	}
	require.NoError(t, l.drop(sampleEntry(1).root))
	require.NoError(t, l.drop(sampleEntry(1).root), "a second time is nothing")
	require.NoError(t, l.close())
	text, err := os.ReadFile(path)
	require.NoError(t, err)

	// Every beginning of the file is what a crash may leave.
	first := len(logVersion) + 1
	for cut := range len(text) + 1 {
		require.NoError(t, os.WriteFile(path, text[:cut], 0o600))
		l, err := openLog(path)
		if cut > 0 && cut < first {
			// The first line is written as a whole with the file.
			require.ErrorContains(t, err, "is damaged")
			continue
		}
		require.NoError(t, err, "%d bytes", cut)
		whole := bytes.Count(text[:cut], []byte("\n")) - 1
		require.Equal(t, []int{0, 0, 1, 2, 3, 2}[whole+1], len(l.entries), "%d bytes", cut)
		require.NoError(t, l.set(sampleEntry(9)))
		require.NoError(t, l.close())
		l, err = openLog(path)
		require.NoError(t, err)
		require.Contains(t, l.entries, sampleEntry(9).root)
		require.NoError(t, l.close())
	}
}

func TestADamagedLogIsNotGuessedAt(t *testing.T) {
	good := strings.TrimSpace(fmt.Sprintf(`{"cid":%q,"size":5}`, sampleEntry(0).root))
	pb := cid.NewCidV1(cid.DagProtobuf, sampleEntry(0).root.Hash())
	for name, text := range map[string]string{
		"no version":        good + "\n",
		"another version":   `{"objects":2}` + "\n" + good + "\n",
		"zeros":             string(make([]byte, 4096)),
		"zeros in between":  logVersion + "\n" + good + "\n\x00\x00\n" + good + "\n",
		"no JSON":           logVersion + "\nhello\n",
		"an empty line":     logVersion + "\n\n",
		"a line cut short":  logVersion + "\n" + good[:20] + "\n",
		"an unknown field":  logVersion + "\n" + strings.Replace(good, "size", "sise", 1) + "\n",
		"no CID":            logVersion + "\n" + `{"cid":"hello","size":5}` + "\n",
		"no size that fits": logVersion + "\n" + fmt.Sprintf(`{"cid":%q,"size":5}`, pb) + "\n",
		"a negative size":   logVersion + "\n" + strings.Replace(good, "5", "-5", 1) + "\n",
		"a wrong hash":      logVersion + "\n" + strings.Replace(good, `"size"`, `"sha256":"12","size"`, 1) + "\n",
		"a wrong form":      logVersion + "\n" + strings.Replace(good, `"size"`, `"forms":[{"base":"x"}],"size"`, 1) + "\n",
		"a line too long":   logVersion + "\n" + strings.Repeat(" ", maxLine) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "objects.log")
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			_, err := openLog(path)
			require.ErrorContains(t, err, "is damaged")
			require.ErrorContains(t, err, "move it away")
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, text, string(after), "it is left as it is")
		})
	}
}

func TestALogDoesNotGrowForEver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "objects.log")
	l, err := openLog(path)
	require.NoError(t, err)
	most := 0
	for i := range 3 * slack {
		require.NoError(t, l.set(sampleEntry(i%5)))
		if i%7 == 0 {
			require.NoError(t, l.drop(sampleEntry(i%5).root))
		}
		most = max(most, l.lines)
	}
	require.LessOrEqual(t, most, 2*5+slack+1)
	want := l.entries
	require.NoError(t, l.close())
	l, err = openLog(path)
	require.NoError(t, err)
	require.Equal(t, want, l.entries)
	require.NoError(t, l.close())
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(slack*300))
}

func TestAnEntryThatIsTooLongIsNotWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "objects.log")
	l, err := openLog(path)
	require.NoError(t, err)
	e := sampleEntry(1)
	long := func(n int) entry { e.Card = &Card{Name: strings.Repeat("x", n)}; return e }
	base, err := jsonLength(long(1))
	require.NoError(t, err)
	base--
	require.ErrorContains(t, l.set(long(maxLine-base)), "too long")
	require.Empty(t, l.entries)
	require.NoError(t, l.set(long(maxLine-base-1)))
	require.NoError(t, l.close())
	l, err = openLog(path)
	require.NoError(t, err, "the longest entry that is written can be read")
	require.Len(t, l.entries, 1)
	require.NoError(t, l.close())
}
