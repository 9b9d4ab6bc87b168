// Command pold is the node of the chain and the command line for people: it
// starts and configures a node, prepares genesis, holds keys, sends
// transactions and queries state.
//
// root.go assembles the commands, defaults.go says how a new node is
// configured, init.go, genesis.go and config.go are the commands of our own.
// Commands of modules come from their AutoCLI options. What people do day by
// day has commands with words instead of fields: data*.go for training sets,
// group*.go for groups. They share node.go (queries), tx.go and txsend.go
// (transactions), library.go and trainerd.go (files), print.go and words.go.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	svrcmd "github.com/cosmos/cosmos-sdk/server/cmd"

	"github.com/pold-network/pold/app"
)

func main() {
	root := newRootCommand()
	if err := svrcmd.Execute(root, app.EnvPrefix, app.DefaultNodeHome); err != nil {
		if errors.Is(err, context.Canceled) {
			err = errors.New("interrupted")
		}
		fmt.Fprintln(root.ErrOrStderr(), "Error:", err)
		os.Exit(exitCode(err))
	}
}
