// Command program runs the economic simulator: it prints what every strategy earns, writes a report and plots, and with -check fails
// when a claim of the protocol does not hold. See docs/explanation/economics.md.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/pold-network/pold/testutil/econ"
)

func main() {
	seed := flag.Uint64("seed", 1, "seed of everything that happens by chance")
	decades := flag.Int("supply-years", 20, "years of the simulation of the supply")
	years := flag.Int("years", 3, "years of the simulation of strategies, in rounds of four days")
	days := flag.Int("days", 10, "days of the simulation of strategies in rounds of an hour")
	training := flag.Float64("training-cost", econ.DefaultCosts().TrainingPerHour, "cost of a training for each hour of a round, in NRN")
	file := flag.String("json", "", "file for the report, as JSON")
	plots := flag.String("plots", "", "folder for the plots")
	check := flag.Bool("check", false, "fail when a claim of the protocol does not hold")
	flag.Parse()
	// States live long and garbage is plenty: fewer collections are worth the memory.
	debug.SetGCPercent(400)
	configs := []econ.Config{econ.Supply(*seed, *decades), econ.Years(*seed, *years), econ.Days(*seed, *days)}
	for i := range configs {
		configs[i].Costs.TrainingPerHour = *training
	}
	if err := run(configs, *file, *plots, *check); err != nil {
		fmt.Fprintln(os.Stderr, "econ:", err)
		os.Exit(1)
	}
}

func run(configs []econ.Config, file, plots string, check bool) error {
	start := time.Now()
	report, err := econ.RunAll(configs[0], configs[1], configs[2])
	if err != nil {
		return err
	}
	if err := report.Print(os.Stdout); err != nil {
		return err
	}
	if file != "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		b, err := json.MarshalIndent(report, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
			return err
		}
		fmt.Println("report:", file)
	}
	if plots != "" {
		names, err := report.WritePlots(plots)
		if err != nil {
			return err
		}
		for _, name := range names {
			fmt.Println("plot:", name)
		}
	}
	fmt.Printf("%d rounds of every group in %s\n", report.Supply.Config.Rounds+report.Years.Config.Rounds+report.Days.Config.Rounds, time.Since(start).Round(time.Second))
	if check && len(report.Failures) > 0 {
		return errors.New("a claim of the protocol does not hold, see FAILED above")
	}
	return nil
}
