package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/verifier"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

var tableFile = []byte("x,y\n0,0\n1,1\n2,0\n3,1\n")

func table(t *testing.T) trainingsettypes.Table {
	t.Helper()
	return describe(t, tableFile)
}

// describe is a table of one target, as it is registered.
func describe(t *testing.T, file []byte) trainingsettypes.Table {
	t.Helper()
	parsed, err := dataset.Parse(bytes.NewReader(file))
	require.NoError(t, err)
	root, sum := parsed.Root(), sha256.Sum256(file)
	return trainingsettypes.Table{Cid: "table", Sha256: sum[:], Size_: uint64(len(file)), Rows: uint64(parsed.Rows()), Columns: uint32(parsed.Columns()), Targets: 1, Root: root[:]}
}

func dataTask(t *testing.T, id uint64, status attestationtypes.TaskStatus) attestationtypes.Task {
	t.Helper()
	m := trainingsettypes.DataManifest{ChainId: testChain, Name: "set", Version: id, Table: table(t)}
	return task(t, id, trainingsettypes.DataTaskKind, status, &m)
}

func scoreManifest(t *testing.T) poltypes.ScoreManifest {
	return poltypes.ScoreManifest{ChainId: testChain, Group: "g", Round: 1, Model: poltypes.ModelSpec{InputShape: []uint32{1}, Layers: []*poltypes.Layer{{Name: "out", Kind: "dense", Units: 2}}},
		Objective: poltypes.OBJECTIVE_CROSS_ENTROPY, Evaluation: poltypes.EVALUATION_MODE_TRAINING_SET, TrainingSet: "set", Table: table(t),
		InitSeed: make([]byte, 32), EngineVersion: engine.Version}
}

func task(t *testing.T, id uint64, kind string, status attestationtypes.TaskStatus, m interface{ Marshal() ([]byte, error) }) attestationtypes.Task {
	t.Helper()
	b, err := m.Marshal()
	require.NoError(t, err)
	sum := sha256.Sum256(b)
	return attestationtypes.Task{Id: id, Kind: kind, Status: status, Manifest: b, ManifestHash: sum[:]}
}

func asked(id uint64, cid string, file []byte) attestationtypes.Artefact {
	sum := sha256.Sum256(file)
	return attestationtypes.Artefact{Id: id, Cid: cid, Sha256: sum[:], Size_: uint64(len(file)), Status: attestationtypes.ARTEFACT_STATUS_ASKED}
}

// world is a worker on a fake clock with everything around it.
type world struct {
	chain   *fakeChain
	store   *fakeStore
	answers *Answers
	results *Results
	worker  *Worker
}

// run starts a worker inside a bubble and ends it with the test.
func run(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "answers")
	synctest.Test(t, func(t *testing.T) {
		answers, err := OpenAnswers(path)
		require.NoError(t, err)
		defer answers.Close()
		w := &world{chain: &fakeChain{height: 1}, store: newStore(), answers: answers}
		w.results, err = OpenResults(w.store, path+".results")
		require.NoError(t, err)
		v := verifier.New()
		v.Add = w.results.Keep
		w.worker = NewWorker(w.chain, w.store, v, answers, quiet)
		w.worker.SetOperator(testOperator)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.worker.Run(ctx) }()
		test(t, w)
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestWorkerAnswersTasksWhoseFilesItHolds(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		m := scoreManifest(t)
		data, score := dataTask(t, 1, attestationtypes.TASK_STATUS_COMMIT), task(t, 2, poltypes.ScoreTaskKind, attestationtypes.TASK_STATUS_QUEUED, &m)
		w.store.put("table", tableFile)
		w.chain.locked(func() { w.chain.tasks = []attestationtypes.Task{score, data} })
		pass(2 * time.Second)

		got, ok := w.answers.Get(1, data.ManifestHash, testOperator)
		require.True(t, ok)
		want, err := verifier.CheckData(t.Context(), &trainingsettypes.DataManifest{Table: table(t)}, tableFile, data.ManifestHash, nil)
		require.NoError(t, err)
		require.Equal(t, want.Encode(), got.Answer)

		got, ok = w.answers.Get(2, score.ManifestHash, testOperator)
		require.True(t, ok, "a queued task is computed ahead")
		a, err := poltypes.DecodeScoreAnswer(got.Answer)
		require.NoError(t, err)
		require.Equal(t, poltypes.ScoreValid, a.Status)
		require.NotZero(t, a.RankLossE9)
	})
}

func TestWorkerHoldsOnlyWhatItHasVerified(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		good, bad := []byte("good bytes"), []byte("what was promised")
		w.store.put("good", good)
		w.store.put("bad", []byte("what was supplied"))
		w.store.lie = true
		w.chain.locked(func() {
			w.chain.asked = []attestationtypes.Artefact{asked(1, "good", good), asked(2, "bad", bad), asked(3, "nowhere", good)}
		})
		pass(time.Minute)
		require.True(t, w.worker.Held(1, asked(1, "good", good).Sha256))
		require.False(t, w.worker.Held(1, asked(2, "bad", bad).Sha256), "another hash is another question")
		require.False(t, w.worker.Held(2, asked(2, "bad", bad).Sha256))
		require.False(t, w.worker.Held(3, asked(3, "nowhere", good).Sha256))
		require.True(t, w.store.provided["good"])
		require.False(t, w.store.provided["bad"])
		require.Equal(t, 1, w.store.fetches["good"], "held files are not fetched again")

		w.store.put("nowhere", good)
		pass(maxBackoff + time.Second)
		require.True(t, w.worker.Held(3, asked(3, "nowhere", good).Sha256), "a late file is found")
	})
}

