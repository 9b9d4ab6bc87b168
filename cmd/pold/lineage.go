package main

import (
	"context"
	"fmt"
	"slices"

	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// archive knows the histories of training sets; node is one.
type archive interface {
	set(ctx context.Context, name string) (trainingsettypes.TrainingSet, error)
	revisions(ctx context.Context, name string) ([]trainingsettypes.Revision, error)
}

var _ archive = node{}

// lineage is the way from a table that everybody can get to a version of a training set.
type lineage struct {
	// start is the version to start from, reason why it is not the first table that there was; empty when it is.
	start  ancestor
	reason string
	// steps follow in order: patches, and copies under another name.
	steps []ancestor
}

// ancestor is a version of a set on that way.
type ancestor struct {
	set      string
	revision trainingsettypes.Revision
	// copied is the version of another set that this one is a copy of; nil for a patch.
	copied *trainingsettypes.Revision
}

func (a ancestor) name() string { return fmt.Sprintf("version %d of %s", a.revision.Version, a.set) }

// trace finds the way to a version of a set; 0 means the current one. It goes back to the first table, through forks, or else to the
// last takedown: what was before it nodes were asked to drop.
func trace(ctx context.Context, from archive, name string, version uint64) (lineage, error) {
	return traceSet(ctx, from, name, version, nil)
}

func traceSet(ctx context.Context, from archive, name string, version uint64, seen []string) (lineage, error) {
	var way lineage
	if slices.Contains(seen, name) {
		return way, fail(exitMismatch, "%s is a fork of itself, through %v; ask another node", name, seen)
	}
	set, err := from.set(ctx, name)
	if err != nil {
		return way, err
	}
	history, err := from.revisions(ctx, name)
	if err != nil {
		return way, err
	}
	if version == 0 {
		version = set.Version
	}
	if len(history) == 0 {
		return way, fail(exitNotFound, "%s has no history: it is %s", name, statusWord(set.Status.String(), "STATUS_"))
	}
	last, ok := revisionOf(history, version)
	if !ok {
		return way, noVersion(name, version, set.Version)
	}
	if version == set.Version && !sameTable(last.Table, set.Table) {
		return way, fail(exitMismatch, "the current table of %s is not that of its last version %d; ask another node", name, version)
	}
	first := history[0]
	if t := lastTakedown(history); t > version {
		return way, fail(exitNotFound, "version %d of %s was taken down with version %d: nodes were asked to drop its table and its patch; verify version %d or a later one", version, name, t, t)
	} else if t > 0 {
		first, _ = revisionOf(history, t)
		way.start = ancestor{set: name, revision: first}
		way.reason = fmt.Sprintf("version %d is a takedown: nodes were asked to drop everything before it, so nobody can rebuild the table of that version; it is taken as it is", t)
	} else if way, err = beginning(ctx, from, set, first, append(seen, name)); err != nil {
		return way, err
	}
	steps, err := patches(name, history, first.Version, version)
	way.steps = append(way.steps, steps...)
	return way, err
}

// beginning is the way to the first version of a set.
func beginning(ctx context.Context, from archive, set trainingsettypes.TrainingSet, first trainingsettypes.Revision, seen []string) (lineage, error) {
	here := ancestor{set: set.Name, revision: first}
	if first.Delta != nil {
		return lineage{}, fail(exitMismatch, "the history of %s begins with a patch, at version %d, and not with a table; ask another node", set.Name, first.Version)
	}
	if set.ForkedFrom == "" {
		return lineage{start: here}, nil
	}
	source, err := from.revisions(ctx, set.ForkedFrom)
	if err != nil {
		return lineage{}, err
	}
	if t := lastTakedown(source); t > set.ForkedVersion {
		return lineage{start: here, reason: fmt.Sprintf("%s is a fork of version %d of %s, which was taken down there with version %d; the first table of the fork is taken as it is",
			set.Name, set.ForkedVersion, set.ForkedFrom, t)}, nil
	}
	way, err := traceSet(ctx, from, set.ForkedFrom, set.ForkedVersion, seen)
	if err != nil {
		return way, err
	}
	original, _ := revisionOf(source, set.ForkedVersion)
	here.copied = &original
	way.steps = append(way.steps, here)
	return way, nil
}

// patches are the steps from one version of a set to another.
func patches(name string, history []trainingsettypes.Revision, from, to uint64) ([]ancestor, error) {
	var steps []ancestor
	for v := from + 1; v <= to; v++ {
		r, ok := revisionOf(history, v)
		if !ok || r.Delta == nil {
			return nil, fail(exitMismatch, "the history of %s has no patch that leads to version %d; ask another node", name, v)
		}
		steps = append(steps, ancestor{set: name, revision: r})
	}
	return steps, nil
}

// sameTable reports whether two descriptions are of the same bytes.
func sameTable(a, b trainingsettypes.Table) bool {
	return a.Cid == b.Cid && a.Size_ == b.Size_ && a.Rows == b.Rows && a.Columns == b.Columns &&
		slices.Equal(a.Sha256, b.Sha256) && slices.Equal(a.Root, b.Root)
}
