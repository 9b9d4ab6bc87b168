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
// back, bounty pools, the bonds of open rounds, of providers and of canaries, and losses that are held back.
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
	conditional, err := k.conditional(ctx)
	if err != nil {
		return err
	}
	owed = owed.Add(conditional)
	have := k.bank.GetBalance(ctx, authtypes.NewModuleAddress(types.ModuleName), types.BaseDenom).Amount
	if !have.Equal(owed) {
		return fmt.Errorf("account of module %s: expected %s unrn for stake, unbonding, bounties, bonds and held losses, got %s", types.ModuleName, owed, have)
	}
	return nil
}

// conditional is what the module holds for providers, planters, and trainers whose loss is held back.
func (k Keeper) conditional(ctx context.Context) (math.Int, error) {
	sum := math.ZeroInt()
	err := k.ProviderBonds.Walk(ctx, nil, func(_ collections.Pair[string, string], b types.ProviderBond) (bool, error) {
		sum = sum.Add(b.Amount)
		return false, nil
	})
	if err != nil {
		return sum, err
	}
	err = k.Canaries.Walk(ctx, nil, func(_ collections.Triple[string, uint64, string], c types.Canary) (bool, error) {
		if c.Status == types.CANARY_STATUS_PLANTED {
			sum = sum.Add(c.Bond)
		}
		return false, nil
	})
	if err != nil {
		return sum, err
	}
	return sum, k.HeldLosses.Walk(ctx, nil, func(_ collections.Triple[string, uint64, string], h types.HeldLoss) (bool, error) {
		sum = sum.Add(h.Amount)
		return false, nil
	})
}

// CheckSupply reports a supply above genesis plus coinbase minus burns, those of other modules that told us included. The SDK's
// own penalties (double signing, downtime) and burned deposits tell nobody, so the supply may be lower.
func (k Keeper) CheckSupply(ctx context.Context) error {
	t, err := k.Totals.Get(ctx)
	if err != nil {
		return err
	}
	want := t.GenesisSupply.Add(t.Coinbase).Sub(t.Burned)
	if !t.Slashed.IsNil() {
		want = want.Sub(t.Slashed)
	}
	if supply := k.bank.GetSupply(ctx, types.BaseDenom).Amount; supply.GT(want) {
		return fmt.Errorf("supply: expected at most genesis %s + coinbase %s - burned %s - slashed %s = %s unrn, got %s",
			t.GenesisSupply, t.Coinbase, t.Burned, t.Slashed, want, supply)
	}
	return nil
}

// CheckStakes reports a group whose stake is not the sum of the bonds behind it: its share of the coinbase depends on it.
func (k Keeper) CheckStakes(ctx context.Context) error {
	bonds := map[string]math.Int{} // read by key only
	if err := k.Bonds.Walk(ctx, nil, func(key collections.Pair[string, string], b types.GroupBond) (bool, error) {
		if !b.Amount.IsPositive() {
			return true, fmt.Errorf("bond of %s on %s: expected more than 0 unrn, got %s", key.K2(), key.K1(), b.Amount)
		}
		if sum, ok := bonds[key.K1()]; ok {
			b.Amount = b.Amount.Add(sum)
		}
		bonds[key.K1()] = b.Amount
		return false, nil
	}); err != nil {
		return err
	}
	return k.Groups.Walk(ctx, nil, func(name string, _ types.Group) (bool, error) {
		stake, err := k.stake(ctx, name)
		if err != nil {
			return true, err
		}
		want, ok := bonds[name]
		if !ok {
			want = zero
		}
		if !stake.Equal(want) {
			return true, fmt.Errorf("stake of group %s: expected the sum of its bonds, %s unrn, got %s", name, want, stake)
		}
		return false, nil
	})
}

// CheckSchedule reports a group that is not due at exactly one height, which would never act again, and details of rounds that are gone.
func (k Keeper) CheckSchedule(ctx context.Context) error {
	groups, due := 0, 0
	if err := k.Groups.Walk(ctx, nil, func(name string, _ types.Group) (bool, error) {
		groups++
		height, known, err := find(ctx, k.DueByGroup, name)
		if err != nil {
			return true, err
		}
		has, err := k.Due.Has(ctx, collections.Join(height, name))
		if err == nil && (!known || !has) {
			err = fmt.Errorf("group %s has nothing to do at any height", name)
		}
		return err != nil, err
	}); err != nil {
		return err
	}
	if err := k.Due.Walk(ctx, nil, func(collections.Pair[int64, string]) (bool, error) { due++; return false, nil }); err != nil {
		return err
	}
	if due != groups {
		return fmt.Errorf("schedule: expected one entry for each of %d groups, got %d", groups, due)
	}
	if err := k.Commitments.Walk(ctx, nil, func(key collections.Triple[string, uint64, string], _ types.Commitment) (bool, error) {
		return k.roundExists(ctx, key, "commitment")
	}); err != nil {
		return err
	}
	return k.Submissions.Walk(ctx, nil, func(key collections.Triple[string, uint64, string], _ types.Submission) (bool, error) {
		return k.roundExists(ctx, key, "submission")
	})
}

// roundExists is for walks: it stops with an error when the round of a key is gone.
func (k Keeper) roundExists(ctx context.Context, key collections.Triple[string, uint64, string], what string) (bool, error) {
	has, err := k.Rounds.Has(ctx, collections.Join(key.K1(), key.K2()))
	if err == nil && !has {
		err = fmt.Errorf("%s of %s in round %d of %s, which is gone", what, key.K3(), key.K2(), key.K1())
	}
	return err != nil, err
}

// CheckStoreTurns reports a group that is not due for a store task at exactly one height.
func (k Keeper) CheckStoreTurns(ctx context.Context) error {
	turns, due := 0, 0
	if err := k.Groups.Walk(ctx, nil, func(name string, g types.Group) (bool, error) {
		if g.Settings.Sandbox {
			return false, nil
		}
		turns++
		t, known, err := find(ctx, k.StoreTurns, name)
		if err != nil {
			return true, err
		}
		has, err := k.StoreDue.Has(ctx, collections.Join(t.Due, name))
		if err == nil && (!known || !has) {
			err = fmt.Errorf("group %s is due for a store task at no height", name)
		}
		return err != nil, err
	}); err != nil {
		return err
	}
	if err := k.StoreDue.Walk(ctx, nil, func(collections.Pair[int64, string]) (bool, error) { due++; return false, nil }); err != nil {
		return err
	}
	if err := k.StoreTurns.Walk(ctx, nil, func(string, types.StoreTurn) (bool, error) { due++; return false, nil }); err != nil {
		return err
	}
	if due != 2*turns {
		return fmt.Errorf("store turns: expected one and its due height for each of %d groups, got %d entries", turns, due)
	}
	return nil
}
