package dataset

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

func TestSplitMatchesTheVectors(t *testing.T) {
	var text strings.Builder
	text.WriteString("x,label\n")
	for i := range 40 {
		text.WriteString(decimal(i) + "," + decimal(i%2) + "\n")
	}
	table := mustParse(t, text.String())
	for _, line := range vectorLines(t, "split.txt") {
		fields := strings.Fields(line)
		key, err := hex.DecodeString(strings.TrimPrefix(fields[0], "-"))
		if err != nil {
			t.Fatal(err)
		}
		var want []int
		for _, field := range fields[2:] {
			want = append(want, number(t, field))
		}
		train, validation := table.Split(key, uint32(number(t, fields[1])))
		if !slices.Equal(validation, want) {
			t.Errorf("key %q, permille %s: expected %v, got %v", fields[0], fields[1], want, validation)
		}
		all := append(slices.Clone(train), validation...)
		slices.Sort(all)
		if !slices.IsSorted(train) || len(all) != 40 || len(slices.Compact(all)) != 40 {
			t.Errorf("key %q: training rows %v and validation rows %v are not the table in file order", fields[0], train, validation)
		}
	}
}

// sides maps each row to whether it is a validation row.
func sides(table *Table, key []byte, permille uint32) map[string]bool {
	train, validation := table.Split(key, permille)
	side := make(map[string]bool)
	for _, i := range train {
		side[string(table.Row(i))] = false
	}
	for _, i := range validation {
		side[string(table.Row(i))] = true
	}
	return side
}

func FuzzAddingOrRemovingRowsMovesNoOther(f *testing.F) {
	f.Add([]byte("key"), uint32(200), []byte{0xff, 0x00, 0xaa}, uint64(3))
	f.Add([]byte{}, uint32(500), []byte{1}, uint64(0))
	f.Add([]byte{0, 0}, uint32(1000), []byte{0x0f, 0xf0}, uint64(1<<60))
	f.Fuzz(func(t *testing.T, key []byte, permille uint32, keep []byte, offset uint64) {
		var all, some strings.Builder
		all.WriteString("x\n")
		some.WriteString("x\n")
		kept := 0
		for i := range 200 {
			row := decimal(int(offset>>8)+i) + "\n"
			all.WriteString(row)
			if len(keep) > 0 && keep[i/8%len(keep)]>>(i%8)&1 == 1 {
				some.WriteString(row)
				kept++
			}
		}
		if kept == 0 {
			return
		}
		before := sides(mustParse(t, all.String()), key, permille)
		for row, validation := range sides(mustParse(t, some.String()), key, permille) {
			if before[row] != validation {
				t.Fatalf("row %q moved", row)
			}
		}
	})
}

func TestSplitTakesAboutThePermilleAndDependsOnTheKey(t *testing.T) {
	table := numbered(t, 10_000)
	_, a := table.Split([]byte("a"), 200)
	_, b := table.Split([]byte("b"), 200)
	// The hash is fixed, so this cannot flicker; 160 is four standard deviations.
	for _, validation := range [][]int{a, b} {
		if n := len(validation); n < 2000-160 || n > 2000+160 {
			t.Errorf("expected about 2000 validation rows, got %d", n)
		}
	}
	if slices.Equal(a, b) {
		t.Error("two keys gave the same split")
	}
	larger := sides(table, []byte("a"), 300)
	for row, validation := range sides(table, []byte("a"), 200) {
		if validation && !larger[row] {
			t.Fatalf("a larger permille moved validation row %q to training", row)
		}
	}
}

func TestKeyAndRowCannotBeShiftedIntoEachOther(t *testing.T) {
	// Without the length prefix, key "k1" with row "2" would be key "k" with row "12".
	differ := 0
	for i := range 64 {
		a := sides(mustParse(t, "x\n"+decimal(i)+"\n"), []byte("k1"), 500)
		b := sides(mustParse(t, "x\n1"+decimal(i)+"\n"), []byte("k"), 500)
		if a[decimal(i)] != b["1"+decimal(i)] {
			differ++
		}
	}
	if differ == 0 {
		t.Error("the split does not separate key and row")
	}
}

func TestHeldOutIsTheRuleOfSplit(t *testing.T) {
	table := mustParse(t, "x\n1\n2\n3\n4\n5\n6\n7\n8\n")
	_, validation := table.Split([]byte("key"), 500)
	for i := range table.Rows() {
		if got, want := HeldOut([]byte("key"), 500, table.Row(i)), slices.Contains(validation, i); got != want {
			t.Errorf("row %d: expected %v, got %v", i, want, got)
		}
	}
}
