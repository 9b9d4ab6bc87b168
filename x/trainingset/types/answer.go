package types

import (
	"encoding/binary"
	"fmt"
)

// DataStatus is the first finding of a data-delta task.
type DataStatus uint8

// Findings of a data-delta task; their numbers are part of the protocol.
const (
	DataValid        DataStatus = 0
	DataNotCanonical DataStatus = 1
	DataDuplicateRow DataStatus = 2
	DataNotNumeric   DataStatus = 3
)

// String says the finding in words.
func (s DataStatus) String() string {
	switch s {
	case DataValid:
		return "valid"
	case DataNotCanonical:
		return "not a canonical table"
	case DataDuplicateRow:
		return "a row appears twice"
	case DataNotNumeric:
		return "a cell is not a number"
	}
	return fmt.Sprintf("unknown finding %d", uint8(s))
}

// DataAnswer is the answer of a data-delta task: what validators found in the table.
type DataAnswer struct {
	Status  DataStatus
	Rows    uint64
	Columns uint32
	// Root is the RFC 6962 tree hash over the rows.
	Root [32]byte
	// Digest is SHA-256 over the manifest hash and all rows, so that the registered figures alone can't be repeated.
	Digest [32]byte
}

const (
	dataAnswerVersion = 1
	// DataAnswerSize is the length of an encoded answer in bytes.
	DataAnswerSize = 2 + 8 + 4 + 32 + 32
)

// Encode returns the canonical bytes of the answer.
func (a DataAnswer) Encode() []byte {
	b := make([]byte, 0, DataAnswerSize)
	b = append(b, dataAnswerVersion, byte(a.Status))
	b = binary.BigEndian.AppendUint64(b, a.Rows)
	b = binary.BigEndian.AppendUint32(b, a.Columns)
	b = append(b, a.Root[:]...)
	return append(b, a.Digest[:]...)
}

// DecodeDataAnswer is the inverse of Encode.
func DecodeDataAnswer(b []byte) (DataAnswer, error) {
	var a DataAnswer
	if len(b) != DataAnswerSize || b[0] != dataAnswerVersion {
		return a, fmt.Errorf("data answer: expected %d bytes of version %d, got %d bytes", DataAnswerSize, dataAnswerVersion, len(b))
	}
	a.Status = DataStatus(b[1])
	if a.Status > DataNotNumeric {
		return a, fmt.Errorf("data answer: unknown finding %d", b[1])
	}
	a.Rows = binary.BigEndian.Uint64(b[2:])
	a.Columns = binary.BigEndian.Uint32(b[10:])
	copy(a.Root[:], b[14:])
	copy(a.Digest[:], b[46:])
	return a, nil
}
