package keeper

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/voting/types"
)

// CheckTallies reports a tally that is not the sum over the accounts that support the ballot, or over all of the group.
func (k Keeper) CheckTallies(ctx context.Context) error {
	counted := map[uint64]types.Tally{} // read by key only
	if err := k.Ballots.Walk(ctx, nil, func(id uint64, b types.Ballot) (bool, error) {
		counted[id] = types.NewTally(0)
		return false, nil
	}); err != nil {
		return err
	}
	if err := k.VotesByVoter.Walk(ctx, nil, func(key collections.Triple[string, string, uint64]) (bool, error) {
		t, ok := counted[key.K3()]
		has, err := k.Votes.Has(ctx, collections.Join(key.K3(), key.K2()))
		if err != nil || !ok || !has {
			return true, fmt.Errorf("vote of %s in %s for ballot %d, which is gone: %w", key.K2(), key.K1(), key.K3(), err)
		}
		bonded, err := k.stakes.Bonded(ctx, key.K1(), key.K2())
		if err != nil {
			return true, err
		}
		p, err := k.Period(ctx, key.K1())
		if err != nil {
			return true, err
		}
		recorded, err := k.recorded(ctx, key.K1(), key.K2())
		if err != nil {
			return true, err
		}
		t.Add(p.Number, types.Least(recorded, p.Number, bonded), bonded)
		counted[key.K3()] = t
		return false, nil
	}); err != nil {
		return err
	}
	open := map[string]uint32{} // read by key only
	if err := k.Ballots.Walk(ctx, nil, func(id uint64, b types.Ballot) (bool, error) {
		if b.Closed {
			return false, nil
		}
		open[b.Group]++
		p, err := k.Period(ctx, b.Group)
		if err != nil {
			return true, err
		}
		got, want := b.Tally.At(p.Number), counted[id].At(p.Number)
		if !got.Standing.Equal(want.Standing) || !got.Bonded.Equal(want.Bonded) {
			return true, fmt.Errorf("ballot %d of %s: expected %s standing and %s bonded unrn behind it, got %s and %s", id, b.Group, want.Standing, want.Bonded, got.Standing, got.Bonded)
		}
		return false, nil
	}); err != nil {
		return err
	}
	return k.checkGroups(ctx, open)
}

// checkGroups reports a group whose tally is not its stake, or that is not due at exactly one time.
func (k Keeper) checkGroups(ctx context.Context, open map[string]uint32) error {
	return k.stakes.GroupStakes(ctx, func(group string, stake math.Int) error {
		p, err := k.Period(ctx, group)
		if err != nil {
			return err
		}
		if !p.Tally.Bonded.Equal(stake) || p.Tally.Standing.GT(stake) || p.Tally.Standing.IsNegative() {
			return fmt.Errorf("period of %s: expected %s unrn bonded and 0 to as many standing, got %s and %s", group, stake, p.Tally.Bonded, p.Tally.Standing)
		}
		if p.OpenBallots != open[group] {
			return fmt.Errorf("period of %s: expected %d open ballots, got %d", group, open[group], p.OpenBallots)
		}
		unix, known, err := find(ctx, k.DueByGroup, group)
		if err != nil {
			return err
		}
		if has, err := k.Due.Has(ctx, collections.Join(unix, group)); err != nil || !known || !has {
			return fmt.Errorf("period of %s is never looked at again: %w", group, err)
		}
		return nil
	})
}