func TestFilesThatNobodyHoldsDoNotBlockTheOthers(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.store.hold = make(chan struct{}) // nothing ever arrives
		good := []byte("good bytes")
		w.chain.locked(func() {
			for i := range 100 {
				w.chain.asked = append(w.chain.asked, asked(uint64(i+1), fmt.Sprint("withheld", i), good))
			}
		})
		pass(2 * time.Minute)
		require.Equal(t, maxFetches, w.store.most)

		// A file that comes later is tried before the ones that failed.
		w.chain.locked(func() { w.chain.asked = append(w.chain.asked, asked(200, "good", good)) })
		pass(laterAttempts + 2*time.Second)
		require.Equal(t, 1, w.store.fetches["good"])
	})
}

func TestWorkerAbstainsFromWhatItDoesNotUnderstand(t *testing.T) {
	for name, change := range map[string]func(m *poltypes.ScoreManifest, task *attestationtypes.Task){
		"another engine":         func(m *poltypes.ScoreManifest, _ *attestationtypes.Task) { m.EngineVersion = "pold-engine/9" },
		"another chain":          func(m *poltypes.ScoreManifest, _ *attestationtypes.Task) { m.ChainId = "test-2" },
		"an unknown kind":        func(_ *poltypes.ScoreManifest, t *attestationtypes.Task) { t.Kind = "infer" },
		"a hash that is not its": func(_ *poltypes.ScoreManifest, t *attestationtypes.Task) { t.ManifestHash = make([]byte, 32) },
		"an unknown field": func(_ *poltypes.ScoreManifest, t *attestationtypes.Task) {
			t.Manifest = append(t.Manifest, 0xf8, 0x01, 0x01) // field 31
			sum := sha256.Sum256(t.Manifest)
			t.ManifestHash = sum[:]
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(t *testing.T, w *world) {
				w.store.put("table", tableFile)
				m := scoreManifest(t)
				change(&m, &attestationtypes.Task{})
				odd := task(t, 1, poltypes.ScoreTaskKind, attestationtypes.TASK_STATUS_COMMIT, &m)
				change(&m, &odd)
				good := dataTask(t, 2, attestationtypes.TASK_STATUS_COMMIT)
				w.chain.locked(func() { w.chain.tasks = []attestationtypes.Task{odd, good} })
				pass(10 * time.Second)
				_, ok := w.answers.Get(1, odd.ManifestHash, testOperator)
				require.False(t, ok)
				_, ok = w.answers.Get(2, good.ManifestHash, testOperator)
				require.True(t, ok, "the next task is answered all the same")
			})
		})
	}
}

func TestWorkerGoesOnWhenTheNodeComesBack(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.chain.mu.Lock()
		w.chain.down = true
		w.chain.mu.Unlock()
		pass(time.Minute)
		_, _, reached := w.worker.Progress()
		require.False(t, reached)
		w.chain.mu.Lock()
		w.chain.down, w.chain.height = false, 42
		w.chain.mu.Unlock()
		pass(time.Second)
		height, _, reached := w.worker.Progress()
		require.True(t, reached)
		require.Equal(t, int64(42), height)
	})
}

func TestWorkerRemembersNothingOfWorkThatIsOver(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.chain.locked(func() {
			w.chain.asked = []attestationtypes.Artefact{asked(1, "nowhere", []byte("x"))}
			odd := dataTask(t, 1, attestationtypes.TASK_STATUS_COMMIT)
			odd.Kind = "infer"
			w.chain.tasks = []attestationtypes.Task{odd}
		})
		pass(20 * time.Second)
		w.chain.locked(func() { w.chain.asked, w.chain.tasks = nil, nil })
		pass(20 * time.Second)
		w.worker.mu.RLock() // plan runs between ticks only, and none is due now
		defer w.worker.mu.RUnlock()
		require.Empty(t, w.worker.downloads)
		require.Empty(t, w.worker.abstained)
		require.Empty(t, w.worker.held)
	})
}

func TestUrgentTasksComeFirstAndEqualOnesById(t *testing.T) {
	jobs := []job{{task: verifier.Task{ID: 1}, rank: 2}, {task: verifier.Task{ID: 9}, rank: 0}, {task: verifier.Task{ID: 4}, rank: 1},
		{task: verifier.Task{ID: 3}, rank: 0}}
	sortJobs(jobs)
	var ids []uint64
	for _, j := range jobs {
		ids = append(ids, j.task.ID)
	}
	require.Equal(t, []uint64{3, 9, 4, 1}, ids)
}
