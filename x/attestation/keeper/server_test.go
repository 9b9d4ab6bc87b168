package keeper_test

import (
	"crypto/ed25519"
	"testing"

	"github.com/mr-tron/base58"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cosmos/cosmos-sdk/types/query"

	"github.com/pold-network/pold/x/attestation/keeper"
	"github.com/pold-network/pold/x/attestation/types"
)

func announce(sender string, seed byte, expires int64) *types.MsgAnnouncePeer {
	key := ed25519.NewKeyFromSeed(append(make([]byte, 31), seed))
	id := base58.Encode(append([]byte{0x00, 0x24, 0x08, 0x01, 0x12, 0x20}, key.Public().(ed25519.PublicKey)...))
	m := &types.MsgAnnouncePeer{Sender: sender, PeerId: id, Addresses: []string{"/ip4/203.0.113.7/tcp/4001"}, Expires: expires}
	m.Signature = ed25519.Sign(key, types.AnnouncementBytes(chainID, sender, id, m.Addresses, expires))
	return m
}

func TestPeersAreReplacedByTheirSenderAndForgottenAfterTheirExpiry(t *testing.T) {
	c := newChain(t, 1)
	msgs, queries := keeper.NewMsgServer(c.Keeper), keeper.NewQueryServer(c.Keeper)
	peers := func() []types.Peer {
		r, err := queries.Peers(c.ctx, &types.QueryPeersRequest{})
		require.NoError(t, err)
		return r.Peers
	}
	for _, m := range []*types.MsgAnnouncePeer{announce("alice", 1, 101), announce("bob", 2, 150), announce("alice", 3, 102)} {
		_, err := msgs.AnnouncePeer(c.ctx, m)
		require.NoError(t, err)
	}
	require.Len(t, peers(), 2)
	require.Equal(t, announce("alice", 3, 102).PeerId, peers()[0].PeerId)
	c.block()
	c.block()
	require.Len(t, peers(), 2, "valid up to its last height, and not removed by the expiry that it replaced")
	c.block()
	require.Len(t, peers(), 1)
	require.Equal(t, "bob", peers()[0].Address)
	require.Equal(t, 1, c.prefixes()[types.PeersExpiryKey.Bytes()[0]])
}

func TestAnnouncePeerRefuses(t *testing.T) {
	c := newChain(t, 1)
	for name, r := range map[string]struct {
		m    *types.MsgAnnouncePeer
		want string
	}{
		"an expiry in the past":     {announce("alice", 1, 100), "expected a height from 101 to 1100, got 100"},
		"an expiry beyond the life": {announce("alice", 1, 1101), "got 1101"},
		"another's announcement":    {func() *types.MsgAnnouncePeer { m := announce("alice", 1, 150); m.Sender = "bob"; return m }(), "signature"},
	} {
		_, err := keeper.NewMsgServer(c.Keeper).AnnouncePeer(c.ctx, r.m)
		require.ErrorIs(t, err, types.ErrInvalidPeer, name)
		require.ErrorContains(t, err, r.want, name)
	}
	require.Zero(t, c.prefixes()[types.PeersKey.Bytes()[0]])
}

func TestOnlyGovernanceChangesParamsAndOnlyToValidOnes(t *testing.T) {
	c := newChain(t, 1)
	msgs := keeper.NewMsgServer(c.Keeper)
	p := testParams()
	p.LiveWindow = 77
	_, err := msgs.UpdateParams(c.ctx, &types.MsgUpdateParams{Authority: "mallory", Params: p})
	require.ErrorContains(t, err, "authority")
	bad := p
	bad.CommitWindow = 1
	_, err = msgs.UpdateParams(c.ctx, &types.MsgUpdateParams{Authority: authority, Params: bad})
	require.ErrorIs(t, err, types.ErrInvalidParams)
	_, err = msgs.UpdateParams(c.ctx, &types.MsgUpdateParams{Authority: authority, Params: p})
	require.NoError(t, err)
	r, err := keeper.NewQueryServer(c.Keeper).Params(c.ctx, &types.QueryParamsRequest{})
	require.NoError(t, err)
	require.Equal(t, p, r.Params)
}

func TestQueriesShowWhatAPersonAsks(t *testing.T) {
	c := newChain(t, 2, 1)
	q := keeper.NewQueryServer(c.Keeper)
	id, artefact := c.openTask(), c.ask()
	queued := c.queue("score", 1000, 0)
	c.block(commit(0, id, "a"))

	work, err := q.Work(c.ctx, &types.QueryWorkRequest{})
	require.NoError(t, err)
	require.Equal(t, []types.Task{c.task(id)}, work.Tasks)
	require.Equal(t, []types.Artefact{c.artefact(artefact)}, work.Artefacts)
	require.Equal(t, c.ctx.BlockHeight(), work.Height)

	one, err := q.Task(c.ctx, &types.QueryTaskRequest{Id: id})
	require.NoError(t, err)
	require.Equal(t, c.task(id), one.Task)

	waiting, err := q.Tasks(c.ctx, &types.QueryTasksRequest{Status: types.TASK_STATUS_QUEUED})
	require.NoError(t, err)
	require.Equal(t, []types.Task{c.task(queued)}, waiting.Tasks)
	page, err := q.Tasks(c.ctx, &types.QueryTasksRequest{Pagination: &query.PageRequest{Limit: 1}})
	require.NoError(t, err)
	require.Len(t, page.Tasks, 1)
	require.NotEmpty(t, page.Pagination.NextKey)

	witnesses, err := q.Witnesses(c.ctx, &types.QueryWitnessesRequest{TaskId: id})
	require.NoError(t, err)
	require.Len(t, witnesses.Witnesses, 1)
	require.Equal(t, "op0", witnesses.Witnesses[0].Operator)

	live, err := q.Live(c.ctx, &types.QueryLiveRequest{})
	require.NoError(t, err)
	require.Equal(t, &types.QueryLiveResponse{Height: c.ctx.BlockHeight(), Live: 1, Required: 2, Validators: []types.LiveInfo{
		{Operator: "op0", Power: 2, LastSeen: c.ctx.BlockHeight() - 1, Live: true}, {Operator: "op1", Power: 1},
	}}, live)

	_, err = q.Task(c.ctx, &types.QueryTaskRequest{Id: 99})
	require.Equal(t, codes.NotFound, status.Code(err))
	_, err = q.Artefact(c.ctx, &types.QueryArtefactRequest{Id: 99})
	require.Equal(t, codes.NotFound, status.Code(err))
}
