package adversaries

import (
	"testing"

	"github.com/stretchr/testify/require"

	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
)

// copyRows are cheats with somebody else's checkpoint, got hold of before commitments close.
func copyRows() []Row {
	return []Row{
		{Name: "copies a leaked checkpoint, byte for byte", Stops: "order", Query: querySubmissions, Play: copiedBytes},
		{Name: "commits to leaked bytes before their owner does, who then gets nothing", Stops: "bond (replay)", Query: querySubmissions, Play: earlierCopy},
		{Name: "copies a leaked checkpoint, one bit nudged", Stops: "bond (replay)", Query: querySubmissions, Play: nudgedCopy},
		{Name: "copies a leaked checkpoint, neurons rescaled", Stops: "order, bond (replay)", Query: querySubmissions, Play: rescaledCopy},
		{Name: "hands in a revealed checkpoint in the next round", Stops: "part of the bond", Query: queryEvidence, Play: nextRoundCopy},
	}
}

func copiedBytes(t testing.TB, h *Honest) Outcome {
	a, income := caught(t, Config{}, func(a *Arena, rival *Entry) *Entry {
		return a.Enter(a.Accounts[0], rival.File, a.Stolen(rival, a.Accounts[0], rival.File))
	}, poltypes.SUBMISSION_STATUS_DUPLICATE, "an earlier commitment", polslashingtypes.FAULT_KIND_UNSPECIFIED)
	require.True(t, income.IsZero())
	return Outcome{Honest: h.Trainer, Cheater: income, Saw: a.sawEntry(a.Accounts[0])}
}

// earlierCopy is spite: equal bytes go to the earliest commitment, whoever trained them.
func earlierCopy(t testing.TB, h *Honest) Outcome {
	a, rival, before := start(t, Config{})
	own := a.Enter(a.Accounts[0], rival.File, a.Stolen(rival, a.Accounts[0], rival.File))
	purse := a.Wealth(a.Accounts[1])
	a.Commit(own, rival)
	a.Until(poltypes.ROUND_PHASE_REVEAL)
	a.Reveal(own, rival)
	a.RunTo(trialEnd)
	require.Equal(t, poltypes.SUBMISSION_STATUS_DUPLICATE, a.Submission(1, a.Accounts[1]).Status)
	require.Equal(t, purse, a.Wealth(a.Accounts[1]), "the owner keeps its bond")
	require.Empty(t, a.Round(1).Winner)
	income := a.Wealth(a.Accounts[0]).Sub(before)
	require.Equal(t, h.Bond.Neg(), income)
	return Outcome{Honest: h.Trainer, Cheater: income, Saw: a.sawEntry(a.Accounts[0])}
}

func nudgedCopy(t testing.TB, h *Honest) Outcome {
	a, income := caught(t, Config{}, func(a *Arena, rival *Entry) *Entry {
		file := a.Nudged(rival, a.Accounts[0])
		own := a.Enter(a.Accounts[0], file, rival.Transcript)
		require.LessOrEqual(t, own.RankLossE9, rival.RankLossE9, "the nudge makes it no worse")
		return own
	}, poltypes.SUBMISSION_STATUS_UNPROVED, "the header names other inputs", polslashingtypes.FAULT_KIND_UNPROVED)
	require.Equal(t, h.Bond.Neg(), income)
	return Outcome{Honest: h.Trainer, Cheater: income, Saw: a.sawEntry(a.Accounts[0])}
}

func rescaledCopy(t testing.TB, h *Honest) Outcome {
	a, income := caught(t, Config{}, func(a *Arena, rival *Entry) *Entry {
		file := Rescaled(rival.File)
		require.NotEqual(t, rival.File, file)
		own := a.Enter(a.Accounts[0], file, a.Stolen(rival, a.Accounts[0], file))
		require.Equal(t, rival.RankLossE9, own.RankLossE9, "the same function to the last bit")
		return own
	}, poltypes.SUBMISSION_STATUS_UNPROVED, "the replay of a segment ends elsewhere", polslashingtypes.FAULT_KIND_UNPROVED)
	require.Equal(t, h.Bond.Neg(), income)
	require.Equal(t, a.Accounts[1].String(), a.Round(1).Winner)
	return Outcome{Honest: h.Trainer, Cheater: income, Saw: a.sawEntry(a.Accounts[0])}
}

func nextRoundCopy(t testing.TB, h *Honest) Outcome {
	a, rival, before := start(t, Config{})
	a.Commit(rival)
	a.Until(poltypes.ROUND_PHASE_REVEAL)
	a.Reveal(rival)
	own := a.Enter(a.Accounts[0], rival.File, a.Stolen(rival, a.Accounts[0], rival.File))
	require.Contains(t, a.Refused(a.Accounts[0], own.commitment(a.Ctx().ChainID())), poltypes.ErrWrongPhase.Error(), "commitments have closed")
	a.Until(poltypes.ROUND_PHASE_SETTLED)
	a.Until(poltypes.ROUND_PHASE_COMMIT)
	own.Round = 2
	a.Commit(own)
	a.Until(poltypes.ROUND_PHASE_REVEAL)
	require.Contains(t, a.Refused(a.Accounts[0], own.reveal()), poltypes.ErrUsedCheckpoint.Error())
	a.RunTo(trialEnd)
	income := a.Wealth(a.Accounts[0]).Sub(before)
	require.Equal(t, map[polslashingtypes.FaultKind]int{polslashingtypes.FAULT_KIND_NOT_REVEALED: 1}, a.Evidence(a.Accounts[0].String()))
	return Outcome{Honest: h.Trainer, Cheater: income, Saw: a.sawEntry(a.Accounts[0])}
}
