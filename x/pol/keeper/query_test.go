package keeper_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/pold-network/pold/x/pol/types"
)

func TestQueries(t *testing.T) {
	e := staked(t, nil)
	e.createGroup("other", nil)
	settled := e.play("digits", trained(1, 900), trained(2, 800))
	e.play("digits", trained(1, 700))
	e.until("digits", types.ROUND_PHASE_COMMIT)
	e.commit("digits", trained(3, 600))

	p, err := e.q.Params(e.ctx, &types.QueryParamsRequest{})
	require.NoError(t, err)
	require.Equal(t, uint32(2), p.Params.MaxCandidates)

	groups, err := e.q.Groups(e.ctx, &types.QueryGroupsRequest{Pagination: &query.PageRequest{Limit: 1}})
	require.NoError(t, err)
	require.Len(t, groups.Groups, 1)
	require.Equal(t, "digits", groups.Groups[0].Name)
	require.NotEmpty(t, groups.Pagination.NextKey)

	round, err := e.q.Round(e.ctx, &types.QueryRoundRequest{Group: "digits", Number: 1})
	require.NoError(t, err)
	require.Equal(t, settled, round.Round)
	round, err = e.q.Round(e.ctx, &types.QueryRoundRequest{Group: "digits"})
	require.NoError(t, err)
	require.Equal(t, uint64(3), round.Round.Number, "0 is the current one")

	rounds, err := e.q.Rounds(e.ctx, &types.QueryRoundsRequest{Group: "digits"})
	require.NoError(t, err)
	require.Len(t, rounds.Rounds, 3, "of this group only")

	commitments, err := e.q.Commitments(e.ctx, &types.QueryCommitmentsRequest{Group: "digits"})
	require.NoError(t, err)
	require.Len(t, commitments.Commitments, 1)
	require.Equal(t, account(3), commitments.Commitments[0].Trainer)

	submissions, err := e.q.Submissions(e.ctx, &types.QuerySubmissionsRequest{Group: "digits", Number: 1})
	require.NoError(t, err)
	require.Len(t, submissions.Submissions, 2)
	require.Equal(t, uint64(900), submissions.Submissions[0].Verdict.RankLossE9)

	totals, err := e.q.Totals(e.ctx, &types.QueryTotalsRequest{})
	require.NoError(t, err)
	require.Equal(t, e.supply(), totals.Supply)
	require.Equal(t, uint64(2)+e.group("other").Round-1, totals.Totals.Rounds, "those that are settled")
	require.Equal(t, uint64(2), totals.Totals.Wins)
	require.Zero(t, totals.Halvings)
	require.Equal(t, p.Params.GenesisUnix+types.HalvingInterval, totals.NextHalvingUnix)
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	e := staked(t, nil)
	_, group := e.q.Group(e.ctx, &types.QueryGroupRequest{Name: "none"})
	_, round := e.q.Round(e.ctx, &types.QueryRoundRequest{Group: "digits", Number: 9})
	_, rounds := e.q.Round(e.ctx, &types.QueryRoundRequest{Group: "none", Number: 9})
	_, commitments := e.q.Commitments(e.ctx, &types.QueryCommitmentsRequest{Group: "none", Number: 9})
	_, submissions := e.q.Submissions(e.ctx, &types.QuerySubmissionsRequest{Group: "none"})
	for _, err := range []error{group, round, rounds, commitments, submissions} {
		require.Equal(t, codes.NotFound, status.Code(err), "%v", err)
	}
	require.ErrorContains(t, round, "it has not opened yet or is past its retention")
	require.ErrorContains(t, group, "list groups with: pold q pol groups")
}
