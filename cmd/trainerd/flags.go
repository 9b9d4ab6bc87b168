package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/sidecar/chain"
)

// home returns the default folder.
func defaultHome() string {
	dir, err := os.UserHomeDir()
	if err != nil {
		return ".trainerd"
	}
	return filepath.Join(dir, ".trainerd")
}

// nodeFlags say which node to talk to.
type nodeFlags struct{ node, chainID string }

func (f *nodeFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.node, "node", "127.0.0.1:9090", "gRPC address of a pold node (https://host:port for TLS)")
	cmd.Flags().StringVar(&f.chainID, "chain-id", "", "refuse a node of another chain; names the network where no node answers")
}

// dial connects and checks the chain id.
func (f *nodeFlags) dial(ctx context.Context) (*chain.Client, error) {
	c, err := chain.Dial(f.node)
	if err != nil {
		return nil, err
	}
	return c, c.Identify(ctx, f.chainID)
}

// identifyPatiently waits for a node that is away or still starting, and says so once. Only another chain is an error.
func identifyPatiently(ctx context.Context, c *chain.Client, expected string, log *slog.Logger) error {
	for said := false; ; {
		err := c.Identify(ctx, expected)
		if err == nil || errors.Is(err, chain.ErrWrongChain) {
			return err
		}
		if !said {
			log.Info("waiting for the node", "reason", err)
			said = true
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// transient reports whether an error passes when the node comes back.
func transient(err error) bool {
	return errors.Is(err, chain.ErrUnreachable) || errors.Is(err, chain.ErrTimeout) || errors.Is(err, chain.ErrNoAnswer)
}

// keyFlags say who signs.
type keyFlags struct{ signing chain.Signing }

func (f *keyFlags) add(cmd *cobra.Command, from string) {
	cmd.Flags().StringVar(&f.signing.From, "from", "", from)
	cmd.Flags().StringVar(&f.signing.Backend, "keyring-backend", "os", "keyring backend: os, file, test, pass, kwallet")
	cmd.Flags().StringVar(&f.signing.Dir, "keyring-dir", "", "folder of the keyring; the same as pold's (default ~/.pold)")
	cmd.Flags().StringVar(&f.signing.GasPrices, "gas-prices", "0unrn", "price of one unit of gas")
	cmd.Flags().Float64Var(&f.signing.Adjustment, "gas-adjustment", 1.5, "gas limit as a multiple of the simulated gas")
}

func (f *keyFlags) open(c *chain.Client) (*chain.Account, error) {
	if f.signing.Dir == "" {
		dir, err := os.UserHomeDir()
		if err != nil {
			return nil, err
		}
		f.signing.Dir = filepath.Join(dir, ".pold")
	}
	return c.OpenAccount(f.signing)
}

// newLogger writes one line per event to standard error.
func newLogger(level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, usage("--log-level: expected debug, info, warn or error, got %q", level)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l})), nil
}

// isTerminal reports whether people watch a file.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
