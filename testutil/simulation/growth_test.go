package simulation_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/testutil/bench"
	"github.com/pold-network/pold/testutil/simulation"
)

// keptForEver are the collections of our modules that grow as long as the chain runs, and why.
var keptForEver = map[string]string{
	"pol/used_hashes":       "a checkpoint that was handed in once is refused in every later round",
	"trainingset/revisions": "the history of a training set can be rebuilt for ever",
}

// byDecision are the collections that grow with what stakeholders have decided, which is seldom: what a group has become is remembered.
var byDecision = map[string]bool{"pol/changes": true, "pol/changes_by_group": true}

// perRecord bounds the collections whose records grow, up to a bound, while their number does not: an address has at most 32 events,
// so a reputation is full only after that many.
var perRecord = map[string]int{"reputation/scores": 3_500}

// slack is by how much a window may need more than the one before: a few records more or fewer are there by chance, and the smallest
// collections have only a few.
func slack(bytes int) int { return bytes + bytes/4 + 2_048 }

// slackOfFaults is slack for what is kept of faults, of which one window has many more than another.
func slackOfFaults(bytes int) int { return 2*bytes + 2_048 }

// TestStateStopsGrowingAfterTheRetention lets everybody misbehave for several retentions. Two windows as long as the longest retention
// are compared: from then on no collection of our modules may need more, but for those that are kept for ever.
// POLD_STATE_JSON names a file for the table: scripts/state-growth.sh.
func TestStateStopsGrowingAfterTheRetention(t *testing.T) {
	// With half an hour from block to block the day for which evidence is kept has 48 blocks; tasks are kept for 110, longer than any of
	// the rounds of 40 to 100 blocks, whose verifiers are paid for tasks at the end, and of which 2 are kept.
	const window = 110
	windows := 2
	if long() {
		windows = 12
	}
	s := simulation.New(t, simulation.Config{Seed: 4, BlockTime: 30 * time.Minute, Retention: window, RoundRetention: 2})
	s.Run(2 * window) // fills
	peaks := make([]map[string]int, windows)
	records := map[string]int{}
	for w := range windows {
		peaks[w] = map[string]int{}
		for range window / 10 {
			s.Run(10)
			for _, u := range s.Usage() {
				peaks[w][u.Name()] = max(peaks[w][u.Name()], u.Bytes)
				records[u.Name()] = max(records[u.Name()], u.Keys)
			}
		}
	}
	require.Empty(t, s.Failures)
	var report bench.Report
	for _, u := range s.Usage() {
		first, last := peaks[0][u.Name()], peaks[windows-1][u.Name()]
		why, grows := keptForEver[u.Name()]
		most, bounded := perRecord[u.Name()]
		sdk := u.Collection == "all" || byDecision[u.Name()]
		switch {
		case bounded:
			require.LessOrEqual(t, u.Bytes, most*u.Keys, "%s: at most %d bytes a record", u.Name(), most)
		case grows:
			require.Greater(t, last, first, "%s is said to be kept for ever: %s", u.Name(), why)
		case strings.HasPrefix(u.Name(), "penalties/"):
			require.LessOrEqual(t, last, slackOfFaults(first), "%s grows: at most %d bytes in the first window, %d in the last", u.Name(), first, last)
		case !sdk:
			require.LessOrEqual(t, last, slack(first), "%s grows: at most %d bytes in the first window, %d in the last", u.Name(), first, last)
		}
		if last > 0 {
			report.Add(row(u, first, last, grows || bounded || sdk))
		}
	}
	report.Add(perItem(s, peaks[windows-1], records)...)
	require.NoError(t, bench.Print(os.Stdout, report.Rows))
	if path := os.Getenv("POLD_STATE_JSON"); path != "" {
		require.NoError(t, report.WriteJSON(path))
	}
}

// row compares the last window with the first; the goal is what the slack allows.
func row(u simulation.Usage, first, last int, informs bool) bench.Row {
	goal := float64(first) / float64(slack(first))
	if informs {
		goal = 0
	}
	return bench.Compare(u.Name(), float64(last), float64(first), "the first window", "bytes, peak", bench.LessIsBetter, goal)
}

// perItem relates the bytes of a module to what it keeps them for.
func perItem(s *simulation.Simulation, peak, records map[string]int) []bench.Row {
	sum := func(store string) float64 {
		total := 0
		for name, bytes := range peak {
			if strings.HasPrefix(name, store+"/") && keptForEver[name] == "" {
				total += bytes
			}
		}
		return float64(total)
	}
	per := func(row string, bytes float64, n int) bench.Row {
		return bench.Alone(row, bytes/float64(max(n, 1)), "", "bytes", 0)
	}
	return []bench.Row{
		per("attestation, for each task that is kept", sum("attestation"), records["attestation/tasks"]),
		per("pol, for each round that is kept", sum("pol"), records["pol/rounds"]),
		per("polslashing, for each piece of evidence that is kept", sum("penalties"), records["penalties/evidence"]),
		per("reputation, for each address", sum("reputation"), records["reputation/scores"]),
		per("pol/used_hashes, for each submission, for ever", float64(peak["pol/used_hashes"]), records["pol/used_hashes"]),
		per("pol/used_hashes, for each settled round, for ever", float64(peak["pol/used_hashes"]), s.Seen["EventRoundSettled"]),
	}
}
