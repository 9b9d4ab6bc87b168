package app_test

import (
	"encoding/json"
	"testing"

	dbm "github.com/cosmos/cosmos-db"
	"github.com/spf13/viper"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/log/v2"

	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	"github.com/pold-network/pold/app"
	"github.com/pold-network/pold/testutil/network"
)

func newApp() *app.App {
	return app.New(log.NewNopLogger(), dbm.NewMemDB(), true, viper.New())
}

func TestDefaultGenesisCountsInUnrn(t *testing.T) {
	a := newApp()
	state := a.DefaultGenesis()
	require.NoError(t, a.BasicManager.ValidateGenesis(a.Codec, a.TxConfig, state))
	require.NotContains(t, state, "mint", "NRN comes only from genesis and the coinbase")

	staking := stakingtypes.GetGenesisStateFromAppState(a.Codec, state)
	require.Equal(t, app.BaseDenom, staking.Params.BondDenom)
	require.Zero(t, staking.Params.HistoricalEntries, "a history that only IBC reads")

	var gov govv1.GenesisState
	a.Codec.MustUnmarshalJSON(state["gov"], &gov)
	require.Equal(t, "10000000unrn", sdk.Coins(gov.Params.MinDeposit).String())
	require.Equal(t, "50000000unrn", sdk.Coins(gov.Params.ExpeditedMinDeposit).String())

	bank := banktypes.GetGenesisStateFromAppState(a.Codec, state)
	require.Len(t, bank.DenomMetadata, 1)
	require.Equal(t, "NRN", bank.DenomMetadata[0].Display)
	require.Equal(t, uint32(6), bank.DenomMetadata[0].DenomUnits[1].Exponent)
	require.NoError(t, app.NRNMetadata().Validate())
	require.True(t, bank.Supply.IsZero())
}

func TestDefaultConsensusParamsAreValid(t *testing.T) {
	params := app.DefaultConsensusParams()
	require.NoError(t, params.ValidateBasic())
	require.Equal(t, int64(4<<20), params.Block.MaxBytes)
	require.Equal(t, int64(1), params.ABCI.VoteExtensionsEnableHeight)
}

func TestAmountsMayBeGivenInNRN(t *testing.T) {
	coins, err := sdk.ParseCoinsNormalized("12.5NRN")
	require.NoError(t, err)
	require.Equal(t, "12500000unrn", coins.String())
}

func TestAddressesHaveOurPrefixes(t *testing.T) {
	address := make([]byte, 20)
	require.Contains(t, sdk.AccAddress(address).String(), "pol1")
	require.Contains(t, sdk.ValAddress(address).String(), "polvaloper1")
	require.Contains(t, sdk.ConsAddress(address).String(), "polvalcons1")
}

func TestModuleAccountsTakeNoCoinsFromUsers(t *testing.T) {
	blocked := app.BlockedAddresses()
	require.True(t, blocked[authtypes.NewModuleAddress(authtypes.FeeCollectorName).String()])
	require.True(t, blocked[authtypes.NewModuleAddress(stakingtypes.BondedPoolName).String()])
	require.False(t, blocked[app.Authority()], "governance can be given funds")
}

func TestExportContinuesWithVoteExtensionsFromItsFirstBlock(t *testing.T) {
	n := network.New(t, network.Config{})
	n.Advance(5)
	exported := n.Export()
	require.Equal(t, int64(6), exported.Height)
	require.Equal(t, int64(6), exported.ConsensusParams.Abci.VoteExtensionsEnableHeight)
	require.Len(t, exported.Validators, 4)
	require.Equal(t, int64(1), n.App.GetConsensusParams(n.Ctx()).Abci.VoteExtensionsEnableHeight, "the running chain keeps its own")

	next := n.Continue()
	require.Equal(t, int64(6), next.Advance(1).Height)
	next.Advance(2)
	next.Replay()
}

func TestGenesisRoundTripOfAllModules(t *testing.T) {
	n := network.New(t, network.Config{Accounts: 2})
	n.Advance(3)
	n.Deliver(n.Accounts[0], banktypes.NewMsgSend(n.Accounts[0].Address, n.Accounts[1].Address,
		sdk.NewCoins(sdk.NewInt64Coin(app.BaseDenom, 7))))
	exported, again := n.Reexport()
	require.JSONEq(t, string(exported), string(again))

	var state map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(exported, &state))
	for _, name := range []string{"attestation", "auth", "bank", "gov", "pol", "slashing", "staking", "trainingset"} {
		require.NotEmpty(t, state[name], name)
	}
}

func TestExportOfSomeModulesLeavesTheOthersOut(t *testing.T) {
	n := network.New(t, network.Config{})
	n.Advance(2)
	exported, err := n.App.Export(false, []string{banktypes.ModuleName})
	require.NoError(t, err)
	var state map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(exported.AppState, &state))
	require.Len(t, state, 1)
	require.Contains(t, state, banktypes.ModuleName)

	_, err = n.App.Export(false, []string{"nonsense"})
	require.ErrorContains(t, err, "nonsense")
	_, err = n.App.Export(true, nil)
	require.ErrorIs(t, err, app.ErrZeroHeightExport)
}
