package training

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/engine"
)

func parse(t *testing.T, csv string) *dataset.Table {
	t.Helper()
	table, err := dataset.Parse(strings.NewReader(csv))
	require.NoError(t, err)
	return table
}

const smallTable = "a,b,label\n1,2,0\n3,4,1\n5,6,2\n7,8.5,0\n"

func TestATableIsReadForItsObjective(t *testing.T) {
	e, err := FromTable("small", parse(t, smallTable), TableOptions{Objective: engine.CrossEntropy, Targets: 1})
	require.NoError(t, err)
	require.Equal(t, &Examples{Name: "small", Objective: engine.CrossEntropy, InputShape: []uint32{2}, Outputs: 3,
		Training: &engine.Data{Features: 2, Targets: 1, X: []float32{1, 2, 3, 4, 5, 6, 7, 8.5}, Labels: []uint32{0, 1, 2, 0}}}, e)

	e, err = FromTable("small", parse(t, smallTable), TableOptions{Objective: engine.MeanSquaredError, Targets: 2})
	require.NoError(t, err)
	require.Equal(t, &Examples{Name: "small", Objective: engine.MeanSquaredError, InputShape: []uint32{1}, Outputs: 2,
		Training: &engine.Data{Features: 1, Targets: 2, X: []float32{1, 3, 5, 7}, Y: []float32{2, 0, 4, 1, 6, 2, 8.5, 0}}}, e)

	e, err = FromTable("sequence", parse(t, "a,b,x,y\n0,1,1,2\n1,2,2,0\n"), TableOptions{Objective: engine.CrossEntropy, Targets: 2, Shape: []uint32{1, 2}})
	require.NoError(t, err)
	require.Equal(t, []uint32{1, 2, 2, 0}, e.Training.Labels, "a label for each target column")
	require.Equal(t, []uint32{1, 2}, e.InputShape)
	require.Equal(t, 3, e.Outputs)
}

func TestRowsAreHeldOutAsTheChainHoldsThemOut(t *testing.T) {
	var csv strings.Builder
	csv.WriteString("x,label\n")
	for i := range 100 {
		fmt.Fprintf(&csv, "%d,0\n", i)
	}
	table := parse(t, csv.String())
	e, err := FromTable("x", table, TableOptions{Objective: engine.MeanSquaredError, Targets: 1, SplitKey: "digits", ValidationPermille: 300})
	require.NoError(t, err)
	training, validation := table.Split([]byte("digits"), 300)
	require.Equal(t, len(training), e.Training.Rows())
	require.Equal(t, len(validation), e.Validation.Rows())
	x, _, err := table.Numeric(1)
	require.NoError(t, err)
	for i, row := range validation {
		require.Equal(t, x[row], e.Validation.X[i])
	}
}

func TestTablesThatDoNotFitAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, csv string
		o         TableOptions
		says      string
	}{
		{"a fraction as a class", "a,label\n1,0.5\n", TableOptions{Objective: engine.CrossEntropy, Targets: 1}, "line 2, column 2 (label): expected a class"},
		{"a negative class", "a,label\n1,0\n2,-1\n", TableOptions{Objective: engine.CrossEntropy, Targets: 1}, "line 3, column 2 (label)"},
		{"an enormous class", "a,label\n1,70000\n", TableOptions{Objective: engine.CrossEntropy, Targets: 1}, "got 70000"},
		{"no feature left", "a,label\n1,0\n", TableOptions{Objective: engine.CrossEntropy, Targets: 2}, "target columns"},
		{"another shape", smallTable, TableOptions{Objective: engine.CrossEntropy, Targets: 1, Shape: []uint32{3}}, "shape [3]: expected 2 values"},
		{"a shape beyond all numbers", smallTable, TableOptions{Objective: engine.CrossEntropy, Targets: 1, Shape: []uint32{1 << 31, 1 << 31, 1 << 31}}, "expected 2 values"},
		{"everything held out", smallTable, TableOptions{Objective: engine.CrossEntropy, Targets: 1, ValidationPermille: 1000}, "all 4 are held out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := FromTable("x", parse(t, c.csv), c.o)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestAModelThatDoesNotFitTheDataIsRefusedBeforeTraining(t *testing.T) {
	e, err := FromTable("small", parse(t, smallTable), TableOptions{Objective: engine.CrossEntropy, Targets: 1})
	require.NoError(t, err)
	fits, err := Architecture{Name: ArchitectureMLP}.Spec(e)
	require.NoError(t, err)
	require.NoError(t, e.Check(fits))
	fits.Layers[len(fits.Layers)-1].Units = 2 // the table has three classes
	require.ErrorIs(t, e.Check(fits), engine.ErrInvalidData)
}
