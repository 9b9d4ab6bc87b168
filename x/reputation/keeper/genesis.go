package keeper

import (
	"context"

	"cosmossdk.io/collections"

	"github.com/pold-network/pold/x/reputation/types"
)

// InitGenesis writes a genesis state; the index by day is rebuilt from the records.
func (k Keeper) InitGenesis(ctx context.Context, g types.GenesisState) error {
	if err := k.Params.Set(ctx, g.Params); err != nil {
		return err
	}
	for _, s := range g.Scores {
		address, _, err := k.parse(s.Address)
		if err != nil {
			return err
		}
		if address != s.Address {
			return types.ErrInvalidAddress.Wrapf("expected %s, got %s", address, s.Address)
		}
		if err := k.Scores.Set(ctx, s.Address, s); err != nil {
			return err
		}
		if err := k.ByDay.Set(ctx, collections.Join(day(s.UpdatedUnix), s.Address)); err != nil {
			return err
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
	err = k.Scores.Walk(ctx, nil, func(_ string, s types.Score) (bool, error) {
		g.Scores = append(g.Scores, s)
		return false, nil
	})
	return g, err
}

// parse returns the usual spelling of the address of an account or a validator operator, and which of them it is.
func (k Keeper) parse(address string) (text string, operator bool, err error) {
	if b, err := k.operators.StringToBytes(address); err == nil {
		text, err = k.operators.BytesToString(b)
		return text, true, err
	}
	b, err := k.accounts.StringToBytes(address)
	if err != nil {
		return "", false, types.ErrInvalidAddress.Wrapf("expected an account or a validator operator, got %q: %s", address, err)
	}
	text, err = k.accounts.BytesToString(b)
	return text, false, err
}
