package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/api"
	"github.com/pold-network/pold/sidecar/chain"
	"github.com/pold-network/pold/sidecar/cheat"
	"github.com/pold-network/pold/sidecar/server"
	"github.com/pold-network/pold/sidecar/verifier"
)

type serveOptions struct {
	node      nodeFlags
	key       keyFlags
	overlay   overlayFlags
	listen    string
	seedFiles []string
	keep      uint64
	logLevel  string
	cheat     string
}

func newServeCommand() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Compute and store for a validator, and answer its node",
		Long: `Serve follows the chain, fetches what it asks about, computes answers ahead of time and hands them to the node over gRPC.
The node finds it by sidecar.address in app.toml. A sidecar that fails its self-test runs, says so in its status, and gives no answers.`,
		Example: `  trainerd serve --node 127.0.0.1:9090 --listen 127.0.0.1:9700 --chain-id pold-devnet-1 --from validator`,
		Args:    exactly(0, "no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	o.node.add(cmd)
	o.overlay.add(cmd)
	o.key.add(cmd, "key that announces this peer on chain; without one other peers do not find it by themselves")
	cmd.Flags().StringVar(&o.listen, "listen", "127.0.0.1:9700", "address at which the node finds this sidecar; keep it private")
	cmd.Flags().StringArrayVar(&o.seedFiles, "seed-file", nil, "local file to store and provide, such as a data set that is about to be registered; repeatable")
	cmd.Flags().Uint64Var(&o.keep, "keep-rounds", keepRounds, "for how many rounds losing checkpoints are kept")
	cmd.Flags().StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	addCheat(cmd, &o.cheat)
	return cmd
}

func (o *serveOptions) run(ctx context.Context) error {
	log, err := newLogger(o.logLevel)
	if err != nil {
		return err
	}
	client, err := chain.Dial(o.node.node)
	if err != nil {
		return err
	}
	defer client.Close()
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listen for the node at %s: %w; is another sidecar running? choose another address with --listen", o.listen, err)
	}
	defer listener.Close()
	if ip := listener.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
		log.Warn("whoever reaches this address can copy answers before they are opened; only the node should", "listen", listener.Addr().String())
	}
	// Without --chain-id only the node knows the chain, so the node comes first.
	chainID := o.node.chainID
	if chainID == "" {
		if err := identifyPatiently(ctx, client, "", log); err != nil {
			return err
		}
		chainID = client.ChainID()
	}
	node, err := o.overlay.open(ctx, chainID, log)
	if err != nil {
		return err
	}
	defer node.Close()
	if err := seed(ctx, node, o.seedFiles, log); err != nil {
		return err
	}
	problem := ""
	if err := engine.SelfTest(); err != nil {
		problem = err.Error() + "; this machine must not vote: check its memory and processor, or report it"
		log.Error("this sidecar gives no answers", "reason", problem)
	}
	answers, err := server.OpenAnswers(filepath.Join(o.overlay.home, "answers.journal"))
	if err != nil {
		return err
	}
	defer answers.Close()
	secrets, err := server.OpenSecrets(filepath.Join(o.overlay.home, "beacon.key"))
	if err != nil {
		return err
	}
	results, err := server.OpenResults(node, filepath.Join(o.overlay.home, "results.json"))
	if err != nil {
		return err
	}
	v := verifier.New()
	v.Add = results.Keep
	var store server.Store = node
	var kind cheat.Kind
	if o.cheat != "" {
		if kind, err = cheat.Check(o.cheat, cheat.Validator, chainID); err != nil {
			return usage("%w", err)
		}
		log.Warn("this sidecar cheats: it " + kind.Does)
		store = cheat.NewStore(store, kind)
	}
	worker := server.NewWorker(client, store, v, answers, log)
	var service api.SidecarServer = server.NewService(chainID, worker, answers, secrets, node, problem)
	if o.cheat != "" {
		service = cheat.NewService(service, kind)
	}
	grpcServer := server.NewGRPCServer(service)
	log.Info("sidecar started", "chain", chainID, "listen", listener.Addr().String(), "peer", node.PeerID(), "addresses", node.Addresses(), "answers", answers.Len())

	return together(ctx,
		func(ctx context.Context) error {
			stopped := context.AfterFunc(ctx, grpcServer.Stop)
			defer stopped()
			return grpcServer.Serve(listener)
		},
		func(ctx context.Context) error {
			if err := identifyPatiently(ctx, client, chainID, log); err != nil {
				return err
			}
			return o.follow(ctx, client, node, results, worker, problem, log)
		})
}

// follow runs what needs the node.
func (o *serveOptions) follow(ctx context.Context, client *chain.Client, node *overlay, results *server.Results, worker *server.Worker, problem string, log *slog.Logger) error {
	var sender server.Sender
	if o.key.signing.From != "" {
		account, err := o.key.open(client)
		if err != nil {
			return err
		}
		sender = account
	}
	retention, err := server.OpenRetention(client, node, results, filepath.Join(o.overlay.home, "retention.json"), o.keep, log)
	if err != nil {
		return err
	}
	parts := []func(context.Context) error{server.NewPeering(client, node, sender, log).Run, retention.Run}
	if o.cheat == "" {
		repository, err := server.OpenRepository(client, node, filepath.Join(o.overlay.home, "pinned.json"), log)
		if err != nil {
			return err
		}
		parts = append(parts, repository.Run)
	}
	if problem == "" {
		parts = append(parts, worker.Run)
	}
	return together(ctx, parts...)
}

// seed stores and provides local files.
func seed(ctx context.Context, node *overlay, files []string, log *slog.Logger) error {
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("--seed-file: %w", err)
		}
		cid, err := node.Add(ctx, b)
		if err != nil {
			return fmt.Errorf("--seed-file %s: %w", path, err)
		}
		if err := node.Provide(ctx, cid); err != nil {
			log.Debug("not announced yet", "cid", cid, "error", err)
		}
		log.Info("stored and provided", "file", path, "cid", cid, "bytes", len(b))
	}
	return nil
}

// errDone ends together without being an error.
var errDone = errors.New("done")

// together runs parts until the first fails or is done, or the context ends, and then waits for all.
func together(ctx context.Context, parts ...func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, part := range parts {
		wg.Go(func() {
			if err := part(ctx); err != nil && !(errors.Is(err, context.Canceled) && ctx.Err() != nil) {
				cancel(err)
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); !errors.Is(err, errDone) {
		return err
	}
	return nil
}
