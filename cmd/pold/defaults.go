package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	cmtcfg "github.com/cometbft/cometbft/config"

	serverconfig "github.com/cosmos/cosmos-sdk/server/config"

	"github.com/pold-network/pold/app"
	"github.com/pold-network/pold/app/voteext"
)

// appConfig is app.toml: the settings of the SDK and those of the sidecar.
type appConfig struct {
	serverconfig.Config `mapstructure:",squash"`
	Sidecar             sidecarConfig `mapstructure:"sidecar"`
}

// sidecarConfig says where the trainerd process beside this node listens.
type sidecarConfig struct {
	Address          string        `mapstructure:"address"`
	Deadline         time.Duration `mapstructure:"deadline"`
	ConsensusAddress string        `mapstructure:"consensus-address"`
}

// appTemplate is the SDK's app.toml followed by our section.
const appTemplate = serverconfig.DefaultConfigTemplate + `
###############################################################################
###                                Sidecar                                  ###
###############################################################################

[sidecar]

# Where the trainerd process beside this validator listens, for example
# 127.0.0.1:9700. Empty: this node takes no part in attestation; it still
# produces blocks.
address = "{{ .Sidecar.Address }}"

# How long the node waits for an answer before it signs an empty extension.
deadline = "{{ .Sidecar.Deadline }}"

# The consensus address (polvalcons1…) when the key is with a remote signer;
# otherwise it is read from the key file.
consensus-address = "{{ .Sidecar.ConsensusAddress }}"
`

// defaultAppConfig returns the app.toml of a new node. REST, gRPC and gRPC-web
// are on and pages of other origins may read them, so that a wallet or a
// dashboard works against any node; operators of public nodes put a proxy in
// front and set query-gas-limit.
func defaultAppConfig() *appConfig {
	config := &appConfig{Config: *serverconfig.DefaultConfig(), Sidecar: sidecarConfig{Deadline: voteext.DefaultDeadline}}
	config.MinGasPrices = "0" + app.BaseDenom
	config.API.Enable = true
	config.API.EnableUnsafeCORS = true
	config.GRPC.Enable = true
	config.GRPCWeb.Enable = true
	return config
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
