// Command trainerd is the sidecar of pold: beside a validator's node it computes what validators vote on (serve), for a trainer it
// takes part in rounds (train, submit), and for anybody it recomputes a verdict (verify).
//
// main.go maps errors to exit codes, flags.go holds the flags that several commands share, overlay.go opens the swarm node; every
// command has its own file.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/chain"
)

// Exit codes, the same as those of pold.
const (
	exitError       = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitRejected    = 4
	exitTimeout     = 5
	exitUnreachable = 6
	exitMismatch    = 7
)

var (
	errUsage    = errors.New("usage")
	errMismatch = errors.New("verification failed")
	errNothing  = errors.New("none")
)

func main() {
	// A sidecar waits most of its time; a tighter garbage collector costs it little and halves its memory.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	chain.SetAddressPrefixes()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := newRootCommand().ExecuteContext(ctx)
	if err == nil || ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return
	}
	fmt.Fprintln(os.Stderr, "trainerd: "+strings.TrimPrefix(err.Error(), "usage: "))
	os.Exit(exitCode(err))
}

func exitCode(err error) int {
	for _, c := range []struct {
		err  error
		code int
	}{
		{errMismatch, exitMismatch}, {errUsage, exitUsage}, {chain.ErrUnreachable, exitUnreachable},
		{chain.ErrRejected, exitRejected}, {chain.ErrUnfunded, exitRejected}, {chain.ErrTimeout, exitTimeout},
		{context.DeadlineExceeded, exitTimeout}, {chain.ErrNotFound, exitNotFound}, {chain.ErrUnknownKey, exitNotFound},
		{os.ErrNotExist, exitNotFound}, {errNothing, exitNotFound},
	} {
		if errors.Is(err, c.err) {
			return c.code
		}
	}
	return exitError
}

func usage(format string, a ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errUsage}, a...)...)
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "trainerd",
		Short: "Sidecar of pold: computes verdicts for a validator, trains for a trainer, recomputes for anybody",
		Long: `trainerd runs beside a pold node.

  serve    computes and stores for a validator, and answers its node
  train    takes part in the rounds of training groups
  fit      trains a model on this machine, without a chain
  generate continues a text with a model that fit has trained
  sample   prints a built-in table
  import   makes a checkpoint of a PyTorch state dict
  submit   hands in one checkpoint that any tool has trained
  verify   fetches a round's files and recomputes its verdict
  replay   trains a round's transcript again, down to the first wrong step
  verify-evidence computes again what a fault is said to be
  provide  hands in sealed batches of evaluation rows and reveals their keys
  canary   plants checkpoints of known verdict, to see who votes without computing
  publish  gives files away, such as a table or a delta
  get      fetches one file by CID
  search   finds training sets, checkpoints and other files by words
  car      carries files as CAR archives
  status   asks a running sidecar how it is
  doctor   checks what keeps this machine from taking part, and says what to do
  add      prints how a file is registered on chain

Exit codes: 0 done, 1 error, 2 wrong usage, 3 not found, 4 refused by the chain, 5 timeout, 6 node unreachable, 7 verification failed.`,
		Version:       engine.Version,
		SilenceErrors: true, SilenceUsage: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("unknown command %q; see trainerd --help", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var machine engine.Config
	root.PersistentFlags().StringVar(&machine.Backend, "backend", "", "instruction set to compute with: "+strings.Join(engine.Backends(), ", ")+" (default: the last); results are the same")
	root.PersistentFlags().IntVar(&machine.Threads, "threads", 0, "threads to compute with; 0 for one per processor; results are the same")
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if err := engine.Configure(machine); err != nil {
			return usage("--backend, --threads: %w", err)
		}
		return nil
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%w; see %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(newServeCommand(), newFitCommand(), newGenerateCommand(), newSampleCommand(), newImportCommand(), newTrainCommand(), newSubmitCommand(), newVerifyCommand(), newReplayCommand(), newVerifyEvidenceCommand(), newProvideCommand(), newCanaryCommand(), newPublishCommand(), newGetCommand(), newSearchCommand(), newCARCommand(), newStatusCommand(), newDoctorCommand(), newAddCommand(), newCheatsCommand())
	return root
}

// exactly returns an argument check that says what is expected.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usage("expected %s, got %d arguments; see %s --help", what, len(args), cmd.CommandPath())
		}
		return nil
	}
}
