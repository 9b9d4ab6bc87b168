package app

import (
	"github.com/cosmos/gogoproto/proto"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/cosmos/cosmos-sdk/codec/address"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/std"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtx "github.com/cosmos/cosmos-sdk/x/auth/tx"
	"github.com/cosmos/cosmos-sdk/x/tx/signing"
)

// Encoding holds the codecs that the application, its clients and its tests share.
type Encoding struct {
	Codec             codec.Codec
	Amino             *codec.LegacyAmino
	InterfaceRegistry codectypes.InterfaceRegistry
	TxConfig          client.TxConfig
}

// newEncoding returns codecs that know our address prefixes. Modules add their types when they are wired.
func newEncoding() Encoding {
	config := sdk.GetConfig()
	registry, err := codectypes.NewInterfaceRegistryWithOptions(codectypes.InterfaceRegistryOptions{
		ProtoFiles: proto.HybridResolver,
		SigningOptions: signing.Options{
			AddressCodec:          address.NewBech32Codec(config.GetBech32AccountAddrPrefix()),
			ValidatorAddressCodec: address.NewBech32Codec(config.GetBech32ValidatorAddrPrefix()),
		},
	})
	if err != nil {
		panic(err)
	}
	// Every Msg linked into the binary must name its signer, or it could not be sent.
	if err := registry.SigningContext().Validate(); err != nil {
		panic(err)
	}

	cdc := codec.NewProtoCodec(registry)
	amino := codec.NewLegacyAmino()
	std.RegisterLegacyAminoCodec(amino)
	std.RegisterInterfaces(registry)
	return Encoding{
		Codec:             cdc,
		Amino:             amino,
		InterfaceRegistry: registry,
		TxConfig:          authtx.NewTxConfig(cdc, authtx.DefaultSignModes),
	}
}
