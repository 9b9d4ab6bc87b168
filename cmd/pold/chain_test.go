package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtbytes "github.com/cometbft/cometbft/libs/bytes"
	cmtlog "github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"
	coretypes "github.com/cometbft/cometbft/rpc/core/types"
	rpcserver "github.com/cometbft/cometbft/rpc/jsonrpc/server"
	rpctypes "github.com/cometbft/cometbft/rpc/jsonrpc/types"
	cmttypes "github.com/cometbft/cometbft/types"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/spf13/viper"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/log/v2"
	"cosmossdk.io/math"

	"github.com/cosmos/cosmos-sdk/baseapp"
	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/codec"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	serverconfig "github.com/cosmos/cosmos-sdk/server/config"

	"github.com/pold-network/pold/app"
	"github.com/pold-network/pold/testutil/network"
	poltypes "github.com/pold-network/pold/x/pol/types"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

// testChain is the whole application in memory behind the RPC of a node, with a keyring and a fake trainerd.
type testChain struct {
	t        *testing.T
	mu       sync.Mutex
	n        *network.Network
	included map[string]*coretypes.ResultTx
	url      string
	home     string
	trainerd string
	dir      string // the network of files
}

const testPeriod = 100 // seconds, and blocks

// newTestChain starts a chain with the set birds and a group of that name, both of alice.
func newTestChain(t *testing.T, table string) *testChain {
	t.Helper()
	c := &testChain{t: t, included: map[string]*coretypes.ResultTx{}, home: t.TempDir()}
	c.trainerd, c.dir = installTrainerd(t)
	birds := csvTable(t, table)
	offer(t, c.dir, birds.Bytes())
	// The node asks for a price that nobody has to look up.
	priced := func(logger log.Logger, db dbm.DB, options ...func(*baseapp.BaseApp)) *app.App {
		return app.New(logger, db, true, viper.New(), append(options, baseapp.SetMinGasPrices("0.01unrn"))...)
	}
	c.n = network.New(t, network.Config{Accounts: 3, Balance: 1_000_000_000_000, NewApp: priced, Genesis: func(cdc codec.JSONCodec, state map[string]json.RawMessage) {
		sets := trainingsettypes.DefaultGenesis()
		sets.TrainingSets = []trainingsettypes.TrainingSet{{
			Name: "birds", Owner: network.AccountAddress(0), Version: 1, Status: trainingsettypes.STATUS_VERIFIED, Table: described(t, birds),
		}}
		state[trainingsettypes.ModuleName] = cdc.MustMarshalJSON(sets)
		votes := votingtypes.DefaultGenesis()
		votes.Params.MinPeriodSeconds, votes.Params.DefaultPeriodSeconds = 50, testPeriod
		votes.Params.CheckSeconds, votes.Params.GraceSeconds = 20, 10
		state[votingtypes.ModuleName] = cdc.MustMarshalJSON(votes)
	}})
	c.n.Advance(1)
	ring, err := keyring.New("pold", keyring.BackendTest, c.home, nil, c.n.App.Codec)
	require.NoError(t, err)
	for i, name := range []string{"alice", "bob", "carol"} {
		require.NoError(t, ring.ImportPrivKeyHex(name, hex.EncodeToString(c.n.Accounts[i].Key.Bytes()), "secp256k1"))
	}
	c.serve()
	require.Zero(t, c.n.Deliver(c.n.Accounts[0], &poltypes.MsgCreateGroup{Sender: c.n.Accounts[0].String(), Name: "birds", Settings: testSettings("birds")}).Code)
	return c
}

// testSettings are those of a group that learns two classes from one feature.
func testSettings(set string) poltypes.GroupSettings {
	return poltypes.GroupSettings{
		Model:       poltypes.ModelSpec{InputShape: []uint32{1}, Layers: []*poltypes.Layer{{Name: "logits", Kind: "dense", Units: 2}}},
		TrainingSet: set, Objective: poltypes.OBJECTIVE_CROSS_ENTROPY, Evaluation: poltypes.EVALUATION_MODE_TRAINING_SET,
		Proof: poltypes.PROOF_MODE_SCORED, CommitBlocks: 20, RevealBlocks: 10, NominalSeconds: 60,
		CommitBond: math.NewInt(1_000_000), BountyPerRound: math.ZeroInt(), InitSeed: make([]byte, 32),
	}
}

