package dag

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"testing"

	chunk "github.com/ipfs/boxo/chunker"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/ipld/unixfs"
	"github.com/ipfs/boxo/ipld/unixfs/importer/balanced"
	"github.com/ipfs/boxo/ipld/unixfs/importer/helpers"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
	"github.com/stretchr/testify/require"
)

// stream is the byte stream of testdata/cids.py.
func stream(n int) []byte {
	out := make([]byte, 0, n+32)
	for i := uint64(0); len(out) < n; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, i))
		out = append(out, sum[:]...)
	}
	return out[:n]
}

// fakeLeaves makes digests of leaves that nobody has.
func fakeLeaves(n int) []Digest {
	out := make([]Digest, n)
	for i := range out {
		out[i] = sha256.Sum256(binary.BigEndian.AppendUint64([]byte("leaf"), uint64(i)))
	}
	return out
}

func TestTheShapeGivesKnownCIDs(t *testing.T) {
	text, err := os.ReadFile("../../testdata/cids.json")
	require.NoError(t, err)
	var vectors []struct {
		Size int
		CID  string
	}
	require.NoError(t, json.Unmarshal(text, &vectors))
	require.Len(t, vectors, 9)
	for _, v := range vectors {
		data := stream(v.Size)
		tree, err := Build(int64(v.Size), SumBytes(data))
		require.NoError(t, err)
		require.Equal(t, v.CID, tree.Root.String(), "size %d", v.Size)
	}
}

// blockSink collects the blocks that an importer writes.
type blockSink struct {
	ipld.DAGService
	blocks map[cid.Cid][]byte
}

func (s blockSink) Add(_ context.Context, n ipld.Node) error {
	s.blocks[n.Cid()] = n.RawData()
	return nil
}

