package verifier

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/dataset/digits"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
)

const accused = "polvaloper1accused"

// wrongAnswer is evidence against somebody who committed to another answer of a task.
func wrongAnswer(t *testing.T, f files, kind string, manifest []byte) polslashingtypes.Evidence {
	t.Helper()
	r, err := New().Compute(t.Context(), "test-1", Task{ID: 7, Kind: kind, Manifest: manifest}, accused, f.fetch)
	require.NoError(t, err)
	return polslashingtypes.Evidence{Id: 3, Kind: polslashingtypes.FAULT_KIND_WRONG_ANSWER, Address: accused, ChainId: "test-1", TaskId: 7, TaskKind: kind,
		Manifest: manifest, Answer: r.Answer, Witness: attestationtypes.WitnessOf("test-1", 7, accused, []byte("another answer"))}
}

func scoreEvidence(t *testing.T) (polslashingtypes.Evidence, files) {
	t.Helper()
	f := files{"table": digits.CSV()}
	m := digitsManifest()
	manifest, err := m.Marshal()
	require.NoError(t, err)
	return wrongAnswer(t, f, poltypes.ScoreTaskKind, manifest), f
}

func TestTrueEvidenceOfAWrongAnswerHolds(t *testing.T) {
	e, f := scoreEvidence(t)
	found, err := New().CheckEvidence(t.Context(), e, f.fetch)
	require.NoError(t, err)
	require.True(t, found.Holds, found.Problem)
	require.Len(t, found.Figures, 2)
	require.Equal(t, found.Figures[0].Evidence, found.Figures[0].Computed, "the settled answer is the right one")
	require.NotEqual(t, found.Figures[1].Evidence, found.Figures[1].Computed, "the operator had committed to another")
}

func TestFalseEvidenceDoesNotHold(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(e *polslashingtypes.Evidence)
		problem string
	}{
		"two thirds settled on a wrong answer": {func(e *polslashingtypes.Evidence) { e.Answer[3] ^= 1 }, "two thirds"},
		"the accused had the right answer": {func(e *polslashingtypes.Evidence) {
			e.Witness = attestationtypes.WitnessOf(e.ChainId, e.TaskId, e.Address, e.Answer)
		}, "had committed to the answer"},
	} {
		t.Run(name, func(t *testing.T) {
			e, f := scoreEvidence(t)
			c.change(&e)
			found, err := New().CheckEvidence(t.Context(), e, f.fetch)
			require.NoError(t, err)
			require.False(t, found.Holds)
			require.Contains(t, found.Problem, c.problem)
		})
	}
}

func TestEvidenceThatCannotBeRecomputedIsAnError(t *testing.T) {
	for name, c := range map[string]struct {
		change func(e *polslashingtypes.Evidence, f files)
		want   string
	}{
		"of another chain":  {func(e *polslashingtypes.Evidence, _ files) { e.ChainId = "other-1" }, "expected chain"},
		"without its files": {func(_ *polslashingtypes.Evidence, f files) { delete(f, "table") }, "nobody holds it"},
		"without a task":    {func(e *polslashingtypes.Evidence, _ files) { e.Kind = polslashingtypes.FAULT_KIND_BEACON }, "expected a wrong answer"},
	} {
		t.Run(name, func(t *testing.T) {
			e, f := scoreEvidence(t)
			c.change(&e, f)
			_, err := New().CheckEvidence(t.Context(), e, f.fetch)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestAWrongPersonalValueIsCheckedThroughItsSpotTask(t *testing.T) {
	_, f := scoreEvidence(t)
	m := digitsManifest()
	inner, err := m.Marshal()
	require.NoError(t, err)
	spot := attestationtypes.SpotManifest{ChainId: "test-1", TaskId: 7, Kind: poltypes.ScoreTaskKind, Manifest: inner, Operator: accused, Personal: []byte("guessed")}
	evidence := func() polslashingtypes.Evidence {
		manifest, err := spot.Marshal()
		require.NoError(t, err)
		e := wrongAnswer(t, f, attestationtypes.SpotTaskKind, manifest)
		e.Kind, e.Personal, e.Witness = polslashingtypes.FAULT_KIND_WRONG_PERSONAL, spot.Personal, nil
		return e
	}
	e := evidence()
	found, err := New().CheckEvidence(t.Context(), e, f.fetch)
	require.NoError(t, err)
	require.True(t, found.Holds, found.Problem)

	spot.Personal = e.Answer // the operator was right
	found, err = New().CheckEvidence(t.Context(), evidence(), f.fetch)
	require.NoError(t, err)
	require.False(t, found.Holds)
	require.Contains(t, found.Problem, "had committed to the value")

	e.Address = "polvaloper1other"
	_, err = New().CheckEvidence(t.Context(), e, f.fetch)
	require.ErrorContains(t, err, "expected inputs about polvaloper1other")
}

func TestEvidenceOfAnAuditOutlivesTheStates(t *testing.T) {
	p := recordProof(t)
	p.m.Common = []uint32{1, 3}
	manifest, err := p.m.Marshal()
	require.NoError(t, err)
	e := wrongAnswer(t, p.files, poltypes.AuditTaskKind, manifest)
	for i := range proofSegments + 1 {
		delete(p.files, fmt.Sprintf("state-%d", i))
	}
	found, err := New().CheckEvidence(t.Context(), e, p.files.fetch)
	require.NoError(t, err)
	require.True(t, found.Holds, found.Problem)
}
