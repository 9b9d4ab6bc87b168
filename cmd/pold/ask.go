package main

import (
	"context"

	"github.com/cosmos/cosmos-sdk/types/query"

	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// What commands ask a node, without the wrapping of requests and answers.

func (n node) set(ctx context.Context, name string) (trainingsettypes.TrainingSet, error) {
	r, err := n.sets.TrainingSet(ctx, &trainingsettypes.QueryTrainingSetRequest{Name: name})
	if err != nil {
		return trainingsettypes.TrainingSet{}, err
	}
	return r.TrainingSet, nil
}

// revisions returns the history of a training set, oldest first.
func (n node) revisions(ctx context.Context, name string) ([]trainingsettypes.Revision, error) {
	return allPages(func(p *query.PageRequest) ([]trainingsettypes.Revision, *query.PageResponse, error) {
		r, err := n.sets.Revisions(ctx, &trainingsettypes.QueryRevisionsRequest{TrainingSet: name, Pagination: p})
		if err != nil {
			return nil, nil, err
		}
		return r.Revisions, r.Pagination, nil
	})
}

func (n node) proposal(ctx context.Context, id uint64) (trainingsettypes.Proposal, error) {
	r, err := n.sets.Proposal(ctx, &trainingsettypes.QueryProposalRequest{Id: id})
	if err != nil {
		return trainingsettypes.Proposal{}, err
	}
	return r.Proposal, nil
}

// proposals returns those of a training set that are open or still remembered, oldest first.
func (n node) proposals(ctx context.Context, set string) ([]trainingsettypes.Proposal, error) {
	return allPages(func(p *query.PageRequest) ([]trainingsettypes.Proposal, *query.PageResponse, error) {
		r, err := n.sets.Proposals(ctx, &trainingsettypes.QueryProposalsRequest{TrainingSet: set, Pagination: p})
		if err != nil {
			return nil, nil, err
		}
		return r.Proposals, r.Pagination, nil
	})
}

func (n node) setParams(ctx context.Context) (trainingsettypes.Params, error) {
	r, err := n.sets.Params(ctx, &trainingsettypes.QueryParamsRequest{})
	if err != nil {
		return trainingsettypes.Params{}, err
	}
	return r.Params, nil
}

func (n node) voteParams(ctx context.Context) (votingtypes.Params, error) {
	r, err := n.votes.Params(ctx, &votingtypes.QueryParamsRequest{})
	if err != nil {
		return votingtypes.Params{}, err
	}
	return r.Params, nil
}

func (n node) period(ctx context.Context, group string) (votingtypes.Period, error) {
	r, err := n.votes.Period(ctx, &votingtypes.QueryPeriodRequest{Group: group})
	if err != nil {
		return votingtypes.Period{}, err
	}
	return r.Period, nil
}

func (n node) ballot(ctx context.Context, id uint64) (votingtypes.Ballot, error) {
	r, err := n.votes.Ballot(ctx, &votingtypes.QueryBallotRequest{Id: id})
	if err != nil {
		return votingtypes.Ballot{}, err
	}
	return r.Ballot, nil
}

// ballots returns the open ones of a group by number.
func (n node) ballots(ctx context.Context, group string) (map[uint64]votingtypes.Ballot, error) {
	all, err := allPages(func(p *query.PageRequest) ([]votingtypes.Ballot, *query.PageResponse, error) {
		r, err := n.votes.Ballots(ctx, &votingtypes.QueryBallotsRequest{Group: group, Pagination: p})
		if err != nil {
			return nil, nil, err
		}
		return r.Ballots, r.Pagination, nil
	})
	byID := make(map[uint64]votingtypes.Ballot, len(all))
	for _, b := range all {
		byID[b.Id] = b
	}
	return byID, err
}

func (n node) voter(ctx context.Context, group, address string) (*votingtypes.QueryVoterResponse, error) {
	return n.votes.Voter(ctx, &votingtypes.QueryVoterRequest{Group: group, Address: address})
}

func (n node) group(ctx context.Context, name string) (poltypes.Group, error) {
	r, err := n.groups.Group(ctx, &poltypes.QueryGroupRequest{Name: name})
	if err != nil {
		return poltypes.Group{}, err
	}
	return r.Group, nil
}

func (n node) groupParams(ctx context.Context) (poltypes.Params, error) {
	r, err := n.groups.Params(ctx, &poltypes.QueryParamsRequest{})
	if err != nil {
		return poltypes.Params{}, err
	}
	return r.Params, nil
}

func (n node) allGroups(ctx context.Context) ([]poltypes.Group, error) {
	return allPages(func(p *query.PageRequest) ([]poltypes.Group, *query.PageResponse, error) {
		r, err := n.groups.Groups(ctx, &poltypes.QueryGroupsRequest{Pagination: p})
		if err != nil {
			return nil, nil, err
		}
		return r.Groups, r.Pagination, nil
	})
}

// changes returns the proposed changes of a group that are open or still remembered, oldest first.
func (n node) changes(ctx context.Context, group string) ([]poltypes.GroupChange, error) {
	return allPages(func(p *query.PageRequest) ([]poltypes.GroupChange, *query.PageResponse, error) {
		r, err := n.groups.Changes(ctx, &poltypes.QueryChangesRequest{Group: group, Pagination: p})
		if err != nil {
			return nil, nil, err
		}
		return r.Changes, r.Pagination, nil
	})
}
