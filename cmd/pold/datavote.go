package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	sdk "github.com/cosmos/cosmos-sdk/types"

	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// findProposal is the finder of proposed patches.
func findProposal(ctx context.Context, n node, text string) (choice, error) {
	id, err := parseNumber("PROPOSAL", text)
	if err != nil {
		return choice{}, err
	}
	p, err := n.proposal(ctx, id)
	if err != nil {
		return choice{}, err
	}
	set, err := n.set(ctx, p.TrainingSet)
	if err != nil {
		return choice{}, err
	}
	return choice{
		kind: "proposal", id: id, group: set.Group, ballot: p.Ballot, subject: p.Subject(), open: p.Status.Open(),
		why: fmt.Sprintf("it is %s: %s", proposalStatus(p.Status), plain(p.Note)),
	}, nil
}

func dataVoteCommand() *cobra.Command {
	return voteCommand(&cobra.Command{
		Use:   "vote PROPOSAL",
		Short: "Support a proposed patch with all your stake in its group",
		Long: `Support a proposed patch with all the stake that you have in the group, now and later, until it is decided or you take it back. Read
the patch first: pold data show.

What counts is stake that stood since the period opened. Stake that came later counts from the next period on; the command says from
when. You may support several patches; --instead-of changes from one to another in one transaction.

At the end of the period the most voted patch that applies wins if it has quorum, and more support than leaving the table as it is
(pold data keep). A takedown also needs more than half of the stake that stood since the period opened.

` + exitHelp,
		Example: `  pold data vote 7 --from alice
  pold data vote 9 --instead-of 7 --from alice`,
		Args: exactly(1, "the number of a proposal"),
	}, findProposal, func(c choice) string { return fmt.Sprintf("pold data show %d", c.id) })
}

func dataUnvoteCommand() *cobra.Command {
	return unvoteCommand(&cobra.Command{
		Use:     "unvote PROPOSAL",
		Short:   "Take your support of a proposed patch back",
		Long:    "Take your support of a proposed patch back. It counts no more from this moment on.\n\n" + exitHelp,
		Example: "  pold data unvote 7 --from alice",
		Args:    exactly(1, "the number of a proposal"),
	}, findProposal, func(c choice) string { return fmt.Sprintf("pold data show %d", c.id) })
}

func dataWithdrawCommand() *cobra.Command {
	return txCommandOf(&cobra.Command{
		Use:     "withdraw PROPOSAL",
		Short:   "Take an open proposal of yours back; a part of the deposit is burned",
		Long:    "Take an open proposal of yours back, unless validators are already checking it. A part of the deposit is burned; the command says how much.\n\n" + exitHelp,
		Example: "  pold data withdraw 7 --from alice",
		Args:    exactly(1, "the number of a proposal"),
	}, func(ctx context.Context, n node, s *sender, args []string) error {
		id, err := parseNumber("PROPOSAL", args[0])
		if err != nil {
			return err
		}
		p, err := n.proposal(ctx, id)
		if err != nil {
			return err
		}
		params, err := n.setParams(ctx)
		if err != nil {
			return err
		}
		i, err := withdrawIntent(p, params, s.address.String())
		if err != nil {
			return err
		}
		return s.sendAndShow(ctx, i, "pold data status "+p.TrainingSet, nil)
	})
}

// withdrawIntent prepares to take a proposal back.
func withdrawIntent(p trainingsettypes.Proposal, params trainingsettypes.Params, sender string) (intent, error) {
	if p.Proposer != sender {
		return intent{}, fail(exitRejected, "proposal %d is by %s; only its proposer can take it back", p.Id, p.Proposer)
	}
	if !p.Status.Open() {
		return intent{}, fail(exitRejected, "proposal %d can't be taken back: it is %s: %s", p.Id, proposalStatus(p.Status), plain(p.Note))
	}
	burned := params.Burned(trainingsettypes.PROPOSAL_STATUS_WITHDRAWN, p.Deposit)
	return intent{
		changes: []string{
			fmt.Sprintf("proposal %d of %s is taken back: %s", p.Id, p.TrainingSet, plain(p.Summary)),
			fmt.Sprintf("of its deposit of %s, %s is burned and %s comes back to you", showNRN(p.Deposit), showNRN(burned), showNRN(p.Deposit.Sub(burned))),
		},
		messages: []sdk.Msg{&trainingsettypes.MsgWithdrawProposal{Sender: sender, Proposal: p.Id}},
	}, nil
}
