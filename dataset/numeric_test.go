package dataset

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestNumericSeparatesFeaturesAndTargets(t *testing.T) {
	table := mustParse(t, "a,b,c,d\n1,2,3,4\n5,6,7,8\n")
	for _, c := range []struct {
		targets            int
		features, expected []float32
	}{
		{0, []float32{1, 2, 3, 4, 5, 6, 7, 8}, nil},
		{1, []float32{1, 2, 3, 5, 6, 7}, []float32{4, 8}},
		{3, []float32{1, 5}, []float32{2, 3, 4, 6, 7, 8}},
	} {
		features, targets, err := table.Numeric(c.targets)
		if err != nil || !slices.Equal(features, c.features) || !slices.Equal(targets, c.expected) {
			t.Errorf("%d targets: got %v, %v, %v", c.targets, features, targets, err)
		}
	}
	for _, targets := range []int{-1, 4, 5} {
		if _, _, err := table.Numeric(targets); err == nil || !strings.Contains(err.Error(), "expected 0 to 3 target columns") {
			t.Errorf("%d targets: expected a refusal, got %v", targets, err)
		}
	}
}

func TestNumericRoundsOnceToTheNearestFloat32(t *testing.T) {
	for _, c := range []struct {
		name, text string
		bits       uint32
	}{
		{"one third has no short form", "0.33333334", 0x3eaaaaab},
		{"0.1", "0.1", 0x3dcccccd},
		{"a tie goes to even, down", "16777217", 0x4b800000},
		{"a tie goes to even, up", "16777219", 0x4b800002},
		// Rounding first to float64 would lose the last digit and see a tie.
		{"a hair above a tie goes up", "1.00000005960464477539062500000000000000000000000000000000000001", 0x3f800001},
		{"the tie itself goes down", "1.000000059604644775390625", 0x3f800000},
		{"the smallest subnormal", "0.0000000000000000000000000000000000000000000014", 0x00000001},
		{"too small is zero", "0.0000000000000000000000000000000000000000000000000001", 0x00000000},
		{"too small keeps its sign", "-0.0000000000000000000000000000000000000000000000000001", 0x80000000},
		{"the largest of 38 digits", strings.Repeat("9", 38), 0x7e967699},
	} {
		t.Run(c.name, func(t *testing.T) {
			features, _, err := mustParse(t, "x\n"+c.text+"\n").Numeric(0)
			if err != nil {
				t.Fatal(err)
			}
			if got := math.Float32bits(features[0]); got != c.bits {
				t.Errorf("expected bits %08x, got %08x (%v)", c.bits, got, features[0])
			}
		})
	}
}

func TestLabelsAreTheLastColumn(t *testing.T) {
	table := mustParse(t, "x,label\n0.5,2\n-3,0\n7,2\n")
	labels, err := table.Labels(3)
	if err != nil || !slices.Equal(labels, []uint32{2, 0, 2}) {
		t.Errorf("got %v, %v", labels, err)
	}
	balance, err := table.ClassBalance(4)
	if err != nil || !slices.Equal(balance, []int{1, 0, 2, 0}) {
		t.Errorf("balance: got %v, %v", balance, err)
	}
	if labels, err := mustParse(t, "label\n1\n0\n").Labels(2); err != nil || !slices.Equal(labels, []uint32{1, 0}) {
		t.Errorf("a table of labels only: got %v, %v", labels, err)
	}
}

func TestLabelsRefuseWhatIsNoClass(t *testing.T) {
	for name, cell := range map[string]string{
		"the number of classes": "3", "a negative number": "-1", "a fraction": "0.5", "a huge number": strings.Repeat("9", 38),
	} {
		t.Run(name, func(t *testing.T) {
			table := mustParse(t, "x,label\n1,2\n2,"+cell+"\n")
			_, err := table.Labels(3)
			wantFault(t, err, 3, 2, "(label): expected a class from 0 to 2")
			_, err = table.ClassBalance(3)
			wantFault(t, err, 3, 2, "(label)")
		})
	}
	for _, classes := range []int{0, -1, MaxRows + 1} {
		if _, err := mustParse(t, "x\n0\n").Labels(classes); err == nil {
			t.Errorf("%d classes were accepted", classes)
		}
	}
}
