package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/chain"
	"github.com/pold-network/pold/sidecar/trainer"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

func newSubmitCommand() *cobra.Command {
	var o competeOptions
	var s trainer.Submission
	var claim uint64
	cmd := &cobra.Command{
		Use:   "submit FILE",
		Short: "Hand in one checkpoint that any tool has trained",
		Long: `Submit canonicalizes a float32 safetensors file and prints what that changed, computes the exact loss to claim, stores the file,
commits, waits, reveals, and waits for the verdict.`,
		Example: `  trainerd submit --group digits --from alice model.safetensors`,
		Args:    exactly(1, "one safetensors file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if s.Group == "" {
				return usage("--group: expected the group to submit to, got none; list groups with: pold q pol groups")
			}
			if cmd.Flags().Changed("claimed-loss-e9") {
				s.ClaimedLossE9 = &claim
			}
			b, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("checkpoint: %w", err)
			}
			if s.File, err = canonicalize(args[0], b, s.Force); err != nil {
				return err
			}
			return o.compete(cmd.Context(), trainer.Recipe{}, func(ctx context.Context, t *trainer.Trainer) error {
				outcome, err := t.Submit(ctx, s)
				if err != nil {
					return err
				}
				return judge(outcome)
			})
		},
	}
	o.add(cmd)
	cmd.Flags().StringVar(&s.Group, "group", "", "group to submit to (required)")
	cmd.Flags().Uint64Var(&claim, "claimed-loss-e9", 0, "claim this instead of the exact loss (for tests: a false claim burns the bond)")
	cmd.Flags().BoolVar(&s.Force, "force", false, "commit also what can't win or is not valid (for tests: an invalid file burns the bond)")
	return cmd
}

// judge turns an outcome into success or an exit code: a checkpoint that was scored and did not win is a success.
func judge(o trainer.Outcome) error {
	if !o.Revealed {
		return fmt.Errorf("%w: the checkpoint did not get into the round: %s", chain.ErrTimeout, o.Note)
	}
	switch o.Status {
	case poltypes.SUBMISSION_STATUS_WINNER, poltypes.SUBMISSION_STATUS_VALID, poltypes.SUBMISSION_STATUS_NOT_SCORED:
		return nil
	}
	return &rejected{status: trainer.StatusName(o.Status), note: o.Note}
}

// rejected is a verdict against a checkpoint.
type rejected struct{ status, note string }

func (e *rejected) Error() string {
	return fmt.Sprintf("the chain did not accept the checkpoint (%s): %s", e.status, e.note)
}
func (e *rejected) Unwrap() error { return chain.ErrRejected }

// canonicalize rewrites a file and says what changed.
func canonicalize(path string, b []byte, force bool) ([]byte, error) {
	canonical, changes, err := engine.Canonicalize(b)
	if err != nil && !force {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err != nil { // the chain shall find out
		return b, nil //nolint:nilerr // asked for with --force
	}
	for _, c := range changes {
		fmt.Fprintf(os.Stderr, "%s: %s\n", path, c)
	}
	return canonical, nil
}
