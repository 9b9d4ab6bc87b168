package dataset

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestCanonicalizeRewritesOrdinaryFilesAndSaysWhatChanged(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		changes        []string
	}{
		{"a canonical file", "x,y\n1,2\n", "x,y\n1,2\n", nil},
		{"CR LF", "x,y\r\n1,2\r\n", "x,y\n1,2\n", []string{"replaced CR LF by LF at 2 line ends, first on line 1"}},
		{"a byte order mark", "\xef\xbb\xbfx\n1\n", "x\n1\n", []string{"removed the byte order mark"}},
		{"a missing last newline", "x\n1", "x\n1\n", []string{"added the missing LF after the last line"}},
		{"a missing last newline after CR", "x\n1\r", "x\n1\n", []string{"replaced CR LF by LF at 1 line ends, first on line 2", "added the missing LF after the last line"}},
		{"spaces and tabs", "x , y\n1,\t2\n", "x,y\n1,2\n", []string{"removed spaces around 3 cells, first on line 1, column 1"}},
		{"quotes", "\"x\",\"y\"\n1,\" 2 \"\n", "x,y\n1,2\n", []string{"removed quotes around 3 cells, first on line 1, column 1"}},
		{"spaces in a name", "petal  width\n1\n", "petal_width\n1\n", []string{`renamed 1 columns, first on line 1, column 1: "petal  width" to "petal_width"`}},
		{"numbers", "x,y\n5,1.0\n2e1,3\n", "x,y\n5,1\n20,3\n", []string{`rewrote 2 numbers, first on line 2, column 2: "1.0" to "1"`}},
		{"empty lines", "\n x\n\n1\n \t\r\n2\n\n", "x\n1\n2\n", []string{
			"replaced CR LF by LF at 1 line ends, first on line 5", "removed 4 empty lines, first line 1", "removed spaces around 1 cells, first on line 2, column 1"}},
		{"content identifiers", "label,\"image:cid\"\n1.0, " + cidA + " \n", "label,image:cid\n1," + cidA + "\n", []string{
			"removed quotes around 1 cells, first on line 1, column 2", "removed spaces around 1 cells, first on line 2, column 2", `rewrote 1 numbers, first on line 2, column 1: "1.0" to "1"`}},
		{"a last line of spaces", "x\n1\n  ", "x\n1\n", []string{"removed 1 empty lines, first line 3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, changes, err := Canonicalize(strings.NewReader(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != c.want {
				t.Errorf("expected %q, got %q", c.want, got)
			}
			if !slices.Equal(changes, c.changes) {
				t.Errorf("changes: expected %q, got %q", c.changes, changes)
			}
		})
	}
}

func TestCanonicalizeRefusesWhatNeedsADecision(t *testing.T) {
	for _, c := range []struct {
		name, in     string
		line, column int
		says         string
	}{
		{"an empty file", "", 1, 1, "empty file"},
		{"UTF-16", "\xff\xfex\x00\n\x00", 1, 1, "save the file as CSV in UTF-8"},
		{"a missing value", "x,y\n\n1,\n", 3, 2, "(y): expected a number, got nothing"},
		{"a text", "x,y\n1,setosa\n", 2, 2, "number the classes"},
		{"an unbalanced quote", "x\n\"1\n", 2, 1, `"\"1"`},
		{"CR alone as line end", "x\r1\r2\r", 1, 1, "LF"},
		{"a name with brackets", "\nwidth (cm)\n1\n", 2, 1, `"width_(cm)"`},
		{"a missing header", "1,2\n3,4\n", 1, 1, "add one"},
		{"rows that become equal", "x\n\n1\n\n2\n1.0\n", 6, 0, "remove line 6 or line 3"},
		{"a short row after empty lines", "x,y\n\n\n1\n", 4, 2, "expected 2 cells"},
		{"a long row", "x\n1\n1,5\n", 3, 2, "a point, not a comma"},
		{"names that become equal", "a b,\"a b\"\n1,2\n", 1, 2, "the name of column 1"},
		{"a content identifier in upper case", "a:cid\n" + strings.ToUpper(cidA) + "\n", 2, 1, "write it in lower case"},
		{"a number in a column of content identifiers", "x,a:cid\n\n1,2\n", 3, 2, "(a:cid): expected a content identifier"},
		{"a number it would have to round", "x\n1e-70\n", 2, 1, "round the value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, _, err := Canonicalize(strings.NewReader(c.in))
			wantFault(t, err, c.line, c.column, c.says)
			if out != nil {
				t.Error("a table came with the error")
			}
		})
	}
}

func TestCanonicalizeStopsAtTheRowLimit(t *testing.T) {
	_, _, err := bounds{rows: 2, columns: 9, line: 9, file: 99}.canonicalize([]byte("x\n\n1\n2\n3\n4\nnot read\n"))
	wantFault(t, err, 5, 0, "at most 2 rows")
}

func FuzzParse(f *testing.F) {
	for _, c := range refusals {
		f.Add([]byte(c.text))
	}
	f.Add([]byte("x,y,label\n0.5,-1,2\n3,0,0\n"))
	f.Add([]byte("x,image:cid\n0.5," + cidA + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := Parse(bytes.NewReader(data))
		if err != nil {
			return
		}
		if !bytes.Equal(table.Bytes(), data) {
			t.Fatal("the table's bytes are not the file")
		}
		rebuilt := strings.Join(table.Header(), ",") + "\n"
		for i := range table.Rows() {
			rebuilt += string(table.Row(i)) + "\n"
		}
		if rebuilt != string(data) {
			t.Fatalf("header and rows do not make up the file: %q", rebuilt)
		}
		features, targets, err := table.Numeric(table.Columns() - 1)
		if columns := table.CIDColumns(); len(columns) > 0 {
			if err == nil || len(table.CIDs()) == 0 {
				t.Fatalf("content identifiers were read as numbers: %q", data)
			}
		} else if err != nil || len(features) != table.Rows() || len(targets) != table.Rows()*(table.Columns()-1) {
			t.Fatalf("a canonical table must have numbers: %d, %d, %v", len(features), len(targets), err)
		}
		canonical, changes, err := Canonicalize(bytes.NewReader(data))
		if err != nil || len(changes) != 0 || !bytes.Equal(canonical, data) {
			t.Fatalf("a canonical table must stay as it is: %q, %q, %v", canonical, changes, err)
		}
	})
}

func FuzzCanonicalize(f *testing.F) {
	for _, c := range refusals {
		f.Add([]byte(c.text))
	}
	f.Add([]byte("\xef\xbb\xbf \"sepal length\" ,y\r\n\r\n1.50,\t-0e3\r\n+2,.5"))
	f.Fuzz(func(t *testing.T, data []byte) {
		canonical, changes, err := Canonicalize(bytes.NewReader(data))
		if err != nil {
			return
		}
		if _, err := Parse(bytes.NewReader(canonical)); err != nil {
			t.Fatalf("%q became %q, which is refused: %v", data, canonical, err)
		}
		if bytes.Equal(canonical, data) != (len(changes) == 0) {
			t.Fatalf("%q became %q, but the changes said are %q", data, canonical, changes)
		}
	})
}
