package digits

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pold-network/pold/dataset"
)

func parse(t *testing.T) *dataset.Table {
	t.Helper()
	table, err := dataset.Parse(bytes.NewReader(CSV()))
	if err != nil {
		t.Fatalf("the shipped table is not canonical: %v", err)
	}
	return table
}

func TestShippedTableIsTheOneOnTheCard(t *testing.T) {
	table := parse(t)
	sum, root := table.SHA256(), table.Root()
	if got := hex.EncodeToString(sum[:]); got != SHA256 {
		t.Errorf("SHA-256: expected %s, got %s", SHA256, got)
	}
	if got := hex.EncodeToString(root[:]); got != Root {
		t.Errorf("row root: expected %s, got %s", Root, got)
	}
	if table.Rows() != Rows || table.Columns() != Features+1 {
		t.Errorf("expected %d rows of %d columns, got %d of %d", Rows, Features+1, table.Rows(), table.Columns())
	}
	for i, name := range table.Header() {
		want := fmt.Sprintf("p%d", i)
		if i == Features {
			want = "label"
		}
		if name != want {
			t.Errorf("column %d: expected %q, got %q", i+1, want, name)
		}
	}
	for _, fact := range []string{SHA256, Root, "1,797", "264,964", "CC BY 4.0", "10.24432/C50P49"} {
		if !strings.Contains(Card(), fact) {
			t.Errorf("the card does not state %q", fact)
		}
	}
	if len(CSV()) != 264964 {
		t.Errorf("expected 264964 bytes as on the card, got %d", len(CSV()))
	}
}

func TestRowsWithoutHeaderAreThoseOfTheSource(t *testing.T) {
	_, rows, _ := bytes.Cut(CSV(), []byte{'\n'})
	got := fmt.Sprintf("%x", sha256.Sum256(rows))
	if !strings.Contains(Card(), got) {
		t.Errorf("the card does not state the hash of the rows, %s", got)
	}
}

func TestClassBalanceIsTheOneOnTheCard(t *testing.T) {
	balance, err := parse(t).ClassBalance(Classes)
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{178, 182, 177, 183, 181, 182, 181, 179, 174, 180}; !slices.Equal(balance, want) {
		t.Errorf("expected %v, got %v", want, balance)
	}
	line := "| rows |"
	for _, n := range balance {
		line += fmt.Sprintf(" %d |", n)
	}
	if !strings.Contains(Card(), line) {
		t.Errorf("the card does not contain the line %q", line)
	}
}

func TestValuesRangeFromZeroToSixteenAndNoTwoImagesAreEqual(t *testing.T) {
	table := parse(t)
	features, _, err := table.Numeric(1)
	if err != nil {
		t.Fatal(err)
	}
	if low, high := slices.Min(features), slices.Max(features); low != 0 || high != MaxValue {
		t.Errorf("expected values from 0 to %d, got %v to %v", MaxValue, low, high)
	}
	seen := make(map[string]int)
	for i := range table.Rows() {
		row := string(table.Row(i))
		image := row[:strings.LastIndexByte(row, ',')]
		if earlier, ok := seen[image]; ok {
			t.Errorf("rows %d and %d hold the same image", earlier, i)
		}
		seen[image] = i
	}
}

func TestCSVHandsOutACopy(t *testing.T) {
	CSV()[0] = 'X'
	if CSV()[0] != 'p' {
		t.Error("a caller could change the shipped table")
	}
}
