package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/dataset"
)

const flagOutputDocument = "output-document"

func dataDiffCommand() *cobra.Command {
	var output, name string
	var canonicalize, asJSON bool
	cmd := &cobra.Command{
		Use:   "diff OLD.csv NEW.csv",
		Short: "Make the patch that turns one table into another",
		Long: `Make the unified diff that turns OLD into NEW, in the one form that pold data propose takes. Needs no node.

Both tables must be canonical (see dataset/SPEC.md). --canonicalize writes values the canonical way first and says what it changed;
it never changes a value, a row or their order. OLD must be the table as it is on the chain: pold data export gets it.

The patch goes to standard output or to -o FILE, what it does to standard error.

` + exitHelp,
		Example: `  pold data export digits -o digits.csv
  pold data diff digits.csv corrected.csv -o fix.patch
  pold data diff digits.csv from-a-spreadsheet.csv --canonicalize -o fix.patch`,
		Args: exactly(2, "the old and the new table"),
		RunE: func(cmd *cobra.Command, args []string) error {
			old, changed, err := readTable(cmd, args[0], canonicalize)
			if err != nil {
				return err
			}
			if changed {
				cmd.PrintErrf("note: %s was not canonical, so it is not byte for byte a table of the chain\n", args[0])
			}
			next, _, err := readTable(cmd, args[1], canonicalize)
			if err != nil {
				return err
			}
			if name == "" {
				name = filepath.Base(args[1])
			}
			patch, err := makePatch(old, next, name)
			if err != nil {
				return err
			}
			summary := newDiffSummary(old, next, patch)
			if output == "" || output == "-" {
				_, err = cmd.OutOrStdout().Write(patch)
			} else {
				err = os.WriteFile(output, patch, 0o644)
			}
			if err != nil {
				return fmt.Errorf("write the patch: %w", err)
			}
			p, err := newPrinter(cmd)
			if err != nil {
				return err
			}
			p.out, p.colour, p.json = p.err, false, asJSON
			if err := p.show(summary); err != nil {
				return err
			}
			if output == "" || output == "-" {
				output = "FILE"
			}
			p.next(`pold data propose SET %s --summary "what it changes, and why" --from KEY`, output)
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, flagOutputDocument, "o", "", "write the patch to a file instead of standard output")
	cmd.Flags().StringVar(&name, "name", "", "name of the table in the patch, which means nothing (default: that of NEW)")
	cmd.Flags().BoolVar(&canonicalize, "canonicalize", false, "write the values of both tables the canonical way first, and say what that changed")
	cmd.Flags().BoolVar(&asJSON, "json", false, "say what the patch does as JSON")
	return cmd
}

// readTable reads a table from disk and reports whether it had to be changed to be canonical.
func readTable(cmd *cobra.Command, path string, canonicalize bool) (*dataset.Table, bool, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, false, fmt.Errorf("table: %w", err)
	}
	changed := false
	if canonicalize {
		canonical, said, err := dataset.Canonicalize(bytes.NewReader(b))
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", path, err)
		}
		for _, s := range said {
			cmd.PrintErrf("%s: %s\n", path, s)
		}
		b, changed = canonical, len(said) > 0
	}
	table, err := dataset.Parse(bytes.NewReader(b))
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w: --canonicalize does it and says what it changes", path, err)
	}
	return table, changed, nil
}

// makePatch returns the delta between two tables after checking that it leads from one to the other.
func makePatch(old, next *dataset.Table, name string) ([]byte, error) {
	patch := dataset.Diff(old, next, name)
	if len(patch) == 0 {
		return nil, errors.New("the tables are equal, so there is nothing to propose; name the changed table second")
	}
	delta, err := dataset.ParseDelta(patch)
	if err != nil {
		return nil, err
	}
	result, err := old.Apply(delta)
	if err != nil {
		return nil, err
	}
	if result.SHA256() != next.SHA256() {
		return nil, fail(exitMismatch, "the patch leads to another table than the one it was made from; report this, with both tables")
	}
	return patch, nil
}

// diffSummary says what a patch does.
type diffSummary struct {
	RowsBefore int    `json:"rows_before"`
	RowsAfter  int    `json:"rows_after"`
	Added      int    `json:"rows_added"`
	Removed    int    `json:"rows_removed"`
	BaseRoot   string `json:"base_root"`
	Root       string `json:"root"`
	Size       int    `json:"size"`
}

func newDiffSummary(old, next *dataset.Table, patch []byte) diffSummary {
	base, root := old.Root(), next.Root()
	s := diffSummary{RowsBefore: old.Rows(), RowsAfter: next.Rows(), BaseRoot: hex.EncodeToString(base[:]), Root: hex.EncodeToString(root[:]), Size: len(patch)}
	if delta, err := dataset.ParseDelta(patch); err == nil {
		s.Added, s.Removed = delta.Added(), delta.Removed()
	}
	return s
}

func (s diffSummary) print(p *printer) {
	p.line("rows   %s -> %s (+%s -%s)", thousands(uint64(s.RowsBefore)), thousands(uint64(s.RowsAfter)), thousands(uint64(s.Added)), thousands(uint64(s.Removed)))
	p.line("root   %s -> %s", s.BaseRoot, s.Root)
	p.line("patch  %s", showBytes(uint64(s.Size)))
}
