package chain

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/types/query"

	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// history is a node that knows a training set of three versions, of which it tells two at a time, and proposal 5.
type history struct {
	trainingsettypes.UnimplementedQueryServer
}

func (*history) Revisions(_ context.Context, r *trainingsettypes.QueryRevisionsRequest) (*trainingsettypes.QueryRevisionsResponse, error) {
	revision := func(n uint64) trainingsettypes.Revision {
		return trainingsettypes.Revision{TrainingSet: r.TrainingSet, Version: n, Takedown: n == 3, Support: math.ZeroInt(), OfStake: math.ZeroInt(), Reward: math.ZeroInt()}
	}
	if string(r.Pagination.Key) == "next" {
		return &trainingsettypes.QueryRevisionsResponse{Revisions: []trainingsettypes.Revision{revision(3)}, Pagination: &query.PageResponse{}}, nil
	}
	return &trainingsettypes.QueryRevisionsResponse{Revisions: []trainingsettypes.Revision{revision(1), revision(2)}, Pagination: &query.PageResponse{NextKey: []byte("next")}}, nil
}

func (*history) Proposal(_ context.Context, r *trainingsettypes.QueryProposalRequest) (*trainingsettypes.QueryProposalResponse, error) {
	if r.Id != 5 {
		return nil, status.Errorf(codes.NotFound, "%d: proposal not found", r.Id)
	}
	return &trainingsettypes.QueryProposalResponse{Proposal: trainingsettypes.Proposal{Id: 5, Status: trainingsettypes.PROPOSAL_STATUS_OPEN, Deposit: math.ZeroInt()}}, nil
}

func TestTheHistoryOfATrainingSetIsReadToItsEnd(t *testing.T) {
	c, _ := start(t, &fakeNode{register: func(s *grpc.Server) { trainingsettypes.RegisterQueryServer(s, &history{}) }})
	all, err := c.Revisions(t.Context(), "birds")
	require.NoError(t, err)
	require.Len(t, all, 3)
	for i, r := range all {
		require.Equal(t, "birds", r.TrainingSet)
		require.Equal(t, uint64(i+1), r.Version)
	}
	require.True(t, all[2].Takedown)
}

func TestAProposalIsKnownOrNotFound(t *testing.T) {
	c, _ := start(t, &fakeNode{register: func(s *grpc.Server) { trainingsettypes.RegisterQueryServer(s, &history{}) }})
	p, err := c.Proposal(t.Context(), 5)
	require.NoError(t, err)
	require.True(t, p.Status.Open())
	_, err = c.Proposal(t.Context(), 6)
	require.ErrorIs(t, err, ErrNotFound)
	require.ErrorContains(t, err, "the chain has no proposal 6")
}
