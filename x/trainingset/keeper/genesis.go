package keeper

import (
	"context"
	"errors"

	"cosmossdk.io/collections"

	"github.com/pold-network/pold/x/trainingset/types"
)

// InitGenesis writes a genesis state. Sets that nobody has checked are asked about after the first block.
func (k Keeper) InitGenesis(ctx context.Context, g types.GenesisState) error {
	if err := errors.Join(k.Params.Set(ctx, g.Params), k.NextProposal.Set(ctx, max(g.NextProposal, 1))); err != nil {
		return err
	}
	for _, s := range g.TrainingSets {
		if s.Status == types.STATUS_UNSPECIFIED {
			s.Status, s.Version = types.STATUS_PENDING, 1
		}
		if err := k.TrainingSets.Set(ctx, s.Name, s); err != nil {
			return err
		}
		if s.Group != "" {
			if err := k.Governed.Set(ctx, s.Group, s.Name); err != nil {
				return err
			}
		}
		if s.Status == types.STATUS_PENDING && s.ArtefactId == 0 {
			if err := k.Waiting.Set(ctx, s.Name); err != nil {
				return err
			}
		}
	}
	for _, r := range g.Revisions {
		if err := k.Revisions.Set(ctx, collections.Join(r.TrainingSet, r.Version), r); err != nil {
			return err
		}
	}
	for _, s := range g.TrainingSets {
		if s.Status != types.STATUS_VERIFIED {
			continue
		}
		// A genesis file may bring sets that were checked elsewhere; their history starts here.
		if has, err := k.Revisions.Has(ctx, collections.Join(s.Name, s.Version)); err != nil {
			return err
		} else if !has {
			if err := k.record(ctx, s, nil); err != nil {
				return err
			}
		}
	}
	for _, p := range g.Proposals {
		if err := k.initProposal(ctx, p); err != nil {
			return err
		}
	}
	for _, c := range g.Checks {
		if err := k.Checks.Set(ctx, c.TrainingSet, c); err != nil {
			return err
		}
	}
	return nil
}

func (k Keeper) initProposal(ctx context.Context, p types.Proposal) error {
	if err := errors.Join(
		k.Proposals.Set(ctx, p.Id, p),
		k.BySet.Set(ctx, collections.Join(p.TrainingSet, p.Id)),
		k.Due.Set(ctx, collections.Join(p.DueUnix, p.Id)),
	); err != nil || !p.Status.Open() {
		return err
	}
	return k.OpenBodies.Set(ctx, bodyKey(p.TrainingSet, p.Delta.Sha256, p.Proposer), p.Id)
}

// ExportGenesis reads the whole state.
func (k Keeper) ExportGenesis(ctx context.Context) (*types.GenesisState, error) {
	params, err := k.Params.Get(ctx)
	if err != nil {
		return nil, err
	}
	g := &types.GenesisState{Params: params}
	if g.NextProposal, err = k.NextProposal.Peek(ctx); err != nil {
		return nil, err
	}
	return g, errors.Join(
		k.TrainingSets.Walk(ctx, nil, func(_ string, s types.TrainingSet) (bool, error) {
			g.TrainingSets = append(g.TrainingSets, s)
			return false, nil
		}),
		k.Revisions.Walk(ctx, nil, func(_ collections.Pair[string, uint64], r types.Revision) (bool, error) {
			g.Revisions = append(g.Revisions, r)
			return false, nil
		}),
		k.Proposals.Walk(ctx, nil, func(_ uint64, p types.Proposal) (bool, error) {
			g.Proposals = append(g.Proposals, p)
			return false, nil
		}),
		k.Checks.Walk(ctx, nil, func(_ string, c types.Check) (bool, error) {
			g.Checks = append(g.Checks, c)
			return false, nil
		}),
	)
}
