package dataset

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

var (
	utf8BOM    = []byte("\xef\xbb\xbf")
	utf16LEBOM = []byte("\xff\xfe")
	utf16BEBOM = []byte("\xfe\xff")
)

// Parse reads a canonical table. A table that breaks a rule of the format is
// refused with an [*Error] that names the first faulty line and column; equal rows
// are looked for last. Errors of r come back wrapped.
func Parse(r io.Reader) (*Table, error) {
	data, err := formatBounds.read(r)
	if err != nil {
		return nil, err
	}
	return formatBounds.parse(data)
}

// read takes the whole input into memory, up to the largest allowed file.
func (b bounds) read(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, int64(b.file)+1))
	if err != nil {
		return nil, fmt.Errorf("read table: %w", err)
	}
	if err := b.checkSize(data); err != nil {
		return nil, err
	}
	return data, nil
}

// checkSize refuses a file that is too large, at the line where it becomes so.
func (b bounds) checkSize(data []byte) error {
	if len(data) <= b.file {
		return nil
	}
	return b.fileFault(1 + bytes.Count(data[:b.file], []byte{'\n'}))
}

func (b bounds) fileFault(line int) *Error {
	return &Error{Line: line, What: fmt.Sprintf("expected a file of at most %d bytes, got more", b.file),
		Why: "every validator keeps the whole table in memory", Fix: "remove rows or columns, or write numbers with fewer digits"}
}

// parse checks data, which the returned table then owns.
func (b bounds) parse(data []byte) (*Table, error) {
	if err := b.checkSize(data); err != nil {
		return nil, err // made larger by this package
	}
	if len(data) == 0 {
		return nil, &Error{Line: 1, Column: 1, What: "expected a header line, got an empty file",
			Why: "the first line names the columns", Fix: "write a header such as x,y,label and one example a line"}
	}
	if bytes.HasPrefix(data, utf8BOM) {
		return nil, &Error{Line: 1, Column: 1, What: "expected a column name, got a byte order mark",
			Why: "one table has one encoding", Fix: canonicalizeFix}
	}
	t := &Table{data: data}
	for start, line := 0, 1; start < len(data); line++ {
		length := bytes.IndexByte(data[start:], '\n')
		terminated := length >= 0
		if !terminated {
			length = len(data) - start
		}
		text := data[start : start+length]
		if err := b.checkLine(text, line, len(t.starts), terminated); err != nil {
			return nil, err
		}
		if line == 1 {
			header, err := b.parseHeader(text)
			if err != nil {
				return nil, err
			}
			t.header, t.cids = header, cidColumns(header)
		} else {
			if err := t.checkRow(text, line); err != nil {
				return nil, err
			}
			t.starts = append(t.starts, uint32(start))
		}
		start += length + 1
	}
	if len(t.starts) == 0 {
		return nil, &Error{Line: 2, Column: 1, What: "expected an example, got the end of the file",
			Why: "nothing can be learned from an empty table", Fix: "add at least one row below the header"}
	}
	t.starts = append(t.starts, uint32(len(data)))
	if err := t.checkDuplicates(); err != nil {
		return nil, err
	}
	return t, nil
}

// checkLine holds the rules that need no look into the cells.
func (b bounds) checkLine(text []byte, line, rows int, terminated bool) error {
	switch {
	case len(text) > b.line:
		return &Error{Line: line, What: fmt.Sprintf("expected at most %d bytes, got more", b.line),
			Why: "lines are read as a whole", Fix: "use fewer columns or fewer digits"}
	case line > 1 && rows >= b.rows:
		return &Error{Line: line, What: fmt.Sprintf("expected at most %d rows, got more", b.rows),
			Why: "every validator keeps the whole table in memory", Fix: "remove rows"}
	case !terminated:
		return &Error{Line: line, What: "expected LF after the last line, got the end of the file",
			Why: "every line ends in LF, so that rows can be appended and files compared", Fix: "add a newline, or " + canonicalizeFix}
	case len(text) == 0:
		return &Error{Line: line, Column: 1, What: "expected a cell, got an empty line",
			Why: "one line is one example", Fix: "remove the line, or " + canonicalizeFix}
	}
	return nil
}

