package dataset

import (
	"bytes"
	"fmt"
	"strings"
)

// Delta is a parsed unified diff of one table. It keeps the text it was parsed from,
// never changes, and may be used from several goroutines.
type Delta struct {
	body                     []byte
	hunks                    []hunk
	added, removed           int
	addedBytes, removedBytes int // with LF, without marker
}

// hunk is one block of changed lines and their context.
type hunk struct {
	line     int // of the delta, where it begins
	from, to int // its lines are body[from:to]
	before   int // lines of the table that stand before it
	covers   int // lines of the table that it shows or removes
}

// Added returns the number of lines that begin with +.
func (d *Delta) Added() int { return d.added }

// Removed returns the number of lines that begin with -.
func (d *Delta) Removed() int { return d.removed }

// next cuts the line at body[at:] into marker and text, which keeps its LF, and
// returns where the line after it begins.
func (d *Delta) next(at int) (marker byte, text []byte, after int) {
	after = at + bytes.IndexByte(d.body[at:], '\n') + 1
	return d.body[at], d.body[at+1 : after], after
}

// ParseDelta reads a delta: what [Diff], diff -u or git diff writes for one file. It
// checks the form alone, by section 6 of SPEC.md; whether a table takes the delta is
// for [Table.Apply] to say. Faults are [*DeltaError] of kind [FaultMalformed]. The
// delta keeps body, which must not be modified afterwards.
func ParseDelta(body []byte) (*Delta, error) { return formatDeltaBounds.parse(body) }

func (b deltaBounds) parse(body []byte) (*Delta, error) {
	if len(body) > b.bytes {
		return nil, malformed(1, fmt.Sprintf("expected a delta of at most %d bytes, got %d", b.bytes, len(body)),
			"every validator keeps the whole delta in memory", "change the table in several steps")
	}
	if i := bytes.IndexByte(body, '\r'); i >= 0 {
		return nil, malformed(1+bytes.Count(body[:i], []byte{'\n'}), "expected no CR, got one", "lines of a table end in LF alone", "save table and delta with LF line ends")
	}
	if len(body) > 0 && body[len(body)-1] != '\n' {
		return nil, malformed(1+bytes.Count(body, []byte{'\n'}), "expected LF after the last line, got the end of the delta", "it may have been cut off", "get the whole delta")
	}
	p := deltaParser{delta: &Delta{body: body}, bounds: b}
	if err := p.fileHeader(); err != nil {
		return nil, err
	}
	for p.at < len(body) {
		if err := p.hunk(); err != nil {
			return nil, err
		}
	}
	if len(p.delta.hunks) == 0 {
		return nil, malformed(p.line+1, "expected a hunk that begins with @@, got the end of the delta", "a delta changes something", "send no delta, or the whole one")
	}
	return p.delta, nil
}

// deltaParser reads a delta line by line.
type deltaParser struct {
	delta  *Delta
	bounds deltaBounds
	at     int // where the next line begins
	line   int // number of the line that was read last
	end    int // lines of the table up to the end of the last hunk
	net    int // lines added less lines removed so far
}

// peek returns the next line without LF, or false at the end.
func (p *deltaParser) peek() (string, bool) {
	rest := p.delta.body[p.at:]
	if len(rest) == 0 {
		return "", false
	}
	return string(rest[:bytes.IndexByte(rest, '\n')]), true
}

// skip takes the line that peek returned.
func (p *deltaParser) skip(line string) {
	p.at += len(line) + 1
	p.line++
}

// fileHeader reads the lines that name the files. The names mean nothing.
func (p *deltaParser) fileHeader() error {
	if line, ok := p.peek(); ok && strings.HasPrefix(line, "diff ") {
		p.skip(line)
		if line, ok := p.peek(); ok && strings.HasPrefix(line, "index ") {
			p.skip(line)
		}
	}
	for _, prefix := range []string{"--- ", "+++ "} {
		line, ok := p.peek()
		if !ok || len(line) == len(prefix) || !strings.HasPrefix(line, prefix) {
			got := "the end of the delta"
			if ok {
				got = excerpt([]byte(line))
			}
			return malformed(p.line+1, fmt.Sprintf("expected %q and a file name, got %s", prefix, got),
				"a delta has the form of a unified diff", "make it with diff -u OLD NEW")
		}
		p.skip(line)
	}
	return nil
}

