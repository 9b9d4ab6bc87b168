package dataset

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestASummaryShowsWhatAChangeDoes(t *testing.T) {
	old := mustParse(t, "x,y,label\n0,0,0\n1,1,0\n2,2.5,1\n3,3,1\n10,-4,2\n")
	new := mustParse(t, "x,y,label\n0,0,1\n1,1,0\n3,3,1\n3,3,2\n10,-4,2\n10,-4.25,2\n100,50,3\n")
	want := Summary{
		RowsBefore: 5, RowsAfter: 7, RowsAdded: 4, RowsRemoved: 2,
		Relabelled: 1, RelabelledRows: []Relabel{{OldLine: 2, NewLine: 2, OldTarget: "0", NewTarget: "1"}},
		Classes:     []ClassCount{{0, 2, 1}, {1, 2, 2}, {2, 1, 3}, {3, 0, 1}},
		Conflicting: 1, ConflictingRows: []Conflict{{Line: 5, OtherLine: 4, Target: "2", OtherTarget: "1"}},
		NearDuplicates: 2, NearDuplicateRows: []NearDuplicate{{Line: 5, OtherLine: 4}, {Line: 7, OtherLine: 6, Column: "y"}},
		Outliers: 4, OutlierCells: []Outlier{
			{Line: 7, Column: "y", Value: "-4.25", Min: "-4", Max: "3"},
			{Line: 8, Column: "x", Value: "100", Min: "0", Max: "10"},
			{Line: 8, Column: "y", Value: "50", Min: "-4", Max: "3"},
			{Line: 8, Column: "label", Value: "3", Min: "0", Max: "2"},
		},
	}
	got := Summarize(old, new, 1)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("expected %+v\ngot      %+v", want, got)
	}
	text, err := json.Marshal(got)
	if err != nil || !strings.Contains(string(text), `"relabelled_rows":[{"old_line":2,"new_line":2,"old_target":"0","new_target":"1"}]`) {
		t.Errorf("as JSON: %s, %v", text, err)
	}
}

func TestASummaryOfEqualTablesIsQuiet(t *testing.T) {
	table := mustParse(t, "x,y,label\n0,0,0\n1,1,0\n")
	want := Summary{RowsBefore: 2, RowsAfter: 2, Classes: []ClassCount{{0, 2, 2}}}
	if got := Summarize(table, table, 1); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	moved := mustParse(t, "x,y,label\n1,1,0\n0,0,0\n")
	if got := Summarize(table, moved, 1); !reflect.DeepEqual(got, want) {
		t.Errorf("of moved rows: got %+v", got)
	}
}

func TestClassesAreShownOnlyIfTheTargetIsOne(t *testing.T) {
	var many strings.Builder
	for i := range 101 {
		fmt.Fprintf(&many, "%d,%d\n", i, i)
	}
	for _, c := range []struct {
		name, rows string
		targets    int
		classes    int
	}{
		{"integers", "1,0\n2,7\n", 1, 2},
		{"100 integers", many.String()[:strings.Index(many.String(), "100,100")], 1, 100},
		{"101 integers", many.String(), 1, 0},
		{"a fraction", "1,0\n2,0.5\n", 1, 0},
		{"a negative number", "1,0\n2,-1\n", 1, 0},
		{"a huge number", "1,0\n2,4294967296\n", 1, 0},
		{"no target", "1,0\n2,7\n", 0, 0},
		{"too many targets", "1,0\n2,7\n", 2, 0},
		{"a negative number of targets", "1,0\n2,7\n", -1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := mustParse(t, "x,label\n"+c.rows)
			if got := Summarize(table, table, c.targets).Classes; len(got) != c.classes {
				t.Errorf("expected %d classes, got %v", c.classes, got)
			}
		})
	}
	old, new := mustParse(t, "x,label\n1,0\n"), mustParse(t, "x,label\n1,0\n2,0.5\n")
	if got := Summarize(old, new, 1).Classes; got != nil {
		t.Errorf("a fraction in the new table alone: got %v", got)
	}
}