func (b bounds) parseHeader(text []byte) ([]string, error) {
	if columns := cells(text); columns > b.columns {
		return nil, b.columnsFault(columns)
	}
	header := strings.Split(string(text), ",")
	seen := make(map[string]int, len(header))
	for i, name := range header {
		if !isName([]byte(name)) {
			return nil, nameFault([]byte(name), i+1)
		}
		if earlier, ok := seen[name]; ok {
			return nil, &Error{Line: 1, Column: i + 1, Name: name, Earlier: earlier,
				What: fmt.Sprintf("expected a new column name, got the name of column %d", earlier),
				Why:  "columns are told apart by name", Fix: "rename one of them"}
		}
		seen[name] = i + 1
	}
	return header, nil
}

func (b bounds) columnsFault(columns int) *Error {
	return &Error{Line: 1, Column: b.columns + 1, What: fmt.Sprintf("expected at most %d columns, got %d", b.columns, columns),
		Why: "rows are kept in memory as a whole", Fix: "remove columns"}
}

// isName reports whether a column name is canonical.
func isName(name []byte) bool {
	if len(name) > MaxNameBytes {
		return false
	}
	name = bytes.TrimSuffix(name, []byte(cidSuffix))
	if len(name) == 0 {
		return false
	}
	for i, c := range name {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || !('0' <= c && c <= '9' || c == '.' || c == '-')) {
			return false
		}
	}
	return true
}

// nameFault says what is wrong with a name that is not canonical.
func nameFault(name []byte, column int) *Error {
	e := &Error{Line: 1, Column: column, What: "expected a column name, got " + excerpt(name)}
	switch {
	case len(name) == 0:
		e.What, e.Why, e.Fix = "expected a column name, got nothing", "columns are told apart by name", "name the column"
	case len(name) > MaxNameBytes:
		e.Why, e.Fix = fmt.Sprintf("names have at most %d bytes", MaxNameBytes), "use a shorter name"
	case string(name) == cidSuffix:
		e.Why, e.Fix = `":cid" only marks a column of content identifiers`, "put a name before it, such as image:cid"
	case name[0] == '-' || name[0] == '+' || name[0] == '.' || '0' <= name[0] && name[0] <= '9':
		e.Why, e.Fix = "names start with a letter or _", "if the file has no header line, add one, such as x,y,label"
	case bytes.IndexByte(name, '\r') >= 0:
		e.Why, e.Fix = "lines end in LF alone", "save the file with LF line ends"
	default:
		e.Why, e.Fix = `names consist of A-Z a-z 0-9 _ . - and start with a letter or _, so that they need no quotes; only ":cid" may follow`, "rename the column"
	}
	return e
}

// checkRow refuses a row whose cells are not as many as the header's, or not of the
// column's kind.
func (t *Table) checkRow(text []byte, line int) error {
	for column := 1; ; column++ {
		cell, rest, more := cutCell(text)
		if column > len(t.header) {
			return &Error{Line: line, Column: column, What: fmt.Sprintf("expected %d cells as in the header, got %d", len(t.header), column-1+cells(text)),
				Why: "every row has one cell for each column", Fix: "remove the surplus cells, or name the columns in the header; numbers use a point, not a comma"}
		}
		switch isCIDColumn := t.cids != nil && t.cids[column-1]; {
		case isCIDColumn && !isCID(cell):
			return cidFault(cell, line, column, t.header[column-1])
		case !isCIDColumn && !isNumber(cell):
			return numberFault(cell, line, column, t.header[column-1])
		}
		if !more {
			if column < len(t.header) {
				return &Error{Line: line, Column: column + 1, Name: t.header[column], What: fmt.Sprintf("expected %d cells as in the header, got %d", len(t.header), column),
					Why: "every row has one cell for each column", Fix: "add the missing cells or remove the row"}
			}
			return nil
		}
		text = rest
	}
}

// cutCell splits a line at its first comma.
func cutCell(text []byte) (cell, rest []byte, more bool) {
	if i := bytes.IndexByte(text, ','); i >= 0 {
		return text[:i], text[i+1:], true
	}
	return text, nil, false
}

// cells counts the cells of a line.
func cells(text []byte) int { return bytes.Count(text, []byte{','}) + 1 }
