package app

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cast"

	"github.com/cosmos/cosmos-sdk/baseapp"
	"github.com/cosmos/cosmos-sdk/client/flags"
	servertypes "github.com/cosmos/cosmos-sdk/server/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"github.com/pold-network/pold/app/voteext"
)

const (
	// FlagSidecarAddress says where the node's sidecar listens; empty on a node without one.
	FlagSidecarAddress = "sidecar.address"
	// FlagSidecarDeadline bounds the wait for one answer of the sidecar.
	FlagSidecarDeadline = "sidecar.deadline"
	// FlagSidecarConsensus names the consensus address when the key is not in a file, as with a remote signer.
	FlagSidecarConsensus = "sidecar.consensus-address"
)

// setExtensionHandlers connects attestation to the five ABCI calls around vote extensions.
func (app *App) setExtensionHandlers(appOpts servertypes.AppOptions) {
	config, err := extensionConfig(appOpts)
	if err != nil {
		panic(fmt.Errorf("settings of the sidecar: %w", err))
	}
	app.extensions = voteext.NewHandler(config, app.AttestationKeeper, app.StakingKeeper,
		baseapp.NewDefaultProposalHandler(app.Mempool(), app.BaseApp), app.Logger())
	app.SetExtendVoteHandler(app.extensions.Extend())
	app.SetVerifyVoteExtensionHandler(app.extensions.Verify())
	app.SetPrepareProposal(app.extensions.Prepare())
	app.SetProcessProposal(app.extensions.Process())
}

// extensionConfig reads the [sidecar] section of app.toml and the address of the node's consensus key.
func extensionConfig(appOpts servertypes.AppOptions) (voteext.Config, error) {
	address := cast.ToString(appOpts.Get(FlagSidecarAddress))
	if address == "" {
		return voteext.Config{}, nil
	}
	client, err := voteext.Dial(address)
	if err != nil {
		return voteext.Config{}, err
	}
	config := voteext.Config{Sidecar: client, Deadline: cast.ToDuration(appOpts.Get(FlagSidecarDeadline))}
	if config.Deadline < 0 || config.Deadline > 5*time.Second {
		return config, fmt.Errorf("%s: expected at most 5s, got %s", FlagSidecarDeadline, config.Deadline)
	}
	if text := cast.ToString(appOpts.Get(FlagSidecarConsensus)); text != "" {
		config.Consensus, err = sdk.ConsAddressFromBech32(text)
		if err != nil {
			return config, fmt.Errorf("%s: %w; expected an address such as polvalcons1…", FlagSidecarConsensus, err)
		}
		return config, nil
	}
	config.Consensus, err = consensusAddress(appOpts)
	return config, err
}

// consensusAddress reads the address, not the key, of the node's consensus key file.
func consensusAddress(appOpts servertypes.AppOptions) (sdk.ConsAddress, error) {
	path := cast.ToString(appOpts.Get("priv_validator_key_file"))
	if path == "" {
		path = filepath.Join("config", "priv_validator_key.json")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(cast.ToString(appOpts.Get(flags.FlagHome)), path)
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // a node that does not validate, or one with a remote signer
	}
	if err != nil {
		return nil, fmt.Errorf("consensus key file: %w", err)
	}
	var key struct {
		Address string `json:"address"`
	}
	if err := json.Unmarshal(b, &key); err != nil {
		return nil, fmt.Errorf("consensus key file %s: %w", path, err)
	}
	address, err := hex.DecodeString(key.Address)
	if err != nil {
		return nil, fmt.Errorf("address in consensus key file %s: %w", path, err)
	}
	return address, nil
}
