package objectstore

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ipfs/go-cid"

	"github.com/pold-network/pold/sidecar/atomicfile"
	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

const (
	partSuffix   = ".part"
	haveSuffix   = ".have"
	leavesSuffix = ".leaves"
)

// ErrDiskFull says that the disk has no room; what is stored stays.
var ErrDiskFull = errors.New("the disk is full")

// files names the files of one object.
type files struct{ base string }

func (s *Store) files(c cid.Cid) files {
	name := c.String()
	// The last characters of a CID are as good as random.
	return files{filepath.Join(s.dir, name[len(name)-2:], name)}
}

// readLeaves returns the digests of an object, which its CID or the .leaves
// file holds, and the inner nodes. Digests that don't lead to the root are
// damaged, and so is a file that is missing.
func (f files) readLeaves(root cid.Cid, size int64) ([]dag.Digest, *dag.Tree, error) {
	leaves := []dag.Digest{dag.DigestOf(root)}
	if root.Type() != cid.Raw {
		b, err := os.ReadFile(f.base + leavesSuffix)
		if err != nil {
			return nil, nil, err
		}
		if leaves, err = ParseLeaves(b, size); err != nil {
			return nil, nil, err
		}
	}
	tree, err := dag.Check(root, size, leaves)
	return leaves, tree, err
}

// isLeaf says whether the bytes of an object of one chunk are there.
func (f files) isLeaf(root cid.Cid) bool {
	for _, suffix := range []string{"", partSuffix} {
		file, err := os.Open(f.base + suffix)
		if err != nil {
			continue
		}
		b, err := io.ReadAll(io.LimitReader(file, dag.ChunkSize+1))
		_ = file.Close()
		if err == nil && sha256.Sum256(b) == dag.DigestOf(root) {
			return true
		}
	}
	return false
}

// ParseLeaves reads a list of digests of 32 bytes each, as it is stored and
// sent, for an object of size bytes.
func ParseLeaves(b []byte, size int64) ([]dag.Digest, error) {
	if want := dag.Leaves(size) * len(dag.Digest{}); len(b) != want {
		return nil, fmt.Errorf("%w: an object of %d bytes has digests of %d bytes, got %d", dag.ErrMismatch, size, want, len(b))
	}
	leaves := make([]dag.Digest, dag.Leaves(size))
	for i := range leaves {
		leaves[i] = dag.Digest(b[i*len(leaves[i]):])
	}
	return leaves, nil
}

// AppendLeaves appends the list of digests as ParseLeaves reads it.
func AppendLeaves(b []byte, leaves []dag.Digest) []byte {
	for i := range leaves {
		b = append(b, leaves[i][:]...)
	}
	return b
}

func (f files) writeLeaves(root cid.Cid, leaves []dag.Digest) error {
	if root.Type() == cid.Raw {
		return nil
	}
	return fullDisk(atomicfile.Write(f.base+leavesSuffix, AppendLeaves(nil, leaves), 0o644))
}

// readHave returns which chunks a .have file names. What a crash has cut off
// and numbers out of range are left out.
func (f files) readHave(chunks int) (Bits, error) {
	have := NewBits(chunks)
	b, err := os.ReadFile(f.base + haveSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return have, nil
	}
	for ; len(b) >= 4; b = b[4:] {
		if i := int(binary.LittleEndian.Uint32(b)); i < chunks {
			have.Set(i)
		}
	}
	return have, err
}

// writeHave replaces the .have file by one that names the chunks in have.
func (f files) writeHave(have Bits) error {
	var b []byte
	for i := range have.Len() {
		if have.Has(i) {
			b = binary.LittleEndian.AppendUint32(b, uint32(i))
		}
	}
	return fullDisk(atomicfile.Write(f.base+haveSuffix, b, 0o644))
}

// remove deletes all files of the object.
func (f files) remove() error {
	var errs []error
	for _, suffix := range []string{"", partSuffix, haveSuffix, leavesSuffix} {
		if err := os.Remove(f.base + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// fullDisk makes what a full disk says readable.
func fullDisk(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w; free some space, then try again: %w", ErrDiskFull, err)
	}
	return err
}
