package main

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/cosmos/cosmos-sdk/client"
)

// dataCommand holds what people need to change training sets together.
func dataCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Change training sets together: make, propose, read and vote for patches, and verify what came of them",
		Long: `A training set is a table. The stakeholders of the group that governs it decide once a period which patch to it is applied, or
that it stays as it is.

Everybody can read along: show says what a patch does, verify rebuilds every version from the first table, effect says what a
version did to the model.

` + exitHelp,
		Example: `  pold data diff digits.csv corrected.csv -o fix.patch
  pold data propose digits fix.patch --summary "correct 12 labels" --from alice
  pold data status digits
  pold data show 7
  pold data vote 7 --from alice
  pold data keep digits --from bob
  pold data verify digits`,
		Annotations: map[string]string{clientOnly: ""},
		RunE:        client.ValidateCmd,
	}
	cmd.AddCommand(dataDiffCommand(), dataProposeCommand(), dataShowCommand(), dataVoteCommand(), dataUnvoteCommand(), dataKeepCommand(),
		dataWithdrawCommand(), dataStatusCommand(), dataHistoryCommand(), dataVerifyCommand(), dataExportCommand(), dataEffectCommand())
	return cmd
}

// asUsage gives wrong flags below a command the exit code of wrong usage.
func asUsage(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%w; see %s --help", err, cmd.CommandPath())
	})
}

// exactly returns an argument check that says what is expected.
func exactly(n int, what string) cobra.PositionalArgs { return between(n, n, what) }

func between(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usage("expected %s, got %s; see %s --help", what, plural(len(args), "argument", ""), cmd.CommandPath())
		}
		return nil
	}
}

// parseNumber reads the number of a proposal, change or version.
func parseNumber(what, text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 {
		return 0, usage("%s: expected a number from 1, got %q", what, text)
	}
	return n, nil
}

// reader is what commands work with that change nothing.
type reader struct {
	node  node
	files files
	p     *printer
	now   func() time.Time
}

// openReader reads the flags of addNodeFlags, addOutputFlag and, if the command has them, addFileFlags.
func openReader(cmd *cobra.Command) (*reader, error) {
	p, err := newPrinter(cmd)
	if err != nil {
		return nil, err
	}
	n, clientCtx := openNode(cmd)
	r := &reader{node: n, p: p, now: time.Now}
	if cmd.Flags().Lookup(flagTrainerd) != nil {
		r.files = newLibrary(clientCtx.HomeDir, newTrainerd(cmd, clientCtx), p)
	}
	return r, nil
}

// readCommand gives a command the flags of a reader and runs it with one.
func readCommand(cmd *cobra.Command, withFiles bool, run func(ctx context.Context, r *reader, args []string) error) *cobra.Command {
	addNodeFlags(cmd)
	if cmd.Flags().ShorthandLookup("o") == nil {
		addOutputFlag(cmd)
	}
	if withFiles {
		addFileFlags(cmd)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := openReader(cmd)
		if err != nil {
			return err
		}
		ctx, stop := interruptible(cmd)
		defer stop()
		defer r.p.endProgress()
		return run(ctx, r, args)
	}
	return cmd
}
