package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	cmtcfg "github.com/cometbft/cometbft/config"
	"github.com/spf13/viper"

	serverconfig "github.com/cosmos/cosmos-sdk/server/config"

	"github.com/pold-network/pold/app"
	"github.com/pold-network/pold/app/voteext"
)

// appConfig is app.toml: the SDK's settings and ours.
type appConfig struct {
	serverconfig.Config `mapstructure:",squash"`
	Sidecar             sidecarConfig `mapstructure:"sidecar"`
}

// sidecarConfig says where the trainerd process of this node is.
type sidecarConfig struct {
	Address          string        `mapstructure:"address"`
	Deadline         time.Duration `mapstructure:"deadline"`
	ConsensusAddress string        `mapstructure:"consensus-address"`
}

const appTemplate = serverconfig.DefaultConfigTemplate + `
###############################################################################
###                                 Sidecar                                 ###
###############################################################################

[sidecar]

# Where the trainerd process of this node answers (host:port). Without one the
# node produces blocks but does not vote on what was learned.
address = "{{ .Sidecar.Address }}"

# The longest wait for an answer. It only reads memory; a vote is late when it waits.
deadline = "{{ .Sidecar.Deadline }}"

# The consensus address (polvalcons1...) of this validator. Empty reads it from
# the key file; set it when a remote signer holds the key.
consensus-address = "{{ .Sidecar.ConsensusAddress }}"
`

// defaultAppConfig returns the app.toml of a new node. REST, gRPC and gRPC-web
// are on and pages of other origins may read them, so that a wallet or a
// dashboard works against any node; operators of public nodes put a proxy in
// front and set query-gas-limit.
func defaultAppConfig() *appConfig {
	config := &appConfig{
		Config:  *serverconfig.DefaultConfig(),
		Sidecar: sidecarConfig{Deadline: voteext.DefaultDeadline},
	}
	config.MinGasPrices = "0" + app.BaseDenom
	config.API.Enable = true
	config.API.EnableUnsafeCORS = true
	config.GRPC.Enable = true
	config.GRPCWeb.Enable = true
	return config
}

// checkAppConfig refuses an app.toml that a node would not start with.
func checkAppConfig(settings *viper.Viper) error {
	base, err := serverconfig.GetConfig(settings)
	if err != nil {
		return err
	}
	if err := base.ValidateBasic(); err != nil {
		return err
	}
	return settings.Unmarshal(defaultAppConfig())
}

// defaultCometConfig returns the config.toml of a new node. The RPC answers no
// page of another origin (rpc.cors_allowed_origins stays empty): it can send
// transactions and stop being useful under load. A devnet sets it to ["*"].
func defaultCometConfig() *cmtcfg.Config {
	config := cmtcfg.DefaultConfig()
	config.Consensus.TimeoutCommit = 900 * time.Millisecond
	config.RPC.PprofListenAddress = ""
	return config
}

// writeCometConfig writes config.toml when there is none. The server would
// write it too, but would turn pprof back on.
func writeCometConfig(home string) error {
	path := filepath.Join(home, "config", "config.toml")
	switch _, err := os.Stat(path); {
	case err == nil:
		return nil
	case !os.IsNotExist(err):
		return fmt.Errorf("look for the node's configuration: %w", err)
	}
	for _, dir := range []string{"config", "data"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o700); err != nil {
			return fmt.Errorf("create the node's home: %w", err)
		}
	}
	cmtcfg.WriteConfigFile(path, defaultCometConfig())
	return nil
}
