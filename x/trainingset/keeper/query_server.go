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
