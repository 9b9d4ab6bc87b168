package keeper

import (
	"context"

	"github.com/pold-network/pold/x/trainingset/types"
)

// InitGenesis writes a genesis state. Validators are asked about sets that they have not been asked about yet.
func (k Keeper) InitGenesis(ctx context.Context, g types.GenesisState) error {
	if err := k.Params.Set(ctx, g.Params); err != nil {
		return err
	}
	for _, s := range g.TrainingSets {
		if s.Status == types.STATUS_UNSPECIFIED {
			s.Status, s.Version = types.STATUS_PENDING, 1
		}
		if err := k.TrainingSets.Set(ctx, s.Name, s); err != nil {
			return err
		}
		if s.Status == types.STATUS_PENDING && s.ArtefactId == 0 {
			if err := k.Waiting.Set(ctx, s.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// ExportGenesis reads the whole state.
func (k Keeper) ExportGenesis(ctx context.Context) (*types.GenesisState, error) {
	params, err := k.Params.Get(ctx)
	if err != nil {
		return nil, err
	}
	g := &types.GenesisState{Params: params}
	err = k.TrainingSets.Walk(ctx, nil, func(_ string, s types.TrainingSet) (bool, error) {
		g.TrainingSets = append(g.TrainingSets, s)
		return false, nil
	})
	return g, err
}
