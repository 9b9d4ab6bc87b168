package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/cometbft/cometbft/p2p"
	coretypes "github.com/cometbft/cometbft/rpc/core/types"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/spf13/viper"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/log/v2"
	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/client"
	clienttx "github.com/cosmos/cosmos-sdk/client/tx"
	"github.com/cosmos/cosmos-sdk/crypto/hd"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	sdk "github.com/cosmos/cosmos-sdk/types"
	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"

	"github.com/pold-network/pold/app"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// scriptedNode is a txNode that does what a test says.
type scriptedNode struct {
	simulate  func(try int) (uint64, error)
	broadcast func(try int) (*sdk.TxResponse, error)
	included  func(try int) (*sdk.TxResponse, error)
	prices    sdk.DecCoins

	simulated, sent, asked int
}

func (n *scriptedNode) Account(context.Context, sdk.AccAddress) (uint64, uint64, error) {
	return 3, 8, nil
}
func (n *scriptedNode) MinGasPrices(context.Context) (sdk.DecCoins, error) { return n.prices, nil }

func (n *scriptedNode) Simulate(context.Context, []byte) (uint64, error) {
	n.simulated++
	if n.simulate == nil {
		return 100_000, nil
	}
	return n.simulate(n.simulated)
}

func (n *scriptedNode) Broadcast(context.Context, []byte) (*sdk.TxResponse, error) {
	n.sent++
	if n.broadcast != nil {
		return n.broadcast(n.sent)
	}
	return &sdk.TxResponse{TxHash: "AB"}, nil
}

func (n *scriptedNode) Included(context.Context, string) (*sdk.TxResponse, error) {
	n.asked++
	if n.included != nil {
		return n.included(n.asked)
	}
	return &sdk.TxResponse{Height: 12, GasUsed: 90_000, GasWanted: 150_000}, nil
}

// statusOnly is the part of a node's RPC that says which chain it is of.
type statusOnly struct{ client.CometRPC }

func (statusOnly) Status(context.Context) (*coretypes.ResultStatus, error) {
	return &coretypes.ResultStatus{NodeInfo: p2p.DefaultNodeInfo{Network: "pold-test-1"}}, nil
}

// testSender signs with a key in memory.
func testSender(t *testing.T, n *scriptedNode) (*sender, *bytes.Buffer) {
	t.Helper()
	a := app.New(log.NewNopLogger(), dbm.NewMemDB(), true, viper.New())
	ring := keyring.NewInMemory(a.Codec)
	key, _, err := ring.NewMnemonic("alice", keyring.English, sdk.FullFundraiserPath, "", hd.Secp256k1)
	require.NoError(t, err)
	from, err := key.GetAddress()
	require.NoError(t, err)
	clientCtx := client.Context{Client: statusOnly{}}.WithCodec(a.Codec).WithTxConfig(a.TxConfig).WithKeyring(ring)
	out := new(bytes.Buffer)
	return &sender{
		node: n, client: clientCtx, address: from, p: &printer{out: out, err: out}, in: strings.NewReader(""), fees: math.ZeroInt(),
		timeout: 200 * time.Millisecond, poll: time.Millisecond,
		factory: clienttx.Factory{}.WithTxConfig(a.TxConfig).WithKeybase(ring).WithFromName("alice").WithGasAdjustment(gasAdjustment).WithSimulateAndExecute(true),
	}, out
}

func aVote(s *sender) intent {
	return intent{changes: []string{"you support it"}, messages: []sdk.Msg{&votingtypes.MsgVote{Sender: s.address.String(), Ballot: 4, Subject: "it"}}}
}

func TestATransactionIsSentAndAwaited(t *testing.T) {
	n := &scriptedNode{prices: sdk.NewDecCoins(sdk.NewDecCoinFromDec(app.BaseDenom, math.LegacyMustNewDecFromStr("0.01")))}
	n.included = func(try int) (*sdk.TxResponse, error) {
		if try < 3 {
			return nil, nil // in no block yet
		}
		return &sdk.TxResponse{Height: 12, GasUsed: 90_000, GasWanted: 150_000}, nil
	}
	s, out := testSender(t, n)
	require.NoError(t, s.sendAndShow(t.Context(), aVote(s), "pold data status birds", nil))
	require.Equal(t, `you support it
tx AB is handed in, waiting for a block
done in block 12: fee 0.0015 NRN, gas 90,000 of 150,000, tx AB
next: pold data status birds
`, out.String())
	require.Equal(t, 1, n.simulated)

	out.Reset()
	s.p.json = true
	require.NoError(t, s.sendAndShow(t.Context(), aVote(s), "pold data status birds", nil))
	var r receipt
	require.NoError(t, json.Unmarshal(out.Bytes()[bytes.IndexByte(out.Bytes(), '{'):], &r))
	require.Equal(t, receipt{Changes: []string{"you support it"}, TxHash: "AB", Height: 12, GasUsed: 90_000, GasWanted: 150_000, FeeUnrn: "1500", Next: "pold data status birds"}, r)
}

