package swarm

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/ipfs/go-cid"

	"github.com/pold-network/pold/sidecar/atomicfile"
)

// pin is an object this node keeps.
type pin struct {
	Object
	root cid.Cid
	// provide asks for a DHT record, renewed until the object is removed.
	provide bool
	// removing marks an object whose blocks are being deleted; Open completes
	// a removal that a crash interrupted.
	removing bool
}

// pinFile is the form on disk, sorted by CID.
type pinFile struct {
	Version int        `json:"version"`
	Objects []pinEntry `json:"objects"`
}

type pinEntry struct {
	CID      string `json:"cid"`
	Size     int64  `json:"size"`
	SHA256   string `json:"sha256"`
	Provide  bool   `json:"provide,omitempty"`
	Removing bool   `json:"removing,omitempty"`
}

const pinVersion = 1

// pinSet is the set of kept objects, written to disk before a change counts.
type pinSet struct {
	path string

	mu   sync.Mutex
	pins map[cid.Cid]pin
}

func loadPins(path string) (*pinSet, error) {
	s := &pinSet{path: path, pins: make(map[cid.Cid]pin)}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list of kept objects: %w", err)
	}
	if err := s.parse(text); err != nil {
		return nil, fmt.Errorf("list of kept objects %s is damaged: %w; restore it from a copy, or move it away: objects are then fetched again when needed", path, err)
	}
	return s, nil
}

func (s *pinSet) parse(text []byte) error {
	var file pinFile
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return err
	}
	if file.Version != pinVersion {
		return fmt.Errorf("expected version %d, got %d", pinVersion, file.Version)
	}
	for i, e := range file.Objects {
		c, err := parseCID(e.CID)
		if err != nil {
			return fmt.Errorf("object %d: %w", i, err)
		}
		sum, err := hex.DecodeString(e.SHA256)
		if err != nil || len(sum) != 32 {
			return fmt.Errorf("object %d: expected a sha256 of 64 hex digits, got %q", i, e.SHA256)
		}
		if _, err := rootSpan(c, e.Size); err != nil || e.Size < 0 {
			return fmt.Errorf("object %d: size %d does not fit its cid", i, e.Size)
		}
		s.pins[c] = pin{
			Object:   Object{CID: e.CID, Size: e.Size, SHA256: [32]byte(sum)},
			root:     c,
			provide:  e.Provide,
			removing: e.Removing,
		}
	}
	return nil
}

// get returns the pin of a root that is kept.
func (s *pinSet) get(c cid.Cid) (pin, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.pins[c]
	return p, ok && !p.removing
}

// list returns the pins in the order of their CIDs, without those being
// removed unless asked for.
func (s *pinSet) list(withRemoving bool) []pin {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]pin, 0, len(s.pins))
	for _, p := range s.pins {
		if withRemoving || !p.removing {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b pin) int { return strings.Compare(a.CID, b.CID) })
	return out
}

// set stores p; a change that cannot be written is undone.
func (s *pinSet) set(p pin) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, had := s.pins[p.root]
	if had && old == p {
		return nil
	}
	s.pins[p.root] = p
	if err := s.write(); err != nil {
		if had {
			s.pins[p.root] = old
		} else {
			delete(s.pins, p.root)
		}
		return err
	}
	return nil
}

// drop forgets c.
func (s *pinSet) drop(c cid.Cid) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, had := s.pins[c]
	if !had {
		return nil
	}
	delete(s.pins, c)
	if err := s.write(); err != nil {
		s.pins[c] = old
		return err
	}
	return nil
}

func (s *pinSet) write() error {
	file := pinFile{Version: pinVersion, Objects: make([]pinEntry, 0, len(s.pins))}
	for _, p := range s.pins {
		file.Objects = append(file.Objects, pinEntry{
			CID: p.CID, Size: p.Size, SHA256: hex.EncodeToString(p.SHA256[:]),
			Provide: p.provide, Removing: p.removing,
		})
	}
	slices.SortFunc(file.Objects, func(a, b pinEntry) int { return strings.Compare(a.CID, b.CID) })
	text, err := json.MarshalIndent(file, "", " ")
	if err != nil {
		return fmt.Errorf("list of kept objects: %w", err)
	}
	if err := atomicfile.Write(s.path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the list of kept objects %s: %w; is the disk full?", s.path, err)
	}
	return nil
}
