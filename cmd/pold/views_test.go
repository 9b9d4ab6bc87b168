package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// noon is the time of all views in tests; periods around it are a week long.
var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

func week(number uint64, standing, bonded int64) votingtypes.Period {
	opened := noon.Add(-48 * time.Hour)
	return votingtypes.Period{
		Group: "birds", Number: number, Phase: votingtypes.PERIOD_PHASE_OPEN, OpenedUnixMs: opened.UnixMilli(), EndsUnix: opened.Add(7 * 24 * time.Hour).Unix(),
		Seconds: 604_800, Tally: tally(number, standing, bonded),
	}
}

const (
	oldBirds = "a,b,y\n1,10,0\n2,20,0\n3,30,1\n4,40,1\n5,50,1\n"
	newBirds = "a,b,y\n1,10,0\n2,20,1\n4,40,1\n5,50,1\n4,41,1\n1,10,1\n9,60,0\n"
)

func TestAPatchIsShownWithAllThatItDoes(t *testing.T) {
	old, next := csvTable(t, oldBirds), csvTable(t, newBirds)
	body, _ := deltaOf(t, old, next)
	v := newPatchView("birds", described(t, old), old, next, body)
	require.Equal(t, 4, v.RowsAdded)
	require.Equal(t, 2, v.RowsRemoved)
	v.ValidationAdded, v.ValidationRemoved = 1, 1 // which ones they are is the split's to say
	golden(t, `
rows        5 -> 7: 4 added, 2 removed
validation  1 of 4 added rows fall into it, 1 of 2 removed rows came from it
relabelled  1 row
  line 3 -> 3: 0 -> 1
CLASS  BEFORE              AFTER                    CHANGE
    0       2  ███████         2  ███████
    1       3  ██████████      5  ████████████████      +2
conflicts   1 added row has the features of another row with other targets
  line 7 says 1, line 2 says 0
duplicates  2 added rows differ from another row in one cell at most
  line 6 and line 4, in b
  line 7 and line 2, in the targets alone
outliers    2 added cells are outside of what the column held before
  line 8, a = 9, before 1 to 5
  line 8, b = 60, before 10 to 50
`, v)
	described := described(t, old)
	described.ValidationPermille = 0
	v = newPatchView("birds", described, old, next, body)
	require.Zero(t, v.ValidationAdded)
	var out strings.Builder
	v.print(&printer{out: &out})
	require.Contains(t, out.String(), "validation  the set holds no rows back for it")
}

func TestRowsThatFallIntoValidationAreThoseOfTheSplit(t *testing.T) {
	old, next := csvTable(t, oldBirds), csvTable(t, newBirds)
	body, _ := deltaOf(t, old, next)
	for _, permille := range []uint32{0, 200, 500, 1000} {
		d := described(t, old)
		d.ValidationPermille = permille
		v := newPatchView("birds", d, old, next, body)
		_, before := old.Split([]byte("birds"), permille)
		_, after := next.Split([]byte("birds"), permille)
		require.Equal(t, len(after)-len(before), v.ValidationAdded-v.ValidationRemoved, permille)
	}
	added, removed := changedRows([]byte("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n h\n-1,0\n-2,0\n+2,0\n+3,0\n"))
	require.Equal(t, map[string]bool{"3,0": true}, added, "a row that moves is not added")
	require.Equal(t, map[string]bool{"1,0": true}, removed)
}

func testProposal(t *testing.T) trainingsettypes.Proposal {
	_, delta := deltaOf(t, csvTable(t, oldBirds), csvTable(t, newBirds))
	return trainingsettypes.Proposal{
		Id: 7, TrainingSet: "birds", Proposer: buyer(1), Delta: delta, Summary: "correct a label", Licence: "CC0", Deposit: nrn(10), Ballot: 4,
		OpenedUnix: noon.Add(-26 * time.Hour).Unix(), DueUnix: noon.Add(26 * 24 * time.Hour).Unix(), Status: trainingsettypes.PROPOSAL_STATUS_OPEN, OpenedVersion: 3,
	}
}