func (s blockSink) AddMany(ctx context.Context, nodes []ipld.Node) error {
	for _, n := range nodes {
		if err := s.Add(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func TestBuildEqualsTheImporterOfIPFS(t *testing.T) {
	for _, size := range []int{0, 1, ChunkSize - 1, ChunkSize, ChunkSize + 1, 2 * ChunkSize, 5*ChunkSize + 17} {
		data := stream(size)
		sink := blockSink{blocks: make(map[cid.Cid][]byte)}
		params := helpers.DagBuilderParams{Maxlinks: MaxLinks, RawLeaves: true, CidBuilder: merkledag.V1CidPrefix(), Dagserv: sink}
		builder, err := params.New(chunk.NewSizeSplitter(bytes.NewReader(data), ChunkSize))
		require.NoError(t, err)
		root, err := balanced.Layout(builder)
		require.NoError(t, err)

		tree, err := Build(int64(size), SumBytes(data))
		require.NoError(t, err)
		require.Equal(t, root.Cid(), tree.Root, "size %d", size)
		for _, n := range tree.Inner {
			require.Equal(t, sink.blocks[n.CID], n.Block, "size %d", size)
		}
	}
}

// referenceNode is an inner node as the types of boxo make it, one child at a
// time.
func referenceNode(t testing.TB, children []referenceChild) *merkledag.ProtoNode {
	t.Helper()
	file := unixfs.NewFSNode(unixfs.TFile)
	node := new(merkledag.ProtoNode)
	require.NoError(t, node.SetCidBuilder(merkledag.V1CidPrefix()))
	for _, c := range children {
		file.AddBlockSize(c.size)
		require.NoError(t, node.AddRawLink("", &ipld.Link{Size: c.total, Cid: c.cid}))
	}
	data, err := file.GetBytes()
	require.NoError(t, err)
	node.SetData(data)
	return node
}

type referenceChild struct {
	cid         cid.Cid
	size, total uint64
}

func TestBuildOfSeveralLevels(t *testing.T) {
	for name, tc := range map[string]struct {
		size int64
		// inner is how many inner nodes there are.
		inner int
	}{
		"two leaves":                    {ChunkSize + 1, 1},
		"a full node":                   {MaxLinks * ChunkSize, 1},
		"one byte more than a node":     {MaxLinks*ChunkSize + 1, 3},
		"a leaf more than a node":       {(MaxLinks + 1) * ChunkSize, 3},
		"two full nodes":                {2 * MaxLinks * ChunkSize, 3},
		"several nodes":                 {5*MaxLinks*ChunkSize - 7, 6},
		"last node with a single child": {3*MaxLinks*ChunkSize + ChunkSize, 5},
		"one byte less than the most":   {MaxSize - 1, 1025},
	} {
		t.Run(name, func(t *testing.T) {
			leaves := fakeLeaves(Leaves(tc.size))
			tree, err := Build(tc.size, leaves)
			require.NoError(t, err)
			require.Len(t, tree.Inner, tc.inner)

			level := make([]referenceChild, len(leaves))
			for i, d := range leaves {
				n := uint64(LeafSize(tc.size, i))
				level[i] = referenceChild{LeafCID(d), n, n}
			}
			next := 0
			for len(level) > 1 {
				var above []referenceChild
				for len(level) > 0 {
					below := level[:min(MaxLinks, len(level))]
					level = level[len(below):]
					// Of many equal nodes some are enough.
					got := tree.Inner[next]
					if next%97 == 0 || next >= len(tree.Inner)-2 {
						node := referenceNode(t, below)
						require.Equal(t, node.Cid(), got.CID)
						require.True(t, bytes.Equal(node.RawData(), got.Block))
					}
					parent := referenceChild{cid: got.CID, total: uint64(len(got.Block))}
					for _, c := range below {
						parent.size += c.size
						parent.total += c.total
					}
					above = append(above, parent)
					next++
				}
				level = above
			}
			require.Equal(t, level[0].cid, tree.Root)
			require.Equal(t, len(tree.Inner), next)

			require.True(t, slices.Equal(leaves, walk(t, tree)))
		})
	}
}

// walk reads the digests of the leaves from the inner nodes, as a download by
// single blocks does.
func walk(t testing.TB, tree *Tree) []Digest {
	t.Helper()
	blocks := make(map[cid.Cid][]byte)
	for _, n := range tree.Inner {
		blocks[n.CID] = n.Block
	}
	root, err := Root(tree.Root, tree.Size)
	require.NoError(t, err)
	size, err := DeclaredSize(tree.Root, blocks[tree.Root], MaxSize)
	require.NoError(t, err)
	require.Equal(t, tree.Size, size)
	level := []Span{root}
	for level[0].Height > 0 {
		var below []Span
		for _, s := range level {
			kids, err := s.Children(blocks[s.CID])
			require.NoError(t, err)
			below = append(below, kids...)
		}
		level = below
	}
	out := make([]Digest, len(level))
	end := int64(0)
	for i, s := range level {
		require.Equal(t, end, s.Offset)
		require.Equal(t, int64(LeafSize(tree.Size, i)), s.Size)
		end += s.Size
		out[i] = DigestOf(s.CID)
	}
	require.Equal(t, tree.Size, end)
	return out
}

func TestWhatDoesNotLeadToTheRoot(t *testing.T) {
	const size = 3*ChunkSize + 9
	leaves := fakeLeaves(4)
	tree, err := Build(size, leaves)
	require.NoError(t, err)
	change := func(fn func([]Digest) []Digest) []Digest { return fn(append([]Digest(nil), leaves...)) }
	for name, tc := range map[string]struct {
		size   int64
		leaves []Digest
	}{
		"one byte more":        {size + 1, leaves},
		"one byte less":        {size - 1, leaves},
		"negative":             {-1, leaves},
		"more than the most":   {MaxSize + 1, leaves},
		"one leaf less":        {size, leaves[:3]},
		"one leaf more":        {size, append(leaves, leaves[0])},
		"no leaves":            {size, nil},
		"two in another order": {size, change(func(l []Digest) []Digest { l[1], l[2] = l[2], l[1]; return l })},
		"another leaf":         {size, change(func(l []Digest) []Digest { l[3][31] ^= 1; return l })},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Check(tree.Root, tc.size, tc.leaves)
			require.ErrorIs(t, err, ErrMismatch)
		})
	}
}

func TestLeavesCoverEverySize(t *testing.T) {
	for size, want := range map[int64]int{0: 1, 1: 1, ChunkSize: 1, ChunkSize + 1: 2, 2 * ChunkSize: 2, MaxSize: MaxLinks * MaxLinks} {
		require.Equal(t, want, Leaves(size), "size %d", size)
		last := want - 1
		require.Equal(t, size-int64(last)*ChunkSize, int64(LeafSize(size, last)), "size %d", size)
		if last > 0 {
			require.Equal(t, ChunkSize, LeafSize(size, 0))
		}
	}
}

// shortReader has fewer bytes than it was said to have, and faults.
type shortReader struct {
	io.ReaderAt
	fail error
}

func (r shortReader) ReadAt(b []byte, off int64) (int, error) {
	if r.fail != nil && off > 0 {
		return 0, r.fail
	}
	return r.ReaderAt.ReadAt(b, off)
}

func TestSum(t *testing.T) {
	data := stream(4*ChunkSize + 3)
	kept := make([][]byte, 5)
	got, err := Sum(t.Context(), bytes.NewReader(data), int64(len(data)), func(i int, leaf []byte) error {
		kept[i] = bytes.Clone(leaf)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, SumBytes(data), got)
	require.True(t, bytes.Equal(data, bytes.Join(kept, nil)))

	empty, err := Sum(t.Context(), bytes.NewReader(nil), 0, nil)
	require.NoError(t, err)
	require.Equal(t, []Digest{sha256.Sum256(nil)}, empty)

	_, err = Sum(t.Context(), bytes.NewReader(data), int64(len(data))+1, nil)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "the file is shorter than it was said to be")
	broken := errors.New("broken")
	_, err = Sum(t.Context(), shortReader{bytes.NewReader(data), broken}, int64(len(data)), nil)
	require.ErrorIs(t, err, broken)
	_, err = Sum(t.Context(), bytes.NewReader(data), int64(len(data)), func(int, []byte) error { return broken })
	require.ErrorIs(t, err, broken)
	stopped, cancel := context.WithCancelCause(t.Context())
	cancel(broken)
	_, err = Sum(stopped, bytes.NewReader(data), int64(len(data)), nil)
	require.ErrorIs(t, err, broken)
}
