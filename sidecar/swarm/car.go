package swarm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/ipfs/go-cid"
	"github.com/ipld/go-car/v2"
	"github.com/ipld/go-car/v2/storage"
	"github.com/multiformats/go-varint"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

const (
	// maxRoots bounds the objects of one CAR file.
	maxRoots = 1024
	// maxCARInner bounds the inner nodes of one that are held in memory, in
	// bytes.
	maxCARInner = 256 << 20
)

// ExportCAR writes a local object as a CAR file (version 1, the root first), as
// IPFS tools read it.
func (n *Node) ExportCAR(ctx context.Context, id string, w io.Writer) error {
	ctx, done, err := n.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	o, err := n.local(id)
	if err == nil {
		defer o.Release()
		err = writeCAR(ctx, o, w)
	}
	if err != nil {
		return fmt.Errorf("export %.80s: %w", id, err)
	}
	return nil
}

func writeCAR(ctx context.Context, o *objectstore.Object, w io.Writer) error {
	out, err := storage.NewWritable(w, []cid.Cid{o.Root()}, car.WriteAsCarV1(true))
	if err != nil {
		return err
	}
	inner := o.Inner()
	for i := len(inner) - 1; i >= 0; i-- { // the root is the last
		if err := out.Put(ctx, inner[i].CID.KeyString(), inner[i].Block); err != nil {
			return err
		}
	}
	buf := dag.GetBuffer()
	defer dag.PutBuffer(buf)
	for i, d := range o.Leaves() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		chunk, err := o.Read(i, buf[:])
		if err == nil {
			err = out.Put(ctx, dag.LeafCID(d).KeyString(), chunk)
		}
		if err != nil {
			return err
		}
	}
	return out.Finalize()
}

// ImportCAR adds the objects that are the roots of a CAR file, of which every
// byte is checked. The error says what is missing or does not match; what is
// right stays where a download or another import goes on.
func (n *Node) ImportCAR(ctx context.Context, r io.ReadSeeker) ([]Object, error) {
	ctx, done, err := n.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	objects, err := n.importCAR(ctx, r)
	if err != nil {
		return objects, fmt.Errorf("import: %w", err)
	}
	return objects, nil
}

func (n *Node) importCAR(ctx context.Context, r io.ReadSeeker) ([]Object, error) {
	blocks, roots, err := indexCAR(ctx, r)
	if err != nil {
		return nil, err
	}
	var out []Object
	for _, root := range roots {
		o, err := n.importRoot(ctx, blocks, root)
		if err != nil {
			return out, fmt.Errorf("%s: %w", root, err)
		}
		out = append(out, o)
	}
	return out, nil
}

// carBlocks is where the blocks of a CAR file stand.
type carBlocks struct {
	r  io.ReadSeeker
	at map[cid.Cid]carBlock
}

type carBlock struct{ offset, size int64 }

// indexCAR notes where each block is, without reading them.
func indexCAR(ctx context.Context, r io.ReadSeeker) (*carBlocks, []cid.Cid, error) {
	in, err := car.NewBlockReader(r)
	if err != nil {
		return nil, nil, fmt.Errorf("expected a CAR archive, as trainerd car export and ipfs dag export write it: %w", err)
	}
	if len(in.Roots) == 0 || len(in.Roots) > maxRoots {
		return nil, nil, fmt.Errorf("expected a CAR file of 1 to %d roots, got %d", maxRoots, len(in.Roots))
	}
	for _, c := range in.Roots {
		if err := dag.CheckCID(c); err != nil {
			return nil, nil, fmt.Errorf("root %s: %w; add the file itself to get its name on this network", c, err)
		}
	}
	blocks := &carBlocks{r: r, at: make(map[cid.Cid]carBlock)}
	for {
		if ctx.Err() != nil {
			return nil, nil, context.Cause(ctx)
		}
		m, err := in.SkipNext()
		if errors.Is(err, io.EOF) {
			return blocks, in.Roots, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%w: the archive is damaged or cut off after %d blocks (%w); copy it again", ErrMismatch, len(blocks.at), err)
		}
		// The length of the section and the CID come before the bytes.
		head := varint.UvarintSize(uint64(m.Cid.ByteLen())+m.Size) + m.Cid.ByteLen()
		blocks.at[m.Cid] = carBlock{int64(m.SourceOffset) + int64(head), int64(m.Size)}
	}
}

// read returns the verified bytes of a block in buf.
func (b *carBlocks) read(c cid.Cid, buf []byte) ([]byte, error) {
	at, ok := b.at[c]
	if !ok {
		return nil, fmt.Errorf("block %s is not in the file", c)
	}
	if at.size > int64(len(buf)) {
		return nil, fmt.Errorf("%w: block %s has %d bytes", ErrMismatch, c, at.size)
	}
	if _, err := b.r.Seek(at.offset, io.SeekStart); err != nil {
		return nil, err
	}
	data := buf[:at.size]
	if _, err := io.ReadFull(b.r, data); err != nil {
		return nil, fmt.Errorf("block %s: %w", c, err)
	}
	if sha256.Sum256(data) != dag.DigestOf(c) {
		return nil, fmt.Errorf("%w: block %s was changed", ErrMismatch, c)
	}
	return data, nil
}

func (n *Node) importRoot(ctx context.Context, blocks *carBlocks, root cid.Cid) (Object, error) {
	buf := dag.GetBuffer()
	defer dag.PutBuffer(buf)
	size, leaves, err := blocks.leaves(root, min(n.cfg.MaxObject, dag.MaxSize), buf[:])
	if err != nil {
		return Object{}, err
	}
	o, err := n.beginWithRoom(root, size, leaves)
	if err != nil {
		return Object{}, err
	}
	defer o.Release()
	defer n.announceLocal(ctx, o)
	if err := o.Verify(ctx); err != nil {
		return Object{}, err
	}
	hash := sha256.New()
	for i, d := range leaves {
		if ctx.Err() != nil {
			return Object{}, context.Cause(ctx)
		}
		chunk, err := blocks.read(dag.LeafCID(d), buf[:])
		if err == nil {
			hash.Write(chunk)
			err = o.Write(i, chunk)
		}
		if err != nil {
			return Object{}, err
		}
	}
	sum := [32]byte(hash.Sum(nil))
	return Object{CID: root.String(), Size: size, SHA256: sum}, n.keepPinned(o, &sum)
}

// leaves walks the inner nodes below root.
func (b *carBlocks) leaves(root cid.Cid, limit int64, buf []byte) (int64, []dag.Digest, error) {
	block, err := b.read(root, buf)
	if err != nil {
		return 0, nil, err
	}
	size, err := dag.DeclaredSize(root, block, limit)
	if err != nil {
		return 0, nil, err
	}
	top, err := dag.Root(root, size)
	if err != nil {
		return 0, nil, err
	}
	read := 0
	leaves, err := dag.Digests(top, func(c cid.Cid) ([]byte, error) {
		block, err := b.read(c, buf)
		if read += len(block); read > maxCARInner {
			return nil, fmt.Errorf("%w: its inner nodes have more than %d bytes", ErrTooLarge, maxCARInner)
		}
		return block, err
	})
	return size, leaves, err
}
