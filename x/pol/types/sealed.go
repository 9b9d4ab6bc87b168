package types

import (
	"crypto/sha256"

	trainingsettypes "github.com/pold-network/pold/x/trainingset/types"
)

const (
	// MaxBatchesAhead bounds for how many coming rounds a provider can hand in batches.
	MaxBatchesAhead = 64
	// MaxSealedSize bounds an encrypted batch in bytes, MaxSealedRows its rows.
	MaxSealedSize = 16 << 20
	MaxSealedRows = 1_000_000
	// SealedOverhead is by how many bytes an encrypted batch is longer than its table: the tag of AES-256-GCM.
	SealedOverhead = 16
)

// Validate checks the shape of a sealed batch.
func (b SealedBatchInfo) Validate() error {
	if err := trainingsettypes.ValidateCID(b.Cid); err != nil {
		return ErrInvalidBatch.Wrapf("round %d: %s", b.Round, err)
	}
	for _, h := range []struct {
		name  string
		value []byte
	}{{"sha256", b.Sha256}, {"table_sha256", b.TableSha256}, {"key_hash", b.KeyHash}} {
		if len(h.value) != sha256.Size {
			return ErrInvalidBatch.Wrapf("round %d: %s: expected 32 bytes, got %d", b.Round, h.name, len(h.value))
		}
	}
	if b.Size_ <= SealedOverhead || b.Size_ > MaxSealedSize {
		return ErrInvalidBatch.Wrapf("round %d: size: expected %d to %d bytes, got %d", b.Round, SealedOverhead+1, MaxSealedSize, b.Size_)
	}
	if b.Rows == 0 || b.Rows > MaxSealedRows {
		return ErrInvalidBatch.Wrapf("round %d: rows: expected 1 to %d, got %d", b.Round, MaxSealedRows, b.Rows)
	}
	return nil
}
