package isa

import (
	"runtime"
	"slices"
	"testing"
)

func TestLevelsHaveNamesThatParseBack(t *testing.T) {
	for l := Portable; l < levels; l++ {
		if got, err := Parse(l.String()); err != nil || got != l {
			t.Errorf("Parse(%q): expected %d, got %d, %v", l.String(), l, got, err)
		}
	}
	if _, err := Parse("mmx"); err == nil {
		t.Error("expected an error for a level that does not exist")
	}
}

func TestSupportedLevelsAscendFromPortableToBest(t *testing.T) {
	s := Supported()
	if s[0] != Portable || !slices.IsSorted(s) || s[len(s)-1] != Best() {
		t.Errorf("expected portable first and %s last in ascending order, got %v", Best(), s)
	}
	for _, l := range s[1:] {
		if (l == NEON) != (runtime.GOARCH == "arm64") {
			t.Errorf("level %s on %s", l, runtime.GOARCH)
		}
	}
}

func TestTheModeOfAGoProgramIsRight(t *testing.T) {
	if err := CheckMode(); err != nil {
		t.Error(err)
	}
}
