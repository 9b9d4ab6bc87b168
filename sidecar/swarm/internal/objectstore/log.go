package objectstore

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/ipfs/go-cid"

	"github.com/pold-network/pold/sidecar/atomicfile"
	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
)

// entry is what the log says of one object.
type entry struct {
	root cid.Cid
	size int64
	Kept
}

// Kept is what is remembered of a kept object beside its bytes.
type Kept struct {
	// SHA256 is that of all bytes, if it was ever computed.
	SHA256 *[32]byte
	// Provide asks for a DHT record.
	Provide bool
	// Pinned objects are never evicted.
	Pinned bool
	// Card is what others find it by, nil for nothing.
	Card *Card
	// Forms are other objects from which this one can be made.
	Forms []Form
}

// Card describes an object to those who look for it.
type Card struct {
	// Kind is what it is, such as "table" or "checkpoint".
	Kind string `json:"kind,omitempty"`
	Name string `json:"name,omitempty"`
	// Tags are the words under which it is found.
	Tags []string `json:"tags"`
}

// Form names an object that, applied to another, gives a third.
type Form struct {
	Base  cid.Cid // what has to be here
	Delta cid.Cid // what is applied to it
	Size  int64   // of the delta in bytes
}

// line is the form on disk.
type line struct {
	CID     string     `json:"cid"`
	Size    int64      `json:"size"`
	SHA256  string     `json:"sha256,omitempty"`
	Provide bool       `json:"provide,omitempty"`
	Pinned  bool       `json:"pinned,omitempty"`
	Card    *Card      `json:"card,omitempty"`
	Forms   []formLine `json:"forms,omitempty"`
	Gone    bool       `json:"gone,omitempty"`
}

type formLine struct {
	Base  string `json:"base"`
	Delta string `json:"delta"`
	Size  int64  `json:"size"`
}

const (
	logVersion = `{"objects":1}`
	// maxLine bounds one line of the log in bytes.
	maxLine = 1 << 20
	// slack is how many lines beyond twice the needed ones are tolerated.
	slack = 1000
)

// changeLog is the list of kept objects, in memory and on disk.
type changeLog struct {
	path    string
	file    *os.File
	lines   int
	end     int64
	entries map[cid.Cid]entry
}

func openLog(path string) (*changeLog, error) {
	l := &changeLog{path: path, entries: make(map[cid.Cid]entry)}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list of kept objects: %w", err)
	}
	torn, err := l.parse(text)
	if err != nil {
		return nil, fmt.Errorf("list of kept objects %s is damaged: %w; restore it from a copy, or move it away: objects are then fetched again when needed", path, err)
	}
	if len(text) == 0 || torn || l.lines > 2*len(l.entries)+slack {
		return l, l.rewrite()
	}
	return l, l.reopen()
}

// parse reads the lines. A last line without end is what a crash leaves: it
// never counted.
func (l *changeLog) parse(text []byte) (torn bool, err error) {
	if len(text) == 0 {
		return false, nil
	}
	if cut := bytes.LastIndexByte(text, '\n') + 1; cut < len(text) {
		if cut == 0 {
			// The first line is never written without its end.
			return false, fmt.Errorf("line 1: expected %s, got %.80q", logVersion, text)
		}
		torn, text = true, text[:cut]
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if n == 1 {
			if lines.Text() != logVersion {
				return torn, fmt.Errorf("line 1: expected %s, got %.80q", logVersion, lines.Text())
			}
			continue
		}
		if err := l.apply(lines.Bytes()); err != nil {
			return torn, fmt.Errorf("line %d: %w", n, err)
		}
		l.lines++
	}
	return torn, lines.Err()
}

