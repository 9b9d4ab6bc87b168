package keeper

import (
	"context"
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/voting/types"
)

// OpenBallot lets stakeholders of a group vote for something. owner and ref are how the module that asks finds it again.
func (k Keeper) OpenBallot(ctx context.Context, group, owner string, ref uint64, subject string) (uint64, error) {
	if len(subject) > types.MaxSubject {
		return 0, types.ErrSubject.Wrapf("expected at most %d bytes, got %d", types.MaxSubject, len(subject))
	}
	p, err := k.Period(ctx, group)
	if err != nil {
		return 0, err
	}
	id, err := k.NextBallot.Next(ctx)
	if err != nil {
		return 0, err
	}
	p.OpenBallots++
	b := types.Ballot{Id: id, Group: group, Owner: owner, Ref: ref, Subject: subject, Tally: types.NewTally(p.Number)}
	return id, errors.Join(
		k.Periods.Set(ctx, group, p),
		k.Ballots.Set(ctx, id, b),
		k.BallotsByGroup.Set(ctx, collections.Join(group, id)),
	)
}

// CloseBallot ends a vote. The votes are removed in later blocks, a bounded number at a time.
func (k Keeper) CloseBallot(ctx context.Context, id uint64) error {
	b, err := k.openBallot(ctx, id)
	if err != nil {
		return err
	}
	p, err := k.Period(ctx, b.Group)
	if err != nil {
		return err
	}
	p.OpenBallots--
	b.Closed = true
	return errors.Join(
		k.Periods.Set(ctx, b.Group, p),
		k.Ballots.Set(ctx, id, b),
		k.BallotsByGroup.Remove(ctx, collections.Join(b.Group, id)),
		k.Closed.Set(ctx, id),
	)
}

// Standing returns the stake behind a ballot that stood since the period opened, and that of the whole group.
func (k Keeper) Standing(ctx context.Context, id uint64) (ballot, group math.Int, err error) {
	b, err := k.ballot(ctx, id)
	if err != nil {
		return ballot, group, err
	}
	p, err := k.Period(ctx, b.Group)
	return b.Tally.At(p.Number).Standing, p.Tally.Standing, err
}

// Open returns the open ballots of a group that a module owns, in the order of their ids, with their tallies as they are now.
func (k Keeper) Open(ctx context.Context, group, owner string) ([]types.Ballot, error) {
	p, err := k.Period(ctx, group)
	if err != nil {
		return nil, err
	}
	var ballots []types.Ballot
	err = k.BallotsByGroup.Walk(ctx, collections.NewPrefixedPairRange[string, uint64](group), func(key collections.Pair[string, uint64]) (bool, error) {
		b, err := k.Ballots.Get(ctx, key.K2())
		if err == nil && b.Owner == owner {
			b.Tally = b.Tally.At(p.Number)
			ballots = append(ballots, b)
		}
		return false, err
	})
	return ballots, err
}

func (k Keeper) ballot(ctx context.Context, id uint64) (types.Ballot, error) {
	b, err := k.Ballots.Get(ctx, id)
	if errors.Is(err, collections.ErrNotFound) {
		return b, types.ErrBallotNotFound.Wrapf("%d; list those of a group with: pold q voting ballots GROUP", id)
	}
	return b, err
}

func (k Keeper) openBallot(ctx context.Context, id uint64) (types.Ballot, error) {
	b, err := k.ballot(ctx, id)
	if err == nil && b.Closed {
		err = types.ErrClosed.Wrapf("%d is decided", id)
	}
	return b, err
}
