package dataset

import (
	"crypto/sha256"
	"encoding/binary"
)

// SplitDomain separates the split's hashes from all others of the protocol.
const SplitDomain = "pold/dataset/split/v1"

// Split divides the examples into training and validation rows and returns their
// indices in file order. About validationPermille in 1000 rows are validation; 0 is
// none, 1000 or more is all. A row's side depends on the key and its own bytes
// alone: the first 8 bytes, big endian, of
// SHA-256(SplitDomain ‖ uint32 big endian length of key ‖ key ‖ row), mod 1000,
// compared with validationPermille. Adding or removing rows moves no other row.
func (t *Table) Split(key []byte, validationPermille uint32) (train, validation []int) {
	prefix := append([]byte(SplitDomain), binary.BigEndian.AppendUint32(nil, uint32(len(key)))...)
	prefix = append(prefix, key...)
	h := sha256.New()
	var sum [sha256.Size]byte
	for i := range t.Rows() {
		h.Reset()
		h.Write(prefix)
		h.Write(t.Row(i))
		draw := binary.BigEndian.Uint64(h.Sum(sum[:0])) % 1000
		if draw < uint64(validationPermille) {
			validation = append(validation, i)
		} else {
			train = append(train, i)
		}
	}
	return train, validation
}
