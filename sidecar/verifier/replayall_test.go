package verifier

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset/digits"
	"github.com/pold-network/pold/engine"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// proof is a training with all files that its trainer kept, handed in as a trainer would.
type proof struct {
	m          *poltypes.AuditManifest
	transcript *engine.Transcript
	files      files
	replay     *Replay // of the honest transcript
}

const (
	proofSegments = 4
	proofSteps    = 12
)

// recordProof records an honest training.
func recordProof(t *testing.T) *proof {
	t.Helper()
	score := digitsManifest()
	m := &poltypes.AuditManifest{Score: score, InitSeed: score.InitSeed, Trainer: "pol1trainer", OrderSeed: make([]byte, 32), AuditSeed: make([]byte, 32), Segments: proofSegments}
	p := &proof{m: m, files: files{"table": digits.CSV()}}
	in := ManifestInputs(&score)
	rows, err := New().Rows(t.Context(), in, p.files.fetch)
	require.NoError(t, err)
	weights, err := in.InitialWeights(t.Context(), p.files.fetch)
	require.NoError(t, err)
	model, err := in.Decode(weights)
	require.NoError(t, err)
	h := engine.TranscriptHeader{Segments: proofSegments, Recipe: engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.05, Momentum: 0.9, BatchSize: 32,
		Steps: proofSteps, Seed: [32]byte(poltypes.TrainerSeed(m.OrderSeed, m.Trainer))}}
	copy(h.Context[:], poltypes.TranscriptContext(score.ChainId, score.Group, score.Round, m.Trainer))
	copy(h.DataRoot[:], score.Table.Root)
	p.transcript, err = engine.Record(model, rows.Training, engine.CrossEntropy, h, p.keep, nil)
	require.NoError(t, err)
	p.handIn(model.Encode())
	p.replay, err = New().NewReplay(t.Context(), p.m, p.transcript.Encode(), p.files.fetch)
	require.NoError(t, err)
	return p
}

func (p *proof) keep(leaf int, state, trace []byte) (string, string, error) {
	p.files[fmt.Sprintf("state-%d", leaf)] = state
	if trace == nil {
		return fmt.Sprintf("state-%d", leaf), "", nil
	}
	p.files[fmt.Sprintf("trace-%d", leaf)] = trace
	return fmt.Sprintf("state-%d", leaf), fmt.Sprintf("trace-%d", leaf), nil
}

// handIn makes the manifest name the transcript and a checkpoint.
func (p *proof) handIn(checkpoint []byte) {
	p.m.Score = withCheckpoint(p.m.Score, p.files, checkpoint)
	b := p.transcript.Encode()
	root := sha256.Sum256(b)
	p.files["transcript"] = b
	p.m.TranscriptCid, p.m.TranscriptRoot, p.m.TranscriptSize = "transcript", root[:], uint64(len(b))
}

// put makes leaf i the end of a segment that really gave r.
func (p *proof) put(i int, r *engine.Replay) {
	l := &p.transcript.Leaves[i]
	l.Weights, l.State, l.StateSize = r.Weights, r.State, uint64(len(r.StateFile))
	p.files[l.StateCID] = r.StateFile
	if r.TraceFile != nil {
		l.Trace, p.files[l.TraceCID] = r.Trace, r.TraceFile
	}
}

// run trains segment i of a transcript, which may lie about it, from a state.
func (p *proof) run(t *testing.T, claimed engine.Transcript, i int, state []byte) *engine.Replay {
	t.Helper()
	done, err := claimed.ReplaySegment(p.replay.spec, nil, p.replay.rows.Training, i, state, nil)
	require.NoError(t, err)
	return done
}

// goOn trains honestly from leaf i to the end and hands that in.
func (p *proof) goOn(t *testing.T, i int) {
	t.Helper()
	for ; i < proofSegments; i++ {
		p.put(i+1, p.run(t, *p.transcript, i, p.files[p.transcript.Leaves[i].StateCID]))
	}
	p.handIn(p.weightsOf(t, p.files[p.transcript.Leaves[proofSegments].StateCID]))
}

func (p *proof) resume(t *testing.T, state []byte) (*engine.Model, *engine.Training) {
	t.Helper()
	h := p.transcript.Header
	m, training, err := engine.ResumeTraining(p.replay.spec, nil, p.replay.rows.Training, h.Objective, h.Recipe, state)
	require.NoError(t, err)
	return m, training
}