// serve answers as the RPC of a node does. A transaction is in the next block as soon as it is handed in.
func (c *testChain) serve() {
	clientCtx := client.Context{}.WithCodec(c.n.App.Codec).WithInterfaceRegistry(c.n.App.InterfaceRegistry)
	c.n.App.RegisterTxService(clientCtx)
	c.n.App.RegisterNodeService(clientCtx, serverconfig.Config{})
	mux := http.NewServeMux()
	rpcserver.RegisterRPCFuncs(mux, map[string]*rpcserver.RPCFunc{
		"status": rpcserver.NewRPCFunc(func(*rpctypes.Context) (*coretypes.ResultStatus, error) {
			return &coretypes.ResultStatus{NodeInfo: p2p.DefaultNodeInfo{Network: network.DefaultChainID}}, nil
		}, ""),
		"abci_query": rpcserver.NewRPCFunc(func(_ *rpctypes.Context, path string, data cmtbytes.HexBytes, height int64, prove bool) (*coretypes.ResultABCIQuery, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			r, err := c.n.App.Query(c.t.Context(), &abci.RequestQuery{Path: path, Data: data, Height: height, Prove: prove})
			if err != nil {
				return nil, err
			}
			return &coretypes.ResultABCIQuery{Response: *r}, nil
		}, "path,data,height,prove"),
		"broadcast_tx_sync": rpcserver.NewRPCFunc(func(_ *rpctypes.Context, tx cmttypes.Tx) (*coretypes.ResultBroadcastTx, error) {
			return c.broadcast(tx)
		}, "tx"),
		"tx": rpcserver.NewRPCFunc(func(_ *rpctypes.Context, hash []byte, _ bool) (*coretypes.ResultTx, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if r, ok := c.included[string(hash)]; ok {
				return r, nil
			}
			return nil, fmt.Errorf("tx (%X) not found", hash)
		}, "hash,prove"),
	}, cmtlog.NewNopLogger())
	server := httptest.NewServer(mux)
	c.t.Cleanup(server.Close)
	c.url = strings.Replace(server.URL, "http://", "tcp://", 1)
}

func (c *testChain) broadcast(tx cmttypes.Tx) (*coretypes.ResultBroadcastTx, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	check, err := c.n.App.CheckTx(&abci.RequestCheckTx{Tx: tx, Type: abci.CheckTxType_New})
	if err != nil {
		return nil, err
	}
	sent := &coretypes.ResultBroadcastTx{Code: check.Code, Codespace: check.Codespace, Log: check.Log, Hash: tx.Hash()}
	if check.Code != 0 {
		return sent, nil
	}
	c.n.AlterProposal = func(_ int64, txs [][]byte) [][]byte { return append(txs, tx) }
	block := c.n.Advance(1)
	c.n.AlterProposal = nil
	last := len(block.Txs) - 1
	c.included[string(tx.Hash())] = &coretypes.ResultTx{Hash: tx.Hash(), Height: block.Height, Tx: tx, TxResult: *block.Result.TxResults[last]}
	return sent, nil
}

// run executes a command line as alice, bob or carol would.
func (c *testChain) run(args ...string) (string, error) {
	c.t.Helper()
	return run(c.t, c.home, append(args, "--node", c.url)...)
}

// must runs a command that has to succeed and logs what people see.
func (c *testChain) must(args ...string) string {
	c.t.Helper()
	out, err := c.run(args...)
	require.NoError(c.t, err, "pold %s\n%s", strings.Join(args, " "), out)
	c.t.Logf("$ pold %s\n%s", strings.Join(args, " "), out)
	return out
}

// refused runs a command that has to fail with an exit code and words.
func (c *testChain) refused(code int, says string, args ...string) {
	c.t.Helper()
	out, err := c.run(args...)
	require.ErrorContains(c.t, err, says, "%s", out)
	require.Equal(c.t, code, exitCode(err), "%v", err)
}

// as adds the flags of a transaction.
func as(name string, args ...string) []string {
	return append(args, "--from", name, "--keyring-backend", "test")
}

// advance makes blocks, a second each.
func (c *testChain) advance(blocks int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n.Advance(blocks)
}
