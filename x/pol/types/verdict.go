package types

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
)

// NextToAudit returns the indexes of at most n valid submissions that beat the parent: best ranking losses first.
func NextToAudit(submissions []Submission, parent Verdict, minImprovement uint64, n int) []int {
	var waiting []int
	for i, s := range submissions {
		if s.Status == SUBMISSION_STATUS_VALID && Beats(s.Verdict.RankLossE9, parent, minImprovement) {
			waiting = append(waiting, i)
		}
	}
	sort.SliceStable(waiting, func(a, b int) bool { return ranksBefore(submissions[waiting[a]], submissions[waiting[b]]) })
	return waiting[:min(n, len(waiting))]
}

// NewAuditVerdict turns an attested answer into a verdict.
func NewAuditVerdict(a AuditAnswer, taskID uint64) *AuditVerdict {
	v := &AuditVerdict{Segment: a.Segment, Digest: bytes.Clone(a.Digest[:]), TaskId: taskID}
	switch {
	case a.Status >= AuditWrongState: // findings about a segment
		v.Problem = fmt.Sprintf("segment %d: %s", a.Segment, a.Status)
	case a.Status != AuditPassed:
		v.Problem = a.Status.String()
	}
	return v
}

// Challenge returns the challenge of a segment, nil if there is none.
func (s *Submission) Challenge(segment uint32) *SegmentChallenge {
	for i := range s.Challenges {
		if s.Challenges[i].Segment == segment {
			return &s.Challenges[i]
		}
	}
	return nil
}

// AddChallenge records that an operator found a segment of the transcript wrong, and reports whether that was new. No more
// than most different segments are taken: each is replayed by everybody.
func (s *Submission) AddChallenge(segment uint32, operator string, most uint32) bool {
	c := s.Challenge(segment)
	if c == nil {
		if uint32(len(s.Challenges)) >= most {
			return false
		}
		s.Challenges = append(s.Challenges, SegmentChallenge{Segment: segment})
		c = &s.Challenges[len(s.Challenges)-1]
	}
	if slices.Contains(c.Operators, operator) {
		return false
	}
	c.Operators = append(c.Operators, operator)
	return true
}

// DecideAudit gives a submission under audit its status once that is known, and reports whether it is: one wrong segment
// is enough against it, for it speak only all segments that were replayed.
func (s *Submission) DecideAudit() bool {
	if s.Status != SUBMISSION_STATUS_AUDITING {
		return false
	}
	open := s.Audit == nil
	if v := s.Audit; v != nil && v.Problem != "" {
		return s.refute(v.Problem)
	}
	for _, c := range s.Challenges {
		if c.Verdict == nil {
			open = true
		} else if c.Verdict.Problem != "" {
			return s.refute(fmt.Sprintf("challenged by %d validators: %s", len(c.Operators), c.Verdict.Problem))
		}
	}
	if open {
		return false
	}
	s.Status, s.Note = SUBMISSION_STATUS_PROVED, ""
	return true
}

func (s *Submission) refute(why string) bool {
	s.Status, s.Note = SUBMISSION_STATUS_UNPROVED, why
	return true
}
