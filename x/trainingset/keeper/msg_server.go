package keeper

import (
	"context"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/trainingset/types"
)

type msgServer struct{ k Keeper }

// NewMsgServer returns the module's message service.
func NewMsgServer(k Keeper) types.MsgServer { return msgServer{k} }

func (s msgServer) RegisterTrainingSet(ctx context.Context, m *types.MsgRegisterTrainingSet) (*types.MsgRegisterTrainingSetResponse, error) {
	return &types.MsgRegisterTrainingSetResponse{}, s.k.Register(ctx, m)
}

func (s msgServer) ProposeDelta(ctx context.Context, m *types.MsgProposeDelta) (*types.MsgProposeDeltaResponse, error) {
	p, err := s.k.ProposeDelta(ctx, m)
	return &types.MsgProposeDeltaResponse{Proposal: p.Id, Ballot: p.Ballot, Deposit: p.Deposit}, err
}

func (s msgServer) WithdrawProposal(ctx context.Context, m *types.MsgWithdrawProposal) (*types.MsgWithdrawProposalResponse, error) {
	return &types.MsgWithdrawProposalResponse{}, s.k.WithdrawProposal(ctx, m.Sender, m.Proposal)
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
