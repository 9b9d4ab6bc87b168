package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/dataset"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

func dataShowCommand() *cobra.Command {
	var raw bool
	cmd := &cobra.Command{
		Use:   "show PROPOSAL",
		Short: "Read what a proposed patch does, and how the vote about it stands",
		Long: `Read what a proposed patch does: who proposes it and why, which rows come and go, which labels change, the balance of the classes
before and after, rows that contradict or almost repeat others, values that were never seen before, how many rows fall into
validation, whether it still applies, and how the vote stands.

Patch and table are fetched and checked against the chain; if the patch does not do what its proposer says, the exit code is 7.

` + exitHelp,
		Example: `  pold data show 7
  pold data show 7 --patch
  pold data show 7 -o json | jq .patch.classes`,
		Args: exactly(1, "the number of a proposal"),
	}
	cmd.Flags().BoolVar(&raw, "patch", false, "print the patch itself and nothing else")
	return readCommand(cmd, true, func(ctx context.Context, r *reader, args []string) error {
		id, err := parseNumber("PROPOSAL", args[0])
		if err != nil {
			return err
		}
		p, err := r.node.proposal(ctx, id)
		if err != nil {
			return err
		}
		if raw {
			body, _, err := getDelta(ctx, r.files, patchName(id), p.Delta)
			if err != nil {
				return err
			}
			r.p.endProgress()
			return r.p.patch(body)
		}
		v, problem := r.look(ctx, p)
		if v == nil {
			return problem
		}
		if problem != nil {
			v.Problem = problem.Error()
		}
		if err := r.p.show(v); err != nil {
			return err
		}
		if v.open {
			r.p.next("pold data vote %d --from KEY, or pold data show %d --patch for every line", id, id)
		} else {
			r.p.next("pold data history %s", p.TrainingSet)
		}
		return problem
	})
}

func patchName(proposal uint64) string { return fmt.Sprintf("the patch of proposal %d", proposal) }

// look collects everything about a proposal. A problem with its files is returned beside what the chain says.
func (r *reader) look(ctx context.Context, p trainingsettypes.Proposal) (*proposalView, error) {
	v := newProposalView(p, r.now())
	set, err := r.node.set(ctx, p.TrainingSet)
	if err != nil {
		return nil, err
	}
	if p.Status.Open() {
		if v.Vote, err = r.voteOf(ctx, set.Group, p.Ballot); err != nil {
			return nil, err
		}
	}
	patch, applies, err := r.examine(ctx, p, set)
	v.Patch, v.Applies = patch, applies
	return v, err
}

// voteOf asks how the vote about a ballot stands.
func (r *reader) voteOf(ctx context.Context, group string, ballot uint64) (*voteView, error) {
	period, err := r.node.period(ctx, group)
	if err != nil {
		return nil, err
	}
	params, err := r.node.voteParams(ctx)
	if err != nil {
		return nil, err
	}
	b, err := r.node.ballot(ctx, ballot)
	if err != nil {
		return nil, err
	}
	return newVoteView(b, period, params), nil
}

// examine fetches a patch and the table that it was made for and says what the one does to the other.
func (r *reader) examine(ctx context.Context, p trainingsettypes.Proposal, set trainingsettypes.TrainingSet) (*patchView, string, error) {
	described, err := r.baseOf(ctx, p, set)
	if err != nil {
		return nil, "", err
	}
	body, delta, err := getDelta(ctx, r.files, patchName(p.Id), p.Delta)
	if err != nil {
		return nil, "", err
	}
	base, err := getTable(ctx, r.files, fmt.Sprintf("the table of version %d of %s", p.OpenedVersion, set.Name), described)
	if err != nil {
		return nil, "", err
	}
	result, err := base.Apply(delta)
	if err != nil {
		return nil, "", fail(exitMismatch, "the patch does not apply to the table that it was made for: %w", err)
	}
	v := newPatchView(set.Name, described, base, result, body)
	if v.Unfit, err = r.node.unfit(ctx, set.Group, result); err != nil {
		return &v, "", err
	}
	if err := keepsWord(p.Delta, delta, result); err != nil {
		return &v, "", err
	}
	if !p.Status.Open() {
		return &v, "", nil
	}
	if p.OpenedVersion == set.Version {
		return &v, fmt.Sprintf("to the current table (version %d)", set.Version), nil
	}
	applies, err := r.appliesNow(ctx, p, set, delta)
	return &v, applies, err
}

// baseOf returns the description of the table that a proposal was made for.
func (r *reader) baseOf(ctx context.Context, p trainingsettypes.Proposal, set trainingsettypes.TrainingSet) (trainingsettypes.Table, error) {
	if p.OpenedVersion == set.Version {
		return set.Table, nil
	}
	history, err := r.node.revisions(ctx, set.Name)
	if err != nil {
		return trainingsettypes.Table{}, err
	}
	for _, h := range history {
		if h.Version == p.OpenedVersion {
			return h.Table, nil
		}
	}
	return trainingsettypes.Table{}, fail(exitNotFound, "the history of %s has no version %d, which proposal %d was made for", set.Name, p.OpenedVersion, p.Id)
}

// keepsWord checks that a patch does what its proposer says.
func keepsWord(said trainingsettypes.Delta, delta *dataset.Delta, result *dataset.Table) error {
	if uint64(delta.Added()) != said.RowsAdded || uint64(delta.Removed()) != said.RowsRemoved {
		return fail(exitMismatch, "its proposer says that it adds %d and removes %d rows, the patch has %d and %d; validators will refuse it",
			said.RowsAdded, said.RowsRemoved, delta.Added(), delta.Removed())
	}
	if root := result.Root(); !bytes.Equal(root[:], said.Root) {
		return fail(exitMismatch, "its proposer says that it leads to root %x, it leads to %x; validators will refuse it", said.Root, root)
	}
	return nil
}

// appliesNow says in words whether a delta still applies after the table has changed.
func (r *reader) appliesNow(ctx context.Context, p trainingsettypes.Proposal, set trainingsettypes.TrainingSet, delta *dataset.Delta) (string, error) {
	current, err := getTable(ctx, r.files, fmt.Sprintf("the current table of %s", set.Name), set.Table)
	if err != nil {
		return "", err
	}
	result, err := current.Apply(delta)
	var refused *dataset.DeltaError
	switch {
	case errors.As(err, &refused):
		return fmt.Sprintf("no longer: the table is at version %d now; %v", set.Version, err), nil
	case err != nil:
		return "", err
	}
	return fmt.Sprintf("still: it was made for version %d, and leads from version %d to %s", p.OpenedVersion, set.Version, plural(result.Rows(), "row", "")), nil
}
