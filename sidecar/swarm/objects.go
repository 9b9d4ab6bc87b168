package swarm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ipfs/go-cid"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

// CIDOf returns the CID that data has on this network, without storing it.
func CIDOf(data []byte) (string, error) {
	t, err := dag.Build(int64(len(data)), dag.SumBytes(data))
	if err != nil {
		return "", err
	}
	return t.Root.String(), nil
}

// Add stores data durably and returns its CID. It announces nothing, and
// serves the object to whoever knows the CID.
func (n *Node) Add(ctx context.Context, data []byte) (Object, error) {
	o, err := n.add(ctx, bytes.NewReader(data), int64(len(data)), nil)
	if err != nil {
		return Object{}, fmt.Errorf("add: %w", err)
	}
	return o, nil
}

// AddFile is Add for a file of any size, which is not loaded into memory.
func (n *Node) AddFile(ctx context.Context, path string) (Object, error) {
	f, err := os.Open(path)
	if err != nil {
		return Object{}, fmt.Errorf("add: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Object{}, fmt.Errorf("add: %w", err)
	}
	if !info.Mode().IsRegular() {
		return Object{}, fmt.Errorf("add %s: expected a file, got %s", path, info.Mode().Type())
	}
	o, err := n.add(ctx, f, info.Size(), nil)
	if err != nil {
		return Object{}, fmt.Errorf("add %s: %w", path, err)
	}
	return o, nil
}

// AddPart makes the node a holder of those chunks of an object that keep
// chooses; all bytes are read, to find the CID. What is held is served, and is
// where a later download goes on. Without any chunk nothing is noted.
func (n *Node) AddPart(ctx context.Context, r io.ReaderAt, size int64, keep func(chunk int) bool) (Object, error) {
	o, err := n.add(ctx, r, size, keep)
	if err != nil {
		return Object{}, fmt.Errorf("add: %w", err)
	}
	return o, nil
}

func (n *Node) add(ctx context.Context, r io.ReaderAt, size int64, keep func(int) bool) (Object, error) {
	ctx, done, err := n.begin(ctx)
	if err != nil {
		return Object{}, err
	}
	defer done()
	if size > n.cfg.MaxObject {
		return Object{}, fmt.Errorf("%w: expected at most %d bytes, got %d", ErrTooLarge, n.cfg.MaxObject, size)
	}
	leaves, err := dag.Sum(ctx, r, size, nil)
	if err != nil {
		return Object{}, err
	}
	tree, err := dag.Build(size, leaves)
	if err != nil {
		return Object{}, err
	}
	o, err := n.beginWithRoom(tree.Root, size, leaves)
	if err != nil {
		return Object{}, err
	}
	defer o.Release()
	defer n.announceLocal(ctx, o)
	sum, err := copyChunks(ctx, r, o, keep)
	if err != nil {
		return Object{}, err
	}
	out := Object{CID: tree.Root.String(), Size: size, SHA256: sum}
	if keep != nil && !o.Complete() {
		return out, nil
	}
	return out, n.keepPinned(o, &sum)
}

// copyChunks writes the chosen chunks from r, reading in order, and returns
// the hash of all bytes.
func copyChunks(ctx context.Context, r io.ReaderAt, o *objectstore.Object, keep func(int) bool) (sum [32]byte, err error) {
	if err := o.Verify(ctx); err != nil {
		return sum, err
	}
	buf := dag.GetBuffer()
	defer dag.PutBuffer(buf)
	hash := sha256.New()
	for i := range o.Leaves() {
		if ctx.Err() != nil {
			return sum, context.Cause(ctx)
		}
		chunk := buf[:dag.LeafSize(o.Size(), i)]
		if n, err := r.ReadAt(chunk, int64(i)*ChunkSize); n < len(chunk) {
			return sum, fmt.Errorf("read again: %w", err)
		}
		hash.Write(chunk)
		if keep != nil && !keep(i) || o.Has(i) {
			continue
		}
		if sha256.Sum256(chunk) != o.Leaves()[i] {
			return sum, errors.New("the file changed while it was read; try again when nobody writes to it")
		}
		if err := o.Write(i, chunk); err != nil {
			return sum, err
		}
	}
	return [32]byte(hash.Sum(nil)), nil
}

// keep notes that a complete object is kept; what was noted before stays.
func (n *Node) keep(o *objectstore.Object, sum *[32]byte) error {
	return n.store.Keep(o, func(k *objectstore.Kept) {
		if sum != nil {
			k.SHA256 = sum
		}
	}, false)
}

// keepPinned is keep for what may exist nowhere else: it is durable, and the
// quota does not touch it.
func (n *Node) keepPinned(o *objectstore.Object, sum *[32]byte) error {
	return n.store.Keep(o, func(k *objectstore.Kept) { k.SHA256, k.Pinned = sum, true }, true)
}

// Get returns an object from the local store. The error wraps ErrNotFound when
// it or a part of it is not here, and ErrDamaged when a chunk was damaged; that
// chunk is missing then and Fetch gets it again.
func (n *Node) Get(ctx context.Context, id string) ([]byte, error) {
	ctx, done, err := n.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	o, err := n.local(id)
	if err != nil {
		return nil, fmt.Errorf("get %.80s: %w", id, err)
	}
	defer o.Release()
	if o.Size() > maxInMemory {
		return nil, fmt.Errorf("get %s: %w: expected at most %d bytes to load into memory, got %d; write it to a file instead", id, ErrTooLarge, int64(maxInMemory), o.Size())
	}
	data, err := readAll(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", id, err)
	}
	return data, nil
}

// Chunk returns chunk i of a local object, verified.
func (n *Node) Chunk(ctx context.Context, id string, i int) ([]byte, error) {
	_, done, err := n.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	o, err := n.local(id)
	if err != nil {
		return nil, fmt.Errorf("get chunk %d of %.80s: %w", i, id, err)
	}
	defer o.Release()
	chunk, err := o.Read(i, make([]byte, ChunkSize))
	if err != nil {
		return nil, fmt.Errorf("get: %w", err)
	}
	return chunk, nil
}

// Export writes the verified bytes of a local object, which is not loaded into
// memory.
func (n *Node) Export(ctx context.Context, id string, w io.Writer) error {
	ctx, done, err := n.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	o, err := n.local(id)
	if err != nil {
		return fmt.Errorf("export %.80s: %w", id, err)
	}
	defer o.Release()
	if err := exportTo(ctx, o, w); err != nil {
		return fmt.Errorf("export %s: %w", id, err)
	}
	return nil
}

func exportTo(ctx context.Context, o *objectstore.Object, w io.Writer) error {
	buf := dag.GetBuffer()
	defer dag.PutBuffer(buf)
	for i := range o.Leaves() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		b, err := o.Read(i, buf[:])
		if err == nil {
			_, err = w.Write(b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Has says whether every chunk of an object is stored here and intact. It
// reads them all and asks nobody. The error is nil when parts are missing.
func (n *Node) Has(ctx context.Context, id string) (bool, error) {
	ctx, done, err := n.begin(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	o, err := n.local(id)
	if err == nil {
		defer o.Release()
		_, err = dag.Sum(ctx, chunkReader{o}, o.Size(), nil)
	}
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrDamaged):
		return false, nil
	}
	return false, fmt.Errorf("has %.80s: %w", id, err)
}

// Holds says whether every chunk of an object is stored here, as far as is
// known without reading them.
func (n *Node) Holds(id string) bool {
	o, err := n.local(id)
	if err != nil {
		return false
	}
	o.Release()
	return true
}

// local returns an object of which all chunks are here, until Release.
func (n *Node) local(id string) (*objectstore.Object, error) {
	root, err := dag.ParseCID(id)
	if err != nil {
		return nil, err
	}
	o := n.store.Acquire(root)
	if o == nil {
		return nil, fmt.Errorf("it is %w; fetch the object first", ErrNotFound)
	}
	if have := o.Have(); !have.All() {
		o.Release()
		return nil, fmt.Errorf("of %d chunks %d are %w; fetch the object first", have.Len(), have.Len()-have.Count(), ErrNotFound)
	}
	return o, nil
}

// chunkReader reads whole chunks of an object, verified.
type chunkReader struct{ o *objectstore.Object }

// ReadAt reads from the beginning of a chunk.
func (r chunkReader) ReadAt(b []byte, off int64) (int, error) {
	got, err := r.o.Read(int(off/ChunkSize), b[:len(b):cap(b)])
	return len(got), err
}

// readAll loads a complete object into memory.
func readAll(ctx context.Context, o *objectstore.Object) ([]byte, error) {
	data := make([]byte, o.Size())
	_, err := dag.Sum(ctx, intoMemory{o, data}, o.Size(), nil)
	return data, err
}

// intoMemory copies every chunk that is read to its place.
type intoMemory struct {
	o    *objectstore.Object
	data []byte
}

func (m intoMemory) ReadAt(b []byte, off int64) (int, error) {
	n, err := chunkReader{m.o}.ReadAt(b, off)
	copy(m.data[off:], b[:n])
	return n, err
}

// Objects lists the kept objects in the order of their CIDs.
func (n *Node) Objects(ctx context.Context) ([]Object, error) {
	_, done, err := n.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	kept := n.store.List()
	out := make([]Object, len(kept))
	for i, k := range kept {
		out[i] = Object{CID: k.Root.String(), Size: k.Size}
		if k.SHA256 != nil {
			out[i].SHA256 = *k.SHA256
		}
	}
	return out, nil
}

// Remove forgets an object and deletes its bytes once no transfer under way
// needs them, which it ends after half a minute, with the deltas that lead to
// it. The error wraps ErrNotFound when
// the object is not kept.
func (n *Node) Remove(ctx context.Context, id string) error {
	_, done, err := n.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	root, err := dag.ParseCID(id)
	if err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	if err := n.remove(root); err != nil {
		return fmt.Errorf("remove %s: %w", id, err)
	}
	return nil
}

// forget ends what is done for a kept object that is gone.
func (n *Node) forget(info objectstore.Info) {
	n.transfer.Forget(info.Root)
	n.forgetTags(info.Card)
	n.providing.forget(info.Root)
	n.healer.forget(info.Root)
}

func (n *Node) remove(root cid.Cid) error {
	info, _ := n.store.Kept(root)
	if err := n.store.Remove(root); err != nil {
		return err
	}
	n.forget(info)
	for _, f := range info.Forms {
		if n.isForm(f.Delta) {
			continue // it leads to another object as well
		}
		if err := n.store.Remove(f.Delta); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}
