package swarm

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/crypto/pb"

	"github.com/pold-network/pold/sidecar/atomicfile"
)

// loadIdentity reads the key at path, or creates it. The file holds one line:
// base64 of the libp2p protobuf form of an ed25519 private key, the form that
// stock IPFS tools use.
func loadIdentity(path string) (crypto.PrivKey, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createIdentity(path)
	}
	if err != nil {
		return nil, fmt.Errorf("identity key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("identity key %s can be read by other users: expected mode 0600, got %04o; run: chmod 600 %s", path, mode, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("identity key: %w", err)
	}
	key, err := parseIdentity(text)
	if err != nil {
		return nil, fmt.Errorf("identity key %s is damaged: %w; restore it from a copy, or move it away to get a new identity, which must then be announced on chain", path, err)
	}
	return key, nil
}

func parseIdentity(text []byte) (crypto.PrivKey, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(string(bytes.TrimSpace(text)))
	if err != nil {
		return nil, fmt.Errorf("expected one line of base64: %w", err)
	}
	key, err := crypto.UnmarshalPrivateKey(raw)
	if err != nil {
		return nil, err
	}
	if key.Type() != pb.KeyType_Ed25519 {
		return nil, fmt.Errorf("expected an ed25519 key, got %s", key.Type())
	}
	return key, nil
}

func createIdentity(path string) (crypto.PrivKey, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("create an identity key: %w", err)
	}
	raw, err := crypto.MarshalPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("create an identity key: %w", err)
	}
	text := base64.StdEncoding.EncodeToString(raw) + "\n"
	if err := atomicfile.Write(path, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write the identity key %s: %w", path, err)
	}
	return key, nil
}
