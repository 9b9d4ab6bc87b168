package swarm

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/libp2p/go-libp2p/core/pnet"
)

// loadNetworkKey reads the key of a private network in the form that stock
// IPFS tools use (swarm.key): two header lines, then 32 bytes in hex, base64 or
// as they are. Without a path it returns nil.
func loadNetworkKey(path string, log *slog.Logger) (pnet.PSK, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("key of the private network: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().Perm()&0o077 != 0 {
		log.Warn("other users of this machine can read the key of the private network; run: chmod 600 "+path, "mode", fmt.Sprintf("%04o", info.Mode().Perm()))
	}
	key, err := pnet.DecodeV1PSK(f)
	if err != nil {
		return nil, fmt.Errorf("key of the private network %s: expected the three lines /key/swarm/psk/1.0.0/, /base16/ and 64 hex digits: %w", path, err)
	}
	log.Info("private network: only peers with the same key connect, and QUIC is off because only TCP can carry the key", "key", path)
	return key, nil
}
