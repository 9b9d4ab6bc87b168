package keeper_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cosmos/cosmos-sdk/types/query"
	sdkslashingkeeper "github.com/cosmos/cosmos-sdk/x/slashing/keeper"
	sdkstakingkeeper "github.com/cosmos/cosmos-sdk/x/staking/keeper"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	"github.com/pold-network/pold/x/slashing/keeper"
	"github.com/pold-network/pold/x/slashing/types"
)

// The neighbours of the tests have the methods of the real ones.
var (
	_ types.StakingKeeper  = (*sdkstakingkeeper.Keeper)(nil)
	_ types.SlashingKeeper = sdkslashingkeeper.Keeper{}
)

func TestQueryOfEvidenceExplainsIt(t *testing.T) {
	c := newChain(t, many()...)
	c.wrong(3, 3)
	c.lose(poltypes.LossUnproved)
	c.conduct(5, attestationtypes.ConductMissingReveal, "beacon/7")
	q := keeper.NewQueryServer(c.Keeper)
	explain := func(id uint64) *types.QueryEvidenceResponse {
		r, err := q.Evidence(c.ctx, &types.QueryEvidenceRequest{Id: id})
		require.NoError(t, err)
		return r
	}
	for _, row := range []struct {
		id   uint64
		says []string
	}{
		{1, []string{operator(3) + " committed to a wrong answer of task 1 (score)", "2026-03-02T09:00:00Z", "reputation; no stake and no jail.", "`trainerd verify-evidence 1`"}},
		{2, []string{"0.5 % of its stake (penalty 1, to be carried out after 2026-03-05T09:00:01Z", "trainerd verify-evidence 2", "How to appeal"}},
		{3, []string{"0.5 % of its stake and jail (penalty 2"}},
		{4, []string{"did not prove its training in round 3 of group digits: why", "77 unrn of its bond", "trainerd replay --group digits --round 3"}},
		{5, []string{"did not reveal it (beacon/7)", "reputation; no stake and no jail."}},
	} {
		for _, say := range row.says {
			require.Contains(t, explain(row.id).Explanation, say, "evidence %d", row.id)
		}
	}
	r := explain(2)
	require.Equal(t, "pinned inputs", string(r.Evidence.Manifest), "all that a check needs is in the answer")
	require.Equal(t, []types.Penalty{c.penalty(1)}, r.Penalties)
	_, message, ok := strings.Cut(r.Explanation, "proposes it): ")
	require.True(t, ok)
	var appeal map[string]string
	require.NoError(t, json.Unmarshal([]byte(message), &appeal))
	require.Equal(t, map[string]string{"@type": "/pold.slashing.v1.MsgCancelPenalty", "authority": authority, "penalty_id": "1", "reason": "what went wrong"}, appeal)

	c.wait(3 * day)
	require.Contains(t, explain(2).Explanation, "carried out 2026-03-05T09:00:03Z, 50 unrn burned")
	require.NotContains(t, explain(2).Explanation, "How to appeal")
	_, err := q.Evidence(c.ctx, &types.QueryEvidenceRequest{Id: 99})
	require.Equal(t, codes.NotFound, status.Code(err))
}

func TestQueriesList(t *testing.T) {
	c := newChain(t, many()...)
	c.wrong(3, 3)
	c.wrong(1, 4)
	require.NoError(t, c.Cancel(c.ctx, 1, "because"))
	q := keeper.NewQueryServer(c.Keeper)

	params, err := q.Params(c.ctx, &types.QueryParamsRequest{})
	require.NoError(t, err)
	require.Equal(t, types.DefaultParams(), params.Params)

	all, err := q.AllEvidence(c.ctx, &types.QueryAllEvidenceRequest{Pagination: &query.PageRequest{Limit: 3, CountTotal: true}})
	require.NoError(t, err)
	require.Len(t, all.Evidence, 3)
	require.Equal(t, uint64(4), all.Pagination.Total)
	require.Empty(t, all.Evidence[0].Manifest, "a page stays small")
	mine, err := q.AllEvidence(c.ctx, &types.QueryAllEvidenceRequest{Address: operator(4)})
	require.NoError(t, err)
	require.Len(t, mine.Evidence, 1)
	require.Equal(t, operator(4), mine.Evidence[0].Address)

	queued, err := q.Penalties(c.ctx, &types.QueryPenaltiesRequest{Status: types.PENALTY_STATUS_QUEUED})
	require.NoError(t, err)
	require.Equal(t, c.penalties(types.PENALTY_STATUS_QUEUED), queued.Penalties)
	every, err := q.Penalties(c.ctx, &types.QueryPenaltiesRequest{})
	require.NoError(t, err)
	require.Len(t, every.Penalties, 2)

	record, err := q.Record(c.ctx, &types.QueryRecordRequest{Operator: operator(3)})
	require.NoError(t, err)
	require.Equal(t, uint32(2), record.WrongAnswers, "three, of which one was forgiven")
	c.wait(3 * day)
	record, err = q.Record(c.ctx, &types.QueryRecordRequest{Operator: operator(3)})
	require.NoError(t, err)
	require.Equal(t, types.Day{Day: types.DayOf(c.ctx.BlockTime().Unix()), Power: 10}, record.Today)
	c.wait(5 * day)
	record, err = q.Record(c.ctx, &types.QueryRecordRequest{Operator: operator(3)})
	require.NoError(t, err)
	require.Zero(t, record.WrongAnswers, "a week later nothing counts")
	require.Zero(t, record.Today.Power)

	clean, err := q.Record(c.ctx, &types.QueryRecordRequest{Operator: operator(500)})
	require.NoError(t, err)
	require.Equal(t, types.Record{Operator: operator(500)}, clean.Record)
	_, err = q.Record(c.ctx, &types.QueryRecordRequest{Operator: "nobody"})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
}

func TestOnlyGovernanceChangesParameters(t *testing.T) {
	c := newChain(t, 10)
	server := keeper.NewMsgServer(c.Keeper)
	p := types.DefaultParams()
	p.JailAfter = 5
	_, err := server.UpdateParams(c.ctx, &types.MsgUpdateParams{Authority: operator(0), Params: p})
	require.Error(t, err)
	_, err = server.UpdateParams(c.ctx, &types.MsgUpdateParams{Authority: authority, Params: p})
	require.NoError(t, err)
	require.Equal(t, p, c.params())
	p.QueueSeconds = types.MaxQueueSeconds + 1
	_, err = server.UpdateParams(c.ctx, &types.MsgUpdateParams{Authority: authority, Params: p})
	require.ErrorIs(t, err, types.ErrInvalidParams)
}
