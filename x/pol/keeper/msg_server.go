package keeper

import (
	"context"

	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/x/pol/types"
)

type msgServer struct{ k Keeper }

// NewMsgServer returns the module's message service.
func NewMsgServer(k Keeper) types.MsgServer { return msgServer{k} }

func (s msgServer) CreateGroup(ctx context.Context, m *types.MsgCreateGroup) (*types.MsgCreateGroupResponse, error) {
	cost, err := s.k.CreateGroup(ctx, m.Sender, m.Name, m.Settings)
	return &types.MsgCreateGroupResponse{Cost: cost}, err
}

func (s msgServer) FundGroup(ctx context.Context, m *types.MsgFundGroup) (*types.MsgFundGroupResponse, error) {
	return &types.MsgFundGroupResponse{}, s.k.FundGroup(ctx, m.Sender, m.Group, m.Amount)
}

func (s msgServer) CommitCheckpoint(ctx context.Context, m *types.MsgCommitCheckpoint) (*types.MsgCommitCheckpointResponse, error) {
	order, err := s.k.CommitCheckpoint(ctx, m)
	return &types.MsgCommitCheckpointResponse{Order: order}, err
}

func (s msgServer) SubmitCheckpoint(ctx context.Context, m *types.MsgSubmitCheckpoint) (*types.MsgSubmitCheckpointResponse, error) {
	return &types.MsgSubmitCheckpointResponse{}, s.k.SubmitCheckpoint(ctx, m)
}

func (s msgServer) BondGroup(ctx context.Context, m *types.MsgBondGroup) (*types.MsgBondGroupResponse, error) {
	return &types.MsgBondGroupResponse{}, s.k.BondGroup(ctx, m.Sender, m.Group, m.Amount)
}

func (s msgServer) UnbondGroup(ctx context.Context, m *types.MsgUnbondGroup) (*types.MsgUnbondGroupResponse, error) {
	completion, err := s.k.UnbondGroup(ctx, m.Sender, m.Group, m.Amount)
	return &types.MsgUnbondGroupResponse{CompletionUnix: completion}, err
}

func (s msgServer) ProvideBatches(ctx context.Context, m *types.MsgProvideBatches) (*types.MsgProvideBatchesResponse, error) {
	return &types.MsgProvideBatchesResponse{}, s.k.ProvideBatches(ctx, m)
}

func (s msgServer) RevealBatchKey(ctx context.Context, m *types.MsgRevealBatchKey) (*types.MsgRevealBatchKeyResponse, error) {
	return &types.MsgRevealBatchKeyResponse{}, s.k.RevealBatchKey(ctx, m)
}

func (s msgServer) WithdrawProviderBond(ctx context.Context, m *types.MsgWithdrawProviderBond) (*types.MsgWithdrawProviderBondResponse, error) {
	amount, err := s.k.WithdrawProviderBond(ctx, m.Sender, m.Group)
	return &types.MsgWithdrawProviderBondResponse{Amount: amount}, err
}

func (s msgServer) PlantCanary(ctx context.Context, m *types.MsgPlantCanary) (*types.MsgPlantCanaryResponse, error) {
	return &types.MsgPlantCanaryResponse{}, s.k.PlantCanary(ctx, m)
}

func (s msgServer) OpenCanary(ctx context.Context, m *types.MsgOpenCanary) (*types.MsgOpenCanaryResponse, error) {
	status, err := s.k.OpenCanary(ctx, m)
	return &types.MsgOpenCanaryResponse{Status: status}, err
}

func (s msgServer) ProposeGroupChange(ctx context.Context, m *types.MsgProposeGroupChange) (*types.MsgProposeGroupChangeResponse, error) {
	c, err := s.k.ProposeGroupChange(ctx, m)
	return &types.MsgProposeGroupChangeResponse{Change: c.Id, Ballot: c.Ballot}, err
}

func (s msgServer) ForkGroup(ctx context.Context, m *types.MsgForkGroup) (*types.MsgForkGroupResponse, error) {
	return &types.MsgForkGroupResponse{}, s.k.ForkGroup(ctx, m)
}

func (s msgServer) SetGroupCoinbase(ctx context.Context, m *types.MsgSetGroupCoinbase) (*types.MsgSetGroupCoinbaseResponse, error) {
	if err := sdk.ValidateAuthority(sdk.UnwrapSDKContext(ctx), s.k.authority, m.Authority); err != nil {
		return nil, err
	}
	return &types.MsgSetGroupCoinbaseResponse{}, s.k.SetGroupCoinbase(ctx, m.Group, m.Enabled)
}

func (s msgServer) UpdateParams(ctx context.Context, m *types.MsgUpdateParams) (*types.MsgUpdateParamsResponse, error) {
	if err := sdk.ValidateAuthority(sdk.UnwrapSDKContext(ctx), s.k.authority, m.Authority); err != nil {
		return nil, err
	}
	return &types.MsgUpdateParamsResponse{}, s.k.UpdateParams(ctx, m.Params)
}
