package objectstore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

// Object is an object of which some or all chunks are here. Its methods are
// safe for concurrent use.
type Object struct {
	store  *Store
	root   cid.Cid
	size   int64
	leaves []dag.Digest
	tree   *dag.Tree
	files  files

	// users and doomed belong to the store's lock.
	users  int
	doomed bool

	checking sync.Mutex // held while claims are looked at

	// mu is held shared while the files are read or written, and alone while
	// they change their names.
	mu       sync.RWMutex
	complete bool
	data     *os.File // open for writing while chunks are missing

	bits    sync.Mutex // guards what follows
	have    Bits
	sound   map[int]sound // chunks that are read again and again and have matched
	claimed Bits          // chunks that the .have file named at the start and nobody has read yet
	numbers *os.File
}

// Root is the CID of the object.
func (o *Object) Root() cid.Cid { return o.root }

// Size is the number of bytes.
func (o *Object) Size() int64 { return o.size }

// Leaves are the digests of the chunks; they must not be changed.
func (o *Object) Leaves() []dag.Digest { return o.leaves }

// Inner are the inner nodes of the DAG above the chunks.
func (o *Object) Inner() []dag.Inner { return o.tree.Inner }

// Release ends what Begin or Acquire began.
func (o *Object) Release() {
	s := o.store
	s.mu.Lock()
	defer s.mu.Unlock()
	o.users--
	if err := s.settle(o); err != nil {
		s.log.Warn("cannot delete the files of a removed object", "cid", o.root.String(), "cause", err)
	}
	if o.users == 0 {
		o.closeFiles()
	}
}

// closeFiles closes what is open for writing.
func (o *Object) closeFiles() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.data != nil {
		_ = o.data.Close()
		o.data = nil
	}
	o.bits.Lock()
	defer o.bits.Unlock()
	if o.numbers != nil {
		_ = o.numbers.Close()
		o.numbers = nil
	}
}

// Complete says whether all chunks are here.
func (o *Object) Complete() bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.complete
}

// Have returns which chunks are here.
func (o *Object) Have() Bits {
	o.bits.Lock()
	defer o.bits.Unlock()
	return o.have.Clone()
}

// Has says whether chunk i is here.
func (o *Object) Has(i int) bool {
	o.bits.Lock()
	defer o.bits.Unlock()
	return o.have.Has(i)
}

