package swarm

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	chunk "github.com/ipfs/boxo/chunker"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/ipld/unixfs"
	"github.com/ipfs/boxo/ipld/unixfs/importer/balanced"
	"github.com/ipfs/boxo/ipld/unixfs/importer/helpers"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
	mh "github.com/multiformats/go-multihash"
)

// The shape of a DAG is part of the protocol: another chunk size, fan-out or
// hash would give the same bytes another CID. It equals
// `ipfs add --cid-version 1 --raw-leaves --chunker size-1048576` with 1,024
// links a node.
const (
	// ChunkSize is the size in bytes of every leaf but the last.
	ChunkSize = 1 << 20
	// MaxLinks is the largest number of children of an inner node.
	MaxLinks = 1024

	// A full inner node is about 60 KiB; nothing larger is parsed.
	maxInnerBlock = 256 << 10
)

// CIDOf returns the CID that data has on this network, without storing it.
func CIDOf(data []byte) (string, error) {
	c, err := buildDAG(context.Background(), data, discardBlock)
	if err != nil {
		return "", err
	}
	return c.String(), nil
}

// buildDAG cuts data into the DAG of the network and hands every block to
// emit, children before parents.
func buildDAG(ctx context.Context, data []byte, emit func(context.Context, blocks.Block) error) (cid.Cid, error) {
	params := helpers.DagBuilderParams{
		Maxlinks:   MaxLinks,
		RawLeaves:  true,
		CidBuilder: merkledag.V1CidPrefix(),
		Dagserv:    dagSink{ctx: ctx, emit: emit},
	}
	builder, err := params.New(chunk.NewSizeSplitter(bytes.NewReader(data), ChunkSize))
	if err != nil {
		return cid.Undef, fmt.Errorf("build the DAG: %w", err)
	}
	root, err := balanced.Layout(builder)
	if err != nil {
		return cid.Undef, fmt.Errorf("build the DAG: %w", err)
	}
	return root.Cid(), nil
}

// dagSink lets boxo's importer write blocks and nothing else. The importer
// passes no context of its own, so the caller's is kept here.
type dagSink struct {
	ipld.DAGService
	ctx  context.Context
	emit func(context.Context, blocks.Block) error
}

func (s dagSink) Add(_ context.Context, n ipld.Node) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	return s.emit(s.ctx, n)
}

