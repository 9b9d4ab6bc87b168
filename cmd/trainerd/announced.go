package main

import (
	"context"
	"log/slog"

	"github.com/pold-network/pold/sidecar/server"
)

// whileAnnounced keeps the overlay connected to the peers that the chain knows while work lasts and, unless the sender is nil, the chain
// informed where this peer is. Both were tried once when work begins.
func whileAnnounced(ctx context.Context, client server.PeerChain, node server.Identity, sender server.Sender, log *slog.Logger, work func(context.Context) error) error {
	ctx, done := context.WithCancel(ctx)
	defer done()
	peering := server.NewPeering(client, node, sender, log)
	peering.Step(ctx)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		_ = peering.Run(ctx) // ended by done; the outcome is that of the work
	}()
	err := work(ctx)
	done()
	<-finished
	return err
}
