package keeper

import (
	"context"

	"github.com/pold-network/pold/x/pol/types"
)

// UpdateParams replaces the parameters. The start of the halvings can't be moved: it would re-mint the past.
func (k Keeper) UpdateParams(ctx context.Context, p types.Params) error {
	old, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	if p.GenesisUnix != old.GenesisUnix {
		return types.ErrInvalidParams.Wrapf("genesis_unix: expected %d, got %d; it is fixed at genesis", old.GenesisUnix, p.GenesisUnix)
	}
	if err := p.Validate(); err != nil {
		return err
	}
	return k.Params.Set(ctx, p)
}
