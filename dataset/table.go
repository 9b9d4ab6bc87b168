package dataset

import (
	"crypto/sha256"
	"slices"
)

// Table is a canonical table in memory. It never changes after it was parsed and
// may be read from several goroutines.
type Table struct {
	data   []byte   // the whole file
	header []string // column names
	cids   []bool   // which columns hold content identifiers; nil if none does
	starts []uint32 // offset of each row in data, and len(data) at the end
}

// Header returns a copy of the column names, in file order.
func (t *Table) Header() []string { return slices.Clone(t.header) }

// Columns returns the number of columns, targets included.
func (t *Table) Columns() int { return len(t.header) }

// Rows returns the number of examples, which is at least one.
func (t *Table) Rows() int { return len(t.starts) - 1 }

// Row returns the bytes of example i (0 ≤ i < Rows) without its LF. They are part
// of the table and must not be modified.
func (t *Table) Row(i int) []byte {
	start, end := t.starts[i], t.starts[i+1]-1
	return t.data[start:end:end]
}

// Line returns the line of the file that holds example i; example 0 is on line 2.
func (t *Table) Line(i int) int { return i + 2 }

// Bytes returns the whole canonical file. It is the table's own memory and must
// not be modified.
func (t *Table) Bytes() []byte { return t.data[:len(t.data):len(t.data)] }

// SHA256 returns the hash of the whole canonical file, header included.
func (t *Table) SHA256() [32]byte { return sha256.Sum256(t.data) }

// lines returns the number of lines of the file, header included.
func (t *Table) lines() int { return len(t.starts) }

// lineStart returns the offset in data of line i, counted from 0 for the header; of
// line lines(), the length of data.
func (t *Table) lineStart(i int) int {
	if i == 0 {
		return 0
	}
	return int(t.starts[i-1])
}

// line returns line i, counted from 0 for the header, with its LF.
func (t *Table) line(i int) []byte { return t.data[t.lineStart(i):t.lineStart(i+1)] }
