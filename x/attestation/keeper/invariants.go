package keeper

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"

	"github.com/pold-network/pold/x/attestation/types"
)

// CheckSnapshots reports a snapshot in which a vote weighs more than its power or less than 0.8 of it, whose totals are not the
// sums over its members, or that counts other users than it has: one counted too few is removed under open work, one too many
// is kept for ever.
func (k Keeper) CheckSnapshots(ctx context.Context) error {
	users, err := k.snapshotUsers(ctx)
	if err != nil {
		return err
	}
	err = k.Snapshots.Walk(ctx, nil, func(height int64, s types.Snapshot) (bool, error) {
		if s.Height != height {
			return true, fmt.Errorf("snapshot at %d: expected its height, got %d", height, s.Height)
		}
		if err := s.Check(); err != nil {
			return true, fmt.Errorf("snapshot of height %d: %w", height, err)
		}
		if s.References == 0 || s.References != users[height] {
			return true, fmt.Errorf("snapshot of height %d: it counts %d users and has %d", height, s.References, users[height])
		}
		delete(users, height)
		return false, nil
	})
	if err != nil {
		return err
	}
	if len(users) > 0 {
		return fmt.Errorf("snapshots of %d heights are missing that open work refers to", len(users))
	}
	return nil
}

// snapshotUsers counts what refers to the snapshot of each height.
func (k Keeper) snapshotUsers(ctx context.Context) (map[int64]uint64, error) {
	users := map[int64]uint64{} // read by key only
	err := k.Tasks.Walk(ctx, nil, func(_ uint64, t types.Task) (bool, error) {
		if t.Status != types.TASK_STATUS_QUEUED {
			users[t.Snapshot]++
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	err = k.Artefacts.Walk(ctx, nil, func(_ uint64, a types.Artefact) (bool, error) {
		if a.AskedHeight > 0 {
			users[a.Snapshot]++
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	b, err := k.beacon(ctx)
	if err == nil && b.Phase == types.BEACON_PHASE_REVEAL {
		users[b.Snapshot]++
	}
	return users, err
}

// CheckWork reports a task or an artefact that does not stand in the one index of its state, an index entry without one, and
// votes about work that is gone. What stands in no index is never looked at again.
func (k Keeper) CheckWork(ctx context.Context) error {
	if err := k.checkTasks(ctx); err != nil {
		return err
	}
	if err := k.checkArtefacts(ctx); err != nil {
		return err
	}
	err := k.Witnesses.Walk(ctx, nil, func(key collections.Pair[uint64, string], _ types.Witness) (bool, error) {
		return exists(ctx, k.Tasks, key.K1(), "witness of task")
	})
	if err != nil {
		return err
	}
	err = k.Openings.Walk(ctx, nil, func(key collections.Pair[uint64, []byte], _ types.Opening) (bool, error) {
		return exists(ctx, k.Tasks, key.K1(), "opening of task")
	})
	if err != nil {
		return err
	}
	return k.Held.Walk(ctx, nil, func(key collections.Pair[uint64, string]) (bool, error) {
		return exists(ctx, k.Artefacts, key.K1(), "holder of artefact")
	})
}

func (k Keeper) checkTasks(ctx context.Context) error {
	var queued, active, finished int
	err := k.Tasks.Walk(ctx, nil, func(id uint64, t types.Task) (bool, error) {
		var has bool
		var err error
		switch t.Status {
		case types.TASK_STATUS_QUEUED:
			queued++
			has, err = k.TasksQueue.Has(ctx, queueKey(t))
		case types.TASK_STATUS_COMMIT, types.TASK_STATUS_OPEN:
			active++
			has, err = k.TasksActive.Has(ctx, id)
		default:
			finished++
			has, err = k.TasksFinished.Has(ctx, collections.Join(t.FinishedHeight, id))
		}
		if err == nil && !has {
			err = fmt.Errorf("task %d is %s and stands not in the index of such tasks", id, t.Status)
		}
		return err != nil, err
	})
	if err != nil {
		return err
	}
	if active > types.MaxWork {
		return fmt.Errorf("tasks: expected at most %d open ones, got %d", types.MaxWork, active)
	}
	return firstError(
		countKeys(ctx, "queued tasks", k.TasksQueue, queued),
		countKeys(ctx, "open tasks", k.TasksActive, active),
		countKeys(ctx, "finished tasks", k.TasksFinished, finished),
	)
}

func (k Keeper) checkArtefacts(ctx context.Context) error {
	var waiting, asked, done int
	err := k.Artefacts.Walk(ctx, nil, func(id uint64, a types.Artefact) (bool, error) {
		var has bool
		var err error
		switch {
		case a.Status != types.ARTEFACT_STATUS_ASKED:
			done++
			has, err = k.ArtefactsDone.Has(ctx, collections.Join(a.FinishedHeight, id))
		case a.AskedHeight == 0:
			waiting++
			has, err = k.ArtefactsWaiting.Has(ctx, collections.Join(a.Kind, id))
		default:
			asked++
			has, err = k.ArtefactsAsked.Has(ctx, id)
		}
		if err == nil && !has {
			err = fmt.Errorf("artefact %d is %s and stands not in the index of such artefacts", id, a.Status)
		}
		return err != nil, err
	})
	if err != nil {
		return err
	}
	return firstError(
		countKeys(ctx, "waiting artefacts", k.ArtefactsWaiting, waiting),
		countKeys(ctx, "asked artefacts", k.ArtefactsAsked, asked),
		countKeys(ctx, "judged artefacts", k.ArtefactsDone, done),
	)
}

// countKeys reports an index that has more or fewer entries than there are records of its sort.
func countKeys[K any](ctx context.Context, what string, set collections.KeySet[K], want int) error {
	got := 0
	if err := set.Walk(ctx, nil, func(K) (bool, error) { got++; return false, nil }); err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("index of %s: expected %d entries, got %d", what, want, got)
	}
	return nil
}

// exists is for walks: it stops with an error when a record is missing.
func exists[V any](ctx context.Context, m collections.Map[uint64, V], id uint64, what string) (bool, error) {
	has, err := m.Has(ctx, id)
	if err == nil && !has {
		err = fmt.Errorf("%s %d, which is gone", what, id)
	}
	return err != nil, err
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
