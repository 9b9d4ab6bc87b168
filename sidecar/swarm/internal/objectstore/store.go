package objectstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

var (
	// ErrNotFound says that an object or a chunk is not stored here.
	ErrNotFound = errors.New("not stored on this node")
	// ErrDamaged says that a chunk on disk did not match its digest. It is
	// missing from then on.
	ErrDamaged = errors.New("damaged on disk")
)

// Store is the objects of one node. Its methods are safe for concurrent use.
type Store struct {
	dir      string
	log      *slog.Logger
	onDamage func(root cid.Cid)

	mu      sync.Mutex
	kept    *changeLog
	objects map[cid.Cid]*Object
	leaves  map[dag.Digest][]place
	inner   map[cid.Cid]place
	used    map[cid.Cid]time.Time
}

// place is where a block stands in an object.
type place struct {
	object *Object
	index  int
}

// Info describes a kept object.
type Info struct {
	Root cid.Cid
	Size int64
	Kept
}

// Open opens or creates the store in home. onDamage is told of objects that
// have lost a chunk; it must not block.
func Open(home string, log *slog.Logger, onDamage func(root cid.Cid)) (*Store, error) {
	s := &Store{
		dir: filepath.Join(home, "objects"), log: log, onDamage: onDamage,
		objects: make(map[cid.Cid]*Object), leaves: make(map[dag.Digest][]place), inner: make(map[cid.Cid]place),
		used: make(map[cid.Cid]time.Time),
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, fmt.Errorf("object store: %w", err)
	}
	var err error
	if s.kept, err = openLog(filepath.Join(home, "objects.log")); err != nil {
		return nil, err
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("object store %s: %w; check the disk and the permissions", s.dir, err), s.kept.close())
	}
	return s, nil
}

// add makes an object known; the caller holds mu or is alone.
func (s *Store) add(o *Object) {
	s.objects[o.root] = o
	for i, d := range o.leaves {
		s.leaves[d] = append(s.leaves[d], place{o, i})
	}
	for i, n := range o.tree.Inner {
		s.inner[n.CID] = place{o, i}
	}
}

// forget takes an object out; the caller holds mu.
func (s *Store) forget(o *Object) {
	delete(s.objects, o.root)
	delete(s.used, o.root)
	for _, d := range o.leaves {
		rest := slices.DeleteFunc(slices.Clone(s.leaves[d]), func(p place) bool { return p.object == o })
		if len(rest) == 0 {
			delete(s.leaves, d)
		} else {
			s.leaves[d] = rest
		}
	}
	for _, n := range o.tree.Inner {
		if s.inner[n.CID].object == o {
			delete(s.inner, n.CID)
		}
	}
}

// Close makes all changes durable. Objects must not be used afterwards.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.kept.sync(), s.kept.close())
}

// Begin returns an object to read from or write to, which is created when it
// is not there, until Release. The digests must lead to the root. The error
// wraps dag.ErrMismatch when the object is here and has another size.
func (s *Store) Begin(root cid.Cid, size int64, leaves []dag.Digest) (*Object, error) {
	if o := s.Acquire(root); o != nil && o.size == size {
		return o, nil
	} else if o != nil {
		o.Release()
	}
	tree, err := dag.Check(root, size, leaves)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.objects[root]; o != nil && o.size == size {
		o.users++
		return o, nil
	} else if o != nil {
		if err := s.replace(o, size); err != nil {
			return nil, err
		}
	}
	if err := s.room(size); err != nil {
		return nil, err
	}
	o := &Object{store: s, root: root, size: size, leaves: leaves, tree: tree, files: s.files(root), have: NewBits(len(leaves)), users: 1}
	if err := os.MkdirAll(filepath.Dir(o.files.base), 0o755); err != nil {
		return nil, fmt.Errorf("object store: %w", fullDisk(err))
	}
	if err := o.files.writeLeaves(root, leaves); err != nil {
		return nil, fmt.Errorf("object store: %w", err)
	}
	s.add(o)
	return o, nil
}

// replace takes out an object that was begun with another size, which only
// the bytes of a single chunk prove; the caller holds mu.
func (s *Store) replace(o *Object, size int64) error {
	if o.root.Type() != cid.Raw || o.Complete() {
		return fmt.Errorf("%w: object %s has %d bytes, expected %d", dag.ErrMismatch, o.root, o.size, size)
	}
	s.forget(o)
	o.closeFiles()
	return o.files.remove()
}

// Acquire returns an object that is here, as a whole or in part, until
// Release; nil when nothing is known of it.
func (s *Store) Acquire(root cid.Cid) *Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[root]
	if o != nil {
		o.users++
		s.used[root] = time.Now()
	}
	return o
}

