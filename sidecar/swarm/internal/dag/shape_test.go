package dag

import (
	"testing"

	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/ipld/unixfs"
	pb "github.com/ipfs/boxo/ipld/unixfs/pb"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
	mh "github.com/multiformats/go-multihash"
	"github.com/stretchr/testify/require"
)

func TestOneSpellingOfACID(t *testing.T) {
	good := LeafCID(fakeLeaves(1)[0])
	c, err := ParseCID(good.String())
	require.NoError(t, err)
	require.Equal(t, good, c)
	base58, err := c.StringOfBase('z')
	require.NoError(t, err)
	sha512, err := mh.Sum([]byte("x"), mh.SHA2_512, -1)
	require.NoError(t, err)
	short, err := mh.Sum([]byte("x"), mh.SHA2_256, 20)
	require.NoError(t, err)
	for name, s := range map[string]string{
		"empty":            "",
		"no cid":           "hello",
		"CIDv0":            "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKU3PH",
		"base58":           base58,
		"upper case":       "B" + good.String()[1:],
		"mixed case":       good.String()[:10] + "A" + good.String()[11:],
		"a space in front": " " + good.String(),
		"a path":           "/ipfs/" + good.String(),
		"a byte too many":  good.String() + "a",
		"identity hash":    cid.NewCidV1(cid.Raw, []byte{0, 1, 'x'}).String(),
		"sha2-512":         cid.NewCidV1(cid.Raw, sha512).String(),
		"a cut off hash":   cid.NewCidV1(cid.Raw, short).String(),
		"dag-cbor":         cid.NewCidV1(cid.DagCBOR, c.Hash()).String(),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseCID(s)
			require.Error(t, err)
		})
	}
	require.Error(t, CheckCID(cid.Undef))
}

func TestTheBinaryFormOfACID(t *testing.T) {
	for _, c := range []cid.Cid{LeafCID(fakeLeaves(1)[0]), cidOf(cid.DagProtobuf, fakeLeaves(1)[0])} {
		got, err := CastCID(c.Bytes())
		require.NoError(t, err)
		require.Equal(t, c, got)
		require.Equal(t, fakeLeaves(1)[0], DigestOf(got))
		require.Len(t, c.Bytes(), CIDSize)
		for i := range 4 { // version, codec, hash, length
			wrong := append([]byte(nil), c.Bytes()...)
			wrong[i] ^= 0x02
			_, err := CastCID(wrong)
			require.Error(t, err, "byte %d", i)
		}
		_, err = CastCID(c.Bytes()[:CIDSize-1])
		require.Error(t, err)
		_, err = CastCID(append(c.Bytes(), 0))
		require.Error(t, err)
	}
}

// fileNode builds an inner node from children and the sizes it declares.
func fileNode(t testing.TB, kind ...pb.Data_DataType) func(children []cid.Cid, sizes []uint64, inline []byte) *merkledag.ProtoNode {
	t.Helper()
	return func(children []cid.Cid, sizes []uint64, inline []byte) *merkledag.ProtoNode {
		file := unixfs.NewFSNode(unixfs.TFile)
		if len(kind) > 0 {
			file = unixfs.NewFSNode(kind[0])
		}
		if inline != nil {
			file.SetData(inline)
		}
		node := new(merkledag.ProtoNode)
		require.NoError(t, node.SetCidBuilder(merkledag.V1CidPrefix()))
		for i, c := range children {
			size := uint64(0)
			if i < len(sizes) {
				size = min(sizes[i], 1<<62) // what a link declares is not looked at
			}
			require.NoError(t, node.AddRawLink("", &ipld.Link{Size: size, Cid: c}))
		}
		for _, s := range sizes {
			file.AddBlockSize(s)
		}
		data, err := file.GetBytes()
		require.NoError(t, err)
		node.SetData(data)
		return node
	}
}

