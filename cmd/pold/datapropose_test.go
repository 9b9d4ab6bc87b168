package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// aProposal is a run of the command against a chain that has birds at version 3.
func aProposal(t *testing.T) (*proposal, *fakeChain) {
	t.Helper()
	table := csvTable(t, oldBirds)
	f := &fakeChain{
		sets: map[string]trainingsettypes.TrainingSet{"birds": {
			Name: "birds", Version: 3, Group: "birds", Status: trainingsettypes.STATUS_VERIFIED, Table: described(t, table),
		}},
		groups:  map[string]poltypes.Group{"birds": {Name: "birds", Settings: testSettings("birds")}},
		deposit: nrn(10),
	}
	s, _ := testSender(t, &scriptedNode{})
	base := writeFiles(t, oldBirds)[0]
	return &proposal{options: proposeOptions{summary: "correct a label", base: base}, node: f.node(), sender: s, now: time.Now}, f
}

func TestAPatchIsProposedAsValidatorsWillFindIt(t *testing.T) {
	w, _ := aProposal(t)
	body, want := deltaOf(t, csvTable(t, oldBirds), csvTable(t, newBirds))
	d, err := w.draft(t.Context(), "birds", body)
	require.NoError(t, err)
	want.Cid = d.delta.Cid
	require.Equal(t, want, d.delta)
	require.Equal(t, 4, d.patch.RowsAdded)
	i := w.intent(d)
	m := i.messages[0].(*trainingsettypes.MsgProposeDelta)
	require.Equal(t, "10000000", m.MaxDeposit.String())
	require.Equal(t, "correct a label", m.Summary)
	require.Equal(t, []string{
		"proposed    +4 -2 of birds (version 3): correct a label",
		"deposit     10 NRN; 10 % of it is burned when the patch expires or is withdrawn, all when it is not what it says or is not served",
	}, i.changes)
	w.options.takedown = true
	require.Len(t, w.intent(d).changes, 3)
}

func TestWhatValidatorsWouldRefuseIsRefusedHere(t *testing.T) {
	good, _ := deltaOf(t, csvTable(t, oldBirds), csvTable(t, newBirds))
	for _, c := range []struct {
		name, says string
		code       int
		body       string // empty: the good one
		change     func(w *proposal, f *fakeChain)
	}{
		{"what is no patch", "validators would refuse the patch: line 1 of the delta", exitRejected, "hello\n", nil},
		{"a patch of another table", "the patch does not apply to the current table (version 3)", exitRejected, "--- a/x\n+++ b/x\n@@ -2,1 +2,1 @@\n-1,11,0\n+1,12,0\n", nil},
		{"a patch of the header", "expected the header to stay as it is", exitRejected, "--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n-a,b,y\n+a,c,y\n", nil},
		{"a row that is there twice", "the table it leads to is refused", exitRejected, "--- a/x\n+++ b/x\n@@ -2,1 +2,1 @@\n-1,10,0\n+2,20,0\n", nil},
		{"a patch that changes nothing", "expected a row that is new or gone", exitRejected, "--- a/x\n+++ b/x\n@@ -2,1 +2,1 @@\n-1,10,0\n+1,10,0\n", nil},
		{"a set that nobody governs", "no group votes on training set birds", exitRejected, "", func(_ *proposal, f *fakeChain) {
			s := f.sets["birds"]
			s.Group = ""
			f.sets["birds"] = s
		}},
		{"a set that validators have not checked", "training set birds is checking: soon; wait", exitRejected, "", func(_ *proposal, f *fakeChain) {
			s := f.sets["birds"]
			s.Status, s.Note = trainingsettypes.STATUS_CHECKING, "soon"
			f.sets["birds"] = s
		}},
		{"a set that there is not", `training set "birds": not found`, exitNotFound, "", func(_ *proposal, f *fakeChain) { delete(f.sets, "birds") }},
		{"a set with too many proposals", "1,000 proposals of birds are open, which is the most", exitRejected, "", func(_ *proposal, f *fakeChain) {
			s := f.sets["birds"]
			s.OpenProposals = 1_000
			f.sets["birds"] = s
		}},
		{"the same patch again", "proposal 4 has the same patch; vote for it instead: pold data vote 4", exitRejected, "", func(_ *proposal, f *fakeChain) {
			_, delta := deltaOf(t, csvTable(t, oldBirds), csvTable(t, newBirds))
			f.proposals = []trainingsettypes.Proposal{{Id: 4, Status: trainingsettypes.PROPOSAL_STATUS_OPEN, Delta: delta}}
		}},
		{"the same change, written in another way", "proposal 4 leads to the same table", exitRejected, "", func(_ *proposal, f *fakeChain) {
			_, delta := deltaOf(t, csvTable(t, oldBirds), csvTable(t, newBirds))
			delta.Sha256 = make([]byte, 32)
			f.proposals = []trainingsettypes.Proposal{{Id: 4, Status: trainingsettypes.PROPOSAL_STATUS_FETCHING, Delta: delta}}
		}},
		{"a base that is another table", "expected root", exitMismatch, "", func(w *proposal, _ *fakeChain) { w.options.base = writeFiles(t, newBirds)[0] }},
		{"a base that is no table", "--base ", exitError, "", func(w *proposal, _ *fakeChain) { w.options.base = writeFiles(t, "x\n")[0] }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, f := aProposal(t)
			body := []byte(c.body)
			if c.body == "" {
				body = good
			}
			if c.change != nil {
				c.change(w, f)
			}
			_, err := w.draft(t.Context(), "birds", body)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, c.code, exitCode(err), "%v", err)
		})
	}
	closed, f := aProposal(t)
	_, delta := deltaOf(t, csvTable(t, oldBirds), csvTable(t, newBirds))
	f.proposals = []trainingsettypes.Proposal{{Id: 4, Status: trainingsettypes.PROPOSAL_STATUS_EXPIRED, Delta: delta}}
	_, err := closed.draft(t.Context(), "birds", good)
	require.NoError(t, err, "what has expired may be proposed again")
}

