package server

import (
	"bytes"
	"crypto/sha256"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/verifier"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

var (
	deltaBody   = []byte("--- a/set\n+++ b/set\n@@ -5 +5,2 @@\n 3,1\n+4,0\n")
	deltaResult = append(bytes.Clone(tableFile), "4,0\n"...)
)

// deltaTask asks to apply the delta to version 3 of the set.
func deltaTask(t *testing.T, id uint64) attestationtypes.Task {
	t.Helper()
	sum := sha256.Sum256(deltaBody)
	m := trainingsettypes.DataManifest{ChainId: testChain, Name: "set", Version: 3, Proposal: 9, Table: table(t),
		Delta: &trainingsettypes.Delta{Cid: "body", Sha256: sum[:], Size_: uint64(len(deltaBody))}}
	return task(t, id, trainingsettypes.DataTaskKind, attestationtypes.TASK_STATUS_COMMIT, &m)
}

func TestAWorkerAppliesADeltaAndKeepsTheTableItLeadsTo(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		asked := deltaTask(t, 1)
		w.store.put("table", tableFile)
		w.chain.locked(func() { w.chain.tasks = []attestationtypes.Task{asked} })
		pass(5 * time.Second)
		_, ok := w.answers.Get(1, asked.ManifestHash, testOperator)
		require.False(t, ok, "the body is missing")
		w.store.put("body", deltaBody)
		pass(20 * time.Second)
		got, ok := w.answers.Get(1, asked.ManifestHash, testOperator)
		require.True(t, ok)
		a, err := trainingsettypes.DecodeDataAnswer(got.Answer)
		require.NoError(t, err)
		require.Equal(t, trainingsettypes.DataValid, a.Status)
		require.Equal(t, uint64(5), a.Rows)
		cid, err := a.CID()
		require.NoError(t, err)
		require.Equal(t, deltaResult, w.store.files[cid])
		require.True(t, w.store.provided[cid], "others find it here at once")
		require.True(t, w.store.provided["body"])
		require.Equal(t, []result{{CID: cid, Set: "set", Version: 3}}, w.results.all())
	})
}

func TestInitialWeightsNeedTheCheckpointThatTheyCarry(t *testing.T) {
	hash := make([]byte, 32)
	m := scoreManifest(t)
	m.Carried = &poltypes.CarriedWeights{Checkpoint: poltypes.Checkpoint{Cid: "old", Sha256: hash, Size_: 7}, Model: m.Model}
	names := func(j job) (cids []string) {
		for _, o := range j.needs {
			cids = append(cids, o.cid)
		}
		return cids
	}
	j, err := newJob(testChain, task(t, 1, poltypes.ScoreTaskKind, attestationtypes.TASK_STATUS_COMMIT, &m), testOperator)
	require.NoError(t, err)
	require.Equal(t, []string{"table", "old"}, names(j))

	audit := poltypes.AuditManifest{Score: scoreManifest(t), InitSeed: hash, Carried: m.Carried, TranscriptCid: "transcript", TranscriptRoot: hash, TranscriptSize: 1}
	j, err = newJob(testChain, task(t, 1, poltypes.AuditTaskKind, attestationtypes.TASK_STATUS_COMMIT, &audit), testOperator)
	require.NoError(t, err)
	require.Equal(t, []string{"table", "old", "transcript"}, names(j))

	m.CheckpointCid, m.CheckpointHash, m.Carried = "new", hash, nil
	j, err = newJob(testChain, task(t, 1, poltypes.ScoreTaskKind, attestationtypes.TASK_STATUS_COMMIT, &m), testOperator)
	require.NoError(t, err)
	require.Equal(t, []string{"table", "new"}, names(j))
}

func TestAWorkerFetchesTheValuesOfATableBeforeItScores(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		first, second := []byte("1,2\n"), []byte("3,4\n")
		file := []byte("image:cid,y\n" + rawCID(first) + ",0\n" + rawCID(second) + ",1\n")
		m := scoreManifest(t)
		m.Model.InputShape = []uint32{2}
		m.Table = describe(t, file)
		score := task(t, 1, poltypes.ScoreTaskKind, attestationtypes.TASK_STATUS_COMMIT, &m)
		w.store.put("table", file)
		w.store.put(rawCID(first), first)
		w.chain.locked(func() { w.chain.tasks = []attestationtypes.Task{score} })
		pass(30 * time.Second)
		_, ok := w.answers.Get(1, score.ManifestHash, testOperator)
		require.False(t, ok, "a value is missing")
		w.worker.mu.RLock() // between ticks
		require.Empty(t, w.worker.abstained, "so nothing was computed in vain")
		w.worker.mu.RUnlock()

		w.store.put(rawCID(second), second)
		pass(30 * time.Second)
		got, ok := w.answers.Get(1, score.ManifestHash, testOperator)
		require.True(t, ok)
		a, err := poltypes.DecodeScoreAnswer(got.Answer)
		require.NoError(t, err)
		require.Equal(t, poltypes.ScoreValid, a.Status)
	})
}

func TestAResultIsRememberedOverARestart(t *testing.T) {
	store, path := newStore(), filepath.Join(t.TempDir(), "results.json")
	r, err := OpenResults(store, path)
	require.NoError(t, err)
	m := &trainingsettypes.DataManifest{Name: "set", Version: 3}
	for range 2 {
		_, err = r.Keep(t.Context(), m, deltaResult)
		require.NoError(t, err)
	}
	r, err = OpenResults(store, path)
	require.NoError(t, err)
	require.Equal(t, []result{{CID: rawCID(deltaResult), Set: "set", Version: 3}}, r.all())
}

var _ verifier.AddFunc = (*Results)(nil).Keep
