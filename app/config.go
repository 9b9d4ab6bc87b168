package app

import (
	"cosmossdk.io/math"

	clienthelpers "cosmossdk.io/client/v2/helpers"
	sdk "github.com/cosmos/cosmos-sdk/types"
)

const (
	// Name is the name of the node binary and of the application in the version.
	Name = "pold"
	// EnvPrefix starts every environment variable that the node reads, as in POLD_HOME.
	EnvPrefix = "POLD"

	// BaseDenom is the unit that the state counts in: one millionth of an NRN.
	BaseDenom = "unrn"
	// DisplayDenom is the unit for people.
	DisplayDenom = "NRN"
	// Decimals says that one NRN is 10^6 unrn.
	Decimals = 6

	// Bech32Prefix starts an account address; validator and consensus addresses extend it.
	Bech32Prefix = "pol"
	// CoinType is the BIP-44 coin type of the keys, the one of most Cosmos chains.
	CoinType = sdk.CoinType
)

// DefaultNodeHome is where a node keeps its files when neither --home nor POLD_HOME says otherwise.
var DefaultNodeHome string

// The SDK reads its bond denom, address prefixes and denom units from globals,
// also while genesis defaults are built, so they are set before anything runs.
func init() {
	sdk.DefaultBondDenom = BaseDenom

	config := sdk.GetConfig()
	config.SetBech32PrefixForAccount(Bech32Prefix, Bech32Prefix+sdk.PrefixPublic)
	config.SetBech32PrefixForValidator(
		Bech32Prefix+sdk.PrefixValidator+sdk.PrefixOperator,
		Bech32Prefix+sdk.PrefixValidator+sdk.PrefixOperator+sdk.PrefixPublic)
	config.SetBech32PrefixForConsensusNode(
		Bech32Prefix+sdk.PrefixValidator+sdk.PrefixConsensus,
		Bech32Prefix+sdk.PrefixValidator+sdk.PrefixConsensus+sdk.PrefixPublic)
	config.SetCoinType(CoinType)

	// With both units known, flags such as --fees take 0.5NRN as well as 500000unrn.
	if err := sdk.RegisterDenom(DisplayDenom, math.LegacyOneDec()); err != nil {
		panic(err)
	}
	if err := sdk.RegisterDenom(BaseDenom, math.LegacyNewDecWithPrec(1, Decimals)); err != nil {
		panic(err)
	}

	clienthelpers.EnvPrefix = EnvPrefix
	home, err := clienthelpers.GetNodeHomeDirectory("." + Name)
	if err != nil {
		panic(err)
	}
	DefaultNodeHome = home
}
