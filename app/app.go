// Package app puts the chain together: codecs, stores, keepers in the order of
// their dependencies, modules and the order they run in, and the hooks that
// CometBFT calls. It holds no rules of its own; those live in x/.
//
// Read New from top to bottom to see what the chain consists of. modules.go
// has the order in which modules act in a block, genesis.go what a new chain
// starts with, api.go what a node serves over HTTP, export.go how its state is
// written out.
package app

import (
	"encoding/json"
	"fmt"

	abci "github.com/cometbft/cometbft/abci/types"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/spf13/cast"

	coreaddress "cosmossdk.io/core/address"
	corestore "cosmossdk.io/core/store"
	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/baseapp"
	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/cosmos/cosmos-sdk/codec/address"
	"github.com/cosmos/cosmos-sdk/runtime"
	"github.com/cosmos/cosmos-sdk/server"
	servertypes "github.com/cosmos/cosmos-sdk/server/types"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/module"
	"github.com/cosmos/cosmos-sdk/version"
	"github.com/cosmos/cosmos-sdk/x/auth/ante"
	authkeeper "github.com/cosmos/cosmos-sdk/x/auth/keeper"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	authzkeeper "github.com/cosmos/cosmos-sdk/x/authz/keeper"
	bankkeeper "github.com/cosmos/cosmos-sdk/x/bank/keeper"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	consensuskeeper "github.com/cosmos/cosmos-sdk/x/consensus/keeper"
	consensustypes "github.com/cosmos/cosmos-sdk/x/consensus/types"
	distrkeeper "github.com/cosmos/cosmos-sdk/x/distribution/keeper"
	distrtypes "github.com/cosmos/cosmos-sdk/x/distribution/types"
	evidencekeeper "github.com/cosmos/cosmos-sdk/x/evidence/keeper"
	evidencetypes "github.com/cosmos/cosmos-sdk/x/evidence/types"
	"github.com/cosmos/cosmos-sdk/x/feegrant"
	feegrantkeeper "github.com/cosmos/cosmos-sdk/x/feegrant/keeper"
	govkeeper "github.com/cosmos/cosmos-sdk/x/gov/keeper"
	govtypes "github.com/cosmos/cosmos-sdk/x/gov/types"
	govv1beta1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1beta1"
	slashingkeeper "github.com/cosmos/cosmos-sdk/x/slashing/keeper"
	slashingtypes "github.com/cosmos/cosmos-sdk/x/slashing/types"
	stakingkeeper "github.com/cosmos/cosmos-sdk/x/staking/keeper"
	stakingtypes "github.com/cosmos/cosmos-sdk/x/staking/types"
	upgradekeeper "github.com/cosmos/cosmos-sdk/x/upgrade/keeper"
	upgradetypes "github.com/cosmos/cosmos-sdk/x/upgrade/types"

	"github.com/pold-network/pold/app/voteext"
	attestationkeeper "github.com/pold-network/pold/x/attestation/keeper"
	attestationtypes "github.com/pold-network/pold/x/attestation/types"
	polkeeper "github.com/pold-network/pold/x/pol/keeper"
	poltypes "github.com/pold-network/pold/x/pol/types"
	reputationkeeper "github.com/pold-network/pold/x/reputation/keeper"
	reputationtypes "github.com/pold-network/pold/x/reputation/types"
	polslashingkeeper "github.com/pold-network/pold/x/slashing/keeper"
	polslashingtypes "github.com/pold-network/pold/x/slashing/types"
	trainingsetkeeper "github.com/pold-network/pold/x/trainingset/keeper"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
	votingkeeper "github.com/pold-network/pold/x/voting/keeper"
	votingtypes "github.com/pold-network/pold/x/voting/types"
)

var _ servertypes.Application = (*App)(nil)

// App is the whole application of a node: what CometBFT drives block by block
// and what the gRPC and REST servers answer from.
type App struct {
	*baseapp.BaseApp
	Encoding

	keys map[string]*storetypes.KVStoreKey

	AccountKeeper   authkeeper.AccountKeeper
	BankKeeper      bankkeeper.Keeper
	StakingKeeper   *stakingkeeper.Keeper
	DistrKeeper     distrkeeper.Keeper
	SlashingKeeper  slashingkeeper.Keeper
	GovKeeper       *govkeeper.Keeper
	ConsensusKeeper consensuskeeper.Keeper
	UpgradeKeeper   *upgradekeeper.Keeper
	EvidenceKeeper  evidencekeeper.Keeper
	FeeGrantKeeper  feegrantkeeper.Keeper
	AuthzKeeper     authzkeeper.Keeper

	ReputationKeeper  reputationkeeper.Keeper
	AttestationKeeper attestationkeeper.Keeper
	TrainingSetKeeper trainingsetkeeper.Keeper
	VotingKeeper      votingkeeper.Keeper
	PolSlashingKeeper polslashingkeeper.Keeper
	PolKeeper         polkeeper.Keeper

	extensions *voteext.Handler

	ModuleManager *module.Manager
	BasicManager  module.BasicManager
	configurator  module.Configurator

	// rpcAddress is where this node's CometBFT RPC listens, for /keplr.json.
	rpcAddress string
}

