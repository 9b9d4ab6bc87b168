package keeper

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cosmossdk.io/collections"

	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/pold-network/pold/x/trainingset/types"
)

type queryServer struct{ k Keeper }

// NewQueryServer returns the module's query service.
func NewQueryServer(k Keeper) types.QueryServer { return queryServer{k} }

func (s queryServer) Params(ctx context.Context, _ *types.QueryParamsRequest) (*types.QueryParamsResponse, error) {
	p, err := s.k.Params.Get(ctx)
	return &types.QueryParamsResponse{Params: p}, err
}

func (s queryServer) TrainingSet(ctx context.Context, r *types.QueryTrainingSetRequest) (*types.QueryTrainingSetResponse, error) {
	t, err := s.k.TrainingSets.Get(ctx, r.Name)
	if errors.Is(err, collections.ErrNotFound) {
		return nil, status.Errorf(codes.NotFound, "training set %q: not found; list them with: pold q trainingset training-sets", r.Name)
	}
	return &types.QueryTrainingSetResponse{TrainingSet: t}, err
}

func (s queryServer) TrainingSets(ctx context.Context, r *types.QueryTrainingSetsRequest) (*types.QueryTrainingSetsResponse, error) {
	sets, page, err := query.CollectionPaginate(ctx, s.k.TrainingSets, r.Pagination,
		func(_ string, t types.TrainingSet) (types.TrainingSet, error) { return t, nil })
	return &types.QueryTrainingSetsResponse{TrainingSets: sets, Pagination: page}, err
}

func (s queryServer) Revisions(ctx context.Context, r *types.QueryRevisionsRequest) (*types.QueryRevisionsResponse, error) {
	all, page, err := query.CollectionPaginate(ctx, s.k.Revisions, r.Pagination,
		func(_ collections.Pair[string, uint64], x types.Revision) (types.Revision, error) { return x, nil },
		query.WithCollectionPaginationPairPrefix[string, uint64](r.TrainingSet))
	return &types.QueryRevisionsResponse{Revisions: all, Pagination: page}, err
}

func (s queryServer) Proposal(ctx context.Context, r *types.QueryProposalRequest) (*types.QueryProposalResponse, error) {
	p, err := s.k.proposal(ctx, r.Id)
	if errors.Is(err, types.ErrNotFound) {
		return nil, status.Error(codes.NotFound, err.Error())
	}
	return &types.QueryProposalResponse{Proposal: p}, err
}

func (s queryServer) Proposals(ctx context.Context, r *types.QueryProposalsRequest) (*types.QueryProposalsResponse, error) {
	all, page, err := query.CollectionPaginate(ctx, s.k.BySet, r.Pagination,
		func(key collections.Pair[string, uint64], _ collections.NoValue) (types.Proposal, error) {
			return s.k.Proposals.Get(ctx, key.K2())
		},
		query.WithCollectionPaginationPairPrefix[string, uint64](r.TrainingSet))
	return &types.QueryProposalsResponse{Proposals: all, Pagination: page}, err
}

func (s queryServer) Deposit(ctx context.Context, r *types.QueryDepositRequest) (*types.QueryDepositResponse, error) {
	set, err := s.TrainingSet(ctx, &types.QueryTrainingSetRequest{Name: r.TrainingSet})
	if err != nil {
		return nil, err
	}
	params, err := s.k.Params.Get(ctx)
	return &types.QueryDepositResponse{Deposit: params.Deposit(set.TrainingSet.OpenProposals)}, err
}
