package verifier

import (
	"testing"

	"github.com/stretchr/testify/require"

	poltypes "github.com/pold-network/pold/x/pol/types"
)

func TestAChainThatHasNotLookedNeitherAgreesNorDiffers(t *testing.T) {
	wrong := uint32(1)
	right := TranscriptFinding{Replayed: []SegmentFinding{{Segment: 0, Equal: true}, {Segment: 1, Equal: true}, {Segment: 2, Equal: true}}}
	forged := TranscriptFinding{Status: poltypes.AuditMismatch, Wrong: &wrong, Replayed: []SegmentFinding{{Segment: 0, Equal: true}, {Segment: 1}}}
	header := TranscriptFinding{Status: poltypes.AuditWrongHeader}
	one := TranscriptFinding{Replayed: []SegmentFinding{{Segment: 0, Equal: true}}}
	verdict := func(status poltypes.AuditStatus, segment uint32) *poltypes.AuditVerdict {
		return poltypes.NewAuditVerdict(poltypes.AuditAnswer{Status: status, Segment: segment}, 9)
	}
	passed := verdict(poltypes.AuditPassed, 0)
	challenged := func(v *poltypes.AuditVerdict) poltypes.Submission {
		return poltypes.Submission{Audit: passed, Challenges: []poltypes.SegmentChallenge{{Segment: 1, Verdict: v}}}
	}
	withheld := poltypes.Submission{Audit: &poltypes.AuditVerdict{Problem: "the transcript was withheld: 0 of 4"}}
	for name, c := range map[string]struct {
		s      poltypes.Submission
		common []uint32
		f      TranscriptFinding
		want   Agreement
	}{
		"both proved": {poltypes.Submission{Audit: passed}, []uint32{0, 2}, right, Agrees},
		"proved, and the drawn segments are forgotten": {poltypes.Submission{Audit: passed}, nil, right, Agrees},
		"both wrong":                                    {poltypes.Submission{Audit: verdict(poltypes.AuditMismatch, 1)}, []uint32{1}, forged, Agrees},
		"both wrong, another segment":                   {poltypes.Submission{Audit: verdict(poltypes.AuditWrongState, 2)}, []uint32{2}, forged, Agrees},
		"a drawn segment that the chain found right":    {poltypes.Submission{Audit: passed}, []uint32{1, 2}, forged, Differs},
		"a forged segment that was not drawn":           {poltypes.Submission{Audit: passed}, []uint32{0, 2}, forged, Silent},
		"a forged segment, drawn ones forgotten":        {poltypes.Submission{Audit: passed}, nil, forged, Silent},
		"a header that the chain took":                  {poltypes.Submission{Audit: passed}, nil, header, Differs},
		"a header that the chain refused":               {poltypes.Submission{Audit: verdict(poltypes.AuditRecipe, 0)}, nil, right, Differs},
		"the chain found a segment wrong that is right": {poltypes.Submission{Audit: verdict(poltypes.AuditMismatch, 1)}, []uint32{1}, right, Differs},
		"the chain found another segment wrong":         {poltypes.Submission{Audit: verdict(poltypes.AuditMismatch, 1)}, []uint32{1}, one, Silent},
		"a challenge that found a fault":                {challenged(verdict(poltypes.AuditMismatch, 1)), []uint32{0}, forged, Agrees},
		"a challenge that found none":                   {challenged(passed), []uint32{0}, forged, Differs},
		"a challenge without outcome":                   {challenged(nil), []uint32{0}, forged, Silent},
		"withheld and right here":                       {withheld, nil, right, Silent},
		"withheld and wrong here":                       {withheld, nil, forged, Silent},
		"not audited":                                   {poltypes.Submission{Status: poltypes.SUBMISSION_STATUS_VALID}, nil, right, Silent},
	} {
		got := CompareAudit(c.s, c.common, c.f)
		require.Equal(t, c.want, got.Agreement, name)
		require.NotEmpty(t, got.Verdict, name)
	}
	require.Equal(t, "every validator replayed segments 0, 2 and found the same bits", CompareAudit(poltypes.Submission{Audit: passed}, []uint32{0, 2}, right).Verdict)
}
