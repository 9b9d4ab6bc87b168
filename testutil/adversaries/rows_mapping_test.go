package adversaries

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/engine"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// mappingRows are thefts in a group with a secure mapping layer.
func mappingRows() []Row {
	return []Row{
		{Name: "secure mapping: takes a leaked checkpoint as it is", Stops: "mapping: it works at chance", Query: querySubmissions, Play: stolenAsIs},
		{Name: "secure mapping: rebases a revealed checkpoint", Stops: "order: commitments have closed", Query: querySubmissions, Play: rebasedLate},
		{Name: "secure mapping: rebases a checkpoint leaked before commitments close, and trains one step", Stops: "nothing: maps are public and linear",
			Query: querySubmissions, Verdict: Priced, Play: rebasedLeak},
	}
}

// mapped is a group whose results count, with a mapping for each trainer.
func mapped() Config {
	return Config{Settings: func(s *poltypes.GroupSettings) {
		s.Mapping, s.Model.Layers = true, append([]*poltypes.Layer{{Name: "map", Kind: "sml"}}, s.Model.Layers...)
		s.Evaluation, s.Proof, s.Segments, s.Recipe = poltypes.EVALUATION_MODE_TRAINING_SET, poltypes.PROOF_MODE_SCORED, 0, poltypes.RecipeBounds{}
		// A rebased copy computes the same function with sums in another order: more than that must count as an improvement.
		s.MinImprovementE9 = 1_000_000
	}}
}

// theft plays round 1 against an honest account 1; the cheater's entry may be made from the other's, and is committed after it.
func theft(t testing.TB, enter func(a *Arena, rival *Entry) *Entry) (*Arena, *Entry, *Entry, math.Int) {
	t.Helper()
	a := NewArena(t, mapped())
	a.Until(poltypes.ROUND_PHASE_COMMIT)
	rival, before := a.Train(a.Accounts[1], nil), a.Wealth(a.Accounts[0])
	own := enter(a, rival)
	a.Commit(rival, own)
	a.Until(poltypes.ROUND_PHASE_REVEAL)
	a.Reveal(rival, own)
	a.RunTo(trialEnd)
	return a, rival, own, a.Wealth(a.Accounts[0]).Sub(before)
}

func honestTheft(t testing.TB) func() math.Int {
	return func() math.Int {
		a, _, _, income := theft(t, func(a *Arena, _ *Entry) *Entry { return a.Train(a.Accounts[0], Longer) })
		require.Equal(t, a.Accounts[0].String(), a.Round(1).Winner)
		return income
	}
}

// rebased is another's checkpoint moved to the thief's own mapping.
func (a *Arena) rebased(of *Entry) *engine.Model {
	a.T.Helper()
	model, err := a.Inputs(of.Trainer).Decode(of.File)
	require.NoError(a.T, err)
	require.NoError(a.T, a.Inputs(a.Accounts[0]).Rebase(model))
	return model
}

func stolenAsIs(t testing.TB, h *Honest) Outcome {
	a, rival, own, income := theft(t, func(a *Arena, rival *Entry) *Entry {
		file := append([]byte(nil), rival.File...)
		file[len(file)-4] ^= 1 // equal bytes would go to the earlier commitment at once
		return a.Enter(a.Accounts[0], file, nil)
	})
	require.Equal(t, a.Accounts[1].String(), a.Round(1).Winner)
	require.Greater(t, rival.MetricE9, uint64(700_000_000))
	require.Less(t, own.MetricE9, uint64(500_000_000), "of three classes it finds one")
	return Outcome{Honest: h.Other("mapped", honestTheft(t)), Cheater: income, Saw: a.sawEntry(a.Accounts[0])}
}

func rebasedLeak(t testing.TB, h *Honest) Outcome {
	a, rival, own, income := theft(t, func(a *Arena, rival *Entry) *Entry {
		model, recipe := a.rebased(rival), Recipe()
		same := a.Enter(a.Accounts[0], model.Encode(), nil)
		require.InDelta(t, rival.RankLossE9, same.RankLossE9, 1_000, "full theft: the function is the same")
		recipe.Steps, recipe.LearningRate = 1, 0.01
		recipe.BatchSize = a.Rows().Training.Rows()
		require.NoError(t, model.Train(a.Rows().Training, engine.CrossEntropy, recipe, nil))
		return a.Enter(a.Accounts[0], model.Encode(), nil)
	})
	require.Less(t, own.RankLossE9, rival.RankLossE9)
	require.Equal(t, a.Accounts[0].String(), a.Round(1).Winner)
	return Outcome{Honest: h.Other("mapped", honestTheft(t)), Cheater: income, Saw: a.sawEntry(a.Accounts[0])}
}

func rebasedLate(t testing.TB, h *Honest) Outcome {
	a := NewArena(t, mapped())
	a.Until(poltypes.ROUND_PHASE_COMMIT)
	rival, before := a.Train(a.Accounts[1], nil), a.Wealth(a.Accounts[0])
	a.Commit(rival)
	a.Until(poltypes.ROUND_PHASE_REVEAL)
	a.Reveal(rival)
	own := a.Enter(a.Accounts[0], a.rebased(rival).Encode(), nil)
	require.Contains(t, a.Refused(a.Accounts[0], own.commitment(a.Ctx().ChainID())), poltypes.ErrWrongPhase.Error())
	a.Until(poltypes.ROUND_PHASE_SETTLED)
	a.Until(poltypes.ROUND_PHASE_COMMIT)
	// In the next round it is the parent's function, which does not beat the parent.
	own = a.Enter(a.Accounts[0], a.Start(a.Accounts[0]).Encode(), nil)
	a.Commit(own)
	a.Until(poltypes.ROUND_PHASE_REVEAL)
	a.Reveal(own)
	a.Until(poltypes.ROUND_PHASE_SETTLED)
	require.Contains(t, a.Round(2).Note, "does not beat the parent")
	a.RunTo(trialEnd)
	return Outcome{Honest: h.Other("mapped", honestTheft(t)), Cheater: a.Wealth(a.Accounts[0]).Sub(before), Saw: sawError(poltypes.ErrWrongPhase) + ", next round no winner"}
}
