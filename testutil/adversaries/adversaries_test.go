package adversaries

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// updating says that the test was called with -update. A test library that comes with the SDK may have defined the flag before.
func updating() bool { return flag.Lookup("update").Value.String() == "true" }

func init() {
	if flag.Lookup("update") == nil {
		flag.Bool("update", false, "write the table of docs/threat-model.md")
	}
}

const threatModel = "../../docs/threat-model.md"

func rows() []Row {
	var all []Row
	for _, part := range [][]Row{claimRows(), copyRows(), proofRows(), validatorRows(), collusionRows(), economyRows(), sealedRows(), mappingRows(), canaryRows()} {
		all = append(all, part...)
	}
	return all
}

func TestAdversaries(t *testing.T) {
	honest := PlayHonest(t)
	all := rows()
	outcomes := make([]Outcome, len(all))
	t.Run("row", func(t *testing.T) {
		for i, r := range all {
			t.Run(r.Name, func(t *testing.T) {
				t.Parallel()
				o := r.Play(t, honest)
				r.Check(t, o)
				outcomes[i] = o
				t.Logf("honest %s, cheater %s, expected %v, saw %s", o.Honest, o.Cheater, o.Expected, o.Saw)
			})
		}
	})
	for _, o := range outcomes {
		if o.Saw == "" {
			return // failed, or left out by -run
		}
	}
	document, err := os.ReadFile(threatModel)
	require.NoError(t, err)
	want, err := Replace(string(document), Table(all, outcomes))
	require.NoError(t, err)
	if updating() {
		require.NoError(t, os.WriteFile(threatModel, []byte(want), 0o644))
		return
	}
	// Not by require.Equal, which would print the whole page twice.
	require.True(t, want == string(document), "the table of %s is not current; run: go test ./testutil/adversaries -update", threatModel)
}
