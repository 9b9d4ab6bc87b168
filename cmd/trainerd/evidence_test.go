package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/sidecar/verifier"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
)

// evidenceOf is what the chain keeps of a bond that was lost in the round.
func evidenceOf(kind polslashingtypes.FaultKind) polslashingtypes.Evidence {
	return polslashingtypes.Evidence{Id: 4, Kind: kind, Address: testTrainer, ChainId: testChain, Group: "digits", Round: 1, Lost: math.NewInt(5)}
}

func (s *settled) check(t *testing.T, e polslashingtypes.Evidence, penalties ...polslashingtypes.Penalty) (checkedEvidence, string, error) {
	t.Helper()
	answer := polslashingtypes.QueryEvidenceResponse{Evidence: e, Penalties: penalties, Explanation: e.Explain(penalties, "pol1gov", 1)}
	r, err := checkEvidence(t.Context(), s, answer, s.fetch)
	require.NoError(t, err)
	var text strings.Builder
	err = r.report(&text, false)
	t.Log("\n" + text.String())
	return r, text.String(), err
}

func TestEvidenceOfAWrongAnswer(t *testing.T) {
	s := settle(t)
	task := s.tasks[6]
	e := evidenceOf(polslashingtypes.FAULT_KIND_WRONG_ANSWER)
	e.Address, e.TaskId, e.TaskKind, e.Manifest = "polvaloper1accused", 6, task.Kind, task.Manifest
	right, err := verifier.New().Compute(t.Context(), testChain, verifier.Task{ID: 6, Kind: task.Kind, Manifest: task.Manifest}, e.Address, s.fetch)
	require.NoError(t, err)
	e.Answer, e.Witness = right.Answer, attestationtypes.WitnessOf(testChain, 6, e.Address, []byte("another"))
	r, text, err := s.check(t, e)
	require.NoError(t, err)
	require.Equal(t, evidenceHolds, r.Result)
	require.Equal(t, 2, strings.Count(text, "✔"))

	e.Witness = attestationtypes.WitnessOf(testChain, 6, e.Address, right.Answer)
	queued := polslashingtypes.Penalty{Id: 7, Kind: polslashingtypes.PENALTY_KIND_SLASH, Status: polslashingtypes.PENALTY_STATUS_QUEUED, SlashE6: 5000, DueUnix: 1_800_000_000, Burned: math.ZeroInt()}
	r, text, err = s.check(t, e, queued)
	require.ErrorIs(t, err, errMismatch)
	require.Equal(t, evidenceFalse, r.Result)
	require.Contains(t, text, "MsgCancelPenalty")
	require.Contains(t, r.Next, "appeal before 2027-01-15")
}

func TestEvidenceOfAFalseClaim(t *testing.T) {
	s := settle(t)
	r, _, err := s.check(t, evidenceOf(polslashingtypes.FAULT_KIND_FALSE_CLAIM))
	require.ErrorIs(t, err, errMismatch, "the claim is exact")
	require.Equal(t, evidenceFalse, r.Result)

	s.submissions[0].ClaimedLossE9--
	s.submissions[0].Status = poltypes.SUBMISSION_STATUS_FALSE_CLAIM
	r, _, err = s.check(t, evidenceOf(polslashingtypes.FAULT_KIND_FALSE_CLAIM))
	require.NoError(t, err)
	require.Equal(t, evidenceHolds, r.Result)
	require.Contains(t, r.Reason, "the exact one is")
}

func TestEvidenceOfAnUnprovedTraining(t *testing.T) {
	s := settle(t)
	s.forge(t, 2)
	r, _, err := s.check(t, evidenceOf(polslashingtypes.FAULT_KIND_UNPROVED))
	require.NoError(t, err)
	require.Equal(t, evidenceHolds, r.Result)

	s = settle(t)
	s.submissions[0].Audit = poltypes.NewAuditVerdict(poltypes.AuditAnswer{Status: poltypes.AuditMismatch, Segment: 2}, 6)
	r, _, err = s.check(t, evidenceOf(polslashingtypes.FAULT_KIND_UNPROVED))
	require.ErrorIs(t, err, errMismatch)
	require.Equal(t, evidenceFalse, r.Result)

	s.submissions[0].Audit = &poltypes.AuditVerdict{Problem: "a start state was withheld"}
	r, _, err = s.check(t, evidenceOf(polslashingtypes.FAULT_KIND_UNPROVED))
	require.NoError(t, err)
	require.Equal(t, evidenceNoTask, r.Result)
	require.Contains(t, r.Reason, "withheld")
}

func TestEvidenceOfWhatCannotBeComputed(t *testing.T) {
	s := settle(t)
	r, _, err := s.check(t, evidenceOf(polslashingtypes.FAULT_KIND_NOT_REVEALED))
	require.NoError(t, err)
	require.Equal(t, evidenceNoTask, r.Result)

	gone := evidenceOf(polslashingtypes.FAULT_KIND_FALSE_CLAIM)
	gone.Round = 9
	r, _, err = s.check(t, gone)
	require.NoError(t, err)
	require.Equal(t, evidenceGone, r.Result)

	other := evidenceOf(polslashingtypes.FAULT_KIND_BEACON)
	other.ChainId = "other-1"
	_, err = checkEvidence(t.Context(), s, polslashingtypes.QueryEvidenceResponse{Evidence: other}, s.fetch)
	require.ErrorContains(t, err, "expected it to be of chain")
}

func TestAFalseBatchIsNoDifferenceToTheVerdict(t *testing.T) {
	a := poltypes.ScoreAnswer{Status: poltypes.ScoreBadBatch, ClaimLossE9: 7, MetricE9: 1, Digest: [32]byte{4}}
	judged := poltypes.Submission{ClaimedLossE9: 7}
	judged.Judge(a, 5)
	require.True(t, compare("x", "cid", *judged.Verdict, a).Equal)
}
