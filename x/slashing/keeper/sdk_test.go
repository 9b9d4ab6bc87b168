package keeper_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/log/v2"
	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/codec/address"
	"github.com/cosmos/cosmos-sdk/crypto/keys/ed25519"
	"github.com/cosmos/cosmos-sdk/runtime"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	"github.com/cosmos/cosmos-sdk/testutil"
	sdk "github.com/cosmos/cosmos-sdk/types"
	moduletestutil "github.com/cosmos/cosmos-sdk/types/module/testutil"
	"github.com/cosmos/cosmos-sdk/x/auth"
	authkeeper "github.com/cosmos/cosmos-sdk/x/auth/keeper"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	"github.com/cosmos/cosmos-sdk/x/bank"
	bankkeeper "github.com/cosmos/cosmos-sdk/x/bank/keeper"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	sdkslashingkeeper "github.com/cosmos/cosmos-sdk/x/slashing/keeper"
	sdkslashingtypes "github.com/cosmos/cosmos-sdk/x/slashing/types"
	sdkstaking "github.com/cosmos/cosmos-sdk/x/staking"
	sdkstakingkeeper "github.com/cosmos/cosmos-sdk/x/staking/keeper"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	"github.com/pold-network/pold/x/slashing/keeper"
	"github.com/pold-network/pold/x/slashing/types"
)

