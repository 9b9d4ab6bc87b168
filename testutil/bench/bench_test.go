package bench

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pold-network/pold/testutil/python"
)

func TestRatiosSayHowManyTimesBetterOursIs(t *testing.T) {
	for _, c := range []struct {
		name  string
		row   Row
		ratio float64
		ok    bool
	}{
		{"a rate above the peer's", Compare("r", 150, 100, "p", "GF/s", MoreIsBetter, 1.05), 1.5, true},
		{"a rate below the goal", Compare("r", 100, 100, "p", "GF/s", MoreIsBetter, 1.05), 1, false},
		{"a time below the peer's", Compare("r", 2, 3, "p", "ms", LessIsBetter, 1.5), 1.5, true},
		{"a time without a goal", Compare("r", 6, 3, "p", "ms", LessIsBetter, 0), 0.5, true},
		{"nothing where nothing is allowed", Compare("r", 0, 0, "limit", "allocations", LessIsBetter, 1), 1, true},
		{"something where nothing is allowed", Compare("r", 3, 0, "limit", "allocations", LessIsBetter, 1), 0, false},
	} {
		if *c.row.Ratio != c.ratio || *c.row.OK != c.ok {
			t.Errorf("%s: expected ratio %v, ok %v, got %v, %v", c.name, c.ratio, c.ok, *c.row.Ratio, *c.row.OK)
		}
	}
}

func TestAGeometricMeanLeavesOutWhatWasNotMeasured(t *testing.T) {
	rows := []Row{Compare("a", 2, 1, "p", "GF/s", MoreIsBetter, 0), Alone("b", 5, "p", "GF/s", 1), Compare("c", 8, 1, "p", "GF/s", MoreIsBetter, 0)}
	if mean := GeometricMean("mean", "p", rows, 3.9); math.Abs(*mean.Ratio-4) > 1e-12 || !*mean.OK {
		t.Errorf("expected the ratio 4 above the goal, got %v, %v", *mean.Ratio, *mean.OK)
	}
	if mean := GeometricMean("mean", "p", rows[1:2], 1); mean.Ratio != nil || mean.OK != nil || mean.verdict() != "not measured" {
		t.Errorf("expected no ratio, got %+v", mean)
	}
}

func TestTheReportNamesWhatMissedItsGoal(t *testing.T) {
	var r Report
	r.Add(Compare("good", 2, 1, "peer 1.0", "GF/s", MoreIsBetter, 1.5), Compare("bad", 1.234, 1, "peer 1.0", "GF/s", MoreIsBetter, 1.5), Alone("alone", 7, "peer", "ms", 2))
	if missed := r.Missed(); len(missed) != 1 || missed[0] != "bad" {
		t.Errorf("expected only bad, got %v", missed)
	}
	path := filepath.Join(t.TempDir(), "new", "r.json")
	if err := r.WriteJSON(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if line := `{"row":"alone","ours":7,"peer":null,"peer_name":"peer","unit":"ms","ratio":null,"goal":2,"ok":null}`; !strings.Contains(string(text), line) {
		t.Errorf("expected the line %s in\n%s", line, text)
	}
	var back []Row
	if err := json.Unmarshal(text, &back); err != nil || len(back) != 3 || *back[1].OK {
		t.Errorf("expected three rows, the second not ok, got %+v, %v", back, err)
	}
	r.Rows[0].Spread, r.Rows[1].Spread = 0.07, 0.2
	if n := r.Noisy(); n != 1 {
		t.Errorf("expected one noisy row, got %d", n)
	}
	var table strings.Builder
	if err := Print(&table, r.Rows); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"MISSED", "1.23", "not measured", "peer 1.0", "7%", "MISSED, noisy"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("expected %q in the table:\n%s", want, table.String())
		}
	}
}

// steps is a contender with given times.
type steps struct {
	times []time.Duration
	calls int
}

func (s *steps) Run(Slot) (time.Duration, error) {
	if s.calls == len(s.times) {
		return 0, errors.New("no more times")
	}
	s.calls++
	return s.times[s.calls-1], nil
}

func TestMeasureTakesTheMedianAndMoreRoundsWhenNoisy(t *testing.T) {
	plan := Plan{Rounds: 3, Limit: 5, Noise: 0.1}
	// The first time is the warm-up.
	steady := &steps{times: []time.Duration{9000, 100, 102, 101, 1, 1, 1}}
	samples, err := Measure(plan, steady)
	if err != nil || samples[0].Median != 101 || steady.calls != 4 {
		t.Errorf("expected the median 101 after 4 slots, got %+v after %d, %v", samples, steady.calls, err)
	}
	noisy := &steps{times: []time.Duration{9000, 100, 300, 200, 200, 200, 1}}
	samples, err = Measure(plan, noisy)
	if err != nil || samples[0].Median != 200 || noisy.calls != 6 {
		t.Errorf("expected the median 200 after 6 slots, got %+v after %d, %v", samples, noisy.calls, err)
	}
	if _, err = Measure(plan, &steps{}); err == nil {
		t.Error("expected the contender's error")
	}
}

func TestASlotHoldsEnoughCalls(t *testing.T) {
	calls := 0
	best, err := Func(func() error { calls++; return nil }).Run(Slot{Calls: 5, Longest: time.Hour})
	if err != nil || calls != 5 || best < 0 {
		t.Errorf("expected 5 calls, got %d, %v, %v", calls, best, err)
	}
	calls = 0
	if _, err = (Func(func() error { calls++; return nil })).Run(Slot{Calls: 1 << 30}); err != nil || calls != 1 {
		t.Errorf("expected the slot to end after one call, got %d, %v", calls, err)
	}
}

func TestAPeerRunsPreparedCases(t *testing.T) {
	peer, err := StartPeer(PeerProgram{Threads: 3, Env: []string{"POLD_X=1"}, Source: `
import os, contest
done = []
@contest.case
def count(by):
    def work(): done.append(by)
    return work
contest.run(versions={"b": os.environ["OMP_NUM_THREADS"], "a": str("OPENBLAS_CORETYPE" in os.environ)})
`})
	if errors.Is(err, python.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	if versions, err := peer.Versions(); err != nil || versions != "a False, b 3" {
		t.Errorf("expected its versions, got %q, %v", versions, err)
	}
	if err := peer.Prepare("count", map[string]any{"by": 2}); err != nil {
		t.Fatal(err)
	}
	if best, err := peer.Run(Slot{Calls: 3, Longest: time.Second}); err != nil || best <= 0 {
		t.Errorf("expected a time, got %v, %v", best, err)
	}
	if err := peer.Prepare("unknown", nil); err == nil {
		t.Error("expected an error for an unknown case")
	}
}
