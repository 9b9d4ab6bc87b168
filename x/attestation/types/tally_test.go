package types_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	sdkmath "cosmossdk.io/math"

	"github.com/pold-network/pold/x/attestation/types"
)

const chainID = "pold-test-1"

func TestTwoThirdsMeansMoreThanTwoThirds(t *testing.T) {
	for _, c := range []struct {
		part, total int64
		enough      bool
	}{
		{0, 0, false},
		{0, 3, false},
		{2, 3, false},
		{3, 3, true},
		{66, 100, false},
		{67, 100, true},
		{200, 300, false},
		{201, 300, true},
		{math.MaxInt64 / 3 * 2, math.MaxInt64 / 3 * 3, false},
		{math.MaxInt64/3*2 + 1, math.MaxInt64 / 3 * 3, true},
		{math.MaxInt64, math.MaxInt64, true},
	} {
		require.Equal(t, c.enough, types.TwoThirds(c.part, c.total), "%d of %d", c.part, c.total)
	}
}

// voter is one line of a tally: what a member answered, and how it counts.
type voter struct {
	power   int64
	factor  uint64
	answer  string // empty: did not commit
	voided  bool
	foreign bool // not in the snapshot
}

func snapshotOf(voters []voter) (types.Snapshot, []types.Vote) {
	s := types.Snapshot{TotalWeight: sdkmath.ZeroInt()}
	var votes []types.Vote
	for i, v := range voters {
		operator := fmt.Sprintf("operator%d", i)
		if !v.foreign {
			m := types.Member{Operator: operator, Power: v.power, FactorE6: v.factor}
			s.Members = append(s.Members, m)
			s.TotalPower += v.power
			s.TotalWeight = s.TotalWeight.Add(m.Weight())
		}
		if v.answer != "" {
			witness := types.WitnessOf(chainID, 1, operator, []byte(v.answer))
			votes = append(votes, types.Vote{Operator: operator, Witness: types.Witness{Witness: witness, Voided: v.voided}})
		}
	}
	return s, votes
}

const full = types.UnitFactor

func TestTally(t *testing.T) {
	for _, c := range []struct {
		name      string
		voters    []voter
		decides   bool
		power     int64
		matched   int
		missed    int
		committed int64
	}{
		{"all agree", []voter{{1, full, "a", false, false}, {1, full, "a", false, false}, {1, full, "a", false, false}}, true, 3, 3, 0, 3},
		{"exactly two thirds are not enough", []voter{{1, full, "a", false, false}, {1, full, "a", false, false}, {1, full, "b", false, false}}, false, 2, 2, 1, 3},
		{"one unit above two thirds is enough", []voter{{201, full, "a", false, false}, {99, full, "b", false, false}}, true, 201, 1, 1, 300},
		{"an abstention stays in the denominator", []voter{{2, full, "a", false, false}, {1, full, "", false, false}}, false, 2, 1, 0, 2},
		{"low weight delays what power would decide", []voter{{70, 800_000, "a", false, false}, {30, full, "b", false, false}}, false, 70, 1, 1, 100},
		{"high weight never decides what power does not", []voter{{66, full, "a", false, false}, {34, 1, "b", false, false}}, false, 66, 1, 1, 100},
		{"equal low weights change nothing", []voter{{70, 800_000, "a", false, false}, {30, 800_000, "b", false, false}}, true, 70, 1, 1, 100},
		{"no weight at all decides nothing", []voter{{100, 0, "a", false, false}}, false, 100, 1, 0, 100},
		{"an outsider counts for nothing", []voter{{2, full, "a", false, false}, {1, full, "b", false, false}, {100, full, "a", false, true}}, false, 2, 1, 1, 3},
		{"a voided vote neither matches nor misses", []voter{{1, full, "a", true, false}, {1, full, "a", false, false}, {1, full, "b", true, false}}, false, 1, 1, 0, 1},
		{"nobody voted", []voter{{1, full, "", false, false}}, false, 0, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, votes := snapshotOf(c.voters)
			r := s.Tally(chainID, 1, votes, []byte("a"))
			require.Equal(t, c.power, r.Power)
			require.Len(t, r.Matched, c.matched)
			require.Len(t, r.Missed, c.missed)
			require.Equal(t, c.decides, s.Decides(r))
			require.Equal(t, c.committed, s.Committed(votes))
		})
	}
}

func TestAWitnessCopiedFromAnotherOperatorMatchesNothing(t *testing.T) {
	s, votes := snapshotOf([]voter{{1, full, "a", false, false}, {1, full, "a", false, false}})
	votes[1].Witness = votes[0].Witness
	r := s.Tally(chainID, 1, votes, []byte("a"))
	require.Equal(t, []string{"operator0"}, r.Matched)
	require.Equal(t, []string{"operator1"}, r.Missed)
}

func TestCompleteMeansThatNobodyIsLeftWhoCouldCommit(t *testing.T) {
	s, votes := snapshotOf([]voter{{1, full, "a", false, false}, {1, full, "b", true, false}})
	require.True(t, s.Complete(votes), "a voided witness is final too")
	require.False(t, s.Complete(votes[:1]))
}

func TestWeightsOfTheLargestPowersDoNotOverflow(t *testing.T) {
	s, votes := snapshotOf([]voter{{math.MaxInt64 / 2, full, "a", false, false}, {math.MaxInt64 / 2, full, "a", false, false}})
	require.True(t, s.Decides(s.Tally(chainID, 1, votes, []byte("a"))))
}
