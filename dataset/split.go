package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
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
	s := newSplit(key, validationPermille)
	for i := range t.Rows() {
		if s.heldOut(t.Row(i)) {
			validation = append(validation, i)
		} else {
			train = append(train, i)
		}
	}
	return train, validation
}

// HeldOut reports whether bytes that are no row of a table, such as a block of text,
// are for validation, by the rule of [Table.Split].
func HeldOut(key []byte, validationPermille uint32, bytes []byte) bool {
	return newSplit(key, validationPermille).heldOut(bytes)
}

// split is the rule for one key.
type split struct {
	prefix   []byte
	permille uint64
	hash     hash.Hash
	sum      [sha256.Size]byte
}

func newSplit(key []byte, permille uint32) *split {
	prefix := append([]byte(SplitDomain), binary.BigEndian.AppendUint32(nil, uint32(len(key)))...)
	return &split{prefix: append(prefix, key...), permille: uint64(permille), hash: sha256.New()}
}

func (s *split) heldOut(row []byte) bool {
	s.hash.Reset()
	s.hash.Write(s.prefix)
	s.hash.Write(row)
	return binary.BigEndian.Uint64(s.hash.Sum(s.sum[:0]))%1000 < s.permille
}
