package server

import (
	"bytes"
	"crypto/sha256"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/verifier"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

var storedFile = bytes.Repeat([]byte("some bytes "), 200_000) // two chunks and a bit

func storeManifest() *poltypes.StoreManifest {
	hash := sha256.Sum256(storedFile)
	return poltypes.NewStoreManifest(testChain, "g", poltypes.StoredFile{File: poltypes.STORE_FILE_CHECKPOINT, Cid: "stored", Sha256: hash[:], Size: uint64(len(storedFile))}, make([]byte, 32), 2)
}

func storeAnswer(t *testing.T) []byte {
	t.Helper()
	s := newStore()
	s.put("stored", storedFile)
	answer, err := verifier.Produce(t.Context(), storeManifest(), s)
	require.NoError(t, err)
	return answer
}

func TestAStoreTaskIsAnsweredFromWhatIsHere(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.store.put("stored", storedFile)
		w.store.hold = make(chan struct{}) // nothing can be fetched
		store := task(t, 1, poltypes.StoreTaskKind, attestationtypes.TASK_STATUS_COMMIT, storeManifest())
		w.chain.locked(func() { w.chain.tasks = []attestationtypes.Task{store} })
		pass(time.Second)
		got, ok := w.answers.Get(1, store.ManifestHash, testOperator)
		require.True(t, ok)
		require.Equal(t, storeAnswer(t), got.Answer)
		require.Empty(t, got.Personal)
		require.Empty(t, w.store.fetches, "the rest of the file is nobody's business")
	})
}

func TestWhatAStoreTaskLacksIsFetched(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.store.remote = true
		w.store.put("stored", storedFile)
		store := task(t, 1, poltypes.StoreTaskKind, attestationtypes.TASK_STATUS_COMMIT, storeManifest())
		w.chain.locked(func() { w.chain.tasks = []attestationtypes.Task{store} })
		pass(2 * time.Second)
		got, ok := w.answers.Get(1, store.ManifestHash, testOperator)
		require.True(t, ok, "in time")
		require.Equal(t, storeAnswer(t), got.Answer)
		require.Equal(t, 1, w.store.fetches["stored"])
	})
}

func TestAValidatorWithoutChunksAbstains(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		store := task(t, 1, poltypes.StoreTaskKind, attestationtypes.TASK_STATUS_COMMIT, storeManifest())
		data := dataTask(t, 2, attestationtypes.TASK_STATUS_COMMIT)
		w.store.put("table", tableFile)
		w.chain.locked(func() { w.chain.tasks = []attestationtypes.Task{store, data} })
		pass(30 * time.Second)
		_, ok := w.answers.Get(1, store.ManifestHash, testOperator)
		require.False(t, ok)
		require.NotZero(t, w.store.fetches["stored"], "it tried to get the file")
		_, ok = w.answers.Get(2, data.ManifestHash, testOperator)
		require.True(t, ok, "other tasks are answered all the same")
		w.chain.locked(func() { w.chain.tasks = nil })
		pass(30 * time.Second)
		require.Empty(t, w.worker.lacking)
		require.Empty(t, w.worker.downloads)
	})
}

// A replay may take longer than the whole window of a store task.
func TestAStoreTaskDoesNotWaitForAComputation(t *testing.T) {
	answers, err := OpenAnswers(filepath.Join(t.TempDir(), "answers"))
	require.NoError(t, err)
	defer answers.Close()
	chain, files := &fakeChain{}, newStore()
	files.put("stored", storedFile)
	w := NewWorker(chain, files, verifier.New(), answers, quiet)
	w.SetOperator(testOperator)
	w.computing = true // a replay that takes its time
	store := task(t, 1, poltypes.StoreTaskKind, attestationtypes.TASK_STATUS_COMMIT, storeManifest())
	w.plan(&attestationtypes.QueryWorkResponse{Tasks: []attestationtypes.Task{store}})
	var background sync.WaitGroup
	w.start(t.Context(), &background)
	(<-w.done)()
	background.Wait()
	_, ok := answers.Get(1, store.ManifestHash, testOperator)
	require.True(t, ok)
	require.True(t, w.computing)
	require.False(t, w.producing)
}

func TestStoreTasksThatAreNotUnderstood(t *testing.T) {
	odd := storeManifest()
	odd.ChunkSize = 1 << 18
	_, err := newJob(testChain, task(t, 1, poltypes.StoreTaskKind, attestationtypes.TASK_STATUS_COMMIT, odd), testOperator)
	require.ErrorContains(t, err, "expected chunks of 1048576 bytes")

	b, err := storeManifest().Marshal()
	require.NoError(t, err)
	spot := &attestationtypes.SpotManifest{ChainId: testChain, TaskId: 1, Kind: poltypes.StoreTaskKind, Manifest: b, Operator: testOperator}
	_, err = newJob(testChain, task(t, 2, attestationtypes.SpotTaskKind, attestationtypes.TASK_STATUS_COMMIT, spot), testOperator)
	require.ErrorContains(t, err, "a spot task looks into no store task")
}
