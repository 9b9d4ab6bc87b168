package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/swarm"
)

// description is what registration on chain asks for.
type description struct {
	CID     string `json:"cid"`
	SHA256  string `json:"sha256"`
	Size    int    `json:"size"`
	Kind    string `json:"kind"`
	Rows    int    `json:"rows,omitempty"`
	Columns int    `json:"columns,omitempty"`
	// ExpandedColumns is how many columns a table has with values in the place of content identifiers, 0 when it names none or they are not here.
	ExpandedColumns int    `json:"expanded_columns,omitempty"`
	Root            string `json:"root,omitempty"`
	// RowsAdded and RowsRemoved are those of a delta.
	RowsAdded   int    `json:"rows_added,omitempty"`
	RowsRemoved int    `json:"rows_removed,omitempty"`
	Canonical   bool   `json:"canonical"`
	Note        string `json:"note,omitempty"`
}

func newAddCommand() *cobra.Command {
	var asJSON bool
	var values string
	cmd := &cobra.Command{
		Use:   "add FILE",
		Short: "Print how a file is registered on chain; stores and sends nothing",
		Long: `Add prints CID, SHA-256 and size of a file, for a canonical table also rows, columns and row root, and for a delta the rows that it adds
and removes. To give the file away, use trainerd publish, or trainerd serve --seed-file.

For a table with columns of content identifiers (their names end in :cid) it also prints how many columns the table has with the values in
their place, which registration asks for. The values are looked for in the folder that --values names, whatever the files are called.`,
		Example: `  trainerd add digits.csv
  trainerd add birds.csv --values pixels`,
		Args: exactly(1, "one file"),
		RunE: func(_ *cobra.Command, args []string) error {
			b, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			d, err := describe(b, values)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(os.Stdout).Encode(d)
			}
			d.print()
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&values, "values", "", "folder of the files that the table's content identifiers name")
	return cmd
}

// describe says what a file is; values is the folder of those that a table names, which may be empty.
func describe(b []byte, values string) (description, error) {
	cid, err := swarm.CIDOf(b)
	if err != nil {
		return description{}, err
	}
	sum := sha256.Sum256(b)
	d := description{CID: cid, SHA256: hex.EncodeToString(sum[:]), Size: len(b), Kind: "file"}
	if _, err := engine.DecodeSafetensors(b); err == nil {
		d.Kind, d.Canonical = "safetensors", engine.IsCanonical(b)
		return d, nil
	}
	if delta, err := dataset.ParseDelta(b); err == nil {
		d.Kind, d.Canonical, d.RowsAdded, d.RowsRemoved = "delta", true, delta.Added(), delta.Removed()
		return d, nil
	}
	switch table, err := dataset.Parse(bytes.NewReader(b)); {
	case err == nil:
		root := table.Root()
		d.Kind, d.Canonical, d.Rows, d.Columns, d.Root = "table", true, table.Rows(), table.Columns(), hex.EncodeToString(root[:])
		if err := d.expand(table, values); err != nil {
			return description{}, err
		}
	default: // any file has a CID; only a table has rows
		d.Note = "not a canonical table: " + err.Error()
	}
	return d, nil
}

func (d description) print() {
	fmt.Printf("cid      %s\nsha256   %s\nsize     %d\n", d.CID, d.SHA256, d.Size)
	switch d.Kind {
	case "table":
		fmt.Printf("rows     %d\ncolumns  %d\nroot     %s\n", d.Rows, d.Columns, d.Root)
		if d.ExpandedColumns > 0 {
			fmt.Printf("expanded_columns %d\n", d.ExpandedColumns)
		}
		if d.Note != "" {
			fmt.Println(d.Note)
		}
	case "delta":
		fmt.Printf("kind     delta\nadded    %d rows\nremoved  %d rows\n", d.RowsAdded, d.RowsRemoved)
	case "safetensors":
		fmt.Printf("kind     safetensors, canonical: %v\n", d.Canonical)
	default:
		fmt.Println(d.Note)
	}
}
