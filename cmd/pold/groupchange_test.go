package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	poltypes "github.com/pold-network/pold/x/pol/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

func dense(units ...uint64) poltypes.ModelSpec {
	m := poltypes.ModelSpec{InputShape: []uint32{4}}
	names := []string{"first", "second", "third"}
	for i, n := range units {
		m.Layers = append(m.Layers, &poltypes.Layer{Name: names[i], Kind: "dense", Units: n}, &poltypes.Layer{Name: names[i] + "-act", Kind: "relu"})
	}
	m.Layers = m.Layers[:len(m.Layers)-1]
	return m
}

func TestLayersKeepTheirWeightsByNameAndShape(t *testing.T) {
	for _, c := range []struct {
		name       string
		was, is    poltypes.ModelSpec
		kept, anew []string
	}{
		{"the same", dense(8, 2), dense(8, 2), []string{"first", "second"}, nil},
		{"a wider layer", dense(8, 2), dense(16, 2), nil, []string{"first", "second.weight"}},
		{"a layer more at the end", dense(8, 2), dense(8, 2, 2), []string{"first", "second"}, []string{"third"}},
		{"another output", dense(8, 2), dense(8, 3), []string{"first"}, []string{"second"}},
	} {
		kept, anew, err := carriedLayers(c.was.Spec(), c.is.Spec())
		require.NoError(t, err)
		if c.name == "a wider layer" { // the bias of the second layer has the same shape
			c.kept = []string{"second.bias"}
		}
		require.Equal(t, c.kept, kept, c.name)
		require.Equal(t, c.anew, anew, c.name)
	}
	_, _, err := carriedLayers(dense(8, 2).Spec(), (&poltypes.ModelSpec{}).Spec())
	require.Error(t, err)
}

func TestANewModelIsShownWithWhatItKeeps(t *testing.T) {
	was := dense(8, 2)
	hash, err := was.Hash()
	require.NoError(t, err)
	g := poltypes.Group{Name: "birds", ModelHash: hash, Settings: poltypes.GroupSettings{Model: was}}
	_, err = modelWords(g, was)
	require.ErrorContains(t, err, "the model is the one that group birds has already")
	words, err := modelWords(g, dense(8, 3))
	require.NoError(t, err)
	require.Contains(t, words, "weights     all begin anew: the group has no checkpoint yet")
	require.Contains(t, words[0], "LAYER")
	g.Parent.Cid = "bafk"
	words, err = modelWords(g, dense(8, 3))
	require.NoError(t, err)
	require.Equal(t, []string{"kept        first", "begin anew  second"}, words[len(words)-2:])
	g.Parent.Cid, g.Carried = "", &poltypes.CarriedWeights{Model: dense(5, 3)}
	words, err = modelWords(g, dense(8, 3))
	require.NoError(t, err)
	require.Equal(t, "kept        second.bias", words[len(words)-2], "nothing was won with the present model, so the one before counts")
}

func TestModelsAreReadAsTheyStandInGroupSettings(t *testing.T) {
	s, _ := testSender(t, &scriptedNode{})
	text := `{"input_shape":[4],"layers":[{"name":"first","kind":"dense","units":"2"}]}`
	for _, file := range []string{text, `{"model":` + text + `,"training_set":"birds"}`} {
		m, err := readModel(s.client.Codec, []byte(file))
		require.NoError(t, err)
		require.Equal(t, dense(2), *m)
	}
	for _, file := range []string{"", "[]", `{"input_shape":[4],"layer":[]}`} {
		_, err := readModel(s.client.Codec, []byte(file))
		require.ErrorContains(t, err, "expected a model as in group settings, with input_shape and layers", file)
	}
}

