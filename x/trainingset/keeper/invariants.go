package keeper

import (
	"bytes"
	"context"
	"fmt"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"github.com/pold-network/pold/x/trainingset/types"
)

// CheckDeposits reports an account of the module that does not hold exactly the deposits of open proposals.
func (k Keeper) CheckDeposits(ctx context.Context) error {
	owed := math.ZeroInt()
	open := map[string]uint32{} // read by key only
	if err := k.Proposals.Walk(ctx, nil, func(id uint64, p types.Proposal) (bool, error) {
		if has, err := k.Due.Has(ctx, collections.Join(p.DueUnix, id)); err != nil || !has {
			return true, fmt.Errorf("proposal %d is never looked at again: %w", id, err)
		}
		if p.Status.Open() {
			owed = owed.Add(p.Deposit)
			open[p.TrainingSet]++
		}
		return false, nil
	}); err != nil {
		return err
	}
	have := k.bank.GetBalance(ctx, authtypes.NewModuleAddress(types.ModuleName), types.BaseDenom).Amount
	if !have.Equal(owed) {
		return fmt.Errorf("account of module %s: expected %s unrn for deposits of open proposals, got %s", types.ModuleName, owed, have)
	}
	return k.TrainingSets.Walk(ctx, nil, func(name string, s types.TrainingSet) (bool, error) {
		if s.OpenProposals != open[name] {
			return true, fmt.Errorf("training set %s: expected %d open proposals, got %d", name, open[name], s.OpenProposals)
		}
		return false, nil
	})
}

// CheckHistory reports a verified set whose last revision is not its current table, or whose history has a gap.
func (k Keeper) CheckHistory(ctx context.Context) error {
	last := map[string]types.Revision{} // read by key only
	if err := k.Revisions.Walk(ctx, nil, func(key collections.Pair[string, uint64], r types.Revision) (bool, error) {
		before, later := last[key.K1()]
		if later && (r.Version != before.Version+1 || r.Delta == nil) {
			return true, fmt.Errorf("history of %s: expected a delta to version %d, got version %d", key.K1(), before.Version+1, r.Version)
		}
		last[key.K1()] = r
		return false, nil
	}); err != nil {
		return err
	}
	return k.TrainingSets.Walk(ctx, nil, func(name string, s types.TrainingSet) (bool, error) {
		if s.Status != types.STATUS_VERIFIED {
			return false, nil
		}
		if r := last[name]; r.Version != s.Version || !bytes.Equal(r.Table.Root, s.Table.Root) {
			return true, fmt.Errorf("history of %s ends with version %d and root %x, the set is at version %d with root %x", name, r.Version, r.Table.Root, s.Version, s.Table.Root)
		}
		return false, nil
	})
}
