package main

import (
	"fmt"
	"time"

	"cosmossdk.io/math"

	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// voteWords says in words what a vote of an account weighs now and later.
func voteWords(v *votingtypes.QueryVoterResponse, period votingtypes.Period, now time.Time) []string {
	all := period.Tally.Standing
	said := fmt.Sprintf("your vote counts with %s: %s of the %s that stood since period %d opened", showNRN(v.Standing), showShare(v.Standing, all), showNRN(all), period.Number)
	if !v.Standing.IsPositive() {
		said = fmt.Sprintf("your vote does not count in period %d: nothing of your stake stood since it opened", period.Number)
	}
	words := []string{said}
	if later := v.Bonded.Sub(v.Standing); later.IsPositive() {
		words = append(words, fmt.Sprintf("%s more counts from the next period on, which opens about %s (%s); a vote stays until then and after",
			showNRN(later), showTime(period.EndsUnix), showWhen(period.EndsUnix, now)))
	}
	return words
}

// checkVoter refuses a vote that the chain would refuse, in the words of those who vote.
func checkVoter(v *votingtypes.QueryVoterResponse, params votingtypes.Params, c choice, freed int) error {
	back, room := "unvote", ", or name it with --instead-of"
	if c.id == 0 {
		back, room = "--undo", ""
	}
	if v.Bonded.LT(params.MinVoteStake) {
		return fail(exitRejected, "votes in group %s take a stake of at least %s, you have %s; bond with: pold group bond %s AMOUNT --from KEY",
			c.group, showNRN(params.MinVoteStake), showNRN(v.Bonded), c.group)
	}
	for _, b := range v.Ballots {
		if b == c.ballot {
			return fail(exitRejected, "you support it already; take it back with %s", back)
		}
	}
	if len(v.Ballots)-freed >= int(params.MaxVotes) {
		return fail(exitRejected, "you support %s in group %s, which is the most; take one back with unvote%s",
			plural(len(v.Ballots), "ballot", ""), c.group, room)
	}
	return nil
}

// quorumWords says what a proposal needs: 10 % of 1,000 NRN.
func quorumWords(quorumE6 uint64, all math.Int) string {
	return fmt.Sprintf("%s of %s that stood since the period opened: %s", showPart(quorumE6), showNRN(all), showNRN(quorum(quorumE6, all)))
}

// quorum is the least stake that reaches it, in unrn; rounded up, and never nothing.
func quorum(quorumE6 uint64, all math.Int) math.Int {
	const million = 1_000_000
	least := all.Mul(math.NewIntFromUint64(quorumE6)).AddRaw(million - 1).QuoRaw(million)
	return math.MaxInt(least, math.OneInt())
}
