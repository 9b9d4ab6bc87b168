package keeper

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"sort"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/attestation/types"
)

// SignedExtension is an extension that an operator signed at a height; Extension is nil when it was empty.
type SignedExtension struct {
	Operator  string
	Extension *types.VoteExtension
}

// RecordExtensions takes what validators signed at a height into the state. Anything that is late, early, double
// or about unknown work is ignored; nothing in an extension can fail a block.
func (k Keeper) RecordExtensions(ctx sdk.Context, signed int64, extensions []SignedExtension) error {
	sort.SliceStable(extensions, func(i, j int) bool { return extensions[i].Operator < extensions[j].Operator })
	snapshots := newSnapshotCache(k)
	work, err := k.openWork(ctx)
	if err != nil {
		return err
	}
	beacon, err := k.beacon(ctx)
	if err != nil {
		return err
	}
	for _, e := range extensions {
		if e.Extension == nil {
			continue
		}
		if err := k.Seen.Set(ctx, e.Operator, signed); err != nil {
			return err
		}
		if err := k.recordShare(ctx, snapshots, signed, e.Operator, beacon, e.Extension); err != nil {
			return err
		}
		for _, c := range e.Extension.Challenges {
			if t, ok := work.tasks[c.TaskId]; ok {
				if work.tasks[c.TaskId], err = k.recordChallenge(ctx, snapshots, signed, e.Operator, t, c.Segment); err != nil {
					return err
				}
			}
		}
		for _, c := range e.Extension.Commits {
			if t, ok := work.tasks[c.TaskId]; ok {
				if err := k.recordCommit(ctx, snapshots, signed, e.Operator, t, c); err != nil {
					return err
				}
			}
		}
		for _, o := range e.Extension.Openings {
			if t, ok := work.tasks[o.TaskId]; ok {
				if err := k.recordOpening(ctx, signed, e.Operator, t, o); err != nil {
					return err
				}
			}
		}
		for _, id := range e.Extension.Held {
			if a, ok := work.artefacts[id]; ok {
				if err := k.recordHeld(ctx, snapshots, e.Operator, a); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// openWork is all work that an extension can be about. It is read once a block: what hundreds of extensions name
// costs the chain no reads and no decoding of manifests.
type openWork struct {
	tasks     map[uint64]types.Task
	artefacts map[uint64]types.Artefact
}

func (k Keeper) openWork(ctx context.Context) (openWork, error) {
	w := openWork{tasks: map[uint64]types.Task{}, artefacts: map[uint64]types.Artefact{}}
	tasks, err := firstKeys(ctx, k.TasksActive, types.MaxWork)
	if err != nil {
		return w, err
	}
	for _, id := range tasks {
		if w.tasks[id], err = k.Tasks.Get(ctx, id); err != nil {
			return w, err
		}
	}
	artefacts, err := firstKeys(ctx, k.ArtefactsAsked, types.MaxWork)
	if err != nil {
		return w, err
	}
	for _, id := range artefacts {
		if w.artefacts[id], err = k.Artefacts.Get(ctx, id); err != nil {
			return w, err
		}
	}
	return w, nil
}

// recordCommit stores the first witness of an operator; the same again is harmless, another one is conduct.
func (k Keeper) recordCommit(ctx sdk.Context, snapshots *snapshotCache, signed int64, operator string, t types.Task, c types.ExtensionCommit) error {
	if t.Status != types.TASK_STATUS_COMMIT || signed <= t.OpenedHeight || signed > t.CommitUntil {
		return nil
	}
	member, err := snapshots.has(ctx, t.Snapshot, operator)
	if err != nil || !member {
		return err
	}
	if k.kinds.kinds[t.Kind].Personal && len(c.Personal) == 0 {
		return nil // one leaked answer is not enough to vote
	}
	key := collections.Join(t.Id, operator)
	old, exists, err := find(ctx, k.Witnesses, key)
	if err != nil {
		return err
	}
	if exists {
		if !bytes.Equal(old.Witness, c.Witness) {
			k.conduct(ctx, types.Conduct{Operator: operator, Kind: types.ConductSecondWitness, Ref: taskRef(t.Id)}, t.Id)
		}
		return nil
	}
	return k.Witnesses.Set(ctx, key, types.Witness{Witness: c.Witness, Personal: c.Personal, SignedHeight: signed})
}

// recordOpening stores an answer whose author committed to it in time. An opening signed before the commit window
// had closed voids its author's witness: it would let others copy.
func (k Keeper) recordOpening(ctx sdk.Context, signed int64, operator string, t types.Task, o types.ExtensionOpening) error {
	key := collections.Join(t.Id, operator)
	w, exists, err := find(ctx, k.Witnesses, key)
	if err != nil || !exists || w.Voided {
		return err
	}
	if signed <= t.CommitUntil {
		w.Voided = true
		k.conduct(ctx, types.Conduct{Operator: operator, Kind: types.ConductEarlyOpening, Ref: taskRef(t.Id)}, t.Id)
		return k.Witnesses.Set(ctx, key, w)
	}
	if t.Status != types.TASK_STATUS_OPEN || signed > t.OpenUntil || len(o.Answer) > k.kinds.kinds[t.Kind].MaxAnswer {
		return nil
	}
	if !bytes.Equal(w.Witness, types.WitnessOf(ctx.ChainID(), t.Id, operator, o.Answer)) {
		k.conduct(ctx, types.Conduct{Operator: operator, Kind: types.ConductFalseOpening, Ref: taskRef(t.Id)}, t.Id)
		return nil
	}
	hash := sha256.Sum256(o.Answer)
	opening := collections.Join(t.Id, hash[:])
	if has, err := k.Openings.Has(ctx, opening); err != nil || has {
		return err
	}
	return k.Openings.Set(ctx, opening, types.Opening{Answer: o.Answer, Operator: operator, SignedHeight: signed})
}

func (k Keeper) recordHeld(ctx sdk.Context, snapshots *snapshotCache, operator string, a types.Artefact) error {
	member, err := snapshots.has(ctx, a.Snapshot, operator)
	if err != nil || !member {
		return err
	}
	return k.Held.Set(ctx, collections.Join(a.Id, operator))
}

// votes returns the recorded witnesses of a task in operator order; at most one per member of its snapshot.
func (k Keeper) votes(ctx context.Context, id uint64) ([]types.Vote, error) {
	var votes []types.Vote
	err := k.Witnesses.Walk(ctx, collections.NewPrefixedPairRange[uint64, string](id), func(key collections.Pair[uint64, string], w types.Witness) (bool, error) {
		votes = append(votes, types.Vote{Operator: key.K2(), Witness: w})
		return false, nil
	})
	return votes, err
}

func (k Keeper) openings(ctx context.Context, id uint64) ([]types.Opening, error) {
	var openings []types.Opening
	err := k.Openings.Walk(ctx, collections.NewPrefixedPairRange[uint64, []byte](id), func(_ collections.Pair[uint64, []byte], o types.Opening) (bool, error) {
		openings = append(openings, o)
		return false, nil
	})
	return openings, err
}

// find reads a value and says whether it exists.
func find[K, V any](ctx context.Context, m collections.Map[K, V], key K) (V, bool, error) {
	v, err := m.Get(ctx, key)
	if errors.Is(err, collections.ErrNotFound) {
		return v, false, nil
	}
	return v, err == nil, err
}
