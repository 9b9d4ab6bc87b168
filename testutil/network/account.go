package network

import (
	"bytes"
	"context"
	"fmt"

	abci "github.com/cometbft/cometbft/abci/types"
	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/stretchr/testify/require"

	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/tx/signing"
	authsigning "github.com/cosmos/cosmos-sdk/x/auth/signing"
)

// gasLimit is enough for any message of ours and a tenth of a block.
const gasLimit = 10_000_000

// Account owns coins and signs transactions. Its key depends on its name alone.
type Account struct {
	Key     *secp256k1.PrivKey
	Address sdk.AccAddress
}

// String returns the address in bech32.
func (a Account) String() string { return a.Address.String() }

func newAccount(name string, index int) Account {
	key := secp256k1.GenPrivKeyFromSecret(fmt.Appendf(nil, "%s %d", name, index))
	return Account{Key: key, Address: sdk.AccAddress(key.PubKey().Address())}
}

func newValidator(index int) Validator {
	key := cmted25519.GenPrivKeyFromSecret(fmt.Appendf(nil, "validator %d", index))
	account := newAccount("operator", index)
	return Validator{
		Key:      key,
		ConsAddr: sdk.ConsAddress(key.PubKey().Address()),
		Operator: sdk.ValAddress(account.Address),
		Account:  account,
	}
}

// Deliver sends messages of an account in one transaction and makes the block
// that holds it. The transaction may fail: look at Code of the result.
func (n *Network) Deliver(account Account, msgs ...sdk.Msg) *abci.ExecTxResult {
	n.t.Helper()
	tx := n.Submit(account, msgs...)
	block := n.step()
	for i, included := range block.Txs {
		if bytes.Equal(tx, included) {
			return block.Result.TxResults[i]
		}
	}
	n.t.Fatalf("the block of height %d does not hold the transaction", block.Height)
	return nil
}

// Submit puts a transaction with messages of an account into the next block and
// returns its bytes. It is not offered again if that block has no room for it.
func (n *Network) Submit(account Account, msgs ...sdk.Msg) []byte {
	n.t.Helper()
	tx := n.Sign(account, msgs...)
	n.pending = append(n.pending, tx)
	n.sent[account.String()]++
	return tx
}

// Sign returns a transaction with messages of an account, signed for the next
// block after those that it already submitted. It pays no fee.
func (n *Network) Sign(account Account, msgs ...sdk.Msg) []byte {
	n.t.Helper()
	stored := n.App.AccountKeeper.GetAccount(n.Ctx(), account.Address)
	require.NotNil(n.t, stored, "account %s does not exist yet; make a block first", account)
	sequence := stored.GetSequence() + n.sent[account.String()]

	builder := n.App.TxConfig.NewTxBuilder()
	require.NoError(n.t, builder.SetMsgs(msgs...))
	builder.SetGasLimit(gasLimit)

	mode := signing.SignMode_SIGN_MODE_DIRECT
	data := &signing.SingleSignatureData{SignMode: mode}
	signature := signing.SignatureV2{PubKey: account.Key.PubKey(), Data: data, Sequence: sequence}
	// What is signed includes who signs, so the signer is set before the signature.
	require.NoError(n.t, builder.SetSignatures(signature))
	toSign, err := authsigning.GetSignBytesAdapter(context.Background(), n.App.TxConfig.SignModeHandler(), mode, authsigning.SignerData{
		Address: account.String(), ChainID: n.config.ChainID, AccountNumber: stored.GetAccountNumber(),
		Sequence: sequence, PubKey: account.Key.PubKey(),
	}, builder.GetTx())
	require.NoError(n.t, err)
	data.Signature, err = account.Key.Sign(toSign)
	require.NoError(n.t, err)
	require.NoError(n.t, builder.SetSignatures(signature))

	tx, err := n.App.TxConfig.TxEncoder()(builder.GetTx())
	require.NoError(n.t, err)
	return tx
}

// AccountAddress returns the address of a further account by its number, before there is a network: for genesis.
func AccountAddress(index int) string { return newAccount("account", index).String() }
