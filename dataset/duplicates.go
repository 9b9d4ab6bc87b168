package dataset

import (
	"bytes"
	"fmt"
	"hash/maphash"
)

// checkDuplicates refuses the first row that equals an earlier one. The random
// seed decides only where rows land in the index, never the answer, and keeps a
// crafted file from making the search slow.
func (t *Table) checkDuplicates() error {
	size := 1
	for size < 2*t.Rows() {
		size *= 2
	}
	index := make([]uint32, size) // row + 1, or 0 for a free place
	seed := maphash.MakeSeed()
	for i := range t.Rows() {
		row := t.Row(i)
		at := int(maphash.Bytes(seed, row) & uint64(size-1))
		for ; index[at] != 0; at = (at + 1) & (size - 1) {
			earlier := int(index[at] - 1)
			if bytes.Equal(t.Row(earlier), row) {
				return duplicateFault(t.Line(i), t.Line(earlier))
			}
		}
		index[at] = uint32(i + 1)
	}
	return nil
}

func duplicateFault(line, earlier int) *Error {
	return &Error{Line: line, Earlier: earlier,
		What: fmt.Sprintf("expected a new row, got the row of line %d again", earlier),
		Why:  "rows are identified by their bytes, so a copy could be neither removed nor split on its own",
		Fix:  fmt.Sprintf("remove line %d or line %d", line, earlier)}
}
