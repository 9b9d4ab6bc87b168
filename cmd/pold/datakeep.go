package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

func dataKeepCommand() *cobra.Command {
	var undo bool
	cmd := &cobra.Command{
		Use:   "keep SET",
		Short: "Vote for leaving a training set as it is, with all your stake in its group",
		Long: `Vote for leaving a training set as it is: at the end of a period the most voted patch is applied only if it has more support than
this. The ballot opens with the first proposal and stays open: your vote counts against every patch, now and later, until you take it
back with --undo. A takedown needs more than half of the stake that stood since the period opened, whoever votes for keeping.

What counts is stake that stood since the period opened; the command says what your vote weighs, and from when on the rest counts.

` + exitHelp,
		Example: `  pold data keep digits --from alice
  pold data keep digits --undo --from alice`,
		Args: exactly(1, "a training set"),
	}
	cmd.Flags().BoolVar(&undo, "undo", false, "take your support of keeping it back")
	return txCommandOf(cmd, func(ctx context.Context, n node, s *sender, args []string) error {
		c, err := findKeep(ctx, n, args[0])
		if err != nil {
			return err
		}
		i, err := keepIntent(ctx, n, s.address.String(), c, undo, time.Now())
		if err != nil {
			return err
		}
		return s.sendAndShow(ctx, i, "pold data status "+args[0], nil)
	})
}

// findKeep returns the choice to leave a set as it is.
func findKeep(ctx context.Context, n node, name string) (choice, error) {
	set, err := n.set(ctx, name)
	if err != nil {
		return choice{}, err
	}
	if err := governed(set); err != nil {
		return choice{}, err
	}
	if set.KeepBallot == 0 {
		return choice{}, fail(exitRejected, "there is nothing to decide about %s yet: its first patch opens this ballot; until then it stays as it is", name)
	}
	return choice{
		kind: fmt.Sprintf("keeping %s as it is", name), group: set.Group, ballot: set.KeepBallot, subject: trainingsettypes.KeepSubject(name), open: true,
	}, nil
}

// keepIntent prepares a vote for leaving a set as it is, or takes it back.
func keepIntent(ctx context.Context, n node, voter string, c choice, undo bool, now time.Time) (intent, error) {
	if undo {
		return unvoteIntent(ctx, n, voter, c)
	}
	i, err := voteIntent(ctx, n, voter, c, nil, now)
	if err == nil {
		i.changes[0] = fmt.Sprintf("you vote to %s: a patch is applied only if it has more support than all such votes", c.subject)
	}
	return i, err
}
