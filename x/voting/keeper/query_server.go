package keeper

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cosmossdk.io/collections"

	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/pold-network/pold/x/voting/types"
)

type queryServer struct{ k Keeper }

// NewQueryServer returns the module's query service.
func NewQueryServer(k Keeper) types.QueryServer { return queryServer{k} }

func (s queryServer) Params(ctx context.Context, _ *types.QueryParamsRequest) (*types.QueryParamsResponse, error) {
	p, err := s.k.Params.Get(ctx)
	return &types.QueryParamsResponse{Params: p}, err
}

func (s queryServer) Period(ctx context.Context, r *types.QueryPeriodRequest) (*types.QueryPeriodResponse, error) {
	p, err := s.k.Period(ctx, r.Group)
	return &types.QueryPeriodResponse{Period: p}, notFound(err)
}

func (s queryServer) Ballot(ctx context.Context, r *types.QueryBallotRequest) (*types.QueryBallotResponse, error) {
	b, err := s.k.ballot(ctx, r.Id)
	if err != nil {
		return nil, notFound(err)
	}
	p, err := s.k.Period(ctx, b.Group)
	b.Tally = b.Tally.At(p.Number)
	return &types.QueryBallotResponse{Ballot: b}, err
}

func (s queryServer) Ballots(ctx context.Context, r *types.QueryBallotsRequest) (*types.QueryBallotsResponse, error) {
	p, err := s.k.Period(ctx, r.Group)
	if err != nil {
		return nil, notFound(err)
	}
	ballots, page, err := query.CollectionPaginate(ctx, s.k.BallotsByGroup, r.Pagination,
		func(key collections.Pair[string, uint64], _ collections.NoValue) (types.Ballot, error) {
			b, err := s.k.Ballots.Get(ctx, key.K2())
			b.Tally = b.Tally.At(p.Number)
			return b, err
		},
		query.WithCollectionPaginationPairPrefix[string, uint64](r.Group))
	return &types.QueryBallotsResponse{Ballots: ballots, Pagination: page}, err
}

func (s queryServer) Votes(ctx context.Context, r *types.QueryVotesRequest) (*types.QueryVotesResponse, error) {
	b, err := s.k.ballot(ctx, r.Ballot)
	if err != nil {
		return nil, notFound(err)
	}
	votes, page, err := query.CollectionPaginate(ctx, s.k.Votes, r.Pagination,
		func(key collections.Pair[uint64, string], _ collections.NoValue) (types.VoterStake, error) {
			v, err := s.voter(ctx, b.Group, key.K2())
			return types.VoterStake{Voter: key.K2(), Standing: v.Standing}, err
		},
		query.WithCollectionPaginationPairPrefix[uint64, string](r.Ballot))
	return &types.QueryVotesResponse{Votes: votes, Pagination: page}, err
}

func (s queryServer) Voter(ctx context.Context, r *types.QueryVoterRequest) (*types.QueryVoterResponse, error) {
	v, err := s.voter(ctx, r.Group, r.Address)
	if err != nil {
		return nil, notFound(err)
	}
	err = s.k.VotesByVoter.Walk(ctx, collections.NewSuperPrefixedTripleRange[string, string, uint64](r.Group, r.Address),
		func(key collections.Triple[string, string, uint64]) (bool, error) {
			b, err := s.k.Ballots.Get(ctx, key.K3())
			if err == nil && !b.Closed {
				v.Ballots = append(v.Ballots, b.Id)
			}
			return false, err
		})
	return v, err
}

func (s queryServer) voter(ctx context.Context, group, address string) (*types.QueryVoterResponse, error) {
	p, err := s.k.Period(ctx, group)
	if err != nil {
		return nil, err
	}
	bonded, err := s.k.stakes.Bonded(ctx, group, address)
	if err != nil {
		return nil, err
	}
	recorded, err := s.k.recorded(ctx, group, address)
	return &types.QueryVoterResponse{Bonded: bonded, Standing: types.Least(recorded, p.Number, bonded)}, err
}

// notFound gives what does not exist the status that HTTP clients expect.
func notFound(err error) error {
	if errors.Is(err, types.ErrNoPeriod) || errors.Is(err, types.ErrBallotNotFound) {
		return status.Error(codes.NotFound, err.Error())
	}
	return err
}