func TestContentIdentifiersHaveNoRangeButAreCompared(t *testing.T) {
	old := mustParse(t, "image:cid,size,label\n"+cidA+",5,0\n"+cidB+",6,0\n")
	new := mustParse(t, "image:cid,size,label\n"+cidA+",5,0\n"+cidB+",6,1\n"+cidC+",5,0\n")
	want := Summary{RowsBefore: 2, RowsAfter: 3, RowsAdded: 2, RowsRemoved: 1,
		Relabelled: 1, RelabelledRows: []Relabel{{3, 3, "0", "1"}},
		Classes:        []ClassCount{{0, 2, 2}, {1, 0, 1}},
		NearDuplicates: 1, NearDuplicateRows: []NearDuplicate{{Line: 4, OtherLine: 2, Column: "image:cid"}},
		Outliers: 1, OutlierCells: []Outlier{{Line: 3, Column: "label", Value: "1", Min: "0", Max: "0"}}}
	if got := Summarize(old, new, 1); !reflect.DeepEqual(got, want) {
		t.Errorf("expected %+v\ngot      %+v", want, got)
	}
}

func TestListsOfASummaryEndAfterTwentyEntriesButCountAll(t *testing.T) {
	var before, after strings.Builder
	before.WriteString("x,y,label\n")
	after.WriteString("x,y,label\n")
	for i := range 30 {
		fmt.Fprintf(&before, "%d,0,0\n%d,1,0\n", i, i)
		fmt.Fprintf(&after, "%d,0,1\n%d,0,2\n%d,1,0\n", i, i, i)
	}
	s := Summarize(mustParse(t, before.String()), mustParse(t, after.String()), 1)
	for name, counts := range map[string][3]int{
		"relabelled":      {30, s.Relabelled, len(s.RelabelledRows)},
		"conflicting":     {60, s.Conflicting, len(s.ConflictingRows)},
		"near duplicates": {60, s.NearDuplicates, len(s.NearDuplicateRows)},
		"outliers":        {60, s.Outliers, len(s.OutlierCells)},
	} {
		if counts[0] != counts[1] || counts[2] != SummaryRows {
			t.Errorf("%s: expected %d, %d of them listed, got %d, %d", name, counts[0], SummaryRows, counts[1], counts[2])
		}
	}
}

func TestNearDuplicatesAreSkippedWithAReason(t *testing.T) {
	wide := func(columns, first, rows int) *Table {
		var text strings.Builder
		for i := range columns {
			fmt.Fprintf(&text, "c%d,", i)
		}
		text.WriteString("label\n")
		for row := range rows {
			text.WriteString(strings.Repeat(strconv.Itoa(first+row)+",", columns) + "0\n")
		}
		return mustParse(t, text.String())
	}
	for _, c := range []struct {
		name     string
		old, new *Table
		says     string
	}{
		{"one feature", mustParse(t, "x,label\n1,0\n"), mustParse(t, "x,label\n2,0\n"), "rows of one feature"},
		{"as many features and cells as allowed", wide(nearColumns, 0, 1), wide(nearColumns, 1, nearCells/nearColumns), ""},
		{"one feature more", wide(nearColumns+1, 0, 1), wide(nearColumns+1, 1, 1), "4097 features"},
		{"one row more", wide(nearColumns, 0, 1), wide(nearColumns, 1, nearCells/nearColumns+1), "2101248 feature cells"},
		{"other columns", wide(2, 0, 1), wide(3, 0, 1), "the columns are not the same"},
	} {
		s := Summarize(c.old, c.new, 1)
		if s.NearDuplicates != 0 || (c.says == "") != (s.NearDuplicatesSkipped == "") || !strings.Contains(s.NearDuplicatesSkipped, c.says) {
			t.Errorf("%s: expected none and %q, got %d and %q", c.name, c.says, s.NearDuplicates, s.NearDuplicatesSkipped)
		}
	}
}

