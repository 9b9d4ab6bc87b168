package adversaries

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/testutil/network"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// economyRows are cheats with accounts, groups and stake.
func economyRows() []Row {
	return []Row{
		{Name: "hands in three trainings from three accounts", Stops: "one winner a round; three bonds, three trainings", Query: querySubmissions, Verdict: GainsNothing, Play: sybils},
		{Name: "splits its stake over three groups of its own", Stops: "share of all stake; fee for each group", Query: "pold q pol totals", Play: splitStake},
		{Name: "bonds to its own group only while the round is decided (fee left out)", Stops: "the least stake counts", Query: "pold q pol round", Play: lateStake},
		{Name: "trains alone in a group of its own (fee left out; honest: stakes elsewhere)", Stops: "nothing; bounded by its share of all stake", Query: "pold q pol totals",
			Verdict: Priced, Play: selfDealer},
	}
}

func sybils(t testing.TB, h *Honest) Outcome {
	a, rival, _ := start(t, Config{})
	person := []network.Account{a.Accounts[0], a.Accounts[2], a.Accounts[3]}
	before := a.Wealth(person...)
	entries := []*Entry{rival}
	for _, account := range person {
		entries = append(entries, a.Train(account, nil))
	}
	a.Commit(entries...)
	a.Until(poltypes.ROUND_PHASE_REVEAL)
	a.Reveal(entries...)
	a.RunTo(trialEnd)
	return Outcome{Honest: h.Trainer, Cheater: a.Wealth(person...).Sub(before), Saw: "one `WINNER`"}
}

const ownStake = 9_000 * nrn

// found opens groups of account 0 with its stake, in which only results count.
func (a *Arena) found(stake int64, names ...string) {
	a.T.Helper()
	owner, s := a.Accounts[0], Settings()
	s.Evaluation, s.Proof, s.Segments, s.Recipe = poltypes.EVALUATION_MODE_TRAINING_SET, poltypes.PROOF_MODE_SCORED, 0, poltypes.RecipeBounds{}
	for _, name := range names {
		result := a.Deliver(owner, &poltypes.MsgCreateGroup{Sender: owner.String(), Name: name, Settings: s},
			&poltypes.MsgBondGroup{Sender: owner.String(), Group: name, Amount: math.NewInt(stake)})
		require.Zero(a.T, result.Code, result.Log)
	}
}

// farmer is what account 0 has handed in in its groups.
type farmer map[string]*Entry

// tend trains a little and hands in whatever the rounds of some groups are ready for, and makes a block.
func (f farmer) tend(a *Arena, names ...string) {
	a.T.Helper()
	owner := a.Accounts[0]
	for _, name := range names {
		a.In = name
		r, e := a.Round(0), f[name]
		switch {
		case r.Phase == poltypes.ROUND_PHASE_COMMIT && (e == nil || e.Round != r.Number):
			f[name] = a.Train(owner, func(r *engine.Recipe) { r.Steps, r.LearningRate = 8, 0.02 })
			a.Submit(owner, f[name].commitment(a.Ctx().ChainID()))
		case r.Phase == poltypes.ROUND_PHASE_REVEAL && r.Reveals == 0:
			a.Publish(e)
			a.Submit(owner, e.reveal())
		}
	}
	a.In = Group
	a.Step()
}

func (a *Arena) roundOf(group string, number uint64) poltypes.Round {
	a.In = group
	defer func() { a.In = Group }()
	return a.Round(number)
}

func farming(t testing.TB, stake int64, names ...string) (*Arena, math.Int) {
	t.Helper()
	a := NewArena(t, Config{})
	a.RunTo(8)
	before := a.Wealth(a.Accounts[0])
	a.found(stake, names...)
	for f := (farmer{}); a.Height() < seasonEnd; {
		f.tend(a, names...)
	}
	for _, name := range names {
		g, err := a.App.PolKeeper.Groups.Get(a.Ctx(), name)
		require.NoError(t, err)
		require.Greater(t, g.Wins, uint64(3), name)
	}
	return a, a.Wealth(a.Accounts[0]).Sub(before)
}

func splitStake(t testing.TB, _ *Honest) Outcome {
	_, honest := farming(t, ownStake, "own")
	a, income := farming(t, ownStake/3, "own-a", "own-b", "own-c")
	// What the end of the season cuts is less than a round of each group.
	cut := a.roundOf("own-a", 1).Reward.MulRaw(3)
	require.True(t, income.Add(a.fee().MulRaw(2)).Sub(honest).LT(cut), "but for the fees it earns the same: %s and %s", honest, income)
	return Outcome{Honest: honest, Cheater: income, Saw: "the same coinbase, 3 fees burned"}
}

// fee is what a group costs, burned when it is opened.
func (a *Arena) fee() math.Int {
	params, err := a.App.PolKeeper.Params.Get(a.Ctx())
	require.NoError(a.T, err)
	return params.CreationFee
}

func lateStake(t testing.TB, _ *Honest) Outcome {
	const settled = 45 // one round of the group, not two
	play := func(early int64) (*Arena, math.Int) {
		a := NewArena(t, Config{})
		a.RunTo(8)
		before := a.Wealth(a.Accounts[0])
		a.found(early, "own")
		for f := (farmer{}); a.roundOf("own", 1).Phase != poltypes.ROUND_PHASE_SCORE; {
			f.tend(a, "own")
		}
		return a, before
	}
	honest, before := play(ownStake)
	honest.RunTo(settled)
	earned := honest.Wealth(honest.Accounts[0]).Sub(before)
	a, before := play(nrn)
	a.Sent(a.Accounts[0], &poltypes.MsgBondGroup{Sender: a.Accounts[0].String(), Group: "own", Amount: math.NewInt(ownStake - nrn)})
	a.RunTo(settled)
	income := a.Wealth(a.Accounts[0]).Sub(before)
	require.Equal(t, a.Accounts[0].String(), a.roundOf("own", 1).Winner)
	return Outcome{Honest: earned.Add(a.fee()), Cheater: income.Add(a.fee()), Saw: "`group_stake` of the round: 1 NRN"}
}

func selfDealer(t testing.TB, _ *Honest) Outcome {
	a, income := farming(t, ownStake, "own")
	g, err := a.App.PolKeeper.Groups.Get(a.Ctx(), "own")
	require.NoError(t, err)
	most := math.NewInt(0)
	for n := uint64(1); n <= g.Round; n++ {
		most = most.Add(a.roundOf("own", n).Reward)
	}
	require.Equal(t, most.String(), income.Add(a.fee()).String())
	return Outcome{Honest: math.ZeroInt(), Cheater: most, Saw: "`WINNER` every round"}
}
