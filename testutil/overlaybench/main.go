package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/pold-network/pold/testutil/bench"
)

// section is a part of the benchmark.
type section struct {
	name  string
	large bool // only with -large or by name
	run   func(*run, context.Context) error
}

// sections are in the order of the table.
var sections = []section{
	{name: "loopback", run: (*run).loopback},
	{name: "latency", run: (*run).latency},
	{name: "crowd", run: (*run).crowd},
	{name: "scale", run: (*run).scale},
	{name: "delta", run: (*run).delta},
	{name: "large", large: true, run: (*run).large},
}

// run is one run of the benchmark.
type run struct {
	out    io.Writer
	dir    string // scratch
	kubo   string // its binary; empty: none
	rounds int
	report bench.Report
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:], os.Stdin, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-overlay:", err)
		os.Exit(1)
	}
}

// command is the benchmark, or one of its children when the first argument is a role.
func command(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) == 1 {
		if start, ok := roles[args[0]]; ok {
			// An interrupt from the terminal reaches children as well: they end when their input does.
			return serve(context.WithoutCancel(ctx), in, out, start())
		}
	}
	return benchmark(ctx, args, out)
}

func benchmark(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("bench-overlay", flag.ContinueOnError)
	only := flags.String("only", "", "sections to run, separated by commas: "+names()+" (default: all but the large ones)")
	large := flags.Bool("large", false, "run the large sections as well")
	rounds := flags.Int("rounds", 5, "transfers of each contender; noisy rows get up to half as many more")
	binary := flags.String("kubo", "build/kubo/ipfs", "the peer's binary; its rows are left out when there is none")
	file := flags.String("json", "build/bench/overlay.json", "where to write the rows; the printed text goes beside it as .txt")
	check := flags.Bool("check", false, "end with status 1 when a goal is missed")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if *rounds < 1 {
		return fmt.Errorf("-rounds: expected at least 1, got %d", *rounds)
	}
	chosen, err := choose(*only, *large)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(*file), 0o755); err != nil {
		return err
	}
	text, err := os.Create(strings.TrimSuffix(*file, filepath.Ext(*file)) + ".txt")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, text.Close()) }()
	dir, err := os.MkdirTemp("", "bench-overlay-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r := &run{out: io.MultiWriter(out, text), dir: dir, kubo: findKubo(*binary), rounds: *rounds}
	failed := r.sections(ctx, chosen)
	if err := r.report.WriteJSON(*file); err != nil {
		return errors.Join(failed, err)
	}
	return errors.Join(failed, r.finish(*file, *check))
}

// choose returns the sections that a run is to have.
func choose(only string, large bool) ([]section, error) {
	if only == "" {
		return slices.DeleteFunc(slices.Clone(sections), func(s section) bool { return s.large && !large }), nil
	}
	var chosen []section
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(sections, func(s section) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-only: expected some of %s, got %q", names(), name)
		}
		chosen = append(chosen, sections[i])
	}
	return chosen, nil
}

func names() string {
	var all []string
	for _, s := range sections {
		all = append(all, s.name)
	}
	return strings.Join(all, ",")
}

// findKubo returns an absolute path, or nothing when there is no such program.
func findKubo(binary string) string {
	path, err := filepath.Abs(binary)
	if info, statErr := os.Stat(path); binary == "" || err != nil || statErr != nil || info.IsDir() {
		return ""
	}
	return path
}

// sections runs the chosen sections, each of which prints its rows as soon as it has them. One that fails does not stop the others.
func (r *run) sections(ctx context.Context, chosen []section) error {
	fmt.Fprintln(r.out, bench.Machine())
	if r.kubo == "" {
		fmt.Fprintln(r.out, "Kubo is missing, so its rows are not measured; scripts/bench-overlay.sh builds it where the Go module proxy can be reached")
	}
	var failed error
	for _, s := range chosen {
		if ctx.Err() != nil {
			return errors.Join(failed, context.Cause(ctx))
		}
		fmt.Fprintf(r.out, "\n== %s\n", s.name)
		before := len(r.report.Rows)
		if err := s.run(r, ctx); err != nil {
			fmt.Fprintln(r.out, "failed:", err)
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.name, err))
		}
		if len(r.report.Rows) == before {
			continue
		}
		if err := bench.Print(r.out, r.report.Rows[before:]); err != nil {
			return errors.Join(failed, err)
		}
	}
	return failed
}

func (r *run) finish(file string, check bool) error {
	fmt.Fprintf(r.out, "\nwritten: %s\n", file)
	if noisy := r.report.Noisy(); noisy > 0 {
		fmt.Fprintf(r.out, "%d rows are noisy: something else ran on this machine, run again\n", noisy)
	}
	missed := r.report.Missed()
	if len(missed) == 0 {
		return nil
	}
	text := "missed goals: " + strings.Join(missed, "; ")
	if check {
		return errors.New(text)
	}
	fmt.Fprintln(r.out, text)
	return nil
}

// scratch makes a folder for a part of a run; remove it before the next part needs the disk.
func (r *run) scratch(name string) (dir string, remove func() error, err error) {
	dir, err = os.MkdirTemp(r.dir, name+"-")
	return dir, func() error { return os.RemoveAll(dir) }, err
}
