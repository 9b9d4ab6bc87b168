package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/sidecar/atomicfile"
	"github.com/pold-network/pold/sidecar/swarm"
	"github.com/pold-network/pold/sidecar/training"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// getOptions name a file and where it goes.
type getOptions struct {
	node    nodeFlags
	overlay overlayFlags
	size    uint64
	sha256  string
	out     string
	timeout time.Duration
}

func newGetCommand() *cobra.Command {
	var o getOptions
	cmd := &cobra.Command{
		Use:   "get CID",
		Short: "Fetch one file by CID from other peers, or take it out of --home",
		Long: `Get asks the chain who can be reached, fetches a file by its CID, checks every byte, and writes it. Nobody has to be trusted and no key
is needed. With --size and --sha256, which the chain has of every file that it names, nothing is fetched that does not fit them.
A file that --home holds is written without any network. Where no node answers, --chain-id and --p2p-bootstrap or --p2p-mdns do.
Exit code 5: nothing arrived for the time of --timeout; 7: what the CID names is something else.`,
		Example: `  trainerd get bafkreigx74jucairqk326nztwia2sgooul76adzf74r3usgf46i5v75uta -o digits.csv`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) != 1:
				return usage("expected one CID, got %d arguments; see %s --help", len(args), cmd.CommandPath())
			case trainingsettypes.ValidateCID(args[0]) != nil:
				return badCID(args[0])
			case o.out == "":
				return usage("--out: expected the file to write, got none")
			case !folderOf(o.out):
				return usage("--out: %s: expected a file in a folder that exists", o.out)
			case cmd.Flags().Changed("size") != cmd.Flags().Changed("sha256"):
				return usage("expected --size and --sha256 together: the chain has both")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	o.node.add(cmd)
	o.overlay.add(cmd)
	temporaryHome(cmd)
	cmd.Flags().Uint64Var(&o.size, "size", 0, "size that the file must have, in bytes")
	cmd.Flags().StringVar(&o.sha256, "sha256", "", "SHA-256 that the file must have, in hex")
	cmd.Flags().StringVarP(&o.out, "out", "o", "", "file to write (required)")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 2*time.Minute, "give up when nothing has arrived for this long; 0 for never")
	return cmd
}

func (o *getOptions) run(cmd *cobra.Command, cid string) error {
	var hash []byte
	size := uint64(math.MaxInt64) // the node has a limit of its own
	if o.sha256 != "" {
		var err error
		if hash, err = hex.DecodeString(o.sha256); err != nil || len(hash) != 32 {
			return usage("--sha256: expected 64 hex digits, got %q", o.sha256)
		}
		size = o.size
	}
	// What is here needs no network.
	if cmd.Flags().Changed("home") {
		done, err := takeLocal(cmd.Context(), &o.overlay, cid, func(node *swarm.Node) error {
			return writeFile(cmd.Context(), node, cid, size, hash, o.out)
		})
		if done || err != nil {
			return err
		}
	}
	return visit(cmd, &o.node, &o.overlay, func(ctx context.Context, node *overlay) error {
		return getFile(ctx, node, cid, size, hash, o.timeout, o.out)
	})
}

// badCID says what a CID looks like here.
func badCID(s string) error {
	if strings.HasPrefix(s, "Qm") {
		return usage("expected the CID of a file (bafk… or bafy…), got %q; who added it has to add it again with: ipfs add %s", s, swarm.IPFSFlags)
	}
	return usage("expected the CID of a file (bafk… or bafy…), got %q", s)
}

// folderOf says whether a file can be made at path.
func folderOf(path string) bool {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return false
	}
	info, err := os.Stat(filepath.Dir(path))
	return err == nil && info.IsDir()
}

// takeLocal uses a file of the store of --home, if that is there and holds it.
func takeLocal(ctx context.Context, files *overlayFlags, cid string, use func(*swarm.Node) error) (done bool, err error) {
	if _, err := os.Stat(filepath.Join(files.home, "swarm")); err != nil {
		return false, nil //nolint:nilerr // nothing is there
	}
	node, err := openOffline(ctx, files)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, node.Close()) }()
	if !node.Holds(cid) {
		return false, nil
	}
	return true, use(node)
}

// getFile fetches a file, says meanwhile how it goes, and writes it. Whatever its size, it is never in memory as a whole.
func getFile(ctx context.Context, node *overlay, cid string, size uint64, hash []byte, patience time.Duration, out string) error {
	if err := node.download(ctx, cid, size, patience); err != nil {
		return err
	}
	return writeFile(ctx, node.node, cid, size, hash, out)
}

// writeFile writes what the store holds to a file, and checks it when there is a hash.
func writeFile(ctx context.Context, node *swarm.Node, cid string, size uint64, hash []byte, out string) error {
	var written int64
	err := atomicfile.WriteFrom(out, 0o644, func(w io.Writer) error {
		sum := sha256.New()
		counted := &countingWriter{w: io.MultiWriter(w, sum)}
		if err := node.Export(ctx, cid, counted); err != nil {
			return err
		}
		written = counted.n
		if hash != nil && (uint64(written) != size || !bytes.Equal(sum.Sum(nil), hash)) {
			return fmt.Errorf("%w: expected %d bytes with sha256 %x, got %d with %x", errMismatch, size, hash, written, sum.Sum(nil))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", out, err)
	}
	fmt.Fprintf(os.Stderr, "wrote %s: %d bytes\n", out, written)
	return nil
}

// download gets a file of at most size bytes into the store, and says meanwhile how it goes.
func (o *overlay) download(ctx context.Context, cid string, size uint64, patience time.Duration) error {
	watched, stop := watchArrival(ctx, o, cid, patience)
	_, err := o.node.Download(watched, cid, int64(min(size, math.MaxInt64)))
	stop()
	switch {
	case errors.Is(err, swarm.ErrMismatch), errors.Is(err, swarm.ErrTooLarge):
		return fmt.Errorf("%w: %w", errMismatch, err)
	case errors.Is(err, swarm.ErrQuota), errors.Is(err, swarm.ErrDiskFull):
		return err
	case err != nil:
		return fmt.Errorf("%w; what stands in the way says, with the same flags: trainerd doctor", err)
	}
	return nil
}

// countingWriter counts what passes.
type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// trickle is less than what arrives of a file within any patience: peers also say what they don't have.
const trickle = 64 << 10

// watchArrival says on standard error what is waited for, until stop is called. The context ends when nothing has arrived for as long as
// patience, unless that is 0.
func watchArrival(ctx context.Context, node *overlay, cid string, patience time.Duration) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		live := training.NewLive(os.Stderr, isTerminal(os.Stderr))
		defer live.Clear()
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		started := time.Now()
		arrived, last := node.Received(), started
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				received := node.Received()
				if received-arrived >= trickle {
					arrived, last = received, now
				}
				if patience > 0 && now.Sub(last) > patience {
					cancel(fmt.Errorf("%w: nothing arrived for %s", context.DeadlineExceeded, patience))
					return
				}
				if live.Due() {
					live.Show(fmt.Sprintf("fetching %s since %s: %s KiB arrived, %d peers connected", cid,
						now.Sub(started).Round(time.Second), training.Grouped(received>>10), node.Connected()))
				}
			}
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-finished
	}
}
