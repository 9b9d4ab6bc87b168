package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"

	"github.com/pold-network/pold/dataset"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// governed refuses a set that nobody can vote about.
func governed(s trainingsettypes.TrainingSet) error {
	if s.Status != trainingsettypes.STATUS_VERIFIED {
		return fail(exitRejected, "training set %s is %s: %s; wait until validators have checked it", s.Name, statusWord(s.Status.String(), "STATUS_"), plain(s.Note))
	}
	if s.Group == "" {
		return fail(exitRejected, "no group votes on training set %s; fork a group that uses it with pold group fork, and propose the patch for the copy", s.Name)
	}
	return nil
}

// readBase reads the current table from disk.
func readBase(path, what string, want trainingsettypes.Table) (*dataset.Table, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--base: %w", err)
	}
	table, err := dataset.Parse(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("--base %s: %w", path, err)
	}
	if err := checkTable("--base "+path, table, want); err != nil {
		return nil, fmt.Errorf("%w: it is not %s; leave --base out to have it fetched", err, what)
	}
	return table, nil
}

// checkText refuses what a proposal can't say about itself.
func (o proposeOptions) checkText() error {
	if o.summary == "" {
		return usage("--summary: expected one line for those who vote, got none")
	}
	if err := errors.Join(
		trainingsettypes.ValidateText("--summary", o.summary, trainingsettypes.MaxSummary, true),
		trainingsettypes.ValidateText("--licence", o.licence, trainingsettypes.MaxLicence, false),
	); err != nil {
		return usage("%w", err)
	}
	return nil
}

// checkPatch applies a patch as validators will, fills in what the proposal says of it, and returns the table that it leads to.
func checkPatch(d *draft, base *dataset.Table, body []byte) (*dataset.Table, error) {
	delta, err := dataset.ParseDelta(body)
	if err != nil {
		return nil, fail(exitRejected, "validators would refuse the patch: %w", err)
	}
	result, err := base.Apply(delta)
	if err != nil {
		var fault *dataset.DeltaError
		if errors.As(err, &fault) && fault.Fault == dataset.FaultDoesNotApply {
			return nil, fail(exitRejected, "the patch does not apply to the current table (version %d): %w; get the table with: pold data export %s -o FILE",
				d.set.Version, err, d.set.Name)
		}
		return nil, fail(exitRejected, "validators would refuse the patch: %w", err)
	}
	hash, baseRoot, root := sha256.Sum256(body), base.Root(), result.Root()
	d.delta = trainingsettypes.Delta{
		// The identifier is known once the patch is served; that of the table has the same form.
		Cid: d.set.Table.Cid, Sha256: hash[:], Size_: uint64(len(body)), BaseRoot: baseRoot[:],
		RowsAdded: uint64(delta.Added()), RowsRemoved: uint64(delta.Removed()), Root: root[:],
	}
	if err := d.delta.Validate(d.params, d.set.Table); err != nil {
		return nil, fail(exitRejected, "the chain would refuse the patch: %w", err)
	}
	after, sum := d.set.Table, result.SHA256()
	after.Sha256, after.Root, after.Size_ = sum[:], root[:], uint64(len(result.Bytes()))
	after.Rows, after.Columns = uint64(result.Rows()), uint32(result.Columns())
	if err := after.Validate(d.params); err != nil {
		return nil, fail(exitRejected, "validators would refuse the resulting table: %w", err)
	}
	return result, nil
}

// checkAgainst refuses a proposal that is there already, or that there is no place for. Whose patch was copied before it was in a block
// proposes it anyway.
func checkAgainst(all []trainingsettypes.Proposal, d draft, anyway bool) error {
	for _, p := range all {
		if anyway || !p.Status.Open() {
			continue
		}
		if bytes.Equal(p.Delta.Sha256, d.delta.Sha256) {
			return fail(exitRejected, "proposal %d has the same patch; vote for it instead: pold data vote %d --from KEY (or add --anyway, if it is a copy of yours)", p.Id, p.Id)
		}
		if bytes.Equal(p.Delta.Root, d.delta.Root) && bytes.Equal(p.Delta.BaseRoot, d.delta.BaseRoot) {
			return fail(exitRejected, "proposal %d leads to the same table; vote for it instead: pold data vote %d --from KEY", p.Id, p.Id)
		}
	}
	if d.set.OpenProposals >= d.params.MaxOpenProposals {
		return fail(exitRejected, "%s of %s are open, which is the most; wait until one is decided or expires", plural(d.set.OpenProposals, "proposal", ""), d.set.Name)
	}
	return nil
}

// errOr returns an error in any case.
func errOr(err error, text string) error {
	if err != nil {
		return err
	}
	return errors.New(text)
}
