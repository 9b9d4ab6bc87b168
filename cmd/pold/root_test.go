package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	svrcmd "github.com/cosmos/cosmos-sdk/server/cmd"
	genutiltypes "github.com/cosmos/cosmos-sdk/x/genutil/types"
)

// run executes a command line on a home directory and returns what it printed.
func run(t *testing.T, home string, args ...string) (string, error) {
	t.Helper()
	root := newRootCommand()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(append(args, "--home", home))
	root.PersistentFlags().String("home", "", "main adds this flag, as server/cmd.Execute does")
	err := root.ExecuteContext(svrcmd.CreateExecuteContext(context.Background()))
	return out.String(), err
}

func TestEveryCommandThatANewcomerLooksForExists(t *testing.T) {
	root := newRootCommand()
	for _, path := range [][]string{
		{"init"}, {"start"}, {"status"}, {"version"}, {"export"}, {"keys", "add"}, {"config", "set"},
		{"genesis", "add-sale-purchases"}, {"genesis", "gentx"}, {"genesis", "collect-gentxs"}, {"genesis", "validate"},
		{"data", "diff"}, {"data", "propose"}, {"data", "show"}, {"data", "vote"}, {"data", "keep"}, {"data", "status"}, {"data", "verify"},
		{"group", "bond"}, {"group", "changes"}, {"group", "fork"}, {"group", "plan-evaluation"},
		{"tx", "bank", "send"}, {"tx", "staking", "delegate"}, {"tx", "gov", "submit-proposal"},
		{"query", "bank", "balances"}, {"q", "tx"}, {"q", "block"}, {"q", "staking", "validators"},
	} {
		cmd, rest, err := root.Find(path)
		require.NoError(t, err, path)
		require.Empty(t, rest, "pold %v", path)
		require.NotEmpty(t, cmd.Short, path)
	}
}

func TestNoCommandHasTwoChildrenOfOneName(t *testing.T) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		seen := map[string]bool{}
		for _, child := range cmd.Commands() {
			require.False(t, seen[child.Name()], "%s %s", cmd.CommandPath(), child.Name())
			seen[child.Name()] = true
			walk(child)
		}
	}
	walk(newRootCommand())
}

func TestInitWritesOurDefaults(t *testing.T) {
	home := t.TempDir()
	_, err := run(t, home, "init", "node", "--chain-id", "pold-test-1")
	require.NoError(t, err)

	genesis, err := genutiltypes.AppGenesisFromFile(filepath.Join(home, "config", "genesis.json"))
	require.NoError(t, err)
	require.Equal(t, "pold-test-1", genesis.ChainID)
	require.Equal(t, int64(4<<20), genesis.Consensus.Params.Block.MaxBytes)
	require.Equal(t, int64(100_000_000), genesis.Consensus.Params.Block.MaxGas)
	require.Equal(t, int64(1), genesis.Consensus.Params.ABCI.VoteExtensionsEnableHeight)
	_, err = run(t, home, "genesis", "validate")
	require.NoError(t, err)

	for _, setting := range []struct{ file, key, want string }{
		{"app", "api.enable", "true"}, {"app", "api.enabled-unsafe-cors", "true"},
		{"app", "grpc.enable", "true"}, {"app", "grpc-web.enable", "true"},
		{"app", "minimum-gas-prices", "0unrn"},
		{"app", "sidecar.address", ""}, {"app", "sidecar.deadline", "200ms"},
		{"comet", "consensus.timeout_commit", "900ms"}, {"comet", "rpc.pprof_laddr", ""},
		{"comet", "rpc.cors_allowed_origins", "[]"},
	} {
		out, err := run(t, home, "config", "get", setting.file, setting.key)
		require.NoError(t, err)
		require.Equal(t, setting.want+"\n", out, setting.key)
	}
}

func TestConfigChangesOneSettingAndKeepsTheRest(t *testing.T) {
	home := t.TempDir()
	_, err := run(t, home, "config", "set", "app", "sidecar.address", "127.0.0.1:7777")
	require.NoError(t, err)
	path := filepath.Join(home, "config", "app.toml")
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(before), "address = \"127.0.0.1:7777\"")
	require.Contains(t, string(before), "address = \"tcp://localhost:1317\"", "the address of another section")

	cases := []struct {
		name    string
		args    []string
		refused string
	}{
		{"a file that there is not", []string{"server", "x", "y"}, "expected a FILE of app, comet or client"},
		{"a setting that there is not", []string{"app", "api.nonsense", "y"}, `has no setting "api.nonsense"`},
		{"a switch that is neither on nor off", []string{"app", "api.enable", "yes"}, "expected true or false"},
		{"a word for a number", []string{"app", "halt-height", "ten"}, "expected a whole number"},
		{"a text that is no duration", []string{"comet", "consensus.timeout_commit", "soon"}, "is refused"},
		{"a value that the node would not start with", []string{"app", "block-executor", "magic"}, "invalid block executor"},
		{"a list that is none", []string{"comet", "rpc.cors_allowed_origins", "*"}, "expected a list"},
		{"a second line smuggled in", []string{"client", "node", "a\"\nb = 1"}, "expected a text on one line"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := run(t, home, append([]string{"config", "set"}, c.args...)...)
			require.ErrorContains(t, err, c.refused)
		})
	}
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after), "a refused change writes nothing")
	leftovers, err := filepath.Glob(filepath.Join(home, "config", "*.new"))
	require.NoError(t, err)
	require.Empty(t, leftovers)

	_, err = run(t, home, "config", "set", "comet", "rpc.cors_allowed_origins", `["*"]`)
	require.NoError(t, err)
	out, err := run(t, home, "config", "get", "comet", "rpc.cors_allowed_origins")
	require.NoError(t, err)
	require.Equal(t, "[*]\n", out)
}

func TestSalePurchasesOnTheCommandLine(t *testing.T) {
	home := t.TempDir()
	_, err := run(t, home, "init", "node", "--chain-id", "pold-test-1")
	require.NoError(t, err)
	file := filepath.Join(home, "purchases.csv")
	require.NoError(t, os.WriteFile(file, []byte("address,amount\n"+buyer(1)+",12.5NRN\n"), 0o600))

	out, err := run(t, home, "genesis", "add-sale-purchases", file)
	require.NoError(t, err)
	require.Equal(t, "1 buyers received 12.5NRN; the supply at genesis is now 12.5NRN\n", out)
	_, err = run(t, home, "genesis", "add-sale-purchases", file)
	require.ErrorContains(t, err, "already have a balance")
	_, err = run(t, home, "genesis", "add-sale-purchases", filepath.Join(home, "missing.csv"))
	require.ErrorContains(t, err, "open the purchases file")
}
