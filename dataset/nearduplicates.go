package dataset

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/maphash"
)

// Bounds of the search for near duplicates, which keeps a key for each feature cell
// of each added row. They change no table and no hash, only what a summary tells.
const (
	nearColumns = 4096
	nearCells   = 2 << 20
)

// nearDuplicates counts added rows with another row whose features differ in at most
// one cell. Two such rows are equal once the cell of that column is left out, so rows
// are looked up by what is left of them without each column in turn. A row's hash is
// the sum of its cells' hashes, and leaving out a cell is one subtraction: time is in
// proportion to the cells of the table, whatever they are.
func (s *Summary) nearDuplicates(g *featureGroups) {
	columns := g.table.Columns() - g.targets
	switch {
	case columns < 2:
		s.NearDuplicatesSkipped = "rows of one feature differ in at most one cell, whatever they are"
		return
	case columns > nearColumns:
		s.NearDuplicatesSkipped = fmt.Sprintf("rows have %d features, and are compared up to %d", columns, nearColumns)
		return
	case len(g.members)*columns > nearCells:
		s.NearDuplicatesSkipped = fmt.Sprintf("%d feature cells were added, and are compared up to %d", len(g.members)*columns, nearCells)
		return
	}
	n := newNearIndex(g.table, columns, len(g.members))
	for _, row := range g.first {
		n.add(row, g.featuresOf(row))
	}
	for row := range g.table.Rows() {
		if features := g.featuresOf(row); g.find(features) < 0 {
			n.meet(row, features)
		}
	}
	for i, row := range g.added {
		other, column := g.twin(i), ""
		if other < 0 {
			var at int
			if other, at = n.neighbour(row, g.featuresOf(row)); other < 0 {
				continue
			}
			column = g.table.header[at]
		}
		s.NearDuplicates++
		if len(s.NearDuplicateRows) < SummaryRows {
			s.NearDuplicateRows = append(s.NearDuplicateRows, NearDuplicate{Line: g.table.Line(row), OtherLine: g.table.Line(other), Column: column})
		}
	}
}

// nearIndex finds rows of a table by their features without one of them. Two texts
// with one hash of 64 bits could hide a row, but never name a wrong one.
type nearIndex struct {
	table   *Table
	seed    maphash.Seed
	salts   []uint64 // keep equal cells of two columns apart
	hashes  []uint64 // of the cells of one row
	entries []nearEntry
	places  []uint32 // entry + 1, or 0 for a free place; a power of two of them
}

// nearEntry stands for features without one of them, and names rows that have the
// others; rows are −1 where there are none.
type nearEntry struct {
	hash  uint64
	added [2]int32 // the first ones that were added, whose features differ
	met   int32    // the first other row of the table
}

func newNearIndex(t *Table, columns, rows int) *nearIndex {
	size := 1
	for size < 2*rows*columns {
		size *= 2
	}
	n := &nearIndex{table: t, seed: maphash.MakeSeed(), salts: make([]uint64, columns), hashes: make([]uint64, columns), places: make([]uint32, size)}
	for column := range n.salts {
		n.salts[column] = maphash.Bytes(n.seed, binary.BigEndian.AppendUint32(nil, uint32(column)))
	}
	return n
}

// sum fills hashes and returns their sum.
func (n *nearIndex) sum(features []byte) (sum uint64) {
	for column, salt := range n.salts {
		var cell []byte
		cell, features, _ = cutCell(features)
		n.hashes[column] = maphash.Bytes(n.seed, cell) ^ salt
		sum += n.hashes[column]
	}
	return sum
}

// place returns where the entry with a hash is, or the free place where it would go.
func (n *nearIndex) place(hash uint64) int {
	mask := len(n.places) - 1
	place := int(hash & uint64(mask))
	for n.places[place] != 0 && n.entries[n.places[place]-1].hash != hash {
		place = (place + 1) & mask
	}
	return place
}

// find returns the entry with a hash, or nil.
func (n *nearIndex) find(hash uint64) *nearEntry {
	if entry := n.places[n.place(hash)]; entry != 0 {
		return &n.entries[entry-1]
	}
	return nil
}

// add takes in a row whose features differ from those of all rows before.
func (n *nearIndex) add(row int, features []byte) {
	sum := n.sum(features)
	for _, hash := range n.hashes {
		place := n.place(sum - hash)
		if n.places[place] == 0 {
			n.entries = append(n.entries, nearEntry{hash: sum - hash, added: [2]int32{int32(row), -1}, met: -1})
			n.places[place] = uint32(len(n.entries))
		} else if e := &n.entries[n.places[place]-1]; e.added[1] < 0 {
			e.added[1] = int32(row)
		}
	}
}

// meet notes a row of the table, in file order, that was not added.
func (n *nearIndex) meet(row int, features []byte) {
	sum := n.sum(features)
	for _, hash := range n.hashes {
		if e := n.find(sum - hash); e != nil && e.met < 0 {
			e.met = int32(row)
		}
	}
}

// neighbour returns a row whose features differ from those of an added row in one
// column, and that column, or −1.
func (n *nearIndex) neighbour(row int, features []byte) (other, column int) {
	other = -1
	sum := n.sum(features)
	for at, hash := range n.hashes {
		e := n.find(sum - hash)
		candidate := int(e.met)
		if candidate < 0 {
			if candidate = int(e.added[0]); candidate == row {
				candidate = int(e.added[1])
			}
		}
		if candidate >= 0 && (other < 0 || candidate < other) && equalBut(at, len(n.salts), features, n.table.Row(candidate)) {
			other, column = candidate, at
		}
	}
	return other, column
}

// equalBut reports whether two rows are equal in the given number of cells from the
// left, all but one of them.
func equalBut(column, columns int, a, b []byte) bool {
	for at := range columns {
		var cellA, cellB []byte
		cellA, a, _ = cutCell(a)
		cellB, b, _ = cutCell(b)
		if at != column && !bytes.Equal(cellA, cellB) {
			return false
		}
	}
	return true
}