func TestShapeOfInnerNodes(t *testing.T) {
	raw := LeafCID(fakeLeaves(1)[0])
	pb := cid.NewCidV1(cid.DagProtobuf, raw.Hash())
	foreign := cid.NewCidV1(cid.DagCBOR, raw.Hash())
	old := cid.NewCidV0(raw.Hash())
	const size = 2*ChunkSize + 5
	full := []uint64{ChunkSize, ChunkSize, 5}

	for name, tc := range map[string]struct {
		size     int64
		children []cid.Cid
		sizes    []uint64
		inline   []byte
		ok       bool
	}{
		"three chunks":                     {size, []cid.Cid{raw, raw, raw}, full, nil, true},
		"declares more than expected":      {size, []cid.Cid{raw, raw, raw}, []uint64{ChunkSize, ChunkSize, 6}, nil, false},
		"declares less than expected":      {size, []cid.Cid{raw, raw}, []uint64{ChunkSize, ChunkSize}, nil, false},
		"same size, other chunks":          {size, []cid.Cid{raw, raw, raw}, []uint64{ChunkSize, ChunkSize - 1, 6}, nil, false},
		"same size by going round":         {size, []cid.Cid{raw, raw, raw}, []uint64{ChunkSize, 1 << 63, 1<<63 + ChunkSize + 5}, nil, false},
		"same size, a bomb of links":       {size, []cid.Cid{raw, raw, raw, raw}, []uint64{ChunkSize, ChunkSize, 5, 0}, nil, false},
		"more links than sizes":            {size, []cid.Cid{raw, raw, raw}, full[:2], nil, false},
		"more sizes than links":            {size, []cid.Cid{raw, raw}, full, nil, false},
		"no links":                         {size, nil, full, nil, false},
		"a chunk that is an inner one":     {size, []cid.Cid{raw, pb, raw}, full, nil, false},
		"a chunk of another codec":         {size, []cid.Cid{raw, foreign, raw}, full, nil, false},
		"a chunk with an old CID":          {size, []cid.Cid{raw, old, raw}, full, nil, false},
		"bytes inside the node":            {size, []cid.Cid{raw, raw}, []uint64{ChunkSize, ChunkSize}, []byte("12345"), false},
		"two levels":                       {ChunkSize*MaxLinks + 1, []cid.Cid{pb, pb}, []uint64{ChunkSize * MaxLinks, 1}, nil, true},
		"a leaf beside an inner node":      {ChunkSize*MaxLinks + 1, []cid.Cid{pb, raw}, []uint64{ChunkSize * MaxLinks, 1}, nil, false},
		"two levels where one is enough":   {size, []cid.Cid{pb}, []uint64{size}, nil, false},
		"a level of leaves where two must": {ChunkSize*MaxLinks + 1, []cid.Cid{raw, raw}, []uint64{ChunkSize * MaxLinks, 1}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			node := fileNode(t)(tc.children, tc.sizes, tc.inline)
			root, err := Root(node.Cid(), tc.size)
			require.NoError(t, err)
			kids, err := root.Children(node.RawData())
			if !tc.ok {
				require.ErrorIs(t, err, ErrMismatch)
				return
			}
			require.NoError(t, err)
			require.Len(t, kids, len(tc.children))
			end := int64(0)
			for _, k := range kids {
				require.Equal(t, end, k.Offset)
				require.Equal(t, root.Height-1, k.Height)
				end += k.Size
			}
			require.Equal(t, tc.size, end)
		})
	}

	root, err := Root(pb, size)
	require.NoError(t, err)
	for name, block := range map[string][]byte{
		"nothing":             {},
		"no protobuf":         []byte("hello"),
		"no file inside":      merkledag.NodeWithData([]byte("hello")).RawData(),
		"a node of raw bytes": fileNode(t, unixfs.TRaw)([]cid.Cid{raw, raw, raw}, full, nil).RawData(),
		"too large":           make([]byte, maxInnerBlock+1),
		"a folder":            unixfs.EmptyDirNode().RawData(),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := root.Children(block)
			require.ErrorIs(t, err, ErrMismatch)
			_, err = DeclaredSize(pb, block, MaxSize)
			require.ErrorIs(t, err, ErrMismatch)
		})
	}
}

