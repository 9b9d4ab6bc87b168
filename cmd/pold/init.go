package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cosmos/cosmos-sdk/server"
	"github.com/cosmos/cosmos-sdk/types/module"
	genutilcli "github.com/cosmos/cosmos-sdk/x/genutil/client/cli"
	genutiltypes "github.com/cosmos/cosmos-sdk/x/genutil/types"

	"github.com/pold-network/pold/app"
)

// initCommand is the SDK's init, followed by the consensus parameters of our
// chains, which that command has no way to take.
func initCommand(basics module.BasicManager) *cobra.Command {
	cmd := genutilcli.InitCmd(basics, app.DefaultNodeHome)
	cmd.Short = "Create the keys, the configuration and the genesis file of a new node"
	cmd.Long = cmd.Short + ".\n\nVote extensions are on from the first block; a block holds at most 4 MiB."
	cmd.Example = "  pold init my-node --chain-id pold-devnet-1"
	initialise := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := initialise(cmd, args); err != nil {
			return err
		}
		return setConsensusParams(server.GetServerContextFromCmd(cmd).Config.GenesisFile())
	}
	return cmd
}

func setConsensusParams(genesisFile string) error {
	genesis, err := genutiltypes.AppGenesisFromFile(genesisFile)
	if err != nil {
		return fmt.Errorf("read the new genesis file: %w", err)
	}
	params := app.DefaultConsensusParams()
	params.Validator = genesis.Consensus.Params.Validator
	// The first block of a chain has no earlier votes to carry extensions.
	params.ABCI.VoteExtensionsEnableHeight = max(params.ABCI.VoteExtensionsEnableHeight, genesis.InitialHeight)
	genesis.Consensus.Params = params
	if err := genesis.SaveAs(genesisFile); err != nil {
		return fmt.Errorf("write the new genesis file: %w", err)
	}
	return nil
}