func TestWhatAProposalSaysOfItselfIsOneVisibleLine(t *testing.T) {
	for _, c := range []struct {
		options proposeOptions
		says    string
	}{
		{proposeOptions{}, "--summary: expected one line for those who vote, got none"},
		{proposeOptions{summary: "  "}, "--summary: expected a sentence"},
		{proposeOptions{summary: "two\nlines"}, "--summary: expected one line of visible text"},
		{proposeOptions{summary: strings.Repeat("x", 281)}, "--summary: expected at most 280 bytes"},
		{proposeOptions{summary: "x", licence: "a\u202eb"}, "--licence: expected one line of visible text"},
	} {
		err := c.options.checkText()
		require.ErrorContains(t, err, c.says)
		require.Equal(t, exitUsage, exitCode(err))
	}
	require.NoError(t, proposeOptions{summary: "ein Wort: größer"}.checkText())
}

// The chain does not look at targets; a class that the model does not know would end the rounds of the group.
func TestATargetThatTheModelDoesNotKnowIsPointedOut(t *testing.T) {
	w, _ := aProposal(t)
	body, _ := deltaOf(t, csvTable(t, oldBirds), csvTable(t, "a,b,y\n1,10,0\n2,20,0\n3,30,1\n4,40,1\n5,50,2\n"))
	d, err := w.draft(t.Context(), "birds", body)
	require.NoError(t, err)
	require.Contains(t, d.patch.Unfit, "the model of group birds could not learn from the table: line 6")
}

func TestServingEndsWhenValidatorsHoldThePatch(t *testing.T) {
	for status, code := range map[trainingsettypes.ProposalStatus]int{
		trainingsettypes.PROPOSAL_STATUS_APPLICABLE: 0, trainingsettypes.PROPOSAL_STATUS_APPLIED: 0,
		trainingsettypes.PROPOSAL_STATUS_INVALID: exitRejected, trainingsettypes.PROPOSAL_STATUS_EXPIRED: exitRejected,
	} {
		w, f := aProposal(t)
		f.proposals = []trainingsettypes.Proposal{{Id: 4, Status: status}}
		err := w.serve(t.Context(), 4, &publication{done: make(chan error, 1)}, "trainerd publish x")
		require.Equal(t, code, exitCode(err), "%s: %v", status, err)
	}
	w, f := aProposal(t)
	f.proposals = []trainingsettypes.Proposal{{Id: 4, Status: trainingsettypes.PROPOSAL_STATUS_OPEN, Held: true, Note: "validators hold the body"}}
	require.NoError(t, w.serve(t.Context(), 4, &publication{done: make(chan error, 1)}, "trainerd publish x"))
	f.proposals[0].Status = trainingsettypes.PROPOSAL_STATUS_STALE
	require.Equal(t, exitRejected, exitCode(w.serve(t.Context(), 4, &publication{done: make(chan error, 1)}, "x")))
	f.proposals = []trainingsettypes.Proposal{{Id: 4, Status: trainingsettypes.PROPOSAL_STATUS_OPEN}}
	served := &publication{done: make(chan error, 1)}
	served.done <- fail(exitUnreachable, "trainerd publish: no node")
	err := w.serve(t.Context(), 4, served, "trainerd publish x")
	require.ErrorContains(t, err, "trainerd ended before validators held the patch (trainerd publish: no node); serve it again with: trainerd publish x")
}
