package server

import (
	"context"
	"errors"
	"slices"

	"cosmossdk.io/collections"

	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// sweepTables removes the tables that deltas led to but that were not adopted, and what a takedown asks nodes to drop. protected are
// the CIDs that must stay. It returns how many objects were removed; an error leaves the rest for the next time.
func (r *Retention) sweepTables(ctx context.Context, groups []poltypes.Group, sets []trainingsettypes.TrainingSet, protected map[string]bool) (removed int, err error) {
	var inUse map[string]bool
	for _, s := range sets {
		decided, pending := r.results.decided(s)
		if len(decided) == 0 && r.state.Looked[s.Name] >= s.Version {
			continue
		}
		if inUse == nil {
			if inUse, err = r.tablesInUse(ctx, groups); err != nil {
				return removed, err
			}
		}
		revisions, err := r.chain.Revisions(ctx, s.Name)
		if err != nil {
			return removed, err
		}
		count, whole := r.drop(unadopted(decided, pending, revisions), protected, inUse)
		removed += count
		if whole {
			if err := r.results.forget(decided); err != nil {
				return removed, err
			}
		}
		last, gone, kept := takenDown(revisions)
		r.state.Tables[s.Name] = kept
		if last <= r.state.Looked[s.Name] { // carried out before
			gone = nil
		}
		count, whole = r.drop(gone, protected, inUse)
		removed += count
		if whole {
			r.state.Looked[s.Name] = s.Version
		}
	}
	return removed, nil
}

// unadopted returns the CIDs of decided results that became no version of their set, unless another proposal that is not decided leads
// to the same table.
func unadopted(decided, pending []result, revisions []trainingsettypes.Revision) []string {
	var cids []string
	for _, x := range decided {
		adopted := slices.ContainsFunc(revisions, func(v trainingsettypes.Revision) bool { return v.Table.Cid == x.CID })
		if !adopted && !slices.ContainsFunc(pending, func(p result) bool { return p.CID == x.CID }) {
			cids = append(cids, x.CID)
		}
	}
	return cids
}

// takenDown divides the files of a set's versions by its last takedown, which is of version last (0: there is none). It asks to drop its
// own delta, and tables and deltas before it.
func takenDown(revisions []trainingsettypes.Revision) (last uint64, gone, kept []string) {
	for _, v := range revisions {
		if v.Takedown {
			last = max(last, v.Version)
		}
	}
	for _, v := range revisions {
		if v.Version < last {
			gone = append(gone, v.Table.Cid)
		} else {
			kept = append(kept, v.Table.Cid)
		}
		switch {
		case v.Delta == nil:
		case v.Version <= last:
			gone = append(gone, v.Delta.Cid)
		default:
			kept = append(kept, v.Delta.Cid)
		}
	}
	return last, gone, kept
}

// tablesInUse lists the tables of rounds that are not settled: validators still compute with them.
func (r *Retention) tablesInUse(ctx context.Context, groups []poltypes.Group) (map[string]bool, error) {
	inUse := map[string]bool{}
	for _, g := range groups {
		if g.Round == 0 {
			continue
		}
		round, err := r.chain.Round(ctx, g.Name, g.Round)
		if errors.Is(err, collections.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if round.Phase != poltypes.ROUND_PHASE_SETTLED {
			inUse[round.Table.Cid] = true
		}
	}
	return inUse, nil
}

// drop removes objects that are neither protected nor in use. It reports how many were there, and whether none has to wait.
func (r *Retention) drop(cids []string, protected, inUse map[string]bool) (removed int, whole bool) {
	whole = true
	for _, cid := range cids {
		switch {
		case protected[cid]:
		case inUse[cid]:
			whole = false
		default:
			if err := r.store.Remove(cid); err != nil {
				r.log.Debug("nothing to remove", "cid", cid, "error", err)
				continue
			}
			removed++
		}
	}
	return removed, whole
}
