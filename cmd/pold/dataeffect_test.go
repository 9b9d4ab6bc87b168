package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// round is a settled round; a loss of 0 means that nobody won.
func round(number, version uint64, parent, loss uint64) poltypes.Round {
	r := poltypes.Round{
		Group: "birds", Number: number, Phase: poltypes.ROUND_PHASE_SETTLED, TrainingSetVersion: version, ModelVersion: 1,
		Table: trainingsettypes.Table{ValidationPermille: 200},
	}
	if parent > 0 {
		r.ParentVerdict = &poltypes.Verdict{RankLossE9: parent, MetricE9: 1_000_000_000 - parent}
	}
	if loss > 0 {
		r.Winner, r.Checkpoint = buyer(1), poltypes.Checkpoint{LossE9: loss, MetricE9: 1_000_000_000 - loss}
	}
	return r
}

// effectReader is a reader of a group that was trained for some rounds, the first of which are forgotten.
func effectReader(rounds ...poltypes.Round) (*reader, poltypes.Group) {
	g := poltypes.Group{Name: "birds", Settings: testSettings("birds"), Round: rounds[len(rounds)-1].Number}
	f := &fakeChain{groups: map[string]poltypes.Group{"birds": g}, rounds: rounds}
	return &reader{node: f.node()}, g
}

func trained() []poltypes.Round {
	open := round(50, 4, 0, 0)
	open.Phase = poltypes.ROUND_PHASE_COMMIT
	return []poltypes.Round{
		round(40, 2, 300_000_000, 280_000_000), round(41, 2, 280_000_000, 250_000_000), round(42, 2, 0, 0),
		round(43, 3, 0, 0), // nobody committed anything
		round(44, 3, 270_000_000, 240_000_000), round(45, 3, 240_000_000, 0), round(46, 3, 240_000_000, 200_000_000),
		round(47, 3, 200_000_000, 190_000_000), round(48, 3, 190_000_000, 180_000_000), round(49, 3, 180_000_000, 100_000_000), open,
	}
}

func TestTheEffectOfAVersionIsReadOffTheRoundsAroundIt(t *testing.T) {
	r, _ := effectReader(trained()...)
	v, err := r.effect(t.Context(), "birds", 3, "birds")
	require.NoError(t, err)
	golden(t, `
birds version 3 and the model of group birds
loss: cross entropy on the training rows; metric: accuracy on the validation rows
FIGURE                                      ROUND  VERSION      LOSS     CHANGE    METRIC
after the last round with the table before     41        2  0.250000             0.750000
the same checkpoint on the new table           44        3  0.270000  +0.020000  0.730000
best after 1 round                             44        3  0.240000  -0.010000  0.760000
best after 5 rounds                            48        3  0.180000  -0.070000  0.820000
`, v)

	v, err = r.effect(t.Context(), "birds", 4, "birds")
	require.NoError(t, err)
	require.Len(t, v.Points, 1)
	require.EqualValues(t, 49, v.Points[0].Round)
	require.Equal(t, []string{"no round with version 4 has been scored yet"}, v.Notes)

	v, err = r.effect(t.Context(), "birds", 2, "birds")
	require.NoError(t, err)
	require.Equal(t, "no scored round with an earlier version is kept, so there is nothing to compare with", v.Notes[0])
	require.Equal(t, "parent_rescored", v.Points[0].What)

	v, err = r.effect(t.Context(), "birds", 5, "birds")
	require.NoError(t, err)
	require.Equal(t, []string{"no round with version 5 has been scored yet"}, v.Notes)
	require.EqualValues(t, 49, v.Points[0].Round, "the last settled one; round 50 is under way")

	_, err = r.effect(t.Context(), "fish", 1, "birds")
	require.ErrorContains(t, err, "group birds learns from birds, not from fish")
	_, err = r.effect(t.Context(), "birds", 1, "fish")
	require.Equal(t, exitNotFound, exitCode(err))
}

func TestWhatKeepsFiguresFromBeingComparedIsSaid(t *testing.T) {
	rounds := trained()
	for i := range rounds[3:] {
		rounds[3+i].ModelVersion = 2
	}
	r, g := effectReader(rounds...)
	v, err := r.effect(t.Context(), "birds", 3, "birds")
	require.NoError(t, err)
	require.Equal(t, []string{"the model changed in between, from version 1 to 2: the figures are not of one model"}, v.Notes)

	g.Settings.Evaluation = poltypes.EVALUATION_MODE_SEALED
	v = newEffectView(effectInput{set: "birds", version: 3, group: g, after: rounds[4:5]})
	require.Equal(t, "sealed rows", v.LossRows)
	require.Contains(t, v.Notes[1], "every round has sealed rows of its own")
	g.Settings.Evaluation, g.Settings.Objective = poltypes.EVALUATION_MODE_HOLDOUT, poltypes.OBJECTIVE_MEAN_SQUARED_ERROR
	rounds[4].Table.ValidationPermille = 0
	v = newEffectView(effectInput{set: "birds", version: 3, group: g, after: rounds[4:5]})
	require.Equal(t, "validation rows", v.LossRows)
	require.Equal(t, "training rows, as the set holds none back", v.MetricRows)
	require.Equal(t, "mean absolute error", v.Metric)
	require.Equal(t, "mean squared error", v.Loss)
}
