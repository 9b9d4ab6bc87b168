package server

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pold-network/pold/sidecar/atomicfile"
)

// Secrets are a validator's contributions to the beacon. Each follows from one key on disk, so that a restart reveals what was
// committed to before. Whoever reads the key can predict them: keep it private.
type Secrets struct{ key []byte }

// OpenSecrets reads the key at path, or draws one.
func OpenSecrets(path string) (*Secrets, error) {
	key, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		key = make([]byte, sha256.Size)
		if _, err = rand.Read(key); err == nil {
			if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
				err = atomicfile.Write(path, key, 0o600)
			}
		}
	}
	if err != nil {
		return nil, fmt.Errorf("key of the beacon's secrets: %w", err)
	}
	if len(key) != sha256.Size {
		return nil, fmt.Errorf("key of the beacon's secrets %s: expected %d bytes, got %d; delete it to draw a new one (a secret that is committed to now can't be revealed then)",
			path, sha256.Size, len(key))
	}
	return &Secrets{key}, nil
}

// Of returns the 32-byte secret of an operator for a number of the beacon.
func (s *Secrets) Of(chainID, operator string, number uint64) []byte {
	mac := hmac.New(sha256.New, s.key)
	for _, field := range [][]byte{[]byte(chainID), []byte(operator), binary.BigEndian.AppendUint64(nil, number)} {
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(field))))
		mac.Write(field)
	}
	return mac.Sum(nil)
}
