package weightdelta

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var (
	// ErrBase: the delta belongs to another base than the one given.
	ErrBase = errors.New("another base")
	// ErrDamaged: bytes that are no delta, or a result that is not what the delta says of it.
	ErrDamaged = errors.New("damaged delta")
)

// magic begins every delta; its last byte is the version of the format.
const magic = "poldwdl\x01"

// headerSize is the length of the fixed part: magic, two hashes, two sizes.
const headerSize = len(magic) + 32 + 32 + 8 + 8

// Limits of a block. The lower one keeps hostile deltas from being all overhead.
const (
	maxBlock   = 256 << 10 // bytes of a block that is not copied
	minGrouped = 1024      // words of a block with more than one group
)

// Forms of a block.
const (
	formCopy       = iota // the bytes of the base
	formBytes             // one section
	formPlain             // words without a base
	formXor               // words, exclusive or with those of the base
	formDifference        // words, difference to those of the base on the line of all floats
	forms                 // number of forms
)

// Codings of a group of words.
const (
	codingPlanes  = iota // four sections, one for each byte of a word
	codingClasses        // a section of magnitudes, then the bits below them
	codings              // number of codings
)

// Header is what a delta says of itself.
type Header struct {
	BaseSHA256, FullSHA256 [32]byte
	BaseSize, FullSize     int64 // bytes
}

// ParseHeader reads the header of a delta; it looks at nothing behind it. Errors wrap ErrDamaged.
func ParseHeader(delta []byte) (Header, error) {
	var h Header
	if len(delta) < headerSize || string(delta[:len(magic)]) != magic {
		return h, fmt.Errorf("%w: expected a header of %d bytes that begins with %q, got %d bytes that begin with %q; "+
			"is it a weight delta, and of a version this program knows?", ErrDamaged, headerSize, magic, len(delta), delta[:min(len(magic), len(delta))])
	}
	b := delta[len(magic):]
	copy(h.BaseSHA256[:], b)
	copy(h.FullSHA256[:], b[32:])
	base, full := le.Uint64(b[64:]), le.Uint64(b[72:])
	if base > 1<<62 || full > 1<<62 {
		return Header{}, fmt.Errorf("%w: the sizes %d and %d are no sizes of files", ErrDamaged, base, full)
	}
	h.BaseSize, h.FullSize = int64(base), int64(full)
	return h, nil
}

func (h Header) append(b []byte) []byte {
	b = append(b, magic...)
	b = append(b, h.BaseSHA256[:]...)
	b = append(b, h.FullSHA256[:]...)
	b = le.AppendUint64(b, uint64(h.BaseSize))
	return le.AppendUint64(b, uint64(h.FullSize))
}

// block is a part of the full file and where it comes from.
type block struct {
	form    byte
	from    int // offset in the full file
	size    int // bytes, at least 1
	base    int // offset in the base; of no meaning for formBytes and formPlain
	payload []byte
}

func (b *block) hasBase() bool { return b.form != formBytes && b.form != formPlain }

// blockWriter writes blocks one after the other.
type blockWriter struct {
	out  []byte
	next int // offset in the base behind the last block with one, where most blocks go on
	held block
}

// write writes a block. Neighbours that copy one piece of the base become one block.
func (w *blockWriter) write(b block) {
	if w.held.size > 0 && w.held.form == formCopy && b.form == formCopy && w.held.base+w.held.size == b.base {
		w.held.size += b.size
		return
	}
	w.flush()
	w.held = b
}

// flush writes the block that write has kept.
func (w *blockWriter) flush() {
	b := w.held
	if b.size == 0 {
		return
	}
	w.held = block{}
	w.out = append(w.out, b.form)
	w.out = binary.AppendUvarint(w.out, uint64(b.size))
	if b.hasBase() {
		w.out = binary.AppendVarint(w.out, int64(b.base-w.next))
		w.next = b.base + b.size
	}
	if b.form != formCopy {
		w.out = binary.AppendUvarint(w.out, uint64(len(b.payload)))
		w.out = append(w.out, b.payload...)
	}
}

// blockReader walks over the blocks of a delta without decoding them. It is a value: a copy goes on from the same place.
type blockReader struct {
	rest       []byte
	base, full int // sizes of the files
	from       int // offset in the full file of the next block
	next       int // offset in the base behind the last block with one
}

func newBlockReader(h Header, delta []byte) blockReader {
	return blockReader{rest: delta[headerSize:], base: int(h.BaseSize), full: int(h.FullSize)}
}

// read returns the next block, one of no bytes behind the last.
func (r *blockReader) read() (block, error) {
	if r.from == r.full {
		if len(r.rest) > 0 {
			return block{}, fmt.Errorf("%w: %d bytes follow the last block; expected none", ErrDamaged, len(r.rest))
		}
		return block{}, nil
	}
	b, err := r.block()
	if err != nil {
		return block{}, fmt.Errorf("%w: block at byte %d of %d: %w", ErrDamaged, r.from, r.full, err)
	}
	r.from += b.size
	return b, nil
}

func (r *blockReader) block() (block, error) {
	b := block{from: r.from}
	if len(r.rest) == 0 {
		return b, errors.New("the delta ends here; expected more blocks")
	}
	b.form, r.rest = r.rest[0], r.rest[1:]
	if b.form >= forms {
		return b, fmt.Errorf("expected a form below %d, got %d", forms, b.form)
	}
	size, err := readUvarint(&r.rest, r.full-r.from)
	if err != nil {
		return b, fmt.Errorf("size: %w", err)
	}
	b.size = size
	if size == 0 || b.form != formCopy && size > maxBlock || b.form >= formPlain && size%4 != 0 {
		return b, fmt.Errorf("a block of form %d cannot have %d bytes", b.form, size)
	}
	if b.hasBase() {
		shift, n := binary.Varint(r.rest)
		// The subtractions cannot overflow: next and size are at most 2^62.
		if n <= 0 || shift < -int64(r.next) || shift > int64(r.base-r.next-size) {
			return b, fmt.Errorf("expected %d bytes within a base of %d, got a place outside", size, r.base)
		}
		r.rest = r.rest[n:]
		b.base = r.next + int(shift)
		r.next = b.base + size
	}
	if b.form != formCopy {
		n, err := readUvarint(&r.rest, len(r.rest))
		if err != nil || n > len(r.rest) {
			return b, errors.New("the payload is cut off")
		}
		b.payload, r.rest = r.rest[:n:n], r.rest[n:]
	}
	return b, nil
}

// readUvarint reads a number of at most limit.
func readUvarint(b *[]byte, limit int) (int, error) {
	v, n := binary.Uvarint(*b)
	if n <= 0 || v > uint64(limit) {
		return 0, fmt.Errorf("expected a number of at most %d", limit)
	}
	*b = (*b)[n:]
	return int(v), nil
}
