package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestApplyKeepsTheOldTable(t *testing.T) {
	const text = "x,y\n1,2\n3,4\n"
	old := mustParse(t, text)
	for range 2 {
		if _, err := applyText(old, []byte("--- a\n+++ b\n@@ -2 +2 @@\n-1,2\n+5,6\n")); err != nil {
			t.Fatal(err)
		}
	}
	if string(old.Bytes()) != text {
		t.Errorf("the table became %q", old.Bytes())
	}
}

func TestTheResultOfADeltaKeepsTheLimits(t *testing.T) {
	table := mustParse(t, "x\n1\n2\n")
	d, err := ParseDelta([]byte("--- a\n+++ b\n@@ -3,0 +4,2 @@\n+3\n+45\n"))
	if err != nil {
		t.Fatal(err)
	}
	limits := bounds{rows: 4, columns: 1, line: 2, file: 11}
	if _, err := limits.apply(table, d); err != nil {
		t.Errorf("at the limits: %v", err)
	}
	for _, c := range []struct {
		limits bounds
		says   string
		line   int
	}{
		{bounds{rows: 3, columns: 1, line: 2, file: 11}, "at most 3 rows", 5},
		{bounds{rows: 4, columns: 1, line: 1, file: 11}, "at most 1 bytes", 5},
		{bounds{rows: 4, columns: 1, line: 2, file: 10}, "a file of at most 10 bytes", 5},
	} {
		_, err := c.limits.apply(table, d)
		wantDeltaFault(t, err, deltaVector{Fault: "result", Line: c.line, TableLine: 5, Says: c.says})
	}
}

func TestDuplicateRowsCanBeToldFromOtherFaults(t *testing.T) {
	_, err := applyText(mustParse(t, "x\n1\n2\n"), []byte("--- a\n+++ b\n@@ -3,0 +4 @@\n+1\n"))
	var cause *Error
	if !errors.As(err, &cause) || cause.Line != 4 || cause.Earlier != 2 {
		t.Errorf("expected the lines 4 and 2, got %v", err)
	}
}

var hunkLine = regexp.MustCompile(`^@@ -(\d+)(,\d+)? \+(\d+)(,\d+)? @@( .*)?$`)

// naiveApply applies an accepted delta in the simplest way, and reports whether each
// hunk has the lines it states and each line shown or removed is the table's.
func naiveApply(table, delta string) (result string, exact bool) {
	old := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	lines := strings.Split(strings.TrimSuffix(delta, "\n"), "\n")
	for !strings.HasPrefix(lines[0], "@@ ") {
		lines = lines[1:]
	}
	exact = true
	var out []string
	done, oldLeft, newLeft := 0, 0, 0
	count := func(text string) int {
		if text == "" {
			return 1
		}
		n, _ := strconv.Atoi(text[1:])
		return n
	}
	for _, line := range lines {
		if oldLeft == 0 && newLeft == 0 {
			match := hunkLine.FindStringSubmatch(line)
			start, _ := strconv.Atoi(match[1])
			if oldLeft, newLeft = count(match[2]), count(match[4]); oldLeft > 0 {
				start--
			}
			out = append(out, old[done:start]...)
			done = start
			newStart, _ := strconv.Atoi(match[3])
			if newLeft > 0 {
				newStart--
			}
			exact = exact && newStart == len(out)
			continue
		}
		switch line[0] {
		case ' ':
			exact = exact && old[done] == line[1:]
			out = append(out, line[1:])
			done, oldLeft, newLeft = done+1, oldLeft-1, newLeft-1
		case '+':
			out = append(out, line[1:])
			newLeft--
		case '-':
			exact = exact && old[done] == line[1:]
			done, oldLeft = done+1, oldLeft-1
		}
	}
	return strings.Join(append(out, old[done:]...), "\n") + "\n", exact && oldLeft == 0 && newLeft == 0
}

// checkApplied compares a table that took a delta with what the simple way gives.
func checkApplied(t *testing.T, table *Table, delta []byte, result *Table) {
	t.Helper()
	want, exact := naiveApply(string(table.Bytes()), string(delta))
	if !exact || string(result.Bytes()) != want {
		t.Fatalf("exact: %v, expected %q, got %q, of\n%s", exact, want, result.Bytes(), delta)
	}
	d, err := ParseDelta(delta)
	if err != nil || !slices.Equal(result.Header(), table.Header()) || result.Rows() != table.Rows()+d.Added()-d.Removed() {
		t.Fatalf("header or number of rows: %q, %v", result.Bytes(), err)
	}
	if again, err := Parse(bytes.NewReader(result.Bytes())); err != nil || again.SHA256() != result.SHA256() {
		t.Fatalf("the result is not canonical: %v", err)
	}
	if added, removed := exclusiveRows(table, result); len(added)+len(removed) == 0 {
		t.Fatalf("no row is new or gone: %q", result.Bytes())
	}
}