func (p *proof) weightsOf(t *testing.T, state []byte) []byte {
	t.Helper()
	m, _ := p.resume(t, state)
	return m.Encode()
}

// editState changes one value of a state and keeps its form.
func editState(t *testing.T, state []byte, tensor string, change func(values []float32)) []byte {
	t.Helper()
	tensors, err := engine.DecodeSafetensors(state)
	require.NoError(t, err)
	for i, x := range tensors {
		if x.Name == tensor {
			values, err := x.Float32s()
			require.NoError(t, err)
			change(values)
			tensors[i] = engine.NewTensor(x.Name, x.Shape, values)
		}
	}
	b, err := engine.EncodeSafetensors(tensors)
	require.NoError(t, err)
	return b
}

func (p *proof) replayAll(t *testing.T, o ReplayOptions) TranscriptFinding {
	t.Helper()
	f, err := New().ReplayTranscript(t.Context(), p.m, o, p.files.fetch)
	require.NoError(t, err)
	return f
}

func onlySegment(segment uint32) ReplayOptions { return ReplayOptions{Segment: &segment} }

func TestAnHonestTranscriptReplaysWithoutAnyStateFile(t *testing.T) {
	p := recordProof(t)
	for i := range proofSegments + 1 {
		delete(p.files, fmt.Sprintf("state-%d", i))
		delete(p.files, fmt.Sprintf("trace-%d", i))
	}
	var steps []int
	var told []uint32
	kept := map[uint32][]byte{}
	f := p.replayAll(t, ReplayOptions{Progress: func(_ uint32, step int) { steps = append(steps, step) },
		Done: func(s SegmentFinding) { told = append(told, s.Segment) }, Keep: func(i uint32, state []byte) { kept[i] = state }})
	require.True(t, f.Passed(), f.Problem)
	require.Nil(t, f.Wrong)
	require.Len(t, f.Replayed, proofSegments)
	require.Equal(t, []uint32{0, 1, 2, 3}, told)
	require.Equal(t, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, steps)
	require.Equal(t, SegmentFinding{Segment: 3, FirstStep: 10, LastStep: 12, Equal: true, Claimed: hex.EncodeToString(p.m.Score.CheckpointHash),
		Computed: hex.EncodeToString(p.m.Score.CheckpointHash)}, f.Replayed[3])
	for i, state := range kept {
		require.Equal(t, p.transcript.Leaves[i].State, sha256.Sum256(state))
	}
	require.Len(t, kept, proofSegments-1)
}

func TestOneSegmentNeedsItsStateOrTheReplayOfThoseBeforeIt(t *testing.T) {
	p := recordProof(t)
	f := p.replayAll(t, onlySegment(2))
	require.True(t, f.Passed())
	require.False(t, f.FromParent)
	require.Len(t, f.Replayed, 1)

	delete(p.files, "state-2")
	f = p.replayAll(t, onlySegment(2))
	require.True(t, f.Passed())
	require.True(t, f.FromParent)
	require.Len(t, f.Replayed, 3)

	_, err := New().ReplayTranscript(t.Context(), p.m, onlySegment(4), p.files.fetch)
	require.ErrorContains(t, err, "expected 0 to 3, got 4")
}

// replayForgeries are transcripts of trainings that did not happen. All have the right form, so only a replay finds them.
func replayForgeries(t *testing.T) map[string]struct {
	forge func(p *proof)
	want  Place // its values are not compared
} {
	return map[string]struct {
		forge func(p *proof)
		want  Place
	}{
		"one skipped step": {func(p *proof) {
			// The state before step 4 says that step 4 is done; the record of it is that of step 5.
			skipped := editState(t, p.files["state-1"], "~steps", func(v []float32) { v[0]++ })
			m, training := p.resume(t, skipped)
			_, err := training.Step()
			require.NoError(t, err)
			_, err = training.Step()
			require.NoError(t, err)
			trace := append([]byte(nil), p.files["trace-2"]...)
			copy(trace[:len(trace)/3], trace[len(trace)/3:])
			state := training.State()
			p.put(2, &engine.Replay{Weights: sha256.Sum256(m.Encode()), State: sha256.Sum256(state), StateFile: state, Trace: sha256.Sum256(trace), TraceFile: trace})
			p.goOn(t, 2)
		}, Place{Step: 4, What: "loss"}},
		"one changed rate": {func(p *proof) {
			lie := *p.transcript
			lie.Header.Recipe.LearningRate *= 2
			p.put(2, p.run(t, lie, 1, p.files["state-1"]))
			p.goOn(t, 2)
		}, Place{Step: 5, What: "loss"}},
		"an invented middle": {func(p *proof) {
			// Both ends and all records are the honest ones; one weight in between is not.
			state := editState(t, p.files["state-2"], "out.weight", func(v []float32) { v[3] += 0.001 })
			l := &p.transcript.Leaves[2]
			l.State, l.Weights = sha256.Sum256(state), sha256.Sum256(p.weightsOf(t, state))
			p.files["state-2"] = state
			p.handIn(p.files["checkpoint"])
		}, Place{Step: 6, What: "value", Tensor: "out.weight"}},
	}
}

