package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// deltaVector is a delta that a table takes or refuses.
type deltaVector struct {
	Name, Table, Delta string
	Result             string // the new table, or
	Fault              string // why there is none,
	Line               int    // where in the delta
	TableLine          int    `json:"table_line"`
	Says               string // part of this implementation's message
}

func deltaVectors(t testing.TB) (vectors []deltaVector) {
	t.Helper()
	text, err := os.ReadFile("testdata/deltas.json")
	if err == nil {
		err = json.Unmarshal(text, &vectors)
	}
	if err != nil {
		t.Fatal(err)
	}
	return vectors
}

// applyText parses and applies a delta.
func applyText(table *Table, delta []byte) (*Table, error) {
	d, err := ParseDelta(delta)
	if err != nil {
		return nil, err
	}
	return table.Apply(d)
}

func TestDeltasAreTakenAndRefusedAsInTheVectors(t *testing.T) {
	for _, v := range deltaVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			result, err := applyText(mustParse(t, v.Table), []byte(v.Delta))
			if v.Fault == "" {
				if err != nil {
					t.Fatal(err)
				}
				if string(result.Bytes()) != v.Result {
					t.Errorf("expected %q, got %q", v.Result, result.Bytes())
				}
				return
			}
			if result != nil {
				t.Error("a table came with the error")
			}
			wantDeltaFault(t, err, v)
		})
	}
}

// wantDeltaFault checks that err is a complete *DeltaError of the vector's kind and
// place.
func wantDeltaFault(t *testing.T, err error, v deltaVector) {
	t.Helper()
	var fault *DeltaError
	if !errors.As(err, &fault) {
		t.Fatalf("expected a *DeltaError, got %v", err)
	}
	if fault.Fault.String() != v.Fault || fault.Line != v.Line || fault.TableLine != v.TableLine {
		t.Errorf("expected %s on line %d of the delta, line %d of the table, got %v, %d, %d: %v", v.Fault, v.Line, v.TableLine, fault.Fault, fault.Line, fault.TableLine, err)
	}
	if fault.What == "" || fault.Why == "" || fault.Fix == "" {
		t.Errorf("the error must say what, why and what to do: %#v", fault)
	}
	if !strings.Contains(err.Error(), v.Says) || v.Line > 0 && !strings.HasPrefix(err.Error(), fmt.Sprintf("line %d of the delta", v.Line)) {
		t.Errorf("expected the line and %q in the message, got %q", v.Says, err)
	}
	var cause *Error
	if errors.As(err, &cause) != (fault.Fault == FaultResult) {
		t.Errorf("exactly errors of the result wrap an *Error: %#v", fault)
	}
}

func TestDeltaErrorsReadAsOneSentence(t *testing.T) {
	table := mustParse(t, "x,y\n1,2\n")
	for _, c := range []struct{ hunk, want string }{
		{"@@ -2 +2 @@\n-1,3\n+1,4\n", `line 4 of the delta, line 2 of the table: expected "3" in column 2, got "2": a delta applies to the very table that it was made from; make the delta again from the current table`},
		{"@@ -2 +2 @@\n-1,2\n+1,2.0\n", `line 5 of the delta: the table it leads to is refused: line 2, column 2 (y): expected 2, got "2.0": one value has one text; write it so, or canonicalize the file first`},
		{"@@ -2 +2 @@\n-1,2\n+1,2\n", `delta: expected a row that is new or gone, got the same rows in another order or no change at all: a change of the order changes no example; add or remove at least one row`},
	} {
		if _, err := applyText(table, []byte("--- a\n+++ b\n"+c.hunk)); err == nil || err.Error() != c.want {
			t.Errorf("expected %s\ngot      %v", c.want, err)
		}
	}
}

func TestDeltaCountsItsLines(t *testing.T) {
	d, err := ParseDelta([]byte("--- a\n+++ b\n@@ -1,3 +1,4 @@\n x\n-1\n+2\n+3\n 4\n@@ -9,0 +11 @@\n+-5\n"))
	if err != nil {
		t.Fatal(err)
	}
	if d.Added() != 3 || d.Removed() != 1 {
		t.Errorf("expected 3 added and 1 removed line, got %d and %d", d.Added(), d.Removed())
	}
}

func TestDeltaLimitsHoldExactly(t *testing.T) {
	const delta = "--- a\n+++ b\n@@ -2 +2 @@\n-1\n+9\n@@ -3 +3 @@\n-2\n+8\n"
	if _, err := (deltaBounds{bytes: len(delta), hunks: 2}).parse([]byte(delta)); err != nil {
		t.Errorf("at the limits: %v", err)
	}
	_, err := (deltaBounds{bytes: len(delta) - 1, hunks: 2}).parse([]byte(delta))
	wantDeltaFault(t, err, deltaVector{Fault: "malformed", Line: 1, Says: "at most 47 bytes, got 48"})
	_, err = (deltaBounds{bytes: len(delta), hunks: 1}).parse([]byte(delta))
	wantDeltaFault(t, err, deltaVector{Fault: "malformed", Line: 6, Says: "at most 1 hunks"})
}

func TestDeltaFaultsHaveNames(t *testing.T) {
	for fault, want := range map[DeltaFault]string{FaultMalformed: "malformed", FaultDoesNotApply: "does not apply", FaultHeader: "header",
		FaultNoChange: "no change", FaultResult: "result", 0: "DeltaFault(0)"} {
		if fault.String() != want {
			t.Errorf("expected %q, got %q", want, fault)
		}
	}
}
