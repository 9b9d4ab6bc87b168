package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// tableOf makes a table with the columns x, y and label.
func tableOf(t testing.TB, rows []string) *Table {
	t.Helper()
	return mustParse(t, "x,y,label\n"+strings.Join(rows, "\n")+"\n")
}

// mutation draws changed rows: added, removed, relabelled and, if wanted, moved ones.
// At least one row is new. next makes rows that were never there before.
func mutation(r *rand.Rand, rows []string, moves bool, next func() string) []string {
	rows = slices.Clone(rows)
	for range 1 + r.IntN(6) {
		at := r.IntN(len(rows))
		switch r.IntN(5) {
		case 0:
			if len(rows) > 1 {
				rows = slices.Delete(rows, at, min(len(rows)-1, at+1+r.IntN(4)))
			}
		case 1:
			rows[at] = next()
		case 2:
			if moves {
				row := rows[at]
				rows = slices.Delete(rows, at, at+1)
				rows = slices.Insert(rows, r.IntN(len(rows)+1), row)
			}
		default:
			for range 1 + r.IntN(4) {
				rows = slices.Insert(rows, at, next())
			}
		}
	}
	return slices.Insert(rows, r.IntN(len(rows)+1), next())
}

// rowMaker returns a function that makes a new row on each call.
func rowMaker() func() string {
	made := 0
	return func() string {
		made++
		return fmt.Sprintf("%d,-%d.5,%d", made, made%7, made%3)
	}
}

func TestDiffHasTheFormOfUnifiedDiffs(t *testing.T) {
	long := "x\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n"
	for _, c := range []struct{ name, old, new, want string }{
		{"equal tables give nothing", long, long, ""},
		{"a row added at the end", "x\n1\n2\n3\n4\n", "x\n1\n2\n3\n4\n5\n", "@@ -3,3 +3,4 @@\n 2\n 3\n 4\n+5\n"},
		{"a row added below the header", "x\n1\n", "x\n2\n1\n", "@@ -1,2 +1,3 @@\n x\n+2\n 1\n"},
		{"a row removed", "x\n1\n2\n", "x\n2\n", "@@ -1,3 +1,2 @@\n x\n-1\n 2\n"},
		{"a row replaced is first removed", "x\n1\n2\n", "x\n1\n3\n", "@@ -1,3 +1,3 @@\n x\n 1\n-2\n+3\n"},
		{"another header", "x\n1\n", "y\n1\n", "@@ -1,2 +1,2 @@\n-x\n+y\n 1\n"},
		{"nothing in common", "x\n1\n", "y\n2\n3\n", "@@ -1,2 +1,3 @@\n-x\n-1\n+y\n+2\n+3\n"},
		{"six lines between two changes stay in one hunk", long, strings.Replace(strings.Replace(long, "\n2\n", "\n", 1), "\n9\n", "\n", 1),
			"@@ -1,13 +1,11 @@\n x\n 1\n-2\n 3\n 4\n 5\n 6\n 7\n 8\n-9\n 10\n 11\n 12\n"},
		{"seven lines between two changes part them", long, strings.Replace(strings.Replace(long, "\n2\n", "\n", 1), "\n10\n", "\n", 1),
			"@@ -1,6 +1,5 @@\n x\n 1\n-2\n 3\n 4\n 5\n@@ -8,6 +7,5 @@\n 7\n 8\n 9\n-10\n 11\n 12\n"},
		{"a row that moved down", "x\n1\n2\n3\n", "x\n2\n3\n1\n", "@@ -1,4 +1,4 @@\n x\n-1\n 2\n 3\n+1\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := c.want
			if want != "" {
				want = "--- a/t.csv\n+++ b/t.csv\n" + want
			}
			if got := Diff(mustParse(t, c.old), mustParse(t, c.new), "t.csv"); string(got) != want {
				t.Errorf("expected\n%s\ngot\n%s", want, got)
			}
		})
	}
}

func TestRangesOfLinesAreThoseOfDiff(t *testing.T) {
	for _, c := range []struct {
		from, to int
		want     string
	}{{0, 0, "0,0"}, {0, 1, "1"}, {0, 2, "1,2"}, {4, 4, "4,0"}, {4, 5, "5"}, {4, 7, "5,3"}} {
		if got := hunkRange(c.from, c.to); got != c.want {
			t.Errorf("lines %d to %d: expected %s, got %s", c.from, c.to, c.want, got)
		}
	}
}

func TestNamesInADiffNeedNoQuotes(t *testing.T) {
	got := Diff(mustParse(t, "x\n1\n"), mustParse(t, "x\n2\n"), "my\ntable\t1.csv")
	if !strings.HasPrefix(string(got), "--- a/my_table_1.csv\n+++ b/my_table_1.csv\n@@") {
		t.Errorf("got %q", got)
	}
}

// commonLines is the length of a longest common subsequence, found the slow way.
func commonLines(a, b *Table) int {
	best := make([][]int, a.lines()+1)
	for i := range best {
		best[i] = make([]int, b.lines()+1)
		for j := range best[i] {
			switch {
			case i == 0 || j == 0:
			case bytes.Equal(a.line(i-1), b.line(j-1)):
				best[i][j] = best[i-1][j-1] + 1
			default:
				best[i][j] = max(best[i-1][j], best[i][j-1])
			}
		}
	}
	return best[a.lines()][b.lines()]
}

func TestApplyingADiffGivesTheNewTableWithTheFewestLines(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for round := range 300 {
		next := rowMaker()
		rows := []string{next()}
		for range r.IntN(40) {
			rows = append(rows, next())
		}
		old := tableOf(t, rows)
		var new *Table
		if round%3 == 0 { // far apart: a shuffled part of the rows among others
			r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
			rows = append(rows[:r.IntN(len(rows))], next(), next())
			new = tableOf(t, rows)
		} else {
			new = tableOf(t, mutation(r, rows, true, next))
		}
		text := Diff(old, new, "t.csv")
		if again := Diff(old, new, "t.csv"); !bytes.Equal(text, again) {
			t.Fatalf("two diffs of the same tables:\n%s\n%s", text, again)
		}
		d, err := ParseDelta(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		common := commonLines(old, new)
		if d.Added() != new.lines()-common || d.Removed() != old.lines()-common {
			t.Fatalf("%d added and %d removed lines, but %d of %d and %d can stay:\n%s", d.Added(), d.Removed(), common, old.lines(), new.lines(), text)
		}
		result, err := old.Apply(d)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !bytes.Equal(result.Bytes(), new.Bytes()) || result.Root() != new.Root() {
			t.Fatalf("expected %q, got %q", new.Bytes(), result.Bytes())
		}
	}
}

func TestADiffOfTheSameRowsInAnotherOrderIsNoChange(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	next := rowMaker()
	var rows []string
	for range 30 {
		rows = append(rows, next())
	}
	old := tableOf(t, rows)
	for range 20 {
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		var fault *DeltaError
		if _, err := applyText(old, Diff(old, tableOf(t, rows), "t.csv")); !errors.As(err, &fault) || fault.Fault != FaultNoChange {
			t.Fatalf("expected a refusal for no change, got %v", err)
		}
	}
}
