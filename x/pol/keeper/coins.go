package keeper

import (
	"context"

	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
)

func nrn(amount math.Int) sdk.Coins { return sdk.NewCoins(sdk.NewCoin(types.BaseDenom, amount)) }

// escrow moves a positive amount from an account to the module.
func (k Keeper) escrow(ctx context.Context, from string, amount math.Int) error {
	if amount.IsNil() || !amount.IsPositive() {
		return types.ErrInvalidAmount.Wrapf("expected a positive number of unrn, got %s", amount)
	}
	addr, err := sdk.AccAddressFromBech32(from)
	if err != nil {
		return err
	}
	return k.bank.SendCoinsFromAccountToModule(ctx, addr, types.ModuleName, nrn(amount))
}

// release pays escrowed or minted coins out.
func (k Keeper) release(ctx context.Context, to string, amount math.Int) error {
	if !amount.IsPositive() {
		return nil
	}
	addr, err := sdk.AccAddressFromBech32(to)
	if err != nil {
		return err
	}
	return k.bank.SendCoinsFromModuleToAccount(ctx, types.ModuleName, addr, nrn(amount))
}

// burnEscrowed destroys coins that the module holds for an account.
func (k Keeper) burnEscrowed(ctx context.Context, address string, amount math.Int, reason string) error {
	if !amount.IsPositive() {
		return nil
	}
	if err := k.bank.BurnCoins(ctx, types.ModuleName, nrn(amount)); err != nil {
		return err
	}
	emit(ctx, &types.EventBurned{Address: address, Amount: amount, Reason: reason})
	return k.updateTotals(ctx, func(t *types.Totals) { t.Burned = t.Burned.Add(amount) })
}

// BurnFee takes a fee from an account and destroys it; other modules charge their fees through it, so that burns
// are counted in one place.
func (k Keeper) BurnFee(ctx context.Context, payer string, amount math.Int, reason string) error {
	if amount.IsZero() {
		return nil
	}
	if err := k.escrow(ctx, payer, amount); err != nil {
		return err
	}
	return k.burnEscrowed(ctx, payer, amount, reason)
}

// CountBurned adds what another module has destroyed of NRN (slashed stake, deposits) to the totals, so that the supply
// can be explained.
func (k Keeper) CountBurned(ctx context.Context, amount math.Int) error {
	if amount.IsNil() || amount.IsNegative() {
		return types.ErrInvalidAmount.Wrapf("burned by another module: expected 0 or more unrn, got %s", amount)
	}
	return k.updateTotals(ctx, func(t *types.Totals) {
		if t.Slashed.IsNil() {
			t.Slashed = zero
		}
		t.Slashed = t.Slashed.Add(amount)
	})
}

// mint creates coins and gives them to an account; nothing else in the chain mints.
func (k Keeper) mint(ctx context.Context, to string, amount math.Int) error {
	if !amount.IsPositive() {
		return nil
	}
	if err := k.bank.MintCoins(ctx, types.ModuleName, nrn(amount)); err != nil {
		return err
	}
	if err := k.updateTotals(ctx, func(t *types.Totals) { t.Coinbase = t.Coinbase.Add(amount) }); err != nil {
		return err
	}
	return k.release(ctx, to, amount)
}

func (k Keeper) updateTotals(ctx context.Context, change func(t *types.Totals)) error {
	t, err := k.Totals.Get(ctx)
	if err != nil {
		return err
	}
	change(&t)
	return k.Totals.Set(ctx, t)
}