func TestATransactionThatComesAfterAnotherOneIsSignedAgain(t *testing.T) {
	mismatch := "account sequence mismatch, expected 11, got 8: incorrect account sequence"
	n := &scriptedNode{}
	n.simulate = func(try int) (uint64, error) {
		if try == 1 {
			return 0, fail(exitRejected, "the chain would refuse it: %s", mismatch)
		}
		return 100_000, nil
	}
	n.broadcast = func(try int) (*sdk.TxResponse, error) {
		if try == 1 {
			return &sdk.TxResponse{Code: sdkerrors.ErrWrongSequence.ABCICode(), Codespace: sdkerrors.RootCodespace, RawLog: mismatch}, nil
		}
		return &sdk.TxResponse{TxHash: "AB"}, nil
	}
	s, _ := testSender(t, n)
	_, err := s.deliver(t.Context(), aVote(s))
	require.NoError(t, err)
	require.Equal(t, 2, n.sent)

	n.broadcast = func(int) (*sdk.TxResponse, error) {
		return &sdk.TxResponse{Code: 32, Codespace: "sdk", RawLog: mismatch}, nil
	}
	_, err = s.deliver(t.Context(), aVote(s))
	require.ErrorContains(t, err, "the node refused the transaction: account sequence mismatch", "not for ever")
	sequence, ok := expectedSequence(err)
	require.True(t, ok)
	require.EqualValues(t, 11, sequence)
}

func TestWhatBecameOfATransactionDecidesTheExitCode(t *testing.T) {
	for _, c := range []struct {
		name string
		node scriptedNode
		code int
		says string
	}{
		{"refused by the node", scriptedNode{broadcast: func(int) (*sdk.TxResponse, error) {
			return &sdk.TxResponse{Code: 13, Codespace: "sdk", RawLog: "insufficient fees; got: 0unrn required: 5unrn: insufficient fee"}, nil
		}}, exitRejected, "the node refused the transaction: insufficient fees; got: 0unrn required: 5unrn"},
		{"failed in a block", scriptedNode{included: func(int) (*sdk.TxResponse, error) {
			return &sdk.TxResponse{Height: 12, Code: 5, RawLog: "failed to execute message; message index: 0: ballot 4: already voted"}, nil
		}}, exitRejected, "the transaction failed in block 12: ballot 4: already voted (tx AB)"},
		{"in no block", scriptedNode{included: func(int) (*sdk.TxResponse, error) { return nil, nil }}, exitTimeout, "tx AB was handed in, but was seen in no block within 200ms"},
		{"a node that went away", scriptedNode{included: func(int) (*sdk.TxResponse, error) { return nil, fail(exitUnreachable, "no node answers") }}, exitTimeout, "(no node answers); look again with: pold q tx AB"},
		{"a node without an index", scriptedNode{included: func(int) (*sdk.TxResponse, error) { return nil, fail(exitError, "no index") }}, exitError, "no index"},
		{"a node that was never there", scriptedNode{simulate: func(int) (uint64, error) { return 0, fail(exitUnreachable, "no node answers") }}, exitUnreachable, "no node answers"},
		{"known to the node already", scriptedNode{broadcast: func(int) (*sdk.TxResponse, error) {
			return &sdk.TxResponse{TxHash: "AB", Code: sdkerrors.ErrTxInMempoolCache.ABCICode(), Codespace: sdkerrors.RootCodespace}, nil
		}}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := testSender(t, &c.node)
			_, err := s.deliver(t.Context(), aVote(s))
			require.Equal(t, c.code, exitCode(err), "%v", err)
			if c.says != "" {
				require.ErrorContains(t, err, c.says)
			}
		})
	}
}

func TestADryRunPrintsTheMessagesAndSendsNothing(t *testing.T) {
	n := &scriptedNode{}
	s, out := testSender(t, n)
	s.dryRun = true
	require.NoError(t, s.sendAndShow(t.Context(), aVote(s), "next", nil))
	require.Zero(t, n.sent+n.simulated)
	require.JSONEq(t, `{"messages":[{"@type":"/pold.voting.v1.MsgVote","sender":"`+s.address.String()+`","ballot":"4","subject":"it"}]}`, out.String())
}

func TestANodeOfAnotherChainIsRefused(t *testing.T) {
	n := &scriptedNode{}
	s, _ := testSender(t, n)
	s.client.ChainID, s.client.NodeURI = "pold-1", "tcp://x"
	_, err := s.deliver(t.Context(), aVote(s))
	require.EqualError(t, err, "expected a node of chain pold-1, the one at tcp://x is of pold-test-1; name another with --node, or the chain with --chain-id")
	require.Zero(t, n.sent)
}

func TestAnAnswerThatIsMissingIsAnError(t *testing.T) {
	require.ErrorContains(t, receipt{TxHash: "AB"}.response(0, &votingtypes.MsgVoteResponse{}), "expected an answer to message 0 of tx AB, got 0 answers")
}
