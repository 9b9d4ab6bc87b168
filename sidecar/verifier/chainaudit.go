package verifier

import (
	"fmt"
	"slices"
	"strings"

	poltypes "github.com/pold-network/pold/x/pol/types"
)

// Agreement is how what was found here stands to what the chain has settled.
type Agreement string

// A chain that has not looked at what was replayed here neither agrees nor differs.
const (
	Agrees  Agreement = "agrees"
	Differs Agreement = "differs"
	Silent  Agreement = "silent"
)

// ChainAudit is the chain's own verdict about a transcript.
type ChainAudit struct {
	// Verdict says it in words.
	Verdict   string    `json:"verdict"`
	Agreement Agreement `json:"agreement"`
}

// CompareAudit puts the chain's verdict beside a replay. common are the segments of the chain's audit task; nil when the chain no longer
// says.
func CompareAudit(s poltypes.Submission, common []uint32, f TranscriptFinding) ChainAudit {
	if s.Audit == nil {
		return ChainAudit{"it was not audited (" + statusWords(s.Status) + ")", Silent}
	}
	c := readAudit(s, common)
	a := ChainAudit{strings.Join(c.words, "; "), Silent}
	switch {
	case c.withheld && c.wrong == nil && !c.header: // says nothing about what is in the files
	case c.failed() && !f.Passed(), !c.failed() && f.Passed():
		a.Agreement = Agrees
	case c.failed(): // and everything is right here
		if c.header || slices.ContainsFunc(f.Replayed, func(r SegmentFinding) bool { return slices.Contains(c.wrong, r.Segment) }) {
			a.Agreement = Differs
		}
	case f.Wrong == nil || slices.Contains(c.right, *f.Wrong):
		a.Agreement = Differs
	}
	return a
}

// readAudit collects what the chain says about the segments of a transcript.
func readAudit(s poltypes.Submission, common []uint32) (c chainFindings) {
	c.take(*s.Audit, common)
	for _, x := range s.Challenges {
		if x.Verdict != nil {
			c.words = append(c.words, fmt.Sprintf("segment %d was challenged", x.Segment))
			c.take(*x.Verdict, []uint32{x.Segment})
		}
	}
	return c
}

// chainFindings are the segments that the chain has found right and wrong.
type chainFindings struct {
	right, wrong     []uint32
	header, withheld bool
	words            []string
}

func (c chainFindings) failed() bool { return c.header || len(c.wrong) > 0 }

func (c *chainFindings) take(v poltypes.AuditVerdict, replayed []uint32) {
	switch {
	case v.Problem == "" && replayed == nil:
		c.words = append(c.words, "proved; which segments were replayed is no longer known")
	case v.Problem == "":
		c.right = append(c.right, replayed...)
		c.words = append(c.words, "every validator replayed "+segmentList(replayed)+" and found the same bits")
	case v.TaskId == 0: // nothing was replayed
		c.withheld = true
		c.words = append(c.words, v.Problem)
	default:
		c.words = append(c.words, v.Problem)
		if ofSegment(v) {
			c.wrong = append(c.wrong, v.Segment)
		} else {
			c.header = true
		}
	}
}

// ofSegment tells a finding about a segment from one about header or ends.
func ofSegment(v poltypes.AuditVerdict) bool {
	for status := poltypes.AuditWrongState; status <= poltypes.AuditDiverged; status++ {
		if v.Problem == poltypes.NewAuditVerdict(poltypes.AuditAnswer{Status: status, Segment: v.Segment}, v.TaskId).Problem {
			return true
		}
	}
	return false
}

func segmentList(segments []uint32) string {
	if len(segments) == 1 {
		return fmt.Sprintf("segment %d", segments[0])
	}
	return "segments " + strings.Trim(strings.ReplaceAll(fmt.Sprint(segments), " ", ", "), "[]")
}

func statusWords(s poltypes.SubmissionStatus) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(s.String(), "SUBMISSION_STATUS_")), "_", " ")
}
