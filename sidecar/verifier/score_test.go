package verifier

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset/digits"
	"github.com/pold-network/pold/engine"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// files is a swarm that holds everything.
type files map[string][]byte

func (f files) fetch(_ context.Context, cid string, _ uint64, _ []byte) ([]byte, error) {
	b, ok := f[cid]
	if !ok {
		return nil, errors.New("nobody holds it")
	}
	return b, nil
}

func digitsTable() trainingsettypes.Table {
	root, _ := hex.DecodeString(digits.Root)
	sum := sha256.Sum256(digits.CSV())
	return trainingsettypes.Table{Cid: "table", Sha256: sum[:], Size_: uint64(len(digits.CSV())), Rows: digits.Rows, Columns: digits.Features + 1,
		Targets: 1, Root: root, ValidationPermille: 200}
}

func digitsManifest() poltypes.ScoreManifest {
	return poltypes.ScoreManifest{
		ChainId: "test-1", Group: "digits", Round: 1, ModelVersion: 1,
		Model: poltypes.ModelSpec{InputShape: []uint32{8, 8}, Normalization: &poltypes.Normalization{DivisorE6: 16_000_000},
			Layers: []*poltypes.Layer{{Name: "hidden", Kind: "dense", Units: 12}, {Name: "act", Kind: "relu"}, {Name: "out", Kind: "dense", Units: 10}}},
		Objective: poltypes.OBJECTIVE_CROSS_ENTROPY, Evaluation: poltypes.EVALUATION_MODE_TRAINING_SET,
		TrainingSet: "digits", TrainingSetVersion: 1, Table: digitsTable(), InitSeed: make([]byte, 32), EngineVersion: engine.Version,
	}
}

// withCheckpoint makes the manifest score a file.
func withCheckpoint(m poltypes.ScoreManifest, f files, file []byte) poltypes.ScoreManifest {
	sum := sha256.Sum256(file)
	m.CheckpointCid, m.CheckpointHash, m.CheckpointSize, m.InitSeed = "checkpoint", sum[:], uint64(len(file)), nil
	f["checkpoint"] = file
	return m
}

func trained(t *testing.T, m poltypes.ScoreManifest, f files) *engine.Model {
	t.Helper()
	in := ManifestInputs(&m)
	rows, err := New().Rows(t.Context(), in, f.fetch)
	require.NoError(t, err)
	start, err := in.InitialWeights(t.Context(), f.fetch)
	require.NoError(t, err)
	model, err := in.Decode(start)
	require.NoError(t, err)
	recipe := engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.05, Momentum: 0.9, BatchSize: 32, Steps: 40}
	require.NoError(t, model.Train(rows.Training, engine.CrossEntropy, recipe, nil))
	return model
}

func TestScoreIsWhatTheEngineEvaluates(t *testing.T) {
	f := files{"table": digits.CSV()}
	m := digitsManifest()
	first, err := New().Score(t.Context(), &m, f.fetch)
	require.NoError(t, err)
	require.Equal(t, poltypes.ScoreValid, first.Status)

	model := trained(t, m, f)
	m = withCheckpoint(m, f, model.Encode())
	a, err := New().Score(t.Context(), &m, f.fetch)
	require.NoError(t, err)
	require.Equal(t, poltypes.ScoreValid, a.Status)
	require.Less(t, a.RankLossE9, first.RankLossE9, "training lowers the loss")

	// Independently of the code under test: split, rows, engine.
	rows, err := New().Rows(t.Context(), ManifestInputs(&m), f.fetch)
	require.NoError(t, err)
	require.Equal(t, digits.Rows, rows.Training.Rows()+rows.Validation.Rows())
	require.InDelta(t, digits.Rows/5, rows.Validation.Rows(), 60)
	training, err := model.Evaluate(rows.Training, engine.CrossEntropy)
	require.NoError(t, err)
	validation, err := model.Evaluate(rows.Validation, engine.CrossEntropy)
	require.NoError(t, err)
	require.Equal(t, training.LossE9, a.ClaimLossE9)
	require.Equal(t, training.LossE9, a.RankLossE9)
	require.Equal(t, validation.MetricE9, a.MetricE9)
	require.Greater(t, a.MetricE9, uint64(500_000_000))

	encoded, err := m.Marshal()
	require.NoError(t, err)
	hash := sha256.Sum256(encoded)
	want := sha256.New()
	for _, field := range [][]byte{[]byte("pold/score/v1"), hash[:], training.Digest[:], validation.Digest[:]} {
		fmt.Fprintf(want, "%s%s", []byte{0, 0, 0, byte(len(field))}, field)
	}
	require.Equal(t, want.Sum(nil), a.Digest[:])
}

