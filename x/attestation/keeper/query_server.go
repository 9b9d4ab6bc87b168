package keeper

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cosmossdk.io/collections"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/pold-network/pold/x/attestation/types"
)

type queryServer struct{ k Keeper }

// NewQueryServer returns the module's query service.
func NewQueryServer(k Keeper) types.QueryServer { return queryServer{k} }

func (s queryServer) Params(ctx context.Context, _ *types.QueryParamsRequest) (*types.QueryParamsResponse, error) {
	p, err := s.k.Params.Get(ctx)
	return &types.QueryParamsResponse{Params: p}, err
}

func (s queryServer) Task(ctx context.Context, r *types.QueryTaskRequest) (*types.QueryTaskResponse, error) {
	t, err := s.k.Tasks.Get(ctx, r.Id)
	if errors.Is(err, collections.ErrNotFound) {
		return nil, status.Errorf(codes.NotFound, "task %d: not found; finished tasks are removed after the retention", r.Id)
	}
	return &types.QueryTaskResponse{Task: t}, err
}

func (s queryServer) Tasks(ctx context.Context, r *types.QueryTasksRequest) (*types.QueryTasksResponse, error) {
	tasks, page, err := query.CollectionFilteredPaginate(ctx, s.k.Tasks, r.Pagination,
		func(_ uint64, t types.Task) (bool, error) {
			return r.Status == types.TASK_STATUS_UNSPECIFIED || t.Status == r.Status, nil
		},
		func(_ uint64, t types.Task) (types.Task, error) { return t, nil })
	return &types.QueryTasksResponse{Tasks: tasks, Pagination: page}, err
}

func (s queryServer) Work(goCtx context.Context, _ *types.QueryWorkRequest) (*types.QueryWorkResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	res := &types.QueryWorkResponse{Height: ctx.BlockHeight()}
	tasks, err := firstKeys(ctx, s.k.TasksActive, types.MaxWork)
	if err != nil {
		return nil, err
	}
	for _, id := range tasks {
		t, err := s.k.Tasks.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		res.Tasks = append(res.Tasks, t)
	}
	artefacts, err := firstKeys(ctx, s.k.ArtefactsAsked, types.MaxWork)
	if err != nil {
		return nil, err
	}
	for _, id := range artefacts {
		a, err := s.k.Artefacts.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		res.Artefacts = append(res.Artefacts, a)
	}
	return res, nil
}

func (s queryServer) Witnesses(ctx context.Context, r *types.QueryWitnessesRequest) (*types.QueryWitnessesResponse, error) {
	w, page, err := query.CollectionPaginate(ctx, s.k.Witnesses, r.Pagination,
		func(key collections.Pair[uint64, string], w types.Witness) (types.WitnessInfo, error) {
			return types.WitnessInfo{Operator: key.K2(), Witness: w}, nil
		}, query.WithCollectionPaginationPairPrefix[uint64, string](r.TaskId))
	return &types.QueryWitnessesResponse{Witnesses: w, Pagination: page}, err
}

func (s queryServer) Artefact(ctx context.Context, r *types.QueryArtefactRequest) (*types.QueryArtefactResponse, error) {
	a, err := s.k.Artefacts.Get(ctx, r.Id)
	if errors.Is(err, collections.ErrNotFound) {
		return nil, status.Errorf(codes.NotFound, "artefact %d: not found; judged artefacts are removed after the retention", r.Id)
	}
	if err != nil {
		return nil, err
	}
	holders, err := s.k.holders(ctx, r.Id)
	return &types.QueryArtefactResponse{Artefact: a, Holders: holders}, err
}

func (s queryServer) Live(goCtx context.Context, _ *types.QueryLiveRequest) (*types.QueryLiveResponse, error) {
	ctx := sdk.UnwrapSDKContext(goCtx)
	params, err := s.k.Params.Get(ctx)
	if err != nil {
		return nil, err
	}
	snapshot, err := s.k.currentPower(ctx)
	if err != nil {
		return nil, err
	}
	res := &types.QueryLiveResponse{Height: ctx.BlockHeight(), Required: uint32(params.RequiredLive(len(snapshot.Members)))}
	for _, m := range snapshot.Members {
		seen, known, err := find(ctx, s.k.Seen, m.Operator)
		if err != nil {
			return nil, err
		}
		live := known && seen >= ctx.BlockHeight()-params.LiveWindow
		if live {
			res.Live++
		}
		res.Validators = append(res.Validators, types.LiveInfo{Operator: m.Operator, Power: m.Power, LastSeen: seen, Live: live})
	}
	return res, nil
}

func (s queryServer) Peers(ctx context.Context, r *types.QueryPeersRequest) (*types.QueryPeersResponse, error) {
	peers, page, err := query.CollectionPaginate(ctx, s.k.Peers, r.Pagination,
		func(_ string, p types.Peer) (types.Peer, error) { return p, nil })
	return &types.QueryPeersResponse{Peers: peers, Pagination: page}, err
}

func (s queryServer) Beacon(ctx context.Context, _ *types.QueryBeaconRequest) (*types.QueryBeaconResponse, error) {
	b, err := s.k.beacon(ctx)
	if err != nil {
		return nil, err
	}
	res := &types.QueryBeaconResponse{Beacon: b}
	err = s.k.BeaconShares.Walk(ctx, nil, func(operator string, share types.BeaconShare) (bool, error) {
		res.Committed = append(res.Committed, operator)
		if len(share.Secret) != 0 {
			res.Revealed = append(res.Revealed, operator)
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	res.Draws, err = s.k.waitingDraws(ctx)
	return res, err
}

func (s queryServer) Shared(ctx context.Context, _ *types.QuerySharedRequest) (*types.QuerySharedResponse, error) {
	return s.k.Shared(ctx)
}
