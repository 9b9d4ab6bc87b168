package training

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/modelspec"
)

// rings is a table that a line can't divide: class 1 lies around class 0.
func rings(t *testing.T) *Examples {
	t.Helper()
	var csv strings.Builder
	csv.WriteString("x,y,label\n")
	for x := -6; x <= 6; x++ {
		for y := -6; y <= 6; y++ {
			label := "0"
			if x*x+y*y > 16 {
				label = "1"
			}
			fmt.Fprintf(&csv, "%d,%d,%s\n", x, y, label)
		}
	}
	e, err := FromTable("rings", parse(t, csv.String()), TableOptions{Objective: engine.CrossEntropy, Targets: 1, SplitKey: "rings", ValidationPermille: 200})
	require.NoError(t, err)
	return e
}

func job(t *testing.T, e *Examples, steps int) *Job {
	t.Helper()
	spec, err := Architecture{Name: Usual(e), Width: 32, Depth: 1}.Spec(e)
	require.NoError(t, err)
	return &Job{Spec: spec, Examples: e, Recipe: engine.Recipe{Optimizer: engine.OptimizerAdam, LearningRate: 0.02, Momentum: 0.9, Beta2: 0.999, Epsilon: 1e-8, BatchSize: 16, Steps: steps}}
}

func TestAJobLearnsAndRepeatsToTheLastBit(t *testing.T) {
	e := rings(t)
	first, err := job(t, e, 300).Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 300, first.Steps)
	require.Equal(t, e.Training.Rows(), first.Training.Rows)
	require.Greater(t, first.Training.MetricE9, uint64(970_000_000))
	require.Greater(t, first.Validation.MetricE9, uint64(850_000_000))

	evaluations := first.Curve.Evaluations
	require.Equal(t, 0, evaluations[0].Step)
	require.Equal(t, 300, evaluations[len(evaluations)-1].Step)
	require.Equal(t, first.Validation.LossE9, evaluations[len(evaluations)-1].LossE9)
	require.Less(t, evaluations[len(evaluations)-1].LossE9, evaluations[0].LossE9)

	second, err := job(t, e, 300).Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, first.Model.Encode(), second.Model.Encode())
	require.Equal(t, first.Training.Digest, second.Training.Digest)
}

func TestAJobGoesOnFromACheckpoint(t *testing.T) {
	e := rings(t)
	first, err := job(t, e, 100).Run(t.Context())
	require.NoError(t, err)
	next := job(t, e, 1)
	next.From = first.Model.Encode()
	r, err := next.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, first.Validation.LossE9, r.Curve.Evaluations[0].LossE9)

	next.From = []byte("no file")
	_, err = next.Run(t.Context())
	require.ErrorIs(t, err, engine.ErrMalformed)
}

func TestAJobThatIsStoppedKeepsWhatItHas(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	j := job(t, rings(t), 1000)
	j.Progress = func(m *Monitor) {
		if m.Progress().Step == 7 {
			cancel()
		}
	}
	r, err := j.Run(ctx)
	require.NoError(t, err)
	require.Equal(t, 7, r.Steps)
	require.NotZero(t, r.Training.Rows)

	seven, err := job(t, rings(t), 7).Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, seven.Model.Encode(), r.Model.Encode(), "the same as seven steps")
}

func TestAJobThatDivergesLeavesItsCurveAndNoModel(t *testing.T) {
	j := job(t, rings(t), 1000)
	j.Recipe = engine.Recipe{Optimizer: engine.OptimizerSGD, LearningRate: 1000, Momentum: 0.99, BatchSize: 16, Steps: 1000}
	r, err := j.Run(t.Context())
	require.ErrorIs(t, err, engine.ErrNonFinite)
	require.Nil(t, r.Model)
	require.NotEmpty(t, r.Curve.Points)
}

func TestARunLeavesItsEvaluationsInTheEventFile(t *testing.T) {
	run, err := OpenRun(t.TempDir(), "rings")
	require.NoError(t, err)
	j := job(t, rings(t), 20)
	j.Events, j.EvaluateEvery = run.Events, 10
	evaluated := 0
	j.Evaluated = func(*Monitor) { evaluated++ }
	_, err = j.Run(t.Context())
	require.NoError(t, err)
	require.NoError(t, run.Close())
	values := scalars(t, run.Events.Path())
	require.Len(t, values["loss/training"], 20)
	require.Len(t, values["loss/validation"], 3)
	require.Contains(t, values["accuracy/validation"], int64(10))
	require.Equal(t, 3, evaluated)
}

func TestAModelOfATextContinuesIt(t *testing.T) {
	e, err := FromText("abc", strings.Repeat("abcdefgh ", 40), TextOptions{Context: 12, Stride: 5})
	require.NoError(t, err)
	j := job(t, e, 60)
	r, err := j.Run(t.Context())
	require.NoError(t, err)
	g, err := NewGenerator(j.Spec, r.Model.Encode(), e.Vocabulary)
	require.NoError(t, err)
	generate := func(prompt string, temperature float64) (text string, err error) {
		err = g.Generate(prompt, 20, temperature, [32]byte{1}, func(s string) error { text += s; return nil })
		return text, err
	}
	text, err := generate("defg", 0)
	require.NoError(t, err)
	require.Equal(t, "h abcdefgh abcdefgh ", text)
	drawn, err := generate("defg", 1)
	require.NoError(t, err)
	again, err := generate("defg", 1)
	require.NoError(t, err)
	require.Equal(t, drawn, again)
	wild, err := generate("defg", 50)
	require.NoError(t, err)
	require.NotEqual(t, text, wild)

	for prompt, says := range map[string]string{"": "at least one character", "xyz": "'x'"} {
		_, err = generate(prompt, 0)
		require.ErrorContains(t, err, says)
	}
	_, err = generate("a", -1)
	require.ErrorContains(t, err, "temperature")
	_, err = NewGenerator(j.Spec, r.Model.Encode(), e.Vocabulary[1:])
	require.ErrorContains(t, err, "expected a model with outputs [12, 8]")
	_, err = NewGenerator(&modelspec.Spec{}, nil, e.Vocabulary)
	require.ErrorIs(t, err, modelspec.ErrInvalidSpec)
}
