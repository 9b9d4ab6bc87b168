// Package sealed encrypts evaluation batches that nobody may see before a round's checkpoints are revealed.
//
// A batch is a canonical table. It is encrypted with AES-256-GCM under a key of its own, which is used for nothing else; that is why
// the nonce can be zero. The chain holds the hashes of the encrypted file, of the table and of the key, so neither can be exchanged
// afterwards: a key that opens the file to another table is found out by the table's hash.
package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"

	poltypes "github.com/pold-network/pold/x/pol/types"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

// NewKey draws a key. Use it for one batch only.
func NewKey() ([]byte, error) {
	key := make([]byte, KeySize)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("draw a key: %w", err)
	}
	return key, nil
}

// Seal encrypts a table under a key that is used only once.
func Seal(table, key []byte) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, make([]byte, aead.NonceSize()), table, nil), nil
}

// Open is the inverse of Seal. An error says that the key is not the one of this file.
func Open(file, key []byte) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	table, err := aead.Open(nil, make([]byte, aead.NonceSize()), file, nil)
	if err != nil {
		return nil, fmt.Errorf("the key does not open the batch: %w", err)
	}
	return table, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("key of a sealed batch: expected %d bytes, got %d", KeySize, len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err == nil && aead.Overhead() != poltypes.SealedOverhead {
		err = fmt.Errorf("expected a tag of %d bytes, got %d", poltypes.SealedOverhead, aead.Overhead())
	}
	return aead, err
}