// With the staking, slashing and bank keepers of the SDK: who begins to unbond after the fault pays as well, the supply
// falls by what was counted, and the validator is jailed and cannot leave before its time.
func TestWithTheKeepersOfTheSDK(t *testing.T) {
	keys := storetypes.NewKVStoreKeys(authtypes.StoreKey, banktypes.StoreKey, stakingtypes.StoreKey, sdkslashingtypes.StoreKey, types.StoreKey)
	ctx := testutil.DefaultContextWithKeys(keys, nil, nil).WithChainID(chainID).WithBlockHeight(100).WithBlockTime(start)
	encoding := moduletestutil.MakeTestEncodingConfig(auth.AppModuleBasic{}, bank.AppModuleBasic{}, sdkstaking.AppModuleBasic{})
	cdc := encoding.Codec
	gov := authtypes.NewModuleAddress("gov").String()
	accounts := authkeeper.NewAccountKeeper(cdc, runtime.NewKVStoreService(keys[authtypes.StoreKey]), authtypes.ProtoBaseAccount, map[string][]string{
		"mint": {authtypes.Minter}, stakingtypes.BondedPoolName: {authtypes.Burner, authtypes.Staking}, stakingtypes.NotBondedPoolName: {authtypes.Burner, authtypes.Staking},
	}, address.NewBech32Codec("cosmos"), "cosmos", gov)
	coins := bankkeeper.NewBaseKeeper(cdc, runtime.NewKVStoreService(keys[banktypes.StoreKey]), accounts, nil, gov, log.NewNopLogger())
	valCodec := address.NewBech32Codec("cosmosvaloper")
	stakes := sdkstakingkeeper.NewKeeper(cdc, runtime.NewKVStoreService(keys[stakingtypes.StoreKey]), accounts, coins, gov, valCodec, address.NewBech32Codec("cosmosvalcons"))
	jails := sdkslashingkeeper.NewKeeper(cdc, encoding.Amino, runtime.NewKVStoreService(keys[sdkslashingtypes.StoreKey]), stakes, gov)
	stakes.SetHooks(jails.Hooks())
	require.NoError(t, coins.SetParams(ctx, banktypes.DefaultParams()))
	params := stakingtypes.DefaultParams()
	params.BondDenom = "unrn"
	require.NoError(t, stakes.SetParams(ctx, params))
	require.NoError(t, jails.SetParams(ctx, sdkslashingtypes.DefaultParams()))

	const bonded = 100_000_000 // 100 units of power each
	var delegators []sdk.AccAddress
	for i := range 20 {
		delegator := sdk.AccAddress(fmt.Appendf(nil, "delegator-%010d", i))
		amount := sdk.NewCoins(sdk.NewInt64Coin("unrn", bonded))
		require.NoError(t, coins.MintCoins(ctx, "mint", amount))
		require.NoError(t, coins.SendCoinsFromModuleToAccount(ctx, "mint", delegator, amount))
		o, err := valCodec.BytesToString(delegator)
		require.NoError(t, err)
		v, err := stakingtypes.NewValidator(o, ed25519.GenPrivKeyFromSecret(fmt.Appendf(nil, "validator %d", i)).PubKey(), stakingtypes.Description{})
		require.NoError(t, err)
		v.MinSelfDelegation = math.OneInt()
		require.NoError(t, stakes.SetValidator(ctx, v))
		require.NoError(t, stakes.SetValidatorByConsAddr(ctx, v))
		require.NoError(t, stakes.SetNewValidatorByPowerIndex(ctx, v))
		require.NoError(t, stakes.Hooks().AfterValidatorCreated(ctx, sdk.ValAddress(delegator)))
		_, err = stakes.Delegate(ctx, delegator, math.NewInt(bonded), stakingtypes.Unbonded, v, true)
		require.NoError(t, err)
		delegators = append(delegators, delegator)
	}
	_, err := stakes.EndBlocker(ctx)
	require.NoError(t, err)

	counted := newStaking(t) // only counts what is reported as burned
	k := keeper.NewKeeper(cdc, runtime.NewKVStoreService(keys[types.StoreKey]), gov, valCodec,
		keeper.Neighbours{Staking: stakes, Slashing: jails, Bank: coins, Pol: counted, Attestation: counted})
	require.NoError(t, k.InitGenesis(ctx, *types.DefaultGenesis()))
	culprit := sdk.ValAddress(delegators[7])
	o, err := valCodec.BytesToString(culprit)
	require.NoError(t, err)
	next := func(wait time.Duration) {
		ctx = ctx.WithBlockHeight(ctx.BlockHeight() + 1).WithBlockTime(ctx.BlockTime().Add(wait))
		require.NoError(t, k.EndBlock(ctx))
		_, err := stakes.EndBlocker(ctx)
		require.NoError(t, err)
	}
	next(time.Second)
	for range 3 {
		require.NoError(t, k.Hooks().AfterTaskSettled(ctx, attestationtypes.Outcome{
			Task:     attestationtypes.Task{Id: 1, Kind: "score", Manifest: []byte("inputs")},
			Snapshot: attestationtypes.Snapshot{Height: ctx.BlockHeight(), Members: []attestationtypes.Member{{Operator: o, Power: 100}}},
			Wrong:    []attestationtypes.Vote{{Operator: o}},
		}))
	}
	next(time.Second)
	_, _, err = stakes.Undelegate(ctx, delegators[7], culprit, math.LegacyNewDec(bonded/2))
	require.NoError(t, err)

	before := coins.GetSupply(ctx, "unrn").Amount
	next(3 * 24 * time.Hour)
	burned := before.Sub(coins.GetSupply(ctx, "unrn").Amount)
	require.Equal(t, int64(2*500_000), burned.Int64(), "twice 0.5 %% of what was bonded at the fault")
	require.True(t, burned.Equal(counted.counted), "counted %s", counted.counted)
	leaving, err := stakes.GetUnbondingDelegation(ctx, delegators[7], culprit)
	require.NoError(t, err)
	require.Equal(t, int64(bonded/2-2*250_000), leaving.Entries[0].Balance.Int64(), "also of the half that was on its way out")
	v, err := stakes.GetValidator(ctx, culprit)
	require.NoError(t, err)
	require.True(t, v.IsJailed())
	require.False(t, v.IsBonded(), "it left the validator set in the same block")
	require.ErrorIs(t, jails.Unjail(ctx, culprit), sdkslashingtypes.ErrValidatorJailed)
	next(24 * time.Hour)
	require.NoError(t, jails.Unjail(ctx, culprit))
}
