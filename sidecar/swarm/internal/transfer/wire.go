package transfer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-varint"

	"github.com/pold-network/pold/sidecar/swarm/internal/dag"
	"github.com/pold-network/pold/sidecar/swarm/internal/objectstore"
)

const (
	// MapProtocol carries messages about which chunks there are. Each side
	// opens a stream of its own to speak on.
	MapProtocol = "/pold/map/1"
	// ChunkProtocol carries chunks. The asking side opens it and names one
	// object.
	ChunkProtocol = "/pold/chunk/1"
)

// Messages of MapProtocol, each behind its length as a varint:
//
//	WANT root digests   tell me what you hold of it, now and later, and the
//	                    digests of its chunks if that byte is 1
//	DROP root           no longer
//	MAP  root state size forms digests bits
//	                    what I hold now
//	HAVE root numbers   chunks that I hold in addition
//	IDLE root           nobody asks me for it now
//
// Roots are CIDs of 36 bytes, sizes and numbers are varints.
const (
	msgWant = 1 + iota
	msgDrop
	msgMap
	msgHave
	msgIdle
)

const (
	// maxMessage bounds a message in bytes: a bitfield of the largest object
	// and the forms.
	maxMessage = 192 << 10
	// maxForms bounds the other forms of an object that a map may name.
	maxForms = 4
	// maxInline bounds the list of digests in a MAP, in bytes; a longer one is
	// asked for on a stream of ChunkProtocol.
	maxInline = 64 << 10
	// maxHaves bounds the numbers in one HAVE.
	maxHaves = 4096
)

var errMessage = errors.New("malformed message")

type message struct {
	kind byte
	root cid.Cid
	// WANT
	digests bool
	// MAP
	size   int64 // -1: nothing is held
	have   objectstore.Bits
	forms  []objectstore.Form
	leaves []byte // the digests, or empty
	// HAVE
	numbers []uint32
}

const (
	mapNone     = 0 // nothing is held
	mapPart     = 1 // size, forms and bits follow
	mapComplete = 2 // size and forms follow
)

func (m *message) encode() []byte {
	b := append([]byte{m.kind}, m.root.Bytes()...)
	switch m.kind {
	case msgWant:
		if m.digests {
			return append(b, 1)
		}
		return append(b, 0)
	case msgMap:
		switch {
		case m.size < 0:
			return append(b, mapNone)
		case m.have.All():
			b = append(b, mapComplete)
		default:
			b = append(b, mapPart)
		}
		b = binary.AppendUvarint(b, uint64(m.size))
		b = append(b, byte(len(m.forms)))
		for _, f := range m.forms {
			b = append(b, f.Base.Bytes()...)
			b = append(b, f.Delta.Bytes()...)
			b = binary.AppendUvarint(b, uint64(f.Size))
		}
		b = binary.AppendUvarint(b, uint64(len(m.leaves)))
		b = append(b, m.leaves...)
		if !m.have.All() {
			b = append(b, m.have.Bytes()...)
		}
	case msgHave:
		for _, i := range m.numbers {
			b = binary.AppendUvarint(b, uint64(i))
		}
	}
	return b
}

