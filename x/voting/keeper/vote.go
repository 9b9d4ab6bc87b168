package keeper

import (
	"context"
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/voting/types"
)

// Vote supports a ballot with all the stake that the voter has in its group, now and later. It returns what the vote counts
// with in the current period, in unrn.
func (k Keeper) Vote(ctx context.Context, voter string, id uint64, subject string) (math.Int, error) {
	zero := math.ZeroInt()
	b, err := k.openBallot(ctx, id)
	if err != nil {
		return zero, err
	}
	if subject != "" && subject != b.Subject {
		return zero, types.ErrSubject.Wrapf("ballot %d: expected %q, got %q; look at it again before you vote", id, b.Subject, subject)
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return zero, err
	}
	bonded, err := k.stakes.Bonded(ctx, b.Group, voter)
	if err != nil {
		return zero, err
	}
	if bonded.LT(params.MinVoteStake) {
		return zero, types.ErrNoStake.Wrapf("group %q: expected at least %s unrn, %s has %s; bond with: pold group bond", b.Group, params.MinVoteStake, voter, bonded)
	}
	votes, err := k.openVotes(ctx, b.Group, voter)
	if err != nil {
		return zero, err
	}
	for _, other := range votes {
		if other.Id == id {
			return zero, types.ErrVoted.Wrapf("ballot %d", id)
		}
	}
	if len(votes) >= int(params.MaxVotes) {
		return zero, types.ErrTooManyVotes.Wrapf("group %q: expected at most %d open votes of an account; take one back first", b.Group, params.MaxVotes)
	}
	standing, err := k.count(ctx, voter, &b, bonded, 1)
	if err != nil {
		return zero, err
	}
	b.Votes++
	emit(ctx, &types.EventVoted{Ballot: id, Group: b.Group, Voter: voter, Support: true, Standing: b.Tally.Standing})
	return standing, errors.Join(
		k.Ballots.Set(ctx, id, b),
		k.Votes.Set(ctx, collections.Join(id, voter)),
		k.VotesByVoter.Set(ctx, collections.Join3(b.Group, voter, id)),
	)
}

// VoterStanding returns what an account can vote with in the current period of a group, in unrn.
func (k Keeper) VoterStanding(ctx context.Context, group, address string) (math.Int, error) {
	p, err := k.Period(ctx, group)
	if err != nil {
		return math.ZeroInt(), err
	}
	bonded, err := k.stakes.Bonded(ctx, group, address)
	if err != nil {
		return math.ZeroInt(), err
	}
	recorded, err := k.recorded(ctx, group, address)
	return types.Least(recorded, p.Number, bonded), err
}

// Unvote takes a vote back.
func (k Keeper) Unvote(ctx context.Context, voter string, id uint64) error {
	b, err := k.openBallot(ctx, id)
	if err != nil {
		return err
	}
	if has, err := k.Votes.Has(ctx, collections.Join(id, voter)); err != nil {
		return err
	} else if !has {
		return types.ErrNotVoted.Wrapf("%s does not support ballot %d", voter, id)
	}
	bonded, err := k.stakes.Bonded(ctx, b.Group, voter)
	if err != nil {
		return err
	}
	if _, err := k.count(ctx, voter, &b, bonded, -1); err != nil {
		return err
	}
	b.Votes--
	emit(ctx, &types.EventVoted{Ballot: id, Group: b.Group, Voter: voter, Standing: b.Tally.Standing})
	return errors.Join(k.Ballots.Set(ctx, id, b), k.removeVote(ctx, b.Group, id, voter))
}

// count adds (sign 1) or takes away (-1) an account's stake and returns what of it stands.
func (k Keeper) count(ctx context.Context, voter string, b *types.Ballot, bonded math.Int, sign int64) (math.Int, error) {
	p, err := k.Period(ctx, b.Group)
	if err != nil {
		return math.ZeroInt(), err
	}
	recorded, err := k.recorded(ctx, b.Group, voter)
	if err != nil {
		return math.ZeroInt(), err
	}
	standing := types.Least(recorded, p.Number, bonded)
	b.Tally.Add(p.Number, standing.MulRaw(sign), bonded.MulRaw(sign))
	return standing, nil
}

// BondChanged keeps the tallies right when the bond of an account changes. Stake that comes counts from the next period on,
// stake that goes counts no more, and stake that comes back does not count again before the next period.
func (k Keeper) BondChanged(ctx context.Context, group, address string, before, after math.Int) error {
	stored, ok, err := find(ctx, k.Periods, group)
	if err != nil || !ok {
		return err
	}
	recorded, err := k.recorded(ctx, group, address)
	if err != nil {
		return err
	}
	least := types.Least(recorded, stored.Number, before)
	now := math.MinInt(least, after)
	standing, bonded := now.Sub(least), after.Sub(before)
	stored.Tally.Add(stored.Number, standing, bonded)
	if err := k.Periods.Set(ctx, group, stored); err != nil {
		return err
	}
	if now.Equal(after) { // as if nothing was recorded, so that accounts that leave leave nothing behind
		err = k.Standings.Remove(ctx, collections.Join(group, address))
	} else {
		err = k.Standings.Set(ctx, collections.Join(group, address), types.Standing{Group: group, Address: address, Period: stored.Number, Least: now})
	}
	if err != nil {
		return err
	}
	ballots, err := k.openVotes(ctx, group, address)
	if err != nil {
		return err
	}
	for _, b := range ballots {
		b.Tally.Add(stored.Number, standing, bonded)
		if err := k.Ballots.Set(ctx, b.Id, b); err != nil {
			return err
		}
	}
	return nil
}

// openVotes returns the open ballots that an account supports in a group: at most max_votes.
func (k Keeper) openVotes(ctx context.Context, group, voter string) ([]types.Ballot, error) {
	var ids []uint64
	err := k.VotesByVoter.Walk(ctx, collections.NewSuperPrefixedTripleRange[string, string, uint64](group, voter),
		func(key collections.Triple[string, string, uint64]) (bool, error) {
			ids = append(ids, key.K3())
			return false, nil
		})
	if err != nil {
		return nil, err
	}
	var ballots []types.Ballot
	for _, id := range ids {
		b, err := k.Ballots.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		if b.Closed { // this costs its sweep one vote less, and the voter's limit stays true
			if err := k.removeVote(ctx, group, id, voter); err != nil {
				return nil, err
			}
			continue
		}
		ballots = append(ballots, b)
	}
	return ballots, nil
}

// recorded returns what was noted at the last change of a bond, nil for never.
func (k Keeper) recorded(ctx context.Context, group, address string) (*types.Standing, error) {
	s, ok, err := find(ctx, k.Standings, collections.Join(group, address))
	if err != nil || !ok {
		return nil, err
	}
	return &s, nil
}

func (k Keeper) removeVote(ctx context.Context, group string, id uint64, voter string) error {
	return errors.Join(
		k.Votes.Remove(ctx, collections.Join(id, voter)),
		k.VotesByVoter.Remove(ctx, collections.Join3(group, voter, id)),
	)
}
