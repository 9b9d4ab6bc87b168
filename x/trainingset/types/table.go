package types

import (
	"crypto/sha256"
	"regexp"

	"github.com/ipfs/go-cid"
)

const (
	// maxColumns bounds features and targets.
	maxColumns = 65_536
	// MaxCardURI bounds the pointer to a data card in bytes.
	MaxCardURI = 256
)

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{1,31}$`)

// ValidateName checks the name of a training set.
func ValidateName(name string) error {
	if !namePattern.MatchString(name) {
		return ErrInvalidName.Wrapf("%q: expected 2 to 32 of a-z, 0-9 and -, starting with a letter", name)
	}
	return nil
}

// ValidateCID checks that a content identifier is a CIDv1 with SHA-256, the form the network stores.
func ValidateCID(s string) error {
	c, err := cid.Decode(s)
	if err != nil {
		return ErrInvalidTable.Wrapf("cid %q: %s", s, err)
	}
	const sha2_256 = 0x12
	if p := c.Prefix(); p.Version != 1 || p.MhType != sha2_256 || p.MhLength != sha256.Size || c.String() != s {
		return ErrInvalidTable.Wrapf("cid %q: expected a CIDv1 with sha2-256 in base32 (bafk… or bafy…)", s)
	}
	return nil
}

// Validate checks the description of a table against the parameters.
func (t Table) Validate(p Params) error {
	if err := ValidateCID(t.Cid); err != nil {
		return err
	}
	if len(t.Sha256) != sha256.Size || len(t.Root) != sha256.Size {
		return ErrInvalidTable.Wrapf("sha256 and root: expected 32 bytes each, got %d and %d", len(t.Sha256), len(t.Root))
	}
	if t.Size_ == 0 || t.Size_ > p.MaxSize {
		return ErrInvalidTable.Wrapf("size: expected 1 to %d bytes, got %d", p.MaxSize, t.Size_)
	}
	if t.Rows == 0 || t.Rows > p.MaxRows {
		return ErrInvalidTable.Wrapf("rows: expected 1 to %d, got %d", p.MaxRows, t.Rows)
	}
	if t.Columns < 2 || t.Columns > maxColumns {
		return ErrInvalidTable.Wrapf("columns: expected 2 to %d, got %d", maxColumns, t.Columns)
	}
	if t.ExpandedColumns != 0 {
		if t.ExpandedColumns < t.Columns || t.ExpandedColumns > maxColumns {
			return ErrInvalidTable.Wrapf("expanded_columns: expected 0, or %d to %d, got %d", t.Columns, maxColumns, t.ExpandedColumns)
		}
		// A number takes at least one byte of a file.
		if cells := t.Rows * uint64(t.ExpandedColumns); cells > p.MaxSize {
			return ErrInvalidTable.Wrapf("expanded_columns: expected at most %d numbers in all rows, got %d", p.MaxSize, cells)
		}
	}
	if t.Targets == 0 || t.Targets >= t.Columns {
		return ErrInvalidTable.Wrapf("targets: expected 1 to %d of %d columns, got %d", t.Columns-1, t.Columns, t.Targets)
	}
	if t.SplitKey != "" {
		if err := ValidateName(t.SplitKey); err != nil {
			return ErrInvalidTable.Wrapf("split_key: %s", err)
		}
	}
	if t.ValidationPermille > 500 {
		return ErrInvalidTable.Wrapf("validation_permille: expected at most 500, got %d", t.ValidationPermille)
	}
	return nil
}

// Width returns the number of columns that a model sees, targets included.
func (t Table) Width() uint32 {
	if t.ExpandedColumns != 0 {
		return t.ExpandedColumns
	}
	return t.Columns
}

// Work is what reading the table costs, in bytes and numbers.
func (t Table) Work() uint64 { return t.Size_ + t.Rows*uint64(t.ExpandedColumns) }

// Key returns the key of the split of a training set's rows into training and validation.
func (t Table) Key(set string) []byte {
	if t.SplitKey != "" {
		return []byte(t.SplitKey)
	}
	return []byte(set)
}