func TestHeightFollowsFromTheSize(t *testing.T) {
	raw := LeafCID(fakeLeaves(1)[0])
	pb := cid.NewCidV1(cid.DagProtobuf, raw.Hash())
	for size, height := range map[int64]int{
		0: 0, 1: 0, ChunkSize: 0, ChunkSize + 1: 1,
		ChunkSize * MaxLinks: 1, ChunkSize*MaxLinks + 1: 2, MaxSize: 2,
	} {
		right, wrong := pb, raw
		if height == 0 {
			right, wrong = raw, pb
		}
		s, err := Root(right, size)
		require.NoError(t, err)
		require.Equal(t, height, s.Height, "size %d", size)
		_, err = Root(wrong, size)
		require.ErrorIs(t, err, ErrMismatch, "size %d", size)
	}
	for _, size := range []int64{-1, MaxSize + 1, 1<<63 - 1, -1 << 63} {
		_, err := Root(pb, size)
		require.ErrorIs(t, err, ErrTooLarge, "size %d", size)
	}
}

func TestDeclaredSize(t *testing.T) {
	raw := LeafCID(fakeLeaves(1)[0])
	size, err := DeclaredSize(raw, make([]byte, 77), 77)
	require.NoError(t, err)
	require.Equal(t, int64(77), size)
	_, err = DeclaredSize(raw, make([]byte, 77), 76)
	require.ErrorIs(t, err, ErrTooLarge)

	node := fileNode(t)([]cid.Cid{raw, raw}, []uint64{ChunkSize, 5}, nil)
	size, err = DeclaredSize(node.Cid(), node.RawData(), ChunkSize+5)
	require.NoError(t, err)
	require.Equal(t, int64(ChunkSize+5), size)
	_, err = DeclaredSize(node.Cid(), node.RawData(), ChunkSize+4)
	require.ErrorIs(t, err, ErrTooLarge)
	for _, sizes := range [][]uint64{{1 << 62, 1}, {1<<64 - 1}, {1 << 63}} {
		node := fileNode(t)([]cid.Cid{raw, raw}[:len(sizes)], sizes, nil)
		_, err := DeclaredSize(node.Cid(), node.RawData(), MaxSize)
		require.ErrorIs(t, err, ErrTooLarge, "%v", sizes)
	}
}

func FuzzInnerNodesOfStrangers(f *testing.F) {
	leaf := LeafCID(fakeLeaves(1)[0])
	good := fileNode(f)([]cid.Cid{leaf, leaf}, []uint64{ChunkSize, 9}, nil)
	f.Add(good.RawData(), int64(ChunkSize+9))
	f.Add([]byte{}, int64(0))
	f.Add([]byte{0x0a, 0x04, 0x08, 0x02, 0x18, 0x00}, int64(ChunkSize+1))
	f.Fuzz(func(t *testing.T, block []byte, size int64) {
		declared, err := DeclaredSize(good.Cid(), block, MaxSize)
		if err == nil && (declared < 0 || declared > MaxSize) {
			t.Fatalf("declares %d bytes", declared)
		}
		root, err := Root(good.Cid(), size)
		if err != nil {
			return
		}
		kids, err := root.Children(block)
		if err != nil {
			return
		}
		if declared != size {
			t.Fatalf("declares %d bytes, covers %d", declared, size)
		}
		total := int64(0)
		for _, k := range kids {
			if k.Size <= 0 || k.Size > capacity(root.Height-1) {
				t.Fatalf("child of %d bytes at height %d", k.Size, k.Height)
			}
			total += k.Size
		}
		if total != size {
			t.Fatalf("children cover %d of %d bytes", total, size)
		}
	})
}

func FuzzParseCID(f *testing.F) {
	good := LeafCID(fakeLeaves(1)[0])
	f.Add(good.String(), good.Bytes())
	f.Add("QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKU3PH", []byte{1, 0x55, 0, 1, 'x'})
	f.Fuzz(func(t *testing.T, s string, b []byte) {
		if c, err := ParseCID(s); err == nil && (c.String() != s || CheckCID(c) != nil) {
			t.Fatalf("%q is read as %s", s, c)
		}
		if c, err := CastCID(b); err == nil && string(c.Bytes()) != string(b) {
			t.Fatalf("%x is read as %x", b, c.Bytes())
		}
	})
}
