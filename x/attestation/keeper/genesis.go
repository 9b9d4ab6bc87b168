package keeper

import (
	"context"
	"crypto/sha256"

	"cosmossdk.io/collections"

	"github.com/pold-network/pold/x/attestation/types"
)

// InitGenesis writes a genesis state; indexes are rebuilt from the records.
func (k Keeper) InitGenesis(ctx context.Context, g types.GenesisState) error {
	if err := k.Params.Set(ctx, g.Params); err != nil {
		return err
	}
	if err := k.NextTask.Set(ctx, max(g.NextTaskId, 1)); err != nil {
		return err
	}
	if err := k.NextArtefact.Set(ctx, max(g.NextArtefactId, 1)); err != nil {
		return err
	}
	if err := k.restoreBeacon(ctx, g); err != nil {
		return err
	}
	for _, t := range g.Tasks {
		if err := k.restoreTask(ctx, t); err != nil {
			return err
		}
	}
	for _, a := range g.Artefacts {
		if err := k.restoreArtefact(ctx, a); err != nil {
			return err
		}
	}
	for _, s := range g.Snapshots {
		if err := k.Snapshots.Set(ctx, s.Height, s); err != nil {
			return err
		}
	}
	for _, w := range g.Witnesses {
		if err := k.Witnesses.Set(ctx, collections.Join(w.TaskId, w.Operator), w.Witness); err != nil {
			return err
		}
	}
	for _, o := range g.Openings {
		hash := sha256.Sum256(o.Opening.Answer)
		if err := k.Openings.Set(ctx, collections.Join(o.TaskId, hash[:]), o.Opening); err != nil {
			return err
		}
	}
	for _, h := range g.Held {
		if err := k.Held.Set(ctx, collections.Join(h.ArtefactId, h.Operator)); err != nil {
			return err
		}
	}
	for _, s := range g.Seen {
		if err := k.Seen.Set(ctx, s.Operator, s.Height); err != nil {
			return err
		}
	}
	for _, p := range g.Peers {
		if err := k.setPeer(ctx, p); err != nil {
			return err
		}
	}
	for _, u := range g.BudgetUses {
		if err := k.BudgetUses.Set(ctx, u.Kind, u); err != nil {
			return err
		}
	}
	return nil
}

func (k Keeper) restoreTask(ctx context.Context, t types.Task) error {
	if err := k.Tasks.Set(ctx, t.Id, t); err != nil {
		return err
	}
	switch t.Status {
	case types.TASK_STATUS_QUEUED:
		return k.TasksQueue.Set(ctx, queueKey(t))
	case types.TASK_STATUS_COMMIT, types.TASK_STATUS_OPEN:
		return k.TasksActive.Set(ctx, t.Id)
	default:
		return k.TasksFinished.Set(ctx, collections.Join(t.FinishedHeight, t.Id))
	}
}

func (k Keeper) restoreArtefact(ctx context.Context, a types.Artefact) error {
	if err := k.Artefacts.Set(ctx, a.Id, a); err != nil {
		return err
	}
	switch {
	case a.Status != types.ARTEFACT_STATUS_ASKED:
		return k.ArtefactsDone.Set(ctx, collections.Join(a.FinishedHeight, a.Id))
	case a.AskedHeight == 0:
		return k.ArtefactsWaiting.Set(ctx, collections.Join(a.Kind, a.Id))
	default:
		return k.ArtefactsAsked.Set(ctx, a.Id)
	}
}

