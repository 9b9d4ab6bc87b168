package dataset

import (
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func mustParse(t testing.TB, text string) *Table {
	t.Helper()
	table, err := Parse(strings.NewReader(text))
	if err != nil {
		t.Fatalf("parse %q: %v", text, err)
	}
	return table
}

func TestParseKeepsRowsAndNamesInFileOrder(t *testing.T) {
	const text = "x,y,label\n0.5,-1,2\n3,0,0\n"
	table := mustParse(t, text)
	if got := table.Header(); !slices.Equal(got, []string{"x", "y", "label"}) {
		t.Errorf("header: got %q", got)
	}
	if table.Rows() != 2 || table.Columns() != 3 {
		t.Errorf("expected 2 rows of 3 columns, got %d of %d", table.Rows(), table.Columns())
	}
	if string(table.Row(0)) != "0.5,-1,2" || string(table.Row(1)) != "3,0,0" {
		t.Errorf("rows: got %q, %q", table.Row(0), table.Row(1))
	}
	if string(table.Bytes()) != text || table.SHA256() != sha256.Sum256([]byte(text)) {
		t.Error("bytes or hash differ from the file")
	}
	if table.Line(1) != 3 {
		t.Errorf("expected example 1 on line 3, got %d", table.Line(1))
	}
	table.Header()[0] = "z"
	if table.Header()[0] != "x" {
		t.Error("a caller could change the header")
	}
	if grown := append(table.Row(0), '!'); string(table.Bytes()) != text || len(grown) != 9 {
		t.Error("appending to a row overwrote the table")
	}
}

func TestParseAcceptsTheEdgesOfTheFormat(t *testing.T) {
	for name, text := range map[string]string{
		"one column, one row":              "x\n0\n",
		"names of all allowed letters":     "_,A-b.9,__\n1,2,3\n",
		"a name of 64 bytes":               strings.Repeat("n", 64) + "\n1\n",
		"names that differ by case only":   "x,X\n1,2\n",
		"38 digits before the point":       "x\n-" + strings.Repeat("9", 38) + "\n",
		"64 digits after the point":        "x\n-0." + strings.Repeat("0", 63) + "1\n",
		"a column of content identifiers":  "image:cid\n" + cidA + "\n" + cidC + "\n",
		"a name of 64 bytes with its mark": strings.Repeat("n", 60) + ":cid\n" + cidA + "\n",
		"a name with and without a mark":   "image,image:cid\n1," + cidA + "\n",
	} {
		t.Run(name, func(t *testing.T) { mustParse(t, text) })
	}
}

var refusals = []struct {
	name, text   string
	line, column int
	says         string // part of the message
}{
	{"an empty file", "", 1, 1, "got an empty file"},
	{"a file of one newline", "\n", 1, 1, "got an empty line"},
	{"a header without rows", "x,y\n", 2, 1, "got the end of the file"},
	{"a byte order mark", "\xef\xbb\xbfx\n1\n", 1, 1, "byte order mark"},
	{"a missing last newline", "x\n1\n2", 3, 0, "expected LF after the last line"},
	{"a header without newline", "x", 1, 0, "expected LF"},
	{"an empty line between rows", "x\n1\n\n2\n", 3, 1, "got an empty line"},
	{"an empty line at the end", "x\n1\n\n", 3, 1, "got an empty line"},
	{"CR LF after the header", "x,y\r\n1,2\n", 1, 2, `"y\r"`},
	{"CR LF after a row", "x,y\n1,2\r\n", 2, 2, "LF alone"},
	{"a file without header", "1,2,0\n3,4,1\n", 1, 1, "if the file has no header line, add one"},
	{"a missing name", "x,,label\n1,2,3\n", 1, 2, "got nothing"},
	{"a name with a space", "x,petal width\n1,2\n", 1, 2, `"petal width"`},
	{"a name in quotes", `"x"` + "\n1\n", 1, 1, "no quotes"},
	{"a name beyond ASCII", "größe\n1\n", 1, 1, `"gr\u00f6\u00dfe"`},
	{"a name of 65 bytes", strings.Repeat("n", 65) + "\n1\n", 1, 1, "at most 64 bytes"},
	{"a number in a column of content identifiers", "x,image:cid\n1,2\n", 2, 2, "(image:cid): expected a content identifier"},
	{"an empty cell in a column of content identifiers", "image:cid,x\n,2\n", 2, 1, "got nothing"},
	{"a content identifier in a column of numbers", "image:cid,x\n" + cidA + "," + cidA + "\n", 2, 2, "(x): expected a number"},
	{"CR LF after a content identifier", "x,image:cid\n1," + cidA + "\r\n", 2, 2, "LF alone"},
	{"a mark without a name", "x,:cid\n1," + cidA + "\n", 1, 2, "such as image:cid"},
	{"a mark twice", "image:cid:cid\n" + cidA + "\n", 1, 1, "only \":cid\" may follow"},
	{"a mark in upper case", "image:CID\n" + cidA + "\n", 1, 1, "only \":cid\" may follow"},
	{"a name with a mark of 65 bytes", strings.Repeat("n", 61) + ":cid\n" + cidA + "\n", 1, 1, "at most 64 bytes"},
	{"two equal names with a mark", "a:cid,a:cid\n" + cidA + "," + cidB + "\n", 1, 2, "the name of column 1"},
	{"two equal rows of content identifiers", "a:cid\n" + cidA + "\n" + cidB + "\n" + cidA + "\n", 4, 0, "the row of line 2"},
	{"two equal names", "x,y,x\n1,2,3\n", 1, 3, "the name of column 1"},
	{"a row with too few cells", "x,y,z\n1,2,3\n4,5\n", 3, 3, "expected 3 cells as in the header, got 2"},
	{"a row with too many cells", "x,y\n1,2\n3,4,5,6\n", 3, 3, "expected 2 cells as in the header, got 4"},
	{"a trailing comma", "x,y\n1,2,\n", 2, 3, "expected 2 cells as in the header, got 3"},
	{"an empty cell", "x,y\n,2\n", 2, 1, "got nothing"},
	{"a superfluous zero", "x,y\n1,2\n3,1.0\n", 3, 2, `expected 1, got "1.0"`},
	{"a negative zero", "x\n-0\n", 2, 1, `expected 0, got "-0"`},
	{"an exponent", "x\n1e3\n", 2, 1, `expected 1000, got "1e3"`},
	{"spaces", "x,y\n1, 2\n", 2, 2, `expected 2, got " 2"`},
	{"quotes", "x\n\"5\"\n", 2, 1, `expected 5, got "\"5\""`},
	{"a text", "x,species\n1,setosa\n", 2, 2, "number the classes"},
	{"another separator", "x\n1;2\n", 2, 1, "separated by commas"},
	{"NaN", "x\nnan\n", 2, 1, "NaN"},
	{"a number too large for float32", "x\n" + strings.Repeat("9", 39) + "\n", 2, 1, "scale the column"},
	{"a NUL byte", "x\n1\x00\n", 2, 1, `"1\x00"`},
	{"two equal rows", "x,y\n1,2\n3,4\n1,2\n", 4, 0, "the row of line 2"},
	{"three equal rows, of which the second is named", "x\n7\n8\n7\n7\n", 4, 0, "remove line 4 or line 2"},
}

func TestParseRefusesWhatIsNotCanonicalAndSaysWhere(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			table, err := Parse(strings.NewReader(c.text))
			wantFault(t, err, c.line, c.column, c.says)
			if table != nil {
				t.Error("a table came with the error")
			}
		})
	}
}

