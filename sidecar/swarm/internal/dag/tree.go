package dag

import (
	"fmt"

	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/ipld/unixfs"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
)

// Tree is the DAG above the leaves of an object.
type Tree struct {
	Root cid.Cid
	Size int64
	// Inner are the inner nodes, children before parents, the root last. An
	// object of one leaf has none.
	Inner []Inner
}

// Inner is an inner node.
type Inner struct {
	CID   cid.Cid
	Block []byte
}

// Build returns the DAG above leaves with the given digests.
func Build(size int64, leaves []Digest) (*Tree, error) {
	if size < 0 || size > MaxSize || len(leaves) != Leaves(size) {
		return nil, fmt.Errorf("%w: an object of %d bytes has %d leaves, got %d", ErrMismatch, size, Leaves(size), len(leaves))
	}
	t := &Tree{Size: size}
	// total counts what a link's Tsize declares: all bytes of the blocks below.
	type child struct {
		cid         cid.Cid
		size, total uint64
	}
	level := make([]child, len(leaves))
	for i, d := range leaves {
		n := uint64(LeafSize(size, i))
		level[i] = child{LeafCID(d), n, n}
	}
	for len(level) > 1 {
		var above []child
		for len(level) > 0 {
			below := level[:min(MaxLinks, len(level))]
			level = level[len(below):]
			file := unixfs.NewFSNode(unixfs.TFile)
			links := make([]*ipld.Link, len(below))
			parent := child{}
			for i, c := range below {
				file.AddBlockSize(c.size)
				links[i] = &ipld.Link{Size: c.total, Cid: c.cid}
				parent.size += c.size
				parent.total += c.total
			}
			data, err := file.GetBytes()
			if err != nil {
				return nil, fmt.Errorf("build the DAG: %w", err)
			}
			node := merkledag.NodeWithData(data)
			if err := node.SetCidBuilder(merkledag.V1CidPrefix()); err != nil {
				return nil, fmt.Errorf("build the DAG: %w", err)
			}
			if err := node.SetLinks(links); err != nil {
				return nil, fmt.Errorf("build the DAG: %w", err)
			}
			block, err := node.EncodeProtobuf(false)
			if err != nil {
				return nil, fmt.Errorf("build the DAG: %w", err)
			}
			parent.cid = node.Cid()
			parent.total += uint64(len(block))
			t.Inner = append(t.Inner, Inner{parent.cid, block})
			above = append(above, parent)
		}
		level = above
	}
	t.Root = level[0].cid
	return t, nil
}

// Check builds the DAG and compares its root. Errors wrap ErrMismatch.
func Check(root cid.Cid, size int64, leaves []Digest) (*Tree, error) {
	t, err := Build(size, leaves)
	if err != nil {
		return nil, err
	}
	if t.Root != root {
		return nil, fmt.Errorf("%w: on this network these bytes have the cid %s, not %s", ErrMismatch, t.Root, root)
	}
	return t, nil
}
