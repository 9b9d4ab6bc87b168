package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	sdk "github.com/cosmos/cosmos-sdk/types"

	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// aVoteOn is a chain with two open proposals and a voter of 300 NRN, 50 of which came too late for the period.
func aVoteOn(t *testing.T) (*fakeChain, choice, choice) {
	t.Helper()
	one, two := testProposal(t), testProposal(t)
	two.Id, two.Ballot, two.Summary = 8, 5, "add rows"
	f := &fakeChain{
		sets:      map[string]trainingsettypes.TrainingSet{"birds": {Name: "birds", Group: "birds"}},
		proposals: []trainingsettypes.Proposal{one, two}, period: week(12, 1_000, 1_050),
		ballots: map[uint64]votingtypes.Ballot{4: {Id: 4, Subject: one.Subject()}, 5: {Id: 5, Subject: two.Subject()}},
		voter:   votingtypes.QueryVoterResponse{Standing: nrn(300), Bonded: nrn(350)},
	}
	a, err := findProposal(t.Context(), f.node(), "7")
	require.NoError(t, err)
	b, err := findProposal(t.Context(), f.node(), "8")
	require.NoError(t, err)
	return f, a, b
}

func TestAVoteSaysWhatItWeighsNowAndLater(t *testing.T) {
	f, one, two := aVoteOn(t)
	me := buyer(2)
	i, err := voteIntent(t.Context(), f.node(), me, one, nil, noon)
	require.NoError(t, err)
	require.Equal(t, []string{
		"you support " + one.subject,
		"your vote counts with 300 NRN: 30 % of the 1,000 NRN that stood since period 12 opened",
		"50 NRN more counts from the next period on, which opens about 2026-01-10 12:00 UTC (in 5 d); a vote stays until then and after",
	}, i.changes)
	require.Len(t, i.messages, 1)
	require.Equal(t, &votingtypes.MsgVote{Sender: me, Ballot: 4, Subject: one.subject}, i.messages[0])

	f.voter.Ballots = []uint64{4}
	i, err = voteIntent(t.Context(), f.node(), me, two, &one, noon)
	require.NoError(t, err)
	require.Len(t, i.messages, 2)
	require.Equal(t, &votingtypes.MsgUnvote{Sender: me, Ballot: 4}, i.messages[0], "both or none")
	require.Contains(t, i.changes, "you no longer support proposal 7")
	i, err = unvoteIntent(t.Context(), f.node(), me, one)
	require.NoError(t, err)
	require.Equal(t, []string{"you no longer support proposal 7, which counted with 300 NRN"}, i.changes)

	f.voter = votingtypes.QueryVoterResponse{Standing: nrn(0), Bonded: nrn(5)}
	i, err = voteIntent(t.Context(), f.node(), me, one, nil, noon)
	require.NoError(t, err)
	require.Contains(t, i.changes[1], "your vote does not count in period 12: nothing of your stake stood since it opened")
}

func TestVotesThatTheChainWouldRefuseAreRefusedInWords(t *testing.T) {
	for _, c := range []struct {
		name, says string
		code       int
		other      bool
		change     func(f *fakeChain, c *choice)
	}{
		{"a ballot about something else", "expected \"delta 7 of birds", exitMismatch, false, func(f *fakeChain, _ *choice) {
			f.ballots[4] = votingtypes.Ballot{Id: 4, Subject: "delta 7 of birds: harmless"}
		}},
		{"a closed one", "proposal 7 can't be voted for: it is expired", exitRejected, false, func(_ *fakeChain, c *choice) { c.open, c.why = false, "it is expired: too old" }},
		{"too little stake", "votes in group birds take a stake of at least 1 NRN, you have 0.5 NRN; bond with: pold group bond birds", exitRejected, false, func(f *fakeChain, _ *choice) {
			f.voter.Bonded = nrn(1).QuoRaw(2)
		}},
		{"the same again", "you support it already", exitRejected, false, func(f *fakeChain, _ *choice) { f.voter.Ballots = []uint64{4} }},
		{"too many", "you support 16 ballots in group birds, which is the most", exitRejected, false, func(f *fakeChain, _ *choice) { f.voter.Ballots = make([]uint64, 16) }},
		{"instead of one that is not supported", "--instead-of: you don't support proposal 8", exitRejected, true, func(*fakeChain, *choice) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, one, two := aVoteOn(t)
			c.change(f, &one)
			var other *choice
			if c.other {
				other = &two
			}
			_, err := voteIntent(t.Context(), f.node(), buyer(2), one, other, noon)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, c.code, exitCode(err))
		})
	}
	f, one, two := aVoteOn(t)
	_, err := voteIntent(t.Context(), f.node(), buyer(2), one, &one, noon)
	require.Equal(t, exitUsage, exitCode(err))
	_, err = unvoteIntent(t.Context(), f.node(), buyer(2), two)
	require.ErrorContains(t, err, "you don't support proposal 8, so there is nothing to take back")
	f.voter.Ballots = make([]uint64, 16)
	f.voter.Ballots[3] = two.ballot
	_, err = voteIntent(t.Context(), f.node(), buyer(2), one, &two, noon)
	require.NoError(t, err, "one that is given up makes room")
}

