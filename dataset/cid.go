package dataset

import (
	"bytes"
	"encoding/base32"
	"fmt"
	"strings"
)

// cidSuffix ends the names of columns whose cells are content identifiers.
const cidSuffix = ":cid"

// The one form of a content identifier: CIDv1 in lower-case base32 (multibase b) of
// a SHA-256 multihash, for raw bytes or the root of a larger file.
const (
	cidLength    = 1 + 58 // characters
	cidBytes     = 4 + 32
	cidVersion   = 0x01
	codecRaw     = 0x55
	codecDAGPB   = 0x70
	hashSHA256   = 0x12
	digestLength = 0x20
)

var cidEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// isCID reports whether a cell is a content identifier in that form.
func isCID(cell []byte) bool {
	b, ok := decodeCID(cell)
	return ok && b[0] == cidVersion && (b[1] == codecRaw || b[1] == codecDAGPB) && b[2] == hashSHA256 && b[3] == digestLength
}

// decodeCID reads the bytes of an identifier of the right length and alphabet.
func decodeCID(cell []byte) (b [cidBytes]byte, ok bool) {
	if len(cell) != cidLength || cell[0] != 'b' {
		return b, false
	}
	if n, err := cidEncoding.Decode(b[:], cell[1:]); err != nil || n != cidBytes {
		return b, false
	}
	// The decoder skips line ends and ignores the last two bits.
	var again [cidLength - 1]byte
	cidEncoding.Encode(again[:], b[:])
	return b, bytes.Equal(again[:], cell[1:])
}

// cidFault says what is wrong with a cell that is not a content identifier.
func cidFault(cell []byte, line, column int, name string) *Error {
	e := &Error{Line: line, Column: column, Name: name, What: "expected a content identifier, got " + excerpt(cell),
		Why: fmt.Sprintf("cells of this column are CIDv1 in lower-case base32: b and %d characters of a-z 2-7, the unused last bits zero", cidLength-1),
		Fix: "store the value and write its CID here"}
	b, decoded := decodeCID(cell)
	switch {
	case len(cell) == 0:
		e.What = "expected a content identifier, got nothing"
	case bytes.IndexByte(cell, '\r') >= 0:
		e.Why, e.Fix = "lines end in LF alone", "save the file with LF line ends"
	case bytes.HasPrefix(cell, []byte("Qm")):
		e.Fix = "convert the CIDv0 to CIDv1 in base32"
	case isCID(bytes.ToLower(cell)):
		e.Fix = "write it in lower case"
	case !decoded:
	case b[0] != cidVersion:
		e.Why = fmt.Sprintf("its version is 0x%02x, but cells of this column are CIDv1", b[0])
	case b[1] != codecRaw && b[1] != codecDAGPB:
		e.Why = fmt.Sprintf("its codec is 0x%02x, but values are raw (0x55) or dag-pb (0x70)", b[1])
	default:
		e.Why = fmt.Sprintf("its hash is 0x%02x of %d bytes, but values are known by SHA-256 (0x12 of 32 bytes)", b[2], b[3])
	}
	return e
}

// cidColumns marks the columns of content identifiers; nil means there are none.
func cidColumns(header []string) []bool {
	var marks []bool
	for i, name := range header {
		if strings.HasSuffix(name, cidSuffix) {
			if marks == nil {
				marks = make([]bool, len(header))
			}
			marks[i] = true
		}
	}
	return marks
}

// CIDColumns returns the columns, from 0, whose cells are content identifiers.
func (t *Table) CIDColumns() []int {
	var columns []int
	for i, marked := range t.cids {
		if marked {
			columns = append(columns, i)
		}
	}
	return columns
}

// CIDs returns every content identifier of the table once, in the order of first
// appearance, row by row.
func (t *Table) CIDs() []string {
	var distinct []string
	seen := make(map[string]bool)
	for i := range t.Rows() {
		t.eachCID(i, func(_ int, cid []byte) {
			if !seen[string(cid)] {
				distinct = append(distinct, string(cid))
				seen[distinct[len(distinct)-1]] = true
			}
		})
	}
	return distinct
}

// eachCID calls do for each content identifier of example i, in file order.
func (t *Table) eachCID(i int, do func(column int, cid []byte)) {
	text := t.Row(i)
	for column, marked := range t.cids {
		var cell []byte
		cell, text, _ = cutCell(text)
		if marked {
			do(column, cell)
		}
	}
}

// unexpandedFault refuses to read a column of content identifiers as numbers.
func (t *Table) unexpandedFault(column int) *Error {
	return &Error{Line: 1, Column: column + 1, Name: t.header[column], What: "expected a column of numbers, got one of content identifiers",
		Why: "the numbers stand in the files that it names", Fix: "expand the table first"}
}
