package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/dataset"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

func dataExportCommand() *cobra.Command {
	var version uint64
	var output string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "export SET -o FILE",
		Short: "Get the table of a training set, checked against the chain",
		Long: `Get the table of a training set and check size, SHA-256, canonical form, row root, rows and columns against the chain before it is
written. -o - writes to standard output.

` + exitHelp,
		Example: `  pold data export digits -o digits.csv
  pold data export digits --version 3 -o digits-3.csv`,
		Args: exactly(1, "a training set"),
	}
	cmd.Flags().Uint64Var(&version, "version", 0, "version of the table (default: the current one)")
	cmd.Flags().StringVarP(&output, flagOutputDocument, "o", "", "file to write to, - for standard output (required)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "say what was written as JSON")
	return readCommand(cmd, true, func(ctx context.Context, r *reader, args []string) error {
		if output == "" {
			return usage("-o: expected the file to write to, got none")
		}
		r.p.json = asJSON
		t, version, err := r.tableOf(ctx, args[0], version)
		if err != nil {
			return err
		}
		table, err := getTable(ctx, r.files, fmt.Sprintf("version %d of %s", version, args[0]), t)
		if err != nil {
			return err
		}
		r.p.endProgress()
		v := newExportView(args[0], version, t, table, output)
		if output == "-" {
			r.p.out, r.p.colour = r.p.err, false // what it is goes beside the table, not into it
			_, err = cmd.OutOrStdout().Write(table.Bytes())
		} else {
			err = writeWhole(output, table.Bytes())
		}
		if err != nil {
			return fmt.Errorf("write the table: %w", err)
		}
		if err := r.p.show(v); err != nil {
			return err
		}
		if output != "-" {
			r.p.next("change a copy of it, and pold data diff %s CHANGED.csv -o FIX.patch", output)
		}
		return nil
	})
}

// writeWhole writes a file that is either the old or the new one, never half of it.
func writeWhole(path string, b []byte) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, b, 0o644) // a pipe or a device
	}
	part := path + ".part"
	defer os.Remove(part)
	if err := os.WriteFile(part, b, 0o644); err != nil {
		return err
	}
	return os.Rename(part, path)
}

// tableOf returns the description of a version of a set; 0 is the current one.
func (r *reader) tableOf(ctx context.Context, name string, version uint64) (trainingsettypes.Table, uint64, error) {
	set, err := r.node.set(ctx, name)
	if err != nil {
		return trainingsettypes.Table{}, 0, err
	}
	if version == 0 || version == set.Version {
		return set.Table, set.Version, nil
	}
	history, err := r.node.revisions(ctx, name)
	if err != nil {
		return trainingsettypes.Table{}, 0, err
	}
	found, ok := revisionOf(history, version)
	if !ok {
		return trainingsettypes.Table{}, 0, noVersion(name, version, set.Version)
	}
	if t := lastTakedown(history); t > version {
		r.p.warn("version %d of %s was taken down with version %d; nodes were asked to drop its table", version, name, t)
	}
	return found.Table, version, nil
}

func noVersion(name string, version, current uint64) error {
	return fail(exitNotFound, "%s has no version %d; it is at version %d: pold data history %s lists them", name, version, current, name)
}

func revisionOf(history []trainingsettypes.Revision, version uint64) (trainingsettypes.Revision, bool) {
	for _, r := range history {
		if r.Version == version {
			return r, true
		}
	}
	return trainingsettypes.Revision{}, false
}

// lastTakedown returns the last version that asked nodes to drop what was before it, 0 if none did.
func lastTakedown(history []trainingsettypes.Revision) uint64 {
	last := uint64(0)
	for _, r := range history {
		if r.Takedown {
			last = max(last, r.Version)
		}
	}
	return last
}

// exportView says what was written.
type exportView struct {
	TrainingSet string   `json:"training_set"`
	Version     uint64   `json:"version"`
	File        string   `json:"file"`
	Rows        uint64   `json:"rows"`
	Columns     []string `json:"columns"`
	Targets     uint32   `json:"targets"`
	Validation  int      `json:"validation_rows"`
	Size        uint64   `json:"size"`
	SHA256      string   `json:"sha256"`
	Root        string   `json:"root"`
}

func newExportView(name string, version uint64, t trainingsettypes.Table, table *dataset.Table, output string) exportView {
	_, validation := table.Split(t.Key(name), t.ValidationPermille)
	return exportView{
		TrainingSet: name, Version: version, File: output, Rows: t.Rows, Columns: table.Header(), Targets: t.Targets, Validation: len(validation),
		Size: t.Size_, SHA256: hex.EncodeToString(t.Sha256), Root: hex.EncodeToString(t.Root),
	}
}

func (v exportView) print(p *printer) {
	p.line("version %d of %s: %s of %d columns (%s), %s of them for validation, %s",
		v.Version, v.TrainingSet, plural(v.Rows, "row", ""), len(v.Columns), plural(v.Targets, "target", ""), thousands(uint64(v.Validation)), showBytes(v.Size))
	p.line("checked: sha256 %s, root %s", v.SHA256, v.Root)
}
