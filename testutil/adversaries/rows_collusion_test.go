package adversaries

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/engine"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
)

// collusionRows are cheats of several validators.
func collusionRows() []Row {
	return []Row{
		{Name: "jumps to better weights, and a validator withholds its secret when the draw would find it", Stops: "bond covers one draw, not two; reputation", Query: "pold q attestation beacon",
			Verdict: Priced, Play: twoDraws},
		{Name: "half of power forges losses (shown: one of the two)", Stops: "no share: the round waits", Query: "pold q pol round", Play: half},
		{Name: "three quarters of power let their own untrained checkpoint win", Stops: "nothing; anybody can recompute it", Query: "trainerd verify-evidence",
			Verdict: Priced, Play: cartel},
	}
}

// twoDraws is the draw that the withheld secret leads to. Its income is the mean over both draws: only a segment that both meet is found.
func twoDraws(t testing.TB, h *Honest) Outcome {
	a := NewArena(t, Config{})
	a.Alter(cheater, func(_ int64, e *attestationtypes.VoteExtension) {
		draw, err := a.App.AttestationKeeper.Draws.Get(a.Ctx(), a.Round(1).AuditDraw)
		if err == nil && e.BeaconReveal != nil && e.BeaconReveal.Number == draw.Beacon {
			e.BeaconReveal = nil
		}
	})
	a.trial(func(a *Arena, _ *Entry) *Entry { return a.Forge(a.Accounts[0], jump(lastOf(h.Common))(a)) })
	require.Equal(t, map[polslashingtypes.FaultKind]int{polslashingtypes.FAULT_KIND_BEACON: 1}, a.Evidence(a.Operator(cheater)))
	common, _, _ := a.drawn(1, a.Accounts[0])
	require.NotEqual(t, h.Common, common, "it led to another draw")
	require.True(t, h.expectedOfTwo().IsPositive(), "the bond would cover it; say so in the table")
	return Outcome{Honest: h.Trainer, Cheater: h.expectedOfTwo(), Expected: true, Saw: a.sawEntry(a.Accounts[0]) + ", " + a.saw("", a.Operator(cheater))}
}

func half(t testing.TB, h *Honest) Outcome {
	a, income := season(t, Config{}, seasonEnd, func(a *Arena) { a.Lies[2], a.Lies[cheater] = OneLower, OneLower })
	r := a.Round(1)
	require.Equal(t, poltypes.ROUND_PHASE_SCORE, r.Phase)
	require.Contains(t, r.Note, "expired")
	require.True(t, income.IsZero())
	require.Empty(t, a.Evidence(a.Operator(cheater)), "nobody can be told to be wrong")
	require.Equal(t, r.Bond, a.Balance(a.Accounts[1]).Sub(a.Balance(a.Accounts[0])), "bonds stand")
	return Outcome{Honest: h.Season, Cheater: income, Saw: "`SCORE`, extended again and again"}
}

// cartel is priced together with its trainer: what it takes is the reward of an honest round, the work saved, and the honest one's share.
func cartel(t testing.TB, h *Honest) Outcome {
	a, rival, _ := start(t, Config{})
	wealth := func() (sum [2]int64) {
		for i := 1; i <= 3; i++ {
			sum[0] += a.ValidatorWealth(i).Int64()
		}
		return [2]int64{sum[0] + a.Wealth(a.Accounts[0]).Int64(), a.ValidatorWealth(0).Int64()}
	}
	before := wealth()
	own := a.Enter(a.Accounts[0], edit(a.Start(a.Accounts[0]).Encode(), func(x *engine.Tensor) { scale(x, 2) }), rival.Transcript)
	own.ClaimLossE9 = 1
	for i := 1; i <= 3; i++ {
		a.Lies[i] = Favour(own, [32]byte{1})
	}
	a.Commit(rival, own)
	a.Until(poltypes.ROUND_PHASE_REVEAL)
	a.Reveal(rival, own)
	a.RunTo(trialEnd)
	require.Equal(t, a.Accounts[0].String(), a.Round(1).Winner)
	require.Positive(t, a.Evidence(a.Operator(0))[polslashingtypes.FAULT_KIND_WRONG_ANSWER], "the honest one is outvoted")

	s := a.Submission(1, a.Accounts[0])
	task, err := a.App.AttestationKeeper.Tasks.Get(a.Ctx(), s.TaskId)
	require.NoError(t, err)
	truth, ok := a.Compute(0, a.Operator(0), task)
	require.True(t, ok)
	require.NotEqual(t, task.Answer, truth.Answer, "whoever computes it again sees the fraud")
	after := wealth()
	require.LessOrEqual(t, after[1], before[1])
	return Outcome{Honest: h.Trainer.Add(h.OneRound.MulRaw(3)), Cheater: math.NewInt(after[0] - before[0]),
		Saw: a.sawEntry(a.Accounts[0]) + ", " + a.saw("", a.Operator(0)) + " against the honest"}
}
