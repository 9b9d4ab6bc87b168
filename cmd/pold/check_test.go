package main

import (
	"path/filepath"
	"testing"

	dbm "github.com/cosmos/cosmos-db"
	"github.com/spf13/viper"
	"github.com/stretchr/testify/require"

	"cosmossdk.io/log/v2"

	"github.com/cosmos/cosmos-sdk/baseapp"

	"github.com/pold-network/pold/app"
	"github.com/pold-network/pold/testutil/network"
)

func TestTheStateOfAStoppedNodeIsChecked(t *testing.T) {
	home := t.TempDir()
	_, err := run(t, home, "check-state")
	require.ErrorContains(t, err, "name its folder with --home")
	_, err = run(t, home, "init", "node", "--chain-id", network.DefaultChainID)
	require.NoError(t, err)
	_, err = run(t, home, "check-state")
	require.ErrorContains(t, err, "this node has made no block")

	stored, err := dbm.NewDB("application", dbm.GoLevelDBBackend, filepath.Join(home, "data"))
	require.NoError(t, err)
	n := network.New(t, network.Config{NewApp: func(logger log.Logger, _ dbm.DB, options ...func(*baseapp.BaseApp)) *app.App {
		return app.New(logger, stored, true, viper.New(), options...)
	}})
	n.Advance(3)
	require.NoError(t, stored.Close())

	out, err := run(t, home, "check-state")
	require.NoError(t, err)
	require.Contains(t, out, "pol/escrow")
	require.Contains(t, out, "height 3: all invariants hold")
	_, err = run(t, home, "check-state", "--height", "99")
	require.ErrorContains(t, err, "height 99")
}
