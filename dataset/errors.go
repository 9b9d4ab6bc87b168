package dataset

import (
	"fmt"
	"strconv"
)

// Error is a fault at one place of a table: where, what was found, why that is
// refused and what to do about it.
type Error struct {
	Line    int    // line of the file, from 1; the header is line 1
	Column  int    // cell of the line, from 1; 0 when the whole line is meant
	Name    string // the column's name, where the header is known
	Earlier int    // for a duplicate, the line or column it repeats; otherwise 0
	What    string // "expected X, got Y"
	Why     string // the rule behind it
	Fix     string // the next step for a person
}

// Error is one sentence: place, what, why, what to do.
func (e *Error) Error() string {
	where := "line " + strconv.Itoa(e.Line)
	switch {
	case e.Column == 0:
		where += ", all columns"
	case e.Name == "":
		where += ", column " + strconv.Itoa(e.Column)
	default:
		where += fmt.Sprintf(", column %d (%s)", e.Column, e.Name)
	}
	return fmt.Sprintf("%s: %s: %s; %s", where, e.What, e.Why, e.Fix)
}

const canonicalizeFix = "canonicalize the file first"

// excerpt quotes a text for an error message and shortens it.
func excerpt(text []byte) string {
	const most = 40
	if len(text) > most {
		return strconv.QuoteToASCII(string(text[:most])) + "…"
	}
	return strconv.QuoteToASCII(string(text))
}
