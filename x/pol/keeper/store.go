package keeper

import (
	"context"
	"errors"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// maxStoreLooks bounds how many groups that are due for a store task one block looks at.
const maxStoreLooks = 64

// StoreOutcomes owns the kind store: validators show that they can produce chunks of files that groups use now. What they did is
// remembered by x/reputation; nothing else depends on it.
type StoreOutcomes struct{ Keeper }

var (
	_ attestationtypes.Owner     = StoreOutcomes{}
	_ attestationtypes.DrawOwner = StoreOutcomes{}
)

// TaskSettled does nothing: attestation has told who produced the chunks.
func (StoreOutcomes) TaskSettled(context.Context, attestationtypes.Task) error { return nil }

// TaskExpired does nothing: nobody is at fault, and the group gets its next task.
func (StoreOutcomes) TaskExpired(context.Context, attestationtypes.Task) error { return nil }

// ArtefactJudged does nothing: store tasks ask no such questions.
func (StoreOutcomes) ArtefactJudged(context.Context, attestationtypes.Artefact) error { return nil }

// DrawDone opens at most max_store_tasks store tasks. The seed draws the groups among those that wait, the file of each and its chunks:
// until now nobody could know what will be asked for.
func (o StoreOutcomes) DrawDone(goCtx context.Context, d attestationtypes.Draw, seed []byte) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	pending, err := o.storeDraw(ctx)
	if err != nil || pending != d.Id {
		return err
	}
	if err := o.StoreDraw.Remove(ctx); err != nil {
		return err
	}
	params, err := o.Params.Get(ctx)
	if err != nil || params.StoreIntervalBlocks == 0 {
		return err
	}
	turns, err := o.dueTurns(ctx, params)
	if err != nil {
		return err
	}
	types.SortStoreTurns(turns, seed, ctx.BlockHeight(), params.StoreIntervalBlocks)
	opened := uint32(0)
	for _, t := range turns {
		if opened == params.MaxStoreTasks {
			break // the others stay due
		}
		o.try(ctx, "store task of "+t.Group, func(ctx sdk.Context) error {
			task, err := o.openStore(ctx, params, t, seed)
			if err == nil && task != 0 {
				t.Task = task
				opened++
			}
			return err
		})
		if err := o.nextTurn(ctx, params, t); err != nil {
			return err
		}
	}
	return nil
}

// drawStore asks the beacon for a seed when a group is due for a store task.
func (k Keeper) drawStore(ctx sdk.Context, params types.Params) error {
	if params.StoreIntervalBlocks == 0 {
		return nil
	}
	turns, err := k.dueTurns(ctx, params)
	if err != nil || len(turns) == 0 {
		return err
	}
	draw, err := k.storeDraw(ctx)
	if err != nil {
		return err
	}
	if pending, err := k.attestation.DrawPending(ctx, draw); err != nil || pending {
		return err
	}
	if _, err := k.attestation.MaxCost(ctx, types.StoreTaskKind); err != nil {
		return nil //nolint:nilerr // governance took the kind's budget away: no task could open
	}
	if draw, err = k.attestation.RequestDraw(ctx, types.StoreTaskKind, nil); err != nil {
		return err
	}
	return k.StoreDraw.Set(ctx, draw)
}

// storeDraw returns the number of the draw that store tasks wait for, 0 for none.
func (k Keeper) storeDraw(ctx context.Context) (uint64, error) {
	draw, err := k.StoreDraw.Get(ctx)
	if errors.Is(err, collections.ErrNotFound) {
		return 0, nil
	}
	return draw, err
}

// dueTurns returns the groups that are due for a store task, longest waiting first. Of at most maxStoreLooks it puts those off that have
// too little stake to count.
func (k Keeper) dueTurns(ctx sdk.Context, params types.Params) ([]types.StoreTurn, error) {
	var names []string
	err := k.StoreDue.Walk(ctx, nil, func(key collections.Pair[int64, string]) (bool, error) {
		if key.K1() > ctx.BlockHeight() || len(names) == maxStoreLooks {
			return true, nil
		}
		names = append(names, key.K2())
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	var due []types.StoreTurn
	for _, name := range names {
		t, err := k.StoreTurns.Get(ctx, name)
		if err != nil {
			return nil, err
		}
		stake, err := k.stake(ctx, name)
		if err != nil {
			return nil, err
		}
		if stake.IsPositive() && stake.GTE(params.MinGroupStake) {
			due = append(due, t)
		} else if err := k.nextTurn(ctx, params, t); err != nil {
			return nil, err
		}
	}
	return due, nil
}

// openStore opens a store task for a group and returns its number; 0 when there is nothing to ask for, or when the last one of the group
// is still without an outcome.
func (k Keeper) openStore(ctx sdk.Context, params types.Params, t types.StoreTurn, seed []byte) (uint64, error) {
	if pending, err := k.attestation.TaskPending(ctx, t.Task); err != nil || pending {
		return 0, err
	}
	g, err := k.group(ctx, t.Group)
	if err != nil || !mints(g) {
		return 0, err
	}
	files, err := k.storedFiles(ctx, g)
	if err != nil || len(files) == 0 {
		return 0, err
	}
	stake, err := k.stake(ctx, g.Name)
	if err != nil {
		return 0, err
	}
	own := types.StoreSeed(seed, g.Name)
	m := types.NewStoreManifest(ctx.ChainID(), g.Name, types.DrawFile(own, files), own, params.StoreChunks)
	b, err := m.Marshal()
	if err != nil {
		return 0, err
	}
	id, err := k.attestation.OpenTask(ctx, types.StoreTaskKind, []byte(g.Name+"/"+m.File.Word()), b, m.Cost(), stake)
	if err != nil {
		return 0, err
	}
	emit(ctx, &types.EventStoreTask{Group: g.Name, TaskId: id, File: m.File, Cid: m.Cid, Chunks: m.Chunks})
	return id, nil
}

// storedFiles returns what a group uses now, as far as the chain still knows it.
func (k Keeper) storedFiles(ctx context.Context, g types.Group) ([]types.StoredFile, error) {
	var table *trainingsettypes.Table
	set, err := k.trainingSets.Verified(ctx, g.Settings.TrainingSet)
	switch {
	case err == nil:
		table = &set.Table
	case !errors.Is(err, trainingsettypes.ErrNotVerified):
		return nil, err
	}
	winner, known, err := find(ctx, k.Submissions, collections.Join3(g.Name, g.Parent.Round, g.Parent.Trainer))
	if err != nil || !known {
		return types.StoredFiles(g, table, nil), err
	}
	return types.StoredFiles(g, table, &winner), nil
}

// nextTurn puts a group off by one interval.
func (k Keeper) nextTurn(ctx sdk.Context, params types.Params, t types.StoreTurn) error {
	old, exists, err := find(ctx, k.StoreTurns, t.Group)
	if err != nil {
		return err
	}
	if exists {
		if err := k.StoreDue.Remove(ctx, collections.Join(old.Due, t.Group)); err != nil {
			return err
		}
	}
	t.Due = ctx.BlockHeight() + int64(params.StoreIntervalBlocks)
	return k.setTurn(ctx, t)
}

func (k Keeper) setTurn(ctx context.Context, t types.StoreTurn) error {
	if err := k.StoreTurns.Set(ctx, t.Group, t); err != nil {
		return err
	}
	return k.StoreDue.Set(ctx, collections.Join(t.Due, t.Group))
}
