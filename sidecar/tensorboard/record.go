package tensorboard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// MaxRecordBytes bounds one record when reading, so that a damaged length takes no memory. Scalars need less than 100 bytes each.
const MaxRecordBytes = 16 << 20

// ErrCorrupt says that a record's bytes do not fit its checksums; ErrTruncated that the file ends within a record, as it does after a
// crash.
var (
	ErrCorrupt   = errors.New("corrupt event file")
	ErrTruncated = errors.New("event file ends within a record")
)

const lengthBytes, sumBytes = 8, 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maskedCRC is the CRC-32C of b, rotated right by 15 bits plus a constant: the format masks checksums because computing the CRC of
// data that holds CRCs is a weak check.
func maskedCRC(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// appendRecord appends the frame of one record: length and its checksum, data and its checksum; all numbers little endian.
func appendRecord(b, data []byte) []byte {
	at := len(b)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(data)))
	b = binary.LittleEndian.AppendUint32(b, maskedCRC(b[at:]))
	b = append(b, data...)
	return binary.LittleEndian.AppendUint32(b, maskedCRC(data))
}

// readRecord returns the data of the next record; io.EOF says that the stream ended between two records.
func readRecord(r io.Reader) ([]byte, error) {
	var head [lengthBytes + sumBytes]byte
	switch _, err := io.ReadFull(r, head[:]); {
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, ErrTruncated
	case err != nil:
		return nil, err
	}
	if got, want := maskedCRC(head[:lengthBytes]), binary.LittleEndian.Uint32(head[lengthBytes:]); got != want {
		return nil, fmt.Errorf("%w: length of a record: expected checksum %08x, got %08x", ErrCorrupt, want, got)
	}
	length := binary.LittleEndian.Uint64(head[:])
	if length > MaxRecordBytes {
		return nil, fmt.Errorf("%w: expected a record of at most %d bytes, got %d", ErrCorrupt, MaxRecordBytes, length)
	}
	data := make([]byte, length+sumBytes)
	if _, err := io.ReadFull(r, data); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, ErrTruncated
	} else if err != nil {
		return nil, err
	}
	data, sum := data[:length], data[length:]
	if got, want := maskedCRC(data), binary.LittleEndian.Uint32(sum); got != want {
		return nil, fmt.Errorf("%w: data of a record: expected checksum %08x, got %08x", ErrCorrupt, want, got)
	}
	return data, nil
}
