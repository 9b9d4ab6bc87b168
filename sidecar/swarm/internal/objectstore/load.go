package objectstore

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/ipfs/go-cid"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

// load notes what the folders hold. A complete object that is not kept is what
// a crash left between the last chunk and the log: it goes on as a download.
func (s *Store) load() error {
	names, err := listFiles(s.dir)
	if err != nil {
		return err
	}
	for c, e := range s.kept.entries {
		if err := s.loadObject(c, e.size, names[c.String()]); err != nil {
			return err
		}
		delete(names, c.String())
	}
	for name, found := range names {
		c, err := dag.ParseCID(name)
		if err != nil {
			continue // not ours
		}
		if err := s.loadObject(c, found.size, found); err != nil {
			return err
		}
	}
	return nil
}

// found is which files of an object a folder holds, and the size of the bytes.
type found struct {
	complete, part bool
	size           int64
}

func listFiles(dir string) (map[string]found, error) {
	out := make(map[string]found)
	shards, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, shard := range shards {
		if !shard.IsDir() {
			continue
		}
		list, err := os.ReadDir(filepath.Join(dir, shard.Name()))
		if err != nil {
			return nil, err
		}
		for _, f := range list {
			name, suffix, _ := strings.Cut(f.Name(), ".")
			if name == "" {
				_ = os.Remove(filepath.Join(dir, shard.Name(), f.Name())) // half written when the process was killed
				continue
			}
			x := out[name]
			switch suffix {
			case "":
				x.complete = true
			case "part":
				x.part = true
			default:
				out[name] = x
				continue
			}
			info, err := f.Info()
			if err != nil {
				return nil, err
			}
			x.size = info.Size()
			out[name] = x
		}
	}
	return out, nil
}

func (s *Store) loadObject(c cid.Cid, size int64, found found) error {
	f := s.files(c)
	_, kept := s.kept.entries[c]
	if !kept && !found.complete && !found.part {
		return f.remove()
	}
	if !kept && c.Type() == cid.Raw && !f.isLeaf(c) {
		// The name of a single chunk does not say its size, and the file may
		// have been cut off.
		return f.remove()
	}
	leaves, tree, err := f.readLeaves(c, size)
	if err != nil {
		if !kept {
			return f.remove() // can't be resumed
		}
		// Without digests nothing of it can be read; it is fetched anew.
		s.log.Warn("an object has lost its list of chunks and is fetched again", "cid", c.String(), "cause", err)
		s.onDamage(c)
		return nil
	}
	o := &Object{store: s, root: c, size: size, leaves: leaves, tree: tree, files: f, have: NewBits(len(leaves))}
	switch {
	case found.complete && kept && found.size == size:
		o.complete, o.have = true, AllBits(len(leaves))
	case found.complete:
		if err := os.Rename(f.base, f.base+partSuffix); err != nil {
			return err
		}
		claimed := AllBits(len(leaves))
		if err := f.writeHave(claimed); err != nil {
			return err
		}
		o.claimed = claimed
	default:
		if o.claimed, err = f.readHave(len(leaves)); err != nil {
			return err
		}
	}
	if kept && !o.complete {
		s.onDamage(c)
	}
	s.add(o)
	return nil
}
