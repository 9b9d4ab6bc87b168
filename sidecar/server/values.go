package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/ipfs/go-cid"
	"golang.org/x/sync/errgroup"

	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/sidecar/verifier"
)

// cidColumn is in the first line of a table exactly when one of its columns holds content identifiers.
var cidColumn = []byte(":cid")

// valueBatch is how many values are fetched at a time: each takes two round trips.
const valueBatch = 32

// namesValues reports whether a file may be a table whose cells name values. It looks at the first line only: files are large.
func namesValues(file []byte) bool {
	header, _, _ := bytes.Cut(file[:min(len(file), dataset.MaxLineBytes)], []byte{'\n'})
	return bytes.Contains(header, cidColumn)
}

// valuesOf returns what stands for the values of those tables that are known to name some. A delta can't change the first line, so that of
// the table it is for says it.
func (w *Worker) valuesOf(tables []object) (values []object) {
	for _, t := range tables {
		named := t
		named.delta = body{}
		if w.valued[named] {
			t.values = true
			values = append(values, t)
		}
	}
	return values
}

// fetchValues gets every value of a table, or of the table that a delta leads to. They are not announced to the overlay, which would take a
// record for each: whoever needs them is connected to a peer that holds them.
func (w *Worker) fetchValues(ctx context.Context, o object) error {
	table, err := w.tableOf(ctx, o)
	if err != nil || table == nil {
		return err
	}
	cids, err := verifier.Values(table)
	if err != nil {
		return nil //nolint:nilerr // the computation will say so
	}
	total := 0
	for batch := range slices.Chunk(cids, valueBatch) {
		sizes := make([]int, len(batch))
		group, ctx := errgroup.WithContext(ctx)
		for i, id := range batch {
			group.Go(func() error {
				value, err := w.store.Fetch(ctx, id, verifier.MaxValue, nil)
				if err != nil {
					return fmt.Errorf("value %s of table %s: %w", id, o.cid, err)
				}
				sizes[i] = len(value)
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		for _, n := range sizes {
			total += n
		}
		// The computation, which asks in the same order, refuses the table before it needs more.
		if total > dataset.MaxFileBytes {
			return nil
		}
	}
	return nil
}

// tableOf reads a table that is held, and applies the delta to it if there is one. What is no table comes back as nil: the computation will
// say so.
func (w *Worker) tableOf(ctx context.Context, o object) (*dataset.Table, error) {
	file, err := w.checked(ctx, o.cid, o.size, o.hash)
	if err != nil {
		return nil, fmt.Errorf("table: %w", err)
	}
	table, err := dataset.Parse(bytes.NewReader(file))
	if err != nil || o.delta.cid == "" {
		return table, nil //nolint:nilerr // see above
	}
	if file, err = w.checked(ctx, o.delta.cid, o.delta.size, o.delta.hash); err != nil {
		return nil, fmt.Errorf("delta: %w", err)
	}
	delta, err := dataset.ParseDelta(file)
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // see above
	}
	table, _ = table.Apply(delta) // nil when it does not apply
	return table, nil
}

// checked fetches a file and refuses bytes other than those that are named.
func (w *Worker) checked(ctx context.Context, id string, size uint64, hash [sha256.Size]byte) ([]byte, error) {
	file, err := w.store.Fetch(ctx, id, size, hash[:])
	if err != nil {
		return nil, err
	}
	if got := sha256.Sum256(file); uint64(len(file)) != size || got != hash {
		return nil, fmt.Errorf("object %s: expected %d bytes with SHA-256 %x, got %d with %x", id, size, hash, len(file), got)
	}
	return file, nil
}

// isValue reports whether a file that is here reads like a value of a table: one line of numbers, which nothing else that is stored is. It is
// simpler than to list the values of all tables that are kept, and errs on the side of keeping.
func (r *Retention) isValue(ctx context.Context, id string) bool {
	c, err := cid.Decode(id)
	if err != nil || c.Type() != cid.Raw {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, localRead)
	defer cancel()
	file, err := r.store.Local(ctx, id)
	if err != nil {
		return false
	}
	return string(bytes.TrimLeft(file, "0123456789.,-")) == "\n"
}
