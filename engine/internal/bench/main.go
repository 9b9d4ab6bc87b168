// Command bench measures the engine against OpenBLAS, gonum and PyTorch, prints a table of ratios and writes it as JSON:
//
//	go run ./engine/internal/bench                     # everything, some minutes; `make bench-engine`
//	go run ./engine/internal/bench -only gemm -threads 1
//	go run ./engine/internal/bench -only digests       # `make digests`
//
// Peers run in processes of their own and take turns with ours. One that is not installed is named and left out. With -check a missed
// goal ends the command with status 1; digests that differ always do. docs/reference/benchmarks.md explains the rows.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/engine/internal/isa"
	"github.com/pold-network/pold/testutil/bench"
)

// sections are the parts of the benchmark in the order of the table.
var sections = []struct {
	name string
	run  func(*run) error
}{
	{"gemm", (*run).products},
	{"train", (*run).training},
	{"evaluate", (*run).evaluation},
	{"memory", (*run).memory},
	{"functions", (*run).functions},
	{"digests", (*run).digests},
}

// run is one run of the benchmark.
type run struct {
	out     io.Writer
	threads []int
	plan    bench.Plan
	report  bench.Report
	differ  error // digests that are not equal
	peers   peers
}

func main() {
	if err := benchmark(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func benchmark(args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := flags.String("only", names(), "sections to run, separated by commas")
	threads := flags.String("threads", "1,2", "numbers of threads to measure with")
	rounds := flags.Int("rounds", bench.DefaultPlan.Rounds, "slots of each contender; noisy rows get up to twice as many")
	file := flags.String("json", "build/bench/engine.json", "where to write the rows; the printed text goes beside it as .txt")
	check := flags.Bool("check", false, "end with status 1 when a goal is missed")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	r := &run{plan: bench.DefaultPlan}
	if *rounds < 1 {
		return fmt.Errorf("-rounds: expected at least 1, got %d", *rounds)
	}
	r.plan.Rounds, r.plan.Limit = *rounds, 2**rounds+1
	if r.threads, err = counts(*threads); err != nil {
		return err
	}
	chosen := strings.Split(*only, ",")
	for _, name := range chosen {
		if !strings.Contains(","+names()+",", ","+name+",") {
			return fmt.Errorf("-only: expected some of %s, got %q", names(), name)
		}
	}
	if err := os.MkdirAll(filepath.Dir(*file), 0o755); err != nil {
		return err
	}
	text, err := os.Create(strings.TrimSuffix(*file, filepath.Ext(*file)) + ".txt")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, text.Close()) }()
	r.out = io.MultiWriter(out, text)
	defer func() { err = errors.Join(err, r.peers.close()) }()
	if err := r.sections(chosen); err != nil {
		return err
	}
	if err := r.report.WriteJSON(*file); err != nil {
		return err
	}
	return r.finish(*file, *check)
}

// sections runs the chosen sections, each of which prints its rows as soon as it has them.
func (r *run) sections(chosen []string) error {
	fmt.Fprintf(r.out, "%s\nengine %s, kernels %v\n", bench.Machine(), engine.Version, isa.Best())
	for _, s := range sections {
		if !slices.Contains(chosen, s.name) {
			continue
		}
		fmt.Fprintf(r.out, "\n== %s\n", s.name)
		before := len(r.report.Rows)
		if err := s.run(r); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if rows := r.report.Rows[before:]; len(rows) > 0 {
			if err := bench.Print(r.out, rows); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) finish(file string, check bool) error {
	if r.differ != nil {
		return r.differ
	}
	if n := r.report.Noisy(); n > 0 {
		fmt.Fprintf(r.out, "\n%d rows are noisy (± above %.0f%%): something else ran meanwhile; run again on a quiet machine\n", n, 100*bench.NoisySpread)
	}
	missed := r.report.Missed()
	if len(missed) == 0 {
		fmt.Fprintf(r.out, "\nno measured row is below its goal; rows: %s\n", file)
		return nil
	}
	fmt.Fprintf(r.out, "\n%d rows are below their goal:\n  %s\nrows: %s\n", len(missed), strings.Join(missed, "\n  "), file)
	if check {
		return fmt.Errorf("expected every measured row to reach its goal, %d did not", len(missed))
	}
	return nil
}

func names() string {
	var list []string
	for _, s := range sections {
		list = append(list, s.name)
	}
	return strings.Join(list, ",")
}

func counts(list string) ([]int, error) {
	var threads []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-threads: expected numbers above 0 separated by commas, got %q", list)
		}
		threads = append(threads, n)
	}
	return threads, nil
}

// withThreads runs a part of the benchmark with as many threads for Go, and thereby for gonum, as for the engine.
func withThreads(n int, part func() error) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
	return part()
}

// planFor pauses between slots when a contender has threads of its own: OpenBLAS lets them spin for up to 32 ms after a call.
func (r *run) planFor(threads int) bench.Plan {
	plan := r.plan
	if threads > 1 {
		plan.Pause = spin
	}
	return plan
}

func label(row string, threads int) string {
	if threads == 1 {
		return row + ", 1 thread"
	}
	return fmt.Sprintf("%s, %d threads", row, threads)
}
