package main

import (
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pold-network/pold/testutil/bench"
	"github.com/pold-network/pold/testutil/models"
)

func TestFlagsAreChecked(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-only gemm,speed", `got "speed"`},
		{"-threads 1,none", `got "1,none"`},
		{"-threads 0", `got "0"`},
	} {
		args := append(strings.Fields(c.args), "-json", filepath.Join(t.TempDir(), "rows.json"))
		if err := benchmark(args, io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: expected an error with %s, got %v", c.args, c.want, err)
		}
	}
	if threads, err := counts("2,1"); err != nil || !slices.Equal(threads, []int{2, 1}) {
		t.Errorf("expected [2 1], got %v, %v", threads, err)
	}
}

func TestOnlyAskedForGoalsFailTheCommand(t *testing.T) {
	r := &run{out: io.Discard}
	r.report.Add(bench.Compare("slow", 1, 2, "peer", "GF/s", bench.MoreIsBetter, 1))
	if err := r.finish("rows.json", false); err != nil {
		t.Error(err)
	}
	if err := r.finish("rows.json", true); err == nil {
		t.Error("expected an error with -check")
	}
	r.differ = io.ErrUnexpectedEOF
	if err := r.finish("rows.json", false); err == nil {
		t.Error("expected different digests to be an error without -check")
	}
}

func TestRatesCountTwoOperationsForEachMultiplyAdd(t *testing.T) {
	if got := (shape{m: 10, n: 20, k: 30}).rate(1000); got != 12 {
		t.Errorf("expected 12 GF/s, got %v", got)
	}
}

func TestTheLimitOfTheHeapCountsWeightsStateAndActivations(t *testing.T) {
	// 5·3+3 + 3·2+2 = 26 parameters; a row has 3 + 3 + 2 outputs.
	if got, want := needed(models.MLP(5, 3, 2), 10, 1), 4.0*(26*2+10*8); got != want {
		t.Errorf("expected %v bytes, got %v", want, got)
	}
}

func TestTrainingsOfTheTableRun(t *testing.T) {
	for _, n := range networks() {
		for _, c := range n.recipes {
			training, err := n.start(c.settings)
			if err != nil {
				t.Fatalf("%s, %s: %v", n.name, c.name, err)
			}
			if _, err := training.Step(); err != nil {
				t.Errorf("%s, %s: %v", n.name, c.name, err)
			}
		}
	}
}