func TestScoreIsTheSameFromEveryVerifierAndFromItsCache(t *testing.T) {
	f := files{"table": digits.CSV()}
	m := digitsManifest()
	m = withCheckpoint(m, f, trained(t, m, f).Encode())
	v := New()
	first, err := v.Score(t.Context(), &m, f.fetch)
	require.NoError(t, err)
	again, err := v.Score(t.Context(), &m, f.fetch)
	require.NoError(t, err)
	other, err := New().Score(t.Context(), &m, f.fetch)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, first, other)

	// The same checkpoint in another round has the same losses and another digest.
	m.Round++
	next, err := v.Score(t.Context(), &m, f.fetch)
	require.NoError(t, err)
	require.Equal(t, first.RankLossE9, next.RankLossE9)
	require.NotEqual(t, first.Digest, next.Digest)
}

func TestFaultyCheckpointsAreFindings(t *testing.T) {
	table := files{"table": digits.CSV()}
	good := trained(t, digitsManifest(), table).Encode()
	tensors, err := engine.DecodeSafetensors(good)
	require.NoError(t, err)
	for _, c := range []struct {
		name   string
		file   func() []byte
		status poltypes.ScoreStatus
	}{
		{"a space in the header", func() []byte {
			return append([]byte{good[0] + 8}, append(slices.Clone(good[1:8]), append(bytes.Repeat([]byte{' '}, 8), good[8:]...)...)...)
		}, poltypes.ScoreNotCanonical},
		{"no safetensors file", func() []byte { return []byte("hello") }, poltypes.ScoreNotCanonical},
		{"a cut file", func() []byte { return good[:len(good)-4] }, poltypes.ScoreNotCanonical},
		{"a tensor of another shape", func() []byte {
			b, err := engine.EncodeSafetensors([]engine.Tensor{engine.NewTensor("hidden.bias", []int{3}, []float32{1, 2, 3})})
			require.NoError(t, err)
			return b
		}, poltypes.ScoreWrongShape},
		{"an infinite weight", func() []byte {
			changed := slices.Clone(tensors)
			changed[0].Data = slices.Clone(changed[0].Data)
			copy(changed[0].Data, []byte{0, 0, 0x80, 0x7f})
			b, err := engine.EncodeSafetensors(changed)
			require.NoError(t, err)
			return b
		}, poltypes.ScoreNotFinite},
		{"finite weights that overflow", func() []byte {
			var huge []engine.Tensor
			for _, x := range tensors {
				values, err := x.Float32s()
				require.NoError(t, err)
				for i := range values {
					values[i] = 3e38
				}
				huge = append(huge, engine.NewTensor(x.Name, x.Shape, values))
			}
			b, err := engine.EncodeSafetensors(huge)
			require.NoError(t, err)
			return b
		}, poltypes.ScoreNotFinite},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := files{"table": digits.CSV()}
			m := withCheckpoint(digitsManifest(), f, c.file())
			a, err := New().Score(t.Context(), &m, f.fetch)
			require.NoError(t, err)
			require.Equal(t, c.status, a.Status)
			require.Zero(t, a.ClaimLossE9)
			require.Zero(t, a.RankLossE9)
			require.Zero(t, a.MetricE9)
			require.NotZero(t, a.Digest)
			m.Round++
			b, err := New().Score(t.Context(), &m, f.fetch)
			require.NoError(t, err)
			require.NotEqual(t, a.Digest, b.Digest, "the digest is bound to the task")
		})
	}
}

func TestATableThatDoesNotSuitTheModelIsAFinding(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(m *poltypes.ScoreManifest)
	}{
		{"a label that is no class of the model", func(m *poltypes.ScoreManifest) { m.Model.Layers[len(m.Model.Layers)-1].Units = 5 }},
		{"two targets for classes", func(m *poltypes.ScoreManifest) { m.Table.Targets = 2 }},
		{"fewer inputs than features", func(m *poltypes.ScoreManifest) { m.Model.InputShape = []uint32{32} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := files{"table": digits.CSV()}
			m := digitsManifest()
			c.change(&m)
			a, err := New().Score(t.Context(), &m, f.fetch)
			require.NoError(t, err, "abstaining would leave the round without an end")
			require.Equal(t, poltypes.ScoreUnfitData, a.Status)
			require.NotZero(t, a.Digest)
		})
	}
}

