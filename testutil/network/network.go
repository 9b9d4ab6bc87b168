// Package network runs the whole application in memory, block by block, with
// several validators and no CometBFT. One application instance is the chain;
// the validators are keys that vote on its blocks and sign vote extensions, so
// that tests see the real path of an extension: extend, verify, sign, carry in
// the next proposal, check, apply.
//
//	n := network.New(t, network.Config{Validators: 4, Accounts: 2})
//	n.Extend = func(validator int, height int64) []byte { return answer }
//	result := n.Deliver(0, msg)
//	n.Advance(10)
//
// Hooks make validators and proposers misbehave: Absent drops votes,
// AlterCommit changes what the next proposer has collected, AlterProposal what
// it proposes. Replay runs all blocks again on a fresh application and compares
// the app hashes; Reexport checks that genesis survives an import.
//
// block.go has the life of a block, genesis.go the first state, account.go
// signing of transactions.
package network

import (
	"encoding/json"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/spf13/viper"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/core/header"
	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/baseapp"
	"github.com/cosmos/cosmos-sdk/codec"
	servertypes "github.com/cosmos/cosmos-sdk/server/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/app"
)

// DefaultChainID is the chain id of a network that sets none.
const DefaultChainID = "pold-test-1"

// Config says what a network starts with. The zero value is four validators of equal power.
type Config struct {
	// ChainID defaults to DefaultChainID.
	ChainID string
	// Validators is how many there are; 4 when zero. Powers has precedence.
	Validators int
	// Powers gives each validator's voting power, which is also its bonded NRN; 100 each when empty.
	Powers []int64
	// Accounts is how many further funded accounts there are.
	Accounts int
	// Balance is what each account and each operator owns, in unrn; 1,000 NRN when zero.
	Balance int64
	// BlockTime is the time from block to block; 1 s when zero.
	BlockTime time.Duration
	// Genesis may change the first state, by module name, before the chain starts.
	Genesis func(cdc codec.JSONCodec, state map[string]json.RawMessage)
	// NewApp builds the application; app.New without options when nil. Chain id and database must be passed on.
	NewApp func(logger log.Logger, db dbm.DB, options ...func(*baseapp.BaseApp)) *app.App
}

// Validator is a key that votes. Its index in Network.Validators names it everywhere.
type Validator struct {
	Key      cmted25519.PrivKey
	ConsAddr sdk.ConsAddress
	Operator sdk.ValAddress
	Account  Account
}

// Network is a chain in memory. It is not safe for use by several goroutines.
type Network struct {
	App        *app.App
	Validators []Validator
	Accounts   []Account

	// Extend returns the vote extension of a validator; the application's own ExtendVote is asked when it is nil.
	Extend func(validator int, height int64) []byte
	// Absent says that a validator does not vote for a block.
	Absent func(validator int, height int64) bool
	// SkipVerify counts votes whose extension VerifyVoteExtension would refuse, as CometBFT does with late ones.
	SkipVerify bool
	// AlterCommit changes the votes for the last block before the proposer of height sees them.
	AlterCommit func(height int64, commit *abci.ExtendedCommitInfo)
	// AlterProposal replaces the transactions of the first proposal of height. If the validators
	// reject it, the next proposer proposes honestly.
	AlterProposal func(height int64, txs [][]byte) [][]byte

	t       testing.TB
	config  Config
	genesis *abci.RequestInitChain

	time       time.Time
	pending    [][]byte
	sent       map[string]uint64          // transactions pending, by account
	sets       map[int64]map[string]int64 // voting power by consensus address, by height
	lastCommit abci.ExtendedCommitInfo
	blocks     []*abci.RequestFinalizeBlock
	hashes     [][]byte
}

// New starts a network: the chain is at height 0 and the next block is 1.
func New(t testing.TB, config Config) *Network {
	t.Helper()
	n := newNetwork(t, config)
	state := n.App.DefaultGenesis()
	n.fillGenesis(state)
	if config.Genesis != nil {
		config.Genesis(n.App.Codec, state)
	}
	bytes, err := json.Marshal(state)
	require.NoError(t, err)
	params := app.DefaultConsensusParams().ToProto()
	n.start(&abci.RequestInitChain{
		Time: n.time, ChainId: n.config.ChainID, ConsensusParams: &params, AppStateBytes: bytes, InitialHeight: 1,
	})
	return n
}

// Continue starts a second chain from the exported state of this one, with the
// same keys, at the next height.
func (n *Network) Continue() *Network {
	n.t.Helper()
	exported := n.Export()
	next := newNetwork(n.t, n.config)
	next.time = n.time
	next.start(&abci.RequestInitChain{
		Time: n.time, ChainId: n.config.ChainID, ConsensusParams: &exported.ConsensusParams,
		AppStateBytes: exported.AppState, InitialHeight: exported.Height,
	})
	return next
}