// New returns the application over the given database. With loadLatest it is
// ready for the next block; otherwise the caller loads a height first.
func New(logger log.Logger, db dbm.DB, loadLatest bool, appOpts servertypes.AppOptions, options ...func(*baseapp.BaseApp)) *App {
	encoding := newEncoding()
	// Optimistic execution runs a proposed block while its votes are collected.
	options = append(options, baseapp.SetOptimisticExecution())
	bApp := baseapp.NewBaseApp(Name, logger, db, encoding.TxConfig.TxDecoder(), options...)
	bApp.SetVersion(version.Version)
	bApp.SetInterfaceRegistry(encoding.InterfaceRegistry)
	bApp.SetTxEncoder(encoding.TxConfig.TxEncoder())

	app := &App{
		BaseApp:    bApp,
		Encoding:   encoding,
		rpcAddress: cast.ToString(appOpts.Get("rpc.laddr")),
	}
	app.mountStores(appOpts)
	app.makeKeepers(appOpts)
	app.makeModules()

	app.SetInitChainer(app.InitChainer)
	app.SetPreBlocker(app.PreBlocker)
	app.SetBeginBlocker(app.BeginBlocker)
	app.SetEndBlocker(app.EndBlocker)
	app.SetPrecommiter(app.Precommiter)
	app.SetPrepareCheckStater(app.PrepareCheckStater)
	app.setAnteHandler()
	app.setExtensionHandlers(appOpts)

	if loadLatest {
		if err := app.LoadLatestVersion(); err != nil {
			panic(fmt.Errorf("load the latest state: %w", err))
		}
	}
	return app
}

// mountStores gives every module its own store in the multistore, whose root is the app hash.
func (app *App) mountStores(appOpts servertypes.AppOptions) {
	app.keys = storetypes.NewKVStoreKeys(
		authtypes.StoreKey, banktypes.StoreKey, stakingtypes.StoreKey, distrtypes.StoreKey,
		slashingtypes.StoreKey, govtypes.StoreKey, consensustypes.StoreKey, upgradetypes.StoreKey,
		evidencetypes.StoreKey, feegrant.StoreKey, authzkeeper.StoreKey,
		attestationtypes.StoreKey, votingtypes.StoreKey, trainingsettypes.StoreKey, poltypes.StoreKey,
		reputationtypes.StoreKey, polslashingtypes.StoreKey,
	)
	if err := app.RegisterStreamingServices(appOpts, app.keys); err != nil {
		panic(fmt.Errorf("register streaming services: %w", err))
	}
	app.MountKVStores(app.keys)
}

