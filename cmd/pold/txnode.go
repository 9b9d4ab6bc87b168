package main

import (
	"context"
	"encoding/hex"
	"strings"

	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"github.com/cosmos/cosmos-sdk/client"
	nodeservice "github.com/cosmos/cosmos-sdk/client/grpc/node"
	sdk "github.com/cosmos/cosmos-sdk/types"
	txtypes "github.com/cosmos/cosmos-sdk/types/tx"
)

// rpcNode is a txNode behind the RPC of a pold node.
type rpcNode struct{ client client.Context }

var _ txNode = rpcNode{}

// Account implements txNode.
func (n rpcNode) Account(ctx context.Context, address sdk.AccAddress) (uint64, uint64, error) {
	r, err := authtypes.NewQueryClient(conn{Context: n.client}).AccountInfo(ctx, &authtypes.QueryAccountInfoRequest{Address: address.String()})
	if exitCode(err) == exitNotFound {
		return 0, 0, fail(exitNotFound, "account %s is not on the chain yet; send it some NRN first", address)
	}
	if err != nil {
		return 0, 0, err
	}
	return r.Info.AccountNumber, r.Info.Sequence, nil
}

// MinGasPrices implements txNode. A node that does not tell asks for nothing.
func (n rpcNode) MinGasPrices(ctx context.Context) (sdk.DecCoins, error) {
	r, err := nodeservice.NewServiceClient(conn{Context: n.client}).Config(ctx, &nodeservice.ConfigRequest{})
	switch code := exitCode(err); {
	case code == exitUnreachable || code == exitTimeout:
		return nil, err
	case err != nil:
		return nil, nil //nolint:nilerr // said above
	}
	prices, err := sdk.ParseDecCoins(r.MinimumGasPrice)
	if err != nil {
		return nil, fail(exitError, "the node asks for the gas price %q, which is none; give one with --gas-prices", r.MinimumGasPrice)
	}
	return prices, nil
}

// Simulate implements txNode.
func (n rpcNode) Simulate(ctx context.Context, tx []byte) (uint64, error) {
	r, err := txtypes.NewServiceClient(conn{Context: n.client}).Simulate(ctx, &txtypes.SimulateRequest{TxBytes: tx})
	switch code := exitCode(err); {
	case err == nil:
		return r.GasInfo.GasUsed, nil
	case code == exitUnreachable || code == exitTimeout:
		return 0, err
	}
	return 0, fail(exitRejected, "the chain would refuse the transaction, so nothing was sent: %w", err)
}

// Broadcast implements txNode.
func (n rpcNode) Broadcast(ctx context.Context, tx []byte) (*sdk.TxResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	r, err := n.client.WithCmdContext(ctx).BroadcastTxSync(tx)
	return r, explain(err, n.client.NodeURI)
}

// Included implements txNode.
func (n rpcNode) Included(ctx context.Context, hash string) (*sdk.TxResponse, error) {
	raw, err := hex.DecodeString(hash)
	if err != nil {
		return nil, err
	}
	r, err := n.client.Client.Tx(ctx, raw, false)
	switch {
	case err == nil:
	case strings.Contains(err.Error(), "not found"): // in no block yet
		return nil, nil //nolint:nilerr // the RPC has no other way to say so
	case strings.Contains(err.Error(), "indexing is disabled"):
		return nil, fail(exitError, "tx %s was handed in, but the node keeps no index of transactions to find it by; set tx_index in its config.toml, or ask another node", hash)
	default:
		return nil, explain(err, n.client.NodeURI)
	}
	return &sdk.TxResponse{
		Height: r.Height, TxHash: hash, Codespace: r.TxResult.Codespace, Code: r.TxResult.Code, RawLog: r.TxResult.Log,
		Data: hex.EncodeToString(r.TxResult.Data), GasUsed: r.TxResult.GasUsed, GasWanted: r.TxResult.GasWanted,
	}, nil
}