func TestWhatIsNotPinnedMeansAbstaining(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(m *poltypes.ScoreManifest, f files)
		want   string
	}{
		{"another engine", func(m *poltypes.ScoreManifest, _ files) { m.EngineVersion = "pold-engine/2" }, "engine version"},
		{"an unknown evaluation mode", func(m *poltypes.ScoreManifest, _ files) { m.Evaluation = 9 }, "evaluation mode"},
		{"an unknown layer", func(m *poltypes.ScoreManifest, _ files) { m.Model.Layers[1].Kind = "conv3d" }, "unknown kind"},
		{"an unknown objective", func(m *poltypes.ScoreManifest, _ files) { m.Objective = 9 }, "install a newer release"},
		{"a changed row", func(_ *poltypes.ScoreManifest, f files) { f["table"][len(f["table"])-2] ^= 1 }, "SHA-256"},
		{"a longer table", func(_ *poltypes.ScoreManifest, f files) { f["table"] = append(f["table"], '\n') }, "bytes"},
		{"a wrong root", func(m *poltypes.ScoreManifest, _ files) { m.Table.Root = make([]byte, 32) }, "table root"},
		{"a wrong number of rows", func(m *poltypes.ScoreManifest, _ files) { m.Table.Rows++ }, "rows"},
		{"a wrong number of columns", func(m *poltypes.ScoreManifest, _ files) { m.Table.Columns++ }, "columns"},
		{"a missing table", func(_ *poltypes.ScoreManifest, f files) { delete(f, "table") }, "nobody holds it"},
		{"a missing checkpoint", func(_ *poltypes.ScoreManifest, f files) { delete(f, "checkpoint") }, "nobody holds it"},
		{"another checkpoint under the CID", func(_ *poltypes.ScoreManifest, f files) { f["checkpoint"][100] ^= 1 }, "SHA-256"},
		{"a short seed", func(m *poltypes.ScoreManifest, _ files) { m.CheckpointCid, m.InitSeed = "", []byte{1} }, "init_seed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := files{"table": digits.CSV()}
			m := digitsManifest()
			start, err := ManifestInputs(&m).InitialWeights(t.Context(), f.fetch)
			require.NoError(t, err)
			m = withCheckpoint(m, f, start)
			v := New()
			_, err = v.Score(t.Context(), &m, f.fetch)
			require.NoError(t, err, "the unchanged manifest is fine")
			c.change(&m, f)
			_, err = New().Score(t.Context(), &m, f.fetch)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestAWarmCacheDoesNotHideAWrongPin(t *testing.T) {
	f := files{"table": digits.CSV()}
	m := digitsManifest()
	v := New()
	_, err := v.Score(t.Context(), &m, f.fetch)
	require.NoError(t, err)
	m.Table.Root = make([]byte, 32)
	_, err = v.Score(t.Context(), &m, f.fetch)
	require.ErrorContains(t, err, "table root")
}

func TestSquaredErrorReadsTrailingTargets(t *testing.T) {
	table := []byte("a,b,y,z\n1,2,3,4\n5,6,7,8\n")
	sum := sha256.Sum256(table)
	m := digitsManifest()
	m.Model = poltypes.ModelSpec{InputShape: []uint32{2}, Layers: []*poltypes.Layer{{Name: "out", Kind: "dense", Units: 2}}}
	m.Objective = poltypes.OBJECTIVE_MEAN_SQUARED_ERROR
	m.Table = trainingsettypes.Table{Cid: "table", Sha256: sum[:], Size_: uint64(len(table)), Rows: 2, Columns: 4, Targets: 2}
	f := files{"table": table}
	root, err := rootOf(table)
	require.NoError(t, err)
	m.Table.Root = root
	zeros, err := engine.EncodeSafetensors([]engine.Tensor{engine.NewTensor("out.bias", []int{2}, make([]float32, 2)), engine.NewTensor("out.weight", []int{2, 2}, make([]float32, 4))})
	require.NoError(t, err)
	m = withCheckpoint(m, f, zeros)
	a, err := New().Score(t.Context(), &m, f.fetch)
	require.NoError(t, err)
	// Outputs are 0: (9+16)/2 and (49+64)/2 give a mean of 34.5; the mean absolute error is (3+4+7+8)/4.
	require.Equal(t, uint64(34_500_000_000), a.RankLossE9)
	require.Equal(t, uint64(5_500_000_000), a.MetricE9, "nothing is held back, so the metric is over all rows")
}

func TestCacheForgetsWhatWasUsedLongestAgoAndKeepsTheNewest(t *testing.T) {
	c := newCache[string, int](10)
	c.put("a", 1, 4)
	c.put("b", 2, 4)
	_, _ = c.get("a")
	c.put("c", 3, 4)
	_, ok := c.get("b")
	require.False(t, ok)
	c.put("big", 4, 100)
	_, ok = c.get("big")
	require.True(t, ok)
	_, ok = c.get("a")
	require.False(t, ok)
	require.Equal(t, 100, c.weight)
}

func TestProblemsAreSentences(t *testing.T) {
	f := files{"table": digits.CSV()}
	m := digitsManifest()
	figures, err := New().Evaluate(t.Context(), ManifestInputs(&m), []byte("hello"), f.fetch)
	require.NoError(t, err)
	require.NotEmpty(t, figures.Problem)
	require.False(t, strings.HasSuffix(figures.Problem, "."))
}
