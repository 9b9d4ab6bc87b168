package keeper_test

import (
	"context"
	"errors"
	"fmt"

	"cosmossdk.io/collections"
	"cosmossdk.io/core/store"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"
	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// bank counts unrn. Its balances stand in a store, so that what a failed transaction or block item did is undone.
type bank struct {
	balances collections.Map[[]byte, math.Int]
	// blocked accounts can't receive coins.
	blocked map[string]bool
}

// supplyKey is shorter than any address.
var supplyKey = []byte("supply")

func newBank(service store.KVStoreService) *bank {
	sb := collections.NewSchemaBuilder(service)
	b := &bank{balances: collections.NewMap(sb, collections.NewPrefix(0), "balances", collections.BytesKey, sdk.IntValue), blocked: map[string]bool{}}
	if _, err := sb.Build(); err != nil {
		panic(err)
	}
	return b
}

func (b *bank) get(ctx context.Context, key []byte) math.Int {
	v, err := b.balances.Get(ctx, key)
	if errors.Is(err, collections.ErrNotFound) {
		return math.ZeroInt()
	}
	if err != nil {
		panic(err)
	}
	return v
}

func (b *bank) add(ctx context.Context, key []byte, amount math.Int) error {
	v := b.get(ctx, key).Add(amount)
	if v.IsNegative() {
		return sdkerrors.ErrInsufficientFunds.Wrapf("%s is missing", v.Neg())
	}
	return b.balances.Set(ctx, key, v)
}

func (b *bank) move(ctx context.Context, from, to sdk.AccAddress, coins sdk.Coins) error {
	if err := b.add(ctx, from, coins.AmountOf(types.BaseDenom).Neg()); err != nil {
		return err
	}
	return b.add(ctx, to, coins.AmountOf(types.BaseDenom))
}

func (b *bank) change(ctx context.Context, module string, amount math.Int) error {
	if err := b.add(ctx, supplyKey, amount); err != nil {
		return err
	}
	return b.add(ctx, authtypes.NewModuleAddress(module), amount)
}

func (b *bank) GetSupply(ctx context.Context, denom string) sdk.Coin {
	return sdk.NewCoin(denom, b.get(ctx, supplyKey))
}

func (b *bank) GetBalance(ctx context.Context, addr sdk.AccAddress, denom string) sdk.Coin {
	return sdk.NewCoin(denom, b.get(ctx, addr))
}

func (b *bank) MintCoins(ctx context.Context, module string, amt sdk.Coins) error {
	return b.change(ctx, module, amt.AmountOf(types.BaseDenom))
}

func (b *bank) BurnCoins(ctx context.Context, module string, amt sdk.Coins) error {
	return b.change(ctx, module, amt.AmountOf(types.BaseDenom).Neg())
}

func (b *bank) SendCoinsFromModuleToAccount(ctx context.Context, sender string, to sdk.AccAddress, amt sdk.Coins) error {
	if b.blocked[to.String()] {
		return fmt.Errorf("%s is not allowed to receive funds", to)
	}
	return b.move(ctx, authtypes.NewModuleAddress(sender), to, amt)
}

func (b *bank) SendCoinsFromAccountToModule(ctx context.Context, from sdk.AccAddress, to string, amt sdk.Coins) error {
	return b.move(ctx, from, authtypes.NewModuleAddress(to), amt)
}

// sets is one training set, under two names, that is verified or not.
type sets struct {
	set     trainingsettypes.TrainingSet
	problem error
	// panics names a set at which the module panics.
	panics string
	// forked are the copies that were made: source, name, owner, group.
	forked [][]string
}

func (s *sets) Verified(_ context.Context, name string) (trainingsettypes.TrainingSet, error) {
	if name == s.panics {
		panic("training set exploded")
	}
	if s.problem != nil {
		return trainingsettypes.TrainingSet{}, s.problem
	}
	if name != s.set.Name && name != "twin" {
		return trainingsettypes.TrainingSet{}, trainingsettypes.ErrNotVerified.Wrapf("%q is not registered", name)
	}
	return s.set, nil
}

func (s *sets) Adopt(_ context.Context, name, group, creator string) error {
	if s.set.Name == name && s.set.Group == "" && s.set.Owner == creator {
		s.set.Group = group
	}
	return nil
}

func (s *sets) Fork(_ context.Context, source, name, owner, group string) error {
	if s.problem != nil {
		return s.problem
	}
	s.forked = append(s.forked, []string{source, name, owner, group})
	s.set.Name = name
	return nil
}
