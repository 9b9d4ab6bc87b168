package dataset

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// store returns the value of an identifier from a map, and counts the calls.
func store(values map[string]string, asked *[]string) func(string) ([]byte, error) {
	return func(cid string) ([]byte, error) {
		*asked = append(*asked, cid)
		value, ok := values[cid]
		if !ok {
			return nil, errNoSuchValue
		}
		return []byte(value), nil
	}
}

var errNoSuchValue = errors.New("nobody has it")

func TestExpandPutsValuesInPlaceOfTheirIdentifiers(t *testing.T) {
	table := mustParse(t, "x,image:cid,y:cid,label\n1,"+cidA+","+cidC+",0\n2,"+cidB+","+cidC+",1\n3,"+cidA+","+cidC+",1\n")
	var asked []string
	got, err := table.Expand(store(map[string]string{cidA: "1,2,3\n", cidB: "4,5,6\n", cidC: "-0.5\n"}, &asked))
	if err != nil {
		t.Fatal(err)
	}
	const want = "x,image.0,image.1,image.2,y.0,label\n1,1,2,3,-0.5,0\n2,4,5,6,-0.5,1\n3,1,2,3,-0.5,1\n"
	if string(got.Bytes()) != want || got.CIDColumns() != nil {
		t.Errorf("expected %q, got %q", want, got.Bytes())
	}
	if cap(got.data) != len(want) {
		t.Errorf("expected a buffer of %d bytes, got %d", len(want), cap(got.data))
	}
	if !slices.Equal(asked, table.CIDs()) {
		t.Errorf("expected each value once and in order, got %q", asked)
	}
	features, targets, err := got.Numeric(1)
	if err != nil || len(features) != 15 || !slices.Equal(targets, []float32{0, 1, 1}) {
		t.Errorf("numbers: %v, %v, %v", features, targets, err)
	}
}

func TestExpandLeavesATableOfNumbersAsItIs(t *testing.T) {
	table := mustParse(t, "x\n1\n")
	got, err := table.Expand(nil)
	if err != nil || got != table {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestExpandRefusesFaultyValuesAndSaysWhichOne(t *testing.T) {
	for _, c := range []struct {
		name, value  string
		line, column int
		says         string
	}{
		{"an empty file", "", 3, 2, "expected LF at the end of value " + cidB},
		{"a value without LF", "4,5,6", 3, 2, `expected LF at the end of value ` + cidB + `, got "6"`},
		{"a value of no numbers", "\n", 3, 2, "number 1 of value " + cidB + ": expected a number, got nothing"},
		{"two lines", "4,5,6\n7,8,9\n", 3, 2, "a value is one line of numbers"},
		{"an empty line after the value", "4,5,6\n\n", 3, 2, "a value is one line of numbers"},
		{"CR LF", "4,5,6\r\n", 3, 2, "LF alone"},
		{"a number that is not canonical", "4,5.0,6\n", 3, 2, `number 2 of value ` + cidB + `: expected 5, got "5.0"`},
		{"a text", "4,five,6\n", 3, 2, "number 2 of value"},
		{"an identifier", cidA + "\n", 3, 2, "number 1 of value"},
		{"a trailing comma", "4,5,6,\n", 3, 2, "number 4 of value"},
		{"too few numbers", "4,5\n", 3, 2, "expected a value of 3 numbers as on line 2, got 2 in " + cidB},
		{"too many numbers", "4,5,6,7\n", 3, 2, "expected a value of 3 numbers as on line 2, got 4 in " + cidB},
		{"a row that becomes equal to another", "1,2,3\n", 3, 0, "got the row of line 2 again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := mustParse(t, "label,image:cid\n1,"+cidA+"\n1,"+cidB+"\n1,"+cidC+"\n")
			var asked []string
			got, err := table.Expand(store(map[string]string{cidA: "1,2,3\n", cidB: c.value, cidC: "7,8,9\n"}, &asked))
			wantFault(t, err, c.line, c.column, c.says)
			if got != nil {
				t.Error("a table came with the error")
			}
		})
	}
}

func TestExpandRefusesNamesThatAreTakenOrBecomeTooLong(t *testing.T) {
	value := func(string) ([]byte, error) { return []byte("1,2\n"), nil }
	_, err := mustParse(t, "image.1,image:cid\n5,"+cidA+"\n").Expand(value)
	wantFault(t, err, 1, 3, "the name of column 1")
	_, err = mustParse(t, strings.Repeat("n", 60)+":cid\n"+cidA+"\n").Expand(value)
	if err != nil {
		t.Errorf("names of 62 bytes: %v", err)
	}
}

func TestExpandReportsAValueThatIsNotThere(t *testing.T) {
	var asked []string
	_, err := mustParse(t, "x,image:cid\n1,"+cidA+"\n").Expand(store(nil, &asked))
	if want := fmt.Sprintf("line 2, column 2 (image:cid): value %s: nobody has it", cidA); !errors.Is(err, errNoSuchValue) || err.Error() != want {
		t.Errorf("expected %s\ngot      %v", want, err)
	}
}

func TestExpandKeepsTheLimits(t *testing.T) {
	table := mustParse(t, "a:cid,b:cid\n"+cidA+","+cidB+"\n"+cidB+","+cidA+"\n")
	value := func(cid string) ([]byte, error) {
		return map[string][]byte{cidA: []byte("1,2\n"), cidB: []byte("3,4\n")}[cid], nil
	}
	fits := bounds{rows: 2, columns: 4, line: 15, file: 32}
	if _, err := fits.expand(table, value); err != nil {
		t.Fatalf("at the limits: %v", err)
	}
	for _, c := range []struct {
		limits bounds
		line   int
		column int
		says   string
	}{
		{bounds{rows: 2, columns: 3, line: 15, file: 32}, 1, 4, "at most 3 columns, got 4"},
		{bounds{rows: 2, columns: 4, line: 14, file: 32}, 1, 0, "at most 14 bytes"},
		{bounds{rows: 2, columns: 4, line: 2, file: 32}, 2, 1, "at most 2 bytes in value " + cidA},
		{bounds{rows: 2, columns: 4, line: 15, file: 31}, 3, 0, "at most 31 bytes"},
		{bounds{rows: 2, columns: 4, line: 15, file: 15}, 3, 0, "at most 15 bytes"},
	} {
		_, err := c.limits.expand(table, value)
		wantFault(t, err, c.line, c.column, c.says)
	}
}

func TestExpandAsksForNoMoreThanATableMayHold(t *testing.T) {
	var asked []string
	values := store(map[string]string{cidA: "1,2\n", cidB: "3,4\n", cidC: "5,6\n"}, &asked)
	_, err := bounds{rows: 1, columns: 6, line: 90, file: 8}.expand(mustParse(t, "a:cid,b:cid,c:cid\n"+cidA+","+cidB+","+cidC+"\n"), values)
	wantFault(t, err, 2, 0, "at most 8 bytes")
	if len(asked) != 2 {
		t.Errorf("expected two values of one row to be too much, got %d", len(asked))
	}
}
