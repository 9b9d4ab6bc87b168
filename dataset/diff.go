package dataset

import (
	"bytes"
	"fmt"
	"sort"
	"strings"
)

// contextLines is how many unchanged lines a delta shows around each change.
const contextLines = 3

// Diff returns the delta that turns old into new, in the form of diff -u: headers
// "--- a/NAME" and "+++ b/NAME" without time stamps, three lines of context. It is
// empty when the tables are equal, has as few lines as possible, and depends on
// nothing but the two tables and the name, in which blanks and control characters
// become underscores. [ParseDelta] accepts it unless it is beyond a limit, and
// [Table.Apply] turns old into new with it if the headers are equal and the rows are
// not only in another order.
func Diff(old, new *Table, name string) []byte {
	edits := compare(old, new)
	if len(edits) == 0 {
		return nil
	}
	name = strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return '_'
		}
		return r
	}, name)
	var out bytes.Buffer
	fmt.Fprintf(&out, "--- a/%s\n+++ b/%s\n", name, name)
	for len(edits) > 0 {
		n := 1
		for n < len(edits) && edits[n].oldFrom-edits[n-1].oldTo <= 2*contextLines {
			n++
		}
		writeHunk(&out, old, new, edits[:n])
		edits = edits[n:]
	}
	return out.Bytes()
}

// edit replaces lines oldFrom to oldTo−1 of one table by lines newFrom to newTo−1
// of another. Lines count from 0, the header.
type edit struct {
	oldFrom, oldTo, newFrom, newTo int
}

// writeHunk writes edits that are close together, with the context around them.
func writeHunk(out *bytes.Buffer, old, new *Table, edits []edit) {
	first, last := edits[0], edits[len(edits)-1]
	before := min(contextLines, first.oldFrom)
	after := min(contextLines, old.lines()-last.oldTo)
	fmt.Fprintf(out, "@@ -%s +%s @@\n",
		hunkRange(first.oldFrom-before, last.oldTo+after), hunkRange(first.newFrom-before, last.newTo+after))
	write := func(marker byte, t *Table, from, to int) {
		for i := from; i < to; i++ {
			out.WriteByte(marker)
			out.Write(t.line(i))
		}
	}
	at := first.oldFrom - before
	for _, c := range edits {
		write(' ', old, at, c.oldFrom)
		write('-', old, c.oldFrom, c.oldTo)
		write('+', new, c.newFrom, c.newTo)
		at = c.oldTo
	}
	write(' ', old, at, at+after)
}

// hunkRange writes lines from to to−1 as diff does: the first line, from 1, and the
// number of lines unless it is one; for no lines, the line before.
func hunkRange(from, to int) string {
	switch to - from {
	case 0:
		return fmt.Sprintf("%d,0", from)
	case 1:
		return fmt.Sprint(from + 1)
	}
	return fmt.Sprintf("%d,%d", from+1, to-from)
}

// compare returns the fewest edits, in ascending order. Rows are unique within a
// table, so the common rows that may stay are a longest increasing subsequence of
// their positions.
func compare(old, new *Table) []edit {
	oldEnd, newEnd := old.lines(), new.lines()
	same := 0
	for same < min(oldEnd, newEnd) && bytes.Equal(old.line(same), new.line(same)) {
		same++
	}
	first := max(same, 1) // headers only match each other
	for oldEnd > first && newEnd > first && bytes.Equal(old.line(oldEnd-1), new.line(newEnd-1)) {
		oldEnd--
		newEnd--
	}

	between := newTextIndex(oldEnd-first, func(i int) []byte { return old.line(first + i) })
	for i := range oldEnd - first {
		between.add(i)
	}
	var olds, news []int // lines of the common rows, ascending in new
	for i := first; i < newEnd; i++ {
		if found := between.find(new.line(i)); found >= 0 {
			olds, news = append(olds, first+found), append(news, i)
		}
	}

	var edits []edit
	oldAt, newAt := same, same
	match := func(oldLine, newLine int) {
		if oldAt < oldLine || newAt < newLine {
			edits = append(edits, edit{oldAt, oldLine, newAt, newLine})
		}
		oldAt, newAt = oldLine+1, newLine+1
	}
	for _, i := range longestIncreasing(olds) {
		match(olds[i], news[i])
	}
	match(oldEnd, newEnd)
	return edits
}

// longestIncreasing returns the indices of a longest increasing subsequence of
// different values, in O(n log n).
func longestIncreasing(values []int) []int {
	var ends []int                       // index of the least value that ends an increasing sequence of each length
	previous := make([]int, len(values)) // index before each in its longest sequence
	for i, value := range values {
		length := sort.Search(len(ends), func(k int) bool { return values[ends[k]] > value })
		if length > 0 {
			previous[i] = ends[length-1]
		}
		if length == len(ends) {
			ends = append(ends, i)
		} else {
			ends[length] = i
		}
	}
	if len(ends) == 0 {
		return nil
	}
	longest := make([]int, len(ends))
	for k, i := len(ends)-1, ends[len(ends)-1]; k >= 0; k, i = k-1, previous[i] {
		longest[k] = i
	}
	return longest
}
