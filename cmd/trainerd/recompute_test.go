package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset/digits"
	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/chain"
	"github.com/pold-network/pold/sidecar/verifier"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const (
	testChain   = "test-1"
	testTrainer = "pol1trainer"
)

// settled is a chain with one settled round of a PROVED group, and a swarm that holds its files.
type settled struct {
	group       poltypes.Group
	round       poltypes.Round
	submissions []poltypes.Submission
	tasks       map[uint64]attestationtypes.Task
	files       map[string][]byte
}

func (s *settled) ChainID() string { return testChain }

func (s *settled) Group(_ context.Context, name string) (poltypes.Group, error) {
	if name != s.group.Name {
		return poltypes.Group{}, chain.ErrNotFound
	}
	return s.group, nil
}

func (s *settled) Round(_ context.Context, _ string, number uint64) (poltypes.Round, error) {
	if number != s.round.Number {
		return poltypes.Round{}, chain.ErrNotFound
	}
	return s.round, nil
}

func (s *settled) Submissions(context.Context, string, uint64) ([]poltypes.Submission, error) {
	return s.submissions, nil
}

func (s *settled) Task(_ context.Context, id uint64) (attestationtypes.Task, error) {
	t, ok := s.tasks[id]
	if !ok {
		return t, chain.ErrNotFound
	}
	return t, nil
}

func (s *settled) fetch(_ context.Context, cid string, _ uint64, _ []byte) ([]byte, error) {
	if b, ok := s.files[cid]; ok {
		return b, nil
	}
	return nil, errors.New("nobody holds it")
}

func (s *settled) keep(b []byte) string {
	sum := sha256.Sum256(b)
	cid := hex.EncodeToString(sum[:8])
	s.files[cid] = b
	return cid
}

// settle trains the digits for 8 steps in 4 segments, scores the result and audits segments 0 and 2, as validators would.
func settle(t *testing.T) *settled {
	t.Helper()
	root, err := hex.DecodeString(digits.Root)
	require.NoError(t, err)
	sum := sha256.Sum256(digits.CSV())
	s := &settled{files: map[string][]byte{"table": digits.CSV()}, tasks: map[uint64]attestationtypes.Task{}}
	s.group = poltypes.Group{Name: "digits", Round: 1, Settings: poltypes.GroupSettings{
		Model: poltypes.ModelSpec{InputShape: []uint32{8, 8}, Normalization: &poltypes.Normalization{DivisorE6: 16_000_000},
			Layers: []*poltypes.Layer{{Name: "out", Kind: "dense", Units: 10}}},
		TrainingSet: "digits", Objective: poltypes.OBJECTIVE_CROSS_ENTROPY, Evaluation: poltypes.EVALUATION_MODE_HOLDOUT,
		Proof: poltypes.PROOF_MODE_PROVED, Segments: 4, InitSeed: make([]byte, 32)}}
	s.round = poltypes.Round{Group: "digits", Number: 1, Phase: poltypes.ROUND_PHASE_SETTLED, TrainingSet: "digits", EngineVersion: engine.Version,
		OrderSeed: make([]byte, 32), ScoreSeed: make([]byte, 32), AuditSeed: make([]byte, 32), Winner: testTrainer,
		Table: trainingsettypes.Table{Cid: "table", Sha256: sum[:], Size_: uint64(len(digits.CSV())), Rows: digits.Rows, Columns: 65, Targets: 1, Root: root, ValidationPermille: 200}}

	in := verifier.RoundInputs(testChain, s.group, s.round, testTrainer)
	rows, err := verifier.New().Rows(t.Context(), in, s.fetch)
	require.NoError(t, err)
	in.InitSeed = s.group.Settings.InitSeed
	weights, err := in.InitialWeights(t.Context(), s.fetch)
	require.NoError(t, err)
	model, err := in.Decode(weights)
	require.NoError(t, err)
	h := engine.TranscriptHeader{Segments: 4, Recipe: engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.05, Momentum: 0.9, BatchSize: 32, Steps: 8,
		Seed: [32]byte(poltypes.TrainerSeed(s.round.OrderSeed, testTrainer))}}
	copy(h.Context[:], poltypes.TranscriptContext(testChain, "digits", 1, testTrainer))
	copy(h.DataRoot[:], root)
	transcript, err := engine.Record(model, rows.Training, engine.CrossEntropy, h, func(_ int, state, trace []byte) (string, string, error) {
		if trace == nil {
			return s.keep(state), "", nil
		}
		return s.keep(state), s.keep(trace), nil
	}, nil)
	require.NoError(t, err)
	s.handIn(t, model.Encode(), transcript)
	return s
}

