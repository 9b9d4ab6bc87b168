package types

import (
	"bytes"
	"slices"
	"sort"

	"cosmossdk.io/math"
)

// MarkDuplicates gives equal checkpoints of a round to the earliest commitment. Submissions are sorted by order.
func MarkDuplicates(submissions []Submission) {
	sort.SliceStable(submissions, func(i, j int) bool { return submissions[i].Order < submissions[j].Order })
	first := map[string]uint32{}
	for i := range submissions {
		s := &submissions[i]
		if s.Status != SUBMISSION_STATUS_REVEALED {
			continue
		}
		if _, dup := first[string(s.CheckpointHash)]; dup {
			s.Status = SUBMISSION_STATUS_DUPLICATE
			s.Note = "an earlier commitment of this round was to the same bytes"
			continue
		}
		first[string(s.CheckpointHash)] = s.Order
	}
}

// NoteNotScored says why a checkpoint got no score.
const NoteNotScored = "its claim was not among those that get a score slot"

// DropSurplus takes the reveals out of the race that can't get one of the 2K score slots, worst claims first, so that
// nobody can make validators fetch more than that.
func DropSurplus(submissions []Submission, k uint32) {
	for place, i := range byClaim(submissions, SUBMISSION_STATUS_REVEALED) {
		if place >= 2*int(k) {
			submissions[i].Status, submissions[i].Note = SUBMISSION_STATUS_NOT_SCORED, NoteNotScored
		}
	}
}

// NextToScore returns the indexes of at most n waiting candidates: best claims first, ties by commitment order.
func NextToScore(submissions []Submission, n int) []int {
	waiting := byClaim(submissions, SUBMISSION_STATUS_CANDIDATE)
	return waiting[:min(n, len(waiting))]
}

// byClaim returns the indexes of the submissions of a status: best claims first, ties by commitment order.
func byClaim(submissions []Submission, status SubmissionStatus) []int {
	var indexes []int
	for i, s := range submissions {
		if s.Status == status {
			indexes = append(indexes, i)
		}
	}
	sort.SliceStable(indexes, func(a, b int) bool {
		x, y := submissions[indexes[a]], submissions[indexes[b]]
		if x.ClaimedLossE9 != y.ClaimedLossE9 {
			return x.ClaimedLossE9 < y.ClaimedLossE9
		}
		return x.Order < y.Order
	})
	return indexes
}

// Slots returns how many more score tasks a round may open: K valid or undecided ones at a time, 2K in all.
func Slots(submissions []Submission, opened uint32, k uint32) int {
	var taken uint32
	for _, s := range submissions {
		if s.Status == SUBMISSION_STATUS_SCORING || s.Status == SUBMISSION_STATUS_VALID {
			taken++
		}
	}
	if taken >= k || opened >= 2*k {
		return 0
	}
	return int(min(k-taken, 2*k-opened))
}

// Best returns the index of the submission with the lowest ranking loss among those of some statuses, ties by commitment
// order; -1 if there is none.
func Best(submissions []Submission, statuses ...SubmissionStatus) int {
	best := -1
	for i, s := range submissions {
		if slices.Contains(statuses, s.Status) && (best < 0 || ranksBefore(s, submissions[best])) {
			best = i
		}
	}
	return best
}

// ranksBefore orders scored submissions: lower ranking loss first, ties by commitment order.
func ranksBefore(a, b Submission) bool {
	if a.Verdict.RankLossE9 != b.Verdict.RankLossE9 {
		return a.Verdict.RankLossE9 < b.Verdict.RankLossE9
	}
	return a.Order < b.Order
}

// Beats reports whether a loss is lower than the parent's by at least the improvement that the group asks for.
// An equal loss never wins. A parent without a valid score is beaten by any valid loss.
func Beats(loss uint64, parent Verdict, minImprovement uint64) bool {
	if parent.Problem != "" {
		return true
	}
	return loss < parent.RankLossE9 && parent.RankLossE9-loss >= minImprovement
}

// BeatsOnPublicRows reports whether a valid submission has a lower exact loss on the claim set than the parent.
func (s Submission) BeatsOnPublicRows(parent *Verdict, minImprovement uint64) bool {
	switch s.Status {
	case SUBMISSION_STATUS_VALID, SUBMISSION_STATUS_PROVED, SUBMISSION_STATUS_WINNER:
		public := Verdict{Problem: "not scored"} // any valid loss beats it
		if parent != nil {
			public = Verdict{RankLossE9: parent.ClaimLossE9, Problem: parent.Problem}
		}
		return s.Verdict != nil && Beats(s.Verdict.ClaimLossE9, public, minImprovement)
	}
	return false
}

// Judge turns an attested answer into verdict and status of a submission.
func (s *Submission) Judge(a ScoreAnswer, taskID uint64) {
	s.Verdict = &Verdict{
		ClaimLossE9: a.ClaimLossE9, RankLossE9: a.RankLossE9, MetricE9: a.MetricE9, Digest: bytes.Clone(a.Digest[:]), TaskId: taskID,
	}
	switch {
	case a.Status == ScoreUnfitData: // the group's fault, not the trainer's: the bond is returned
		s.Verdict.Problem = a.Status.String()
		s.Status, s.Note = SUBMISSION_STATUS_NOT_SCORED, s.Verdict.Problem
	case a.Status == ScoreBadBatch && a.ClaimLossE9 == s.ClaimedLossE9: // the provider's fault: there is nothing to rank by
		s.Verdict.RankLossE9, s.Verdict.MetricE9 = a.ClaimLossE9, 0
		s.Status, s.Note = SUBMISSION_STATUS_VALID, a.Status.String()
	case a.Status != ScoreValid && a.Status != ScoreBadBatch:
		s.Verdict.Problem = a.Status.String()
		s.Status, s.Note = SUBMISSION_STATUS_INVALID, s.Verdict.Problem
	case a.ClaimLossE9 != s.ClaimedLossE9:
		s.Status = SUBMISSION_STATUS_FALSE_CLAIM
		s.Note = "the claimed loss is not the exact loss on the claim set"
	default:
		s.Status = SUBMISSION_STATUS_VALID
	}
}

// CauseOfLoss says why a commitment lost its bond, or a part of it; a nil submission was never revealed.
func CauseOfLoss(s *Submission) LossCause {
	switch {
	case s == nil:
		return LossNotRevealed
	case s.Status == SUBMISSION_STATUS_WITHHELD:
		return LossWithheld
	case s.Status == SUBMISSION_STATUS_UNPROVED:
		return LossUnproved
	}
	return LossFalseClaim
}

// BondLoss returns how much of a commit bond is burned for what became of the commitment; the rest is returned.
// A nil submission was never revealed.
func (p Params) BondLoss(bond math.Int, s *Submission) math.Int {
	part := uint64(0)
	switch {
	case s == nil:
		part = p.NoRevealLossE6
	case s.Status == SUBMISSION_STATUS_WITHHELD:
		part = p.WithheldLossE6
	case s.Status == SUBMISSION_STATUS_INVALID, s.Status == SUBMISSION_STATUS_FALSE_CLAIM, s.Status == SUBMISSION_STATUS_UNPROVED:
		part = million
	}
	whole, rest := bond.QuoRaw(million), bond.ModRaw(million) // in two parts, so that no bond overflows
	return whole.Mul(math.NewIntFromUint64(part)).Add(rest.Mul(math.NewIntFromUint64(part)).QuoRaw(million))
}
