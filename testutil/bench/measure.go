package bench

import (
	"fmt"
	"slices"
	"time"
)

// Slot is how long a contender runs before the next one has its turn: at least Shortest, and longer until it has made Calls calls,
// but not beyond Longest for that reason alone.
type Slot struct {
	Shortest, Longest time.Duration
	Calls             int
}

// DefaultSlot suits calls of microseconds to tens of milliseconds.
var DefaultSlot = Slot{Shortest: 15 * time.Millisecond, Longest: 60 * time.Millisecond, Calls: 3}

// Contender is one side of a comparison.
type Contender interface {
	// Run works for one slot and returns the time of its fastest call.
	Run(Slot) (time.Duration, error)
}

// Func is a contender in this process: one call of the work to be timed.
type Func func() error

// Run calls the function until the slot is over.
func (f Func) Run(s Slot) (time.Duration, error) {
	var best time.Duration
	for calls, start := 0, time.Now(); ; {
		before := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		now := time.Now()
		if took := now.Sub(before); calls == 0 || took < best {
			best = took
		}
		calls++
		if spent := now.Sub(start); spent >= s.Shortest && (calls >= s.Calls || spent >= s.Longest) {
			return best, nil
		}
	}
}

// Plan says how often to measure.
type Plan struct {
	Slot   Slot
	Rounds int           // slots of each contender, at least
	Limit  int           // slots of each contender, at most, when the results are noisy
	Noise  float64       // spread of a contender from which on there are more rounds, for example 0.04
	Pause  time.Duration // before each slot: threads of the contender before may still be spinning
}

// DefaultPlan is the one that benchmarks of this project use: the median of at least 7 slots.
var DefaultPlan = Plan{Slot: DefaultSlot, Rounds: 7, Limit: 15, Noise: 0.04}

// Sample is what a contender reached.
type Sample struct {
	Median time.Duration // of the best calls of its slots
	Spread float64       // half the distance between the quartiles, relative to the median
}

// Spread is the largest spread of some samples.
func Spread(samples ...Sample) float64 {
	var largest float64
	for _, s := range samples {
		largest = max(largest, s.Spread)
	}
	return largest
}

// Measure lets the contenders take turns: one round is one slot of each. A first round warms up and does not count.
func Measure(plan Plan, contenders ...Contender) ([]Sample, error) {
	times := make([][]time.Duration, len(contenders))
	samples := make([]Sample, len(contenders))
	for round := 0; ; round++ {
		for i, c := range contenders {
			time.Sleep(plan.Pause)
			best, err := c.Run(plan.Slot)
			if err != nil {
				return nil, fmt.Errorf("contender %d: %w", i+1, err)
			}
			if round > 0 {
				times[i] = append(times[i], best)
			}
		}
		if round < plan.Rounds {
			continue
		}
		noisy := false
		for i := range contenders {
			samples[i] = summarize(times[i])
			noisy = noisy || samples[i].Spread > plan.Noise
		}
		if !noisy || round >= plan.Limit {
			return samples, nil
		}
	}
}

func summarize(times []time.Duration) Sample {
	sorted := slices.Sorted(slices.Values(times))
	quantile := func(q float64) float64 {
		at := q * float64(len(sorted)-1)
		low := int(at)
		high := min(low+1, len(sorted)-1)
		return float64(sorted[low]) + (at-float64(low))*float64(sorted[high]-sorted[low])
	}
	median := quantile(0.5)
	return Sample{Median: time.Duration(median), Spread: (quantile(0.75) - quantile(0.25)) / 2 / median}
}
