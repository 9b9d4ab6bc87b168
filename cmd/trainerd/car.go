package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/sidecar/atomicfile"
	"github.com/pold-network/pold/sidecar/swarm"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

func newCARCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "car",
		Short: "Carry files as CAR archives, which every IPFS tool reads",
		Long: `A CAR archive holds a file with the hashes of all its parts. It carries a model or a training set to where there is no network, and is
checked byte by byte when it is imported.`,
		Example: `  trainerd car export bafybeig… -o model.car
  trainerd car import model.car`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCARExportCommand(), newCARImportCommand())
	return cmd
}

// carExport says what becomes an archive.
type carExport struct {
	node    nodeFlags
	overlay overlayFlags
	out     string
	timeout time.Duration
}

func newCARExportCommand() *cobra.Command {
	var o carExport
	cmd := &cobra.Command{
		Use:   "export CID",
		Short: "Write a file as a CAR archive; it is fetched first unless --home holds it",
		Example: `  trainerd car export bafybeig… -o model.car
  ipfs dag import model.car`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) != 1:
				return usage("expected one CID, got %d arguments; see %s --help", len(args), cmd.CommandPath())
			case trainingsettypes.ValidateCID(args[0]) != nil:
				return badCID(args[0])
			case o.out == "":
				return usage("--out: expected the archive to write, got none")
			case !folderOf(o.out):
				return usage("--out: %s: expected a file in a folder that exists", o.out)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	o.node.add(cmd)
	o.overlay.add(cmd)
	temporaryHome(cmd)
	cmd.Flags().StringVarP(&o.out, "out", "o", "", "archive to write (required)")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 2*time.Minute, "give up when nothing has arrived for this long; 0 for never")
	return cmd
}

func (o *carExport) run(cmd *cobra.Command, cid string) error {
	// What is here needs no network.
	if cmd.Flags().Changed("home") {
		done, err := takeLocal(cmd.Context(), &o.overlay, cid, func(node *swarm.Node) error {
			return writeArchive(cmd.Context(), node, cid, o.out)
		})
		if done || err != nil {
			return err
		}
	}
	return visit(cmd, &o.node, &o.overlay, func(ctx context.Context, node *overlay) error {
		if err := node.download(ctx, cid, math.MaxInt64, o.timeout); err != nil {
			return err
		}
		return writeArchive(ctx, node.node, cid, o.out)
	})
}

// openOffline opens a store without listening for peers.
func openOffline(ctx context.Context, f *overlayFlags) (*swarm.Node, error) {
	log, err := newLogger("error")
	if err != nil {
		return nil, err
	}
	config := f.config("", log)
	config.Listen, config.LoopbackOnly = []string{swarm.NoListen}, true
	return swarm.Open(ctx, config)
}

func writeArchive(ctx context.Context, node *swarm.Node, cid, out string) error {
	var written int64
	err := atomicfile.WriteFrom(out, 0o644, func(w io.Writer) error {
		counted := &countingWriter{w: w}
		err := node.ExportCAR(ctx, cid, counted)
		written = counted.n
		return err
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", out, err)
	}
	fmt.Fprintf(os.Stderr, "wrote %s: %d bytes\nimport it elsewhere with: trainerd car import %s   (or: ipfs dag import)\n", out, written, out)
	return nil
}

func newCARImportCommand() *cobra.Command {
	var files overlayFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Store what CAR archives hold, checked byte by byte",
		Long: `Import checks archives and stores the files that they hold in --home, from where serve, publish or train give them away. No network is
needed, and no other command may use that folder meanwhile. Exit code 7: an archive does not hold what its hashes say.`,
		Example: `  trainerd car import model.car --home ~/.trainerd`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("expected at least one archive; see %s --help", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return importArchives(cmd.Context(), cmd.OutOrStdout(), &files, args, asJSON)
		},
	}
	// The store alone is used, no network.
	cmd.Flags().StringVar(&files.home, "home", defaultHome(), "folder to store the files in")
	cmd.Flags().Var(&files.quota, "storage-quota", "most that the stored files may take, such as 50GiB (default: no limit but the disk)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object per file")
	return cmd
}

func importArchives(ctx context.Context, out io.Writer, files *overlayFlags, paths []string, asJSON bool) (err error) {
	node, err := openOffline(ctx, files)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, node.Close()) }()
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		objects, err := node.ImportCAR(ctx, f)
		f.Close()
		for _, o := range objects {
			p := published{File: path, CID: o.CID, SHA256: fmt.Sprintf("%x", o.SHA256), Size: int(o.Size)}
			if asJSON {
				if err := json.NewEncoder(out).Encode(p); err != nil {
					return err
				}
				continue
			}
			fmt.Fprintf(out, "%s: cid %s, sha256 %s, %d bytes\n", p.File, p.CID, p.SHA256, p.Size)
			fmt.Fprintf(os.Stderr, "stored in %s; write it to a file with: trainerd get %s -o FILE --home %s\n", files.home, p.CID, files.home)
		}
		if errors.Is(err, swarm.ErrMismatch) {
			return fmt.Errorf("%w: %s: %w", errMismatch, path, err)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}
