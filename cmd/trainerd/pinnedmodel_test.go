package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/chain"
	"github.com/pold-network/pold/sidecar/verifier"
	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
)

// changeModel gives the group another model than its round was opened with.
func (s *settled) changeModel() {
	s.group.ModelVersion++
	s.group.Settings.Model = poltypes.ModelSpec{InputShape: []uint32{8, 8}, Layers: []*poltypes.Layer{{Name: "wide", Kind: "dense", Units: 20}, {Name: "out", Kind: "dense", Units: 10}}}
}

func TestARoundOfAnEarlierModelIsCheckedWithTheModelOfItsTask(t *testing.T) {
	s := settle(t)
	s.changeModel()
	v, err := recompute(t.Context(), s, s.fetch, s.group, s.round, "")
	require.NoError(t, err)
	require.True(t, v.Equal, "the verdict was right with the model of then")
	require.Len(t, v.Findings, 1)
	r, _ := s.replay(t, verifier.ReplayOptions{})
	require.NoError(t, r.mismatch())
	require.Equal(t, verifier.Agrees, r.Chain.Agreement)
}

func TestARoundOfAnEarlierModelWhoseTasksAreForgottenIsNoMismatch(t *testing.T) {
	s := settle(t)
	s.changeModel()
	delete(s.tasks, 6)
	_, err := recompute(t.Context(), s, s.fetch, s.group, s.round, "")
	require.NotErrorIs(t, err, errMismatch)
	require.ErrorIs(t, err, chain.ErrNotFound)
	require.ErrorContains(t, err, "round 1 of group \"digits\" was opened with model version 0; the group is at version 1")
	_, err = replayRound(t.Context(), s, s.group, 1, "", verifier.ReplayOptions{}, s.fetch, func(replayed) {})
	require.ErrorIs(t, err, chain.ErrNotFound)
	found, _, err := s.check(t, evidenceOf(polslashingtypes.FAULT_KIND_FALSE_CLAIM))
	require.NoError(t, err)
	require.Equal(t, evidenceGone, found.Result)
	require.Contains(t, found.Reason, "model version 0")
}

func TestATaskOfAnotherRoundGivesNoModel(t *testing.T) {
	s := settle(t)
	s.changeModel()
	s.round.Number = 2
	_, err := recompute(t.Context(), s, s.fetch, s.group, s.round, "")
	require.ErrorIs(t, err, errMismatch)
	require.ErrorContains(t, err, "task 6 of the chain is of round 1")
}