func TestAForgeryIsNamedByStepAndTensor(t *testing.T) {
	for name, c := range replayForgeries(t) {
		t.Run(name, func(t *testing.T) {
			p := recordProof(t)
			c.forge(p)
			f := p.replayAll(t, ReplayOptions{})
			require.Equal(t, poltypes.AuditMismatch, f.Status)
			require.Equal(t, uint32(1), *f.Wrong)
			require.Len(t, f.Replayed, 2, "nothing follows from a wrong state, so it stops there")
			wrong := f.Replayed[1]
			require.False(t, wrong.Equal)
			require.NotEmpty(t, wrong.Differs)
			require.NotNil(t, wrong.First)
			require.NotEqual(t, wrong.First.Claimed, wrong.First.Computed)
			got := *wrong.First
			got.Claimed, got.Computed = "", ""
			require.Equal(t, c.want, got)
			t.Logf("%s: %s, step %d, %s %s: claimed %s, computed %s", name, f.Problem, wrong.First.Step, wrong.First.What, wrong.First.Tensor, wrong.First.Claimed, wrong.First.Computed)

			// Without the trainer's files the segment is still named.
			delete(p.files, "trace-2")
			delete(p.files, "state-2")
			f = p.replayAll(t, onlySegment(3))
			require.True(t, f.FromParent || len(f.Replayed) == 1)
			f = p.replayAll(t, ReplayOptions{})
			require.Equal(t, uint32(1), *f.Wrong)
			require.Nil(t, f.Replayed[1].First)
		})
	}
}

func TestAWrongHeaderOrEndIsAFinding(t *testing.T) {
	for name, c := range map[string]struct {
		change func(p *proof)
		status poltypes.AuditStatus
	}{
		"another trainer":      {func(p *proof) { p.m.Trainer = "pol1other" }, poltypes.AuditWrongHeader},
		"a rate out of bounds": {func(p *proof) { p.m.Recipe.MaxLearningRateE9 = 1_000_000 }, poltypes.AuditRecipe},
		"another parent":       {func(p *proof) { p.m.InitSeed = append(make([]byte, 31), 1) }, poltypes.AuditWrongStart},
		"another checkpoint":   {func(p *proof) { p.handIn([]byte("another")) }, poltypes.AuditWrongEnd},
	} {
		t.Run(name, func(t *testing.T) {
			p := recordProof(t)
			c.change(p)
			f := p.replayAll(t, ReplayOptions{})
			require.Equal(t, c.status, f.Status)
			require.NotEmpty(t, f.Problem)
			require.Nil(t, f.Wrong)
		})
	}
}

func TestAReplayThatCannotBeDoneIsAnError(t *testing.T) {
	p := recordProof(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := New().ReplayTranscript(ctx, p.m, ReplayOptions{Progress: func(uint32, int) { cancel() }}, p.files.fetch)
	require.ErrorIs(t, err, context.Canceled)
	p.files["transcript"] = []byte("other bytes")
	_, err = New().ReplayTranscript(t.Context(), p.m, ReplayOptions{}, p.files.fetch)
	require.ErrorContains(t, err, "expected")
	delete(p.files, "transcript")
	_, err = New().ReplayTranscript(t.Context(), p.m, ReplayOptions{}, p.files.fetch)
	require.ErrorContains(t, err, "nobody holds it")
}
