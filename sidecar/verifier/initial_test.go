package verifier

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset/digits"
	"github.com/pold-network/pold/engine"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// network is a model of the digits with so many units in its hidden layer; a second hidden layer is left out when it has no units.
func network(mapping bool, hidden, middle uint64) poltypes.ModelSpec {
	m := poltypes.ModelSpec{InputShape: []uint32{8, 8}, Normalization: &poltypes.Normalization{DivisorE6: 16_000_000}}
	add := func(layers ...*poltypes.Layer) { m.Layers = append(m.Layers, layers...) }
	if mapping {
		add(&poltypes.Layer{Name: "map", Kind: "sml"})
	}
	add(&poltypes.Layer{Name: "hidden", Kind: "dense", Units: hidden},
		&poltypes.Layer{Name: "norm", Kind: "batch_norm", EpsilonE9: 10_000, MomentumE6: 100_000}, &poltypes.Layer{Name: "act", Kind: "relu"})
	if middle > 0 {
		add(&poltypes.Layer{Name: "middle", Kind: "dense", Units: middle}, &poltypes.Layer{Name: "bend", Kind: "relu"})
	}
	add(&poltypes.Layer{Name: "out", Kind: "dense", Units: 10})
	return m
}

// lineages is a group whose model has changed: its first round with the new one starts from what the old one has learned.
type lineages struct {
	files files
	group poltypes.Group
	round poltypes.Round
	old   *engine.Model // with the mapping it was trained with
}

// changed trains the old model for some steps and opens a round with the new one.
func changed(t *testing.T, mapping bool, old, current poltypes.ModelSpec) *lineages {
	t.Helper()
	x := &lineages{files: files{"table": digits.CSV()}}
	x.group = poltypes.Group{Name: "digits", Round: 2, ModelVersion: 1, Settings: poltypes.GroupSettings{
		Model: old, TrainingSet: "digits", Objective: poltypes.OBJECTIVE_CROSS_ENTROPY, Evaluation: poltypes.EVALUATION_MODE_HOLDOUT,
		Proof: poltypes.PROOF_MODE_PROVED, Segments: provedSegments, InitSeed: bytes.Repeat([]byte{7}, 32), Mapping: mapping,
		Recipe: poltypes.RecipeBounds{MaxSteps: provedSteps}}}
	x.round = poltypes.Round{Group: "digits", Number: 1, ModelVersion: 1, TrainingSet: "digits", TrainingSetVersion: 1, Table: digitsTable(), EngineVersion: engine.Version,
		OrderSeed: bytes.Repeat([]byte{1}, 32), ScoreSeed: bytes.Repeat([]byte{2}, 32), AuditSeed: bytes.Repeat([]byte{3}, 32)}
	x.old = x.start(t)
	rows, err := New().Rows(t.Context(), RoundInputs("test-1", x.group, x.round, somebody), x.files.fetch)
	require.NoError(t, err)
	recipe := engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.05, Momentum: 0.9, BatchSize: 32, Steps: 20}
	require.NoError(t, x.old.Train(rows.Training, engine.CrossEntropy, recipe, nil))
	file := x.old.Encode()
	sum := sha256.Sum256(file)
	x.files["old"] = file
	won := poltypes.Checkpoint{Cid: "old", Sha256: sum[:], Size_: uint64(len(file)), Round: 1, Trainer: somebody, MappingSeed: x.group.MappingSeed("test-1", 1, somebody)}
	x.group.Carried = &poltypes.CarriedWeights{Checkpoint: won, Model: old}
	x.group.Settings.Model, x.group.ModelVersion = current, 2
	x.round.Number, x.round.ModelVersion, x.round.Carried = 2, 2, x.group.Carried
	return x
}

// start returns the model that a trainer starts the round from.
func (x *lineages) start(t *testing.T) *engine.Model {
	t.Helper()
	was := ParentInputs("test-1", x.group, x.round)
	file, err := was.InitialWeights(t.Context(), x.files.fetch)
	require.NoError(t, err)
	model, err := was.Decode(file)
	require.NoError(t, err)
	require.NoError(t, RoundInputs("test-1", x.group, x.round, somebody).Rebase(model))
	return model
}