func TestAProposalIsShownWithWhoWhenAndTheVote(t *testing.T) {
	p := testProposal(t)
	p.Takedown = true
	v := newProposalView(p, noon)
	v.Vote = newVoteView(votingtypes.Ballot{Id: 4, Votes: 2, Tally: tally(12, 300, 350)}, week(12, 1_000, 1_100), votingtypes.DefaultParams())
	v.Applies = "to the current table (version 3)"
	golden(t, `
proposal 7 of birds: correct a label
by          `+buyer(1)+`, 2026-01-04 10:00 UTC (1 d 2 h ago), for version 3
licence     CC0 (its proposer says so; nobody checks it)
takedown    when it is applied, nodes are asked to drop the tables and patches of all earlier versions and this patch
            it needs more than half of the stake that stood since the period opened
status      open
deposit     10 NRN, expires in 26 d (2026-01-31 12:00 UTC)
patch       `+showBytes(p.Delta.Size_)+`, sha256 `+hexOf(p.Delta.Sha256)+`
applies     to the current table (version 3)
votes       2 accounts with 300 NRN: 30 % of 1,000 NRN that stood since the period opened
            50 NRN more of them counts from the next period on
check       in 4 d (2026-01-09 12:00 UTC)
end         in 5 d (2026-01-10 12:00 UTC) of period 12
`, v)
}

func TestTheStatusOfASetShowsWhatStandsAndWhen(t *testing.T) {
	open, weak, gone := testProposal(t), testProposal(t), testProposal(t)
	weak.Id, weak.Ballot, weak.Summary, weak.OpenedVersion, weak.Takedown = 8, 5, "add rows", 2, true
	gone.Id, gone.Status, gone.Note, gone.Summary = 6, trainingsettypes.PROPOSAL_STATUS_INVALID, "a row appears twice", "too much"
	in := statusInput{
		set:    trainingsettypes.TrainingSet{Name: "birds", Version: 3, Group: "birds", KeepBallot: 3, Status: trainingsettypes.STATUS_VERIFIED, Table: trainingsettypes.Table{Rows: 1_797}},
		params: trainingsettypes.DefaultParams(), votes: votingtypes.DefaultParams(), period: week(12, 1_000, 1_100), now: noon,
		proposals: []trainingsettypes.Proposal{gone, weak, open},
		ballots:   map[uint64]votingtypes.Ballot{3: {Id: 3, Votes: 1, Tally: tally(12, 200, 250)}, 4: {Id: 4, Votes: 2, Tally: tally(12, 300, 300)}, 5: {Id: 5, Votes: 1, Tally: tally(12, 50, 50)}},
		voter:     &votingtypes.QueryVoterResponse{Standing: nrn(50), Bonded: nrn(80), Ballots: []uint64{5}}, address: buyer(2),
	}
	golden(t, `
birds: version 3, 1,797 rows, verified
group   birds, voting period 12 of 7 d, opened 2026-01-03 12:00 UTC
check   in 4 d (2026-01-09 12:00 UTC)
end     in 5 d (2026-01-10 12:00 UTC)
  at the check validators apply the 3 most voted patches with quorum; at the end the most voted one that applies becomes version 4
quorum  10 % of 1,000 NRN that stood since the period opened: 100 NRN
keep as it is  200 NRN (20 %): what wins needs more
your vote counts with 50 NRN: 5 % of the 1,000 NRN that stood since period 12 opened
30 NRN more counts from the next period on, which opens about 2026-01-10 12:00 UTC (in 5 d); a vote stays until then and after

OPEN  ROWS   SUPPORT  SHARE  VOTE   STATUS                               SUMMARY
   7  +4 -2  300 NRN   30 %         open                                 correct a label
   8  +4 -2   50 NRN    5 %  yours  open, made for version 2, no quorum  (takedown: needs more than half) add rows

DECIDED  STATUS   WHY                  SUMMARY
      6  invalid  a row appears twice  too much
`, newStatusView(in))

	in.voter.Ballots = []uint64{3}
	var kept strings.Builder
	newStatusView(in).print(&printer{out: &kept})
	require.Contains(t, kept.String(), "keep as it is  200 NRN (20 %), yours among it: what wins needs more\n")
	delete(in.ballots, 3)
	require.Equal(t, &keepView{Ballot: 3, StandingUnrn: "0", Share: "0 %", Mine: true, standing: math.ZeroInt()}, newStatusView(in).Keep)

	in.set.Group, in.set.ForkedFrom, in.set.ForkedVersion = "", "digits", 2
	golden(t, `
birds: version 3, 1,797 rows, verified
fork    of digits, version 2
group   none: nobody votes on this set, and nothing changes it
`, newStatusView(in))

	in.set.Group, in.set.ForkedFrom, in.proposals, in.voter = "birds", "", nil, nil
	in.set.KeepBallot = 0
	in.period.Phase, in.now = votingtypes.PERIOD_PHASE_CHECK, time.Unix(in.period.EndsUnix+90, 0)
	in.period.Seconds = 86_400
	golden(t, `
birds: version 3, 1,797 rows, verified
group   birds, voting period 12 of 7 d, opened 2026-01-03 12:00 UTC
        later periods take 1 d
check   runs since 2026-01-09 12:00 UTC
end     due since 1 min 30 s: it waits for the check, or for a block (2026-01-10 12:00 UTC)
  at the check validators apply the 3 most voted patches with quorum; at the end the most voted one that applies becomes version 4
quorum  10 % of 1,000 NRN that stood since the period opened: 100 NRN

no patch is open
`, newStatusView(in))
}

