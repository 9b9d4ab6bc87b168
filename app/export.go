package app

import (
	"encoding/json"
	"errors"
	"fmt"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"

	servertypes "github.com/cosmos/cosmos-sdk/server/types"
	"github.com/cosmos/cosmos-sdk/x/staking"
)

// ErrZeroHeightExport says why a state cannot be exported for a chain that counts blocks from zero.
var ErrZeroHeightExport = errors.New("export for zero height is not supported, because tasks and rounds are due at " +
	"absolute heights; export without it and start the new chain at the initial_height that the export names")

// Export writes out the state after the last block as the genesis of a chain
// that continues at the next height. Without module names, all modules.
func (app *App) Export(forZeroHeight bool, modules []string) (servertypes.ExportedApp, error) {
	if forZeroHeight {
		return servertypes.ExportedApp{}, ErrZeroHeightExport
	}
	ctx := app.NewContextLegacy(true, cmtproto.Header{ChainID: app.ChainID(), Height: app.LastBlockHeight()})
	height := app.LastBlockHeight() + 1

	genesis, err := app.ModuleManager.ExportGenesisForModules(ctx, app.Codec, modules)
	if err != nil {
		return servertypes.ExportedApp{}, fmt.Errorf("export the state of height %d: %w", app.LastBlockHeight(), err)
	}
	state, err := json.MarshalIndent(genesis, "", "  ")
	if err != nil {
		return servertypes.ExportedApp{}, err
	}
	validators, err := staking.WriteValidators(ctx, app.StakingKeeper)
	if err != nil {
		return servertypes.ExportedApp{}, fmt.Errorf("export the validators of height %d: %w", app.LastBlockHeight(), err)
	}

	params := app.GetConsensusParams(ctx)
	// The first block of the new chain has no earlier votes, hence no
	// extensions: they start at that block, as they did on this chain.
	if params.Abci != nil && params.Abci.VoteExtensionsEnableHeight != 0 && params.Abci.VoteExtensionsEnableHeight < height {
		abci := *params.Abci
		abci.VoteExtensionsEnableHeight = height
		params.Abci = &abci
	}
	return servertypes.ExportedApp{AppState: state, Validators: validators, Height: height, ConsensusParams: params}, nil
}
