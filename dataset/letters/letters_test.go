package letters

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/pold-network/pold/dataset"
)

func TestTheTableIsTheOneOnTheCard(t *testing.T) {
	csv := CSV()
	table, err := dataset.Parse(bytes.NewReader(csv))
	if err != nil {
		t.Fatalf("the table is not canonical: %v", err)
	}
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
	balance, err := table.ClassBalance(Classes)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Min(balance) < 720 || slices.Max(balance) > 830 {
		t.Errorf("expected 720 to 830 rows of each letter, got %v", balance)
	}
	values, _, err := table.Numeric(1)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Min(values) != 0 || slices.Max(values) != MaxValue {
		t.Errorf("expected values from 0 to %d, got %v to %v", MaxValue, slices.Min(values), slices.Max(values))
	}
}

func TestEveryFeatureVaries(t *testing.T) {
	var seen [Features]map[int]bool
	for i := range seen {
		seen[i] = map[int]bool{}
	}
	for example := range uint64(2000) {
		chance := random{state: example}
		for i, v := range features(draw(int(example%Classes), &chance)) {
			seen[i][v] = true
		}
	}
	for i, values := range seen {
		if len(values) < 8 {
			t.Errorf("%s: expected at least 8 different values, got %d", columns[i], len(values))
		}
	}
}

func TestALetterLooksLikeItself(t *testing.T) {
	h := hand{width: 16 * unit, height: 16 * unit, left: 8 * unit, bottom: 8 * unit, pen: unit}
	var p picture
	for _, line := range lines('T' - 'A') {
		for i := range line[1:] {
			p.stroke(h.place(line[i], new(random)), h.place(line[i+1], new(random)), h.pen)
		}
	}
	var text strings.Builder
	for y := 24; y >= 8; y -= 4 {
		for x := 8; x <= 24; x += 4 {
			if p[y][x] {
				text.WriteByte('#')
			} else {
				text.WriteByte(' ')
			}
		}
		text.WriteByte('\n')
	}
	if want := "#####\n  #  \n  #  \n  #  \n  #  \n"; text.String() != want {
		t.Errorf("expected a T, got\n%s", text.String())
	}
}

func TestMomentsOfAFilledBox(t *testing.T) {
	var p picture
	for y := 10; y < 14; y++ {
		for x := 20; x < 28; x++ {
			p[y][x] = true
		}
	}
	m := measure(&p)
	if m.ink != 32 || m.left != 20 || m.right != 27 || m.low != 10 || m.high != 13 {
		t.Errorf("box or ink: got %+v", m)
	}
	if m.u != 0 || m.v != 0 || m.uv != 0 || m.uuv != 0 || m.uvv != 0 {
		t.Errorf("expected odd moments of 0, got %+v", m)
	}
	if m.xEdges != 4 || m.yEdges != 8 || m.xEdgesV != 0 || m.yEdgesU != 0 {
		t.Errorf("edges: got %+v", m)
	}
}

func TestScaleIsEvenAndBounded(t *testing.T) {
	for _, c := range []struct{ a, b, low, high, want int }{
		{0, 1, 0, 16, 0}, {1, 1, 0, 16, 1}, {15, 1, 0, 16, 15}, {16, 1, 0, 16, 15}, {-5, 1, 0, 16, 0}, {7, 2, 0, 16, 3}, {0, 3, -8, 8, 8}, {-4, 1, -8, 8, 4},
	} {
		if got := scale(c.a, c.b, c.low, c.high); got != c.want {
			t.Errorf("%d/%d in %d..%d: expected %d, got %d", c.a, c.b, c.low, c.high, c.want, got)
		}
	}
}
