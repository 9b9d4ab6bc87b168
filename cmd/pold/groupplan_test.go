package main

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheRowsOfAPlanAreThoseOfTheBound(t *testing.T) {
	for _, c := range []struct {
		candidates      int
		gap, confidence float64
		want            uint64
	}{
		{32, 0.02, 0.99, 10_956},
		{32, 0.01, 0.99, 43_821},
		{1, 0.1, 0.95, 185}, // the textbook case: ln(2/0.05) / 0.02
		{16, 0.02, 0.99, 10_089},
	} {
		require.Equal(t, c.want, evaluationRows(c.candidates, c.gap, c.confidence), "%+v", c)
	}
	require.Greater(t, evaluationRows(33, 0.02, 0.99), evaluationRows(32, 0.02, 0.99))
	require.Greater(t, evaluationRows(32, 0.02, 0.999), evaluationRows(32, 0.02, 0.99))
}

// The bound is one: simulated candidates are misjudged less often than it allows.
func TestThePlannedRowsAreEnough(t *testing.T) {
	const candidates, gap, confidence, trials = 8, 0.1, 0.9, 400
	n := evaluationRows(candidates, gap, confidence)
	r := rand.New(rand.NewPCG(1, 2))
	misjudged := 0
	for range trials {
		bad := false
		for c := range candidates {
			p, hits := 0.5+0.05*float64(c), 0
			for range n {
				if r.Float64() < p {
					hits++
				}
			}
			bad = bad || math.Abs(float64(hits)/float64(n)-p) > gap
		}
		if bad {
			misjudged++
		}
	}
	require.Less(t, float64(misjudged)/trials, 1-confidence)
}

func TestPlanEvaluationOnTheCommandLine(t *testing.T) {
	out, err := run(t, t.TempDir(), "group", "plan-evaluation", "--candidates", "32", "--gap", "2%", "--confidence", "99%", "--rounds", "24")
	require.NoError(t, err)
	t.Log("\n" + out)
	for _, want := range []string{"10,956", "1,096-2,192", "262,944", "<- asked for", "next: "} {
		require.Contains(t, out, want)
	}
	require.Contains(t, out, "into each of 24 tables, and hand them in")
	out, err = run(t, t.TempDir(), "group", "plan-evaluation", "--candidates", "1")
	require.NoError(t, err)
	require.Contains(t, out, "1 candidate, confidence 99 %, 1 round\n")
	require.Contains(t, out, "that nobody has seen into a table, and hand it in: trainerd provide --group GROUP --from KEY TABLE.csv\n")
	out, err = run(t, t.TempDir(), "group", "plan-evaluation", "--gap", "0.01", "--candidates", "32", "--json")
	require.NoError(t, err)
	var p evaluationPlan
	require.NoError(t, json.Unmarshal([]byte(out), &p))
	require.Equal(t, uint64(43_821), p.Gaps[2].Rows)
	require.True(t, p.Gaps[2].Asked)

	for _, args := range [][]string{{"--gap", "0"}, {"--gap", "60%"}, {"--gap", "wide"}, {"--confidence", "1"}, {"--candidates", "0"}, {"--rounds", "0"}, {"--gap", "NaN"}} {
		_, err := run(t, t.TempDir(), append([]string{"group", "plan-evaluation"}, args...)...)
		require.ErrorContains(t, err, "expected", "%v", args)
	}
}
