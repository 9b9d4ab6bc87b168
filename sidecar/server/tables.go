package server

import (
	"context"
	"errors"
	"maps"
	"slices"

	"cosmossdk.io/collections"

	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// lookedAt is a set of which something may go: gone are the files that its last takedown asks to drop, none once that was carried out.
type lookedAt struct {
	set  trainingsettypes.TrainingSet
	gone []string
}

// sweepTables removes the tables that deltas led to but that were not adopted, and what a takedown asks nodes to drop, except what any set
// keeps: a fork shares files with its source, and a proposal may lead back to an old table. protected are the CIDs that must stay; those
// that sets keep are added to it. It returns how many objects were removed; an error leaves the rest for the next time.
func (r *Retention) sweepTables(ctx context.Context, groups []poltypes.Group, sets []trainingsettypes.TrainingSet, protected map[string]bool) (removed int, err error) {
	// What all sets keep has to be known before the first file goes.
	looked, err := r.look(ctx, sets)
	if err != nil {
		return 0, err
	}
	for _, cids := range r.state.Tables {
		for _, cid := range cids {
			protected[cid] = true
		}
	}
	if len(looked) == 0 {
		return 0, nil
	}
	inUse, err := r.tablesInUse(ctx, groups)
	if err != nil {
		return 0, err
	}
	for _, l := range looked {
		decided, pending := r.results.decided(l.set)
		waits := maps.Clone(inUse)
		for _, p := range pending { // it may be adopted in the next block
			waits[p.CID] = true
		}
		count, whole := r.drop(unadopted(decided, pending), protected, waits)
		removed += count
		if whole {
			if err := r.results.forget(decided); err != nil {
				return removed, err
			}
		}
		count, whole = r.drop(l.gone, protected, waits)
		removed += count
		if whole {
			r.state.Looked[l.set.Name] = l.set.Version
		}
	}
	return removed, nil
}

// look reads the versions of every set that has changed or of which a result was decided, and notes the files that it keeps. Those of the
// others were noted before.
func (r *Retention) look(ctx context.Context, sets []trainingsettypes.TrainingSet) ([]lookedAt, error) {
	var looked []lookedAt
	for _, s := range sets {
		decided, _ := r.results.decided(s)
		if len(decided) == 0 && r.state.Looked[s.Name] >= s.Version {
			continue
		}
		revisions, err := r.chain.Revisions(ctx, s.Name)
		if err != nil {
			return nil, err
		}
		last, gone, kept := takenDown(revisions)
		r.state.Tables[s.Name] = kept
		if last <= r.state.Looked[s.Name] { // carried out before
			gone = nil
		}
		looked = append(looked, lookedAt{s, gone})
	}
	return looked, nil
}

// unadopted returns the CIDs of decided results, unless another proposal that is not decided leads to the same table. Those that were
// adopted are among what the set keeps.
func unadopted(decided, pending []result) []string {
	var cids []string
	for _, x := range decided {
		if !slices.ContainsFunc(pending, func(p result) bool { return p.CID == x.CID }) {
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

// drop removes objects that are neither protected nor waited for. It reports how many were there, and whether none has to wait.
func (r *Retention) drop(cids []string, protected, waits map[string]bool) (removed int, whole bool) {
	whole = true
	for _, cid := range cids {
		switch {
		case protected[cid]:
		case waits[cid]:
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
