package econ

import (
	"fmt"
	"math"
	"slices"
)

// Report is all simulations together.
type Report struct {
	Supply *Result `json:"supply"`
	Years  *Result `json:"years"`
	Days   *Result `json:"days"`
	Prices []Price `json:"prices"`
	// Failures are the claims of the protocol that the simulations contradict.
	Failures []string `json:"failures"`
}

// Price is what something is worth that the protocol does not claim to prevent, or what one of its parameters rests on.
type Price struct {
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// Yearly rates of the protocol before the first halving: parts of the supply.
const (
	trainerRate  = 0.08766
	verifierRate = 0.017532
	// The blocks between two rounds mint nothing; a year may also hold one round more or less, see checkRates.
	rateTolerance = 0.005
)

// deterred are the strategies of which the protocol claims that they earn less than honesty; what they are compared with is of the
// same group.
var deterred = []Strategy{
	CopyAsIs, CopyRescaled, ForgingTrainer, TrustedForger, LeakValidator, GuessValidator, AbsentValidator, TrustedLiar,
}

// NewReport judges simulations.
func NewReport(supply, years, days *Result) *Report {
	r := &Report{Supply: supply, Years: years, Days: days}
	r.checkRates()
	for _, x := range []struct {
		name string
		of   *Result
	}{{"supply", supply}, {"years", years}, {"days", days}} {
		for _, p := range x.of.Problems {
			r.fail("%s: %s", x.name, p)
		}
	}
	r.checkStrategies("years", years)
	r.checkStrategies("days", days)
	r.price()
	return r
}

func (r *Report) fail(format string, args ...any) {
	r.Failures = append(r.Failures, fmt.Sprintf(format, args...))
}

// checkRates compares what whole years minted with the rates, halved as often as the time says.
func (r *Report) checkRates() {
	whole := 0
	tolerance := rateTolerance + float64(r.Supply.Config.Hours)/year.Hours()
	for _, y := range r.Supply.Years {
		if y.Days < 365 {
			continue
		}
		whole++
		halved := math.Pow(2, float64(int64(y.Year-1)*int64(year.Seconds())/int64(r.Supply.Config.HalvingSeconds)))
		for _, x := range []struct {
			who       string
			got, want float64
		}{{"trainers", y.TrainerRate, trainerRate / halved}, {"verifiers", y.VerifierRate, verifierRate / halved}} {
			if math.Abs(x.got/x.want-1) > tolerance {
				r.fail("year %d: expected %.3f %% of the supply for %s, got %.3f %%", y.Year, 100*x.want, x.who, 100*x.got)
			}
		}
	}
	if years := r.Supply.Config.HalvingSeconds / uint64(year.Seconds()); uint64(whole) <= years {
		r.fail("expected more than %d whole years, to see a halving, got %d", years, whole)
	}
}

// checkStrategies compares every strategy that is said not to pay with honesty.
func (r *Report) checkStrategies(name string, of *Result) {
	for _, a := range of.Agents {
		honest := of.mean(a.honest(), a.Group)
		switch {
		case slices.Contains(deterred, a.Strategy) && float64(a.Net()) >= honest:
			r.fail("%s: %s (%s) nets %.0f NRN, honesty %.0f", name, a.Strategy, a.where(), float64(a.Net())/NRN, honest/NRN)
		case a.Strategy == SybilTrainer && a.Extra >= 0:
			// Its first account is an honest trainer with an honest trainer's luck, so the others are what counts.
			r.fail("%s: the further accounts of a sybil (%s) net %.2f NRN", name, a.where(), float64(a.Extra)/NRN)
		}
	}
	if honest := of.mean(HonestValidator, ""); honest <= 0 {
		r.fail("%s: an honest validator nets %.0f NRN", name, honest/NRN)
	}
}

// honest is the strategy that an agent is compared with.
func (a *Agent) honest() Strategy {
	if a.Group == "" {
		return HonestValidator
	}
	return HonestTrainer
}

func (a *Agent) where() string {
	if a.Group == "" {
		return "validator"
	}
	return "group " + a.Group
}

// mean returns the mean net income of the agents of a strategy in a group, in unrn; 0 when there is none.
func (r *Result) mean(s Strategy, group string) float64 {
	sum, n := 0.0, 0
	for _, a := range r.Agents {
		if a.Strategy == s && a.Group == group {
			sum, n = sum+float64(a.Net()), n+1
		}
	}
	return sum / float64(max(n, 1))
}

// find returns the first agent of a strategy.
func (r *Result) find(s Strategy, group string) *Agent {
	for _, a := range r.Agents {
		if a.Strategy == s && a.Group == group {
			return a
		}
	}
	return &Agent{}
}

// yearly turns an amount of a whole simulation, in unrn, into NRN a year.
func (r *Result) yearly(amount float64) float64 { return amount / NRN / (r.Seconds / year.Seconds()) }

// price says what is worth what. Validators are priced by the simulation that compresses no time.
func (r *Report) price() {
	add := func(value float64, unit, format string, args ...any) {
		r.Prices = append(r.Prices, Price{fmt.Sprintf(format, args...), value, unit})
	}
	d, y := r.Days, r.Years
	honest, cartel, skip, leak := d.find(HonestValidator, ""), d.find(CartelValidator, ""), d.find(SkipValidator, ""), d.find(LeakValidator, "")
	add(d.yearly(float64(honest.Cost-cartel.Cost)), "NRN/year", "cartel of %d: computing that each member saves", cartelMembers)
	add(d.yearly(float64(cartel.Lost-honest.Lost)), "NRN/year", "cartel of %d: penalties of each member, more than of an honest validator", cartelMembers)
	add(d.yearly(float64(leak.Lost)), "NRN/year", "penalties of who shares answers but no personal values, at %.0f %% of the answers", float64(d.Config.LeakE6)/1e4)
	add(d.yearly(d.mean(SkipValidator, "")-d.mean(HonestValidator, "")), "NRN/year", "skipping what is not paid: gain over an honest validator")
	add(float64(skip.Tries)/float64(max(honest.Tries, 1))*100, "% of tasks", "skipping what is not paid: what it still answers")
	add(d.Config.Costs.TrainingPerHour*float64(honest.Coinbase)/float64(max(honest.Cost, 1)), "NRN/hour",
		"largest cost of a training at which %d validators are paid for their computing", countValidators(d))
	dealer := d.find(SelfDealer, "own")
	add(100*d.yearly(float64(dealer.Net()))/ownStake, "%/year of its stake", "self-dealer: what its group mints for it")
	friend, others := y.find(FriendTrainer, "sealed"), y.find(HonestTrainer, "sealed")
	add(100*float64(friend.Wins)/float64(max(friend.Tries, 1)), "% of rounds", "provider that shows its rows to a friend: what the friend wins")
	add(y.yearly(float64(others.Net())), "NRN/year", "provider that shows its rows to a friend: net of an honest trainer beside it")
	for _, x := range []*Result{d, y} {
		f := x.find(ForgingTrainer, "main")
		add(float64(f.Net())/NRN/float64(max(f.Tries, 1)), "NRN/attempt", "forging one segment of 64: %d of %d caught in rounds of %d h", f.Faults, f.Tries, x.Config.Hours)
	}
}

func countValidators(r *Result) int {
	n := 0
	for _, a := range r.Agents {
		if a.Group == "" {
			n++
		}
	}
	return n
}
