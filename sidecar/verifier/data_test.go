package verifier

import (
	"bytes"
	"crypto/sha256"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/engine"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// sequences are inputs for a model of two positions of two features with three classes.
func sequences(targets uint32, objective poltypes.Objective) Inputs {
	return Inputs{
		Model:     poltypes.ModelSpec{InputShape: []uint32{2, 2}, Layers: []*poltypes.Layer{{Name: "next", Kind: "linear", Units: 3}}},
		Objective: objective, Table: trainingsettypes.Table{Targets: targets},
	}
}

func TestEachPositionHasALabelColumn(t *testing.T) {
	for _, c := range []struct {
		name, file string
		targets    uint32
		labels     []uint32
		says       string // empty: accepted
	}{
		{"two labels", "a,b,c,d,y,z\n1,2,3,4,0,2\n5,6,7,8,1,0\n", 2, []uint32{0, 2, 1, 0}, ""},
		{"a class beyond the last", "a,b,c,d,y,z\n1,2,3,4,0,2\n5,6,7,8,3,0\n", 2, nil, `line 3, column 5 (y): expected a class from 0 to 2, got "3"`},
		{"a fraction", "a,b,c,d,y,z\n1,2,3,4,0,0.5\n", 2, nil, `line 2, column 6 (z): expected a class from 0 to 2, got "0.5"`},
		{"a number that is almost a class", "a,b,c,d,y,z\n1,2,3,4,0,0.99999999\n", 2, nil, `got "0.99999999"`},
		{"a negative class", "a,b,c,d,y,z\n1,2,3,4,-1,0\n", 2, nil, `got "-1"`},
		{"one label for two positions", "a,b,c,d,y\n1,2,3,4,0\n", 1, nil, "expected 2 target column(s), one class for each prediction of the model, got 1"},
	} {
		table, err := dataset.Parse(bytes.NewReader([]byte(c.file)))
		require.NoError(t, err, c.name)
		d, err := sequences(c.targets, poltypes.OBJECTIVE_CROSS_ENTROPY).data(table)
		if c.says != "" {
			require.ErrorContains(t, err, c.says, c.name)
			continue
		}
		require.NoError(t, err, c.name)
		require.Equal(t, c.labels, d.Labels, c.name)
		require.Equal(t, 4, d.Features, c.name)
		require.Equal(t, 2, d.Targets, c.name)
		require.Equal(t, []float32{1, 2, 3, 4, 5, 6, 7, 8}, d.X, c.name)
	}
}

func TestBinaryTargetsAreNumbers(t *testing.T) {
	table, err := dataset.Parse(bytes.NewReader([]byte("a,b,c,d,u,v,w,x,y,z\n1,2,3,4,0,1,0.25,1,0,1\n")))
	require.NoError(t, err)
	d, err := sequences(6, poltypes.OBJECTIVE_BINARY_CROSS_ENTROPY).data(table)
	require.NoError(t, err)
	require.Nil(t, d.Labels)
	require.Equal(t, 6, d.Targets)
	require.Equal(t, []float32{0, 1, 0.25, 1, 0, 1}, d.Y)
}

// Models that check their rows in another way must not share rows, or one of them would go unchecked.
func TestRowsAreSharedOnlyByModelsThatReadThemAlike(t *testing.T) {
	tokens := func(vocabulary, units uint64) Inputs {
		return Inputs{Objective: poltypes.OBJECTIVE_CROSS_ENTROPY, Model: poltypes.ModelSpec{InputShape: []uint32{4}, Layers: []*poltypes.Layer{
			{Name: "tokens", Kind: "embedding", Units: units, Vocabulary: vocabulary}, {Name: "next", Kind: "dense", Units: 3}}}}
	}
	require.Equal(t, tokens(9, 5).dataKey(), tokens(9, 7).dataKey())
	require.NotEqual(t, tokens(9, 5).dataKey(), tokens(8, 5).dataKey())
	flat, deep := sequences(2, poltypes.OBJECTIVE_CROSS_ENTROPY), sequences(2, poltypes.OBJECTIVE_CROSS_ENTROPY)
	flat.Model.Layers = []*poltypes.Layer{{Name: "next", Kind: "dense", Units: 6}}
	require.NotEqual(t, flat.dataKey(), deep.dataKey())
}

// With weights of 0 every output is 0, so the losses are known: ln 3 for three equal classes, ln 2 for even odds.
func TestNewObjectivesAreScored(t *testing.T) {
	for _, c := range []struct {
		name, file   string
		targets      uint32
		objective    poltypes.Objective
		loss, metric float64
		status       poltypes.ScoreStatus
	}{
		{"a class at each position", "a,b,c,d,y,z\n1,2,3,4,0,2\n5,6,7,8,1,0\n", 2, poltypes.OBJECTIVE_CROSS_ENTROPY, math.Log(3), 0.5, poltypes.ScoreValid},
		{"a class that is none", "a,b,c,d,y,z\n1,2,3,4,0,3\n", 2, poltypes.OBJECTIVE_CROSS_ENTROPY, 0, 0, poltypes.ScoreUnfitData},
		{"binary targets", "a,b,c,d,u,v,w,x,y,z\n1,2,3,4,0,1,0.25,1,0,0\n", 6, poltypes.OBJECTIVE_BINARY_CROSS_ENTROPY, math.Log(2), 4.0 / 6, poltypes.ScoreValid},
		{"a target above 1", "a,b,c,d,u,v,w,x,y,z\n1,2,3,4,0,1,1.25,1,0,0\n", 6, poltypes.OBJECTIVE_BINARY_CROSS_ENTROPY, 0, 0, poltypes.ScoreUnfitData},
	} {
		sum := sha256.Sum256([]byte(c.file))
		root, err := rootOf([]byte(c.file))
		require.NoError(t, err, c.name)
		parsed, err := dataset.Parse(strings.NewReader(c.file))
		require.NoError(t, err, c.name)
		m := digitsManifest()
		m.Model, m.Objective = sequences(c.targets, c.objective).Model, c.objective
		m.Table = trainingsettypes.Table{Cid: "table", Sha256: sum[:], Size_: uint64(len(c.file)), Root: root, Targets: c.targets,
			Rows: uint64(parsed.Rows()), Columns: uint32(parsed.Columns())}
		f := files{"table": []byte(c.file)}
		zeros, err := engine.EncodeSafetensors([]engine.Tensor{
			engine.NewTensor("next.bias", []int{3}, make([]float32, 3)), engine.NewTensor("next.weight", []int{3, 2}, make([]float32, 6))})
		require.NoError(t, err, c.name)
		m = withCheckpoint(m, f, zeros)
		a, err := New().Score(t.Context(), &m, f.fetch)
		require.NoError(t, err, c.name)
		require.Equal(t, c.status, a.Status, c.name)
		require.InDelta(t, c.loss*1e9, float64(a.RankLossE9), 200, c.name)
		require.InDelta(t, c.metric*1e9, float64(a.MetricE9), 1, c.name)
	}
}