func tensorsOf(t *testing.T, file []byte) map[string]engine.Tensor {
	t.Helper()
	list, err := engine.DecodeSafetensors(file)
	require.NoError(t, err)
	byName := map[string]engine.Tensor{}
	for _, x := range list {
		byName[x.Name] = x
	}
	return byName
}

func TestALayerOfEqualNameAndShapeKeepsItsBitsAndOthersDoNot(t *testing.T) {
	x := changed(t, false, network(false, 12, 0), network(false, 12, 16))
	in := ParentInputs("test-1", x.group, x.round)
	file, err := in.InitialWeights(t.Context(), x.files.fetch)
	require.NoError(t, err)
	require.True(t, engine.IsCanonical(file))
	in.Carried = nil
	plain, err := in.InitialWeights(t.Context(), nil)
	require.NoError(t, err)

	old, fresh, got := tensorsOf(t, x.files["old"]), tensorsOf(t, plain), tensorsOf(t, file)
	require.Equal(t, len(fresh), len(got))
	for _, name := range []string{"hidden.weight", "hidden.bias", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var", "out.bias"} {
		require.Equal(t, old[name], got[name], name)
		require.NotEqual(t, fresh[name], got[name], "%s has learned something", name)
	}
	for _, name := range []string{"middle.weight", "middle.bias", "out.weight"} {
		require.Equal(t, fresh[name], got[name], name)
	}
	require.Equal(t, []int{10, 12}, old["out.weight"].Shape)
	require.Equal(t, []int{10, 16}, got["out.weight"].Shape, "the same name and another shape")
}

func TestAModelThatChangesEverywhereCarriesNothing(t *testing.T) {
	x := changed(t, false, network(false, 12, 0), network(false, 13, 0))
	for _, l := range x.group.Settings.Model.Layers {
		l.Name += "_2"
	}
	in := ParentInputs("test-1", x.group, x.round)
	file, err := in.InitialWeights(t.Context(), x.files.fetch)
	require.NoError(t, err)
	in.Carried = nil
	plain, err := in.InitialWeights(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, plain, file)
}

// The hidden layer by itself tells which input each weight belongs to: fed with one pixel at a time, its outputs are the weights of
// that pixel, whatever the mapping.
func TestCarriedWeightsAreMovedToTheMappingOfTheInitialOnes(t *testing.T) {
	alone := poltypes.ModelSpec{InputShape: []uint32{8, 8}, Layers: []*poltypes.Layer{{Name: "map", Kind: "sml"}, {Name: "hidden", Kind: "dense", Units: 12}}}
	pixels := make([]float32, 64*64)
	for i := range 64 {
		pixels[i*64+i] = 1
	}
	weights := func(tensors map[string]engine.Tensor, mappingSeed []byte) []float32 {
		file, err := engine.EncodeSafetensors([]engine.Tensor{tensors["hidden.weight"], tensors["hidden.bias"]})
		require.NoError(t, err)
		model, err := Inputs{Model: alone, Objective: poltypes.OBJECTIVE_CROSS_ENTROPY, Evaluation: poltypes.EVALUATION_MODE_HOLDOUT,
			EngineVersion: engine.Version, MappingSeed: mappingSeed}.Decode(file)
		require.NoError(t, err)
		out, err := model.Forward(pixels, 64)
		require.NoError(t, err)
		return out
	}
	x := changed(t, true, network(true, 12, 0), network(true, 12, 16))
	in := ParentInputs("test-1", x.group, x.round)
	require.NotEqual(t, in.MappingSeed, x.round.Carried.Checkpoint.MappingSeed)
	file, err := in.InitialWeights(t.Context(), x.files.fetch)
	require.NoError(t, err)
	old, got := tensorsOf(t, x.files["old"]), tensorsOf(t, file)
	require.NotEqual(t, old["hidden.weight"], got["hidden.weight"], "columns have moved")
	require.Equal(t, weights(old, x.round.Carried.Checkpoint.MappingSeed), weights(got, in.MappingSeed))
	require.Equal(t, old["norm.running_mean"], got["norm.running_mean"])
}

