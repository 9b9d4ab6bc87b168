package main

import (
	"fmt"
	"os"
	"strings"

	dbm "github.com/cosmos/cosmos-db"
	"github.com/spf13/cobra"
	"github.com/spf13/viper"

	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/client"
	clientconfig "github.com/cosmos/cosmos-sdk/client/config"
	"github.com/cosmos/cosmos-sdk/client/debug"
	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/cosmos/cosmos-sdk/client/grpc/cmtservice"
	"github.com/cosmos/cosmos-sdk/client/keys"
	"github.com/cosmos/cosmos-sdk/client/pruning"
	"github.com/cosmos/cosmos-sdk/client/rpc"
	"github.com/cosmos/cosmos-sdk/client/snapshot"
	"github.com/cosmos/cosmos-sdk/server"
	servertypes "github.com/cosmos/cosmos-sdk/server/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/version"
	authcmd "github.com/cosmos/cosmos-sdk/x/auth/client/cli"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	genutilcli "github.com/cosmos/cosmos-sdk/x/genutil/client/cli"

	"github.com/pold-network/pold/app"
	"github.com/pold-network/pold/app/voteext"
	"github.com/pold-network/pold/cmd/pold/devnet"
)

// newRootCommand returns the pold command with everything under it.
func newRootCommand() *cobra.Command {
	version.Name, version.AppName = app.Name, app.Name
	sdk.GetConfig().Seal()

	// The modules know the codecs and their commands; an application that never runs a block lends them.
	lender := app.New(log.NewNopLogger(), dbm.NewMemDB(), true, viper.New())
	clientCtx := client.Context{}.
		WithCodec(lender.Codec).
		WithInterfaceRegistry(lender.InterfaceRegistry).
		WithTxConfig(lender.TxConfig).
		WithLegacyAmino(lender.Amino).
		WithAccountRetriever(authtypes.AccountRetriever{}).
		WithHomeDir(app.DefaultNodeHome).
		WithViper(app.EnvPrefix)

	root := &cobra.Command{
		Use:   app.Name,
		Short: "Node and command line of pold, a chain whose validators agree bit for bit on what was learned",
		Long: "Node and command line of pold, a chain whose validators agree bit for bit on what was learned.\n\n" +
			"To run a node: init, start, config, genesis. To take part: keys, group, data. For everything else that the chain can do: tx, query.\n\n" + exitHelp,
		// Errors are one sentence; the usage page would bury it.
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return prepareContexts(cmd, clientCtx)
		},
	}
	addCommands(root, lender)
	asUsage(root)

	options := lender.AutoCLIOptions()
	options.ClientCtx = clientCtx
	comet := cmtservice.NewCometBFTCommands()
	options.ModuleOptions[comet.Name()] = comet.AutoCLIOptions()
	if err := options.EnhanceRootCommand(root); err != nil {
		panic(fmt.Errorf("build the commands of the modules: %w", err))
	}
	return root
}

// prepareContexts reads flags, environment and the files under --home, in this
// order of precedence, into the contexts that commands take them from.
func prepareContexts(cmd *cobra.Command, initial client.Context) error {
	cmd.SetOut(cmd.OutOrStdout())
	cmd.SetErr(cmd.ErrOrStderr())

	if isClient(cmd) {
		if err := readEnvironment(cmd); err != nil {
			return err
		}
	}
	clientCtx := initial.WithInput(cmd.InOrStdin()).WithOutput(cmd.OutOrStdout()).WithCmdContext(cmd.Context())
	clientCtx, err := client.ReadPersistentCommandFlags(clientCtx, cmd.Flags())
	if err != nil {
		return err
	}
	if clientCtx, err = clientconfig.ReadFromClientConfig(clientCtx); err != nil {
		return fmt.Errorf("read client.toml: %w", err)
	}
	if err := client.SetCmdClientContextHandler(clientCtx, cmd); err != nil {
		return err
	}
	if isClient(cmd) {
		return nil
	}
	if err := writeCometConfig(clientCtx.HomeDir); err != nil {
		return err
	}
	return server.InterceptConfigsPreRunHandler(cmd, appTemplate, defaultAppConfig(), defaultCometConfig())
}

// clientOnly marks commands that work with somebody's node and have none of their own: they read no node's settings and write none.
const clientOnly = "client"

func isClient(cmd *cobra.Command) bool {
	for ; cmd != nil; cmd = cmd.Parent() {
		if _, marked := cmd.Annotations[clientOnly]; marked {
			return true
		}
	}
	return false
}

