package network_test

import (
	"encoding/json"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/baseapp"
	"github.com/cosmos/cosmos-sdk/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"

	"github.com/pold-network/pold/app"
	"github.com/pold-network/pold/testutil/network"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
)

func coins(amount int64) sdk.Coins { return sdk.NewCoins(sdk.NewInt64Coin(app.BaseDenom, amount)) }

func balance(n *network.Network, account network.Account) math.Int {
	return n.App.BankKeeper.GetBalance(n.Ctx(), account.Address, app.BaseDenom).Amount
}

func TestATransactionMovesCoinsAndTheBlocksReplay(t *testing.T) {
	n := network.New(t, network.Config{Accounts: 2})
	n.Advance(1)
	result := n.Deliver(n.Accounts[0], banktypes.NewMsgSend(n.Accounts[0].Address, n.Accounts[1].Address, coins(7)))
	require.Zero(t, result.Code, result.Log)
	require.Equal(t, "1000000007", balance(n, n.Accounts[1]).String())

	n.Submit(n.Accounts[0], banktypes.NewMsgSend(n.Accounts[0].Address, n.Accounts[1].Address, coins(1)))
	n.Submit(n.Accounts[0], banktypes.NewMsgSend(n.Accounts[0].Address, n.Accounts[1].Address, coins(2)))
	block := n.Advance(1)
	require.Equal(t, int64(3), block.Height)
	require.Equal(t, "1000000010", balance(n, n.Accounts[1]).String())

	result = n.Deliver(n.Accounts[1], banktypes.NewMsgSend(n.Accounts[1].Address, n.Accounts[0].Address, coins(9e15)))
	require.NotZero(t, result.Code, "more than the balance")
	n.Replay()
}

// extension is a well-formed one that names a validator and a height.
func extension(t *testing.T, validator int, height int64) []byte {
	t.Helper()
	b, err := attestationtypes.EncodeExtension(attestationtypes.VoteExtension{Held: []uint64{uint64(validator), uint64(1000 + height)}})
	require.NoError(t, err)
	return b
}

func TestExtensionsAreSignedSoThatTheSDKAcceptsThem(t *testing.T) {
	n := network.New(t, network.Config{Powers: []int64{5, 30, 10, 10}})
	n.Extend = func(validator int, height int64) []byte { return extension(t, validator, height) }
	n.Absent = func(validator int, height int64) bool { return validator == 0 && height == 2 }
	n.Advance(2)
	var seen abci.ExtendedCommitInfo
	n.AlterCommit = func(_ int64, commit *abci.ExtendedCommitInfo) { seen = *commit }
	n.Advance(1)

	require.Len(t, seen.Votes, 4)
	require.Equal(t, int64(30), seen.Votes[0].Validator.Power, "votes are ordered by power")
	require.Equal(t, extension(t, 1, 2), seen.Votes[0].VoteExtension)
	require.Empty(t, seen.Votes[3].VoteExtension, "validator 0 was absent at height 2")

	check := func(commit abci.ExtendedCommitInfo) error {
		info := abci.CommitInfo{Round: commit.Round}
		for _, vote := range seen.Votes {
			info.Votes = append(info.Votes, abci.VoteInfo{Validator: vote.Validator, BlockIdFlag: vote.BlockIdFlag})
		}
		ctx := n.Ctx().WithCometInfo(baseapp.NewBlockInfo(nil, nil, nil, info))
		return baseapp.ValidateVoteExtensions(ctx, n.App.StakingKeeper, 0, "", commit)
	}
	require.NoError(t, check(seen))
	seen.Votes[1].VoteExtension = []byte("forged")
	require.ErrorContains(t, check(seen), "failed to verify")
}

func TestAVoteWithARefusedExtensionIsAbsent(t *testing.T) {
	n := network.New(t, network.Config{})
	n.Extend = func(validator int, height int64) []byte {
		if validator == 2 {
			return []byte("not an extension")
		}
		return nil
	}
	absent := func(commit abci.ExtendedCommitInfo) []sdk.ConsAddress {
		var addresses []sdk.ConsAddress
		for _, vote := range commit.Votes {
			if vote.BlockIdFlag == cmtproto.BlockIDFlagAbsent {
				addresses = append(addresses, vote.Validator.Address)
			}
		}
		return addresses
	}
	require.Equal(t, []sdk.ConsAddress{n.Validators[2].ConsAddr}, absent(n.Advance(2).Commit))
	n.SkipVerify = true
	require.Empty(t, absent(n.Advance(1).Commit), "a late vote is counted without being verified")
	n.Advance(2)
	n.Replay()
}

func TestARejectedProposalCostsARound(t *testing.T) {
	n := network.New(t, network.Config{})
	n.Advance(2)
	n.AlterProposal = func(_ int64, txs [][]byte) [][]byte { return txs[1:] } // without the extended commit
	block := n.Advance(1)
	require.True(t, block.Rejected)
	require.Equal(t, int32(1), block.Commit.Round)
	require.Len(t, block.Txs, 1)
	n.AlterProposal = nil
	block = n.Advance(1)
	require.False(t, block.Rejected, "extensions of round 1 verify")
	require.Equal(t, int32(0), block.Commit.Round)
	n.Replay()
}

func TestAValidatorThatUnbondsLeavesTheSetTwoBlocksLater(t *testing.T) {
	n := network.New(t, network.Config{Powers: []int64{10, 10, 10, 10}})
	n.Advance(1)
	leaver := n.Validators[3]
	result := n.Deliver(leaver.Account, stakingtypes.NewMsgUndelegate(leaver.Account.String(), leaver.Operator.String(), coins(10_000_000)[0]))
	require.Zero(t, result.Code, result.Log)
	require.Len(t, n.Advance(1).Commit.Votes, 4)
	require.Len(t, n.Advance(1).Commit.Votes, 3)
	n.Advance(3)
	n.Replay()
}

func TestStateSurvivesExportAndImport(t *testing.T) {
	n := network.New(t, network.Config{Accounts: 2, Genesis: func(cdc codec.JSONCodec, state map[string]json.RawMessage) {
		bank := banktypes.DefaultGenesisState()
		cdc.MustUnmarshalJSON(state[banktypes.ModuleName], bank)
		bank.DenomMetadata = nil
		state[banktypes.ModuleName] = cdc.MustMarshalJSON(bank)
	}})
	n.Advance(3)
	require.Empty(t, n.App.BankKeeper.GetAllDenomMetaData(n.Ctx()), "the genesis was changed")
	n.Deliver(n.Accounts[0], banktypes.NewMsgSend(n.Accounts[0].Address, n.Accounts[1].Address, coins(7)))
	exported, again := n.Reexport()
	require.JSONEq(t, string(exported), string(again))

	next := n.Continue()
	next.Advance(3)
	require.Equal(t, n.Height()+3, next.Height())
	require.Equal(t, balance(n, n.Accounts[1]), balance(next, next.Accounts[1]))
	next.Replay()
}
