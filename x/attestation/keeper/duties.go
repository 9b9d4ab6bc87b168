package keeper

import (
	"bytes"
	"context"
	"crypto/sha256"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/attestation/types"
)

// Duties is the open work of one operator.
type Duties struct {
	// Commit are tasks for which the chain has no witness of the operator yet.
	Commit []types.Task
	// Open are tasks to which the operator committed and whose answers may be opened.
	Open []types.Task
	// Hold are artefacts that the operator has not said it holds.
	Hold []types.Artefact
	// Beacon is the number for which the operator's commit, or with Reveal its secret, is not recorded yet; 0 for none.
	Beacon uint64
	Reveal bool
}

// Duties returns what an operator may put into its next extension. A witness is repeated until it is seen on chain.
func (k Keeper) Duties(goCtx context.Context, operator string) (Duties, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	var d Duties
	snapshots := newSnapshotCache(k)
	tasks, err := firstKeys(ctx, k.TasksActive, types.MaxWork)
	if err != nil {
		return d, err
	}
	for _, id := range tasks {
		t, err := k.Tasks.Get(ctx, id)
		if err != nil {
			return d, err
		}
		if member, err := snapshots.has(ctx, t.Snapshot, operator); err != nil || !member {
			if err != nil {
				return d, err
			}
			continue
		}
		w, exists, err := find(ctx, k.Witnesses, collections.Join(id, operator))
		if err != nil {
			return d, err
		}
		switch {
		case t.Status == types.TASK_STATUS_COMMIT && !exists:
			d.Commit = append(d.Commit, t)
		case t.Status == types.TASK_STATUS_OPEN && exists && !w.Voided:
			d.Open = append(d.Open, t)
		}
	}
	artefacts, err := firstKeys(ctx, k.ArtefactsAsked, types.MaxWork)
	if err != nil {
		return d, err
	}
	for _, id := range artefacts {
		held, err := k.Held.Has(ctx, collections.Join(id, operator))
		if err != nil {
			return d, err
		}
		if held {
			continue
		}
		a, err := k.Artefacts.Get(ctx, id)
		if err != nil {
			return d, err
		}
		member, err := snapshots.has(ctx, a.Snapshot, operator)
		if err != nil {
			return d, err
		}
		if member {
			d.Hold = append(d.Hold, a)
		}
	}
	return d, k.beaconDuty(ctx, snapshots, operator, &d)
}

func (k Keeper) beaconDuty(ctx sdk.Context, snapshots *snapshotCache, operator string, d *Duties) error {
	b, err := k.beacon(ctx)
	if err != nil {
		return err
	}
	share, exists, err := find(ctx, k.BeaconShares, operator)
	if err != nil {
		return err
	}
	if b.Phase == types.BEACON_PHASE_COMMIT {
		if !exists {
			d.Beacon = b.Number
		}
		return nil
	}
	member, err := snapshots.has(ctx, b.Snapshot, operator)
	if err == nil && member && exists && len(share.Secret) == 0 {
		d.Beacon, d.Reveal = b.Number, true
	}
	return err
}

// MayOpen reports whether the operator's recorded witness is for this answer and nobody has opened it yet.
func (k Keeper) MayOpen(goCtx context.Context, operator string, task types.Task, answer []byte) (bool, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	w, exists, err := find(ctx, k.Witnesses, collections.Join(task.Id, operator))
	if err != nil || !exists || !bytes.Equal(w.Witness, types.WitnessOf(ctx.ChainID(), task.Id, operator, answer)) {
		return false, err
	}
	hash := sha256.Sum256(answer)
	opened, err := k.Openings.Has(ctx, collections.Join(task.Id, hash[:]))
	return !opened, err
}

// Operator returns the operator behind a consensus address.
func (k Keeper) Operator(ctx context.Context, consensus sdk.ConsAddress) (string, error) {
	v, err := k.staking.GetValidatorByConsAddr(ctx, consensus)
	if err != nil {
		return "", err
	}
	return v.GetOperator(), nil
}
