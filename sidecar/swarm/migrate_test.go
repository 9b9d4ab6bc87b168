package swarm

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/ipfs/boxo/blockstore"
	blocks "github.com/ipfs/go-block-format"
	flatfs "github.com/ipfs/go-ds-flatfs"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

// oldHome writes objects block by block.
func oldHome(t *testing.T, home string, objects ...[]byte) (ids []string) {
	t.Helper()
	files, err := flatfs.CreateOrOpen(filepath.Join(home, "blocks"), flatfs.NextToLast(2), true)
	require.NoError(t, err)
	bs := blockstore.NewBlockstore(files, blockstore.NoPrefix(), blockstore.WriteThrough(true))
	put := func(b blocks.Block, err error) {
		require.NoError(t, err)
		require.NoError(t, bs.Put(context.Background(), b))
	}
	var entries []map[string]any
	for _, data := range objects {
		leaves := dag.SumBytes(data)
		tree, err := dag.Build(int64(len(data)), leaves)
		require.NoError(t, err)
		for _, n := range tree.Inner {
			put(blocks.NewBlockWithCid(n.Block, n.CID))
		}
		for i, d := range leaves {
			put(blocks.NewBlockWithCid(data[i*ChunkSize:i*ChunkSize+dag.LeafSize(int64(len(data)), i)], dag.LeafCID(d)))
		}
		sum := expect(data).SHA256
		ids = append(ids, tree.Root.String())
		entries = append(entries, map[string]any{"cid": tree.Root.String(), "size": len(data), "sha256": hex.EncodeToString(sum[:]), "provide": true})
	}
	require.NoError(t, files.Close())
	text, err := json.Marshal(map[string]any{"version": 1, "objects": entries})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(home, "pins.json"), text, 0o600))
	return ids
}

func TestObjectsInTheOldFormAreTakenOver(t *testing.T) {
	cfg := testConfig(t)
	data := [][]byte{content("small", 10), content("large", 2*ChunkSize+7), {}, content("lost", ChunkSize)}
	ids := oldHome(t, cfg.Home, data...)
	damaged := false
	require.NoError(t, filepath.WalkDir(filepath.Join(cfg.Home, "blocks"), func(path string, d os.DirEntry, err error) error {
		if text, _ := os.ReadFile(path); len(text) == ChunkSize && string(text) == string(data[3]) {
			damaged = true
			return os.WriteFile(path, append(text, 0), 0o600)
		}
		return err
	}))
	require.True(t, damaged)
	n := open(t, cfg)
	for i, id := range ids[:3] {
		got, err := n.Get(t.Context(), id)
		require.NoError(t, err)
		require.True(t, string(got) == string(data[i]))
	}
	_, err := n.Get(t.Context(), ids[3])
	require.ErrorIs(t, err, ErrNotFound, "what was damaged is not taken over")
	require.NoFileExists(t, filepath.Join(cfg.Home, "pins.json"))
	require.NoDirExists(t, filepath.Join(cfg.Home, "blocks"))
	require.Len(t, n.providing.overdue(), 3)
}
