package keeper_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/pol/types"
)

// challengeBy lets operators challenge the first segment of their own sample of a trainer's transcript.
func challengeBy(trainer int, operators ...string) func(types.AuditRef, types.AuditManifest) []attestationtypes.Challenge {
	return func(ref types.AuditRef, m types.AuditManifest) []attestationtypes.Challenge {
		if ref.Challenge || ref.Trainer != account(trainer) {
			return nil
		}
		var all []attestationtypes.Challenge
		for _, o := range operators {
			own := types.OwnSegments(m.AuditSeed, m.Trainer, o, m.Segments, m.Common)
			all = append(all, attestationtypes.Challenge{Segment: own[0], Operator: o})
		}
		return all
	}
}

func TestARightChallengeFailsTheAudit(t *testing.T) {
	e := proving(t, nil)
	e.att.challenges = challengeBy(1, operator(1))
	honest := e.att.audit
	e.att.audit = func(ref types.AuditRef, m types.AuditManifest) (verdict, types.AuditAnswer) {
		if ref.Challenge {
			return decided, types.AuditAnswer{Status: types.AuditMismatch, Segment: ref.Segment}
		}
		return honest(ref, m)
	}
	r := e.play("digits", trained(1, 10), trained(2, 20))
	require.Equal(t, account(2), r.Winner, "the common segments alone looked right")
	s := e.submission("digits", 1, 1)
	require.Equal(t, types.SUBMISSION_STATUS_UNPROVED, s.Status)
	require.Contains(t, s.Note, "challenged by 1 validators: segment ")
	require.Equal(t, funds-r.Bond.Int64(), e.balance(account(1)))
	require.Empty(t, e.att.conduct)
	refs, all := e.audits(1)
	require.Len(t, refs, 2)
	require.Equal(t, types.AuditRef{SubmissionRef: refs[0].SubmissionRef, Challenge: true, Segment: s.Challenges[0].Segment}, refs[1])
	require.Equal(t, []uint32{s.Challenges[0].Segment}, all[1].Common)
	require.NotContains(t, all[0].Common, s.Challenges[0].Segment)
	require.False(t, all[1].Own)
	cost := func(id uint64) uint64 { return e.att.tasks[id].Cost }
	require.Less(t, cost(s.Challenges[0].TaskId), cost(s.AuditTaskId))
}

func TestAFalseChallengeCostsItsAuthorsConduct(t *testing.T) {
	e := proving(t, nil)
	e.att.challenges = challengeBy(1, operator(1), operator(2))
	r := e.play("digits", trained(1, 10), trained(2, 20))
	require.Equal(t, account(1), r.Winner)
	s := e.submission("digits", 1, 1)
	require.NotEmpty(t, s.Challenges)
	var want []attestationtypes.Conduct
	for _, c := range s.Challenges {
		require.Empty(t, c.Verdict.Problem)
		for _, o := range c.Operators {
			want = append(want, attestationtypes.Conduct{Operator: o, Kind: attestationtypes.ConductFalseChallenge, Ref: fmt.Sprintf("task/%d", c.TaskId)})
		}
	}
	require.Len(t, want, 2)
	require.ElementsMatch(t, want, e.att.conduct)
	require.Equal(t, funds+r.Reward.Int64(), e.balance(account(1)))
}

func TestAChallengedSegmentWhoseStateIsWithheldFailsTheAudit(t *testing.T) {
	e := proving(t, nil)
	e.att.challenges = challengeBy(1, operator(1))
	e.att.holdsStates = func(ref types.AuditRef, _ types.AuditManifest) (verdict, bool) { return decided, !ref.Challenge }
	r := e.play("digits", trained(1, 10), trained(2, 20))
	require.Equal(t, account(2), r.Winner)
	s := e.submission("digits", 1, 1)
	require.Equal(t, fmt.Sprintf("challenged by 1 validators: the start state of segment %d was withheld: held by nobody", s.Challenges[0].Segment), s.Note)
	require.Equal(t, funds-r.Bond.Int64(), e.balance(account(1)))
	require.Empty(t, e.att.conduct)
}

// One validator alone must not use up the challenges of a transcript, so it can only challenge its own sample.
func TestChallengesThatAreNotTaken(t *testing.T) {
	e := proving(t, nil)
	e.att.challenges = func(ref types.AuditRef, m types.AuditManifest) []attestationtypes.Challenge {
		var all []attestationtypes.Challenge
		own := types.OwnSegments(m.AuditSeed, m.Trainer, operator(1), m.Segments, m.Common)
		for s := range uint32(70) {
			if !slices.Contains(own, s) || ref.Challenge {
				all = append(all, attestationtypes.Challenge{Segment: s, Operator: operator(1)})
			}
		}
		return all
	}
	r := e.play("digits", trained(1, 10))
	require.Equal(t, account(1), r.Winner)
	require.Empty(t, e.submission("digits", 1, 1).Challenges)
	require.Empty(t, e.att.conduct)
}

func TestATranscriptTakesSoManyChallenges(t *testing.T) {
	e := proving(t, nil)
	var operators []string
	for n := range 60 {
		operators = append(operators, operator(n))
	}
	e.att.challenges = challengeBy(1, operators...)
	r := e.play("digits", trained(1, 10))
	require.Equal(t, account(1), r.Winner)
	s := e.submission("digits", 1, 1)
	require.Len(t, s.Challenges, 8)
	refs, _ := e.audits(1)
	require.Len(t, refs, 9)
	authors := 0
	for _, c := range s.Challenges {
		authors += len(c.Operators)
	}
	require.Len(t, e.att.conduct, authors)
}

// A false challenge costs conduct also when the audit is over before it is decided.
func TestAFalseChallengeCostsConductAfterTheAudit(t *testing.T) {
	e := proving(t, nil)
	e.forges(1)
	forged := e.att.audit
	wait := true
	e.att.audit = func(ref types.AuditRef, m types.AuditManifest) (verdict, types.AuditAnswer) {
		switch {
		case !ref.Challenge && wait: // until the challenge is a task
			return undecided, types.AuditAnswer{}
		case !ref.Challenge:
			return forged(ref, m)
		case wait:
			wait = false
			return undecided, types.AuditAnswer{}
		}
		return decided, types.AuditAnswer{}
	}
	e.att.challenges = challengeBy(1, operator(1))
	r := e.play("digits", trained(1, 10))
	require.Empty(t, r.Winner)
	e.advance(3)
	require.Len(t, e.att.conduct, 1)
	require.Equal(t, operator(1), e.att.conduct[0].Operator)
	require.Equal(t, types.SUBMISSION_STATUS_UNPROVED, e.submission("digits", 1, 1).Status)
}

func TestAnExpiredChallengeIsAskedForAgain(t *testing.T) {
	e := proving(t, nil)
	e.att.challenges = challengeBy(1, operator(1))
	honest, times := e.att.audit, 0
	e.att.audit = func(ref types.AuditRef, m types.AuditManifest) (verdict, types.AuditAnswer) {
		if ref.Challenge {
			if times++; times <= 2 {
				return expired, types.AuditAnswer{}
			}
		}
		return honest(ref, m)
	}
	r := e.play("digits", trained(1, 10))
	require.Equal(t, account(1), r.Winner)
	refs, _ := e.audits(1)
	require.Len(t, refs, 4, "the audit and three times the challenge")
	require.Len(t, e.submission("digits", 1, 1).Challenges, 1)
	require.Len(t, e.att.conduct, 1)
}
