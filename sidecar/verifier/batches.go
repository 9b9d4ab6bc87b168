package verifier

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/pold-network/pold/dataset"
	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/sealed"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// badBatch says that a sealed batch is not what its provider committed to, or no rows for this model. It is a finding.
type badBatch struct {
	index int // among the batches of the round
	cause error
}

func (e *badBatch) Error() string {
	return fmt.Sprintf("sealed batch %d of the round: %s", e.index+1, e.cause)
}

// batchKey names the sealed batches with their keys.
func (in Inputs) batchKey() (string, error) {
	if len(in.Batches) == 0 {
		return "", nil
	}
	h := sha256.New()
	for i := range in.Batches {
		b, err := in.Batches[i].Marshal()
		if err != nil {
			return "", fmt.Errorf("encode a sealed batch: %w", err)
		}
		fmt.Fprintf(h, "%d ", len(b))
		h.Write(b)
	}
	return string(h.Sum(nil)), nil
}

// openBatches returns the rows of all sealed batches, one after the other in provider order.
func (v *Verifier) openBatches(ctx context.Context, in Inputs, spec *engine.Spec, fetch FetchFunc) (*engine.Data, error) {
	id, err := in.batchKey()
	if err != nil {
		return nil, err
	}
	key := fmt.Sprintf("%x/%v", id, in.dataKey())
	if rows, ok := v.sealed.get(key); ok {
		return rows, nil
	}
	var all *engine.Data
	for i, b := range in.Batches {
		file, err := fetch(ctx, b.Cid, b.Size_, b.Sha256)
		if err != nil {
			return nil, fmt.Errorf("sealed batch %s: %w", b.Cid, err)
		}
		if err := checkBytes("sealed batch "+b.Cid, file, b.Sha256, b.Size_); err != nil {
			return nil, err
		}
		rows, err := in.openBatch(b, spec, file)
		if err != nil {
			return nil, &badBatch{index: i, cause: err}
		}
		if all == nil {
			all = rows
			continue
		}
		all.X, all.Y, all.Labels = append(all.X, rows.X...), append(all.Y, rows.Y...), append(all.Labels, rows.Labels...)
	}
	v.sealed.put(key, all, 4*(len(all.X)+len(all.Y)+len(all.Labels)))
	return all, nil
}

// openBatch decrypts one batch and checks all that its provider committed to.
func (in Inputs) openBatch(b poltypes.SealedBatch, spec *engine.Spec, file []byte) (*engine.Data, error) {
	plain, err := sealed.Open(file, b.Key)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(plain); !bytes.Equal(sum[:], b.TableSha256) {
		return nil, fmt.Errorf("expected a table with SHA-256 %x, got %x", b.TableSha256, sum)
	}
	table, err := dataset.Parse(bytes.NewReader(plain))
	if err != nil {
		return nil, err
	}
	if uint64(table.Rows()) != b.Rows || uint64(table.Columns()) != uint64(in.Table.Columns) {
		return nil, fmt.Errorf("expected %d rows and %d columns, got %d and %d", b.Rows, in.Table.Columns, table.Rows(), table.Columns())
	}
	rows, err := in.data(table)
	if err != nil {
		return nil, err
	}
	return rows, rows.Validate(spec, engine.Objective(in.Objective))
}

// CheckBatch opens an encrypted batch as validators of these inputs will, and returns its rows. Providers use it before they hand one
// in: a batch can't be replaced, and one that is found to be false costs the bond.
func CheckBatch(in Inputs, tableSHA256, file, key []byte) (rows uint64, err error) {
	in.EngineVersion = engine.Version
	spec, err := in.spec()
	if err != nil {
		return 0, err
	}
	plain, err := sealed.Open(file, key)
	if err != nil {
		return 0, err
	}
	table, err := dataset.Parse(bytes.NewReader(plain))
	if err != nil {
		return 0, err
	}
	b := poltypes.SealedBatch{TableSha256: tableSHA256, Rows: uint64(table.Rows()), Key: key}
	_, err = in.openBatch(b, spec, file)
	return b.Rows, err
}
