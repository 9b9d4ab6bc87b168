package dataset

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Expand returns the table with the values themselves in place of content
// identifiers: column "name:cid" becomes name.0, name.1 and so on, rows and their
// order stay. The value of an identifier is one line of canonical numbers, separated
// by commas and ended by LF; all values of a column have equally many. The function
// value is called once for each identifier, in the order of [Table.CIDs]; that its
// bytes are those the identifier names is the caller's to check, and they must not
// change until Expand returns. A table without such columns comes back as it is.
//
// Errors of value come back wrapped, with line and column. A faulty value is refused
// with an [*Error] at the first cell that names it, and a result that breaks a rule of
// the format with an [*Error] at its place in the result.
func (t *Table) Expand(value func(cid string) ([]byte, error)) (*Table, error) {
	return formatBounds.expand(t, value)
}

func (b bounds) expand(t *Table, value func(cid string) ([]byte, error)) (*Table, error) {
	if t.cids == nil {
		return t, nil
	}
	e := expander{table: t, bounds: b, values: make(map[string][]byte), counts: make([]int, t.Columns())}
	if err := e.collect(value); err != nil {
		return nil, err
	}
	out, err := e.write()
	if err != nil {
		return nil, err
	}
	return b.parse(out)
}

// expander holds what an expansion knows before it writes.
type expander struct {
	table  *Table
	bounds bounds
	values map[string][]byte // by identifier, without LF
	counts []int             // numbers of each value of a column
	size   int               // bytes of the rows to come
}

// collect gets and checks every value, and adds up the size of the result.
func (e *expander) collect(value func(cid string) ([]byte, error)) error {
	var failed error
	identifiers := e.table.CIDColumns()
	for i := range e.table.Rows() {
		e.size += len(e.table.Row(i)) + 1 - cidLength*len(identifiers)
		e.table.eachCID(i, func(column int, cid []byte) {
			if failed == nil {
				failed = e.cell(i, column, string(cid), value)
			}
		})
		if failed != nil {
			return failed
		}
	}
	return nil
}

// cell takes in the value of one cell.
func (e *expander) cell(row, column int, cid string, value func(cid string) ([]byte, error)) error {
	line, name := e.table.Line(row), e.table.header[column]
	numbers, known := e.values[cid]
	if !known {
		file, err := value(cid)
		if err != nil {
			return fmt.Errorf("line %d, column %d (%s): value %s: %w", line, column+1, name, cid, err)
		}
		if numbers, err = e.checkValue(file, cid, line, column); err != nil {
			return err
		}
		e.values[cid] = numbers
	}
	count := cells(numbers)
	if row == 0 {
		e.counts[column] = count
	} else if count != e.counts[column] {
		return &Error{Line: line, Column: column + 1, Name: name,
			What: fmt.Sprintf("expected a value of %d numbers as on line %d, got %d in %s", e.counts[column], e.table.Line(0), count, cid),
			Why:  "the numbers of a value become columns", Fix: "bring all values of the column to one length"}
	}
	// Checked at each cell, so that no row makes anybody fetch more than a table may hold.
	if e.size += len(numbers); e.size > e.bounds.file {
		return e.bounds.fileFault(line)
	}
	return nil
}

// checkValue refuses a file that is not one line of canonical numbers, and returns
// it without LF.
func (e *expander) checkValue(file []byte, cid string, line, column int) ([]byte, error) {
	fault := &Error{Line: line, Column: column + 1, Name: e.table.header[column],
		Why: "a value is one line of numbers, separated by commas and ended by LF", Fix: "write the value so and store it again"}
	numbers, ended := bytes.CutSuffix(file, []byte{'\n'})
	switch {
	case len(file) > e.bounds.line+1:
		fault.What = fmt.Sprintf("expected at most %d bytes in value %s, got more", e.bounds.line, cid)
		return nil, fault
	case !ended:
		fault.What = fmt.Sprintf("expected LF at the end of value %s, got %s", cid, excerpt(file[max(0, len(file)-1):]))
		return nil, fault
	}
	rest := numbers
	for place, more := 1, true; more; place++ {
		var cell []byte
		cell, rest, more = cutCell(rest)
		if !isNumber(cell) {
			reason := numberFault(cell, line, column+1, fault.Name)
			fault.What = fmt.Sprintf("number %d of value %s: %s", place, cid, reason.What)
			if bytes.IndexByte(cell, '\n') < 0 {
				fault.Why, fault.Fix = reason.Why, reason.Fix
			}
			return nil, fault
		}
	}
	return numbers, nil
}

// write puts the result together in one buffer of the right size.
func (e *expander) write() ([]byte, error) {
	header, err := e.header()
	if err != nil {
		return nil, err
	}
	out := append(make([]byte, 0, len(header)+e.size), header...)
	for i := range e.table.Rows() {
		text := e.table.Row(i)
		for _, marked := range e.table.cids {
			var cell []byte
			cell, text, _ = cutCell(text)
			if marked {
				cell = e.values[string(cell)]
			}
			out = append(append(out, cell...), ',')
		}
		out[len(out)-1] = '\n'
	}
	return out, nil
}

// header returns the header line of the result with its LF.
func (e *expander) header() (string, error) {
	columns := 0
	for _, count := range e.counts {
		columns += max(count, 1)
	}
	if columns > e.bounds.columns {
		return "", e.bounds.columnsFault(columns)
	}
	names := make([]string, 0, columns)
	for column, name := range e.table.header {
		if !e.table.cids[column] {
			names = append(names, name)
			continue
		}
		for i := range e.counts[column] {
			names = append(names, strings.TrimSuffix(name, cidSuffix)+"."+strconv.Itoa(i))
		}
	}
	return strings.Join(names, ",") + "\n", nil
}
