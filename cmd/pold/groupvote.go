package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	sdk "github.com/cosmos/cosmos-sdk/types"

	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// findChange is the finder of proposed changes of groups. The chain lists them by group, so the groups are gone through.
func findChange(ctx context.Context, n node, text string) (choice, error) {
	id, err := parseNumber("CHANGE", text)
	if err != nil {
		return choice{}, err
	}
	groups, err := n.allGroups(ctx)
	if err != nil {
		return choice{}, err
	}
	for _, g := range groups {
		if g.Settings.Sandbox {
			continue
		}
		changes, err := n.changes(ctx, g.Name)
		if err != nil {
			return choice{}, err
		}
		for _, c := range changes {
			if c.Id == id {
				return choice{
					kind: "change", id: id, group: c.Group, ballot: c.Ballot, subject: c.Subject(), open: c.Status == poltypes.GROUP_CHANGE_STATUS_OPEN,
					why: fmt.Sprintf("it is %s: %s", statusWord(c.Status.String(), "GROUP_CHANGE_STATUS_"), plain(c.Note)),
				}, nil
			}
		}
	}
	return choice{}, fail(exitNotFound, "no group has a change %d; list those of a group with: pold group changes GROUP", id)
}

func groupVoteCommand() *cobra.Command {
	return voteCommand(&cobra.Command{
		Use:   "vote CHANGE",
		Short: "Support a change of a group with all your stake in it",
		Long: `Support a change of a group with all the stake that you have in it, now and later, until it is decided or you take it back. What
counts is stake that stood since the period opened; the command says what your vote weighs, and from when on the rest counts.

` + exitHelp,
		Example: `  pold group vote 2 --from alice
  pold group vote 3 --instead-of 2 --from alice`,
		Args: exactly(1, "the number of a change"),
	}, findChange, func(c choice) string { return "pold group changes " + c.group })
}

func groupUnvoteCommand() *cobra.Command {
	return unvoteCommand(&cobra.Command{
		Use:     "unvote CHANGE",
		Short:   "Take your support of a change back",
		Long:    "Take your support of a change of a group back. It counts no more from this moment on.\n\n" + exitHelp,
		Example: "  pold group unvote 2 --from alice",
		Args:    exactly(1, "the number of a change"),
	}, findChange, func(c choice) string { return "pold group changes " + c.group })
}

func groupForkCommand() *cobra.Command {
	return txCommandOf(&cobra.Command{
		Use:   "fork SOURCE NAME TRAINING-SET",
		Short: "Go on from the checkpoint and the data of a group in one of your own",
		Long: `Open a group with the settings and the checkpoint of another, over a copy of its current training set. Only stake in the new group
votes on either. The same rows stay held back for validation. Two fees are burned: that of a group and that of a training set.

` + exitHelp,
		Example: "  pold group fork digits my-digits my-digits --from carol",
		Args:    exactly(3, "the group to fork, the name of the new one and that of its training set"),
	}, func(ctx context.Context, n node, s *sender, args []string) error {
		source, err := n.group(ctx, args[0])
		if err != nil {
			return err
		}
		i, err := forkIntent(ctx, n, source, args[1], args[2], s.address.String())
		if err != nil {
			return err
		}
		return s.sendAndShow(ctx, i, fmt.Sprintf("pold group bond %s AMOUNT --from %s", args[1], s.factory.FromName()), nil)
	})
}

// forkIntent prepares a fork.
func forkIntent(ctx context.Context, n node, source poltypes.Group, name, set, sender string) (intent, error) {
	var none intent
	if source.Settings.Sandbox {
		return none, fail(exitRejected, "group %s is a sandbox: nobody has stake in it; open a group of your own instead: pold tx pol create-group", source.Name)
	}
	if err := poltypes.ValidateGroupName(name); err != nil {
		return none, usage("NAME: %w", err)
	}
	if err := trainingsettypes.ValidateName(set); err != nil {
		return none, usage("TRAINING-SET: %w", err)
	}
	if _, err := n.group(ctx, name); err == nil {
		return none, fail(exitRejected, "there is a group %s already; choose another name", name)
	} else if exitCode(err) != exitNotFound {
		return none, err
	}
	if _, err := n.set(ctx, set); err == nil {
		return none, fail(exitRejected, "there is a training set %s already; choose another name", set)
	} else if exitCode(err) != exitNotFound {
		return none, err
	}
	data, err := n.set(ctx, source.Settings.TrainingSet)
	if err != nil {
		return none, err
	}
	groups, err := n.groupParams(ctx)
	if err != nil {
		return none, err
	}
	sets, err := n.setParams(ctx)
	if err != nil {
		return none, err
	}
	from := "its initial weights: it has had no winner yet"
	if source.Parent.Cid != "" {
		from = fmt.Sprintf("the winner of its round %d, with a loss of %s", source.Parent.Round, fraction9(source.Parent.LossE9))
	}
	return intent{
		changes: []string{
			fmt.Sprintf("group       %s goes on from group %s, from %s", name, source.Name, from),
			fmt.Sprintf("data        %s becomes a copy of %s, version %d: %s", set, data.Name, data.Version, plural(data.Table.Rows, "row", "")),
			fmt.Sprintf("fees        %s for the group and %s for the training set are burned", showNRN(groups.CreationFee), showNRN(sets.RegistrationFee)),
			fmt.Sprintf("stake       none yet: its rounds mint from a stake of %s on", showNRN(groups.MinGroupStake)),
		},
		messages: []sdk.Msg{&poltypes.MsgForkGroup{Sender: sender, Source: source.Name, Name: name, TrainingSet: set}},
	}, nil
}
