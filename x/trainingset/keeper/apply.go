package keeper

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"
	"cosmossdk.io/math"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// decide applies the most voted of the checked proposals of a period, if any has quorum. The others stay open.
func (k Keeper) decide(goCtx context.Context, period votingtypes.Period) error {
	ctx := sdk.UnwrapSDKContext(goCtx)
	c, exists, err := k.checkOf(ctx, period.Group)
	if err != nil || !exists {
		return err
	}
	if err := k.Checks.Remove(ctx, c.TrainingSet); err != nil {
		return err
	}
	params, err := k.Params.Get(ctx)
	if err != nil {
		return err
	}
	s, err := k.Verified(ctx, c.TrainingSet)
	if err != nil {
		return err
	}
	keep, err := k.keepers(ctx, s)
	if err != nil {
		return err
	}
	least, err := k.pol.MinGroupStake(ctx)
	if err != nil {
		return err
	}
	var winner *types.Proposal
	support := math.ZeroInt()
	var others []types.Proposal
	for _, id := range c.Proposals {
		p, exists, err := find(ctx, k.Proposals, id)
		if err != nil {
			return err
		}
		if !exists || !p.Status.Open() {
			continue
		}
		standing, all, err := k.voting.Standing(ctx, p.Ballot)
		if err != nil {
			return err
		}
		// Too little stake decides nothing: the first to bond to a group would decide for all who come.
		ready := p.Status == types.PROPOSAL_STATUS_APPLICABLE && p.CheckedVersion == s.Version && all.GTE(least) && p.Wins(params, standing, keep, all)
		// Of equal support the earlier proposal wins.
		if ready && (winner == nil || standing.GT(support) || standing.Equal(support) && p.Id < winner.Id) {
			if winner != nil {
				others = append(others, *winner)
			}
			winner, support = &p, standing
			continue
		}
		others = append(others, p)
	}
	note := "it had too little support at the end of the period, or was not checked in time"
	if winner != nil {
		if err := k.apply(ctx, s, *winner); err != nil {
			return err
		}
		note = fmt.Sprintf("proposal %d had more support; this one is checked again when it is among the most voted", winner.Id)
	}
	for _, p := range others {
		if p.Status == types.PROPOSAL_STATUS_FETCHING || p.Status == types.PROPOSAL_STATUS_CHECKING || winner != nil {
			if err := k.setStatus(ctx, p, types.PROPOSAL_STATUS_OPEN, note); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepers returns the standing stake of those who want a table to stay as it is.
func (k Keeper) keepers(ctx context.Context, s types.TrainingSet) (math.Int, error) {
	if s.KeepBallot == 0 {
		return math.ZeroInt(), nil
	}
	standing, _, err := k.voting.Standing(ctx, s.KeepBallot)
	return standing, err
}

// apply makes the result of a proposal the table of its set and pays the proposer.
func (k Keeper) apply(ctx sdk.Context, s types.TrainingSet, p types.Proposal) error {
	s.Table = *p.Result
	s.Version++
	if err := k.TrainingSets.Set(ctx, s.Name, s); err != nil {
		return err
	}
	if err := k.record(ctx, s, &p); err != nil {
		return err
	}
	if err := k.close(ctx, p, types.PROPOSAL_STATUS_APPLIED, fmt.Sprintf("the table is at version %d", s.Version)); err != nil {
		return err
	}
	reward := math.ZeroInt()
	// What goes wrong with the pay must not stop the change that people voted for.
	k.try(ctx, "reward of proposal", func(ctx sdk.Context) error {
		var err error
		if reward, err = k.pol.PayProposer(ctx, s.Group, p.Proposer); err != nil {
			return err
		}
		key := collections.Join(s.Name, s.Version)
		r, err := k.Revisions.Get(ctx, key)
		if err != nil {
			return err
		}
		r.Reward = reward
		return k.Revisions.Set(ctx, key, r)
	})
	emit(ctx, &types.EventDeltaApplied{
		TrainingSet: s.Name, Version: s.Version, Proposal: p.Id, Proposer: p.Proposer,
		RowsAdded: p.Delta.RowsAdded, RowsRemoved: p.Delta.RowsRemoved, Root: s.Table.Root, Reward: reward,
	})
	if k.hooks != nil {
		k.try(ctx, "hooks of "+s.Name, func(ctx sdk.Context) error { return k.hooks.AfterTableChanged(ctx, s) })
	}
	return nil
}
