package econ

import (
	"context"
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/core/store"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	poltypes "github.com/pold-network/pold/x/pol/types"
)

// bank counts unrn for all modules. Its balances stand in a store, so that what a failed message or block item did is undone.
type bank struct {
	balances collections.Map[[]byte, math.Int]
}

// supplyKey is shorter than any address.
var supplyKey = []byte("supply")

func newBank(service store.KVStoreService) *bank {
	sb := collections.NewSchemaBuilder(service)
	b := &bank{balances: collections.NewMap(sb, collections.NewPrefix(0), "balances", collections.BytesKey, sdk.IntValue)}
	if _, err := sb.Build(); err != nil {
		panic(err) // one map can't collide with another
	}
	return b
}

func (b *bank) get(ctx context.Context, key []byte) math.Int {
	v, err := b.balances.Get(ctx, key)
	if errors.Is(err, collections.ErrNotFound) {
		return math.ZeroInt()
	}
	if err != nil {
		panic(err) // a store in memory fails only when the simulator is wrong
	}
	return v
}

func (b *bank) add(ctx context.Context, key []byte, amount math.Int) error {
	v := b.get(ctx, key).Add(amount)
	if v.IsNegative() {
		return sdkerrors.ErrInsufficientFunds.Wrapf("%s unrn are missing", v.Neg())
	}
	return b.balances.Set(ctx, key, v)
}

func (b *bank) move(ctx context.Context, from, to sdk.AccAddress, amount math.Int) error {
	if err := b.add(ctx, from, amount.Neg()); err != nil {
		return err
	}
	return b.add(ctx, to, amount)
}

// change mints, or burns when the amount is negative, in the account of an address.
func (b *bank) change(ctx context.Context, address sdk.AccAddress, amount math.Int) error {
	if err := b.add(ctx, supplyKey, amount); err != nil {
		return err
	}
	return b.add(ctx, address, amount)
}

func (b *bank) GetSupply(ctx context.Context, denom string) sdk.Coin {
	return sdk.NewCoin(denom, b.get(ctx, supplyKey))
}

func (b *bank) GetBalance(ctx context.Context, addr sdk.AccAddress, denom string) sdk.Coin {
	return sdk.NewCoin(denom, b.get(ctx, addr))
}

func (b *bank) MintCoins(ctx context.Context, module string, amt sdk.Coins) error {
	return b.change(ctx, authtypes.NewModuleAddress(module), amt.AmountOf(poltypes.BaseDenom))
}

func (b *bank) BurnCoins(ctx context.Context, module string, amt sdk.Coins) error {
	return b.change(ctx, authtypes.NewModuleAddress(module), amt.AmountOf(poltypes.BaseDenom).Neg())
}

func (b *bank) SendCoinsFromModuleToAccount(ctx context.Context, sender string, to sdk.AccAddress, amt sdk.Coins) error {
	return b.move(ctx, authtypes.NewModuleAddress(sender), to, amt.AmountOf(poltypes.BaseDenom))
}

func (b *bank) SendCoinsFromAccountToModule(ctx context.Context, from sdk.AccAddress, to string, amt sdk.Coins) error {
	return b.move(ctx, from, authtypes.NewModuleAddress(to), amt.AmountOf(poltypes.BaseDenom))
}