func TestDamagedDeltasAreRefusedOrMeanWhatTheySay(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	kinds := make(map[DeltaFault]int)
	for range 5000 {
		next := rowMaker()
		rows := []string{next()}
		for range r.IntN(30) {
			rows = append(rows, next())
		}
		table := tableOf(t, rows)
		delta := Diff(table, tableOf(t, mutation(r, rows, true, next)), "t.csv")
		lines := bytes.SplitAfter(delta, []byte{'\n'})
		lines = lines[:len(lines)-1]
		at, other := 2+r.IntN(len(lines)-2), r.IntN(len(lines))
		switch r.IntN(5) {
		case 0: // another character, often one that deltas are made of
			line := bytes.Clone(lines[at])
			line[r.IntN(len(line))] = " +-@,.0123456789\n"[r.IntN(17)]
			lines[at] = line
		case 1:
			lines = slices.Delete(lines, at, at+1)
		case 2:
			lines = slices.Insert(lines, at, lines[other])
		case 3:
			lines[at], lines[other] = lines[other], lines[at]
		case 4: // another table
			table = tableOf(t, mutation(r, rows, true, next))
		}
		damaged := bytes.Join(lines, nil)
		result, err := applyText(table, damaged)
		if err == nil {
			kinds[0]++
			checkApplied(t, table, damaged, result)
			continue
		}
		var fault *DeltaError
		if !errors.As(err, &fault) {
			t.Fatalf("expected a *DeltaError, got %v", err)
		}
		kinds[fault.Fault]++
	}
	for _, fault := range []DeltaFault{0, FaultMalformed, FaultDoesNotApply, FaultHeader, FaultResult} {
		if kinds[fault] == 0 {
			t.Errorf("the damage never led to fault %d: %v", fault, kinds)
		}
	}
	t.Logf("taken (0) and refused, by kind: %v", kinds)
}

func FuzzApply(f *testing.F) {
	for _, v := range deltaVectors(f) {
		f.Add([]byte(v.Table), []byte(v.Delta))
	}
	f.Add([]byte("x:cid\n"+cidA+"\n"), []byte("--- a\n+++ b\n@@ -2 +2 @@\n-"+cidA+"\n+"+cidB+"\n"))
	f.Fuzz(func(t *testing.T, tableText, deltaText []byte) {
		d, err := ParseDelta(deltaText)
		if err != nil {
			var fault *DeltaError
			if !errors.As(err, &fault) || fault.Fault != FaultMalformed || fault.Line < 1 || fault.Line > 1+bytes.Count(deltaText, []byte{'\n'}) {
				t.Fatalf("expected a place in the delta, got %#v", err)
			}
			return
		}
		table, err := Parse(bytes.NewReader(tableText))
		if err != nil {
			return
		}
		result, err := table.Apply(d)
		if err != nil {
			var fault *DeltaError
			if !errors.As(err, &fault) || fault.Fault == FaultMalformed {
				t.Fatalf("expected a reason why it does not apply, got %#v", err)
			}
			return
		}
		checkApplied(t, table, deltaText, result)
		again, err := applyText(table, Diff(table, result, "t.csv"))
		if err != nil || !bytes.Equal(again.Bytes(), result.Bytes()) {
			t.Fatalf("the difference to the result does not lead to it: %v", err)
		}
		back, err := applyText(result, Diff(result, table, "t.csv"))
		if err != nil || !bytes.Equal(back.Bytes(), table.Bytes()) {
			t.Fatalf("the difference back does not lead back: %v", err)
		}
		Summarize(table, result, 1)
	})
}

// million is a table of n rows of ten columns, and one with k rows changed.
func million(b *testing.B, n, k int) (old, new *Table) {
	var first, second bytes.Buffer
	first.WriteString("a,b,c,d,e,f,g,h,i,label\n")
	second.WriteString("a,b,c,d,e,f,g,h,i,label\n")
	for i := range n {
		row := fmt.Sprintf("%d,0.%d1,3,-4.25,5,%d,7,8.5,9", i, i%997, i%31)
		fmt.Fprintf(&first, "%s,%d\n", row, i%10)
		label := i % 10
		if i%(n/k) == 0 {
			label = (i + 1) % 10
		}
		fmt.Fprintf(&second, "%s,%d\n", row, label)
	}
	return mustParse(b, first.String()), mustParse(b, second.String())
}

func BenchmarkAThousandChangesOfAMillionRows(b *testing.B) {
	old, new := million(b, 1_000_000, 1000)
	text := Diff(old, new, "t.csv")
	d, err := ParseDelta(text)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("Diff", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Diff(old, new, "t.csv")
		}
	})
	b.Run("ParseDelta", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseDelta(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Apply", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := old.Apply(d); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Summarize", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			Summarize(old, new, 1)
		}
	})
}