func TestChangesAreListedWithWhatTheyNeed(t *testing.T) {
	model := dense(8, 2)
	changes := []poltypes.GroupChange{
		{Id: 1, Group: "birds", Times: &poltypes.GroupTimes{PeriodSeconds: 86_400}, Summary: "daily", Proposer: buyer(1), Status: poltypes.GROUP_CHANGE_STATUS_ADOPTED,
			Note: "takes effect with the next round", Support: nrn(600), OfStake: nrn(1_000), ActivatesUnix: noon.Unix(), LastPeriod: 9},
		{Id: 2, Group: "birds", Ballot: 4, Times: &poltypes.GroupTimes{CommitBlocks: 600, NominalSeconds: 3_600}, Summary: "longer", Proposer: buyer(2),
			Status: poltypes.GROUP_CHANGE_STATUS_OPEN, Support: math.ZeroInt(), OfStake: math.ZeroInt(), LastPeriod: 15},
		{Id: 3, Group: "birds", Ballot: 5, Model: &model, Summary: "wider", Proposer: buyer(3), Status: poltypes.GROUP_CHANGE_STATUS_OPEN, Support: math.ZeroInt(), OfStake: math.ZeroInt(), LastPeriod: 14},
	}
	ballots := map[uint64]votingtypes.Ballot{4: {Tally: tally(12, 500, 500)}, 5: {Tally: tally(12, 667, 700)}}
	v := newChangesView("birds", week(12, 1_000, 1_000), votingtypes.DefaultParams(), changes, ballots, noon)
	require.False(t, v.Open[0].Enough, "a half is not more than a half")
	hash, err := model.Hash()
	require.NoError(t, err)
	golden(t, `
group   birds, voting period 12 of 7 d, opened 2026-01-03 12:00 UTC
check   in 4 d (2026-01-09 12:00 UTC)
end     in 5 d (2026-01-10 12:00 UTC)

change 2: longer
  what     commit 600 blocks, nominal 1 h
  by       `+buyer(2)+`
  support  500 NRN, 50 %: not enough yet
  needs    more than half of 1,000 NRN that stood since the period opened: more than 500 NRN
  until    the end of period 15
change 3: wider
  what     model `+hexOf(hash[:6])+`…, 3 layers, 58 parameters
  by       `+buyer(3)+`
  support  667 NRN, 66.7 %: enough
  needs    at least two thirds of 1,000 NRN that stood since the period opened: 666.666667 NRN
  until    the end of period 14

DECIDED  STATUS   SUPPORT            WHY                                                                WHAT               SUMMARY
      1  adopted  60 % of 1,000 NRN  takes effect with the next round, not before 2026-01-05 12:00 UTC  voting period 1 d  daily
`, v)
}

func TestWhoMayProposeAChange(t *testing.T) {
	params, period := poltypes.DefaultParams(), week(12, 1_000, 1_000)
	enough := &votingtypes.QueryVoterResponse{Standing: nrn(10), Bonded: nrn(10)}
	require.NoError(t, mayPropose(params, period, enough, nil, buyer(1)))
	err := mayPropose(params, period, &votingtypes.QueryVoterResponse{Standing: nrn(9), Bonded: nrn(500)}, nil, buyer(1))
	require.ErrorContains(t, err, "expected 1 % of the 1,000 NRN that stood since the voting period opened (10 NRN), you have 9 NRN")
	require.Equal(t, exitRejected, exitCode(err))
	open := []poltypes.GroupChange{{Id: 5, Group: "birds", Proposer: buyer(1), Status: poltypes.GROUP_CHANGE_STATUS_OPEN}}
	require.ErrorContains(t, mayPropose(params, period, enough, open, buyer(1)), "your change 5 of group birds is still open")
	require.NoError(t, mayPropose(params, period, enough, open, buyer(2)))
}

func TestAChangeIsFoundByItsNumberInAnyGroup(t *testing.T) {
	f := &fakeChain{
		groups: map[string]poltypes.Group{"birds": {Name: "birds"}, "fish": {Name: "fish"}, "sand": {Name: "sand", Settings: poltypes.GroupSettings{Sandbox: true}}},
		changes: []poltypes.GroupChange{
			{Id: 1, Group: "birds", Ballot: 2, Times: &poltypes.GroupTimes{PeriodSeconds: 86_400}, Status: poltypes.GROUP_CHANGE_STATUS_OPEN},
			{Id: 4, Group: "fish", Ballot: 3, Times: &poltypes.GroupTimes{PeriodSeconds: 86_400}, Status: poltypes.GROUP_CHANGE_STATUS_EXPIRED, Note: "too little stake"},
		},
	}
	c, err := findChange(t.Context(), f.node(), "1")
	require.NoError(t, err)
	require.Equal(t, choice{kind: "change", id: 1, group: "birds", ballot: 2, subject: f.changes[0].Subject(), open: true, why: "it is open: "}, c)
	c, err = findChange(t.Context(), f.node(), "4")
	require.NoError(t, err)
	require.ErrorContains(t, c.checkOpen(), "change 4 can't be voted for: it is expired: too little stake")
	_, err = findChange(t.Context(), f.node(), "9")
	require.ErrorContains(t, err, "no group has a change 9")
	require.Equal(t, exitNotFound, exitCode(err))
}
