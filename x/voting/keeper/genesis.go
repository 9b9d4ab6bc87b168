package keeper

import (
	"context"
	"errors"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/voting/types"
)

// InitGenesis writes a genesis state. Groups without a period open their first one: what is bonded to them at genesis stands.
func (k Keeper) InitGenesis(ctx context.Context, g types.GenesisState) error {
	if err := errors.Join(k.Params.Set(ctx, g.Params), k.NextBallot.Set(ctx, max(g.NextBallot, 1))); err != nil {
		return err
	}
	for _, p := range g.Periods {
		if err := k.Periods.Set(ctx, p.Group, p); err != nil {
			return err
		}
	}
	for _, d := range g.Due {
		if err := k.schedule(ctx, d.Group, d.Unix); err != nil {
			return err
		}
	}
	for _, b := range g.Ballots {
		if err := k.Ballots.Set(ctx, b.Id, b); err != nil {
			return err
		}
		var err error
		if b.Closed {
			err = k.Closed.Set(ctx, b.Id)
		} else {
			err = k.BallotsByGroup.Set(ctx, collections.Join(b.Group, b.Id))
		}
		if err != nil {
			return err
		}
	}
	for _, v := range g.Votes {
		if err := errors.Join(k.Votes.Set(ctx, collections.Join(v.Ballot, v.Voter)), k.VotesByVoter.Set(ctx, collections.Join3(v.Group, v.Voter, v.Ballot))); err != nil {
			return err
		}
	}
	for _, s := range g.Standings {
		if err := k.Standings.Set(ctx, collections.Join(s.Group, s.Address), s); err != nil {
			return err
		}
	}
	return k.stakes.GroupStakes(ctx, func(group string, stake math.Int) error { return k.GroupOpened(ctx, group, stake) })
}

// ExportGenesis reads the whole state.
func (k Keeper) ExportGenesis(ctx context.Context) (*types.GenesisState, error) {
	params, err := k.Params.Get(ctx)
	if err != nil {
		return nil, err
	}
	g := &types.GenesisState{Params: params}
	if g.NextBallot, err = k.NextBallot.Peek(ctx); err != nil {
		return nil, err
	}
	return g, errors.Join(
		k.Periods.Walk(ctx, nil, func(_ string, p types.Period) (bool, error) {
			g.Periods = append(g.Periods, p)
			return false, nil
		}),
		k.Due.Walk(ctx, nil, func(key collections.Pair[int64, string]) (bool, error) {
			g.Due = append(g.Due, types.DueGroup{Group: key.K2(), Unix: key.K1()})
			return false, nil
		}),
		k.Ballots.Walk(ctx, nil, func(_ uint64, b types.Ballot) (bool, error) {
			g.Ballots = append(g.Ballots, b)
			return false, nil
		}),
		k.VotesByVoter.Walk(ctx, nil, func(key collections.Triple[string, string, uint64]) (bool, error) {
			g.Votes = append(g.Votes, types.Vote{Ballot: key.K3(), Group: key.K1(), Voter: key.K2()})
			return false, nil
		}),
		k.Standings.Walk(ctx, nil, func(_ collections.Pair[string, string], s types.Standing) (bool, error) {
			g.Standings = append(g.Standings, s)
			return false, nil
		}),
	)
}
