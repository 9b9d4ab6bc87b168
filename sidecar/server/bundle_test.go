package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/verifier"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// proved is an honest training in a world where only its checkpoint and transcript are to be had.
type proved struct {
	m          poltypes.AuditManifest
	transcript []byte
	states     [][]byte
	leaves     []engine.Leaf
}

func prove(t *testing.T, w *world) *proved {
	t.Helper()
	score := scoreManifest(t)
	x := &proved{m: poltypes.AuditManifest{Score: score, InitSeed: score.InitSeed, Trainer: "pol1trainer", OrderSeed: bytes.Repeat([]byte{1}, 32),
		AuditSeed: bytes.Repeat([]byte{2}, 32), Segments: 8, Common: []uint32{0, 3}, Own: true, Recipe: poltypes.RecipeBounds{MaxSteps: 8}}}
	w.store.put("table", tableFile)
	in := verifier.ManifestInputs(&score)
	rows, err := verifier.New().Rows(t.Context(), in, w.store.Fetch)
	require.NoError(t, err)
	start, err := in.InitialWeights(t.Context(), w.store.Fetch)
	require.NoError(t, err)
	model, err := in.Decode(start)
	require.NoError(t, err)
	h := engine.TranscriptHeader{Segments: 8, Recipe: engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.1, BatchSize: 2, Steps: 8,
		Seed: [32]byte(poltypes.TrainerSeed(x.m.OrderSeed, x.m.Trainer))}}
	copy(h.Context[:], poltypes.TranscriptContext(testChain, "g", 1, x.m.Trainer))
	copy(h.DataRoot[:], score.Table.Root)
	tr, err := engine.Record(model, rows.Training, engine.CrossEntropy, h, func(_ int, state, trace []byte) (string, string, error) {
		x.states = append(x.states, bytes.Clone(state))
		if trace == nil {
			return nameOf(state), "", nil
		}
		return nameOf(state), nameOf(trace), nil
	}, nil)
	require.NoError(t, err)
	x.leaves, x.transcript = tr.Leaves, tr.Encode()
	checkpoint := sha256.Sum256(model.Encode())
	x.m.Score.InitSeed, x.m.Score.CheckpointCid, x.m.Score.CheckpointHash, x.m.Score.CheckpointSize = nil, "checkpoint", checkpoint[:], 1
	root := sha256.Sum256(x.transcript)
	x.m.TranscriptCid, x.m.TranscriptRoot, x.m.TranscriptSize = "transcript", root[:], uint64(len(x.transcript))
	w.store.put("transcript", x.transcript)
	return x
}

func nameOf(file []byte) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:])
}

// give makes the start states of segments available.
func (x *proved) give(w *world, segments ...uint32) {
	for _, s := range segments {
		w.store.put(x.leaves[s].StateCID, x.states[s])
	}
}

func (x *proved) bundle(t *testing.T) attestationtypes.Artefact {
	t.Helper()
	b, err := x.m.Marshal()
	require.NoError(t, err)
	a := asked(1, "transcript", x.transcript)
	a.Kind, a.Manifest = poltypes.AuditTaskKind, b
	return a
}

func (x *proved) own(t *testing.T) []uint32 {
	t.Helper()
	own := poltypes.OwnSegments(x.m.AuditSeed, x.m.Trainer, testOperator, 8, x.m.Common)
	require.NotEmpty(t, own)
	return own
}

func TestABundleIsHeldOnceTheTranscriptAndEveryCommonStateAreHere(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		x := prove(t, w)
		a := x.bundle(t)
		w.chain.locked(func() { w.chain.asked = []attestationtypes.Artefact{a} })
		pass(5 * time.Second)
		require.False(t, w.worker.Held(1, a.Sha256), "the state of segment 3 is missing")
		x.give(w, 3)
		pass(20 * time.Second)
		require.True(t, w.worker.Held(1, a.Sha256), "that of segment 0 follows from the parent, own ones are no part of the question")
		require.True(t, w.store.provided[x.leaves[3].StateCID], "others may fetch it here")
	})
}

func TestAWorkerAuditsWithItsOwnSegments(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		x := prove(t, w)
		x.give(w, append(x.own(t), 3)...)
		audit := task(t, 7, poltypes.AuditTaskKind, attestationtypes.TASK_STATUS_COMMIT, &x.m)
		w.chain.locked(func() { w.chain.tasks = []attestationtypes.Task{audit} })
		pass(10 * time.Second)
		got, ok := w.answers.Get(7, audit.ManifestHash, testOperator)
		require.True(t, ok)
		a, err := poltypes.DecodeAuditAnswer(got.Answer)
		require.NoError(t, err)
		require.Equal(t, poltypes.AuditPassed, a.Status)
		require.Empty(t, got.Challenges)
		require.Len(t, got.Personal, 32)
	})
}

func TestAWorkerChallengesAnOwnSegmentThatIsWithheld(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		x := prove(t, w)
		x.give(w, 3)
		audit := task(t, 7, poltypes.AuditTaskKind, attestationtypes.TASK_STATUS_COMMIT, &x.m)
		w.chain.locked(func() { w.chain.tasks = []attestationtypes.Task{audit} })
		pass(900 * time.Millisecond) // the second attempt comes a second after the first
		_, ok := w.answers.Get(7, audit.ManifestHash, testOperator)
		require.False(t, ok, "it is tried more than once")
		pass(30 * time.Second)
		got, ok := w.answers.Get(7, audit.ManifestHash, testOperator)
		require.True(t, ok)
		require.Equal(t, x.own(t), got.Challenges)
	})
}

func TestASpotTaskAsksForNoOwnSegments(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		x := prove(t, w)
		x.give(w, 3)
		manifest, err := x.m.Marshal()
		require.NoError(t, err)
		spot := attestationtypes.SpotManifest{ChainId: testChain, TaskId: 3, Kind: poltypes.AuditTaskKind, Manifest: manifest, Operator: "polvaloper1other"}
		asked := task(t, 8, attestationtypes.SpotTaskKind, attestationtypes.TASK_STATUS_COMMIT, &spot)
		w.chain.locked(func() { w.chain.tasks = []attestationtypes.Task{asked} })
		pass(10 * time.Second)
		got, ok := w.answers.Get(8, asked.ManifestHash, testOperator)
		require.True(t, ok)
		require.Len(t, got.Answer, 32)
		require.Empty(t, got.Challenges)
	})
}

func TestNothingIsComputedBeforeTheNodeHasSaidForWhom(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		w.worker.SetOperator("")
		data := dataTask(t, 1, attestationtypes.TASK_STATUS_COMMIT)
		w.store.put("table", tableFile)
		w.chain.locked(func() { w.chain.tasks = []attestationtypes.Task{data} })
		pass(3 * time.Second)
		require.Zero(t, w.answers.Len())
		w.worker.SetOperator(testOperator)
		pass(3 * time.Second)
		require.Equal(t, 1, w.answers.Len())
	})
}