// naiveCounts counts relabelled, conflicting and nearly equal rows by comparing every
// row with every other.
func naiveCounts(old, new *Table, targets int) (relabelled, conflicting, near int) {
	split := func(t *Table, i int) (features []string, target string) {
		cells := strings.Split(string(t.Row(i)), ",")
		at := len(cells) - targets
		return cells[:at], strings.Join(cells[at:], ",")
	}
	has := func(t *Table, row []byte) bool {
		for i := range t.Rows() {
			if string(t.Row(i)) == string(row) {
				return true
			}
		}
		return false
	}
	taken := make(map[int]bool)
	for i := range old.Rows() {
		if has(new, old.Row(i)) {
			continue
		}
		features, _ := split(old, i)
		for j := range new.Rows() {
			other, _ := split(new, j)
			if !taken[j] && !has(old, new.Row(j)) && slices.Equal(features, other) {
				taken[j] = true
				relabelled++
				break
			}
		}
	}
	for i := range new.Rows() {
		if has(old, new.Row(i)) {
			continue
		}
		features, _ := split(new, i)
		least := len(features)
		for j := range new.Rows() {
			other, _ := split(new, j)
			different := 0
			for k := range features {
				if features[k] != other[k] {
					different++
				}
			}
			if j != i {
				least = min(least, different)
			}
		}
		if least == 0 {
			conflicting++
		}
		if least <= 1 {
			near++
		}
	}
	return relabelled, conflicting, near
}

func TestASummaryCountsWhatAComparisonOfAllPairsFinds(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	for round := range 400 {
		columns, targets, values := 2+r.IntN(4), r.IntN(3), 2+r.IntN(3)
		if columns < targets+2 {
			columns = targets + 2
		}
		draw := func() *Table {
			var rows []string
			for range 1 + r.IntN(40) {
				var cells []string
				for range columns {
					cells = append(cells, strconv.Itoa(r.IntN(values)))
				}
				if row := strings.Join(cells, ","); !slices.Contains(rows, row) {
					rows = append(rows, row)
				}
			}
			return mustParse(t, "a,b,c,d,e,f"[:2*columns-1]+"\n"+strings.Join(rows, "\n")+"\n")
		}
		old, new := draw(), draw()
		s := Summarize(old, new, targets)
		if again := Summarize(old, new, targets); !reflect.DeepEqual(s, again) {
			t.Fatalf("two summaries of the same tables: %+v, %+v", s, again)
		}
		relabelled, conflicting, near := naiveCounts(old, new, targets)
		if s.Relabelled != relabelled || s.Conflicting != conflicting || s.NearDuplicates != near {
			t.Fatalf("round %d: expected %d relabelled, %d conflicting, %d nearly equal, got %d, %d, %d\n%s%s", round, relabelled, conflicting, near,
				s.Relabelled, s.Conflicting, s.NearDuplicates, old.Bytes(), new.Bytes())
		}
		for _, row := range s.NearDuplicateRows {
			a, b := strings.Split(string(new.Row(row.Line-2)), ","), strings.Split(string(new.Row(row.OtherLine-2)), ",")
			for i, name := range new.Header()[:columns-targets] {
				if (a[i] != b[i]) != (name == row.Column) {
					t.Fatalf("lines %d and %d are said to differ in %q alone: %q, %q", row.Line, row.OtherLine, row.Column, a, b)
				}
			}
		}
	}
}

func TestNumbersAreComparedByTheirExactValues(t *testing.T) {
	ascending := []string{"-" + strings.Repeat("9", 38), "-100", "-99.5", "-10", "-9", "-2", "-1.25", "-1.2", "-1", "-0.5", "-0.05", "0", "0." + strings.Repeat("0", 63) + "1",
		"0.05", "0.5", "1", "1.0000000000000000000000001", "1.2", "1.25", "1.3", "2", "9", "9.75", "10", "99.5", "100", strings.Repeat("9", 38)}
	for i, a := range ascending {
		for j, b := range ascending {
			if got := compareNumbers([]byte(a), []byte(b)); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%s and %s: got %d", a, b, got)
			}
		}
	}
}