// decodeMessage reads what encode writes and nothing else.
func decodeMessage(b []byte) (*message, error) {
	if len(b) < 1+dag.CIDSize {
		return nil, fmt.Errorf("%w: %d bytes", errMessage, len(b))
	}
	root, err := dag.CastCID(b[1 : 1+dag.CIDSize])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMessage, err)
	}
	m := &message{kind: b[0], root: root}
	rest := b[1+dag.CIDSize:]
	switch m.kind {
	case msgWant:
		if len(rest) != 1 || rest[0] > 1 {
			return nil, errMessage
		}
		m.digests = rest[0] == 1
	case msgDrop, msgIdle:
		if len(rest) != 0 {
			err = errMessage
		}
	case msgMap:
		err = m.decodeMap(rest)
	case msgHave:
		err = m.decodeHave(rest)
	default:
		err = fmt.Errorf("%w: kind %d", errMessage, m.kind)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (m *message) decodeMap(b []byte) error {
	if len(b) == 0 {
		return errMessage
	}
	state := b[0]
	b = b[1:]
	if state == mapNone {
		m.size = -1
		if len(b) != 0 {
			return errMessage
		}
		return nil
	}
	size, n, err := varint.FromUvarint(b)
	if err != nil || size > uint64(dag.MaxSize) {
		return fmt.Errorf("%w: size", errMessage)
	}
	m.size, b = int64(size), b[n:]
	// A single chunk is small, whatever is said of it.
	if _, err := dag.Root(m.root, m.size); err != nil {
		return fmt.Errorf("%w: %w", errMessage, err)
	}
	if len(b) == 0 || b[0] > maxForms {
		return fmt.Errorf("%w: forms", errMessage)
	}
	count := int(b[0])
	b = b[1:]
	for range count {
		var f objectstore.Form
		if b, f, err = decodeForm(b); err != nil {
			return err
		}
		m.forms = append(m.forms, f)
	}
	length, n, err := varint.FromUvarint(b)
	if err != nil || length > maxInline || uint64(len(b)-n) < length || length != 0 && length != uint64(dag.Leaves(m.size)*len(dag.Digest{})) {
		return fmt.Errorf("%w: digests", errMessage)
	}
	m.leaves, b = b[n:n+int(length)], b[n+int(length):]
	switch state {
	case mapComplete:
		if len(b) != 0 {
			return errMessage
		}
		m.have = objectstore.AllBits(dag.Leaves(m.size))
	case mapPart:
		if m.have, err = objectstore.ParseBits(b, dag.Leaves(m.size)); err != nil || m.have.All() {
			return fmt.Errorf("%w: bits", errMessage)
		}
	default:
		return fmt.Errorf("%w: state %d", errMessage, state)
	}
	return nil
}

func decodeForm(b []byte) ([]byte, objectstore.Form, error) {
	var f objectstore.Form
	if len(b) < 2*dag.CIDSize {
		return nil, f, fmt.Errorf("%w: forms", errMessage)
	}
	var err1, err2, err3 error
	f.Base, err1 = dag.CastCID(b[:dag.CIDSize])
	f.Delta, err2 = dag.CastCID(b[dag.CIDSize : 2*dag.CIDSize])
	size, n, err3 := varint.FromUvarint(b[2*dag.CIDSize:])
	if err := errors.Join(err1, err2, err3); err != nil || size > uint64(dag.MaxSize) {
		return nil, f, fmt.Errorf("%w: forms", errMessage)
	}
	f.Size = int64(size)
	return b[2*dag.CIDSize+n:], f, nil
}

func (m *message) decodeHave(b []byte) error {
	for len(b) > 0 {
		i, n, err := varint.FromUvarint(b)
		if err != nil || i >= uint64(dag.Leaves(dag.MaxSize)) || len(m.numbers) == maxHaves {
			return fmt.Errorf("%w: numbers", errMessage)
		}
		m.numbers = append(m.numbers, uint32(i))
		b = b[n:]
	}
	if len(m.numbers) == 0 {
		return fmt.Errorf("%w: no numbers", errMessage)
	}
	return nil
}

// appendMessage appends the length and the message.
func appendMessage(b []byte, m *message) []byte {
	body := m.encode()
	b = binary.AppendUvarint(b, uint64(len(body)))
	return append(b, body...)
}

// messageReader is what readMessage reads from.
type messageReader interface {
	io.Reader
	io.ByteReader
}

func readMessage(r messageReader) (*message, error) {
	n, err := varint.ReadUvarint(r)
	if err != nil {
		return nil, err
	}
	if n > maxMessage {
		return nil, fmt.Errorf("%w: %d bytes", errMessage, n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	return decodeMessage(b)
}

// On a stream of ChunkProtocol the asking side sends the root once, then
// numbers of chunks as four bytes each, least significant first, with the
// highest bit set to take a number back. The other side answers with frames:
// number, length, bytes. It answers in an order of its own choice.
const (
	cancelBit = 1 << 31
	// leavesNumber asks for the list of digests, in the same frame.
	leavesNumber = 1<<31 - 1
	// busyNumber says that requests are waiting for their turn.
	busyNumber = 1<<31 - 2
	// missingLength is the length of a chunk that is not here, takenLength
	// that of one whose request was taken back in time.
	missingLength = 1<<32 - 1
	takenLength   = 1<<32 - 2

	frameHeader = 8
)

func putFrame(b []byte, number, length uint32) {
	binary.LittleEndian.PutUint32(b, number)
	binary.LittleEndian.PutUint32(b[4:], length)
}

func readFrame(b []byte) (number, length uint32) {
	return binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
}