// Keep notes that a complete object is kept, with what change makes of what was
// noted before; nil changes nothing. durable asks that this and its bytes
// survive a power failure; otherwise they survive the end of the process.
func (s *Store) Keep(o *Object, change func(*Kept), durable bool) error {
	if !o.Complete() {
		return fmt.Errorf("keep %s: %w", o.root, ErrNotFound)
	}
	if durable {
		if err := o.Sync(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.kept.entries[o.root].Kept
	if change != nil {
		change(&k)
	}
	if err := s.kept.set(entry{o.root, o.size, k}); err != nil {
		return err
	}
	o.doomed = false
	s.used[o.root] = time.Now()
	if durable {
		return s.kept.sync()
	}
	return nil
}

// Change rewrites what is remembered of a kept object; what pointers lead to
// is replaced, not changed.
func (s *Store) Change(root cid.Cid, change func(*Kept)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.kept.entries[root]
	if !ok {
		return fmt.Errorf("object is %w; add or fetch it first", ErrNotFound)
	}
	e.Forms = slices.Clone(e.Forms)
	before := e.line()
	change(&e.Kept)
	if reflect.DeepEqual(e.line(), before) {
		return nil
	}
	return s.kept.set(e)
}

// Kept returns what is remembered of a kept object.
func (s *Store) Kept(root cid.Cid) (Info, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.kept.entries[root]
	return Info{e.root, e.size, e.Kept}, ok
}

// List returns the kept objects in the order of their CIDs.
func (s *Store) List() []Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Info, 0, len(s.kept.entries))
	for _, e := range s.kept.entries {
		out = append(out, Info{e.root, e.size, e.Kept})
	}
	slices.SortFunc(out, func(a, b Info) int { return strings.Compare(a.Root.String(), b.Root.String()) })
	return out
}

// Remove forgets a kept object and deletes its files, once nobody uses it. The
// error wraps ErrNotFound when it is not kept.
func (s *Store) Remove(root cid.Cid) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.kept.entries[root]; !ok {
		return ErrNotFound
	}
	if err := s.drop(root); err != nil {
		return err
	}
	o := s.objects[root]
	if o == nil {
		return s.files(root).remove()
	}
	o.doomed = true
	return s.settle(o)
}

// drop takes an object out of the list of kept ones. When the disk has no room
// for that, the bytes of the object go first; the caller holds mu.
func (s *Store) drop(root cid.Cid) error {
	err := s.kept.drop(root)
	o := s.objects[root]
	if !errors.Is(err, ErrDiskFull) || o != nil && o.users > 0 {
		return err
	}
	if o != nil {
		s.forget(o)
		o.closeFiles()
	}
	return errors.Join(s.files(root).remove(), s.kept.drop(root))
}

// Discard deletes an object that is not kept, once nobody uses it.
func (s *Store) Discard(o *Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.kept.entries[o.root]; !ok {
		o.doomed = true
	}
}

// Doomed says whether the object has been removed and goes once nobody uses it.
func (o *Object) Doomed() bool {
	o.store.mu.Lock()
	defer o.store.mu.Unlock()
	return o.doomed
}

// settle deletes an object that nobody uses and that is to go; the caller
// holds mu.
func (s *Store) settle(o *Object) error {
	if o.users > 0 || !o.doomed || s.objects[o.root] != o {
		return nil
	}
	s.forget(o)
	o.closeFiles()
	return o.files.remove()
}

// Partial returns the objects that are not complete and not kept.
func (s *Store) Partial() []cid.Cid {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []cid.Cid
	for c := range s.objects {
		if _, ok := s.kept.entries[c]; !ok {
			out = append(out, c)
		}
	}
	return out
}

// readPlace reads a chunk of an object that may be removed meanwhile.
func (s *Store) readPlace(p place, buf []byte) ([]byte, error) {
	o := s.Acquire(p.object.root)
	if o == nil {
		return nil, ErrNotFound
	}
	defer o.Release()
	return o.Read(p.index, buf)
}

// Copy fills in chunks of o that other objects hold, and returns how many.
func (s *Store) Copy(ctx context.Context, o *Object) (copied int, err error) {
	for i, d := range o.leaves {
		if o.Has(i) {
			continue
		}
		s.mu.Lock()
		places := slices.Clone(s.leaves[d])
		s.mu.Unlock()
		for _, p := range places {
			if p.object == o && p.index == i || !p.object.Has(p.index) {
				continue
			}
			if ctx.Err() != nil {
				return copied, context.Cause(ctx)
			}
			buf := dag.GetBuffer()
			b, err := s.readPlace(p, buf[:])
			if err == nil {
				err = o.Write(i, b)
			}
			dag.PutBuffer(buf)
			if errors.Is(err, ErrDiskFull) {
				return copied, err
			}
			if err == nil {
				copied++
				break
			}
		}
	}
	return copied, nil
}
