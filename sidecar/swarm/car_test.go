package swarm

import (
	"bytes"
	"context"
	"io"
	"slices"
	"testing"

	chunk "github.com/ipfs/boxo/chunker"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/ipld/unixfs/importer/balanced"
	"github.com/ipfs/boxo/ipld/unixfs/importer/helpers"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
	"github.com/ipld/go-car/v2"
	"github.com/ipld/go-car/v2/storage"
	"github.com/multiformats/go-varint"
	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

// exported is the CAR file of data.
func exported(t testing.TB, data []byte) (file []byte, id string) {
	t.Helper()
	n, err := Open(t.Context(), Config{Home: t.TempDir(), LoopbackOnly: true})
	require.NoError(t, err)
	defer n.Close()
	obj, err := n.Add(t.Context(), data)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, n.ExportCAR(t.Context(), obj.CID, &out))
	return out.Bytes(), obj.CID
}

func TestCARFilesTravel(t *testing.T) {
	from, to := open(t, testConfig(t)), open(t, testConfig(t))
	repeated := bytes.Repeat(content("again", ChunkSize), 3) // one block in the file
	for _, data := range [][]byte{nil, content("small", 1), content("one", ChunkSize), content("two", ChunkSize+1), content("more", 3*ChunkSize+5), repeated} {
		obj := add(t, from, data)
		var out bytes.Buffer
		require.NoError(t, from.ExportCAR(t.Context(), obj.CID, &out))
		require.Less(t, out.Len(), len(data)+1000)
		for range 2 {
			got, err := to.ImportCAR(t.Context(), bytes.NewReader(out.Bytes()))
			require.NoError(t, err)
			require.Equal(t, []Object{obj}, got)
			back, err := to.Get(t.Context(), obj.CID)
			require.NoError(t, err)
			require.True(t, bytes.Equal(data, back))
		}
		// Others can read it: all blocks match their names, the root first.
		in, err := car.NewBlockReader(bytes.NewReader(out.Bytes()))
		require.NoError(t, err)
		require.Equal(t, uint64(1), in.Version)
		require.Len(t, in.Roots, 1)
		require.Equal(t, obj.CID, in.Roots[0].String())
		first, err := in.Next()
		require.NoError(t, err)
		require.Equal(t, in.Roots[0], first.Cid())
		for err == nil {
			_, err = in.Next()
		}
		require.ErrorIs(t, err, io.EOF)
	}
	require.Equal(t, to.Storage().Used, to.Storage().Pinned, "what is imported may exist nowhere else")
	require.ErrorIs(t, from.ExportCAR(t.Context(), cidOfText(t, "nowhere"), io.Discard), ErrNotFound)
}

func cidOfText(t testing.TB, s string) string {
	t.Helper()
	id, err := CIDOf([]byte(s))
	require.NoError(t, err)
	return id
}

// carOf writes a CAR file of the given blocks in their order.
func carOf(t testing.TB, roots []cid.Cid, blocks []ipld.Node, opts ...car.Option) []byte {
	t.Helper()
	var out seekBuffer
	w, err := storage.NewWritable(&out, roots, opts...)
	require.NoError(t, err)
	for _, b := range blocks {
		require.NoError(t, w.Put(context.Background(), b.Cid().KeyString(), b.RawData()))
	}
	require.NoError(t, w.Finalize())
	return out.b
}

// seekBuffer is a file in memory.
type seekBuffer struct{ b []byte }

func (s *seekBuffer) Write(b []byte) (int, error) { s.b = append(s.b, b...); return len(b), nil }

func (s *seekBuffer) WriteAt(b []byte, off int64) (int, error) {
	if need := int(off) + len(b); need > len(s.b) {
		s.b = append(s.b, make([]byte, need-len(s.b))...)
	}
	return copy(s.b[off:], b), nil
}

// nodeList collects what an importer writes.
type nodeList struct {
	ipld.DAGService
	nodes []ipld.Node
}

