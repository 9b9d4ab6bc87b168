package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	cmtcfg "github.com/cometbft/cometbft/config"
	"github.com/spf13/cobra"
	"github.com/spf13/viper"

	"github.com/cosmos/cosmos-sdk/client"
	clientconfig "github.com/cosmos/cosmos-sdk/client/config"
)

// configFiles maps the names that `pold config` takes to files under <home>/config
// and to the check that a changed file must pass before it is written.
var configFiles = map[string]struct {
	file  string
	check func(*viper.Viper) error
}{
	"app": {"app.toml", checkAppConfig},
	"comet": {"config.toml", func(v *viper.Viper) error {
		config := cmtcfg.DefaultConfig()
		if err := v.Unmarshal(config); err != nil {
			return err
		}
		return config.ValidateBasic()
	}},
	"client": {"client.toml", func(v *viper.Viper) error {
		return v.Unmarshal(clientconfig.DefaultConfig())
	}},
}

func configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show or change the settings of a node and of this command line",
		Long: `Show or change the settings under <home>/config. FILE is

  app     app.toml: gas prices, pruning, REST and gRPC servers, sidecar
  comet   config.toml: consensus, peers, RPC, logs
  client  client.toml: chain id, node and keyring of this command line

A running node reads a changed setting when it starts again.`,
		Example: `  pold config list client
  pold config get app api.enable
  pold config set comet rpc.cors_allowed_origins '["*"]'`,
		RunE: client.ValidateCmd,
	}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "list FILE",
			Short: "Show all settings of a file",
			Args:  cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				settings, _, err := readSettings(cmd, args[0])
				if err != nil {
					return err
				}
				keys := settings.AllKeys()
				slices.Sort(keys)
				for _, key := range keys {
					cmd.Printf("%s = %v\n", key, settings.Get(key))
				}
				return nil
			},
		},
		&cobra.Command{
			Use:   "get FILE KEY",
			Short: "Show one setting",
			Args:  cobra.ExactArgs(2),
			RunE: func(cmd *cobra.Command, args []string) error {
				settings, path, err := readSettings(cmd, args[0])
				if err != nil {
					return err
				}
				if !slices.Contains(settings.AllKeys(), strings.ToLower(args[1])) {
					return errUnknownKey(path, args[1], args[0])
				}
				cmd.Printf("%v\n", settings.Get(args[1]))
				return nil
			},
		},
		&cobra.Command{
			Use:   "set FILE KEY VALUE",
			Short: "Change one setting",
			Args:  cobra.ExactArgs(3),
			RunE: func(cmd *cobra.Command, args []string) error {
				settings, path, err := readSettings(cmd, args[0])
				if err != nil {
					return err
				}
				if !slices.Contains(settings.AllKeys(), strings.ToLower(args[1])) {
					return errUnknownKey(path, args[1], args[0])
				}
				return changeSetting(path, args[1], args[2], settings.Get(args[1]), configFiles[args[0]].check)
			},
		},
	)
	return cmd
}

func errUnknownKey(path, key, name string) error {
	return fmt.Errorf("%s has no setting %q; `pold config list %s` shows all", path, key, name)
}

// readSettings reads the named file of the home directory that the command works in.
func readSettings(cmd *cobra.Command, name string) (*viper.Viper, string, error) {
	entry, ok := configFiles[name]
	if !ok {
		return nil, "", fmt.Errorf("expected a FILE of app, comet or client, got %q", name)
	}
	path := filepath.Join(client.GetClientContextFromCmd(cmd).HomeDir, "config", entry.file)
	settings, err := parseSettings(path)
	return settings, path, err
}

func parseSettings(path string) (*viper.Viper, error) {
	settings := viper.New()
	settings.SetConfigFile(path)
	settings.SetConfigType("toml")
	if err := settings.ReadInConfig(); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return settings, nil
}

// changeSetting replaces the value of a key in a TOML file, keeping everything
// else as it stands, comments included. Current is the present value, whose
// type the new one must have. The file is replaced only when it passes check.
func changeSetting(path, key, value string, current any, check func(*viper.Viper) error) error {
	literal, err := tomlLiteral(value, current)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	changed, err := replaceValue(string(content), key, literal)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}

	// A rename replaces the file in one step, so a crash leaves the old or the new one.
	next := path + ".new"
	if err := os.WriteFile(next, []byte(changed), info.Mode().Perm()); err != nil {
		return err
	}
	defer os.Remove(next)
	settings, err := parseSettings(next)
	if err != nil {
		return err
	}
	if err := check(settings); err != nil {
		return fmt.Errorf("%s = %s is refused: %w", key, literal, err)
	}
	return os.Rename(next, path)
}
