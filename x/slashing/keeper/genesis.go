package keeper

import (
	"context"

	"cosmossdk.io/collections"

	"github.com/pold-network/pold/x/slashing/types"
)

// InitGenesis writes a genesis state; indexes are rebuilt from the records.
func (k Keeper) InitGenesis(ctx context.Context, g types.GenesisState) error {
	if err := k.Params.Set(ctx, g.Params); err != nil {
		return err
	}
	if err := k.NextEvidence.Set(ctx, max(g.NextEvidenceId, 1)); err != nil {
		return err
	}
	if err := k.NextPenalty.Set(ctx, max(g.NextPenaltyId, 1)); err != nil {
		return err
	}
	for _, e := range g.Evidence {
		if err := k.storeEvidence(ctx, e); err != nil {
			return err
		}
	}
	if err := k.Today.Set(ctx, g.Today); err != nil {
		return err
	}
	for _, p := range g.Penalties {
		if err := k.restorePenalty(ctx, p); err != nil {
			return err
		}
		if p.Status == types.PENALTY_STATUS_EXECUTED && types.DayOf(p.FinishedUnix) == g.Today.Day {
			if err := k.Penalised.Set(ctx, p.Operator); err != nil {
				return err
			}
		}
	}
	for _, e := range g.Evidence {
		if has, err := k.PenaltyOf.Has(ctx, e.Id); err != nil {
			return err
		} else if has {
			continue // it goes with its penalty
		}
		if err := k.EvidenceExpiry.Set(ctx, collections.Join(e.Unix, e.Id)); err != nil {
			return err
		}
	}
	for _, r := range g.Records {
		if err := k.Records.Set(ctx, r.Operator, r); err != nil {
			return err
		}
	}
	return nil
}

// ExportGenesis reads the whole state.
func (k Keeper) ExportGenesis(ctx context.Context) (*types.GenesisState, error) {
	var g types.GenesisState
	var err error
	if g.Params, err = k.Params.Get(ctx); err != nil {
		return nil, err
	}
	if g.NextEvidenceId, err = k.NextEvidence.Peek(ctx); err != nil {
		return nil, err
	}
	if g.NextPenaltyId, err = k.NextPenalty.Peek(ctx); err != nil {
		return nil, err
	}
	if g.Today, err = k.today(ctx); err != nil {
		return nil, err
	}
	err = k.Evidence.Walk(ctx, nil, func(_ uint64, e types.Evidence) (bool, error) {
		e, err := k.withManifest(ctx, e)
		g.Evidence = append(g.Evidence, e)
		return false, err
	})
	if err != nil {
		return nil, err
	}
	err = k.Penalties.Walk(ctx, nil, func(_ uint64, p types.Penalty) (bool, error) {
		g.Penalties = append(g.Penalties, p)
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	err = k.Records.Walk(ctx, nil, func(_ string, r types.Record) (bool, error) {
		g.Records = append(g.Records, r)
		return false, nil
	})
	return &g, err
}
