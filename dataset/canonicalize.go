package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Canonicalize reads an ordinary CSV file and returns its canonical form, which
// [Parse] accepts, and one sentence for every kind of change. It changes how values
// are written, never a value, a row or their order: whatever would need a decision
// (empty cells, texts, equal rows) is refused with an [*Error] whose line and column
// are those of the input. A canonical file comes back unchanged with no sentences.
func Canonicalize(r io.Reader) (canonical []byte, changes []string, err error) {
	data, err := formatBounds.read(r)
	if err != nil {
		return nil, nil, err
	}
	return formatBounds.canonicalize(data)
}

func (b bounds) canonicalize(data []byte) ([]byte, []string, error) {
	if bytes.HasPrefix(data, utf16LEBOM) || bytes.HasPrefix(data, utf16BEBOM) {
		return nil, nil, &Error{Line: 1, Column: 1, What: "expected UTF-8, got UTF-16",
			Why: "tables are ASCII, a part of UTF-8", Fix: "save the file as CSV in UTF-8"}
	}
	c := canonicalizer{out: make([]byte, 0, len(data)+1)}
	if rest, ok := bytes.CutPrefix(data, utf8BOM); ok {
		data = rest
		c.mark = true
	}
	for line := 1; len(data) > 0; line++ {
		text, rest, terminated := bytes.Cut(data, []byte{'\n'})
		data = rest
		if err := c.addLine(text, line, terminated); err != nil {
			return nil, nil, err
		}
		if len(c.lines) > b.rows+1 {
			break // too long already; the parser says so
		}
	}
	if _, err := b.parse(c.out); err != nil {
		return nil, nil, c.inInputLines(err)
	}
	return c.out, c.changes(), nil
}

// canonicalizer collects the output and what had to be changed for it.
type canonicalizer struct {
	out     []byte
	lines   []uint32 // input line of each output line
	header  []string // column names, once they were read
	mark    bool
	newline bool
	endings, empties, quotes, spaces,
	names, numbers change
}

// change counts one kind of change and keeps the first as an example.
type change struct {
	count        int
	line, column int
	from, to     string
}

func (c *change) note(line, column int, from, to []byte) {
	if c.count == 0 {
		c.line, c.column = line, column
		c.from, c.to = excerpt(from), excerpt(to)
	}
	c.count++
}

func (c *canonicalizer) addLine(text []byte, line int, terminated bool) error {
	if bare, ok := bytes.CutSuffix(text, []byte{'\r'}); ok {
		c.endings.note(line, 0, nil, nil)
		text = bare
	}
	if len(bytes.Trim(text, " \t")) == 0 {
		c.empties.note(line, 0, nil, nil)
		return nil
	}
	c.newline = !terminated
	header := len(c.lines) == 0
	c.lines = append(c.lines, uint32(line))
	for column, more := 1, true; more; column++ {
		var cell []byte
		cell, text, more = cutCell(text)
		trimmed, quoted := trimCell(cell)
		if quoted {
			c.quotes.note(line, column, nil, nil)
		} else if len(trimmed) != len(cell) {
			c.spaces.note(line, column, nil, nil)
		}
		canonical, err := c.cell(trimmed, header, line, column)
		if err != nil {
			return err
		}
		if column > 1 {
			c.out = append(c.out, ',')
		}
		c.out = append(c.out, canonical...)
	}
	c.out = append(c.out, '\n')
	return nil
}

func (c *canonicalizer) cell(cell []byte, header bool, line, column int) ([]byte, error) {
	if header {
		name := bytes.Join(bytes.FieldsFunc(cell, func(r rune) bool { return r == ' ' || r == '\t' }), []byte{'_'})
		if !isName(name) {
			fault := nameFault(name, column)
			fault.Line = line
			return nil, fault
		}
		if !bytes.Equal(name, cell) {
			c.names.note(line, column, cell, name)
		}
		c.header = append(c.header, string(name))
		return name, nil
	}
	name := ""
	if column <= len(c.header) {
		name = c.header[column-1]
	}
	if strings.HasSuffix(name, cidSuffix) {
		if !isCID(cell) {
			return nil, cidFault(cell, line, column, name)
		}
		return cell, nil
	}
	number, err := canonicalNumber(cell)
	if err != nil {
		return nil, numberFault(cell, line, column, name)
	}
	if !bytes.Equal(number, cell) {
		c.numbers.note(line, column, cell, number)
	}
	return number, nil
}

// trimCell takes spaces, tabs and one pair of quotes off a cell.
func trimCell(cell []byte) (trimmed []byte, quoted bool) {
	trimmed = bytes.Trim(cell, " \t")
	if n := len(trimmed); n >= 2 && trimmed[0] == '"' && trimmed[n-1] == '"' {
		return bytes.Trim(trimmed[1:n-1], " \t"), true
	}
	return trimmed, false
}

// inInputLines turns an error about the output into one about the input.
func (c *canonicalizer) inInputLines(err error) error {
	var fault *Error
	if !errors.As(err, &fault) {
		return err
	}
	moved := *fault
	if fault.Line <= len(c.lines) {
		moved.Line = int(c.lines[fault.Line-1])
	}
	if fault.Earlier > 0 && fault.Column == 0 {
		return duplicateFault(moved.Line, int(c.lines[fault.Earlier-1]))
	}
	return &moved
}

func (c *canonicalizer) changes() []string {
	var said []string
	say := func(kind change, format string, args ...any) {
		if kind.count > 0 {
			said = append(said, fmt.Sprintf(format, args...))
		}
	}
	if c.mark {
		said = append(said, "removed the byte order mark")
	}
	say(c.endings, "replaced CR LF by LF at %d line ends, first on line %d", c.endings.count, c.endings.line)
	say(c.empties, "removed %d empty lines, first line %d", c.empties.count, c.empties.line)
	say(c.quotes, "removed quotes around %d cells, first on line %d, column %d", c.quotes.count, c.quotes.line, c.quotes.column)
	say(c.spaces, "removed spaces around %d cells, first on line %d, column %d", c.spaces.count, c.spaces.line, c.spaces.column)
	say(c.names, "renamed %d columns, first on line %d, column %d: %s to %s", c.names.count, c.names.line, c.names.column, c.names.from, c.names.to)
	say(c.numbers, "rewrote %d numbers, first on line %d, column %d: %s to %s", c.numbers.count, c.numbers.line, c.numbers.column, c.numbers.from, c.numbers.to)
	if c.newline {
		said = append(said, "added the missing LF after the last line")
	}
	return said
}