func newNetwork(t testing.TB, config Config) *Network {
	if config.ChainID == "" {
		config.ChainID = DefaultChainID
	}
	if len(config.Powers) == 0 {
		if config.Validators == 0 {
			config.Validators = 4
		}
		for range config.Validators {
			config.Powers = append(config.Powers, 100)
		}
	}
	if config.Balance == 0 {
		config.Balance = 1_000_000_000
	}
	if config.BlockTime == 0 {
		config.BlockTime = time.Second
	}
	if config.NewApp == nil {
		config.NewApp = func(logger log.Logger, db dbm.DB, options ...func(*baseapp.BaseApp)) *app.App {
			return app.New(logger, db, true, viper.New(), options...)
		}
	}
	n := &Network{
		t:      t,
		config: config,
		time:   time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		sent:   map[string]uint64{},
		sets:   map[int64]map[string]int64{},
	}
	n.App = n.newApp()
	for i := range config.Powers {
		n.Validators = append(n.Validators, newValidator(i))
	}
	for i := range config.Accounts {
		n.Accounts = append(n.Accounts, newAccount("account", i))
	}
	return n
}

func (n *Network) newApp() *app.App {
	return n.config.NewApp(log.NewNopLogger(), dbm.NewMemDB(), baseapp.SetChainID(n.config.ChainID))
}

func (n *Network) start(genesis *abci.RequestInitChain) {
	n.t.Helper()
	n.genesis = genesis
	response, err := n.App.InitChain(genesis)
	require.NoError(n.t, err)
	n.sets[genesis.InitialHeight] = map[string]int64{}
	n.sets[genesis.InitialHeight+1] = map[string]int64{}
	n.updatePowers(genesis.InitialHeight, response.Validators)
	n.updatePowers(genesis.InitialHeight+1, response.Validators)
}

// Height returns the height of the last block, or the one before the first.
func (n *Network) Height() int64 {
	return n.genesis.InitialHeight - 1 + int64(len(n.blocks))
}

// Time returns the time of the last block.
func (n *Network) Time() time.Time { return n.time }

// Ctx returns a context on the state after the last block. Writes to it are lost.
func (n *Network) Ctx() sdk.Context {
	head := cmtproto.Header{ChainID: n.config.ChainID, Height: n.Height(), Time: n.time}
	ctx := sdk.NewContext(n.App.CommitMultiStore().CacheMultiStore(), head, true, log.NewNopLogger())
	return ctx.WithConsensusParams(n.App.GetConsensusParams(ctx)).
		WithHeaderInfo(header.Info{ChainID: head.ChainID, Height: head.Height, Time: head.Time})
}

// Export returns the state after the last block as a genesis.
func (n *Network) Export() servertypes.ExportedApp {
	n.t.Helper()
	exported, err := n.App.Export(false, nil)
	require.NoError(n.t, err)
	return exported
}

// Reexport imports the exported state into a fresh application and exports it
// again. The two must be equal, or a module loses state in its genesis.
func (n *Network) Reexport() (exported, again json.RawMessage) {
	n.t.Helper()
	first := n.Export()
	fresh := n.newApp()
	// InitChain keeps its writes from readers until the first block, which
	// would change them, so the modules import into a context of our own.
	ctx := sdk.NewContext(fresh.CommitMultiStore().CacheMultiStore(),
		cmtproto.Header{ChainID: n.config.ChainID, Height: first.Height, Time: n.time}, false, log.NewNopLogger()).
		WithConsensusParams(first.ConsensusParams)
	_, err := fresh.InitChainer(ctx, &abci.RequestInitChain{AppStateBytes: first.AppState, InitialHeight: first.Height})
	require.NoError(n.t, err)
	state, err := fresh.ModuleManager.ExportGenesis(ctx, fresh.Codec)
	require.NoError(n.t, err)
	again, err = json.MarshalIndent(state, "", "  ")
	require.NoError(n.t, err)
	return first.AppState, again
}

// Replay runs every block again on a fresh application and fails at the first
// height whose app hash differs.
func (n *Network) Replay() {
	n.t.Helper()
	fresh := n.newApp()
	_, err := fresh.InitChain(n.genesis)
	require.NoError(n.t, err)
	for i, block := range n.blocks {
		response, err := fresh.FinalizeBlock(block)
		require.NoError(n.t, err, "replay of height %d", block.Height)
		require.Equal(n.t, n.hashes[i], response.AppHash, "app hash of height %d", block.Height)
		_, err = fresh.Commit()
		require.NoError(n.t, err)
	}
}
