package main

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cometbft/cometbft/proto/tendermint/p2p"

	"github.com/cosmos/cosmos-sdk/client/grpc/cmtservice"
	nodeservice "github.com/cosmos/cosmos-sdk/client/grpc/node"
	"github.com/cosmos/cosmos-sdk/codec"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	cryptocodec "github.com/cosmos/cosmos-sdk/crypto/codec"
	"github.com/cosmos/cosmos-sdk/crypto/hd"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	sdk "github.com/cosmos/cosmos-sdk/types"
	txtypes "github.com/cosmos/cosmos-sdk/types/tx"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"github.com/pold-network/pold/sidecar/chain"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// fakeNode is a node that takes announcements of peers and knows one proposal.
type fakeNode struct {
	txtypes.UnimplementedServiceServer

	mu       sync.Mutex
	peers    []attestationtypes.Peer
	proposal *trainingsettypes.Proposal
}

func (f *fakeNode) locked(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// cometNode, sdkNode, attestation and trainingSets are services whose methods share names with others.
type (
	cometNode struct {
		cmtservice.UnimplementedServiceServer
	}
	sdkNode struct {
		nodeservice.UnimplementedServiceServer
	}
	attestation struct {
		attestationtypes.UnimplementedQueryServer
		f *fakeNode
	}
	trainingSets struct {
		trainingsettypes.UnimplementedQueryServer
		f *fakeNode
	}
	accounts struct {
		authtypes.UnimplementedQueryServer
	}
)

func (cometNode) GetNodeInfo(context.Context, *cmtservice.GetNodeInfoRequest) (*cmtservice.GetNodeInfoResponse, error) {
	return &cmtservice.GetNodeInfoResponse{DefaultNodeInfo: &p2p.DefaultNodeInfo{Network: testChain}}, nil
}

func (sdkNode) Status(context.Context, *nodeservice.StatusRequest) (*nodeservice.StatusResponse, error) {
	return &nodeservice.StatusResponse{Height: 7}, nil
}

func (accounts) AccountInfo(_ context.Context, r *authtypes.QueryAccountInfoRequest) (*authtypes.QueryAccountInfoResponse, error) {
	return &authtypes.QueryAccountInfoResponse{Info: &authtypes.BaseAccount{Address: r.Address, AccountNumber: 1}}, nil
}

func (a attestation) Params(context.Context, *attestationtypes.QueryParamsRequest) (*attestationtypes.QueryParamsResponse, error) {
	return &attestationtypes.QueryParamsResponse{Params: attestationtypes.DefaultParams()}, nil
}

func (a attestation) Peers(context.Context, *attestationtypes.QueryPeersRequest) (r *attestationtypes.QueryPeersResponse, err error) {
	a.f.locked(func() {
		r = &attestationtypes.QueryPeersResponse{Peers: append([]attestationtypes.Peer(nil), a.f.peers...)}
	})
	return r, nil
}

func (s trainingSets) Proposal(_ context.Context, r *trainingsettypes.QueryProposalRequest) (answer *trainingsettypes.QueryProposalResponse, err error) {
	s.f.locked(func() {
		if s.f.proposal == nil || s.f.proposal.Id != r.Id {
			err = status.Error(codes.NotFound, "there is no such proposal")
			return
		}
		answer = &trainingsettypes.QueryProposalResponse{Proposal: *s.f.proposal}
	})
	return answer, err
}

func (f *fakeNode) Simulate(context.Context, *txtypes.SimulateRequest) (*txtypes.SimulateResponse, error) {
	return &txtypes.SimulateResponse{GasInfo: &sdk.GasInfo{GasUsed: 100_000}}, nil
}

// BroadcastTx takes an announcement at once, if its signature is right.
func (f *fakeNode) BroadcastTx(_ context.Context, r *txtypes.BroadcastTxRequest) (*txtypes.BroadcastTxResponse, error) {
	var raw txtypes.TxRaw
	var body txtypes.TxBody
	var m attestationtypes.MsgAnnouncePeer
	if raw.Unmarshal(r.TxBytes) != nil || body.Unmarshal(raw.BodyBytes) != nil || m.Unmarshal(body.Messages[0].Value) != nil {
		return nil, status.Error(codes.InvalidArgument, "expected an announcement")
	}
	if err := attestationtypes.ValidateAnnouncement(testChain, &m); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	f.locked(func() {
		f.peers = append(f.peers, attestationtypes.Peer{Address: m.Sender, PeerId: m.PeerId, Addresses: m.Addresses, Expires: m.Expires})
	})
	return &txtypes.BroadcastTxResponse{TxResponse: &sdk.TxResponse{}}, nil
}

func (f *fakeNode) GetTx(context.Context, *txtypes.GetTxRequest) (*txtypes.GetTxResponse, error) {
	return &txtypes.GetTxResponse{TxResponse: &sdk.TxResponse{Height: 8}}, nil
}

// serve starts the node and returns its address.
func (f *fakeNode) serve(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer(grpc.ForceServerCodec(testCodec().GRPCCodec()))
	cmtservice.RegisterServiceServer(server, &cometNode{})
	nodeservice.RegisterServiceServer(server, &sdkNode{})
	authtypes.RegisterQueryServer(server, &accounts{})
	txtypes.RegisterServiceServer(server, f)
	attestationtypes.RegisterQueryServer(server, &attestation{f: f})
	trainingsettypes.RegisterQueryServer(server, &trainingSets{f: f})
	go server.Serve(listener) //nolint:errcheck // ends with Stop
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func testCodec() *codec.ProtoCodec {
	registry := codectypes.NewInterfaceRegistry()
	cryptocodec.RegisterInterfaces(registry)
	return codec.NewProtoCodec(registry)
}

// newKey makes a key called alice and returns the folder of its keyring.
func newKey(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	ring, err := keyring.New(chain.KeyringName, keyring.BackendTest, dir, nil, testCodec())
	require.NoError(t, err)
	_, _, err = ring.NewMnemonic("alice", keyring.English, sdk.FullFundraiserPath, keyring.DefaultBIP39Passphrase, hd.Secp256k1)
	require.NoError(t, err)
	return dir
}