// wantFault checks that err is a complete *Error for the given place.
func wantFault(t *testing.T, err error, line, column int, says string) {
	t.Helper()
	var fault *Error
	if !errors.As(err, &fault) {
		t.Fatalf("expected an *Error, got %v", err)
	}
	if fault.Line != line || fault.Column != column {
		t.Errorf("expected line %d, column %d, got %d, %d: %v", line, column, fault.Line, fault.Column, err)
	}
	if fault.What == "" || fault.Why == "" || fault.Fix == "" {
		t.Errorf("the error must say what, why and what to do: %#v", fault)
	}
	if !strings.HasPrefix(err.Error(), "line ") || !strings.Contains(err.Error(), " column") || !strings.Contains(err.Error(), says) {
		t.Errorf("expected line, column and %q in the message, got %q", says, err)
	}
}

func TestErrorNamesTheColumn(t *testing.T) {
	_, err := Parse(strings.NewReader("x,width\n1,2\n3,1.0\n"))
	const want = `line 3, column 2 (width): expected 1, got "1.0": one value has one text; write it so, or canonicalize the file first`
	if err == nil || err.Error() != want {
		t.Errorf("expected %s\ngot      %v", want, err)
	}
}

func TestErrorsShortenLongCells(t *testing.T) {
	_, err := Parse(strings.NewReader("x\n" + strings.Repeat("z", 1000) + "\n"))
	if err == nil || len(err.Error()) > 250 {
		t.Errorf("expected a short message, got %v", err)
	}
}

func TestLimitsHoldExactly(t *testing.T) {
	limits := bounds{rows: 2, columns: 3, line: 5, file: 18}
	read := func(text string) error {
		data, err := limits.read(strings.NewReader(text))
		if err == nil {
			_, err = limits.parse(data)
		}
		return err
	}
	for name, text := range map[string]string{
		"rows":    "x\n1\n2\n",
		"columns": "x,y,z\n1,2,3\n",
		"line":    "x\n12345\n",
		"file":    "x,y,z\n1,2,3\n4,5,6\n",
	} {
		if err := read(text); err != nil {
			t.Errorf("at the limit of %s: %v", name, err)
		}
	}
	wantFault(t, read("x\n1\n2\n3\n"), 4, 0, "at most 2 rows")
	wantFault(t, read("w,x,y,z\n1,2,3,4\n"), 1, 0, "at most 5 bytes")
	wantFault(t, bounds{rows: 2, columns: 3, line: 99, file: 99}.parseError("w,x,y,z\n1,2,3,4\n"), 1, 4, "at most 3 columns")
	wantFault(t, read("x\n123456\n"), 2, 0, "at most 5 bytes")
	wantFault(t, read("x\n123456"), 2, 0, "at most 5 bytes")
	wantFault(t, read("x,y,z\n1,2,3\n4,5,6\n7,"), 4, 0, "at most 18 bytes")
}

func (b bounds) parseError(text string) error {
	_, err := b.parse([]byte(text))
	return err
}

func TestParseReportsAFailingReader(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, read := range []func(io.Reader) error{
		func(r io.Reader) error { _, err := Parse(r); return err },
		func(r io.Reader) error { _, _, err := Canonicalize(r); return err },
	} {
		if err := read(iotest.ErrReader(broken)); !errors.Is(err, broken) {
			t.Errorf("expected the reader's error, got %v", err)
		}
	}
}

func TestDuplicatesAreFoundAmongManyRows(t *testing.T) {
	var text strings.Builder
	text.WriteString("x\n")
	for i := range 5000 {
		text.WriteString(decimal(i) + "\n")
	}
	mustParse(t, text.String())
	text.WriteString("4321\n")
	_, err := Parse(strings.NewReader(text.String()))
	wantFault(t, err, 5002, 0, "line 4323")
}
