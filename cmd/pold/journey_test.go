package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const birds = "x,y\n1,0\n2,1\n3,0\n4,1\n5,0\n6,1\n"

func TestStakeIsBondedAndCountsFromTheNextPeriodOn(t *testing.T) {
	c := newTestChain(t, birds)
	out := c.must(as("alice", "group", "bond", "birds", "100NRN")...)
	require.Contains(t, out, "100 NRN of yours are bonded to group birds, then 100 NRN in all")
	require.Contains(t, out, "they vote from the next period on")
	require.Regexp(t, `done in block 3: fee 0\.0011\d\d NRN, gas [0-9,]+ of [0-9,]+, tx [0-9A-F]{64}`, out)
	require.Contains(t, out, "next: pold group changes birds")
	out = c.must("data", "status", "birds", "--address", c.n.Accounts[0].String())
	require.Contains(t, out, "your vote does not count in period 1: nothing of your stake stood since it opened")
	require.Contains(t, out, "100 NRN more counts from the next period on")
	c.advance(testPeriod)
	out = c.must(as("alice", "data", "status", "birds")...)
	require.Contains(t, out, "quorum  10 % of 100 NRN that stood since the period opened: 10 NRN")
	require.Contains(t, out, "your vote counts with 100 NRN: 100 % of the 100 NRN that stood since period 2 opened")

	c.refused(exitUsage, "AMOUNT: expected an amount such as 12.5NRN", as("alice", "group", "bond", "birds", "5ATOM")...)
	c.refused(exitNotFound, "group not found", as("alice", "group", "bond", "fish", "5NRN")...)
	c.refused(exitRejected, "you have 100 NRN bonded to group birds, which is less than 101 NRN", as("alice", "group", "unbond", "birds", "101NRN")...)
	out = c.must(as("alice", "group", "unbond", "birds", "40000000unrn")...)
	require.Contains(t, out, "40 NRN are taken off group birds, 60 NRN stay; they are paid out after 21 d")
	require.Contains(t, out, "your votes count with 60 NRN instead of 100 NRN from now on")
	require.Contains(t, out, "paid out after 2026-01-22 00:")
	c.refused(exitRejected, "the chain would refuse the transaction, so nothing was sent: spendable balance", as("alice", "group", "bond", "birds", "5000000NRN")...)
}

// propose makes a patch of the current table and proposes it without waiting.
func propose(t *testing.T, c *testChain, who, changed, summary string, more ...string) (out string, err error) {
	t.Helper()
	dir := t.TempDir()
	table, next, patch := filepath.Join(dir, "birds.csv"), filepath.Join(dir, "next.csv"), filepath.Join(dir, "fix.patch")
	c.must("data", "export", "birds", "-o", table, "--trainerd", c.trainerd)
	require.NoError(t, os.WriteFile(next, []byte(changed), 0o600))
	_, err = run(t, c.home, "data", "diff", table, next, "-o", patch)
	require.NoError(t, err)
	args := append([]string{"data", "propose", "birds", patch, "--summary", summary, "--no-wait", "--trainerd", c.trainerd}, more...)
	return c.run(as(who, args...)...)
}