func (l *changeLog) apply(text []byte) error {
	var x line
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&x); err != nil {
		return err
	}
	c, err := dag.ParseCID(x.CID)
	if err != nil {
		return err
	}
	if x.Gone {
		delete(l.entries, c)
		return nil
	}
	if _, err := dag.Root(c, x.Size); err != nil {
		return err
	}
	e := entry{root: c, size: x.Size, Kept: Kept{Provide: x.Provide, Pinned: x.Pinned, Card: x.Card}}
	if x.SHA256 != "" {
		sum, err := hex.DecodeString(x.SHA256)
		if err != nil || len(sum) != 32 {
			return fmt.Errorf("expected a sha256 of 64 hex digits, got %q", x.SHA256)
		}
		e.SHA256 = (*[32]byte)(sum)
	}
	for _, f := range x.Forms {
		form := Form{Size: f.Size}
		if form.Base, err = dag.ParseCID(f.Base); err != nil {
			return err
		}
		if form.Delta, err = dag.ParseCID(f.Delta); err != nil {
			return err
		}
		e.Forms = append(e.Forms, form)
	}
	l.entries[c] = e
	return nil
}

func (e entry) line() line {
	x := line{CID: e.root.String(), Size: e.size, Provide: e.Provide, Pinned: e.Pinned, Card: e.Card}
	if e.SHA256 != nil {
		x.SHA256 = hex.EncodeToString(e.SHA256[:])
	}
	for _, f := range e.Forms {
		x.Forms = append(x.Forms, formLine{f.Base.String(), f.Delta.String(), f.Size})
	}
	return x
}

// set notes an entry; it counts when set returns.
func (l *changeLog) set(e entry) error {
	if err := l.append(e.line()); err != nil {
		return err
	}
	l.entries[e.root] = e
	return l.trim()
}

// drop forgets an entry.
func (l *changeLog) drop(c cid.Cid) error {
	if _, ok := l.entries[c]; !ok {
		return nil
	}
	if err := l.append(line{CID: c.String(), Gone: true}); err != nil {
		return err
	}
	delete(l.entries, c)
	return l.trim()
}

func (l *changeLog) append(x line) error {
	text, err := json.Marshal(x)
	if err != nil {
		return fmt.Errorf("list of kept objects: %w", err)
	}
	if len(text) >= maxLine {
		return fmt.Errorf("list of kept objects: an entry of %d bytes is too long", len(text))
	}
	// At a position of its own, so that what a full disk has cut off is
	// overwritten by the next line.
	n, err := l.file.WriteAt(append(text, '\n'), l.end)
	if err != nil {
		if n > 0 {
			_ = l.file.Truncate(l.end)
		}
		return fmt.Errorf("write the list of kept objects %s: %w", l.path, fullDisk(err))
	}
	l.end += int64(n)
	l.lines++
	return nil
}

// trim rewrites the log once most of it is history.
func (l *changeLog) trim() error {
	if l.lines <= 2*len(l.entries)+slack {
		return nil
	}
	return l.rewrite()
}

func (l *changeLog) rewrite() error {
	all := make([]entry, 0, len(l.entries))
	for _, e := range l.entries {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.root.KeyString(), b.root.KeyString()) })
	var text bytes.Buffer
	text.WriteString(logVersion + "\n")
	enc := json.NewEncoder(&text)
	for _, e := range all {
		if err := enc.Encode(e.line()); err != nil {
			return fmt.Errorf("list of kept objects: %w", err)
		}
	}
	if err := atomicfile.Write(l.path, text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the list of kept objects %s: %w", l.path, fullDisk(err))
	}
	l.lines = len(all)
	return l.reopen()
}

func (l *changeLog) reopen() error {
	if l.file != nil {
		_ = l.file.Close()
	}
	var err error
	if l.file, err = os.OpenFile(l.path, os.O_RDWR, 0); err != nil {
		return fmt.Errorf("list of kept objects: %w", err)
	}
	info, err := l.file.Stat()
	if err != nil {
		return fmt.Errorf("list of kept objects: %w", err)
	}
	l.end = info.Size()
	return nil
}

// sync makes all changes so far survive a power failure.
func (l *changeLog) sync() error { return l.file.Sync() }

func (l *changeLog) close() error { return l.file.Close() }