func (s dagSink) AddMany(ctx context.Context, nodes []ipld.Node) error {
	for _, n := range nodes {
		if err := s.Add(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func discardBlock(context.Context, blocks.Block) error { return nil }

// parseCID accepts the one spelling the network uses: CIDv1 in base32, raw or
// dag-pb, sha2-256.
func parseCID(s string) (cid.Cid, error) {
	c, err := cid.Decode(s)
	if err != nil {
		return cid.Undef, fmt.Errorf("cid %.80q: %w", s, err)
	}
	if err := checkCID(c); err != nil {
		return cid.Undef, fmt.Errorf("cid %.80q: %w", s, err)
	}
	if c.String() != s {
		return cid.Undef, fmt.Errorf("cid %.80q: expected its base32 form %s", s, c)
	}
	return c, nil
}

func checkCID(c cid.Cid) error {
	p := c.Prefix()
	if p.Version != 1 || p.MhType != mh.SHA2_256 || p.MhLength != 32 || (p.Codec != cid.Raw && p.Codec != cid.DagProtobuf) {
		return errors.New("expected CIDv1, raw or dag-pb, sha2-256")
	}
	return nil
}

// span is one block of an object: which bytes it covers and how many levels
// lie below it (0 for a leaf). The size of an object fixes every span of its
// DAG, so a download knows what to expect before it asks for anything.
type span struct {
	cid    cid.Cid
	offset int64
	size   int64
	height int
}

// capacity is the number of bytes that a full node of the given height covers.
func capacity(height int) int64 {
	c := int64(ChunkSize)
	for range height {
		c *= MaxLinks
	}
	return c
}

// rootSpan describes the root of an object of size bytes and checks that the
// kind of the CID fits.
func rootSpan(c cid.Cid, size int64) (span, error) {
	height := 0
	// 5 levels cover 2^60 bytes; sizes are bounded by Config.MaxObject long
	// before that, the cap only keeps capacity from overflowing.
	for height < 4 && size > capacity(height) {
		height++
	}
	s := span{cid: c, size: size, height: height}
	return s, s.checkCodec()
}

func (s span) checkCodec() error {
	if want := s.codec(); s.cid.Type() != want {
		return fmt.Errorf("%w: block %s covers %d bytes: expected codec %s, got %s",
			ErrMismatch, s.cid, s.size, codecName(want), codecName(s.cid.Type()))
	}
	return nil
}

func (s span) codec() uint64 {
	if s.height == 0 {
		return cid.Raw
	}
	return cid.DagProtobuf
}

func codecName(codec uint64) string {
	if codec == cid.Raw {
		return "raw (a leaf)"
	}
	return "dag-pb (an inner node)"
}

// children checks that block has exactly the shape that the span must have and
// returns the spans below it; a leaf has none. Errors wrap ErrMismatch.
func (s span) children(block []byte) ([]span, error) {
	if s.height == 0 {
		if int64(len(block)) != s.size {
			return nil, fmt.Errorf("%w: leaf %s: expected %d bytes, got %d", ErrMismatch, s.cid, s.size, len(block))
		}
		return nil, nil
	}
	node, file, err := parseInner(block)
	if err != nil {
		return nil, fmt.Errorf("%w: inner node %s: %w", ErrMismatch, s.cid, err)
	}
	if got := file.FileSize(); got != uint64(s.size) {
		return nil, fmt.Errorf("%w: node %s declares %d bytes, expected %d", ErrMismatch, s.cid, got, s.size)
	}
	step := capacity(s.height - 1)
	count := int((s.size + step - 1) / step)
	if len(node.Links()) != count || file.NumChildren() != count {
		return nil, fmt.Errorf("%w: node %s of %d bytes: expected %d children, got %d; it was not cut into chunks of %d bytes",
			ErrMismatch, s.cid, s.size, count, len(node.Links()), ChunkSize)
	}
	out := make([]span, count)
	for i, link := range node.Links() {
		child := span{
			cid:    link.Cid,
			offset: s.offset + int64(i)*step,
			size:   min(step, s.size-int64(i)*step),
			height: s.height - 1,
		}
		if got := file.BlockSize(i); got != uint64(child.size) {
			return nil, fmt.Errorf("%w: child %d of node %s: expected %d bytes, got %d", ErrMismatch, i, s.cid, child.size, got)
		}
		if err := checkCID(child.cid); err != nil {
			return nil, fmt.Errorf("%w: child %d of node %s: %w", ErrMismatch, i, s.cid, err)
		}
		if err := child.checkCodec(); err != nil {
			return nil, err
		}
		out[i] = child
	}
	return out, nil
}

// parseInner decodes an inner node: a UnixFS file without bytes of its own.
func parseInner(block []byte) (*merkledag.ProtoNode, *unixfs.FSNode, error) {
	if len(block) > maxInnerBlock {
		return nil, nil, fmt.Errorf("expected at most %d bytes, got %d", maxInnerBlock, len(block))
	}
	node, err := merkledag.DecodeProtobuf(block)
	if err != nil {
		return nil, nil, err
	}
	file, err := unixfs.FSNodeFromBytes(node.Data())
	if err != nil {
		return nil, nil, err
	}
	if file.Type() != unixfs.TFile || len(file.Data()) != 0 {
		return nil, nil, errors.New("expected a UnixFS file whose bytes are all in raw leaves")
	}
	return node, file, nil
}

// declaredSize reads the size of an object from its root block.
func declaredSize(c cid.Cid, block []byte) (int64, error) {
	if c.Type() == cid.Raw {
		return int64(len(block)), nil
	}
	_, file, err := parseInner(block)
	if err != nil {
		return 0, fmt.Errorf("%w: root %s: %w", ErrMismatch, c, err)
	}
	size := file.FileSize()
	if size > uint64(capacity(4)) {
		return 0, fmt.Errorf("%w: root %s declares %d bytes", ErrTooLarge, c, size)
	}
	return int64(size), nil
}
