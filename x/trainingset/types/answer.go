package types

import (
	"encoding/binary"
	"fmt"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"
)

// DataStatus is the first finding of a data-delta task.
type DataStatus uint8

// Findings of a data-delta task; their numbers are part of the protocol. The first four are about a table: the registered one,
// or the one that a delta leads to.
const (
	DataValid             DataStatus = 0
	DataNotCanonical      DataStatus = 1
	DataDuplicateRow      DataStatus = 2
	DataNotNumeric        DataStatus = 3
	DataDeltaMalformed    DataStatus = 4
	DataDeltaDoesNotApply DataStatus = 5
	DataDeltaHeader       DataStatus = 6
	DataDeltaNoChange     DataStatus = 7
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
	case DataDeltaMalformed:
		return "the body is not a unified diff of one file"
	case DataDeltaDoesNotApply:
		return "the delta does not apply without fuzz and offset"
	case DataDeltaHeader:
		return "the delta changes the header line"
	case DataDeltaNoChange:
		return "no row is new and none is gone"
	}
	return fmt.Sprintf("unknown finding %d", uint8(s))
}

// DataAnswer is the answer of a data-delta task: what validators found in the table, or in the table that the delta leads to.
type DataAnswer struct {
	Status  DataStatus
	Rows    uint64
	Columns uint32
	// Root is the RFC 6962 tree hash over the rows.
	Root [32]byte
	// Digest is SHA-256 over the manifest hash and all rows, so that the registered figures alone can't be repeated.
	Digest [32]byte

	// What follows is zero unless a delta was applied. Added and Removed count its + and - lines.
	Added, Removed uint64
	// Size and SHA256 are those of the resulting file.
	Size   uint64
	SHA256 [32]byte
	// CIDCodec and CIDDigest are the parts of its CIDv1 (SHA-256) that vary.
	CIDCodec  uint8
	CIDDigest [32]byte

	// Expanded is the number of columns with the values of content identifiers in their place, 0 for a table without such columns.
	Expanded uint32
}

const (
	dataAnswerVersion = 2
	// DataAnswerSize is the length of an encoded answer in bytes.
	DataAnswerSize = 2 + 8 + 4 + 32 + 32 + 8 + 8 + 8 + 32 + 1 + 32 + 4
)

// Encode returns the canonical bytes of the answer.
func (a DataAnswer) Encode() []byte {
	b := make([]byte, 0, DataAnswerSize)
	b = append(b, dataAnswerVersion, byte(a.Status))
	b = binary.BigEndian.AppendUint64(b, a.Rows)
	b = binary.BigEndian.AppendUint32(b, a.Columns)
	b = append(b, a.Root[:]...)
	b = append(b, a.Digest[:]...)
	b = binary.BigEndian.AppendUint64(b, a.Added)
	b = binary.BigEndian.AppendUint64(b, a.Removed)
	b = binary.BigEndian.AppendUint64(b, a.Size)
	b = append(b, a.SHA256[:]...)
	b = append(b, a.CIDCodec)
	b = append(b, a.CIDDigest[:]...)
	return binary.BigEndian.AppendUint32(b, a.Expanded)
}

// DecodeDataAnswer is the inverse of Encode.
func DecodeDataAnswer(b []byte) (DataAnswer, error) {
	var a DataAnswer
	if len(b) != DataAnswerSize || b[0] != dataAnswerVersion {
		return a, fmt.Errorf("data answer: expected %d bytes of version %d, got %d bytes", DataAnswerSize, dataAnswerVersion, len(b))
	}
	a.Status = DataStatus(b[1])
	if a.Status > DataDeltaNoChange {
		return a, fmt.Errorf("data answer: unknown finding %d", b[1])
	}
	a.Rows = binary.BigEndian.Uint64(b[2:])
	a.Columns = binary.BigEndian.Uint32(b[10:])
	copy(a.Root[:], b[14:])
	copy(a.Digest[:], b[46:])
	a.Added = binary.BigEndian.Uint64(b[78:])
	a.Removed = binary.BigEndian.Uint64(b[86:])
	a.Size = binary.BigEndian.Uint64(b[94:])
	copy(a.SHA256[:], b[102:])
	a.CIDCodec = b[134]
	copy(a.CIDDigest[:], b[135:])
	a.Expanded = binary.BigEndian.Uint32(b[167:])
	return a, nil
}

// SetCID records the content identifier of the resulting file: a CIDv1 with SHA-256.
func (a *DataAnswer) SetCID(s string) error {
	if err := ValidateCID(s); err != nil {
		return err
	}
	c, err := cid.Decode(s)
	if err != nil {
		return err
	}
	decoded, err := multihash.Decode(c.Hash())
	if err != nil {
		return err
	}
	a.CIDCodec = uint8(c.Prefix().Codec) // raw (0x55) or dag-pb (0x70)
	copy(a.CIDDigest[:], decoded.Digest)
	return nil
}

// CID returns the content identifier of the resulting file.
func (a DataAnswer) CID() (string, error) {
	h, err := multihash.Encode(a.CIDDigest[:], multihash.SHA2_256)
	if err != nil {
		return "", err
	}
	return cid.NewCidV1(uint64(a.CIDCodec), h).String(), nil
}
