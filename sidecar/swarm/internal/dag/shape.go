package dag

import (
	"errors"
	"fmt"

	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/ipld/unixfs"
	"github.com/ipfs/go-cid"
)

const (
	// ChunkSize is the size in bytes of every leaf but the last.
	ChunkSize = 1 << 20
	// IPFSFlags let stock IPFS tools cut files in the same way.
	IPFSFlags = "--cid-version 1 --raw-leaves --chunker size-1048576 --max-file-links 1024"
	// MaxLinks is the largest number of children of an inner node.
	MaxLinks = 1024
	// MaxSize is the largest object that a DAG of three levels of inner
	// nodes can hold; every limit lies below it.
	MaxSize = int64(ChunkSize) * MaxLinks * MaxLinks

	// A full inner node is about 60 KiB; nothing larger is parsed.
	maxInnerBlock = 256 << 10
)

// Leaves returns how many leaves an object of size bytes has.
func Leaves(size int64) int { return int(max(1, (size+ChunkSize-1)/ChunkSize)) }

// LeafSize returns the size in bytes of leaf i of an object of size bytes.
func LeafSize(size int64, i int) int { return int(min(ChunkSize, size-int64(i)*ChunkSize)) }

// Span is one block of an object: which bytes it covers and how many levels
// lie below it (0 for a leaf). The size of an object fixes every span of its
// DAG, so a download knows what to expect before it asks for anything.
type Span struct {
	CID    cid.Cid
	Offset int64
	Size   int64
	Height int
}

// capacity is the number of bytes that a full node of the given height covers.
func capacity(height int) int64 {
	c := int64(ChunkSize)
	for range height {
		c *= MaxLinks
	}
	return c
}

// Root describes the root of an object of size bytes and checks that the kind
// of the CID fits.
func Root(c cid.Cid, size int64) (Span, error) {
	if size < 0 || size > MaxSize {
		return Span{}, fmt.Errorf("%w: expected at most %d bytes, got %d", ErrTooLarge, MaxSize, size)
	}
	height := 0
	for size > capacity(height) {
		height++
	}
	s := Span{CID: c, Size: size, Height: height}
	return s, s.checkCodec()
}

func (s Span) checkCodec() error {
	want := uint64(cid.DagProtobuf)
	if s.Height == 0 {
		want = cid.Raw
	}
	if s.CID.Type() != want {
		return fmt.Errorf("%w: block %s covers %d bytes: expected codec %s, got %s",
			ErrMismatch, s.CID, s.Size, codecName(want), codecName(s.CID.Type()))
	}
	return nil
}

func codecName(codec uint64) string {
	if codec == cid.Raw {
		return "raw (a leaf)"
	}
	return "dag-pb (an inner node)"
}

// Children checks that block, an inner node, has exactly the shape that the
// span must have and returns the spans below it. Errors wrap ErrMismatch.
func (s Span) Children(block []byte) ([]Span, error) {
	node, file, err := parseInner(block)
	if err != nil {
		return nil, fmt.Errorf("%w: inner node %s: %w", ErrMismatch, s.CID, err)
	}
	if got := file.FileSize(); got != uint64(s.Size) {
		return nil, fmt.Errorf("%w: node %s declares %d bytes, expected %d", ErrMismatch, s.CID, got, s.Size)
	}
	step := capacity(s.Height - 1)
	count := int((s.Size + step - 1) / step)
	if len(node.Links()) != count || file.NumChildren() != count {
		return nil, fmt.Errorf("%w: node %s of %d bytes: expected %d children, got %d; it was not cut as here, add it with: ipfs add %s",
			ErrMismatch, s.CID, s.Size, count, len(node.Links()), IPFSFlags)
	}
	out := make([]Span, count)
	for i, link := range node.Links() {
		child := Span{
			CID:    link.Cid,
			Offset: s.Offset + int64(i)*step,
			Size:   min(step, s.Size-int64(i)*step),
			Height: s.Height - 1,
		}
		if got := file.BlockSize(i); got != uint64(child.Size) {
			return nil, fmt.Errorf("%w: child %d of node %s: expected %d bytes, got %d", ErrMismatch, i, s.CID, child.Size, got)
		}
		if err := CheckCID(child.CID); err != nil {
			return nil, fmt.Errorf("%w: child %d of node %s: %w", ErrMismatch, i, s.CID, err)
		}
		if err := child.checkCodec(); err != nil {
			return nil, err
		}
		out[i] = child
	}
	return out, nil
}

// Digests walks the inner nodes below root, level by level, and returns the
// digests of the leaves. get returns the verified bytes of a block, valid until
// its next call. Errors other than those of get wrap ErrMismatch.
func Digests(root Span, get func(cid.Cid) ([]byte, error)) ([]Digest, error) {
	level := []Span{root}
	for level[0].Height > 0 {
		var below []Span
		for _, s := range level {
			block, err := get(s.CID)
			if err != nil {
				return nil, err
			}
			spans, err := s.Children(block)
			if err != nil {
				return nil, err
			}
			below = append(below, spans...)
		}
		level = below
	}
	leaves := make([]Digest, len(level))
	for i, s := range level {
		leaves[i] = DigestOf(s.CID)
	}
	return leaves, nil
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

// DeclaredSize reads the size of an object from its root block. The error
// wraps ErrTooLarge when that is more than limit.
func DeclaredSize(c cid.Cid, block []byte, limit int64) (int64, error) {
	size := int64(len(block))
	if c.Type() != cid.Raw {
		_, file, err := parseInner(block)
		if err != nil {
			return 0, fmt.Errorf("%w: root %s: %w", ErrMismatch, c, err)
		}
		if file.FileSize() > uint64(MaxSize) {
			return 0, fmt.Errorf("%w: root %s declares %d bytes", ErrTooLarge, c, file.FileSize())
		}
		size = int64(file.FileSize())
	}
	if size > limit {
		return 0, fmt.Errorf("%w: expected at most %d bytes, got %d", ErrTooLarge, limit, size)
	}
	return size, nil
}
