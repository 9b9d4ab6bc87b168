package adversaries

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/engine"
	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
)

const (
	querySubmissions = "pold q pol submissions"
	queryCommitments = "pold q pol commitments"
	queryEvidence    = "pold q polslashing all-evidence"
)

// claimRows are cheats with claims, commitments and reveals.
func claimRows() []Row {
	return []Row{
		{Name: "claims a loss that is one unit (10⁻⁹) too good", Stops: "bond", Query: querySubmissions, Play: falseClaim},
		{Name: "commits to the bytes of another's commitment", Stops: "part of the bond", Query: queryCommitments, Play: replayedCommitment},
		{Name: "reveals another's commitment as its own", Stops: "order", Query: querySubmissions, Play: foreignReveal},
		{Name: "commits and does not reveal", Stops: "part of the bond", Query: queryEvidence, Play: missingReveal},
		{Name: "reveals late, when others' files are known", Stops: "part of the bond", Query: queryEvidence, Play: lateReveal},
		{Name: "reveals a second, better checkpoint", Stops: "order", Query: querySubmissions, Play: doubleReveal},
		{Name: "withholds the revealed file from all", Stops: "part of the bond", Query: querySubmissions, Play: withheldFromAll},
		{Name: "withholds the revealed file from a third of power", Stops: "part of the bond", Query: querySubmissions, Play: withheldFromAThird},
		{Name: "withholds the revealed file from less than a third", Stops: "nothing to gain; who is kept out misses half its share", Query: "pold q attestation artefact", Verdict: GainsNothing, Play: withheldFromOne},
		{Name: "fills the round's commitments with garbage", Stops: "part of every bond", Query: queryCommitments, Play: flood},
	}
}

// caught plays a trial and checks status, note and evidence against account 0.
func caught(t testing.TB, c Config, enter func(a *Arena, rival *Entry) *Entry, status poltypes.SubmissionStatus, note string, kind polslashingtypes.FaultKind) (*Arena, math.Int) {
	t.Helper()
	a := NewArena(t, c)
	income := a.trial(enter)
	s := a.Submission(1, a.Accounts[0])
	require.Equal(t, status, s.Status, s.Note)
	require.Contains(t, s.Note, note)
	if kind != polslashingtypes.FAULT_KIND_UNSPECIFIED {
		require.Equal(t, map[polslashingtypes.FaultKind]int{kind: 1}, a.Evidence(a.Accounts[0].String()))
	}
	require.NotEqual(t, a.Accounts[0].String(), a.Round(1).Winner)
	return a, income
}

func falseClaim(t testing.TB, h *Honest) Outcome {
	a, income := caught(t, Config{}, func(a *Arena, _ *Entry) *Entry {
		own := a.Train(a.Accounts[0], nil)
		own.ClaimLossE9--
		return own
	}, poltypes.SUBMISSION_STATUS_FALSE_CLAIM, "not the exact loss", polslashingtypes.FAULT_KIND_FALSE_CLAIM)
	require.Equal(t, h.Bond.Neg(), income)
	return Outcome{Honest: h.Trainer, Cheater: income, Saw: a.sawEntry(a.Accounts[0])}
}

// start plays up to the commit phase with an honest rival that has trained.
func start(t testing.TB, c Config) (a *Arena, rival *Entry, before math.Int) {
	t.Helper()
	a = NewArena(t, c)
	a.Until(poltypes.ROUND_PHASE_COMMIT)
	return a, a.Train(a.Accounts[1], Lazy), a.Wealth(a.Accounts[0])
}

func (a *Arena) lostInPart(h *Honest, before math.Int) Outcome {
	a.T.Helper()
	a.RunTo(trialEnd)
	income := a.Wealth(a.Accounts[0]).Sub(before)
	require.Equal(a.T, h.Bond.QuoRaw(2).Neg(), income)
	require.Equal(a.T, map[polslashingtypes.FaultKind]int{polslashingtypes.FAULT_KIND_NOT_REVEALED: 1}, a.Evidence(a.Accounts[0].String()))
	require.Equal(a.T, a.Accounts[1].String(), a.Round(1).Winner)
	return Outcome{Honest: h.Trainer, Cheater: income, Saw: a.sawEntry(a.Accounts[0])}
}

func replayedCommitment(t testing.TB, h *Honest) Outcome {
	a, rival, before := start(t, Config{})
	a.Commit(rival)
	m := rival.commitment(a.Ctx().ChainID())
	m.Sender = a.Accounts[0].String()
	a.Sent(a.Accounts[0], m)
	a.Until(poltypes.ROUND_PHASE_REVEAL)
	a.Reveal(rival)
	seen := rival.reveal()
	seen.Sender = a.Accounts[0].String()
	require.Contains(t, a.Refused(a.Accounts[0], seen), poltypes.ErrMismatch.Error())
	return a.lostInPart(h, before)
}

func foreignReveal(t testing.TB, h *Honest) Outcome {
	a, rival, before := start(t, Config{})
	a.Commit(rival)
	a.Until(poltypes.ROUND_PHASE_REVEAL)
	a.Publish(rival)
	seen := rival.reveal()
	seen.Sender = a.Accounts[0].String()
	require.Contains(t, a.Refused(a.Accounts[0], seen), poltypes.ErrNotCommitted.Error())
	a.Reveal(rival)
	a.RunTo(trialEnd)
	require.Equal(t, a.Accounts[1].String(), a.Round(1).Winner)
	return Outcome{Honest: h.Trainer, Cheater: a.Wealth(a.Accounts[0]).Sub(before), Saw: sawError(poltypes.ErrNotCommitted)}
}

