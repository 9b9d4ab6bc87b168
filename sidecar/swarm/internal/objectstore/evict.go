package objectstore

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Used returns how many bytes the objects have on disk, in whole or in part.
func (s *Store) Used() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var n int64
	for _, o := range s.objects {
		n += o.Held()
	}
	return n
}

// Promised is Used when what is in use will be complete.
func (s *Store) Promised() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var n int64
	for _, o := range s.objects {
		if o.users > 0 {
			n += o.size
		} else {
			n += o.Held()
		}
	}
	return n
}

// Evictable returns how many bytes Evict could delete.
func (s *Store) Evictable() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var n int64
	for c, o := range s.objects {
		if e, kept := s.kept.entries[c]; o.users == 0 && !(kept && e.Pinned) {
			n += o.Held()
		}
	}
	return n
}

// Evict deletes parts of downloads that were given up, then kept objects that
// are not pinned, both in the order of their last use, until at least need
// bytes are gone or nothing is left that may go. What is in use stays. It
// returns the kept objects that went.
func (s *Store) Evict(need int64) (freed int64, gone []Info, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	type candidate struct {
		o    *Object
		kept bool
		used time.Time
	}
	var list []candidate
	for c, o := range s.objects {
		e, kept := s.kept.entries[c]
		if o.users == 0 && !(kept && e.Pinned) {
			list = append(list, candidate{o, kept, s.used[c]})
		}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		if a.kept != b.kept {
			if b.kept {
				return -1
			}
			return 1
		}
		return cmp.Or(a.used.Compare(b.used), strings.Compare(a.o.root.KeyString(), b.o.root.KeyString()))
	})
	for _, x := range list {
		if freed >= need {
			break
		}
		n := x.o.Held()
		e := s.kept.entries[x.o.root]
		if err := s.drop(x.o.root); err != nil {
			return freed, gone, err
		}
		if x.kept {
			gone = append(gone, Info{e.root, e.size, e.Kept})
		}
		x.o.doomed = true
		if err := s.settle(x.o); err != nil {
			return freed, gone, err
		}
		freed += n
	}
	return freed, gone, nil
}
