package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	sdk "github.com/cosmos/cosmos-sdk/types"

	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// choice is something with a ballot: a proposed patch, that the table stays as it is, or a proposed change of a group.
type choice struct {
	kind    string // proposal, change, or all of the name
	id      uint64 // 0: there is no other of its kind
	group   string
	ballot  uint64
	subject string // what the vote must be for
	open    bool
	why     string // why it is not open
}

// name is what people are told about.
func (c choice) name() string {
	if c.id == 0 {
		return c.kind
	}
	return fmt.Sprintf("%s %d", c.kind, c.id)
}

// checkOpen refuses what can't be voted for.
func (c choice) checkOpen() error {
	if !c.open {
		return fail(exitRejected, "%s can't be voted for: %s", c.name(), c.why)
	}
	return nil
}

// checkSubject compares what is on the ballot with what the proposal is: a wallet shows the subject, and people sign that.
func (c choice) checkSubject(ctx context.Context, n node) error {
	b, err := n.ballot(ctx, c.ballot)
	if err != nil {
		return err
	}
	if b.Subject != c.subject {
		return fail(exitMismatch, "the ballot of %s says %q, expected %q; do not vote for it, and ask another node", c.name(), b.Subject, c.subject)
	}
	return nil
}

// finder looks a choice up by its number.
type finder func(ctx context.Context, n node, text string) (choice, error)

// voteIntent prepares a vote for a choice, taking the support of another one back first if there is one.
func voteIntent(ctx context.Context, n node, voter string, c choice, other *choice, now time.Time) (intent, error) {
	var none intent
	if err := c.checkOpen(); err != nil {
		return none, err
	}
	if err := c.checkSubject(ctx, n); err != nil {
		return none, err
	}
	params, err := n.voteParams(ctx)
	if err != nil {
		return none, err
	}
	period, err := n.period(ctx, c.group)
	if err != nil {
		return none, err
	}
	v, err := n.voter(ctx, c.group, voter)
	if err != nil {
		return none, err
	}
	i := intent{changes: []string{"you support " + c.subject}}
	freed := 0
	if other != nil {
		if other.ballot == c.ballot {
			return none, usage("--instead-of: expected another one than %s", c.name())
		}
		if !supports(v, other.ballot) {
			return none, fail(exitRejected, "--instead-of: you don't support %s; leave it out", other.name())
		}
		freed = 1
		i.changes = append(i.changes, fmt.Sprintf("you no longer support %s", other.name()))
		i.messages = append(i.messages, &votingtypes.MsgUnvote{Sender: voter, Ballot: other.ballot})
	}
	if err := checkVoter(v, params, c, freed); err != nil {
		return none, err
	}
	i.messages = append(i.messages, sdk.Msg(&votingtypes.MsgVote{Sender: voter, Ballot: c.ballot, Subject: c.subject}))
	i.changes = append(i.changes, voteWords(v, period, now)...)
	if c.kind == "proposal" && c.id != 0 && period.Phase == votingtypes.PERIOD_PHASE_CHECK {
		i.changes = append(i.changes, fmt.Sprintf("the check of period %d has begun: unless the patch is among those that validators apply now, it is decided at the end of period %d", period.Number, period.Number+1))
	}
	return i, nil
}

func supports(v *votingtypes.QueryVoterResponse, ballot uint64) bool {
	for _, b := range v.Ballots {
		if b == ballot {
			return true
		}
	}
	return false
}

// unvoteIntent prepares to take support back.
func unvoteIntent(ctx context.Context, n node, voter string, c choice) (intent, error) {
	if err := c.checkOpen(); err != nil {
		return intent{}, err
	}
	v, err := n.voter(ctx, c.group, voter)
	if err != nil {
		return intent{}, err
	}
	if !supports(v, c.ballot) {
		return intent{}, fail(exitRejected, "you don't support %s, so there is nothing to take back", c.name())
	}
	return intent{
		changes:  []string{fmt.Sprintf("you no longer support %s, which counted with %s", c.name(), showNRN(v.Standing))},
		messages: []sdk.Msg{&votingtypes.MsgUnvote{Sender: voter, Ballot: c.ballot}},
	}, nil
}

// voteCommand completes a command that votes; next says what to do after a vote for a choice.
func voteCommand(cmd *cobra.Command, find finder, next func(choice) string) *cobra.Command {
	var insteadOf string
	cmd.Flags().StringVar(&insteadOf, "instead-of", "", "take your support of this one back in the same transaction")
	return txCommandOf(cmd, func(ctx context.Context, n node, s *sender, args []string) error {
		c, err := find(ctx, n, args[0])
		if err != nil {
			return err
		}
		var other *choice
		if insteadOf != "" {
			o, err := find(ctx, n, insteadOf)
			if err != nil {
				return fmt.Errorf("--instead-of: %w", err)
			}
			other = &o
		}
		i, err := voteIntent(ctx, n, s.address.String(), c, other, time.Now())
		if err != nil {
			return err
		}
		return s.sendAndShow(ctx, i, next(c), nil)
	})
}

// unvoteCommand completes a command that takes a vote back.
func unvoteCommand(cmd *cobra.Command, find finder, next func(choice) string) *cobra.Command {
	return txCommandOf(cmd, func(ctx context.Context, n node, s *sender, args []string) error {
		c, err := find(ctx, n, args[0])
		if err != nil {
			return err
		}
		i, err := unvoteIntent(ctx, n, s.address.String(), c)
		if err != nil {
			return err
		}
		return s.sendAndShow(ctx, i, next(c), nil)
	})
}