func missingReveal(t testing.TB, h *Honest) Outcome {
	a, rival, before := start(t, Config{})
	a.Commit(rival, a.Train(a.Accounts[0], nil))
	a.Until(poltypes.ROUND_PHASE_REVEAL)
	a.Reveal(rival)
	return a.lostInPart(h, before)
}

func lateReveal(t testing.TB, h *Honest) Outcome {
	a, rival, before := start(t, Config{})
	own := a.Train(a.Accounts[0], nil)
	a.Commit(rival, own)
	a.Until(poltypes.ROUND_PHASE_REVEAL)
	a.Reveal(rival)
	a.Until(poltypes.ROUND_PHASE_AVAILABILITY)
	require.Contains(t, a.Refused(a.Accounts[0], own.reveal()), poltypes.ErrWrongPhase.Error())
	return a.lostInPart(h, before)
}

func doubleReveal(t testing.TB, h *Honest) Outcome {
	a, rival, before := start(t, Config{})
	weak := a.Train(a.Accounts[0], func(r *engine.Recipe) { r.LearningRate = 0.001 })
	strong := a.Train(a.Accounts[0], nil)
	require.Greater(t, weak.RankLossE9, rival.RankLossE9)
	a.Commit(rival, weak)
	a.Until(poltypes.ROUND_PHASE_REVEAL)
	a.Reveal(weak)
	require.Contains(t, a.Refused(a.Accounts[0], strong.reveal()), poltypes.ErrAlreadyCommitted.Error())
	a.Reveal(rival)
	a.RunTo(trialEnd)
	require.Equal(t, a.Accounts[1].String(), a.Round(1).Winner)
	return Outcome{Honest: h.Trainer, Cheater: a.Wealth(a.Accounts[0]).Sub(before), Saw: sawError(poltypes.ErrAlreadyCommitted)}
}

// hidden keeps the file of account 0 from validators.
func hidden(from func(validator int) bool) func(a *Arena, rival *Entry) *Entry {
	return func(a *Arena, _ *Entry) *Entry {
		own := a.Train(a.Accounts[0], nil)
		name, _ := Name(own.File)
		a.Hidden = func(validator int, cid string) bool { return cid == name && from(validator) }
		return own
	}
}

func withheldFromAll(t testing.TB, h *Honest) Outcome {
	a, income := caught(t, Config{}, hidden(func(int) bool { return true }),
		poltypes.SUBMISSION_STATUS_WITHHELD, "", polslashingtypes.FAULT_KIND_WITHHELD)
	require.Equal(t, h.Bond.QuoRaw(2).Neg(), income)
	return Outcome{Honest: h.Trainer, Cheater: income, Saw: a.sawEntry(a.Accounts[0])}
}

func withheldFromAThird(t testing.TB, _ *Honest) Outcome {
	three := Config{Validators: 3}
	honest := NewArena(t, three).trial(func(a *Arena, _ *Entry) *Entry { return a.Train(a.Accounts[0], nil) })
	a, income := caught(t, three, hidden(func(validator int) bool { return validator == 0 }),
		poltypes.SUBMISSION_STATUS_WITHHELD, "", polslashingtypes.FAULT_KIND_WITHHELD)
	return Outcome{Honest: honest, Cheater: income, Saw: a.sawEntry(a.Accounts[0])}
}

func withheldFromOne(t testing.TB, h *Honest) Outcome {
	a := NewArena(t, Config{})
	before := a.ValidatorWealth(0)
	income := a.trial(hidden(func(validator int) bool { return validator == 0 }))
	require.Equal(t, a.Accounts[0].String(), a.Round(1).Winner)
	require.Less(t, a.ValidatorWealth(0).Sub(before).Int64(), h.OneRound.Int64(), "it could not score the best candidate")
	return Outcome{Honest: h.Trainer, Cheater: income, Saw: a.sawEntry(a.Accounts[0])}
}

func flood(t testing.TB, h *Honest) Outcome {
	a, rival, _ := start(t, Config{Params: func(p *poltypes.Params) { p.MaxCommitments = 4 }})
	attacker := a.Accounts[2:6]
	before := a.Wealth(attacker...)
	for _, account := range attacker {
		a.Submit(account, &poltypes.MsgCommitCheckpoint{Sender: account.String(), Group: Group, Round: 1, Commitment: make([]byte, 32)})
	}
	a.Step()
	require.Contains(t, a.Refused(a.Accounts[1], rival.commitment(a.Ctx().ChainID())), poltypes.ErrRoundFull.Error())
	a.RunTo(trialEnd)
	income := a.Wealth(attacker...).Sub(before)
	require.Equal(t, h.Bond.QuoRaw(2).MulRaw(-4), income)
	for _, account := range attacker {
		require.Equal(t, map[polslashingtypes.FaultKind]int{polslashingtypes.FAULT_KIND_NOT_REVEALED: 1}, a.Evidence(account.String()))
	}
	require.Contains(t, a.Round(1).Note, "none of 4 commitments was revealed")
	return Outcome{Honest: h.Trainer, Cheater: income, Saw: a.sawEntry(attacker[0])}
}
