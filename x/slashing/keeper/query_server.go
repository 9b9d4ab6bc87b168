package keeper

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/pold-network/pold/x/slashing/types"
)

type queryServer struct{ k Keeper }

// NewQueryServer returns the module's query service.
func NewQueryServer(k Keeper) types.QueryServer { return queryServer{k} }

func (s queryServer) Params(ctx context.Context, _ *types.QueryParamsRequest) (*types.QueryParamsResponse, error) {
	p, err := s.k.Params.Get(ctx)
	return &types.QueryParamsResponse{Params: p}, err
}

func (s queryServer) Evidence(ctx context.Context, r *types.QueryEvidenceRequest) (*types.QueryEvidenceResponse, error) {
	e, ok, err := find(ctx, s.k.Evidence, r.Id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, status.Errorf(codes.NotFound, "evidence %d: not found; it may be past its retention; list what there is with: pold q polslashing all-evidence", r.Id)
	}
	if e, err = s.k.withManifest(ctx, e); err != nil {
		return nil, err
	}
	var penalties []types.Penalty
	id, ok, err := find(ctx, s.k.PenaltyOf, e.Id)
	if err != nil {
		return nil, err
	}
	if ok {
		p, err := s.k.Penalties.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		penalties = append(penalties, p)
	}
	now := sdk.UnwrapSDKContext(ctx).BlockTime().Unix()
	return &types.QueryEvidenceResponse{Evidence: e, Penalties: penalties, Explanation: e.Explain(penalties, s.k.authority, now)}, nil
}

// AllEvidence leaves out the pinned inputs: a page of them could be megabytes.
func (s queryServer) AllEvidence(ctx context.Context, r *types.QueryAllEvidenceRequest) (*types.QueryAllEvidenceResponse, error) {
	if r.Address == "" {
		list, page, err := query.CollectionPaginate(ctx, s.k.Evidence, r.Pagination,
			func(_ uint64, e types.Evidence) (types.Evidence, error) {
				e.Manifest = nil
				return e, nil
			})
		return &types.QueryAllEvidenceResponse{Evidence: list, Pagination: page}, err
	}
	list, page, err := query.CollectionPaginate(ctx, s.k.EvidenceBy, r.Pagination,
		func(key collections.Pair[string, uint64], _ collections.NoValue) (types.Evidence, error) {
			e, err := s.k.Evidence.Get(ctx, key.K2())
			e.Manifest = nil
			return e, err
		}, query.WithCollectionPaginationPairPrefix[string, uint64](r.Address))
	return &types.QueryAllEvidenceResponse{Evidence: list, Pagination: page}, err
}

func (s queryServer) Penalties(ctx context.Context, r *types.QueryPenaltiesRequest) (*types.QueryPenaltiesResponse, error) {
	list, page, err := query.CollectionFilteredPaginate(ctx, s.k.Penalties, r.Pagination,
		func(_ uint64, p types.Penalty) (bool, error) {
			return r.Status == types.PENALTY_STATUS_UNSPECIFIED || p.Status == r.Status, nil
		},
		func(_ uint64, p types.Penalty) (types.Penalty, error) { return p, nil })
	return &types.QueryPenaltiesResponse{Penalties: list, Pagination: page}, err
}

// Record of a validator against whom nothing is remembered is empty.
func (s queryServer) Record(ctx context.Context, r *types.QueryRecordRequest) (*types.QueryRecordResponse, error) {
	if _, err := s.k.valCodec.StringToBytes(r.Operator); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "operator %q: %s; expected the address of a validator", r.Operator, err)
	}
	record, err := s.k.record(ctx, r.Operator)
	if err != nil {
		return nil, err
	}
	params, err := s.k.Params.Get(ctx)
	if err != nil {
		return nil, err
	}
	today, err := s.k.today(ctx)
	if err != nil {
		return nil, err
	}
	now := sdk.UnwrapSDKContext(ctx).BlockTime().Unix()
	return &types.QueryRecordResponse{
		Record: record, WrongAnswers: uint32(record.Wrong(now, params)), MissedTasks: uint32(record.Missed()), Today: today.At(now),
	}, nil
}
