package verifier

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset/digits"
	"github.com/pold-network/pold/engine"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

const (
	somebody = "pol1somebody"
	keeper   = "polvaloper1one"
	// provedSegments and provedSteps are of the training that the tests audit.
	provedSegments, provedSteps = 8, 16
)

// training is a proved training with everything that an audit asks for.
type training struct {
	files      files
	m          poltypes.AuditManifest
	transcript *engine.Transcript
	states     [][]byte
}

// keepIn stores files under the hex of their hash.
func keepIn(f files, states *[][]byte) engine.Keep {
	put := func(b []byte) string {
		sum := sha256.Sum256(b)
		name := hex.EncodeToString(sum[:])
		f[name] = bytes.Clone(b)
		return name
	}
	return func(_ int, state, trace []byte) (string, string, error) {
		*states = append(*states, state)
		if trace == nil {
			return put(state), "", nil
		}
		return put(state), put(trace), nil
	}
}

// prove trains on the digits from the initial weights and pins the audit of the result. A mapping seed gives both ends one.
func prove(t *testing.T, mapping bool) *training {
	t.Helper()
	x := &training{files: files{"table": digits.CSV()}}
	score := digitsManifest()
	score.Evaluation = poltypes.EVALUATION_MODE_HOLDOUT
	if mapping {
		score.Model.Layers = append([]*poltypes.Layer{{Name: "map", Kind: "sml"}}, score.Model.Layers...)
		score.MappingSeed = poltypes.MappingSeed(score.ChainId, score.Group, 1, somebody)
	}
	x.m = poltypes.AuditManifest{
		Score: score, InitSeed: score.InitSeed, Trainer: somebody, OrderSeed: bytes.Repeat([]byte{1}, 32), AuditSeed: bytes.Repeat([]byte{2}, 32),
		Segments: provedSegments, Common: []uint32{0, 3, 7}, Own: true,
		Recipe: poltypes.RecipeBounds{MaxSteps: provedSteps, MaxLearningRateE9: 50_000_000, Optimizers: []string{"sgd"}},
	}
	if mapping {
		x.m.Parent.MappingSeed = poltypes.MappingSeed(score.ChainId, score.Group, 0, "")
	}
	x.run(t, engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.05, Momentum: 0.9, BatchSize: 32, Steps: provedSteps}, nil)
	return x
}

// run records a training; change may alter the header first.
func (x *training) run(t *testing.T, recipe engine.Recipe, change func(*engine.TranscriptHeader)) {
	t.Helper()
	in := ManifestInputs(&x.m.Score)
	rows, err := New().Rows(t.Context(), in, x.files.fetch)
	require.NoError(t, err)
	model, err := in.parent(t.Context(), &x.m, x.files.fetch)
	require.NoError(t, err)
	recipe.Seed = [32]byte(poltypes.TrainerSeed(x.m.OrderSeed, somebody))
	h := engine.TranscriptHeader{Recipe: recipe, Segments: provedSegments}
	copy(h.Context[:], poltypes.TranscriptContext(x.m.Score.ChainId, x.m.Score.Group, x.m.Score.Round, somebody))
	copy(h.DataRoot[:], x.m.Score.Table.Root)
	if change != nil {
		change(&h)
	}
	x.states = nil
	x.transcript, err = engine.Record(model, rows.Training, engine.CrossEntropy, h, keepIn(x.files, &x.states), nil)
	require.NoError(t, err)
	x.handIn(model.Encode())
}

// handIn pins a checkpoint and the transcript as it is now.
func (x *training) handIn(checkpoint []byte) {
	init := x.m.Score.InitSeed
	x.m.Score = withCheckpoint(x.m.Score, x.files, checkpoint)
	x.m.Score.InitSeed, x.m.InitSeed = nil, firstOf(init, x.m.InitSeed)
	x.seal()
}

func firstOf(a, b []byte) []byte {
	if a != nil {
		return a
	}
	return b
}

// seal pins the transcript as it is now.
func (x *training) seal() {
	b := x.transcript.Encode()
	root := sha256.Sum256(b)
	x.files["transcript"] = b
	x.m.TranscriptCid, x.m.TranscriptRoot, x.m.TranscriptSize = "transcript", root[:], uint64(len(b))
}

