package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/chain"
	"github.com/pold-network/pold/sidecar/verifier"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

func (s *settled) replay(t *testing.T, o verifier.ReplayOptions) (replayed, string) {
	t.Helper()
	var text strings.Builder
	o.Done = func(x verifier.SegmentFinding) { printSegment(&text, x) }
	r, err := replayRound(t.Context(), s, s.group, 1, "", o, s.fetch, func(r replayed) { printReplayHead(&text, r) })
	require.NoError(t, err)
	r.print(&text)
	t.Log("\n" + text.String())
	return r, text.String()
}

func TestAnHonestRoundReplaysAndTheChainAgrees(t *testing.T) {
	s := settle(t)
	r, text := s.replay(t, verifier.ReplayOptions{})
	require.NoError(t, r.mismatch())
	require.Equal(t, verifier.Agrees, r.Chain.Agreement)
	require.Equal(t, 4, strings.Count(text, "✔"))
	require.Contains(t, text, "every validator replayed segments 0, 2")
	require.Contains(t, text, "trainerd verify --group digits --round 1")

	b, err := json.Marshal(r)
	require.NoError(t, err)
	var back map[string]any
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, true, back["equal"])
	require.Len(t, back["replayed"], 4)
	require.Equal(t, "agrees", back["chain"].(map[string]any)["agreement"])

	segment := uint32(3)
	r, _ = s.replay(t, verifier.ReplayOptions{Segment: &segment})
	require.NoError(t, r.mismatch())
	require.Contains(t, r.Next, "replay all segments")
}

func TestAForgedSegmentIsAMismatchWhetherOrNotTheChainSawIt(t *testing.T) {
	for name, c := range map[string]struct {
		segment int
		want    verifier.Agreement
	}{"drawn": {2, verifier.Agrees}, "not drawn": {1, verifier.Silent}} {
		t.Run(name, func(t *testing.T) {
			s := settle(t)
			s.forge(t, c.segment)
			r, text := s.replay(t, verifier.ReplayOptions{})
			require.ErrorIs(t, r.mismatch(), errMismatch)
			require.Equal(t, uint32(c.segment), *r.Wrong)
			require.Equal(t, c.want, r.Chain.Agreement)
			require.Contains(t, text, "first difference in step")
		})
	}
}

func TestAChainThatSaysOtherwiseIsAMismatch(t *testing.T) {
	s := settle(t)
	s.submissions[0].Audit = poltypes.NewAuditVerdict(poltypes.AuditAnswer{Status: poltypes.AuditMismatch, Segment: 2}, 6)
	r, _ := s.replay(t, verifier.ReplayOptions{})
	require.True(t, r.Passed())
	require.ErrorIs(t, r.mismatch(), errMismatch)
	require.Contains(t, r.mismatch().Error(), "the chain says")

	s = settle(t) // an audit of something else than the round
	task := s.tasks[6]
	var m poltypes.AuditManifest
	require.NoError(t, m.Unmarshal(task.Manifest))
	m.OrderSeed[0] ^= 1
	var err error
	task.Manifest, err = m.Marshal()
	require.NoError(t, err)
	s.tasks[6] = task
	_, err = replayRound(t.Context(), s, s.group, 1, "", verifier.ReplayOptions{}, s.fetch, func(replayed) {})
	require.ErrorIs(t, err, errMismatch)
}

func TestTheTranscriptIsTheWinnersOrTheFirstAuditedOrTheNamedOnes(t *testing.T) {
	audited := &poltypes.AuditVerdict{Problem: "withheld"}
	list := []poltypes.Submission{{Trainer: "a", TranscriptCid: "x"}, {Trainer: "b", TranscriptCid: "x", Audit: audited}, {Trainer: "c", TranscriptCid: "x", Audit: audited}, {Trainer: "d"}}
	s, err := chooseTranscript(list, "")
	require.NoError(t, err)
	require.Equal(t, "b", s.Trainer)
	list[2].Status = poltypes.SUBMISSION_STATUS_WINNER
	s, err = chooseTranscript(list, "")
	require.NoError(t, err)
	require.Equal(t, "c", s.Trainer)
	s, err = chooseTranscript(list, "a")
	require.NoError(t, err)
	require.Equal(t, "a", s.Trainer)
	for trainer, want := range map[string]string{"d": "handed in no transcript", "e": "revealed no checkpoint"} {
		_, err = chooseTranscript(list, trainer)
		require.ErrorIs(t, err, chain.ErrNotFound)
		require.ErrorContains(t, err, want)
	}
	_, err = chooseTranscript(list[:1], "")
	require.ErrorContains(t, err, "--trainer")
}

func TestAScoredGroupHasNothingToReplay(t *testing.T) {
	s := settle(t)
	s.group.Settings.Proof = poltypes.PROOF_MODE_SCORED
	_, err := replayRound(t.Context(), s, s.group, 1, "", verifier.ReplayOptions{}, s.fetch, nil)
	require.ErrorIs(t, err, errUsage)
	require.ErrorContains(t, err, "trainerd verify --group digits --round 1")
}