func TestScoreAndReplayStartFromTheSameCarriedWeights(t *testing.T) {
	for name, mapping := range map[string]bool{"without a mapping": false, "with a mapping": true} {
		t.Run(name, func(t *testing.T) {
			x := changed(t, mapping, network(mapping, 12, 0), network(mapping, 12, 16))
			file, err := ParentInputs("test-1", x.group, x.round).InitialWeights(t.Context(), x.files.fetch)
			require.NoError(t, err)

			// The parent is scored by these very weights.
			m := poltypes.NewScoreManifest("test-1", x.group, x.round, "", x.round.Parent)
			scored, err := New().Score(t.Context(), m, x.files.fetch)
			require.NoError(t, err)
			figures, err := New().Evaluate(t.Context(), ParentInputs("test-1", x.group, x.round), file, x.files.fetch)
			require.NoError(t, err)
			require.Equal(t, poltypes.ScoreValid, scored.Status)
			require.Equal(t, figures.RankLossE9, scored.RankLossE9)
			x.round.Carried, m.Carried = nil, nil
			plain, err := New().Score(t.Context(), m, x.files.fetch)
			require.NoError(t, err)
			require.NotEqual(t, plain.RankLossE9, scored.RankLossE9)
			x.round.Carried = x.group.Carried

			// A training from them passes its audit, one from the bare seed does not.
			require.Equal(t, poltypes.AuditPassed, x.auditOf(t, x.start(t)))
			bare := *x
			bare.round.Carried = nil
			require.Equal(t, poltypes.AuditWrongStart, x.auditOf(t, bare.start(t)))
		})
	}
}

// auditOf trains from a model with a transcript and audits the result.
func (x *lineages) auditOf(t *testing.T, model *engine.Model) poltypes.AuditStatus {
	t.Helper()
	rows, err := New().Rows(t.Context(), RoundInputs("test-1", x.group, x.round, somebody), x.files.fetch)
	require.NoError(t, err)
	h := engine.TranscriptHeader{Segments: provedSegments, Recipe: engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 0.05, BatchSize: 32, Steps: provedSteps,
		Seed: [32]byte(poltypes.TrainerSeed(x.round.OrderSeed, somebody))}}
	copy(h.Context[:], poltypes.TranscriptContext("test-1", "digits", x.round.Number, somebody))
	copy(h.DataRoot[:], x.round.Table.Root)
	var states [][]byte
	transcript, err := engine.Record(model, rows.Training, engine.CrossEntropy, h, keepIn(x.files, &states), nil)
	require.NoError(t, err)
	checkpoint, file := model.Encode(), transcript.Encode()
	hash, root := sha256.Sum256(checkpoint), sha256.Sum256(file)
	x.files["new"], x.files["transcript"] = checkpoint, file
	m := poltypes.NewAuditManifest("test-1", x.group, x.round, poltypes.Submission{Group: "digits", Round: x.round.Number, Trainer: somebody,
		CheckpointCid: "new", CheckpointHash: hash[:], Size_: uint64(len(checkpoint)), TranscriptCid: "transcript", TranscriptRoot: root[:], TranscriptSize: uint64(len(file))})
	m.Common = []uint32{0, 5}
	a, err := New().Audit(t.Context(), m, keeper, x.files.fetch)
	require.NoError(t, err)
	return a.Answer.Status
}

func TestCarriedWeightsThatCannotBeUsedMeanAbstaining(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(x *lineages)
		want   string
	}{
		{"a missing checkpoint", func(x *lineages) { delete(x.files, "old") }, "nobody holds it"},
		{"other bytes", func(x *lineages) {
			x.files["old"] = slices.Clone(x.files["old"])
			x.files["old"][len(x.files["old"])-1] ^= 1
		}, "SHA-256"},
		{"a checkpoint of another model", func(x *lineages) { x.round.Carried.Model = network(false, 11, 0) }, "checkpoint old"},
		{"a mapping in a group without", func(x *lineages) { x.round.Carried.Checkpoint.MappingSeed = make([]byte, 32) }, "expected no mapping"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := changed(t, false, network(false, 12, 0), network(false, 12, 16))
			c.change(x)
			_, err := New().Score(t.Context(), poltypes.NewScoreManifest("test-1", x.group, x.round, "", x.round.Parent), x.files.fetch)
			require.ErrorContains(t, err, "carried weights")
			require.ErrorContains(t, err, c.want)
		})
	}
}