// Verify reads the chunks that an earlier process has left and counts those
// that match.
func (o *Object) Verify(ctx context.Context) error {
	o.checking.Lock()
	defer o.checking.Unlock()
	o.bits.Lock()
	claimed := o.claimed.Clone()
	o.bits.Unlock()
	if claimed.Count() == 0 {
		return o.finishFull()
	}
	f, err := os.Open(o.files.base + partSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
		claimed = NewBits(len(o.leaves))
	}
	if err != nil {
		return fmt.Errorf("object %s: %w", o.root, err)
	}
	good := NewBits(len(o.leaves))
	if f != nil {
		defer f.Close()
		buf := dag.GetBuffer()
		defer dag.PutBuffer(buf)
		for i := range o.leaves {
			if !claimed.Has(i) {
				continue
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			leaf := buf[:dag.LeafSize(o.size, i)]
			if _, err := f.ReadAt(leaf, int64(i)*dag.ChunkSize); err == nil && sha256.Sum256(leaf) == o.leaves[i] {
				good.Set(i)
			}
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bits.Lock()
	defer o.bits.Unlock()
	for i := range o.leaves {
		if good.Has(i) {
			o.have.Set(i)
		}
	}
	o.claimed = Bits{}
	if o.have.All() && !o.complete {
		return o.finish()
	}
	return nil
}

// Write stores chunk i, whose digest the caller has checked. It counts when
// Write returns.
func (o *Object) Write(i int, chunk []byte) error {
	err := o.write(i, chunk)
	if err != nil {
		err = fmt.Errorf("store chunk %d of %s: %w", i, o.root, fullDisk(err))
	}
	return err
}

func (o *Object) write(i int, chunk []byte) error {
	if len(chunk) != dag.LeafSize(o.size, i) {
		return fmt.Errorf("%w: expected %d bytes, got %d", dag.ErrMismatch, dag.LeafSize(o.size, i), len(chunk))
	}
	if o.Has(i) {
		return nil
	}
	f, err := o.writer()
	if err != nil {
		return err
	}
	if f == nil {
		return nil // complete by now
	}
	if _, err := f.WriteAt(chunk, int64(i)*dag.ChunkSize); err != nil {
		o.mu.RUnlock()
		return err
	}
	err = o.note(i)
	all := o.full()
	o.mu.RUnlock()
	if err != nil || !all {
		return err
	}
	return o.finishFull()
}

// finishFull finishes an object of which all chunks are here, which may have
// failed before.
func (o *Object) finishFull() error {
	if !o.full() || o.Complete() {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bits.Lock()
	defer o.bits.Unlock()
	if o.complete || !o.have.All() {
		return nil
	}
	return o.finish()
}

func (o *Object) full() bool {
	o.bits.Lock()
	defer o.bits.Unlock()
	return o.have.All()
}

// writer returns the file for chunks with mu held shared, or nil without it
// when the object is complete.
func (o *Object) writer() (*os.File, error) {
	for {
		o.mu.RLock()
		if o.data != nil {
			return o.data, nil
		}
		o.mu.RUnlock()
		if done, err := o.openData(); done || err != nil {
			return nil, err
		}
	}
}

// openData opens the file for chunks, unless the object is complete.
func (o *Object) openData() (complete bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.complete || o.data != nil {
		return o.complete, nil
	}
	f, err := os.OpenFile(o.files.base+partSuffix, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return false, err
	}
	// The size is declared at once, so that the file says how large the
	// object is even when the process ends.
	if err := f.Truncate(o.size); err != nil {
		return false, errors.Join(err, f.Close())
	}
	o.data = f
	return false, nil
}

// note appends the number of a chunk and counts it.
func (o *Object) note(i int) error {
	o.bits.Lock()
	defer o.bits.Unlock()
	if o.numbers == nil {
		f, err := os.OpenFile(o.files.base+haveSuffix, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
		if err != nil {
			return err
		}
		// A number that a crash has cut off would shift those behind it.
		if info, err := f.Stat(); err == nil && info.Size()%4 != 0 {
			_ = f.Truncate(info.Size() - info.Size()%4)
		}
		o.numbers = f
	}
	if _, err := o.numbers.Write(binary.LittleEndian.AppendUint32(nil, uint32(i))); err != nil {
		_ = o.numbers.Close()
		o.numbers = nil // looked at again before the next one
		return err
	}
	o.have.Set(i)
	return nil
}

// finish gives the file its final name; the caller holds mu and bits.
func (o *Object) finish() error {
	if o.size == 0 {
		f, err := os.OpenFile(o.files.base+partSuffix, os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	if o.data == nil {
		// What stood behind the last chunk would look like damage.
		if err := os.Truncate(o.files.base+partSuffix, o.size); err != nil {
			return err
		}
	}
	if err := os.Rename(o.files.base+partSuffix, o.files.base); err != nil {
		return err
	}
	o.complete = true
	if o.data != nil {
		_ = o.data.Close()
		o.data = nil
	}
	if o.numbers != nil {
		_ = o.numbers.Close()
		o.numbers = nil
	}
	_ = os.Remove(o.files.base + haveSuffix)
	return nil
}

// Sync makes the bytes survive a power failure.
func (o *Object) Sync() error {
	o.mu.RLock()
	defer o.mu.RUnlock()
	f, err := os.Open(o.path())
	if err != nil {
		return fmt.Errorf("object %s: %w", o.root, err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("object %s: %w", o.root, fullDisk(err))
	}
	return nil
}

func (o *Object) path() string {
	if o.complete {
		return o.files.base
	}
	return o.files.base + partSuffix
}

// Read returns the verified bytes of chunk i in buf, which needs room for a
// chunk. The error wraps ErrNotFound when it is not here and ErrDamaged when
// it did not match.
func (o *Object) Read(i int, buf []byte) ([]byte, error) {
	if i < 0 || i >= len(o.leaves) {
		return nil, fmt.Errorf("chunk %d of %s: %w: it has %d chunks", i, o.root, ErrNotFound, len(o.leaves))
	}
	leaf := buf[:dag.LeafSize(o.size, i)]
	err := o.read(i, leaf)
	if !isDamage(err) {
		return leaf, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	// A good chunk may have been written in its place in the meantime.
	if again := o.readLocked(i, leaf); !isDamage(again) {
		return leaf, again
	}
	if lost := o.lose(i); lost != nil {
		return nil, fmt.Errorf("chunk %d of %s is damaged (%w) and can't be marked as missing: %w; check the disk", i, o.root, err, lost)
	}
	o.store.log.Warn("a chunk was damaged on disk", "cid", o.root.String(), "chunk", i, "cause", err)
	o.store.onDamage(o.root)
	return nil, fmt.Errorf("chunk %d of %s was %w: %w", i, o.root, ErrDamaged, err)
}

func (o *Object) read(i int, leaf []byte) error {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.readLocked(i, leaf)
}

var errDigest = errors.New("the bytes don't match the digest")

func (o *Object) readLocked(i int, leaf []byte) error {
	if !o.Has(i) {
		return fmt.Errorf("chunk %d of %s is %w", i, o.root, ErrNotFound)
	}
	f := o.data
	if f == nil {
		var err error
		if f, err = os.Open(o.path()); err != nil {
			return fmt.Errorf("object %s: %w", o.root, err)
		}
		defer f.Close()
	}
	if _, err := f.ReadAt(leaf, int64(i)*dag.ChunkSize); err != nil && !(errors.Is(err, io.EOF) && len(leaf) == 0) {
		return fmt.Errorf("object %s: %w", o.root, err)
	}
	info, err := f.Stat()
	if err == nil && o.isSound(i, info) {
		return nil
	}
	if sha256.Sum256(leaf) != o.leaves[i] {
		return errDigest
	}
	if err == nil {
		o.matched(i, info)
	}
	return nil
}

// isSound says whether a chunk has matched just now and nobody has written to
// the file since: then it still comes from memory, and is not hashed again for
// each of many readers.
func (o *Object) isSound(i int, info os.FileInfo) bool {
	o.bits.Lock()
	s, ok := o.sound[i]
	o.bits.Unlock()
	return ok && time.Since(s.at) <= soundTime && info.ModTime().Equal(s.file.ModTime()) && os.SameFile(info, s.file)
}

// sound is when a chunk has matched, and what the file was then.
type sound struct {
	at   time.Time
	file os.FileInfo
}

// matched notes that a chunk was read and matched, info being what the file
// was then.
func (o *Object) matched(i int, info os.FileInfo) {
	now := time.Now()
	// The clock of a file system has coarse ticks: another change may follow
	// one of just now and look like it.
	if !info.ModTime().Add(time.Second).Before(now) {
		return
	}
	o.bits.Lock()
	defer o.bits.Unlock()
	if len(o.sound) >= maxSound {
		clear(o.sound)
	}
	if o.sound == nil {
		o.sound = make(map[int]sound)
	}
	o.sound[i] = sound{now, info}
}

const (
	// soundTime is how long a chunk that matched is taken to be sound.
	soundTime = 30 * time.Second
	// maxSound bounds the chunks of one object of which that is noted.
	maxSound = 4096
)

// isDamage tells bad bytes, a short or a lost file from a fault such as too
// many open files, after which the chunk may still be good.
func isDamage(err error) bool {
	return errors.Is(err, errDigest) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EIO) || errors.Is(err, fs.ErrNotExist)
}

// lose marks chunk i as missing; the caller holds mu.
func (o *Object) lose(i int) error {
	o.bits.Lock()
	defer o.bits.Unlock()
	rest := o.have.Clone()
	rest.Clear(i)
	if o.numbers != nil {
		_ = o.numbers.Close()
		o.numbers = nil
	}
	if err := o.files.writeHave(rest); err != nil {
		return err
	}
	if o.complete {
		if err := os.Rename(o.files.base, o.files.base+partSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		o.complete = false
	}
	o.have = rest
	return nil
}

// Missing returns how many bytes are not here.
func (o *Object) Missing() int64 {
	o.bits.Lock()
	defer o.bits.Unlock()
	var n int64
	for i := range o.leaves {
		if !o.have.Has(i) {
			n += int64(dag.LeafSize(o.size, i))
		}
	}
	return n
}

// Held returns how many bytes are here.
func (o *Object) Held() int64 { return o.size - o.Missing() }
