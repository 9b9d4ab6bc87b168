package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/client"
	sdk "github.com/cosmos/cosmos-sdk/types"

	poltypes "github.com/pold-network/pold/x/pol/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// groupCommand holds what people need who back, govern, fork or serve a training group.
func groupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "group",
		Short: "Back and govern a training group: stake, change its times and its model, fork it",
		Long: `Stake on a training group gives a vote on its data (pold data) and on the group itself: the lengths of its rounds and voting periods,
and its model. Whoever disagrees can fork group and data and go on alone.

` + exitHelp,
		Example: `  pold group bond digits 100NRN --from alice
  pold group propose-times digits --period 3d --summary "decide twice a week" --from alice
  pold group changes digits
  pold group vote 2 --from bob
  pold group fork digits my-digits my-digits --from carol
  pold group plan-evaluation --candidates 32 --gap 2% --confidence 99%`,
		Annotations: map[string]string{clientOnly: ""},
		RunE:        client.ValidateCmd,
	}
	cmd.AddCommand(groupBondCommand(), groupUnbondCommand(), groupTimesCommand(), groupModelCommand(), groupChangesCommand(),
		groupVoteCommand(), groupUnvoteCommand(), groupForkCommand(), planEvaluationCommand())
	return cmd
}

func groupBondCommand() *cobra.Command {
	return txCommandOf(&cobra.Command{
		Use:   "bond GROUP AMOUNT",
		Short: "Stake NRN on a group",
		Long: `Stake NRN on a group. It is behind the group's coinbase from the next round on, and votes from the next voting period on: what counts
in a vote is stake that stood since its period opened.

` + exitHelp,
		Example: "  pold group bond digits 100NRN --from alice\n  pold group bond digits 100000000unrn --from alice",
		Args:    exactly(2, "a group and an amount"),
	}, func(ctx context.Context, n node, s *sender, args []string) error {
		amount, err := parseAmount(args[1])
		if err != nil {
			return usage("AMOUNT: %w", err)
		}
		_, period, v, err := stakeOf(ctx, n, args[0], s.address.String())
		if err != nil {
			return err
		}
		i := intent{
			changes: []string{
				fmt.Sprintf("%s of yours are bonded to group %s, then %s in all", showNRN(amount), args[0], showNRN(v.Bonded.Add(amount))),
				fmt.Sprintf("they vote from the next period on, which opens about %s (%s)", showTime(period.EndsUnix), showWhen(period.EndsUnix, time.Now())),
			},
			messages: []sdk.Msg{&poltypes.MsgBondGroup{Sender: s.address.String(), Group: args[0], Amount: amount}},
		}
		return s.sendAndShow(ctx, i, "pold group changes "+args[0], nil)
	})
}

func groupUnbondCommand() *cobra.Command {
	return txCommandOf(&cobra.Command{
		Use:     "unbond GROUP AMOUNT",
		Short:   "Take stake off a group; it is paid out after the unbonding delay",
		Long:    "Take stake off a group. It votes and earns no more from this moment on, and is paid out after the unbonding delay.\n\n" + exitHelp,
		Example: "  pold group unbond digits 50NRN --from alice",
		Args:    exactly(2, "a group and an amount"),
	}, func(ctx context.Context, n node, s *sender, args []string) error {
		amount, err := parseAmount(args[1])
		if err != nil {
			return usage("AMOUNT: %w", err)
		}
		_, _, v, err := stakeOf(ctx, n, args[0], s.address.String())
		if err != nil {
			return err
		}
		params, err := n.groupParams(ctx)
		if err != nil {
			return err
		}
		i, err := unbondIntent(s.address.String(), args[0], amount, v, params)
		if err != nil {
			return err
		}
		return s.sendAndShow(ctx, i, "pold q pol unbondings "+s.address.String(), func(r *receipt) error {
			var done poltypes.MsgUnbondGroupResponse
			if err := r.response(0, &done); err != nil {
				return err
			}
			r.Result = map[string]any{"completion": stamp(done.CompletionUnix)}
			if !s.p.json {
				s.p.line("paid out after %s", showTime(done.CompletionUnix))
			}
			return nil
		})
	})
}

// unbondIntent prepares to take stake off a group.
func unbondIntent(sender, group string, amount math.Int, v *votingtypes.QueryVoterResponse, params poltypes.Params) (intent, error) {
	if v.Bonded.LT(amount) {
		return intent{}, fail(exitRejected, "you have %s bonded to group %s, which is less than %s", showNRN(v.Bonded), group, showNRN(amount))
	}
	left := v.Bonded.Sub(amount)
	i := intent{
		changes: []string{
			fmt.Sprintf("%s are taken off group %s, %s stay; they are paid out after %s", showNRN(amount), group, showNRN(left), showSeconds(params.UnbondingSeconds)),
		},
		messages: []sdk.Msg{&poltypes.MsgUnbondGroup{Sender: sender, Group: group, Amount: amount}},
	}
	if counts := math.MinInt(v.Standing, left); counts.LT(v.Standing) {
		i.changes = append(i.changes, fmt.Sprintf("your votes count with %s instead of %s from now on; stake that comes back counts from the next period on only", showNRN(counts), showNRN(v.Standing)))
	}
	return i, nil
}

// stakeOf looks a group up, its voting period, and what an account has in it.
func stakeOf(ctx context.Context, n node, group, address string) (poltypes.Group, votingtypes.Period, *votingtypes.QueryVoterResponse, error) {
	g, err := n.group(ctx, group)
	if err != nil {
		return g, votingtypes.Period{}, nil, err
	}
	if g.Settings.Sandbox {
		return g, votingtypes.Period{}, nil, fail(exitRejected, "group %s is a sandbox: it has no stake and no votes", group)
	}
	period, err := n.period(ctx, group)
	if err != nil {
		return g, period, nil, err
	}
	v, err := n.voter(ctx, group, address)
	return g, period, v, err
}
