package keeper

import (
	"context"
	"errors"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/attestation/types"
)

// queueKey orders a kind's queue by falling priority, then by id.
func queueKey(t types.Task) collections.Triple[string, []byte, uint64] {
	var inverted [32]byte
	t.Priority.BigInt().FillBytes(inverted[:])
	for i := range inverted {
		inverted[i] = ^inverted[i]
	}
	return collections.Join3(t.Kind, inverted[:], t.Id)
}

// activeByKind counts the open tasks.
func (k Keeper) activeByKind(ctx context.Context) (map[string]int, error) {
	ids, err := firstKeys(ctx, k.TasksActive, types.MaxWork)
	if err != nil {
		return nil, err
	}
	active := make(map[string]int, len(k.kinds.names))
	for _, id := range ids {
		t, err := k.Tasks.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		active[t.Kind]++
	}
	return active, nil
}

// promote opens queued tasks within the budget of their kind. Each kind has an equal part of the bound on open work:
// many cheap tasks of one kind must not keep another waiting.
func (k Keeper) promote(ctx sdk.Context, params types.Params) error {
	queued, err := firstKeys(ctx, k.TasksQueue, 1)
	if err != nil || len(queued) == 0 {
		return err
	}
	active, err := k.activeByKind(ctx)
	if err != nil {
		return err
	}
	window := ctx.BlockHeight() / params.BudgetWindow
	for _, kind := range k.kinds.names {
		budget, err := params.Budget(kind)
		if err != nil {
			continue // governance took the kind's budget away: its tasks wait
		}
		use, err := k.BudgetUses.Get(ctx, kind)
		if err != nil && !errors.Is(err, collections.ErrNotFound) {
			return err
		}
		if use.Window != window {
			use = types.BudgetUse{Kind: kind, Window: window}
		}
		use.Kind = kind
		for active[kind] < k.kinds.quota() {
			key, ok, err := k.queueHead(ctx, kind)
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			t, err := k.Tasks.Get(ctx, key.K3())
			if err != nil {
				return err
			}
			// The first task of a window always opens: it was within the budget when it was queued, and a budget
			// made smaller since must not block its queue for ever.
			if use.Used > 0 && (use.Used+t.Cost > budget || use.Used+t.Cost < use.Used) {
				break
			}
			opened, err := k.start(ctx, params, t)
			if err != nil {
				return err
			}
			if !opened {
				return nil // no bonded power: nothing can be decided at this height
			}
			if err := k.TasksQueue.Remove(ctx, key); err != nil {
				return err
			}
			use.Used += t.Cost
			active[kind]++
		}
		if err := k.BudgetUses.Set(ctx, kind, use); err != nil {
			return err
		}
	}
	return nil
}

func (k Keeper) queueHead(ctx context.Context, kind string) (key collections.Triple[string, []byte, uint64], ok bool, err error) {
	keys, err := firstOf(ctx, k.TasksQueue, collections.NewPrefixedTripleRange[string, []byte, uint64](kind), 1)
	if err != nil || len(keys) == 0 {
		return key, false, err
	}
	return keys[0], true, nil
}

// start pins the power snapshot and opens the commit window.
func (k Keeper) start(ctx sdk.Context, params types.Params, t types.Task) (bool, error) {
	height, err := k.takeSnapshot(ctx)
	if errors.Is(err, types.ErrNoPower) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	t.Status = types.TASK_STATUS_COMMIT
	t.OpenedHeight = ctx.BlockHeight()
	commitWindow, _ := k.kinds.windows(params, t.Kind)
	t.CommitUntil = ctx.BlockHeight() + commitWindow
	t.Snapshot = height
	if err := k.Tasks.Set(ctx, t.Id, t); err != nil {
		return false, err
	}
	if err := k.TasksActive.Set(ctx, t.Id); err != nil {
		return false, err
	}
	emit(ctx, &types.EventTaskOpened{TaskId: t.Id, Kind: t.Kind, CommitUntil: t.CommitUntil})
	return true, nil
}