// environmentFlags are those that a client's command also takes from the environment, such as --node from POLD_NODE.
var environmentFlags = []string{
	flags.FlagHome, flags.FlagNode, flags.FlagChainID, flags.FlagFrom, flags.FlagKeyringBackend, flags.FlagKeyringDir, flags.FlagGasPrices,
	flags.FlagOutput, flagTrainerd, flagGRPC,
}

// readEnvironment sets the flags of a client's command that were not given. For other commands the server's settings do it.
func readEnvironment(cmd *cobra.Command) error {
	for _, name := range environmentFlags {
		variable := app.EnvPrefix + "_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		value, set := os.LookupEnv(variable)
		if f := cmd.Flags().Lookup(name); !set || f == nil || f.Changed {
			continue
		}
		if err := cmd.Flags().Set(name, value); err != nil {
			return usage("%s: %w", variable, err)
		}
	}
	return nil
}

func addCommands(root *cobra.Command, lender *app.App) {
	genesis := genutilcli.Commands(lender.TxConfig, lender.BasicManager, app.DefaultNodeHome)
	genesis.AddCommand(addSalePurchasesCommand())

	server.AddCommandsWithStartCmdOptions(root, app.DefaultNodeHome, newApp, exportApp, server.StartCmdOptions{AddFlags: addSidecarFlags})
	root.AddCommand(
		initCommand(lender.BasicManager),
		devnet.Command(addPurchasesCSV),
		genesis,
		configCommand(),
		dataCommand(),
		groupCommand(),
		checkStateCommand(),
		queryCommand(),
		txCommand(),
		keys.Commands(),
		server.StatusCommand(),
		debug.Cmd(),
		pruning.Cmd(newApp, app.DefaultNodeHome),
		snapshot.Cmd(newApp),
	)
}

func addSidecarFlags(start *cobra.Command) {
	start.Flags().String(app.FlagSidecarAddress, "", "where the trainerd process beside this validator listens (host:port)")
	start.Flags().Duration(app.FlagSidecarDeadline, voteext.DefaultDeadline, "how long to wait for an answer of the sidecar")
	start.Flags().String(app.FlagSidecarConsensus, "", "the consensus address when the key is with a remote signer")
}

// newApp returns the application as a node runs it.
func newApp(logger log.Logger, db dbm.DB, options servertypes.AppOptions) servertypes.Application {
	return app.New(logger, db, true, options, server.DefaultBaseappOptions(options)...)
}

// exportApp writes out the state after the given block, or after the last one when height is -1.
func exportApp(logger log.Logger, db dbm.DB, height int64, forZeroHeight bool, _ []string,
	options servertypes.AppOptions, modules []string,
) (servertypes.ExportedApp, error) {
	latest := height == -1
	exporter := app.New(logger, db, latest, options, server.DefaultBaseappOptions(options)...)
	if !latest {
		if err := exporter.LoadHeight(height); err != nil {
			return servertypes.ExportedApp{}, fmt.Errorf("load the state of height %d, which may have been pruned: %w", height, err)
		}
	}
	return exporter.Export(forZeroHeight, modules)
}

func queryCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:                        "query",
		Aliases:                    []string{"q"},
		Short:                      "Ask a node about its state",
		SuggestionsMinimumDistance: 2,
		RunE:                       client.ValidateCmd,
	}
	cmd.AddCommand(
		rpc.WaitTxCmd(),
		server.QueryBlockCmd(),
		server.QueryBlocksCmd(),
		server.QueryBlockResultsCmd(),
		authcmd.QueryTxsByEventsCmd(),
		authcmd.QueryTxCmd(),
	)
	return cmd
}

func txCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:                        "tx",
		Short:                      "Sign and send transactions",
		SuggestionsMinimumDistance: 2,
		RunE:                       client.ValidateCmd,
	}
	cmd.AddCommand(
		authcmd.GetSignCommand(),
		authcmd.GetSignBatchCommand(),
		authcmd.GetMultiSignCommand(),
		authcmd.GetMultiSignBatchCmd(),
		authcmd.GetValidateSignaturesCommand(),
		authcmd.GetBroadcastCommand(),
		authcmd.GetEncodeCommand(),
		authcmd.GetDecodeCommand(),
		authcmd.GetSimulateCmd(),
	)
	cmd.PersistentFlags().String(flags.FlagChainID, "", "the chain to send to")
	return cmd
}
