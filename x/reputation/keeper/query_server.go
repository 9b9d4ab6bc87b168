package keeper

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/pold-network/pold/x/reputation/types"
)

type queryServer struct{ k Keeper }

// NewQueryServer returns the module's query service. Queries compute the decay and write nothing.
func NewQueryServer(k Keeper) types.QueryServer { return queryServer{k} }

func (s queryServer) Params(ctx context.Context, _ *types.QueryParamsRequest) (*types.QueryParamsResponse, error) {
	p, err := s.k.Params.Get(ctx)
	return &types.QueryParamsResponse{Params: p}, err
}

func (s queryServer) Score(ctx context.Context, r *types.QueryScoreRequest) (*types.QueryScoreResponse, error) {
	address, _, err := s.k.parse(r.Address)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	score, params, err := s.k.Score(ctx, address)
	if err != nil {
		return nil, err
	}
	return &types.QueryScoreResponse{Score: score, FactorE6: score.FactorE6(params), ExtraSegments: score.ExtraSegments(params)}, nil
}

func (s queryServer) Scores(ctx context.Context, r *types.QueryScoresRequest) (*types.QueryScoresResponse, error) {
	params, err := s.k.Params.Get(ctx)
	if err != nil {
		return nil, err
	}
	now := unix(ctx)
	scores, page, err := query.CollectionPaginate(ctx, s.k.Scores, r.Pagination, func(_ string, score types.Score) (types.Score, error) {
		score = score.At(params, now)
		score.Events = nil
		return score, nil
	})
	return &types.QueryScoresResponse{Scores: scores, Pagination: page}, err
}

func (s queryServer) Explain(ctx context.Context, r *types.QueryExplainRequest) (*types.QueryExplainResponse, error) {
	address, operator, err := s.k.parse(r.Address)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	score, params, err := s.k.Score(ctx, address)
	if err != nil {
		return nil, err
	}
	lines := score.Explain(params)
	if operator {
		lines = append(lines, score.ExplainFactor(params))
	} else {
		lines = append(lines, score.ExplainSegments(params))
	}
	if line, err := s.k.other(ctx, address, operator); err != nil {
		return nil, err
	} else if line != "" {
		lines = append(lines, line)
	}
	return &types.QueryExplainResponse{
		Score: score, FactorE6: score.FactorE6(params), ExtraSegments: score.ExtraSegments(params), Lines: lines,
	}, nil
}

// other points from an account to the validator of the same key, and back, when something is known of it: people know
// one address and look for the other reputation.
func (k Keeper) other(ctx context.Context, address string, operator bool) (string, error) {
	from, to, what := k.accounts, k.operators, "validator"
	if operator {
		from, to, what = k.operators, k.accounts, "account"
	}
	key, err := from.StringToBytes(address)
	if err != nil {
		return "", err
	}
	other, err := to.BytesToString(key)
	if err != nil {
		return "", err
	}
	if _, known, err := k.find(ctx, other); err != nil || !known {
		return "", err
	}
	return fmt.Sprintf("the %s of the same key has a reputation of its own: pold q reputation explain %s", what, other), nil
}
