package devnet

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	cmtcfg "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"

	cryptocodec "github.com/cosmos/cosmos-sdk/crypto/codec"
	cryptotypes "github.com/cosmos/cosmos-sdk/crypto/types"
)

// blockPause is how long a node waits after a block for late votes; short, so that rounds take seconds.
const blockPause = 250 * time.Millisecond

// writeNodeKeys gives each validator its node and consensus keys and returns the consensus public keys.
// They are derived from the validator's name: like the mnemonic, they are no secret.
func writeNodeKeys(l layout, validators int) ([]cryptotypes.PubKey, error) {
	keys := make([]cryptotypes.PubKey, validators)
	for i := range validators {
		home := l.nodeHome(i)
		for _, dir := range []string{"config", "data"} {
			if err := os.MkdirAll(filepath.Join(home, dir), 0o700); err != nil {
				return nil, err
			}
		}
		node := p2p.NodeKey{PrivKey: nodeKey(i)}
		if err := node.SaveAs(filepath.Join(home, "config", "node_key.json")); err != nil {
			return nil, err
		}
		consensus := ed25519.GenPrivKeyFromSecret(fmt.Appendf(nil, "pold devnet consensus %d", i))
		privval.NewFilePV(consensus, filepath.Join(home, "config", "priv_validator_key.json"),
			filepath.Join(home, "data", "priv_validator_state.json")).Save()
		key, err := cryptocodec.FromCmtPubKeyInterface(consensus.PubKey())
		if err != nil {
			return nil, err
		}
		keys[i] = key
	}
	return keys, nil
}

func nodeKey(i int) ed25519.PrivKey {
	return ed25519.GenPrivKeyFromSecret(fmt.Appendf(nil, "pold devnet node %d", i))
}

// writeNodeConfig writes genesis and the CometBFT configuration of each validator. app.toml is written by the node
// itself; what differs from its defaults is given as flags (see nodeArguments).
func writeNodeConfig(l layout, validators int) error {
	genesis, err := os.ReadFile(l.genesis())
	if err != nil {
		return err
	}
	for i := range validators {
		c := cmtcfg.DefaultConfig()
		c.Moniker = l.validatorName(i)
		c.LogLevel = "info"
		c.RPC.ListenAddress = fmt.Sprintf("tcp://127.0.0.1:%d", l.rpc(i))
		c.RPC.PprofListenAddress = ""
		c.RPC.CORSAllowedOrigins = []string{"*"} // wallets in a browser; never on a public node
		c.P2P.ListenAddress = fmt.Sprintf("tcp://127.0.0.1:%d", l.p2p(i))
		c.P2P.AllowDuplicateIP, c.P2P.AddrBookStrict = true, false
		c.P2P.PersistentPeers = l.persistentPeers(i, validators)
		c.P2P.FlushThrottleTimeout = 10 * time.Millisecond
		c.Consensus.TimeoutCommit = blockPause
		c.Consensus.TimeoutPropose = time.Second
		c.Consensus.PeerGossipSleepDuration = 20 * time.Millisecond
		cmtcfg.WriteConfigFile(filepath.Join(l.nodeHome(i), "config", "config.toml"), c)
		if err := os.WriteFile(filepath.Join(l.nodeHome(i), "config", "genesis.json"), genesis, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (l layout) persistentPeers(self, validators int) string {
	var peers []string
	for i := range validators {
		if i != self {
			peers = append(peers, fmt.Sprintf("%s@127.0.0.1:%d", p2p.PubKeyToID(nodeKey(i).PubKey()), l.p2p(i)))
		}
	}
	return strings.Join(peers, ",")
}

// nodeArguments starts the node of validator i.
func (l layout) nodeArguments(i int) []string {
	return []string{
		"start", "--home", l.nodeHome(i),
		"--minimum-gas-prices", "0unrn",
		"--grpc.enable", "--grpc.address", fmt.Sprintf("127.0.0.1:%d", l.grpc(i)),
		"--api.enable", "--api.address", fmt.Sprintf("tcp://127.0.0.1:%d", l.rest(i)), "--api.enabled-unsafe-cors",
		"--sidecar.address", fmt.Sprintf("127.0.0.1:%d", l.sidecar(i)),
		"--log_level", "info", "--log_no_color",
		"--pruning", "default",
	}
}

// sidecarArguments starts the sidecar of validator i; that of validator 0 brings the digits table into the network.
func (l layout) sidecarArguments(i int) []string {
	args := []string{
		"serve", "--home", l.sidecarHome(i), "--chain-id", ChainID,
		"--listen", fmt.Sprintf("127.0.0.1:%d", l.sidecar(i)),
		"--node", fmt.Sprintf("127.0.0.1:%d", l.grpc(i)),
		"--p2p-listen", fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", l.swarm(i)),
		"--from", l.validatorName(i), "--keyring-backend", "test", "--keyring-dir", l.keyring(),
	}
	if i == 0 {
		args = append(args, "--seed-file", l.table())
	}
	return args
}

// recipes differ from trainer to trainer, so that their losses do too. The first is slow and steady: it still improves
// when the others have begun to jump about.
var recipes = [][]string{
	{"--optimizer", "sgd", "--rate", "0.05", "--momentum", "0.8", "--batch", "256"},
	{"--optimizer", "adam", "--rate", "0.003", "--batch", "32"},
	{"--optimizer", "sgd", "--rate", "0.2", "--momentum", "0.8", "--batch", "64"},
}

// trainerArguments starts trainer i, which talks to the node of validator i modulo the number of validators.
func (l layout) trainerArguments(i, validators int) []string {
	name := trainerNames[i]
	args := []string{
		"train", "--home", l.trainerHome(name), "--chain-id", ChainID, "--group", Group,
		"--node", fmt.Sprintf("127.0.0.1:%d", l.grpc(i%validators)),
		"--p2p-listen", fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", l.trainerSwarm(i)),
		"--from", name, "--keyring-backend", "test", "--keyring-dir", l.keyring(),
		"--seed", fmt.Sprint(i + 1), "--json",
	}
	return append(args, recipes[i%len(recipes)]...)
}

// topology is kept beside the state, because a network can't be continued with other sizes.
type topology struct {
	Validators int `json:"validators"`
	Trainers   int `json:"trainers"`
}

func (l layout) readTopology() (topology, bool, error) {
	var t topology
	b, err := os.ReadFile(l.topology())
	if os.IsNotExist(err) {
		return t, false, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &t)
	}
	return t, err == nil, err
}

func (l layout) writeTopology(t topology) error {
	b, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return os.WriteFile(l.topology(), b, 0o644)
}
