package chain

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"time"

	"github.com/cosmos/gogoproto/proto"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/client/grpc/cmtservice"
	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/cosmos/cosmos-sdk/codec/address"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	cryptocodec "github.com/cosmos/cosmos-sdk/crypto/codec"
	sdk "github.com/cosmos/cosmos-sdk/types"
	authtx "github.com/cosmos/cosmos-sdk/x/auth/tx"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	"github.com/cosmos/cosmos-sdk/x/tx/signing"

	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	poltypes "github.com/pold-network/pold/x/pol/types"
	reputationtypes "github.com/pold-network/pold/x/reputation/types"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const (
	// callTimeout bounds one question to the node.
	callTimeout = 5 * time.Second
	// maxAnswerBytes bounds an answer of the node: 256 tasks with manifests of 64 KiB, and room.
	maxAnswerBytes = 64 << 20
	// Prefix is the first part of an account's address.
	Prefix = "pol"
)

// Client talks to one node. It may be used from several goroutines.
type Client struct {
	target   string
	chainID  string
	conn     *grpc.ClientConn
	codec    *codec.ProtoCodec
	txConfig client.TxConfig
}

// SetAddressPrefixes makes SDK types print and read the addresses of this chain (pol1…, polvaloper1…). A program calls it once, first.
func SetAddressPrefixes() {
	c := sdk.GetConfig()
	c.SetBech32PrefixForAccount(Prefix, Prefix+"pub")
	c.SetBech32PrefixForValidator(Prefix+"valoper", Prefix+"valoperpub")
	c.SetBech32PrefixForConsensusNode(Prefix+"valcons", Prefix+"valconspub")
}

// newCodec returns a codec that knows the messages and accounts that a sidecar meets.
func newCodec() (*codec.ProtoCodec, error) {
	registry, err := codectypes.NewInterfaceRegistryWithOptions(codectypes.InterfaceRegistryOptions{
		ProtoFiles: proto.HybridResolver,
		SigningOptions: signing.Options{
			AddressCodec:          address.NewBech32Codec(Prefix),
			ValidatorAddressCodec: address.NewBech32Codec(Prefix + "valoper"),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("make the codec: %w", err)
	}
	cryptocodec.RegisterInterfaces(registry)
	authtypes.RegisterInterfaces(registry)
	attestationtypes.RegisterInterfaces(registry)
	poltypes.RegisterInterfaces(registry)
	reputationtypes.RegisterInterfaces(registry)
	polslashingtypes.RegisterInterfaces(registry)
	trainingsettypes.RegisterInterfaces(registry)
	return codec.NewProtoCodec(registry), nil
}

// Dial prepares a client of the node at a gRPC address: host:port, or https://host:port for TLS. It does not connect yet.
func Dial(node string) (*Client, error) {
	cdc, err := newCodec()
	if err != nil {
		return nil, err
	}
	target, secure := strings.CutPrefix(node, "https://")
	for _, scheme := range []string{"tcp://", "http://", "grpc://"} {
		target = strings.TrimPrefix(target, scheme)
	}
	if target == "" {
		return nil, fmt.Errorf("node address: expected host:port of the node's gRPC server, got %q; give it with --node", node)
	}
	transport := insecure.NewCredentials()
	if secure {
		transport = credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
	}
	retry := backoff.DefaultConfig
	retry.BaseDelay, retry.MaxDelay = 200*time.Millisecond, 2*time.Second
	conn, err := grpc.NewClient("passthrough:///"+target,
		grpc.WithTransportCredentials(transport),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: retry, MinConnectTimeout: callTimeout}),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(cdc.GRPCCodec()), grpc.MaxCallRecvMsgSize(maxAnswerBytes)))
	if err != nil {
		return nil, fmt.Errorf("node address %q: %w", node, err)
	}
	return &Client{target: target, conn: conn, codec: cdc, txConfig: authtx.NewTxConfig(cdc, authtx.DefaultSignModes)}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Identify asks the node for its chain id and keeps it. When expected is not empty and differs, the error wraps ErrWrongChain.
func (c *Client) Identify(ctx context.Context, expected string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	info, err := cmtservice.NewServiceClient(c.conn).GetNodeInfo(ctx, &cmtservice.GetNodeInfoRequest{})
	if err != nil {
		return c.queryError("its chain id", err)
	}
	got := info.GetDefaultNodeInfo().GetNetwork()
	if got == "" {
		return fmt.Errorf("the node at %s does not say which chain it belongs to; is it a pold node?", c.target)
	}
	if expected != "" && got != expected {
		return fmt.Errorf("%w: expected %q, the node at %s is on %q; connect to a node of %q or correct --chain-id", ErrWrongChain, expected, c.target, got, expected)
	}
	c.chainID = got
	return nil
}

// ChainID returns the chain id that Identify found.
func (c *Client) ChainID() string { return c.chainID }