func TestTheHistoryOfASetSaysWhoChangedWhat(t *testing.T) {
	w := history(t)
	w.history["birds"][2].Takedown = true
	h := w.history["birds"]
	golden(t, `
VERSION  SINCE                 PROPOSER         CHANGE  ROWS  ROOT           SUPPORT               PAID  SUMMARY
      1  2026-01-01 00:00 UTC  -                -          3  `+short(h[0].Table.Root)+`  -                        -  the first table
      2  2026-01-15 00:00 UTC  `+shortAddress(buyer(2))+`  +2 -1      4  `+short(h[1].Table.Root)+`  30 % of 1,000 NRN  1.5 NRN  change to version 2
      3  2026-01-22 00:00 UTC  `+shortAddress(buyer(3))+`  +1 -1      4  `+short(h[2].Table.Root)+`  30 % of 1,000 NRN  1.5 NRN  (takedown) change to version 3
`, newHistoryView(w.sets["birds"], h))
	golden(t, "fish has no version yet: validators have not checked it\n", newHistoryView(trainingsettypes.TrainingSet{Name: "fish"}, nil))
}

// show goes through the same steps as the command, with files in memory.
func TestAProposalIsJudgedAgainstItsOwnTableAndTheCurrentOne(t *testing.T) {
	w := history(t)
	later := csvTable(t, "x,y\n2,1\n3,1\n4,0\n5,1\n8,0\n")
	body, delta := deltaOf(t, w.tables["birds"], later)
	w.put(body)
	p := trainingsettypes.Proposal{Id: 9, TrainingSet: "birds", Delta: delta, Deposit: math.ZeroInt(), OpenedVersion: 3, Status: trainingsettypes.PROPOSAL_STATUS_OPEN}
	f := &fakeChain{sets: w.sets}
	r := &reader{node: f.node(), files: w.shelf, now: func() time.Time { return noon }}
	ctx := context.Background()

	v, applies, err := r.examine(ctx, p, w.sets["birds"])
	require.NoError(t, err)
	require.Equal(t, "to the current table (version 3)", applies)
	require.Equal(t, 1, v.RowsAdded)

	lying := p
	lying.Delta.RowsAdded = 2
	_, _, err = r.examine(ctx, lying, w.sets["birds"])
	require.ErrorContains(t, err, "its proposer says that it adds 2 and removes 0 rows, the patch has 1 and 0")
	require.Equal(t, exitMismatch, exitCode(err))
	lying = p
	lying.Delta.Root = make([]byte, 32)
	_, _, err = r.examine(ctx, lying, w.sets["birds"])
	require.ErrorContains(t, err, "its proposer says that it leads to root 0000")

	w.change(t, "birds", "x,y\n2,1\n3,1\n4,0\n5,0\n", false) // the last line is another one now
	parsed := mustDelta(t, body)
	applies, err = r.appliesNow(ctx, p, w.sets["birds"], parsed)
	require.NoError(t, err)
	require.Contains(t, applies, "no longer: the table is at version 4 now; line ")
	w.change(t, "birds", "x,y\n1,1\n2,0\n3,1\n4,0\n5,1\n", false)
	w.change(t, "birds", "x,y\n2,1\n3,1\n4,0\n5,1\n", false)
	applies, err = r.appliesNow(ctx, p, w.sets["birds"], parsed)
	require.NoError(t, err)
	require.Equal(t, "still: it was made for version 3, and leads from version 6 to 5 rows", applies)
}