// ExportGenesis reads the whole state.
func (k Keeper) ExportGenesis(ctx context.Context) (*types.GenesisState, error) {
	var g types.GenesisState
	var err error
	if g.Params, err = k.Params.Get(ctx); err != nil {
		return nil, err
	}
	if g.NextTaskId, err = k.NextTask.Peek(ctx); err != nil {
		return nil, err
	}
	if g.NextArtefactId, err = k.NextArtefact.Peek(ctx); err != nil {
		return nil, err
	}
	if err := k.exportBeacon(ctx, &g); err != nil {
		return nil, err
	}
	walks := []func() error{
		func() error {
			return k.Tasks.Walk(ctx, nil, func(_ uint64, t types.Task) (bool, error) { g.Tasks = append(g.Tasks, t); return false, nil })
		},
		func() error {
			return k.Snapshots.Walk(ctx, nil, func(_ int64, s types.Snapshot) (bool, error) {
				g.Snapshots = append(g.Snapshots, s)
				return false, nil
			})
		},
		func() error {
			return k.Witnesses.Walk(ctx, nil, func(key collections.Pair[uint64, string], w types.Witness) (bool, error) {
				g.Witnesses = append(g.Witnesses, types.WitnessEntry{TaskId: key.K1(), Operator: key.K2(), Witness: w})
				return false, nil
			})
		},
		func() error {
			return k.Openings.Walk(ctx, nil, func(key collections.Pair[uint64, []byte], o types.Opening) (bool, error) {
				g.Openings = append(g.Openings, types.OpeningEntry{TaskId: key.K1(), Opening: o})
				return false, nil
			})
		},
		func() error {
			return k.Artefacts.Walk(ctx, nil, func(_ uint64, a types.Artefact) (bool, error) {
				g.Artefacts = append(g.Artefacts, a)
				return false, nil
			})
		},
		func() error {
			return k.Held.Walk(ctx, nil, func(key collections.Pair[uint64, string]) (bool, error) {
				g.Held = append(g.Held, types.HeldEntry{ArtefactId: key.K1(), Operator: key.K2()})
				return false, nil
			})
		},
		func() error {
			return k.Seen.Walk(ctx, nil, func(o string, h int64) (bool, error) {
				g.Seen = append(g.Seen, types.SeenEntry{Operator: o, Height: h})
				return false, nil
			})
		},
		func() error {
			return k.Peers.Walk(ctx, nil, func(_ string, p types.Peer) (bool, error) { g.Peers = append(g.Peers, p); return false, nil })
		},
		func() error {
			return k.BudgetUses.Walk(ctx, nil, func(_ string, u types.BudgetUse) (bool, error) {
				g.BudgetUses = append(g.BudgetUses, u)
				return false, nil
			})
		},
	}
	for _, walk := range walks {
		if err := walk(); err != nil {
			return nil, err
		}
	}
	return &g, nil
}

func (k Keeper) restoreBeacon(ctx context.Context, g types.GenesisState) error {
	if g.Beacon.Number == 0 {
		g.Beacon = types.FirstBeacon()
	}
	if err := k.Beacon.Set(ctx, g.Beacon); err != nil {
		return err
	}
	if err := k.NextDraw.Set(ctx, max(g.NextDrawId, 1)); err != nil {
		return err
	}
	for _, s := range g.BeaconShares {
		if err := k.BeaconShares.Set(ctx, s.Operator, s.Share); err != nil {
			return err
		}
	}
	for _, d := range g.Draws {
		if err := k.Draws.Set(ctx, d.Id, d); err != nil {
			return err
		}
	}
	return nil
}

func (k Keeper) exportBeacon(ctx context.Context, g *types.GenesisState) error {
	var err error
	if g.Beacon, err = k.beacon(ctx); err != nil {
		return err
	}
	if g.NextDrawId, err = k.NextDraw.Peek(ctx); err != nil {
		return err
	}
	err = k.BeaconShares.Walk(ctx, nil, func(operator string, s types.BeaconShare) (bool, error) {
		g.BeaconShares = append(g.BeaconShares, types.BeaconShareEntry{Operator: operator, Share: s})
		return false, nil
	})
	if err != nil {
		return err
	}
	return k.Draws.Walk(ctx, nil, func(_ uint64, d types.Draw) (bool, error) {
		g.Draws = append(g.Draws, d)
		return false, nil
	})
}
