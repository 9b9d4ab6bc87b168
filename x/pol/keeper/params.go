package keeper

import (
	"context"

	"github.com/pold-network/pold/x/pol/types"
)

// UpdateParams replaces the parameters. Start and interval of the halvings are values of the genesis.
func (k Keeper) UpdateParams(ctx context.Context, p types.Params) error {
	old, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	if p.GenesisUnix != old.GenesisUnix {
		return types.ErrInvalidParams.Wrapf("genesis_unix: expected %d, got %d; it is fixed at genesis", old.GenesisUnix, p.GenesisUnix)
	}
	if p.HalvingIntervalSeconds != old.HalvingIntervalSeconds {
		return types.ErrInvalidParams.Wrapf("halving_interval_seconds: expected %d, got %d; it is fixed at genesis",
			old.HalvingIntervalSeconds, p.HalvingIntervalSeconds)
	}
	if err := p.Validate(); err != nil {
		return err
	}
	return k.Params.Set(ctx, p)
}
