package econ

import (
	"fmt"
	"io"
	"strings"
)

// row is all agents of one strategy in one place, per agent and year, in NRN.
type row struct {
	strategy                   Strategy
	where                      string
	agents                     int
	coinbase, cost, lost, net  float64
	wins, faults, tries, broke int
}

// rows groups the agents by strategy and place, in their order.
func (r *Result) rows() []*row {
	var rows []*row
	for _, a := range r.Agents {
		var x *row
		for _, y := range rows {
			if y.strategy == a.Strategy && y.where == a.where() {
				x = y
			}
		}
		if x == nil {
			x = &row{strategy: a.Strategy, where: a.where()}
			rows = append(rows, x)
		}
		x.agents++
		x.coinbase += r.yearly(float64(a.Coinbase))
		x.cost += r.yearly(float64(a.Cost))
		x.lost += r.yearly(float64(a.Lost))
		x.wins, x.faults, x.tries = x.wins+a.Wins, x.faults+a.Faults, x.tries+a.Tries
		if a.Broke {
			x.broke++
		}
	}
	for _, x := range rows {
		n := float64(x.agents)
		x.coinbase, x.cost, x.lost = x.coinbase/n, x.cost/n, x.lost/n
		x.net = x.coinbase - x.cost - x.lost
	}
	return rows
}

// Print writes the report for people.
func (r *Report) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Supply: %d rounds of %d h, everybody honest, all coins that count are bonded\n", r.Supply.Config.Rounds, r.Supply.Config.Hours)
	fmt.Fprintf(&b, "%4s %14s %14s %10s %10s %16s\n", "year", "trainers NRN", "verifiers NRN", "trainers", "verifiers", "supply NRN")
	for _, y := range r.Supply.Years {
		if y.Days < 365 {
			continue
		}
		fmt.Fprintf(&b, "%4d %14.0f %14.0f %8.3f %% %8.3f %% %16.0f\n", y.Year, y.Trainers, y.Verifiers, 100*y.TrainerRate, 100*y.VerifierRate, y.Supply)
	}
	r.Years.print(&b, "Years")
	r.Days.print(&b, "Days")
	b.WriteString("\nPrices\n")
	for _, p := range r.Prices {
		fmt.Fprintf(&b, "%14.2f  %-24s %s\n", p.Value, p.Unit, p.What)
	}
	for _, f := range r.Failures {
		b.WriteString("FAILED: " + f + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Result) print(b *strings.Builder, title string) {
	c := r.Config
	fmt.Fprintf(b, "\n%s: %d rounds of %d h in each of 4 groups, %.2f years; genesis %.0f + coinbase %.0f - burned %.0f - slashed %.0f = %.0f NRN\n",
		title, c.Rounds, c.Hours, r.Seconds/year.Seconds(), r.Genesis, r.Coinbase, r.Burned, r.Slashed, r.Supply)
	b.WriteString("for each agent, in NRN a year\n")
	fmt.Fprintf(b, "%-38s %-12s %2s %10s %10s %10s %11s %7s %7s %7s\n", "strategy", "where", "", "coinbase", "cost", "lost", "net", "tries", "wins", "faults")
	for _, x := range r.rows() {
		broke := ""
		if x.broke > 0 {
			broke = " broke"
		}
		fmt.Fprintf(b, "%-38s %-12s %2d %10.0f %10.0f %10.0f %11.0f %7d %7d %7d%s\n",
			x.strategy, x.where, x.agents, x.coinbase, x.cost, x.lost, x.net, x.tries, x.wins, x.faults, broke)
	}
}

// RunAll plays all three simulations at once and judges them. Each is a chain of its own, so the order does not matter.
func RunAll(supply, years, days Config) (*Report, error) {
	type outcome struct {
		result *Result
		err    error
	}
	configs := []Config{supply, years, days}
	outcomes := make([]chan outcome, len(configs))
	for i, c := range configs {
		outcomes[i] = make(chan outcome, 1)
		go func() {
			result, err := Run(c)
			outcomes[i] <- outcome{result, err}
		}()
	}
	results := make([]*Result, len(configs))
	for i := range outcomes {
		o := <-outcomes[i]
		if o.err != nil {
			return nil, fmt.Errorf("simulation of %d rounds of %d h: %w", configs[i].Rounds, configs[i].Hours, o.err)
		}
		results[i] = o.result
	}
	return NewReport(results[0], results[1], results[2]), nil
}
