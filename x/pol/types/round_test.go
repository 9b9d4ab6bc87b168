package types_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/pol/types"
)

const (
	revealed   = types.SUBMISSION_STATUS_REVEALED
	duplicate  = types.SUBMISSION_STATUS_DUPLICATE
	withheld   = types.SUBMISSION_STATUS_WITHHELD
	candidate  = types.SUBMISSION_STATUS_CANDIDATE
	scoring    = types.SUBMISSION_STATUS_SCORING
	valid      = types.SUBMISSION_STATUS_VALID
	invalid    = types.SUBMISSION_STATUS_INVALID
	falseClaim = types.SUBMISSION_STATUS_FALSE_CLAIM
	winner     = types.SUBMISSION_STATUS_WINNER
	notScored  = types.SUBMISSION_STATUS_NOT_SCORED
	auditing   = types.SUBMISSION_STATUS_AUDITING
	proved     = types.SUBMISSION_STATUS_PROVED
	unproved   = types.SUBMISSION_STATUS_UNPROVED
)

// submission returns one with a commitment order, a claimed loss, and the same number as ranking loss.
func submission(order uint32, claim uint64, status types.SubmissionStatus) types.Submission {
	return types.Submission{
		Order: order, ClaimedLossE9: claim, Status: status, CheckpointHash: []byte{byte(order)},
		Verdict: &types.Verdict{ClaimLossE9: claim, RankLossE9: claim},
	}
}

func TestDuplicatesGoToTheEarliestCommitment(t *testing.T) {
	all := []types.Submission{submission(3, 1, revealed), submission(1, 2, revealed), submission(2, 3, revealed), submission(4, 4, revealed)}
	all[0].CheckpointHash, all[1].CheckpointHash = []byte("same"), []byte("same")
	all[3].CheckpointHash = []byte("same")
	types.MarkDuplicates(all)
	for i, want := range []types.SubmissionStatus{revealed, revealed, duplicate, duplicate} {
		require.Equal(t, uint32(i+1), all[i].Order, "sorted by commitment order")
		require.Equal(t, want, all[i].Status)
	}
	require.Contains(t, all[2].Note, "an earlier commitment")
	require.Empty(t, all[0].Note)
}

func TestOnlyTwiceKRevealsStayInTheRace(t *testing.T) {
	all := []types.Submission{
		submission(1, 50, revealed), submission(2, 10, revealed), submission(3, 40, revealed),
		submission(4, 1, duplicate), submission(5, 40, revealed), submission(6, 30, revealed),
	}
	types.DropSurplus(all, 2)
	for i, want := range []types.SubmissionStatus{notScored, revealed, revealed, duplicate, revealed, revealed} {
		require.Equal(t, want, all[i].Status, "order %d", i+1)
	}
	require.Equal(t, types.NoteNotScored, all[0].Note)
	types.DropSurplus(all, 1)
	require.Equal(t, notScored, all[4].Status, "of equal claims the later commitment goes first")
}

func TestTheBestClaimsAreScoredFirst(t *testing.T) {
	all := []types.Submission{
		submission(4, 7, candidate), submission(2, 7, candidate), submission(1, 9, candidate), submission(3, 1, scoring), submission(5, 0, valid),
	}
	require.Equal(t, []int{1, 0, 2}, types.NextToScore(all, 9))
	require.Equal(t, []int{1, 0}, types.NextToScore(all, 2))
	require.Empty(t, types.NextToScore(all, 0))
	require.Empty(t, types.NextToScore(nil, 3))
}

func TestSlots(t *testing.T) {
	for name, c := range map[string]struct {
		statuses []types.SubmissionStatus
		opened   uint32
		want     int
	}{
		"all free at first":                   {[]types.SubmissionStatus{candidate, candidate}, 0, 3},
		"open and valid ones take slots":      {[]types.SubmissionStatus{scoring, valid}, 2, 1},
		"K taken":                             {[]types.SubmissionStatus{scoring, scoring, valid}, 3, 0},
		"an invalid one frees its slot":       {[]types.SubmissionStatus{scoring, scoring, invalid}, 3, 1},
		"so does a false claim":               {[]types.SubmissionStatus{falseClaim, falseClaim, invalid}, 3, 3},
		"up to 2K in all":                     {[]types.SubmissionStatus{invalid, invalid, invalid, invalid, scoring}, 5, 1},
		"2K opened: no more":                  {[]types.SubmissionStatus{invalid, invalid, invalid, invalid, invalid, invalid}, 6, 0},
		"more opened than a smaller K allows": {[]types.SubmissionStatus{invalid}, 9, 0},
	} {
		var all []types.Submission
		for i, s := range c.statuses {
			all = append(all, submission(uint32(i+1), 1, s))
		}
		require.Equal(t, c.want, types.Slots(all, c.opened, 3), name)
	}
}