// hunk reads one hunk.
func (p *deltaParser) hunk() error {
	line, _ := p.peek()
	if !strings.HasPrefix(line, "@@ ") {
		return p.strayLine(line)
	}
	p.skip(line)
	if len(p.delta.hunks) == p.bounds.hunks {
		return malformed(p.line, fmt.Sprintf("expected at most %d hunks, got more", p.bounds.hunks), "every hunk costs memory", "change the table in several steps")
	}
	old, new, ok := parseHunkLine(line)
	if !ok {
		return malformed(p.line, "expected a hunk of the form @@ -a,b +c,d @@, got "+excerpt([]byte(line)),
			fmt.Sprintf("it says where the hunk belongs; tables have at most %d lines", MaxRows+1), remakeFix)
	}
	if old.before < p.end {
		return malformed(p.line, fmt.Sprintf("expected a hunk after line %d of the table, got one that begins at line %d", p.end, old.before+1),
			"hunks stand in the order of the table and do not overlap", remakeFix)
	}
	if want := old.before + p.net; new.before != want {
		return malformed(p.line, fmt.Sprintf("expected %d lines of the new table before this hunk, got %d", want, new.before),
			fmt.Sprintf("%d lines of the old table and the changes so far come to that", old.before), remakeFix)
	}
	h := hunk{line: p.line, from: p.at, before: old.before, covers: old.count}
	if err := p.body(old.count, new.count); err != nil {
		return err
	}
	h.to = p.at
	p.delta.hunks = append(p.delta.hunks, h)
	p.end = old.before + old.count
	p.net += new.count - old.count
	return nil
}

// body reads the lines of a hunk until they are as many as its first line says.
func (p *deltaParser) body(oldLines, newLines int) error {
	begin, d, changed := p.line, p.delta, false
	for oldLines > 0 || newLines > 0 {
		if p.at == len(d.body) {
			return p.countFault(begin, oldLines, newLines, "the end of the delta")
		}
		marker, text, after := d.next(p.at)
		switch {
		case marker == ' ' && oldLines > 0 && newLines > 0:
			oldLines--
			newLines--
		case marker == '-' && oldLines > 0:
			oldLines--
			d.removed++
			d.removedBytes += len(text)
			changed = true
		case marker == '+' && newLines > 0:
			newLines--
			d.added++
			d.addedBytes += len(text)
			changed = true
		case marker == '\\':
			p.line++
			return p.noNewline()
		default:
			return p.countFault(begin, oldLines, newLines, excerpt(d.body[p.at:after-1]))
		}
		p.at = after
		p.line++
	}
	if !changed {
		return malformed(begin, "expected a hunk with a line that begins with + or -, got context alone", "a hunk changes something", "remove the hunk")
	}
	return nil
}

func (p *deltaParser) countFault(begin, oldLines, newLines int, got string) error {
	return malformed(p.line+1, fmt.Sprintf("expected %d more old and %d more new lines in the hunk of line %d, got %s", oldLines, newLines, begin, got),
		"a hunk has as many lines as its first line says, each with a blank, - or + before it", remakeFix)
}

func (p *deltaParser) noNewline() error {
	return malformed(p.line, `expected a line of a table, got a backslash as in "\ No newline at end of file"`,
		"every line of a table ends in LF, the last one too", "add the missing newline to the table and make the delta again")
}

// strayLine says what is wrong with a line between hunks.
func (p *deltaParser) strayLine(line string) error {
	p.line++
	what, why, fix := "expected a hunk that begins with @@, got "+excerpt([]byte(line)), "a delta consists of hunks", remakeFix
	switch hunks := len(p.delta.hunks); {
	case hunks == 0:
	case strings.HasPrefix(line, `\`):
		return p.noNewline()
	case strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "diff "), strings.HasPrefix(line, "Index: "), strings.HasPrefix(line, "Only in "):
		why, fix = "a delta changes one file", "make a delta of the table alone"
	case line != "" && strings.Contains(" +-", line[:1]):
		begin := p.delta.hunks[hunks-1].line
		what = fmt.Sprintf("expected the end of the hunk of line %d, got %s", begin, excerpt([]byte(line)))
		why = "a hunk has as many lines as its first line says"
	}
	return malformed(p.line, what, why, fix)
}

// hunkLines is a range of lines: how many stand before it, and how many it has.
type hunkLines struct {
	before, count int
}

// parseHunkLine reads "@@ -a,b +c,d @@", which a blank and any text may follow.
func parseHunkLine(line string) (old, new hunkLines, ok bool) {
	ranges, section, closed := strings.Cut(strings.TrimPrefix(line, "@@ -"), " @@")
	first, second, two := strings.Cut(ranges, " +")
	if !strings.HasPrefix(line, "@@ -") || !closed || !two || section != "" && section[0] != ' ' {
		return old, new, false
	}
	old, oldOK := parseHunkRange(first)
	new, newOK := parseHunkRange(second)
	return old, new, oldOK && newOK
}

// parseHunkRange reads "a,b", or "a" for one line. A range of no lines names the line
// before it, any other its first line.
func parseHunkRange(text string) (lines hunkLines, ok bool) {
	start, count, counted := strings.Cut(text, ",")
	lines.count, ok = 1, true
	if counted {
		lines.count, ok = parseLineNumber(count)
	}
	number, startOK := parseLineNumber(start)
	lines.before = number
	if lines.count > 0 {
		lines.before--
	}
	return lines, ok && startOK && lines.before >= 0
}

// parseLineNumber reads a number without sign and superfluous zeros, up to the most
// lines that a table may have.
func parseLineNumber(text string) (number int, ok bool) {
	if text == "" || len(text) > 1 && text[0] == '0' {
		return 0, false
	}
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
		if number = number*10 + int(c-'0'); number > MaxRows+1 {
			return 0, false
		}
	}
	return number, true
}
