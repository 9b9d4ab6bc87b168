package keeper

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"github.com/pold-network/pold/x/pol/types"
)

// CheckEscrow reports a difference between what the module's account holds and what it owes: stake, stake on its way
// back, bounty pools and the bonds of open rounds.
func (k Keeper) CheckEscrow(ctx context.Context) error {
	owed := math.ZeroInt()
	if err := k.Bonds.Walk(ctx, nil, func(_ collections.Pair[string, string], b types.GroupBond) (bool, error) {
		owed = owed.Add(b.Amount)
		return false, nil
	}); err != nil {
		return err
	}
	totals, err := k.Totals.Get(ctx)
	if err != nil {
		return err
	}
	if !totals.Bonded.Equal(owed) {
		return fmt.Errorf("stake: the bonds add up to %s unrn, the total says %s", owed, totals.Bonded)
	}
	if err := k.Unbondings.Walk(ctx, nil, func(_ uint64, u types.Unbonding) (bool, error) {
		owed = owed.Add(u.Amount)
		return false, nil
	}); err != nil {
		return err
	}
	if all, err := k.totalStake(ctx); err != nil {
		return err
	} else if !all.Equal(owed) {
		return fmt.Errorf("stake: bonds and unbondings add up to %s unrn, the totals say %s", owed, all)
	}
	open := map[string]uint64{}
	if err := k.Groups.Walk(ctx, nil, func(name string, g types.Group) (bool, error) {
		owed = owed.Add(g.BountyPool)
		open[name] = g.Round
		return false, nil
	}); err != nil {
		return err
	}
	if err := k.Commitments.Walk(ctx, nil, func(_ collections.Triple[string, uint64, string], c types.Commitment) (bool, error) {
		if c.Round != open[c.Group] {
			return false, nil
		}
		r, err := k.Rounds.Get(ctx, collections.Join(c.Group, c.Round))
		if err == nil && r.Phase != types.ROUND_PHASE_SETTLED {
			owed = owed.Add(c.Bond)
		}
		return false, err
	}); err != nil {
		return err
	}
	have := k.bank.GetBalance(ctx, authtypes.NewModuleAddress(types.ModuleName), types.BaseDenom).Amount
	if !have.Equal(owed) {
		return fmt.Errorf("account of module %s: expected %s unrn for stake, unbonding, bounties and bonds, got %s", types.ModuleName, owed, have)
	}
	return nil
}

// CheckSupply reports a supply other than genesis plus coinbase minus burns. Burns of other modules (slashing,
// governance deposits) are not counted here, so on a chain that has them the supply may only be lower.
func (k Keeper) CheckSupply(ctx context.Context) error {
	t, err := k.Totals.Get(ctx)
	if err != nil {
		return err
	}
	want := t.GenesisSupply.Add(t.Coinbase).Sub(t.Burned)
	if supply := k.bank.GetSupply(ctx, types.BaseDenom).Amount; supply.GT(want) {
		return fmt.Errorf("supply: expected at most genesis %s + coinbase %s - burned %s = %s unrn, got %s", t.GenesisSupply, t.Coinbase, t.Burned, want, supply)
	}
	return nil
}