func TestBestIsTheLowestRankingLossAndThenTheEarliestCommitment(t *testing.T) {
	require.Equal(t, -1, types.Best(nil, valid))
	require.Equal(t, -1, types.Best([]types.Submission{submission(1, 1, invalid), submission(2, 1, candidate), submission(3, 0, falseClaim)}, valid))
	all := []types.Submission{submission(3, 5, valid), submission(2, 5, valid), submission(1, 6, valid), submission(4, 1, invalid)}
	require.Equal(t, 1, types.Best(all, valid))
	all[2].Verdict.RankLossE9 = 5
	require.Equal(t, 2, types.Best(all, valid))
	all[0].Verdict.RankLossE9, all[0].ClaimedLossE9 = 4, 99
	require.Equal(t, 0, types.Best(all, valid), "only the ranking loss decides")
	all[3].Status = proved
	require.Equal(t, 3, types.Best(all, proved), "in proof mode PROVED only these win")
	require.Equal(t, 3, types.Best(all, valid, proved))
	require.Equal(t, -1, types.Best(all))
}

func TestBeats(t *testing.T) {
	for _, c := range []struct {
		loss, parent, least uint64
		problem             string
		want                bool
	}{
		{9, 10, 0, "", true}, {10, 10, 0, "", false}, {11, 10, 0, "", false}, {9, 10, 1, "", true}, {9, 10, 2, "", false},
		{5, 10, 5, "", true}, {0, 0, 0, "", false}, {0, 1<<64 - 1, 1<<64 - 1, "", true}, {1, 1<<64 - 1, 1<<64 - 1, "", false},
		{99, 10, 50, "weights or loss are not finite", true},
	} {
		require.Equal(t, c.want, types.Beats(c.loss, types.Verdict{RankLossE9: c.parent, Problem: c.problem}, c.least), "%+v", c)
	}
}

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		answer types.ScoreAnswer
		want   types.SubmissionStatus
		note   string
	}{
		"an exact claim":                              {types.ScoreAnswer{ClaimLossE9: 100, RankLossE9: 120}, valid, ""},
		"a claim one billionth too low":               {types.ScoreAnswer{ClaimLossE9: 101, RankLossE9: 120}, falseClaim, "not the exact loss"},
		"a claim one billionth too high":              {types.ScoreAnswer{ClaimLossE9: 99, RankLossE9: 120}, falseClaim, "not the exact loss"},
		"a ranking loss that equals no claim":         {types.ScoreAnswer{ClaimLossE9: 101, RankLossE9: 100}, falseClaim, "not the exact loss"},
		"a file that is not canonical":                {types.ScoreAnswer{Status: types.ScoreNotCanonical, ClaimLossE9: 100}, invalid, "not a canonical safetensors file"},
		"tensors of another model":                    {types.ScoreAnswer{Status: types.ScoreWrongShape, ClaimLossE9: 100}, invalid, "do not fit"},
		"a false claim on a sealed batch that is bad": {types.ScoreAnswer{Status: types.ScoreBadBatch, ClaimLossE9: 101, RankLossE9: 3}, falseClaim, "not the exact loss"},
		"a loss that is not finite":                   {types.ScoreAnswer{Status: types.ScoreNotFinite, ClaimLossE9: 100}, invalid, "not finite"},
	} {
		s := types.Submission{ClaimedLossE9: 100, Status: scoring}
		s.Judge(c.answer, 7)
		require.Equal(t, c.want, s.Status, name)
		require.Contains(t, s.Note, c.note, name)
		require.Equal(t, c.note == "", s.Note == "", name)
		require.Equal(t, uint64(7), s.Verdict.TaskId, name)
		require.Equal(t, c.answer.RankLossE9, s.Verdict.RankLossE9, name)
	}
}

func TestABadSealedBatchIsNotTheTrainersFault(t *testing.T) {
	s := types.Submission{ClaimedLossE9: 100, Status: scoring}
	s.Judge(types.ScoreAnswer{Status: types.ScoreBadBatch, ClaimLossE9: 100, RankLossE9: 9, MetricE9: 2}, 7)
	require.Equal(t, valid, s.Status)
	require.Equal(t, "a sealed batch is not what its provider committed to", s.Note)
	require.Empty(t, s.Verdict.Problem)
	require.Equal(t, uint64(100), s.Verdict.RankLossE9, "there is nothing else to rank by")
	require.Zero(t, s.Verdict.MetricE9, "the answer holds the number of the batch there")
}

func TestBondLoss(t *testing.T) {
	p := types.DefaultParams()
	p.NoRevealLossE6, p.WithheldLossE6 = 250_000, 333_333
	for status, want := range map[types.SubmissionStatus]int64{
		winner: 0, valid: 0, notScored: 0, duplicate: 0, withheld: 3_333, invalid: 10_001, falseClaim: 10_001, unproved: 10_001, proved: 0, auditing: 0,
	} {
		require.Equal(t, want, p.BondLoss(math.NewInt(10_001), &types.Submission{Status: status}).Int64(), status.String())
	}
	require.Equal(t, int64(2_500), p.BondLoss(math.NewInt(10_001), nil).Int64(), "not revealed")
	require.True(t, p.BondLoss(math.ZeroInt(), nil).IsZero())
	huge, _ := math.NewIntFromString("1" + "000000000000000000000000000000000000000000000000000000000000000000000000000")
	require.Equal(t, huge.QuoRaw(4), p.BondLoss(huge, nil), "no bond overflows")
	require.Equal(t, huge, p.BondLoss(huge, &types.Submission{Status: invalid}))
}