func (x *training) audit(t *testing.T, operator string) Audit {
	t.Helper()
	a, err := New().Audit(t.Context(), &x.m, operator, x.files.fetch)
	require.NoError(t, err)
	return a
}

func TestAnHonestTrainingPassesForEverybody(t *testing.T) {
	for _, mapping := range []bool{false, true} {
		x := prove(t, mapping)
		first, second := x.audit(t, keeper), x.audit(t, "polvaloper1two")
		require.Equal(t, poltypes.AuditPassed, first.Answer.Status, first.Problem)
		require.Equal(t, first.Answer, second.Answer, "the answer is the same for all")
		require.NotEqual(t, first.Sample, second.Sample, "the sample is each one's own")
		require.Empty(t, first.Challenges)
	}
}

func TestTheDigestHoldsWhatOnlyAReplayKnows(t *testing.T) {
	x := prove(t, false)
	before := x.audit(t, keeper)
	x.m.AuditSeed = bytes.Repeat([]byte{3}, 32)
	after := x.audit(t, keeper)
	require.NotEqual(t, before.Answer.Digest, after.Answer.Digest)
	require.NotEqual(t, before.Sample, after.Sample)
}

func TestEveryFaultOfATranscriptIsAFinding(t *testing.T) {
	recipe := engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.05, Momentum: 0.9, BatchSize: 32, Steps: provedSteps}
	other := sha256.Sum256([]byte("other"))
	for _, c := range []struct {
		name    string
		change  func(t *testing.T, x *training)
		status  poltypes.AuditStatus
		segment uint32
	}{
		{"no transcript", func(_ *testing.T, x *training) {
			x.files["transcript"] = []byte("hello")
			root := sha256.Sum256([]byte("hello"))
			x.m.TranscriptRoot, x.m.TranscriptSize = root[:], 5
		}, poltypes.AuditNotCanonical, 0},
		{"of another account", func(_ *testing.T, x *training) { x.m.Trainer = "pol1other" }, poltypes.AuditWrongHeader, 0},
		{"of another round", func(_ *testing.T, x *training) { x.m.Score.Round++ }, poltypes.AuditWrongHeader, 0},
		{"with a batch order of its own", func(_ *testing.T, x *training) { x.m.OrderSeed = other[:] }, poltypes.AuditWrongHeader, 0},
		{"on other data", func(_ *testing.T, x *training) { x.transcript.Header.DataRoot = other; x.seal() }, poltypes.AuditWrongHeader, 0},
		{"of fewer rows", func(_ *testing.T, x *training) { x.transcript.Header.Rows--; x.seal() }, poltypes.AuditWrongHeader, 0},
		{"in other segments", func(_ *testing.T, x *training) { x.m.Segments = 4; x.m.Common = []uint32{0} }, poltypes.AuditWrongHeader, 0},
		{"with too high a rate", func(t *testing.T, x *training) { r := recipe; r.LearningRate = 0.051; x.run(t, r, nil) }, poltypes.AuditRecipe, 0},
		{"with another optimiser", func(t *testing.T, x *training) {
			x.run(t, engine.Recipe{Optimizer: engine.OptimizerNesterov, LearningRate: 0.05, Momentum: 0.9, BatchSize: 32, Steps: provedSteps}, nil)
		}, poltypes.AuditRecipe, 0},
		{"with too many steps", func(t *testing.T, x *training) { r := recipe; r.Steps++; x.run(t, r, nil) }, poltypes.AuditRecipe, 0},
		{"from another start", func(_ *testing.T, x *training) { x.transcript.Header.Parent = other; x.seal() }, poltypes.AuditWrongStart, 0},
		{"from a warm optimiser", func(_ *testing.T, x *training) { x.transcript.Leaves[0].State = other; x.seal() }, poltypes.AuditWrongStart, 0},
		{"to another checkpoint", func(_ *testing.T, x *training) { x.m.Score.CheckpointHash = other[:] }, poltypes.AuditWrongEnd, 0},
		{"with a state that is no state", func(_ *testing.T, x *training) {
			l := &x.transcript.Leaves[3]
			x.files["bad"] = []byte("bad")
			l.State, l.StateSize, l.StateCID = sha256.Sum256([]byte("bad")), 3, "bad"
			x.seal()
		}, poltypes.AuditWrongState, 3},
		{"with a state too large to be one", func(_ *testing.T, x *training) { x.transcript.Leaves[3].StateSize = 1 << 40; x.seal() }, poltypes.AuditWrongState, 3},
		{"with an invented middle", func(_ *testing.T, x *training) { x.transcript.Leaves[4].Weights = other; x.seal() }, poltypes.AuditMismatch, 3},
		{"with an invented trace", func(_ *testing.T, x *training) { x.transcript.Leaves[8].Trace = other; x.seal() }, poltypes.AuditMismatch, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := prove(t, false)
			c.change(t, x)
			a := x.audit(t, keeper)
			require.Equal(t, c.status, a.Answer.Status, a.Problem)
			require.Equal(t, c.segment, a.Answer.Segment)
			require.NotEmpty(t, a.Problem)
			require.Equal(t, a.Answer, x.audit(t, "polvaloper1two").Answer)
		})
	}
}

