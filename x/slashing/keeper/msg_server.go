package keeper

import (
	"context"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/slashing/types"
)

type msgServer struct{ k Keeper }

// NewMsgServer returns the module's message service.
func NewMsgServer(k Keeper) types.MsgServer { return msgServer{k} }

func (s msgServer) CancelPenalty(ctx context.Context, m *types.MsgCancelPenalty) (*types.MsgCancelPenaltyResponse, error) {
	if err := sdk.ValidateAuthority(sdk.UnwrapSDKContext(ctx), s.k.authority, m.Authority); err != nil {
		return nil, err
	}
	if err := s.k.Cancel(ctx, m.PenaltyId, m.Reason); err != nil {
		return nil, err
	}
	return &types.MsgCancelPenaltyResponse{}, nil
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
