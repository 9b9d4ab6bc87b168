package keeper

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/pold-network/pold/x/pol/types"
)

type queryServer struct{ k Keeper }

// NewQueryServer returns the module's query service.
func NewQueryServer(k Keeper) types.QueryServer { return queryServer{k} }

func (s queryServer) Params(ctx context.Context, _ *types.QueryParamsRequest) (*types.QueryParamsResponse, error) {
	p, err := s.k.Params.Get(ctx)
	return &types.QueryParamsResponse{Params: p}, err
}

func (s queryServer) Group(ctx context.Context, r *types.QueryGroupRequest) (*types.QueryGroupResponse, error) {
	g, err := s.groupOf(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	stake, err := s.k.stake(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	res := &types.QueryGroupResponse{Group: g, Stake: stake}
	turn, exists, err := find(ctx, s.k.StoreTurns, r.Name)
	if exists {
		res.StoreTurn = &turn
	}
	return res, err
}

func (s queryServer) Groups(ctx context.Context, r *types.QueryGroupsRequest) (*types.QueryGroupsResponse, error) {
	groups, page, err := query.CollectionPaginate(ctx, s.k.Groups, r.Pagination,
		func(_ string, g types.Group) (types.Group, error) { return g, nil })
	return &types.QueryGroupsResponse{Groups: groups, Pagination: page}, err
}

func (s queryServer) Round(ctx context.Context, r *types.QueryRoundRequest) (*types.QueryRoundResponse, error) {
	number, err := s.number(ctx, r.Group, r.Number)
	if err != nil {
		return nil, err
	}
	round, err := s.k.Rounds.Get(ctx, collections.Join(r.Group, number))
	if errors.Is(err, collections.ErrNotFound) {
		return nil, status.Errorf(codes.NotFound, "round %d of %q: not found; it has not opened yet or is past its retention", number, r.Group)
	}
	return &types.QueryRoundResponse{Round: round}, err
}

func (s queryServer) Rounds(ctx context.Context, r *types.QueryRoundsRequest) (*types.QueryRoundsResponse, error) {
	rounds, page, err := query.CollectionPaginate(ctx, s.k.Rounds, r.Pagination,
		func(_ collections.Pair[string, uint64], x types.Round) (types.Round, error) { return x, nil },
		query.WithCollectionPaginationPairPrefix[string, uint64](r.Group))
	return &types.QueryRoundsResponse{Rounds: rounds, Pagination: page}, err
}

func (s queryServer) Commitments(ctx context.Context, r *types.QueryCommitmentsRequest) (*types.QueryCommitmentsResponse, error) {
	number, err := s.number(ctx, r.Group, r.Number)
	if err != nil {
		return nil, err
	}
	all, err := s.k.commitments(ctx, types.Round{Group: r.Group, Number: number})
	return &types.QueryCommitmentsResponse{Commitments: all}, err
}

func (s queryServer) Submissions(ctx context.Context, r *types.QuerySubmissionsRequest) (*types.QuerySubmissionsResponse, error) {
	number, err := s.number(ctx, r.Group, r.Number)
	if err != nil {
		return nil, err
	}
	all, err := s.k.submissions(ctx, r.Group, number)
	return &types.QuerySubmissionsResponse{Submissions: all}, err
}

func (s queryServer) Bonds(ctx context.Context, r *types.QueryBondsRequest) (*types.QueryBondsResponse, error) {
	bonds, page, err := query.CollectionPaginate(ctx, s.k.Bonds, r.Pagination,
		func(_ collections.Pair[string, string], b types.GroupBond) (types.GroupBond, error) { return b, nil },
		query.WithCollectionPaginationPairPrefix[string, string](r.Group))
	return &types.QueryBondsResponse{Bonds: bonds, Pagination: page}, err
}

func (s queryServer) Unbondings(ctx context.Context, r *types.QueryUnbondingsRequest) (*types.QueryUnbondingsResponse, error) {
	res := &types.QueryUnbondingsResponse{}
	err := s.k.UnbondingsByAddress.Walk(ctx, collections.NewPrefixedPairRange[string, uint64](r.Address),
		func(key collections.Pair[string, uint64]) (bool, error) {
			u, err := s.k.Unbondings.Get(ctx, key.K2())
			res.Unbondings = append(res.Unbondings, u)
			return len(res.Unbondings) >= maxUnbondings, err
		})
	return res, err
}

func (s queryServer) Batches(ctx context.Context, r *types.QueryBatchesRequest) (*types.QueryBatchesResponse, error) {
	if _, err := s.groupOf(ctx, r.Group); err != nil {
		return nil, err
	}
	res := &types.QueryBatchesResponse{}
	var err error
	res.Batches, res.Pagination, err = query.CollectionPaginate(ctx, s.k.Batches, r.Pagination,
		func(_ collections.Triple[string, uint64, string], b types.SealedBatch) (types.SealedBatch, error) {
			return b, nil
		},
		func(o *query.CollectionsPaginateOptions[collections.Triple[string, uint64, string]]) {
			prefix := collections.TriplePrefix[string, uint64, string](r.Group)
			o.Prefix = &prefix
		})
	if err != nil {
		return nil, err
	}
	return res, s.k.ProviderBonds.Walk(ctx, collections.NewPrefixedPairRange[string, string](r.Group),
		func(_ collections.Pair[string, string], b types.ProviderBond) (bool, error) {
			res.Bonds = append(res.Bonds, b)
			return false, nil
		})
}

func (s queryServer) Canaries(ctx context.Context, r *types.QueryCanariesRequest) (*types.QueryCanariesResponse, error) {
	number, err := s.number(ctx, r.Group, r.Number)
	if err != nil {
		return nil, err
	}
	canaries, err := s.k.canaries(ctx, r.Group, number)
	return &types.QueryCanariesResponse{Canaries: canaries}, err
}

func (s queryServer) Changes(ctx context.Context, r *types.QueryChangesRequest) (*types.QueryChangesResponse, error) {
	changes, page, err := query.CollectionPaginate(ctx, s.k.ChangesByGroup, r.Pagination,
		func(key collections.Pair[string, uint64], _ collections.NoValue) (types.GroupChange, error) {
			return s.k.Changes.Get(ctx, key.K2())
		},
		query.WithCollectionPaginationPairPrefix[string, uint64](r.Group))
	return &types.QueryChangesResponse{Changes: changes, Pagination: page}, err
}

func (s queryServer) Totals(ctx context.Context, _ *types.QueryTotalsRequest) (*types.QueryTotalsResponse, error) {
	t, err := s.k.Totals.Get(ctx)
	if err != nil {
		return nil, err
	}
	p, err := s.k.Params.Get(ctx)
	if err != nil {
		return nil, err
	}
	halvings := p.Halvings(sdk.UnwrapSDKContext(ctx).BlockTime().Unix())
	return &types.QueryTotalsResponse{
		Totals: t, Supply: s.k.bank.GetSupply(ctx, types.BaseDenom).Amount, Halvings: halvings,
		NextHalvingUnix: p.GenesisUnix + int64((halvings+1)*p.HalvingIntervalSeconds),
	}, nil
}

func (s queryServer) groupOf(ctx context.Context, name string) (types.Group, error) {
	g, err := s.k.group(ctx, name)
	if errors.Is(err, types.ErrGroupNotFound) {
		return g, status.Error(codes.NotFound, err.Error())
	}
	return g, err
}

// number resolves 0 to the current round.
func (s queryServer) number(ctx context.Context, group string, number uint64) (uint64, error) {
	g, err := s.groupOf(ctx, group)
	if err != nil || number != 0 {
		return number, err
	}
	return g.Round, nil
}
