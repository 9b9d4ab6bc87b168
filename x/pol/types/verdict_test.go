package types_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/x/pol/types"
)

func TestTheBestValidOnesThatBeatTheParentAreAudited(t *testing.T) {
	all := []types.Submission{
		submission(4, 7, valid), submission(2, 7, valid), submission(1, 9, valid), submission(3, 1, falseClaim), submission(5, 10, valid), submission(6, 2, unproved),
	}
	parent := types.Verdict{RankLossE9: 10}
	require.Equal(t, []int{1, 0, 2}, types.NextToAudit(all, parent, 0, 9))
	require.Equal(t, []int{1, 0}, types.NextToAudit(all, parent, 0, 2))
	require.Equal(t, []int{1, 0}, types.NextToAudit(all, parent, 3, 9), "by as much as the group asks for")
	require.Equal(t, []int{1, 0, 2, 4}, types.NextToAudit(all, types.Verdict{Problem: "not finite"}, 0, 9))
	require.Empty(t, types.NextToAudit(nil, parent, 0, 3))
}

func TestAnAuditIsDecidedByAllThatWasReplayed(t *testing.T) {
	passed, wrong := &types.AuditVerdict{}, &types.AuditVerdict{Problem: "segment 5: the replay of a segment ends elsewhere"}
	challenge := func(v *types.AuditVerdict) []types.SegmentChallenge {
		return []types.SegmentChallenge{{Segment: 1, Verdict: passed}, {Segment: 5, Operators: []string{"a", "b"}, Verdict: v}}
	}
	for name, c := range map[string]struct {
		audit      *types.AuditVerdict
		challenges []types.SegmentChallenge
		want       types.SubmissionStatus
		note       string
	}{
		"nothing is known":                             {nil, nil, auditing, ""},
		"the common segments are right":                {passed, nil, proved, ""},
		"a common segment is wrong":                    {wrong, nil, unproved, "segment 5: the replay"},
		"a challenge is open":                          {passed, challenge(nil), auditing, ""},
		"a challenge was false":                        {passed, challenge(passed), proved, ""},
		"a challenge was right":                        {passed, challenge(wrong), unproved, "challenged by 2 validators: segment 5"},
		"a challenge was right before the rest":        {nil, challenge(wrong), unproved, "challenged by 2 validators"},
		"challenges were false before the rest":        {nil, challenge(passed), auditing, ""},
		"a common segment is wrong before a challenge": {wrong, challenge(nil), unproved, "segment 5"},
	} {
		s := types.Submission{Status: auditing, Audit: c.audit, Challenges: c.challenges}
		require.Equal(t, c.want != auditing, s.DecideAudit(), name)
		require.Equal(t, c.want, s.Status, name)
		require.Contains(t, s.Note, c.note, name)
	}
	s := types.Submission{Status: unproved, Audit: passed}
	require.False(t, s.DecideAudit())
	require.Equal(t, unproved, s.Status, "what is decided stays")
}

func TestChallengesAreBounded(t *testing.T) {
	var s types.Submission
	require.True(t, s.AddChallenge(4, "a", 2))
	require.False(t, s.AddChallenge(4, "a", 2), "an operator counts once")
	require.True(t, s.AddChallenge(4, "b", 2))
	require.True(t, s.AddChallenge(9, "a", 2))
	require.False(t, s.AddChallenge(7, "c", 2), "no third segment")
	require.True(t, s.AddChallenge(9, "c", 2), "another voice for one that is there")
	require.Equal(t, []types.SegmentChallenge{{Segment: 4, Operators: []string{"a", "b"}}, {Segment: 9, Operators: []string{"a", "c"}}}, s.Challenges)
	require.Nil(t, s.Challenge(7))
	require.False(t, (&types.Submission{}).AddChallenge(1, "a", 0))
}

func TestAuditVerdictsNameTheSegment(t *testing.T) {
	for status, want := range map[types.AuditStatus]string{
		types.AuditPassed: "", types.AuditNotCanonical: "not a canonical transcript", types.AuditWrongStart: "the training does not start at the parent",
		types.AuditWrongState: "segment 5: a state is not the one in the transcript", types.AuditMismatch: "segment 5: the replay of a segment ends elsewhere",
		types.AuditDiverged: "segment 5: the replay of a segment diverges",
	} {
		v := types.NewAuditVerdict(types.AuditAnswer{Status: status, Segment: 5, Digest: [32]byte{9}}, 7)
		require.Equal(t, want, v.Problem)
		require.Equal(t, uint32(5), v.Segment)
		require.Equal(t, uint64(7), v.TaskId)
		require.Equal(t, byte(9), v.Digest[0])
	}
}

func TestCommonAndOwnSegmentsAreDifferent(t *testing.T) {
	seen := map[uint32]int{}
	for n := range byte(200) {
		seed := []byte{n}
		common := types.CommonSegments(seed, "trainer", 64, 3)
		require.Len(t, common, 3)
		require.IsIncreasing(t, common)
		own := types.OwnSegments(seed, "trainer", "operator", 64, common)
		require.Len(t, own, 2)
		for _, s := range common {
			require.NotContains(t, own, s)
			seen[s]++
		}
		require.Equal(t, common, types.CommonSegments(seed, "trainer", 64, 3))
		require.Subset(t, types.CommonSegments(seed, "trainer", 64, 5), common, "more segments for a bad reputation include the usual ones")
	}
	require.Greater(t, len(seen), 60, "any segment may be drawn")
	require.Len(t, types.OwnSegments([]byte{1}, "t", "o", 15, nil), 1)
	require.Equal(t, []uint32{0, 1}, types.CommonSegments([]byte{1}, "t", 2, 3))
	require.Empty(t, types.OwnSegments([]byte{1}, "t", "o", 2, []uint32{0, 1}))
}

func TestAuditAnswersHaveTheStatedBytes(t *testing.T) {
	a := types.AuditAnswer{Status: types.AuditMismatch, Segment: 63, Digest: [32]byte{0xaa}}
	b := a.Encode()
	require.Len(t, b, types.AuditAnswerSize)
	require.Equal(t, []byte{1, 7, 0, 0, 0, 63, 0xaa}, b[:7])
	back, err := types.DecodeAuditAnswer(b)
	require.NoError(t, err)
	require.Equal(t, a, back)
	for says, change := range map[string]func([]byte) []byte{
		"expected 38 bytes of version 1":        func(b []byte) []byte { return b[:37] },
		"got 38 bytes":                          func(b []byte) []byte { b[0] = 2; return b },
		"unknown finding 9":                     func(b []byte) []byte { b[1] = 9; return b },
		"expected a segment below 64, got 64":   func(b []byte) []byte { b[5] = 64; return b },
		"expected a segment below 64, got 2559": func(b []byte) []byte { b[4], b[5] = 9, 255; return b },
	} {
		_, err := types.DecodeAuditAnswer(change(a.Encode()))
		require.ErrorContains(t, err, says)
	}
}

func FuzzDecodeAuditAnswer(f *testing.F) {
	f.Add(types.AuditAnswer{Status: types.AuditMismatch, Segment: 3}.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := types.DecodeAuditAnswer(b); err == nil {
			require.Equal(t, b, a.Encode(), "an answer has one encoding")
		}
	})
}
