package keeper

import (
	"context"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/voting/types"
)

type msgServer struct{ k Keeper }

// NewMsgServer returns the module's message service.
func NewMsgServer(k Keeper) types.MsgServer { return msgServer{k} }

func (s msgServer) Vote(ctx context.Context, m *types.MsgVote) (*types.MsgVoteResponse, error) {
	standing, err := s.k.Vote(ctx, m.Sender, m.Ballot, m.Subject)
	return &types.MsgVoteResponse{Standing: standing}, err
}

func (s msgServer) Unvote(ctx context.Context, m *types.MsgUnvote) (*types.MsgUnvoteResponse, error) {
	return &types.MsgUnvoteResponse{}, s.k.Unvote(ctx, m.Sender, m.Ballot)
}

func (s msgServer) UpdateParams(ctx context.Context, m *types.MsgUpdateParams) (*types.MsgUpdateParamsResponse, error) {
	if err := sdk.ValidateAuthority(sdk.UnwrapSDKContext(ctx), s.k.authority, m.Authority); err != nil {
		return nil, err
	}
	if err := m.Params.Validate(); err != nil {
		return nil, err
	}
	return &types.MsgUpdateParamsResponse{}, s.k.Params.Set(ctx, m.Params)
}
