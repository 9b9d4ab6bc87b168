package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/spf13/cobra"

	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/server"

	"github.com/pold-network/pold/app"
)

// checkStateCommand checks a stored state against the invariants of all modules.
func checkStateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check-state",
		Short: "Check that the stored state fits together: escrows, supply, power, penalties, indexes",
		Long: "Check that the state of a stopped node fits together: what is escrowed is owed to somebody, the supply is what was minted and\n" +
			"burned, no vote weighs more than its power, penalties and evidence stand in their indexes. Prints one line for each check.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			node := server.GetServerContextFromCmd(cmd)
			if _, err := os.Stat(node.Config.GenesisFile()); err != nil {
				return fmt.Errorf("there is no node in %s; name its folder with --home: %w", node.Config.RootDir, err)
			}
			data := filepath.Join(node.Config.RootDir, "data")
			db, err := dbm.NewDB("application", server.GetAppDBBackend(node.Viper), data)
			if err != nil {
				return fmt.Errorf("open the state in %s; stop the node first: %w", data, err)
			}
			defer db.Close()
			height, err := cmd.Flags().GetInt64(server.FlagHeight)
			if err != nil {
				return err
			}
			checked := app.New(log.NewNopLogger(), db, height == -1, node.Viper)
			if height != -1 {
				if err := checked.LoadHeight(height); err != nil {
					return fmt.Errorf("load the state of height %d, which may have been pruned: %w", height, err)
				}
			}
			return checkState(cmd, checked)
		},
	}
	cmd.Flags().Int64(server.FlagHeight, -1, "check the state after this block (-1 for the last one)")
	return cmd
}

func checkState(cmd *cobra.Command, a *app.App) error {
	if a.LastBlockHeight() == 0 {
		return errors.New("there is no state yet: this node has made no block")
	}
	ctx := a.NewContextLegacy(true, cmtproto.Header{ChainID: a.ChainID(), Height: a.LastBlockHeight()})
	broken := 0
	for _, i := range a.Invariants() {
		result := "ok"
		if err := i.Check(ctx); err != nil {
			broken++
			result = err.Error()
		}
		cmd.Printf("%-22s %s\n", i.Name, result)
	}
	if broken > 0 {
		return fmt.Errorf("the state of height %d breaks %d of %d invariants", a.LastBlockHeight(), broken, len(a.Invariants()))
	}
	cmd.Printf("height %d: all invariants hold\n", a.LastBlockHeight())
	return nil
}