// handIn reveals checkpoint and transcript and lets validators judge both.
func (s *settled) handIn(t *testing.T, checkpoint []byte, transcript *engine.Transcript) {
	t.Helper()
	hash, root := sha256.Sum256(checkpoint), transcript.Root()
	x := poltypes.Submission{Group: "digits", Round: 1, Trainer: testTrainer, Status: poltypes.SUBMISSION_STATUS_WINNER,
		CheckpointCid: s.keep(checkpoint), CheckpointHash: hash[:], Size_: uint64(len(checkpoint)),
		TranscriptCid: s.keep(transcript.Encode()), TranscriptRoot: root[:], TranscriptSize: uint64(len(transcript.Encode()))}
	score := poltypes.NewScoreManifest(testChain, s.group, s.round, testTrainer, poltypes.Checkpoint{Cid: x.CheckpointCid, Sha256: hash[:], Size_: x.Size_})
	a, err := verifier.New().Score(t.Context(), score, s.fetch)
	require.NoError(t, err)
	x.ClaimedLossE9 = a.ClaimLossE9
	x.Judge(a, 5)
	x.Status = poltypes.SUBMISSION_STATUS_WINNER
	m := poltypes.NewAuditManifest(testChain, s.group, s.round, x)
	m.Common, m.Own = []uint32{0, 2}, true
	manifest, err := m.Marshal()
	require.NoError(t, err)
	s.tasks[6] = attestationtypes.Task{Id: 6, Kind: poltypes.AuditTaskKind, Manifest: manifest}
	audit, err := verifier.New().Audit(t.Context(), m, "polvaloper1one", s.fetch)
	require.NoError(t, err)
	x.Audit, x.AuditTaskId = poltypes.NewAuditVerdict(audit.Answer, 6), 6
	s.submissions = []poltypes.Submission{x}
}

// forge hands in a transcript whose segment was trained with twice the rate.
func (s *settled) forge(t *testing.T, segment int) {
	t.Helper()
	transcript, err := engine.ParseTranscript(s.files[s.submissions[0].TranscriptCid])
	require.NoError(t, err)
	m := poltypes.NewAuditManifest(testChain, s.group, s.round, s.submissions[0])
	spec := m.Score.Model.Spec()
	rows, err := verifier.New().Rows(t.Context(), verifier.ManifestInputs(&m.Score), s.fetch)
	require.NoError(t, err)
	for i := segment; i < 4; i++ {
		lie := *transcript
		if i == segment {
			lie.Header.Recipe.LearningRate *= 2
		}
		done, err := lie.ReplaySegment(spec, nil, rows.Training, i, s.files[transcript.Leaves[i].StateCID], nil)
		require.NoError(t, err)
		transcript.Leaves[i+1] = engine.Leaf{Step: transcript.Leaves[i+1].Step, Weights: done.Weights, State: done.State, Trace: done.Trace,
			StateSize: uint64(len(done.StateFile)), StateCID: s.keep(done.StateFile), TraceCID: s.keep(done.TraceFile)}
	}
	_, training, err := engine.ResumeTraining(spec, nil, rows.Training, engine.CrossEntropy, transcript.Header.Recipe, s.files[transcript.Leaves[4].StateCID])
	require.NoError(t, err)
	tensors, err := engine.DecodeSafetensors(training.State())
	require.NoError(t, err)
	var weights []engine.Tensor
	for _, x := range tensors {
		if x.Name[0] != '~' {
			weights = append(weights, x)
		}
	}
	checkpoint, err := engine.EncodeSafetensors(weights)
	require.NoError(t, err)
	s.handIn(t, checkpoint, transcript)
}
