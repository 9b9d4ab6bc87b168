// Command processes makes the real processes of a devnet cheat, one way after the other, and measures what it earns them.
//
//	make adversaries
//
// Every way gets a fresh network of four validators and three trainers, in which one process cheats from its start. What it earned over
// the same rounds when it was honest is measured once, in the same way. The rows go to build/bench/adversaries.json.
//
// main.go decides and prints, devnet.go runs networks and reads balances.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Row is what one way of cheating earned; incomes are in unrn.
type Row struct {
	Row           string `json:"row"`
	HonestIncome  int64  `json:"honest_income"`
	CheaterIncome int64  `json:"cheater_income"`
	Caught        bool   `json:"caught"`
	OK            bool   `json:"ok"`

	seen string // what the network showed
}

// slackE2 is by how many hundredths an income may exceed the honest one without being a gain: rewards grow with the time that a round takes.
const slackE2 = 115

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "adversaries:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("adversaries", flag.ContinueOnError)
	only := flags.String("only", "", "kinds to run, separated by commas; all when empty")
	rounds := flags.Int("rounds", 3, "settled rounds over which incomes are measured")
	file := flags.String("json", "build/bench/adversaries.json", "where to write the rows")
	bin := flags.String("bin", "build", "folder with pold and trainerd")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	kinds, err := listKinds(filepath.Join(*bin, "trainerd"))
	if err != nil {
		return err
	}
	if *only != "" {
		chosen := strings.Split(*only, ",")
		kinds = slices.DeleteFunc(kinds, func(k kind) bool { return !slices.Contains(chosen, k.Name) })
	}
	if len(kinds) == 0 {
		return fmt.Errorf("-only: expected some of the kinds of `trainerd cheats`, got %q", *only)
	}
	started := time.Now()
	fmt.Fprintf(out, "honest: %d rounds\n", *rounds)
	honest, err := play(*bin, kind{}, *rounds)
	if err != nil {
		return fmt.Errorf("the honest network: %w", err)
	}
	var rows []Row
	for i, k := range kinds {
		fmt.Fprintf(out, "%2d of %d  %s (%s): it %s\n", i+1, len(kinds), k.Name, k.Role, k.Does)
		r, err := play(*bin, k, *rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", k.Name, err)
		}
		rows = append(rows, judge(k, honest.income(k.Role), r))
	}
	if err := write(*file, rows); err != nil {
		return err
	}
	if err := table(out, rows); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d ways in %s; rows: %s\n", len(rows), time.Since(started).Round(time.Second), *file)
	for _, r := range rows {
		if !r.OK {
			return fmt.Errorf("%s paid: %d unrn against %d of an honest one", r.Row, r.CheaterIncome, r.HonestIncome)
		}
	}
	return nil
}

// judge compares a cheater with what it would have earned.
func judge(k kind, honest int64, r result) Row {
	row := Row{Row: k.Name, HonestIncome: honest, CheaterIncome: r.income(k.Role), Caught: len(r.faults) > 0, seen: strings.Join(r.faults, "; ")}
	row.OK = row.CheaterIncome*100 <= row.HonestIncome*slackE2
	return row
}

func write(path string, rows []Row) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	b, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

func table(out io.Writer, rows []Row) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nKIND\tHONEST NRN\tCHEATER NRN\tCAUGHT\tOK\tWHAT THE NETWORK SHOWED")
	mark := map[bool]string{true: "yes", false: "no"}
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%.3f\t%.3f\t%s\t%s\t%s\n", r.Row, float64(r.HonestIncome)/1e6, float64(r.CheaterIncome)/1e6, mark[r.Caught], mark[r.OK], r.seen)
	}
	return w.Flush()
}
