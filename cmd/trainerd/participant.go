package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/sidecar/chain"
)

// participant is what a command needs that signs transactions and exchanges files: a node, an account and an overlay.
type participant struct {
	client  *chain.Client
	account *chain.Account
	node    *overlay
}

// openParticipant connects to the node, opens the key and starts the overlay, in this order: what is most often wrong comes first.
func openParticipant(ctx context.Context, node *nodeFlags, key *keyFlags, files *overlayFlags, log *slog.Logger) (*participant, error) {
	client, err := node.dial(ctx)
	if err != nil {
		return nil, err
	}
	account, err := key.open(client)
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	store, err := files.open(ctx, client.ChainID(), log)
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return &participant{client: client, account: account, node: store}, nil
}

func (p *participant) Close() {
	p.node.Close()
	p.client.Close()
}

// visit is for commands that only fetch: it connects to a node and opens an overlay, under a temporary identity unless --home was given,
// which knows the announced peers while work lasts. Without a node the peers that were given have to do.
func visit(cmd *cobra.Command, node *nodeFlags, files *overlayFlags, work func(context.Context, *overlay) error) error {
	ctx := cmd.Context()
	log, err := newLogger("error")
	if err != nil {
		return err
	}
	client, err := node.dial(ctx)
	if errors.Is(err, chain.ErrUnreachable) && (len(files.bootstrap) > 0 || files.mdns) {
		if node.chainID == "" {
			return fmt.Errorf("%w; without a node the network has to be named: --chain-id", err)
		}
		fmt.Fprintf(os.Stderr, "no node answers at %s; asking only the peers that were given\n", node.node)
		store, cleanUp, err := files.openTemporary(ctx, cmd, node.chainID, log)
		if err != nil {
			return err
		}
		defer cleanUp()
		return work(ctx, store)
	}
	if err != nil {
		return err
	}
	defer client.Close()
	store, cleanUp, err := files.openTemporary(ctx, cmd, client.ChainID(), log)
	if err != nil {
		return err
	}
	defer cleanUp()
	return whileAnnounced(ctx, client, store, nil, log, func(ctx context.Context) error { return work(ctx, store) })
}