func TestPatchesAreProposedReadAndVotedFor(t *testing.T) {
	c := newTestChain(t, birds)
	c.must(as("alice", "group", "bond", "birds", "300NRN")...)
	c.must(as("bob", "group", "bond", "birds", "700NRN")...)
	c.advance(testPeriod)

	c.refused(exitRejected, "there is nothing to decide about birds yet", as("alice", "data", "keep", "birds")...)
	out, err := propose(t, c, "alice", "x,y\n1,0\n2,1\n3,1\n4,1\n5,0\n6,1\n7,0\n", "a label, and a bird")
	require.NoError(t, err, out)
	t.Log(out)
	for _, want := range []string{
		"rows        6 -> 7: 2 added, 1 removed", "relabelled  1 row", "  line 4 -> 4: 0 -> 1", "proposed    +2 -1 of birds (version 1): a label, and a bird",
		"deposit     10 NRN; 10 % of it is burned when the patch expires", "proposal    1\n", "next: pold data vote 1 --from alice", "publish", "--proposal 1",
	} {
		require.Contains(t, out, want)
	}
	_, err = propose(t, c, "alice", "x,y\n1,0\n2,1\n3,1\n4,1\n5,0\n6,1\n7,0\n", "again")
	require.ErrorContains(t, err, "proposal 1 has the same patch; vote for it instead")
	out, err = propose(t, c, "bob", "x,y\n1,0\n2,1\n3,0\n4,1\n5,0\n", "one bird less", "--licence", "CC0", "-o", "json")
	require.NoError(t, err, out)
	var r receipt
	firstObject(t, out, &r)
	require.EqualValues(t, 2, r.Result["proposal"])

	out, err = propose(t, c, "carol", "x,y\n1,0\n2,1\n3,0\n4,1\n", "only to see", "--dry-run")
	require.NoError(t, err, out)
	var would struct {
		Messages []struct {
			Type  string `json:"@type"`
			Delta struct {
				Cid string `json:"cid"`
			} `json:"delta"`
		} `json:"messages"`
	}
	firstObject(t, out, &would)
	require.Equal(t, "/pold.trainingset.v1.MsgProposeDelta", would.Messages[0].Type)
	require.Regexp(t, "^bafkrei", would.Messages[0].Delta.Cid, "nothing is served for it")

	out = c.must("data", "show", "1", "--trainerd", c.trainerd)
	for _, want := range []string{"proposal 1 of birds: a label, and a bird", "applies     to the current table (version 1)", "votes       0 accounts with 0 NRN: 0 % of 1,000 NRN"} {
		require.Contains(t, out, want)
	}
	out = c.must("data", "show", "1", "--patch", "--trainerd", c.trainerd)
	require.Contains(t, out, "-3,0\n+3,1\n")

	out = c.must(as("alice", "data", "vote", "1")...)
	require.Contains(t, out, "you support delta 1 of birds: +2 -1 rows, sha256 ")
	require.Contains(t, out, "your vote counts with 300 NRN: 30 % of the 1,000 NRN that stood since period 2 opened")
	c.refused(exitRejected, "you support it already", as("alice", "data", "vote", "1")...)
	out = c.must(as("alice", "data", "vote", "2", "--instead-of", "1")...)
	require.Contains(t, out, "you no longer support proposal 1")
	c.must(as("bob", "data", "vote", "1")...)
	out = c.must(as("alice", "data", "status", "birds")...)
	require.Regexp(t, `   1  \+2 -1  700 NRN   70 %         fetching: validators fetch the body  a label, and a bird\n   2  \+0 -1  300 NRN   30 %  yours  fetching`, out)
	c.must(as("alice", "data", "unvote", "2")...)
	out = c.must(as("alice", "data", "keep", "birds")...)
	require.Contains(t, out, "you vote to keep birds as it is")
	out = c.must(as("alice", "data", "status", "birds")...)
	require.Contains(t, out, "keep as it is  300 NRN (30 %), yours among it: what wins needs more")
	c.must(as("alice", "data", "keep", "birds", "--undo")...)
	require.Contains(t, c.must("data", "status", "birds"), "keep as it is  0 NRN (0 %): what wins needs more")
	c.refused(exitRejected, "you don't support proposal 2", as("alice", "data", "unvote", "2")...)

	c.refused(exitRejected, "proposal 2 is by "+c.n.Accounts[1].String(), as("alice", "data", "withdraw", "2")...)
	out = c.must(as("bob", "data", "withdraw", "2")...)
	require.Contains(t, out, "of its deposit of 10 NRN, 1 NRN is burned and 9 NRN comes back to you")
	c.refused(exitRejected, "proposal 2 can't be voted for: it is withdrawn: taken back by its proposer", as("alice", "data", "vote", "2")...)
	out = c.must("data", "status", "birds")
	require.Contains(t, out, "withdrawn  taken back by its proposer  one bird less")
	c.refused(exitNotFound, "proposal not found", "data", "show", "9", "--trainerd", c.trainerd)
	out = c.must("data", "history", "birds")
	require.Contains(t, out, "the first table")
	out = c.must("data", "verify", "birds", "--trainerd", c.trainerd)
	require.Contains(t, out, "version 1 of birds is what the chain says")
	c.refused(exitNotFound, "group birds has had no round yet", "data", "effect", "birds")
	var status statusView
	firstObject(t, c.must("data", "status", "birds", "-o", "json"), &status)
	require.Equal(t, "700000000", status.Open[0].StandingUnrn)
	require.Equal(t, "100000000", status.Period.QuorumUnrn)
}

// firstObject decodes the first JSON object in what a command printed on both of its streams.
func firstObject(t *testing.T, text string, into any) {
	t.Helper()
	_, object, ok := strings.Cut("\n"+text, "\n{\n")
	require.True(t, ok, text)
	require.NoError(t, json.NewDecoder(strings.NewReader("{\n"+object)).Decode(into), text)
}

