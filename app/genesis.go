package app

import (
	"encoding/json"

	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/cosmos/cosmos-sdk/types/module"
	"github.com/cosmos/cosmos-sdk/x/bank"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	"github.com/cosmos/cosmos-sdk/x/genutil"
	genutiltypes "github.com/cosmos/cosmos-sdk/x/genutil/types"
	"github.com/cosmos/cosmos-sdk/x/gov"
	govclient "github.com/cosmos/cosmos-sdk/x/gov/client"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	"github.com/cosmos/cosmos-sdk/x/staking"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"
)

const (
	// MaxBlockBytes bounds a block. A quarter of it is reserved for vote extensions.
	MaxBlockBytes = 4 << 20
	// MaxBlockGas bounds the gas of all transactions of a block.
	MaxBlockGas = 100_000_000
	// VoteExtensionsHeight is the first height whose votes carry extensions.
	VoteExtensionsHeight = 1
)

// DefaultConsensusParams returns the consensus parameters of a new chain.
func DefaultConsensusParams() *cmttypes.ConsensusParams {
	params := cmttypes.DefaultConsensusParams()
	params.Block.MaxBytes = MaxBlockBytes
	params.Block.MaxGas = MaxBlockGas
	params.ABCI.VoteExtensionsEnableHeight = VoteExtensionsHeight
	return params
}

// basicOverrides replaces the genesis defaults of SDK modules where ours
// differ. Bond and deposit denoms need nothing here: those modules take them
// from sdk.DefaultBondDenom.
func basicOverrides() map[string]module.AppModuleBasic {
	return map[string]module.AppModuleBasic{
		banktypes.ModuleName:    bankBasic{},
		genutiltypes.ModuleName: genutil.NewAppModuleBasic(genutiltypes.DefaultMessageValidator),
		govtypes.ModuleName:     gov.NewAppModuleBasic([]govclient.ProposalHandler{}),
		stakingtypes.ModuleName: stakingBasic{},
	}
}

// bankBasic is the SDK's bank module whose default genesis knows NRN.
type bankBasic struct{ bank.AppModuleBasic }

// DefaultGenesis returns an empty bank that describes NRN, so that wallets show whole coins.
func (bankBasic) DefaultGenesis(cdc codec.JSONCodec) json.RawMessage {
	state := banktypes.DefaultGenesisState()
	state.DenomMetadata = []banktypes.Metadata{NRNMetadata()}
	return cdc.MustMarshalJSON(state)
}

// stakingBasic is the SDK's staking module without a history: the SDK keeps all validators of each of the last 10,000 blocks for IBC,
// which this chain does not have.
type stakingBasic struct{ staking.AppModuleBasic }

// DefaultGenesis returns a state without validators whose blocks leave no history.
func (stakingBasic) DefaultGenesis(cdc codec.JSONCodec) json.RawMessage {
	state := stakingtypes.DefaultGenesisState()
	state.Params.HistoricalEntries = 0
	return cdc.MustMarshalJSON(state)
}

// NRNMetadata describes the coin of the chain: base unit unrn, shown as NRN with 6 decimals.
func NRNMetadata() banktypes.Metadata {
	return banktypes.Metadata{
		Description: "The coin of pold: bonded by validators and groups, paid to those who learn and verify.",
		DenomUnits: []*banktypes.DenomUnit{
			{Denom: BaseDenom, Exponent: 0},
			{Denom: DisplayDenom, Exponent: Decimals},
		},
		Base:    BaseDenom,
		Display: DisplayDenom,
		Name:    DisplayDenom,
		Symbol:  DisplayDenom,
	}
}
