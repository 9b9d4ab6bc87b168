package server

import (
	"crypto/sha256"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

var (
	firstValue, secondValue, newValue = []byte("1,2\n"), []byte("3,4\n"), []byte("5,-6\n")

	valuesFile = []byte("image:cid,y\n" + rawCID(firstValue) + ",0\n" + rawCID(secondValue) + ",1\n")
	// valuesDelta adds a row whose value no row had before.
	valuesDelta = []byte("--- a/set\n+++ b/set\n@@ -3,0 +4 @@\n+" + rawCID(newValue) + ",0\n")
)

// valuesTask asks what the table of values holds, or where the delta leads.
func valuesTask(t *testing.T, delta []byte) attestationtypes.Task {
	t.Helper()
	m := trainingsettypes.DataManifest{ChainId: testChain, Name: "set", Version: 1, Table: describe(t, valuesFile)}
	if delta != nil {
		sum := sha256.Sum256(delta)
		m.Proposal, m.Delta = 9, &trainingsettypes.Delta{Cid: "body", Sha256: sum[:], Size_: uint64(len(delta))}
	}
	return task(t, 1, trainingsettypes.DataTaskKind, attestationtypes.TASK_STATUS_COMMIT, &m)
}

// dataAnswer returns what the world has answered to a data task.
func (w *world) dataAnswer(t *testing.T, asked attestationtypes.Task) (trainingsettypes.DataAnswer, bool) {
	t.Helper()
	got, ok := w.answers.Get(asked.Id, asked.ManifestHash, testOperator)
	if !ok {
		return trainingsettypes.DataAnswer{}, false
	}
	a, err := trainingsettypes.DecodeDataAnswer(got.Answer)
	require.NoError(t, err)
	return a, true
}

func TestDataTasksWaitForTheValuesThatOnlyTheirResultNames(t *testing.T) {
	for _, c := range []struct {
		name    string
		delta   []byte
		missing []byte
		rows    uint64
	}{
		{"a registered table", nil, secondValue, 2},
		{"a value of the base", valuesDelta, firstValue, 3},
		{"a value that the delta adds", valuesDelta, newValue, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				asked := valuesTask(t, c.delta)
				w.store.put("table", valuesFile)
				w.store.put("body", c.delta)
				for _, v := range [][]byte{firstValue, secondValue, newValue} {
					if string(v) != string(c.missing) {
						w.store.put(rawCID(v), v)
					}
				}
				w.chain.locked(func() { w.chain.tasks = []attestationtypes.Task{asked} })
				pass(30 * time.Second)
				_, ok := w.dataAnswer(t, asked)
				require.False(t, ok, "a value is missing")
				w.worker.mu.RLock() // between ticks
				require.Empty(t, w.worker.abstained, "and no computation is held up by it")
				w.worker.mu.RUnlock()
				require.Empty(t, w.results.all())

				w.store.put(rawCID(c.missing), c.missing)
				pass(30 * time.Second)
				a, ok := w.dataAnswer(t, asked)
				require.True(t, ok)
				require.Equal(t, trainingsettypes.DataValid, a.Status)
				require.Equal(t, []uint64{c.rows, 2, 3}, []uint64{a.Rows, uint64(a.Columns), uint64(a.Expanded)})
			})
		})
	}
}

func TestDeltasToNoTableOfValuesAreFindingsWithoutAnyValue(t *testing.T) {
	for name, c := range map[string]struct {
		delta  string
		status trainingsettypes.DataStatus
	}{
		"no delta":            {"hello\n", trainingsettypes.DataDeltaMalformed},
		"one that is too old": {"--- a\n+++ b\n@@ -2 +2 @@\n-1,0\n+2,0\n", trainingsettypes.DataDeltaDoesNotApply},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				asked := valuesTask(t, []byte(c.delta))
				w.store.put("table", valuesFile)
				w.store.put("body", []byte(c.delta))
				w.chain.locked(func() { w.chain.tasks = []attestationtypes.Task{asked} })
				pass(10 * time.Second)
				a, ok := w.dataAnswer(t, asked)
				require.True(t, ok)
				require.Equal(t, c.status, a.Status)
			})
		})
	}
}

func TestAValueThatIsLostBeforeTheComputationIsFetchedAgain(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		asked := valuesTask(t, nil)
		w.store.put("table", valuesFile)
		w.store.put(rawCID(firstValue), firstValue)
		w.store.put(rawCID(secondValue), []byte("3,5\n")) // damaged on disk
		w.chain.locked(func() { w.chain.tasks = []attestationtypes.Task{asked} })
		pass(10 * time.Second)
		_, ok := w.dataAnswer(t, asked)
		require.False(t, ok)
		w.store.put(rawCID(secondValue), secondValue)
		pass(2 * maxJobBackoff)
		_, ok = w.dataAnswer(t, asked)
		require.True(t, ok)
	})
}

func TestValuesStayWhenSubmissionsNameThem(t *testing.T) {
	chain, store := twoGroups(6)
	junk := []byte("{not a value}\n")
	for _, file := range [][]byte{firstValue, junk} {
		store.put(rawCID(file), file)
		chain.reveals[roundKey("a", 1)] = append(chain.reveals[roundKey("a", 1)], poltypes.Submission{CheckpointCid: rawCID(file)})
	}
	r, err := OpenRetention(chain, store, noResults(t, store), filepath.Join(t.TempDir(), "retention.json"), 2, quiet)
	require.NoError(t, err)
	removed, err := r.Sweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4, removed)
	require.True(t, store.has(rawCID(firstValue)), "a trap: it is a value of some table")
	require.False(t, store.has(rawCID(junk)))
}
