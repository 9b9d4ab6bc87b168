package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/trainingset/types"
)

// What wins needs more support than leaving the table as it is; taking its history down needs more than half of all.
func TestWhoWantsATableToStayCanStopAChange(t *testing.T) {
	for name, c := range map[string]struct {
		takedown             bool
		support, keep, least int64
		applied              bool
	}{
		"nobody minds":                             {false, 100, 0, 0, true},
		"more want it to stay":                     {false, 100, 101, 0, false},
		"as many want it to stay":                  {false, 100, 100, 0, false},
		"fewer want it to stay":                    {false, 500, 499, 0, true},
		"a tenth can't take the history down":      {true, 100, 0, 0, false},
		"half can't either":                        {true, 500, 0, 0, false},
		"more than half can":                       {true, 501, 0, 0, true},
		"the group has too little stake to decide": {false, 1_000, 0, 1_001, false},
	} {
		t.Run(name, func(t *testing.T) {
			e := governed(t)
			e.least = c.least
			p, err := e.k.ProposeDelta(e.ctx, &types.MsgProposeDelta{Sender: account(proposer), TrainingSet: "digits", Delta: e.delta(1), Summary: "fix a typo", Takedown: c.takedown})
			require.NoError(t, err)
			p = e.hold(p)
			keep := e.set("digits").KeepBallot
			require.Equal(t, "keep digits as it is", e.ballots[keep-1].Subject)
			e.support(p, c.support)
			e.checking()
			require.Equal(t, []uint64{1}, e.asked(), "nobody is asked about leaving it")
			e.finds(p.Id, applied(1, 10).Encode())
			e.ballots[keep-1].Tally.Standing = math.NewInt(c.keep) // at any time until the end
			e.ended()
			require.Equal(t, c.applied, e.set("digits").Version == 2)
		})
	}
}

// A set of the genesis is under the votes of a group before it is checked. When it is rejected and registered again, the group goes
// on to govern it, and no other one does.
func TestARejectedSetKeepsItsGovernment(t *testing.T) {
	e := newEnv(t, types.TrainingSet{Name: "digits", Owner: account(1), Table: table()})
	require.NoError(t, e.k.Adopt(e.ctx, "digits", "first", account(1)))
	e.endBlock()
	e.judged(false)
	require.Equal(t, types.STATUS_REJECTED, e.set("digits").Status)
	require.NoError(t, e.register(1, "digits"))
	e.endBlock()
	e.judged(true)
	e.settled(found().Encode())
	require.NoError(t, e.k.Adopt(e.ctx, "digits", "second", account(1)))
	first, err := e.k.Governed.Has(e.ctx, "first")
	require.NoError(t, err)
	second, err := e.k.Governed.Has(e.ctx, "second")
	require.NoError(t, err)
	require.Equal(t, "first", e.set("digits").Group)
	require.False(t, first && second, "the periods of two groups decide about one set")
}

// What a proposal holds stands in the mempool before it is in a block: who copies it, with or without a lie about its root, does not
// keep the author from proposing it.
func TestACopyDoesNotTakeThePlaceOfItsOriginal(t *testing.T) {
	e := governed(t)
	lie := e.delta(1)
	lie.Root = e.delta(2).Root
	_, err := e.k.ProposeDelta(e.ctx, &types.MsgProposeDelta{Sender: account(4), TrainingSet: "digits", Delta: lie, Summary: "mine"})
	require.NoError(t, err)
	_, err = e.k.ProposeDelta(e.ctx, &types.MsgProposeDelta{Sender: account(proposer), TrainingSet: "digits", Delta: e.delta(1), Summary: "mine"})
	require.NoError(t, err)
	e.balanced()
}

// Messages whose amounts were left out.
func TestMessagesWithoutAmountsAreRefused(t *testing.T) {
	e := governed(t)
	require.NotPanics(t, func() {
		_, err := e.k.ProposeDelta(e.ctx, &types.MsgProposeDelta{Sender: account(4), TrainingSet: "digits"})
		require.Error(t, err)
		require.Error(t, e.k.Register(e.ctx, &types.MsgRegisterTrainingSet{Sender: account(4), Name: "other"}))
		require.Error(t, types.Params{}.Validate())
		_, err = (&types.MsgProposeDelta{}).Marshal()
		require.NoError(t, err)
	})
}
