// Command auditbench measures what proof mode PROVED costs validators: the audit of a candidate as one of them does it, with files
// fetched from a trainer's node over the overlay, against the training that it checks. It also prints the chance that one forged
// segment is seen, by formula and by the chain's own draws.
//
//	make bench-audit
//
// workload.go trains and pins, main.go measures and prints.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/testutil/bench"
	poltypes "github.com/pold-network/pold/x/pol/types"
)

const (
	// goal is the most that auditing a candidate may cost one validator, as a part of training it.
	goal = 0.09
	// segments, common and own are those of a large group: 3 that all replay and 2 of each one's own, of 64.
	segments, common, own = 64, 3, 2
	// draws is from how many seeds the chance of detection is counted.
	draws = 20_000
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench-audit:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("bench-audit", flag.ContinueOnError)
	rounds := flags.Int("rounds", 3, "how many audits are measured; the median counts")
	file := flags.String("json", "build/bench/audit.json", "where to write the rows")
	check := flags.Bool("check", false, "end with status 1 when a goal is missed")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\n\nAudit of one candidate by one validator (%d common and %d own of %d segments, files fetched over the overlay and hashed)\nagainst the training that it checks. The goal is at most %.0f %%. Some minutes.\n\n",
		bench.Machine(), common, own, segments, 100*goal)
	var report bench.Report
	for _, w := range workloads {
		row, share, fetched, err := measure(w, *rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		report.Add(row)
		fmt.Fprintf(out, "%-36s %5.2f %% of training, %v of it fetching; all validators together: 4: %.0f %%, 21: %.0f %%, 100: %.0f %%\n",
			w.name, 100*share, fetched.Round(time.Millisecond), 400*share, 2100*share, 10_000*share)
	}
	fmt.Fprintln(out)
	if err := bench.Print(out, report.Rows); err != nil {
		return err
	}
	printDetection(out)
	if err := os.MkdirAll(filepath.Dir(*file), 0o755); err != nil {
		return err
	}
	if err := report.WriteJSON(*file); err != nil {
		return err
	}
	missed := report.Missed()
	if len(missed) > 0 && *check {
		return fmt.Errorf("missed: %s", strings.Join(missed, ", "))
	}
	return nil
}

// measure times some audits, of which the median counts, and one training, which is long enough by itself.
func measure(w workload, rounds int) (row bench.Row, share float64, fetched time.Duration, err error) {
	ctx := context.Background()
	t, err := w.prepare(ctx)
	if err != nil {
		return row, 0, 0, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	plan := bench.DefaultPlan
	plan.Slot, plan.Rounds, plan.Limit = bench.Slot{Calls: 1}, rounds, 2*rounds+1
	samples, err := bench.Measure(plan, bench.Func(func() error { return t.audit(ctx) }))
	if err != nil {
		return row, 0, 0, err
	}
	started := time.Now()
	if err := t.train(); err != nil {
		return row, 0, 0, err
	}
	audit, train := samples[0].Median.Seconds(), time.Since(started).Seconds()
	row = bench.Compare(w.name, 1_000*audit, 1_000*train, "training", "ms", bench.LessIsBetter, 1/goal)
	row.Spread = samples[0].Spread
	slices.Sort(t.fetched)
	return row, audit / train, t.fetched[len(t.fetched)/2], nil
}

// printDetection says how likely one forged segment is seen by at least one of so many validators.
func printDetection(out io.Writer) {
	fmt.Fprintf(out, "\nOne forged segment of %d is seen by at least one validator (engine %s):\n\n  validators  formula  counted over %d seeds\n", segments, engine.Version, draws)
	for _, n := range []int{4, 21, 100} {
		missedOwn := math.Pow(1-float64(own)/float64(segments-common), float64(n))
		formula := float64(common)/segments + (1-float64(common)/segments)*(1-missedOwn)
		fmt.Fprintf(out, "  %10d  %5.1f %%  %5.1f %%\n", n, 100*formula, 100*counted(n))
	}
	fmt.Fprintf(out, "\nThe bond is computed from the common segments alone, %d/%d = %.1f %%: a forger loses in expectation even if no own segment were drawn.\n",
		common, segments, 100*float64(common)/segments)
}

// counted draws segments as the chain does.
func counted(validators int) float64 {
	seen := 0
	for i := range draws {
		seed := fmt.Appendf(nil, "seed %d", i)
		forged := uint32(i % segments)
		all := poltypes.CommonSegments(seed, "trainer", segments, common)
		found := slices.Contains(all, forged)
		for v := 0; v < validators && !found; v++ {
			found = slices.Contains(poltypes.OwnSegments(seed, "trainer", fmt.Sprintf("validator %d", v), segments, all), forged)
		}
		if found {
			seen++
		}
	}
	return float64(seen) / draws
}