func TestAWrongOrWithheldSegmentOfOnesOwnIsChallenged(t *testing.T) {
	x := prove(t, false)
	own := poltypes.OwnSegments(x.m.AuditSeed, somebody, keeper, provedSegments, x.m.Common)
	require.Len(t, own, 1)
	delete(x.files, x.transcript.Leaves[own[0]].StateCID)
	a := x.audit(t, keeper)
	require.Equal(t, poltypes.AuditPassed, a.Answer.Status, "what is common is right")
	require.Equal(t, own, a.Challenges)

	x = prove(t, false)
	x.transcript.Leaves[own[0]+1].Trace = sha256.Sum256([]byte("invented"))
	x.seal()
	require.Equal(t, own, x.audit(t, keeper).Challenges)
	x.m.Own = false
	require.Empty(t, x.audit(t, keeper).Challenges, "a replay that follows a challenge asks for one segment only")
}

func TestAWithheldCommonStateMeansAbstaining(t *testing.T) {
	x := prove(t, false)
	delete(x.files, x.transcript.Leaves[3].StateCID)
	_, err := New().Audit(t.Context(), &x.m, keeper, x.files.fetch)
	require.ErrorContains(t, err, "segment 3")
}

func TestASpotTaskFindsThePersonalValueOfAnybody(t *testing.T) {
	x := prove(t, false)
	x.m.Score.ScoreSeed = bytes.Repeat([]byte{5}, 32)
	for kind, m := range map[string]interface{ Marshal() ([]byte, error) }{poltypes.AuditTaskKind: &x.m, poltypes.ScoreTaskKind: &x.m.Score} {
		manifest, err := m.Marshal()
		require.NoError(t, err)
		v, chain := New(), x.m.Score.ChainId
		done, err := v.Compute(t.Context(), chain, Task{ID: 7, Kind: kind, Manifest: manifest}, keeper, x.files.fetch)
		require.NoError(t, err)
		require.Len(t, done.Personal, 32)
		spot := attestationtypes.SpotManifest{ChainId: chain, TaskId: 7, Kind: kind, Manifest: manifest, Operator: keeper, Personal: done.Personal}
		b, err := spot.Marshal()
		require.NoError(t, err)
		found, err := New().Compute(t.Context(), chain, Task{ID: 9, Kind: attestationtypes.SpotTaskKind, Manifest: b}, "polvaloper1two", x.files.fetch)
		require.NoError(t, err)
		require.Equal(t, done.Personal, found.Answer)
		require.Empty(t, found.Personal)

		other, err := v.Compute(t.Context(), chain, Task{ID: 7, Kind: kind, Manifest: manifest}, "polvaloper1two", x.files.fetch)
		require.NoError(t, err)
		require.Equal(t, done.Answer, other.Answer)
		require.NotEqual(t, done.Personal, other.Personal, "a leaked value is of no use to another validator")
	}
}
