package devnet

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/dataset/digits"
)

func TestSoManyRowsGetAWrongLabelAndNothingElseChanges(t *testing.T) {
	right, err := dataset.Parse(bytes.NewReader(digits.CSV()))
	require.NoError(t, err)
	for _, n := range []int{0, 1, 180, digits.Rows} {
		b, err := mislabel(digits.CSV(), n)
		require.NoError(t, err)
		wrong, err := dataset.Parse(bytes.NewReader(b))
		require.NoError(t, err)
		summary := dataset.Summarize(wrong, right, 1)
		require.Equal(t, n, summary.Relabelled)
		require.Equal(t, right.Rows(), wrong.Rows())
	}
	_, err = mislabel(digits.CSV(), digits.Rows+1)
	require.ErrorContains(t, err, "--mislabel: expected 0 to 1797 rows")
}
