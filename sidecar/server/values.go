package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/sidecar/verifier"
)

// cidColumn is in the first line of a table exactly when one of its columns holds content identifiers.
var cidColumn = []byte(":cid")

// namesValues reports whether a file may be a table whose cells name values. It looks at the first line only: files are large.
func namesValues(file []byte) bool {
	header, _, _ := bytes.Cut(file[:min(len(file), dataset.MaxLineBytes)], []byte{'\n'})
	return bytes.Contains(header, cidColumn)
}

// valuesOf returns what stands for the values of those tables that are known to name some.
func (w *Worker) valuesOf(tables []object) (values []object) {
	for _, t := range tables {
		if w.valued[t] {
			t.values = true
			values = append(values, t)
		}
	}
	return values
}

// fetchValues gets every value that a table names. They are not announced to the overlay, which would take a record for each: whoever
// needs them is connected to a peer that holds them.
func (w *Worker) fetchValues(ctx context.Context, o object) error {
	file, err := w.store.Fetch(ctx, o.cid, o.size, o.hash[:])
	if err != nil {
		return err
	}
	if uint64(len(file)) != o.size || sha256.Sum256(file) != o.hash {
		return fmt.Errorf("table %s: expected %d bytes with SHA-256 %x, got others", o.cid, o.size, o.hash)
	}
	table, err := dataset.Parse(bytes.NewReader(file))
	if err != nil {
		return nil //nolint:nilerr // the computation will say so
	}
	cids, err := verifier.Values(table)
	if err != nil {
		return nil //nolint:nilerr // that, too
	}
	for _, cid := range cids {
		if _, err := w.store.Fetch(ctx, cid, verifier.MaxValue, nil); err != nil {
			return fmt.Errorf("value %s of table %s: %w", cid, o.cid, err)
		}
	}
	return nil
}
