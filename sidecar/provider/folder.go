package provider

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pold-network/pold/sidecar/atomicfile"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

// Entry is a batch with its key. Everything but the key and the rows is public once it is handed in.
type Entry struct {
	ChainID  string `json:"chain_id"`
	Group    string `json:"group"`
	Provider string `json:"provider"`
	Round    uint64 `json:"round"`
	// Source is the name of the table's file, for reports.
	Source      string `json:"source"`
	CID         string `json:"cid"`
	SHA256      []byte `json:"sha256"`
	Size        uint64 `json:"size"`
	TableSHA256 []byte `json:"table_sha256"`
	Rows        uint64 `json:"rows"`
	Key         []byte `json:"key"`
}

// info is what goes on chain.
func (e Entry) info() poltypes.SealedBatchInfo {
	hash := sha256.Sum256(e.Key)
	return poltypes.SealedBatchInfo{Round: e.Round, Cid: e.CID, Sha256: e.SHA256, Size_: e.Size, TableSha256: e.TableSHA256, Rows: e.Rows, KeyHash: hash[:]}
}

// is reports whether a batch on chain is the one of the entry.
func (e Entry) is(b poltypes.SealedBatch) bool {
	hash := sha256.Sum256(e.Key)
	return b.Group == e.Group && b.Provider == e.Provider && b.Round == e.Round && bytes.Equal(b.Sha256, e.SHA256) && bytes.Equal(b.KeyHash, hash[:])
}

// folder holds NAME.json and NAME.sealed for each batch.
type folder struct{ dir string }

// openFolder makes the folder, and refuses one that others can read: a key that is seen early shows the rows.
func openFolder(dir string) (folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return folder{}, fmt.Errorf("folder of keys: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return folder{}, fmt.Errorf("folder of keys: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return folder{}, fmt.Errorf("folder of keys %s: expected one that only its owner can read, got permissions %04o; make it private: chmod 700 %s", dir, mode, dir)
	}
	return folder{dir}, nil
}

func (f folder) name(e Entry) string {
	return filepath.Join(f.dir, fmt.Sprintf("%s-%s-%s-%d", e.ChainID, e.Group, e.Provider, e.Round))
}

// save writes the encrypted file and then the entry, and never replaces an entry.
func (f folder) save(e Entry, file []byte) error {
	path := f.name(e) + ".json"
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("folder of keys: %s exists, and a key is never replaced; choose another round with --first-round", path)
	} else if !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("folder of keys: %w; nothing was sent", err)
	}
	b, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return fmt.Errorf("folder of keys: %w", err)
	}
	if err := atomicfile.Write(f.name(e)+".sealed", file, 0o600); err != nil {
		return fmt.Errorf("folder of keys: %w; nothing was sent", err)
	}
	if err := atomicfile.Write(path, b, 0o600); err != nil {
		return fmt.Errorf("folder of keys: %w; nothing was sent", err)
	}
	return nil
}

// file reads the encrypted file of an entry and checks it.
func (f folder) file(e Entry) ([]byte, error) {
	b, err := os.ReadFile(f.name(e) + ".sealed")
	if err != nil {
		return nil, fmt.Errorf("folder of keys: %w", err)
	}
	if sum := sha256.Sum256(b); !bytes.Equal(sum[:], e.SHA256) {
		return nil, fmt.Errorf("folder of keys: encrypted batch of group %s round %d: expected SHA-256 %x, got %x", e.Group, e.Round, e.SHA256, sum)
	}
	return b, nil
}

// entries returns the batches of a provider in a group, all of them when group is empty, by group and round.
func (f folder) entries(chainID, provider, group string) ([]Entry, error) {
	files, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, fmt.Errorf("folder of keys: %w", err)
	}
	var list []Entry
	for _, x := range files {
		if !strings.HasSuffix(x.Name(), ".json") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(f.dir, x.Name()))
		if err != nil {
			return nil, fmt.Errorf("folder of keys: %w", err)
		}
		var e Entry
		if err := json.Unmarshal(b, &e); err != nil {
			return nil, fmt.Errorf("folder of keys: %s is damaged (%w); without it its key can't be revealed: restore it or move it away", x.Name(), err)
		}
		if e.ChainID == chainID && e.Provider == provider && (group == "" || e.Group == group) {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b Entry) int {
		if c := strings.Compare(a.Group, b.Group); c != 0 {
			return c
		}
		return int(a.Round) - int(b.Round)
	})
	return list, nil
}