func (l *nodeList) Add(_ context.Context, n ipld.Node) error {
	l.nodes = append(l.nodes, n)
	return nil
}
func (l *nodeList) AddMany(_ context.Context, all []ipld.Node) error {
	l.nodes = append(l.nodes, all...)
	return nil
}

// importer cuts data as other settings of other tools do.
func importer(t testing.TB, data []byte, size int64, links int, raw bool) (cid.Cid, []ipld.Node) {
	t.Helper()
	list := new(nodeList)
	params := helpers.DagBuilderParams{Maxlinks: links, RawLeaves: raw, CidBuilder: merkledag.V1CidPrefix(), Dagserv: list}
	builder, err := params.New(chunk.NewSizeSplitter(bytes.NewReader(data), size))
	require.NoError(t, err)
	root, err := balanced.Layout(builder)
	require.NoError(t, err)
	return root.Cid(), list.nodes
}

func TestCARFilesOfOtherTools(t *testing.T) {
	n := open(t, testConfig(t))
	data := content("tool", 3*ChunkSize+5)
	root, nodes := importer(t, data, ChunkSize, dag.MaxLinks, true)
	want, err := CIDOf(data)
	require.NoError(t, err)
	require.Equal(t, want, root.String())
	slices.Reverse(nodes)
	for name, file := range map[string][]byte{
		"version 2":                 carOf(t, []cid.Cid{root}, nodes),
		"version 1, root last":      carOf(t, []cid.Cid{root}, nodes, car.WriteAsCarV1(true)),
		"blocks twice":              carOf(t, []cid.Cid{root}, append(nodes, nodes...), car.WriteAsCarV1(true), car.AllowDuplicatePuts(true)),
		"the same root twice":       carOf(t, []cid.Cid{root, root}, nodes, car.WriteAsCarV1(true)),
		"version 2, with a padding": carOf(t, []cid.Cid{root}, nodes, car.UseDataPadding(1413)),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := n.ImportCAR(t.Context(), bytes.NewReader(file))
			require.NoError(t, err)
			require.Equal(t, want, got[0].CID)
			back, err := n.Get(t.Context(), want)
			require.NoError(t, err)
			require.True(t, bytes.Equal(data, back))
			require.NoError(t, n.Remove(t.Context(), want))
		})
	}
	// Files of another layout have another name here, which is said.
	for name, tc := range map[string]struct {
		size  int64
		links int
		raw   bool
	}{
		"smaller chunks":      {256 << 10, dag.MaxLinks, true},
		"fewer links":         {ChunkSize, 2, true},
		"leaves that are not": {ChunkSize, dag.MaxLinks, false},
	} {
		t.Run(name, func(t *testing.T) {
			root, nodes := importer(t, data, tc.size, tc.links, tc.raw)
			_, err := n.ImportCAR(t.Context(), bytes.NewReader(carOf(t, []cid.Cid{root}, nodes)))
			require.ErrorIs(t, err, ErrMismatch)
			require.ErrorContains(t, err, root.String())
		})
	}
	require.Empty(t, objectFiles(t, n.cfg.Home))
}

