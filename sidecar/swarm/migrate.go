package swarm

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/go-cid"
	flatfs "github.com/ipfs/go-ds-flatfs"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

// A home once held its objects block by block in blocks/, listed in pins.json.
// Their bytes may exist nowhere else, so they are taken over before the node
// starts; the old folder goes once all are.

type oldPins struct {
	Objects []struct {
		CID      string `json:"cid"`
		Size     int64  `json:"size"`
		SHA256   string `json:"sha256"`
		Provide  bool   `json:"provide"`
		Removing bool   `json:"removing"`
	} `json:"objects"`
}

// migrate takes over the objects of an old home. It can be interrupted at any
// point and goes on at the next start.
func (n *Node) migrate(ctx context.Context) error {
	list, blocks := filepath.Join(n.cfg.Home, "pins.json"), filepath.Join(n.cfg.Home, "blocks")
	text, err := os.ReadFile(list)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("objects in the old form: %w", err)
	}
	var pins oldPins
	if err := json.Unmarshal(text, &pins); err != nil {
		return fmt.Errorf("objects in the old form: %s: %w; move it away to start without them", list, err)
	}
	files, err := flatfs.CreateOrOpen(blocks, flatfs.NextToLast(2), false)
	if err != nil {
		return fmt.Errorf("objects in the old form: %w; move %s away to start without them", err, list)
	}
	bs := &blockstore.ValidatingBlockstore{Blockstore: blockstore.NewBlockstore(files, blockstore.NoPrefix())}
	n.log.Info("taking over objects in the old form", "objects", len(pins.Objects))
	for _, p := range pins.Objects {
		if p.Removing {
			continue
		}
		if err := n.migrateObject(ctx, bs, p.CID, p.Size, p.SHA256, p.Provide); err != nil {
			if errors.Is(err, ErrDiskFull) || ctx.Err() != nil {
				return errors.Join(fmt.Errorf("objects in the old form: %w", err), files.Close())
			}
			n.log.Warn("an object in the old form is lost; it is fetched again when needed", "cid", p.CID, "cause", err)
		}
	}
	if err := errors.Join(files.Close(), os.Remove(list), os.RemoveAll(blocks)); err != nil {
		return fmt.Errorf("objects in the old form: %w", err)
	}
	return nil
}

func (n *Node) migrateObject(ctx context.Context, bs blockstore.Blockstore, id string, size int64, hash string, provide bool) error {
	root, err := dag.ParseCID(id)
	if err != nil {
		return err
	}
	sum, err := hex.DecodeString(hash)
	if err != nil || len(sum) != 32 {
		return fmt.Errorf("sha256: expected 64 hex digits, got %q", hash)
	}
	top, err := dag.Root(root, size)
	if err != nil {
		return err
	}
	leaves, err := dag.Digests(top, func(c cid.Cid) ([]byte, error) {
		b, err := bs.Get(ctx, c)
		if err != nil {
			return nil, err
		}
		return b.RawData(), nil
	})
	if err != nil {
		return err
	}
	o, err := n.store.Begin(root, size, leaves)
	if err != nil {
		return err
	}
	defer o.Release()
	if _, err := copyChunks(ctx, oldChunks{ctx, bs, leaves}, o, nil); err != nil {
		return err
	}
	return n.store.Keep(o, func(k *objectstore.Kept) {
		*k = objectstore.Kept{SHA256: (*[32]byte)(sum), Provide: provide, Pinned: true}
	}, true)
}

// oldChunks reads whole chunks of an old store.
type oldChunks struct {
	ctx    context.Context
	bs     blockstore.Blockstore
	leaves []dag.Digest
}

func (r oldChunks) ReadAt(b []byte, off int64) (int, error) {
	block, err := r.bs.Get(r.ctx, dag.LeafCID(r.leaves[off/ChunkSize]))
	if err != nil {
		return 0, err
	}
	return io.ReadFull(bytes.NewReader(block.RawData()), b)
}