// makeKeepers builds the keepers; each may use only those above it.
func (app *App) makeKeepers(appOpts servertypes.AppOptions) {
	config := sdk.GetConfig()
	accountCodec := address.NewBech32Codec(config.GetBech32AccountAddrPrefix())
	validatorCodec := address.NewBech32Codec(config.GetBech32ValidatorAddrPrefix())
	consensusCodec := address.NewBech32Codec(config.GetBech32ConsensusAddrPrefix())
	// Only governance may change parameters.
	authority := Authority()
	cdc := app.Codec
	store := func(key string) corestore.KVStoreService { return runtime.NewKVStoreService(app.keys[key]) }

	app.ConsensusKeeper = consensuskeeper.NewKeeper(cdc, store(consensustypes.StoreKey), authority, runtime.EventService{})
	app.SetParamStore(app.ConsensusKeeper.ParamsStore)

	app.AccountKeeper = authkeeper.NewAccountKeeper(cdc, store(authtypes.StoreKey), authtypes.ProtoBaseAccount,
		moduleAccountPermissions, accountCodec, config.GetBech32AccountAddrPrefix(), authority)
	app.BankKeeper = bankkeeper.NewBaseKeeper(cdc, store(banktypes.StoreKey), app.AccountKeeper,
		BlockedAddresses(), authority, app.Logger())
	app.StakingKeeper = stakingkeeper.NewKeeper(cdc, store(stakingtypes.StoreKey), app.AccountKeeper, app.BankKeeper,
		authority, validatorCodec, consensusCodec)
	app.DistrKeeper = distrkeeper.NewKeeper(cdc, store(distrtypes.StoreKey), app.AccountKeeper, app.BankKeeper,
		app.StakingKeeper, authtypes.FeeCollectorName, authority)
	app.SlashingKeeper = slashingkeeper.NewKeeper(cdc, app.Amino, store(slashingtypes.StoreKey), app.StakingKeeper, authority)
	app.StakingKeeper.SetHooks(stakingtypes.NewMultiStakingHooks(app.DistrKeeper.Hooks(), app.SlashingKeeper.Hooks()))

	app.FeeGrantKeeper = feegrantkeeper.NewKeeper(cdc, store(feegrant.StoreKey), app.AccountKeeper)
	app.AuthzKeeper = authzkeeper.NewKeeper(store(authzkeeper.StoreKey), cdc, app.MsgServiceRouter(), app.AccountKeeper)

	skipHeights := map[int64]bool{}
	for _, height := range cast.ToIntSlice(appOpts.Get(server.FlagUnsafeSkipUpgrades)) {
		skipHeights[int64(height)] = true
	}
	app.UpgradeKeeper = upgradekeeper.NewKeeper(skipHeights, store(upgradetypes.StoreKey), cdc,
		cast.ToString(appOpts.Get(flags.FlagHome)), app.BaseApp, authority)

	app.GovKeeper = govkeeper.NewKeeper(cdc, store(govtypes.StoreKey), app.AccountKeeper, app.BankKeeper, app.DistrKeeper,
		app.MsgServiceRouter(), govtypes.DefaultConfig(), authority,
		govkeeper.NewDefaultCalculateVoteResultsAndVotingPower(app.StakingKeeper))
	// MsgExecLegacyContent uses the router without asking whether there is one.
	app.GovKeeper.SetLegacyRouter(govv1beta1.NewRouter().AddRoute(govtypes.RouterKey, govv1beta1.ProposalHandler))

	app.EvidenceKeeper = *evidencekeeper.NewKeeper(cdc, store(evidencetypes.StoreKey), app.StakingKeeper, app.SlashingKeeper,
		accountCodec, runtime.ProvideCometInfoService())

	app.makeLearningKeepers(store, authority, accountCodec, validatorCodec)
}

// makeLearningKeepers builds the keepers of our own modules. Four of them use x/pol, which is built last, through a
// pointer: it knows what a group's stake is, and every burn is counted there.
func (app *App) makeLearningKeepers(store func(string) corestore.KVStoreService, authority string, accounts, operators coreaddress.Codec) {
	cdc := app.Codec
	app.ReputationKeeper = reputationkeeper.NewKeeper(cdc, store(reputationtypes.StoreKey), authority, &app.PolKeeper, accounts, operators)
	app.AttestationKeeper = attestationkeeper.NewKeeper(cdc, store(attestationtypes.StoreKey), authority,
		app.StakingKeeper, app.ReputationKeeper, operators)
	app.VotingKeeper = votingkeeper.NewKeeper(cdc, store(votingtypes.StoreKey), authority, &app.PolKeeper)
	app.TrainingSetKeeper = trainingsetkeeper.NewKeeper(cdc, store(trainingsettypes.StoreKey), authority,
		app.AttestationKeeper, app.VotingKeeper, &app.PolKeeper, app.BankKeeper, polkeeper.TrainingSets{Keeper: &app.PolKeeper})
	app.PolSlashingKeeper = polslashingkeeper.NewKeeper(cdc, store(polslashingtypes.StoreKey), authority, operators,
		polslashingkeeper.Neighbours{
			Staking: app.StakingKeeper, Slashing: app.SlashingKeeper, Bank: app.BankKeeper,
			Pol: &app.PolKeeper, Attestation: app.AttestationKeeper,
		})
	app.PolKeeper = polkeeper.NewKeeper(cdc, store(poltypes.StoreKey), authority,
		app.BankKeeper, app.AttestationKeeper, app.TrainingSetKeeper, app.VotingKeeper, app.ReputationKeeper, operators,
		poltypes.MultiHooks{app.PolSlashingKeeper.Hooks(), reputationkeeper.Hooks{Keeper: app.ReputationKeeper}})

	// At the end of a voting period data changes before what learns from it.
	app.VotingKeeper.SetHooks(trainingsetkeeper.Periods{Keeper: app.TrainingSetKeeper}, polkeeper.Periods{Keeper: app.PolKeeper})
	// What validators and trainers do is judged by slashing, then remembered by reputation, which hears of faults from it.
	app.AttestationKeeper.SetHooks(attestationtypes.MultiHooks{app.PolSlashingKeeper.Hooks(), reputationkeeper.Hooks{Keeper: app.ReputationKeeper}})
	app.PolSlashingKeeper.SetHooks(reputationkeeper.Hooks{Keeper: app.ReputationKeeper})
	app.AttestationKeeper.RegisterKind(
		attestationtypes.Kind{Name: trainingsettypes.DataTaskKind, MaxAnswer: trainingsettypes.DataAnswerSize},
		trainingsetkeeper.Outcomes{Keeper: app.TrainingSetKeeper})
	app.AttestationKeeper.RegisterKind(
		attestationtypes.Kind{Name: poltypes.ScoreTaskKind, MaxAnswer: poltypes.ScoreAnswerSize, Personal: true},
		polkeeper.Outcomes{Keeper: app.PolKeeper})
	app.AttestationKeeper.RegisterKind(
		attestationtypes.Kind{Name: poltypes.AuditTaskKind, MaxAnswer: poltypes.AuditAnswerSize, Personal: true},
		polkeeper.Outcomes{Keeper: app.PolKeeper})
	app.AttestationKeeper.RegisterKind(
		attestationtypes.Kind{Name: poltypes.StoreTaskKind, MaxAnswer: poltypes.StoreAnswerSize, Window: attestationtypes.MinWindow},
		polkeeper.StoreOutcomes{Keeper: app.PolKeeper})
}