func TestAGroupIsGovernedAndForkedOnTheCommandLine(t *testing.T) {
	c := newTestChain(t, birds)
	c.must(as("alice", "group", "bond", "birds", "600NRN")...)
	c.must(as("bob", "group", "bond", "birds", "400NRN")...)
	c.refused(exitRejected, "you have 0 NRN; more stake counts from the next period on", as("alice", "group", "propose-times", "birds", "--period", "60s", "--summary", "faster")...)
	c.advance(testPeriod)

	c.refused(exitUsage, "expected at least one of --commit-blocks", as("alice", "group", "propose-times", "birds", "--summary", "x")...)
	c.refused(exitUsage, "--summary: expected one line for those who vote, got none", as("alice", "group", "propose-times", "birds", "--period", "60s")...)
	c.refused(exitRejected, "--period: expected 50 s to 14 d, got 10 s", as("alice", "group", "propose-times", "birds", "--period", "10s", "--summary", "x")...)
	c.refused(exitRejected, "group birds could not work with it", as("alice", "group", "propose-times", "birds", "--commit-blocks", "1", "--summary", "x")...)
	out := c.must(as("alice", "group", "propose-times", "birds", "--period", "60s", "--commit-blocks", "30", "--summary", "faster")...)
	for _, want := range []string{
		"commit      20 blocks -> 30 blocks\n", "period      1 min 40 s -> 1 min\n", "change      1\n", "next: pold group vote 1 --from alice",
		"needs       more than half of 1,000 NRN that stood since the period opened: more than 500 NRN",
	} {
		require.Contains(t, out, want)
	}
	c.refused(exitRejected, "your change 1 of group birds is still open", as("alice", "group", "propose-times", "birds", "--period", "70s", "--summary", "x")...)

	file := filepath.Join(t.TempDir(), "model.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"input_shape":[1],"layers":[{"name":"wide","kind":"dense","units":8},{"name":"logits","kind":"dense","units":2}]}`), 0o600))
	out = c.must(as("bob", "group", "propose-model", "birds", file, "--summary", "a hidden layer")...)
	for _, want := range []string{"LAYER   KIND", "34 parameters", "all begin anew: the group has no checkpoint yet", "at least two thirds of 1,000 NRN", "change      2\n"} {
		require.Contains(t, out, want)
	}
	require.NoError(t, os.WriteFile(file, []byte(`{"input_shape":[3],"layers":[{"name":"logits","kind":"dense","units":2}]}`), 0o600))
	c.refused(exitRejected, "the model does not suit the data", as("carol", "group", "propose-model", "birds", file, "--summary", "x")...)

	c.must(as("bob", "group", "vote", "2")...)
	out = c.must(as("alice", "group", "vote", "1")...)
	require.Contains(t, out, "your vote counts with 600 NRN: 60 % of the 1,000 NRN")
	out = c.must("group", "changes", "birds")
	require.Contains(t, out, "support  600 NRN, 60 %: enough")
	require.Contains(t, out, "support  400 NRN, 40 %: not enough yet")
	c.must(as("bob", "group", "unvote", "2")...)
	c.advance(testPeriod)
	out = c.must("group", "changes", "birds")
	require.Contains(t, out, "voting period 3 of 1 min")
	require.Regexp(t, `1  active  60 % of 1,000 NRN  from round 1 on`, out)

	c.refused(exitUsage, "NAME: ", as("carol", "group", "fork", "birds", "My Birds", "owls")...)
	c.refused(exitRejected, "there is a training set birds already", as("carol", "group", "fork", "birds", "owls", "birds")...)
	c.refused(exitNotFound, "group not found", as("carol", "group", "fork", "fish", "owls", "owls")...)
	out = c.must(as("carol", "group", "fork", "birds", "owls", "owls")...)
	require.Contains(t, out, "owls becomes a copy of birds, version 1: 6 rows")
	require.Contains(t, out, "100 NRN for the group and 10 NRN for the training set are burned")
	out = c.must("data", "verify", "owls", "--trainerd", c.trainerd)
	require.Contains(t, out, "a copy of version 1 of birds")
	out = c.must("data", "status", "owls")
	require.Contains(t, out, "fork    of birds, version 1")
	out = c.must(as("carol", "group", "bond", "owls", "5NRN", "--dry-run")...)
	require.JSONEq(t, `{"messages":[{"@type":"/pold.pol.v1.MsgBondGroup","sender":"`+c.n.Accounts[2].String()+`","group":"owls","amount":"5000000"}]}`, out)
	c.refused(exitError, "expected a node of chain pold-1", "data", "status", "owls", "--chain-id", "pold-1")
	c.refused(exitError, "expected a node of chain pold-1", as("carol", "group", "bond", "owls", "5NRN", "--chain-id", "pold-1")...)
}