func TestDamagedCARFiles(t *testing.T) {
	data := content("car", 2*ChunkSize+9)
	file, id := exported(t, data)
	c, err := dag.ParseCID(id)
	require.NoError(t, err)
	_, nodes := importer(t, data, ChunkSize, dag.MaxLinks, true)
	without := func(k int) []byte {
		return carOf(t, []cid.Cid{c}, append(append([]ipld.Node(nil), nodes[:k]...), nodes[k+1:]...), car.WriteAsCarV1(true))
	}
	flipped := func(at int) []byte { b := bytes.Clone(file); b[at] ^= 1; return b }
	header := int(file[0]) + 1
	dagCBOR := cid.NewCidV1(cid.DagCBOR, c.Hash())
	for name, tc := range map[string]struct {
		file []byte
		want string
	}{
		"empty":                   {nil, "expected a CAR archive"},
		"text":                    {[]byte("hello, this is no such file"), "expected a CAR archive"},
		"zeros":                   {make([]byte, 1000), "expected a CAR archive"},
		"a header only":           {file[:header], "is not in the file"},
		"cut in the header":       {file[:header-5], "expected a CAR archive"},
		"cut in a length":         {file[:len(file)-46-9], ""},
		"cut in a block":          {file[:len(file)-1], ""},
		"cut in a large block":    {file[:len(file)/2], ""},
		"a flipped bit in a leaf": {flipped(len(file) - 1), "was changed"},
		"a flipped bit in a node": {flipped(header + 2 + 36 + 20), "was changed"},
		"a flipped bit in a CID":  {flipped(header + 1 + 20), ""},
		"a leaf less":             {without(1), "is not in the file"},
		"the root missing":        {without(len(nodes) - 1), "is not in the file"},
		"no roots":                {carOf(t, nil, nodes, car.WriteAsCarV1(true)), "1 to 1024 roots, got 0"},
		"a root of another kind":  {carOf(t, []cid.Cid{dagCBOR}, nodes, car.WriteAsCarV1(true)), "expected CIDv1, raw or dag-pb"},
		"an old CID":              {carOf(t, []cid.Cid{cid.NewCidV0(c.Hash())}, nodes, car.WriteAsCarV1(true)), "add the file itself"},
		"too many roots":          {carOf(t, manyRoots(maxRoots+1), nodes, car.WriteAsCarV1(true)), "1 to 1024 roots, got 1025"},
		"a header of a gigabyte":  {append(varint.ToUvarint(1<<30), file...), "expected a CAR archive"},
		"a block of a gigabyte":   {append(append(bytes.Clone(file[:header]), varint.ToUvarint(1<<30+36)...), c.Bytes()...), ""},
		"a length going round":    {append(append(bytes.Clone(file[:header]), varint.ToUvarint(1<<63-1)...), c.Bytes()...), ""},
	} {
		t.Run(name, func(t *testing.T) {
			n := open(t, testConfig(t))
			_, err := n.ImportCAR(t.Context(), bytes.NewReader(tc.file))
			require.ErrorContains(t, err, "import: ")
			require.ErrorContains(t, err, tc.want)
			objects, err := n.Objects(t.Context())
			require.NoError(t, err)
			require.Empty(t, objects)
			_, err = n.Get(t.Context(), id)
			require.ErrorIs(t, err, ErrNotFound)
			// What is right is where another import goes on.
			got, err := n.ImportCAR(t.Context(), bytes.NewReader(file))
			require.NoError(t, err)
			require.Equal(t, id, got[0].CID)
		})
	}
	cfg := testConfig(t)
	cfg.MaxObject = ChunkSize
	_, err = open(t, cfg).ImportCAR(t.Context(), bytes.NewReader(file))
	require.ErrorIs(t, err, ErrTooLarge)
}

func manyRoots(n int) []cid.Cid {
	out := make([]cid.Cid, n)
	for i := range out {
		out[i] = dag.LeafCID([32]byte{byte(i), byte(i >> 8)})
	}
	return out
}

func FuzzIndexCAR(f *testing.F) {
	root, nodes := importer(f, content("fuzz", 100), 20, 3, true)
	f.Add(carOf(f, []cid.Cid{root}, nodes))
	f.Add(carOf(f, []cid.Cid{root}, nodes, car.WriteAsCarV1(true)))
	f.Add([]byte("hello"))
	f.Fuzz(func(t *testing.T, file []byte) {
		blocks, roots, err := indexCAR(t.Context(), bytes.NewReader(file))
		if err != nil {
			return
		}
		buf := make([]byte, 1<<10)
		for c := range blocks.at {
			if dag.CheckCID(c) != nil {
				continue
			}
			if b, err := blocks.read(c, buf); err == nil {
				if sum, err := c.Prefix().Sum(b); err != nil || sum != c {
					t.Fatalf("%s is read as %s", c, sum)
				}
			}
		}
		for _, c := range roots {
			_, _, _ = blocks.leaves(c, 1<<30, buf)
		}
	})
}
