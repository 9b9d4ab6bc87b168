package chain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cometbft/cometbft/proto/tendermint/p2p"

	"github.com/cosmos/cosmos-sdk/client/grpc/cmtservice"
	"github.com/cosmos/cosmos-sdk/crypto/hd"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	sdk "github.com/cosmos/cosmos-sdk/types"
	txtypes "github.com/cosmos/cosmos-sdk/types/tx"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
)

func TestMain(m *testing.M) {
	SetAddressPrefixes()
	os.Exit(m.Run())
}

// fakeNode is a node of one account. It decodes every transaction, so that signing and encoding are real.
type fakeNode struct {
	txtypes.UnimplementedServiceServer
	authtypes.UnimplementedQueryServer

	mu         sync.Mutex
	client     *Client
	chainID    string
	unknown    bool   // the account does not exist
	committed  uint64 // sequence in state
	pending    uint64 // transactions in the mempool
	simulated  int
	broadcasts []sdk.Tx
	hashes     []string
	simulate   func() error
	check      func(n int) *sdk.TxResponse // refuses broadcast n
	result     *sdk.TxResponse             // of every transaction in a block
	included   map[string]bool
	register   func(*grpc.Server) // adds further services; may be nil
}

// info is the service that names the chain.
type info struct {
	cmtservice.UnimplementedServiceServer
	f *fakeNode
}

func (i *info) GetNodeInfo(context.Context, *cmtservice.GetNodeInfoRequest) (*cmtservice.GetNodeInfoResponse, error) {
	return &cmtservice.GetNodeInfoResponse{DefaultNodeInfo: &p2p.DefaultNodeInfo{Network: i.f.chainID}}, nil
}

func (f *fakeNode) AccountInfo(_ context.Context, r *authtypes.QueryAccountInfoRequest) (*authtypes.QueryAccountInfoResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unknown {
		return nil, status.Errorf(codes.NotFound, "account %s not found", r.Address)
	}
	return &authtypes.QueryAccountInfoResponse{Info: &authtypes.BaseAccount{Address: r.Address, AccountNumber: 5, Sequence: f.committed}}, nil
}

func (f *fakeNode) Simulate(context.Context, *txtypes.SimulateRequest) (*txtypes.SimulateResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.simulated++
	if f.simulate != nil {
		if err := f.simulate(); err != nil {
			return nil, err
		}
	}
	return &txtypes.SimulateResponse{GasInfo: &sdk.GasInfo{GasUsed: 100_000}}, nil
}

func (f *fakeNode) BroadcastTx(_ context.Context, r *txtypes.BroadcastTxRequest) (*txtypes.BroadcastTxResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	tx, err := f.client.txConfig.TxDecoder()(r.TxBytes)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	f.broadcasts = append(f.broadcasts, tx)
	if f.check != nil {
		if refused := f.check(len(f.broadcasts)); refused != nil {
			return &txtypes.BroadcastTxResponse{TxResponse: refused}, nil
		}
	}
	f.pending++
	sum := sha256.Sum256(r.TxBytes)
	f.hashes = append(f.hashes, strings.ToUpper(hex.EncodeToString(sum[:])))
	return &txtypes.BroadcastTxResponse{TxResponse: &sdk.TxResponse{}}, nil
}

func (f *fakeNode) GetTx(_ context.Context, r *txtypes.GetTxRequest) (*txtypes.GetTxResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	// In no block when first asked for.
	if f.included == nil {
		f.included = map[string]bool{}
	}
	if !f.included[r.Hash] {
		f.included[r.Hash] = true
		return nil, status.Error(codes.NotFound, "tx not found")
	}
	if f.result != nil {
		return &txtypes.GetTxResponse{TxResponse: f.result}, nil
	}
	return &txtypes.GetTxResponse{TxResponse: &sdk.TxResponse{Height: 12}}, nil
}

// start serves a node and returns a client and an account with a fresh key.
func start(t *testing.T, f *fakeNode) (*Client, *Account) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c, err := Dial(listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	f.client, f.chainID = c, "test-1"
	server := grpc.NewServer(grpc.ForceServerCodec(c.codec.GRPCCodec()))
	cmtservice.RegisterServiceServer(server, &info{f: f})
	txtypes.RegisterServiceServer(server, f)
	authtypes.RegisterQueryServer(server, f)
	if f.register != nil {
		f.register(server)
	}
	go server.Serve(listener) //nolint:errcheck // ends with Stop
	t.Cleanup(server.Stop)
	require.NoError(t, c.Identify(t.Context(), "test-1"))

	ring := keyring.NewInMemory(c.codec)
	_, _, err = ring.NewMnemonic("alice", keyring.English, sdk.FullFundraiserPath, keyring.DefaultBIP39Passphrase, hd.Secp256k1)
	require.NoError(t, err)
	a, err := c.newAccount(ring, Signing{From: "alice", GasPrices: "0.5unrn", Adjustment: 1.5})
	require.NoError(t, err)
	return c, a
}
