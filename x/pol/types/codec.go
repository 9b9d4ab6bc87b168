package types

import (
	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/cosmos/cosmos-sdk/codec/legacy"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/msgservice"
)

// RegisterInterfaces registers the module's messages.
func RegisterInterfaces(registry codectypes.InterfaceRegistry) {
	registry.RegisterImplementations((*sdk.Msg)(nil),
		&MsgCreateGroup{}, &MsgFundGroup{}, &MsgCommitCheckpoint{}, &MsgSubmitCheckpoint{},
		&MsgBondGroup{}, &MsgUnbondGroup{}, &MsgProvideBatches{}, &MsgRevealBatchKey{}, &MsgWithdrawProviderBond{},
		&MsgPlantCanary{}, &MsgOpenCanary{}, &MsgProposeGroupChange{}, &MsgForkGroup{}, &MsgSetGroupCoinbase{}, &MsgUpdateParams{})
	msgservice.RegisterMsgServiceDesc(registry, &_Msg_serviceDesc)
}

// RegisterLegacyAminoCodec registers the amino names that Ledger devices sign.
func RegisterLegacyAminoCodec(cdc *codec.LegacyAmino) {
	legacy.RegisterAminoMsg(cdc, &MsgCreateGroup{}, "pold/pol/MsgCreateGroup")
	legacy.RegisterAminoMsg(cdc, &MsgFundGroup{}, "pold/pol/MsgFundGroup")
	legacy.RegisterAminoMsg(cdc, &MsgCommitCheckpoint{}, "pold/pol/MsgCommitCheckpoint")
	legacy.RegisterAminoMsg(cdc, &MsgSubmitCheckpoint{}, "pold/pol/MsgSubmitCheckpoint")
	legacy.RegisterAminoMsg(cdc, &MsgBondGroup{}, "pold/pol/MsgBondGroup")
	legacy.RegisterAminoMsg(cdc, &MsgUnbondGroup{}, "pold/pol/MsgUnbondGroup")
	legacy.RegisterAminoMsg(cdc, &MsgProvideBatches{}, "pold/pol/MsgProvideBatches")
	legacy.RegisterAminoMsg(cdc, &MsgRevealBatchKey{}, "pold/pol/MsgRevealBatchKey")
	legacy.RegisterAminoMsg(cdc, &MsgWithdrawProviderBond{}, "pold/pol/MsgWithdrawProviderBond")
	legacy.RegisterAminoMsg(cdc, &MsgPlantCanary{}, "pold/pol/MsgPlantCanary")
	legacy.RegisterAminoMsg(cdc, &MsgOpenCanary{}, "pold/pol/MsgOpenCanary")
	legacy.RegisterAminoMsg(cdc, &MsgProposeGroupChange{}, "pold/pol/MsgProposeGroupChange")
	legacy.RegisterAminoMsg(cdc, &MsgForkGroup{}, "pold/pol/MsgForkGroup")
	legacy.RegisterAminoMsg(cdc, &MsgSetGroupCoinbase{}, "pold/pol/MsgSetGroupCoinbase")
	legacy.RegisterAminoMsg(cdc, &MsgUpdateParams{}, "pold/pol/MsgUpdateParams")
}
