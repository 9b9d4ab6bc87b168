package verifier

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/pold-network/pold/dataset"
	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

// Limits of the values that stand outside a table. They are part of the protocol: a table beyond one suits no model.
const (
	// MaxValue is the most bytes of one value: as many as fit into one block of the overlay, whose CID holds their SHA-256.
	MaxValue = 1 << 20
	// MaxValues is the most different values of one table.
	MaxValues = 1 << 16
)

// Values returns the content identifiers of a table whose values are needed to read it, none for a table without such columns. The error
// is a finding about the table: no values can help it.
func Values(table *dataset.Table) ([]string, error) {
	if len(table.CIDColumns()) == 0 {
		return nil, nil
	}
	cids := table.CIDs()
	if len(cids) > MaxValues {
		return nil, fmt.Errorf("%w: expected at most %d different values, got %d", errUnfitData, MaxValues, len(cids))
	}
	for _, id := range cids {
		if _, err := valueHash(id); err != nil {
			return nil, fmt.Errorf("%w: value %s: %w", errUnfitData, id, err)
		}
	}
	return cids, nil
}

// expand returns the table, of which so many columns are targets, with the values in place of the content identifiers. What is wrong with
// the table or with a value is a finding (errUnfitData); a value that can't be had is another error.
func expand(ctx context.Context, table *dataset.Table, targets uint32, fetch FetchFunc) (*dataset.Table, error) {
	columns := table.CIDColumns()
	if len(columns) == 0 {
		return table, nil
	}
	if last := columns[len(columns)-1]; last >= table.Columns()-int(targets) {
		return nil, fmt.Errorf("%w: column %d: expected numbers in the %d target column(s), got content identifiers", errUnfitData, last+1, targets)
	}
	if _, err := Values(table); err != nil {
		return nil, err
	}
	expanded, err := table.Expand(func(id string) ([]byte, error) { return fetchValue(ctx, id, fetch) })
	var fault *dataset.Error
	if errors.As(err, &fault) {
		return nil, fmt.Errorf("%w: %w", errUnfitData, err)
	}
	return expanded, err
}

// expandedColumns returns how many columns a table has once the values stand in place, as data tasks report it: 0 for a table without
// content identifiers. A table that no model could read is DataNotCanonical; an error means that a value can't be had.
func expandedColumns(ctx context.Context, table *dataset.Table, targets uint32, fetch FetchFunc) (uint32, trainingsettypes.DataStatus, error) {
	if len(table.CIDColumns()) == 0 {
		return 0, trainingsettypes.DataValid, nil
	}
	expanded, err := expand(ctx, table, targets, fetch)
	switch {
	case errors.Is(err, errUnfitData):
		return 0, trainingsettypes.DataNotCanonical, nil
	case err != nil:
		return 0, 0, err
	}
	return uint32(expanded.Columns()), trainingsettypes.DataValid, nil
}

// fetchValue gets a value by its CID alone.
func fetchValue(ctx context.Context, id string, fetch FetchFunc) ([]byte, error) {
	hash, err := valueHash(id)
	if err != nil {
		return nil, err
	}
	value, err := fetch(ctx, id, MaxValue, nil)
	if err != nil {
		return nil, err
	}
	if got := sha256.Sum256(value); got != hash || len(value) > MaxValue {
		return nil, fmt.Errorf("expected at most %d bytes with SHA-256 %x, got %d with %x", MaxValue, hash, len(value), got)
	}
	return value, nil
}

// valueHash returns the SHA-256 that a value's CID holds. The CID of anything larger than one block holds that of something else.
func valueHash(id string) (hash [sha256.Size]byte, err error) {
	c, err := cid.Decode(id)
	if err != nil {
		return hash, err
	}
	decoded, err := multihash.Decode(c.Hash())
	if err != nil {
		return hash, err
	}
	if c.Type() != cid.Raw || len(decoded.Digest) != sha256.Size {
		return hash, fmt.Errorf("expected the CID of at most %d bytes (bafk…), got that of a larger file", MaxValue)
	}
	return [sha256.Size]byte(decoded.Digest), nil
}
