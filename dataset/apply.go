package dataset

import (
	"bytes"
	"errors"
	"fmt"
)

// Apply returns the table that the delta makes of this one. There is no tolerance:
// every hunk must belong exactly to the line that it states, and every line that it
// shows or removes must be that line of the table, byte for byte. The header must
// stay, the result must be a canonical table, and at least one row must be new or
// gone. Anything else is refused with a [*DeltaError], which for a result that is not
// canonical wraps the [*Error] of [Parse]. It takes time and memory in proportion to
// table and delta.
func (t *Table) Apply(d *Delta) (*Table, error) { return formatBounds.apply(t, d) }

func (b bounds) apply(t *Table, d *Delta) (*Table, error) {
	out, err := patch(t, d)
	if err != nil {
		return nil, err
	}
	result, err := b.parse(out)
	if err != nil {
		return nil, d.resultFault(err)
	}
	if d.onlyMoves() {
		return nil, &DeltaError{Fault: FaultNoChange, What: "expected a row that is new or gone, got the same rows in another order or no change at all",
			Why: "a change of the order changes no example", Fix: "add or remove at least one row"}
	}
	return result, nil
}

// patch writes the result into one buffer.
func patch(t *Table, d *Delta) ([]byte, error) {
	out := make([]byte, 0, max(0, len(t.data)+d.addedBytes-d.removedBytes))
	at := 0 // the next line of the table
	for _, h := range d.hunks {
		if h.before+h.covers > t.lines() {
			return nil, &DeltaError{Fault: FaultDoesNotApply, Line: h.line, TableLine: h.before + h.covers,
				What: fmt.Sprintf("expected a table of at least %d lines, got %d lines", h.before+h.covers, t.lines()), Why: exactWhy, Fix: remakeFix}
		}
		out = append(out, t.data[t.lineStart(at):t.lineStart(h.before)]...)
		at = h.before
		line := h.line
		for place := h.from; place < h.to; {
			var marker byte
			var text []byte
			marker, text, place = d.next(place)
			line++
			if marker != '+' && !bytes.Equal(text, t.line(at)) {
				return nil, mismatch(line, at+1, text, t.line(at))
			}
			if marker != ' ' && at == 0 {
				return nil, &DeltaError{Fault: FaultHeader, Line: line, TableLine: 1,
					What: "expected the header to stay as it is, got a change of it or a line before it",
					Why:  "models are made for the columns of the table", Fix: "leave the first line alone, or start a new training set"}
			}
			switch marker {
			case ' ':
				out = append(out, text...)
				at++
			case '+':
				out = append(out, text...)
			case '-':
				at++
			}
		}
	}
	return append(out, t.data[t.lineStart(at):]...), nil
}

const exactWhy = "a delta applies to the very table that it was made from"

// mismatch says where a line of the delta differs from the table's.
func mismatch(line, tableLine int, want, got []byte) *DeltaError {
	e := &DeltaError{Fault: FaultDoesNotApply, Line: line, TableLine: tableLine, Why: exactWhy, Fix: remakeFix}
	want, got = bytes.TrimSuffix(want, []byte{'\n'}), bytes.TrimSuffix(got, []byte{'\n'})
	if wants, gots := cells(want), cells(got); wants != gots {
		e.What = fmt.Sprintf("expected %d cells, got %d", wants, gots)
		return e
	}
	for column := 1; ; column++ {
		var wantCell, gotCell []byte
		wantCell, want, _ = cutCell(want)
		gotCell, got, _ = cutCell(got)
		if !bytes.Equal(wantCell, gotCell) {
			e.What = fmt.Sprintf("expected %s in column %d, got %s", excerpt(wantCell), column, excerpt(gotCell))
			return e
		}
	}
}

// resultFault turns an error about the result into one about the delta.
func (d *Delta) resultFault(err error) error {
	e := &DeltaError{Fault: FaultResult, Cause: err}
	var cause *Error
	if errors.As(err, &cause) {
		e.What, e.Why, e.Fix, e.TableLine = cause.What, cause.Why, cause.Fix, cause.Line
		e.Line = d.lineAdding(cause.Line)
		if e.Line == 0 && cause.Column == 0 {
			e.Line = d.lineAdding(cause.Earlier)
		}
	}
	return e
}

// lineAdding returns the line of the delta that adds the given line of the result, or
// 0 if none does.
func (d *Delta) lineAdding(resultLine int) int {
	net := 0
	for _, h := range d.hunks {
		at := h.before + net // lines of the result so far
		line := h.line
		for place := h.from; place < h.to; {
			var marker byte
			marker, _, place = d.next(place)
			line++
			switch marker {
			case '+':
				at++
				net++
				if at == resultLine {
					return line
				}
			case ' ':
				at++
			case '-':
				net--
			}
		}
	}
	return 0
}

// onlyMoves reports whether the delta adds exactly the rows it removes. It is asked
// when table and result are known to be canonical, so that no row is added or removed
// twice.
func (d *Delta) onlyMoves() bool {
	if d.added != d.removed {
		return false
	}
	removed := d.texts('-')
	rows := newTextIndex(len(removed), func(i int) []byte { return removed[i] })
	for i := range removed {
		rows.add(i)
	}
	for _, row := range d.texts('+') {
		if rows.find(row) < 0 {
			return false
		}
	}
	return true
}

// texts returns the lines with a marker, in order.
func (d *Delta) texts(wanted byte) [][]byte {
	var texts [][]byte
	for _, h := range d.hunks {
		for place := h.from; place < h.to; {
			var marker byte
			var text []byte
			marker, text, place = d.next(place)
			if marker == wanted {
				texts = append(texts, text)
			}
		}
	}
	return texts
}