// Authority returns the account that may change module parameters: governance.
func Authority() string {
	return authtypes.NewModuleAddress(govtypes.ModuleName).String()
}

func (app *App) setAnteHandler() {
	handler, err := ante.NewAnteHandler(ante.HandlerOptions{
		AccountKeeper:   app.AccountKeeper,
		BankKeeper:      app.BankKeeper,
		FeegrantKeeper:  app.FeeGrantKeeper,
		SignModeHandler: app.TxConfig.SignModeHandler(),
		SigGasConsumer:  ante.DefaultSigVerificationGasConsumer,
	})
	if err != nil {
		panic(fmt.Errorf("build the transaction checks: %w", err))
	}
	app.SetAnteHandler(handler)
}

// InitChainer writes the state of block zero from the genesis file.
func (app *App) InitChainer(ctx sdk.Context, req *abci.RequestInitChain) (*abci.ResponseInitChain, error) {
	var genesis map[string]json.RawMessage
	if err := json.Unmarshal(req.AppStateBytes, &genesis); err != nil {
		return nil, fmt.Errorf("read app_state of the genesis file: %w", err)
	}
	if err := app.UpgradeKeeper.SetModuleVersionMap(ctx, app.ModuleManager.GetVersionMap()); err != nil {
		return nil, err
	}
	return app.ModuleManager.InitGenesis(ctx, app.Codec, genesis)
}

// PreBlocker runs before everything else in a block: after the modules have had their turn (an upgrade must come
// first), what validators signed about the last block is recorded.
func (app *App) PreBlocker(ctx sdk.Context, req *abci.RequestFinalizeBlock) (*sdk.ResponsePreBlock, error) {
	res, err := app.ModuleManager.PreBlock(ctx)
	if err != nil {
		return nil, err
	}
	app.extensions.Record(ctx, req)
	return res, nil
}

// BeginBlocker runs before the transactions of a block.
func (app *App) BeginBlocker(ctx sdk.Context) (sdk.BeginBlock, error) {
	return app.ModuleManager.BeginBlock(ctx)
}

// EndBlocker runs after the transactions of a block.
func (app *App) EndBlocker(ctx sdk.Context) (sdk.EndBlock, error) {
	return app.ModuleManager.EndBlock(ctx)
}

// Precommiter runs before the state of a block is written to disk.
func (app *App) Precommiter(ctx sdk.Context) {
	if err := app.ModuleManager.Precommit(ctx); err != nil {
		panic(err)
	}
}

// PrepareCheckStater runs after a commit, on the state that new transactions are checked against.
func (app *App) PrepareCheckStater(ctx sdk.Context) {
	if err := app.ModuleManager.PrepareCheckState(ctx); err != nil {
		panic(err)
	}
}

// LoadHeight loads the state as it was after the given block, for export.
func (app *App) LoadHeight(height int64) error {
	return app.LoadVersion(height)
}

// StoreKey returns the store key of a module, nil when there is none of that name.
func (app *App) StoreKey(name string) *storetypes.KVStoreKey {
	return app.keys[name]
}

// DefaultGenesis returns the state that a new chain starts with, by module name.
func (app *App) DefaultGenesis() map[string]json.RawMessage {
	return app.BasicManager.DefaultGenesis(app.Codec)
}
