package swarm

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/ipld/unixfs"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
	"github.com/stretchr/testify/require"
)

func TestConstantsOfTheNetworkGiveKnownCIDs(t *testing.T) {
	text, err := os.ReadFile("testdata/cids.json")
	require.NoError(t, err)
	var vectors []struct {
		Size int
		CID  string
	}
	require.NoError(t, json.Unmarshal(text, &vectors))
	require.Len(t, vectors, 9)
	for _, v := range vectors {
		got, err := CIDOf(stream(v.Size))
		require.NoError(t, err)
		require.Equal(t, v.CID, got, "size %d", v.Size)
	}
}

func TestOneSpellingOfACID(t *testing.T) {
	good, err := CIDOf([]byte("x"))
	require.NoError(t, err)
	c, err := parseCID(good)
	require.NoError(t, err)
	base58, err := c.StringOfBase('z')
	require.NoError(t, err)
	for name, s := range map[string]string{
		"empty":         "",
		"no cid":        "hello",
		"CIDv0":         "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKU3PH",
		"base58":        base58,
		"upper case":    "B" + good[1:],
		"identity hash": cid.NewCidV1(cid.Raw, []byte{0, 1, 'x'}).String(),
		"dag-cbor":      cid.NewCidV1(cid.DagCBOR, c.Hash()).String(),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseCID(s)
			require.Error(t, err)
		})
	}
}

// fileNode builds an inner node from children and the sizes it declares.
func fileNode(t testing.TB, children []cid.Cid, sizes []uint64, inline []byte) *merkledag.ProtoNode {
	t.Helper()
	file := unixfs.NewFSNode(unixfs.TFile)
	if inline != nil {
		file.SetData(inline)
	}
	node := new(merkledag.ProtoNode)
	node.SetCidBuilder(merkledag.V1CidPrefix())
	for i, c := range children {
		require.NoError(t, node.AddRawLink("", &ipld.Link{Size: sizes[i], Cid: c}))
	}
	for _, s := range sizes {
		file.AddBlockSize(s)
	}
	data, err := file.GetBytes()
	require.NoError(t, err)
	node.SetData(data)
	return node
}

func TestShapeOfInnerNodes(t *testing.T) {
	leaf, err := CIDOf([]byte("leaf"))
	require.NoError(t, err)
	raw, err := cid.Decode(leaf)
	require.NoError(t, err)
	pb := cid.NewCidV1(cid.DagProtobuf, raw.Hash())
	foreign := cid.NewCidV1(cid.DagCBOR, raw.Hash())
	const size = 2*ChunkSize + 5
	full := []uint64{ChunkSize, ChunkSize, 5}

	cases := map[string]struct {
		size     int64
		children []cid.Cid
		sizes    []uint64
		inline   []byte
		ok       bool
	}{
		"three chunks":                 {size, []cid.Cid{raw, raw, raw}, full, nil, true},
		"declares more than expected":  {size, []cid.Cid{raw, raw, raw}, []uint64{ChunkSize, ChunkSize, 6}, nil, false},
		"declares less than expected":  {size, []cid.Cid{raw, raw}, []uint64{ChunkSize, ChunkSize}, nil, false},
		"same size, other chunks":      {size, []cid.Cid{raw, raw, raw}, []uint64{ChunkSize, ChunkSize - 1, 6}, nil, false},
		"same size, a bomb of links":   {size, []cid.Cid{raw, raw, raw, raw}, []uint64{ChunkSize, ChunkSize, 5, 0}, nil, false},
		"more links than sizes":        {size, []cid.Cid{raw, raw, raw}, full[:2], nil, false},
		"a chunk that is an inner one": {size, []cid.Cid{raw, pb, raw}, full, nil, false},
		"a chunk of another codec":     {size, []cid.Cid{raw, foreign, raw}, full, nil, false},
		"bytes inside the node":        {size, []cid.Cid{raw, raw}, []uint64{ChunkSize, ChunkSize}, []byte("12345"), false},
		"two levels": {
			ChunkSize*MaxLinks + 1,
			[]cid.Cid{pb, pb},
			[]uint64{ChunkSize * MaxLinks, 1}, nil, true,
		},
		"two levels with a leaf beside an inner node": {
			ChunkSize*MaxLinks + 1,
			[]cid.Cid{pb, raw},
			[]uint64{ChunkSize * MaxLinks, 1}, nil, false,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			sizes := tc.sizes
			for len(sizes) < len(tc.children) {
				sizes = append(sizes[:len(sizes):len(sizes)], 0)
			}
			node := fileNode(t, tc.children, sizes, tc.inline)
			root, err := rootSpan(node.Cid(), tc.size)
			require.NoError(t, err)
			kids, err := root.children(node.RawData())
			if !tc.ok {
				require.ErrorIs(t, err, ErrMismatch)
				return
			}
			require.NoError(t, err)
			require.Len(t, kids, len(tc.children))
			end := int64(0)
			for _, k := range kids {
				require.Equal(t, end, k.offset)
				end += k.size
			}
			require.Equal(t, tc.size, end)
		})
	}
}

func TestHeightFollowsFromTheSize(t *testing.T) {
	for size, height := range map[int64]int{
		0: 0, 1: 0, ChunkSize: 0, ChunkSize + 1: 1,
		ChunkSize * MaxLinks: 1, ChunkSize*MaxLinks + 1: 2,
		ChunkSize * MaxLinks * MaxLinks: 2, ChunkSize*MaxLinks*MaxLinks + 1: 3,
	} {
		s, _ := rootSpan(cid.Undef, size)
		require.Equal(t, height, s.height, "size %d", size)
	}
}

func TestBuildStopsWhenABlockCannotBeStored(t *testing.T) {
	full := errors.New("full")
	_, err := buildDAG(t.Context(), stream(3*ChunkSize), func(context.Context, blocks.Block) error { return full })
	require.ErrorIs(t, err, full)
}

func FuzzInnerNodesOfStrangers(f *testing.F) {
	leaf := cid.NewCidV1(cid.Raw, merkledag.NewRawNode([]byte("leaf")).Cid().Hash())
	good := fileNode(f, []cid.Cid{leaf, leaf}, []uint64{ChunkSize, 9}, nil)
	f.Add(good.RawData(), int64(ChunkSize+9))
	f.Add([]byte{}, int64(0))
	f.Add([]byte{0x0a, 0x04, 0x08, 0x02, 0x18, 0x00}, int64(ChunkSize+1))
	f.Fuzz(func(t *testing.T, block []byte, size int64) {
		if size < 0 || size > capacity(4) {
			return
		}
		root, _ := rootSpan(good.Cid(), size)
		kids, err := root.children(block)
		if err != nil || root.height == 0 {
			return
		}
		total := int64(0)
		for _, k := range kids {
			if k.size <= 0 || k.size > capacity(root.height-1) {
				t.Fatalf("child of %d bytes at height %d", k.size, k.height)
			}
			total += k.size
		}
		if total != size {
			t.Fatalf("children cover %d of %d bytes", total, size)
		}
	})
}
