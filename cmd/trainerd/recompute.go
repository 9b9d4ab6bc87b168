package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/chain"
	"github.com/pold-network/pold/sidecar/server"
	"github.com/pold-network/pold/sidecar/verifier"
)

// recomputeOptions are shared by the commands that fetch files from announced peers and compute again what the chain says.
type recomputeOptions struct {
	node    nodeFlags
	overlay overlayFlags
	asJSON  bool

	timeout, fetchTimeout time.Duration
}

// add registers the flags; limit is how long the whole command may take by default, 0 for no limit.
func (o *recomputeOptions) add(cmd *cobra.Command, limit time.Duration) {
	o.node.add(cmd)
	o.overlay.add(cmd)
	temporaryHome(cmd)
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	cmd.Flags().DurationVar(&o.timeout, "timeout", limit, "give up after this long; 0 for never")
	cmd.Flags().DurationVar(&o.fetchTimeout, "fetch-timeout", 20*time.Second, "give up on one file after this long")
}

// run opens everything that is needed, hands it to work, and cleans up.
func (o *recomputeOptions) run(cmd *cobra.Command, work func(ctx context.Context, client *chain.Client, fetch verifier.FetchFunc) error) error {
	ctx := cmd.Context()
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	if err := engine.SelfTest(); err != nil {
		return err
	}
	client, err := o.node.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	log, err := newLogger("error")
	if err != nil {
		return err
	}
	node, cleanUp, err := o.overlay.openTemporary(ctx, cmd, client.ChainID(), log)
	if err != nil {
		return err
	}
	defer cleanUp()
	server.NewPeering(client, node, nil, log).Step(ctx)
	return work(ctx, client, func(ctx context.Context, cid string, size uint64, sha256 []byte) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, o.fetchTimeout)
		defer cancel()
		return node.Fetch(ctx, cid, size, sha256)
	})
}
