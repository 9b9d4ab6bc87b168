package adversaries

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	poltypes "github.com/pold-network/pold/x/pol/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
)

// canaryRows show validators who do not compute to everybody, with a checkpoint whose verdict the planter knew.
func canaryRows() []Row {
	return []Row{
		{Name: "validator: answers a constant, and a canary is planted", Stops: "stake; named in public", Query: "pold q pol canaries", Play: canary(poltypes.CANARY_STATUS_CONFIRMED, cheater)},
		{Name: "three quarters of power answer a constant, and a canary is planted (shown: one of them)", Stops: "no share; named in public", Query: "pold q pol canaries",
			Play: canary(poltypes.CANARY_STATUS_CONTRADICTED, 1, 2, cheater)},
	}
}

func canary(want poltypes.CanaryStatus, liars ...int) func(testing.TB, *Honest) Outcome {
	return func(t testing.TB, h *Honest) Outcome {
		a, _, _ := start(t, Config{})
		before := a.ValidatorWealth(cheater)
		for _, i := range liars {
			a.Lies[i] = Constant
		}
		planter, salt := a.Accounts[5], make([]byte, 32)
		planted := a.Train(a.Accounts[0], nil)
		a.Sent(planter, &poltypes.MsgPlantCanary{Sender: planter.String(), Group: Group, Round: 1, Commitment: poltypes.CanaryCommitmentOf(
			a.Ctx().ChainID(), Group, 1, planter.String(), planted.Trainer.String(), uint32(poltypes.ScoreValid), planted.ClaimLossE9, salt)})
		a.Commit(planted)
		a.Until(poltypes.ROUND_PHASE_REVEAL)
		a.Reveal(planted)
		a.Until(poltypes.ROUND_PHASE_SETTLED)
		purse := a.Wealth(planter)
		a.Sent(planter, &poltypes.MsgOpenCanary{Sender: planter.String(), Group: Group, Round: 1, Trainer: planted.Trainer.String(),
			Finding: uint32(poltypes.ScoreValid), ClaimLossE9: planted.ClaimLossE9, Salt: salt})
		require.Equal(t, math.NewInt(9*nrn), a.Wealth(planter).Sub(purse), "a tenth of the bond is the fee")
		c, err := a.App.PolKeeper.Canaries.Get(a.Ctx(), collections.Join3(Group, uint64(1), planter.String()))
		require.NoError(t, err)
		require.Equal(t, want, c.Status)
		var names []string
		for _, i := range liars {
			names = append(names, a.Operator(i))
		}
		require.ElementsMatch(t, names, c.Exposed)
		a.RunTo(trialEnd)
		income := a.ValidatorWealth(cheater).Sub(before)
		saw := "`CONFIRMED`, names the validator"
		if want == poltypes.CANARY_STATUS_CONTRADICTED {
			saw = "`CONTRADICTED`, names all three"
			require.Positive(t, a.Evidence(a.Operator(0))[polslashingtypes.FAULT_KIND_WRONG_ANSWER], "the honest one is outvoted")
		}
		return Outcome{Honest: h.OneRound, Cheater: income, Saw: saw}
	}
}
