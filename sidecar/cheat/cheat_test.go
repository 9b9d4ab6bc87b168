package cheat

import (
	"context"
	"crypto/sha256"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/api"
	"github.com/pold-network/pold/sidecar/server"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

func TestCheatingIsForDevnetsOnly(t *testing.T) {
	for _, k := range Kinds() {
		got, err := Check(k.Name, k.Role, "pold-devnet-1")
		require.NoError(t, err)
		require.Equal(t, k, got)
		_, err = Check(k.Name, k.Role, "pold-1")
		require.ErrorContains(t, err, "devnets only")
	}
	_, err := Check(WrongScore, Trainer, "pold-devnet-1")
	require.ErrorContains(t, err, FalseClaim)
}

// small is a model with some rows.
func small(t *testing.T) (*engine.Model, *engine.Data) {
	t.Helper()
	spec, err := engine.ParseSpec((&engine.Spec{InputShape: []uint32{2}, Layers: []engine.Layer{{Name: "out", Kind: "dense", Units: 2}}}).Marshal())
	require.NoError(t, err)
	m, err := engine.NewModel(spec, [32]byte{1})
	require.NoError(t, err)
	d := &engine.Data{Features: 2}
	for i := range 32 {
		d.X = append(d.X, float32(i%5), float32(i%3))
		d.Labels = append(d.Labels, uint32(i%2))
	}
	return m, d
}

func TestAForgedTranscriptIsWrongInItsMiddleAndNowhereElse(t *testing.T) {
	for _, optimizer := range []engine.Recipe{
		{Optimizer: engine.OptimizerSGD, LearningRate: 0.1, Momentum: 0.9, BatchSize: 4, Steps: 16},
		{Optimizer: engine.OptimizerAdam, LearningRate: 0.01, Momentum: 0.9, Beta2: 0.99, Epsilon: 1e-8, BatchSize: 4, Steps: 16},
	} {
		for kind, wrong := range map[string][]int{SkippedStep: {4}, SwappedBatch: {4}, ChangedRate: {4}, InventedMiddle: {3, 4}} {
			t.Run(optimizer.Optimizer+" "+kind, func(t *testing.T) {
				m, d := small(t)
				parent := m.Clone()
				states := map[int][]byte{}
				keep := func(leaf int, state, _ []byte) (string, string, error) {
					states[leaf] = state
					if leaf == 0 {
						return "state", "", nil
					}
					return "state", "trace", nil
				}
				tr, err := Forge(kind)(m, d, engine.CrossEntropy, engine.TranscriptHeader{Recipe: optimizer, Segments: 8}, keep, nil)
				require.NoError(t, err)
				again, err := engine.ParseTranscript(tr.Encode())
				require.NoError(t, err)
				require.NoError(t, again.CheckStart(parent))
				require.NoError(t, again.CheckEnd(sha256.Sum256(m.Encode())), "the checkpoint is the forged end")
				var found []int
				for i := range 8 {
					r, err := again.ReplaySegment(m.Spec(), nil, d, i, states[i], nil)
					require.NoError(t, err)
					if !again.Matches(i, r) {
						found = append(found, i)
					}
				}
				require.Equal(t, wrong, found)
			})
		}
	}
}

// honest answers everything right.
type honest struct{ api.SidecarServer }

func (honest) Answers(_ context.Context, r *api.AnswersRequest) (*api.AnswersResponse, error) {
	return &api.AnswersResponse{
		Answers: []api.Answer{
			{TaskId: 1, Answer: poltypes.ScoreAnswer{ClaimLossE9: 5, RankLossE9: 7}.Encode(), Personal: []byte{1, 2}},
			{TaskId: 2, Answer: poltypes.AuditAnswer{}.Encode(), Personal: []byte{3, 4}},
		},
		Held: []uint64{1}, BeaconSecret: []byte{9},
	}, nil
}

func TestEveryCheatOfAValidatorChangesWhatItSays(t *testing.T) {
	truth, err := honest{}.Answers(t.Context(), nil)
	require.NoError(t, err)
	for _, k := range Kinds() {
		if k.Role != Validator {
			continue
		}
		s := NewService(honest{}, k)
		var last *api.AnswersResponse
		for range commitAsks + 1 {
			last, err = s.Answers(t.Context(), &api.AnswersRequest{Beacon: 4})
			require.NoError(t, err)
		}
		require.NotEqual(t, truth, last, k.Name)
	}
	s := NewService(honest{}, Kind{Name: WrongScore})
	said, err := s.Answers(t.Context(), &api.AnswersRequest{})
	require.NoError(t, err)
	a, err := poltypes.DecodeScoreAnswer(said.Answers[0].Answer)
	require.NoError(t, err)
	require.Equal(t, uint64(6), a.RankLossE9)
	require.Equal(t, truth.Answers[1], said.Answers[1], "audits are left alone")
}

// full holds a chunk of every file.
type full struct{ server.Store }

func (full) Chunk(context.Context, string, int64, int64) ([]byte, error) { return []byte("chunk"), nil }

func TestOnlyWhoKeepsNoFilesProducesNoChunk(t *testing.T) {
	for _, k := range Kinds() {
		chunk, err := NewStore(full{}, k).Chunk(t.Context(), "cid", 5, 0)
		if k.Name == NoFiles {
			require.ErrorIs(t, err, errBare)
			continue
		}
		require.NoError(t, err, k.Name)
		require.Equal(t, "chunk", string(chunk))
	}
}