// aKeepOn is the chain of aVoteOn with the ballot for leaving birds as it is.
func aKeepOn(t *testing.T) (*fakeChain, choice) {
	t.Helper()
	f, _, _ := aVoteOn(t)
	f.sets["birds"] = trainingsettypes.TrainingSet{Name: "birds", Group: "birds", Status: trainingsettypes.STATUS_VERIFIED, KeepBallot: 3}
	f.ballots[3] = votingtypes.Ballot{Id: 3, Subject: "keep birds as it is"}
	c, err := findKeep(t.Context(), f.node(), "birds")
	require.NoError(t, err)
	return f, c
}

func TestASetIsKeptAsItIs(t *testing.T) {
	f, c := aKeepOn(t)
	me := buyer(2)
	i, err := keepIntent(t.Context(), f.node(), me, c, false, noon)
	require.NoError(t, err)
	require.Equal(t, []string{
		"you vote to keep birds as it is: a patch is applied only if it has more support than all such votes",
		"your vote counts with 300 NRN: 30 % of the 1,000 NRN that stood since period 12 opened",
		"50 NRN more counts from the next period on, which opens about 2026-01-10 12:00 UTC (in 5 d); a vote stays until then and after",
	}, i.changes)
	require.Equal(t, []sdk.Msg{&votingtypes.MsgVote{Sender: me, Ballot: 3, Subject: "keep birds as it is"}}, i.messages)

	_, err = keepIntent(t.Context(), f.node(), me, c, true, noon)
	require.ErrorContains(t, err, "you don't support keeping birds as it is, so there is nothing to take back")
	f.voter.Ballots = []uint64{3}
	i, err = keepIntent(t.Context(), f.node(), me, c, true, noon)
	require.NoError(t, err)
	require.Equal(t, []string{"you no longer support keeping birds as it is, which counted with 300 NRN"}, i.changes)
	require.Equal(t, []sdk.Msg{&votingtypes.MsgUnvote{Sender: me, Ballot: 3}}, i.messages)
}

func TestASetThatCantBeKeptIsRefusedInWords(t *testing.T) {
	for _, c := range []struct {
		name, says string
		code       int
		change     func(f *fakeChain, s *trainingsettypes.TrainingSet)
	}{
		{"nothing proposed yet", "there is nothing to decide about birds yet", exitRejected, func(_ *fakeChain, s *trainingsettypes.TrainingSet) { s.KeepBallot = 0 }},
		{"no group", "no group votes on training set birds", exitRejected, func(_ *fakeChain, s *trainingsettypes.TrainingSet) { s.Group = "" }},
		{"another ballot", `the ballot of keeping birds as it is says "delta 7 of birds`, exitMismatch, func(_ *fakeChain, s *trainingsettypes.TrainingSet) { s.KeepBallot = 4 }},
		{"the same again", "you support it already; take it back with --undo", exitRejected, func(f *fakeChain, _ *trainingsettypes.TrainingSet) { f.voter.Ballots = []uint64{3} }},
		{"too many", "which is the most; take one back with unvote", exitRejected, func(f *fakeChain, _ *trainingsettypes.TrainingSet) { f.voter.Ballots = make([]uint64, 16) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, _ := aKeepOn(t)
			set := f.sets["birds"]
			c.change(f, &set)
			f.sets["birds"] = set
			keep, err := findKeep(t.Context(), f.node(), "birds")
			if err == nil {
				_, err = keepIntent(t.Context(), f.node(), buyer(2), keep, false, noon)
			}
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "--instead-of")
			require.Equal(t, c.code, exitCode(err))
		})
	}
}

func TestOnlyTheProposerTakesAProposalBack(t *testing.T) {
	p, params := testProposal(t), trainingsettypes.DefaultParams()
	i, err := withdrawIntent(p, params, p.Proposer)
	require.NoError(t, err)
	require.Equal(t, "of its deposit of 10 NRN, 1 NRN is burned and 9 NRN comes back to you", i.changes[1])
	_, err = withdrawIntent(p, params, buyer(9))
	require.ErrorContains(t, err, "only its proposer can take it back")
	p.Status, p.Note = trainingsettypes.PROPOSAL_STATUS_APPLIED, "the table is at version 4"
	_, err = withdrawIntent(p, params, p.Proposer)
	require.ErrorContains(t, err, "it is applied: the table is at version 4")
}
