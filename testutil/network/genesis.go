package network

import (
	"encoding/json"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	cryptocodec "github.com/cosmos/cosmos-sdk/crypto/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	slashingtypes "github.com/cosmos/cosmos-sdk/x/slashing/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	"github.com/pold-network/pold/app"
)

// fillGenesis adds the accounts and bonded validators to a default genesis.
func (n *Network) fillGenesis(state map[string]json.RawMessage) {
	n.t.Helper()
	cdc := n.App.Codec

	var accounts authtypes.GenesisAccounts
	var balances []banktypes.Balance
	fund := func(account Account) {
		accounts = append(accounts, authtypes.NewBaseAccount(account.Address, nil, uint64(len(accounts)), 0))
		balances = append(balances, banktypes.Balance{Address: account.String(), Coins: unrn(math.NewInt(n.config.Balance))})
	}
	for _, validator := range n.Validators {
		fund(validator.Account)
	}
	for _, account := range n.Accounts {
		fund(account)
	}

	staking := stakingtypes.GetGenesisStateFromAppState(cdc, state)
	var slashing slashingtypes.GenesisState
	cdc.MustUnmarshalJSON(state[slashingtypes.ModuleName], &slashing)
	bonded := math.ZeroInt()
	for i, validator := range n.Validators {
		tokens := sdk.TokensFromConsensusPower(n.config.Powers[i], sdk.DefaultPowerReduction)
		bonded = bonded.Add(tokens)
		staking.Validators = append(staking.Validators, n.bondedValidator(validator, tokens))
		staking.Delegations = append(staking.Delegations,
			stakingtypes.NewDelegation(validator.Account.String(), validator.Operator.String(), math.LegacyNewDecFromInt(tokens)))
		// Slashing refuses a vote of a validator that it never saw bonding.
		slashing.SigningInfos = append(slashing.SigningInfos, slashingtypes.SigningInfo{
			Address:              validator.ConsAddr.String(),
			ValidatorSigningInfo: slashingtypes.NewValidatorSigningInfo(validator.ConsAddr, 1, 0, time.Unix(0, 0).UTC(), false, 0),
		})
	}
	balances = append(balances, banktypes.Balance{
		Address: authtypes.NewModuleAddress(stakingtypes.BondedPoolName).String(), Coins: unrn(bonded),
	})

	auth := authtypes.GetGenesisStateFromAppState(cdc, state)
	packed, err := authtypes.PackAccounts(accounts)
	require.NoError(n.t, err)
	auth.Accounts = packed
	bank := banktypes.GetGenesisStateFromAppState(cdc, state)
	bank.Balances = banktypes.SanitizeGenesisBalances(balances)

	state[authtypes.ModuleName] = cdc.MustMarshalJSON(&auth)
	state[banktypes.ModuleName] = cdc.MustMarshalJSON(bank)
	state[stakingtypes.ModuleName] = cdc.MustMarshalJSON(staking)
	state[slashingtypes.ModuleName] = cdc.MustMarshalJSON(&slashing)
}

func (n *Network) bondedValidator(validator Validator, tokens math.Int) stakingtypes.Validator {
	n.t.Helper()
	key, err := cryptocodec.FromCmtPubKeyInterface(validator.Key.PubKey())
	require.NoError(n.t, err)
	packed, err := codectypes.NewAnyWithValue(key)
	require.NoError(n.t, err)
	return stakingtypes.Validator{
		OperatorAddress:   validator.Operator.String(),
		ConsensusPubkey:   packed,
		Status:            stakingtypes.Bonded,
		Tokens:            tokens,
		DelegatorShares:   math.LegacyNewDecFromInt(tokens),
		UnbondingTime:     time.Unix(0, 0).UTC(),
		Commission:        stakingtypes.NewCommission(math.LegacyZeroDec(), math.LegacyZeroDec(), math.LegacyZeroDec()),
		MinSelfDelegation: math.OneInt(),
	}
}

func unrn(amount math.Int) sdk.Coins {
	return sdk.NewCoins(sdk.NewCoin(app.BaseDenom, amount))
}
