package types

import (
	"fmt"
	"slices"
	"time"
)

// Parts are the three parts of a reputation in the order in which they are shown.
var Parts = []Part{PART_STORAGE, PART_MODEL, PART_CONDUCT}

// Word returns the name of a part in lower case.
func (x Part) Word() string {
	switch x {
	case PART_STORAGE:
		return "storage"
	case PART_MODEL:
		return "model"
	case PART_CONDUCT:
		return "conduct"
	}
	return fmt.Sprintf("part %d", int32(x))
}

// Explain says a reputation in words: one line for each part, followed by one for each of its events, newest first. The
// reputation has to be that of the time at which it is shown.
func (s Score) Explain(p Params) []string {
	lines := make([]string, 0, len(Parts)+len(s.Events))
	for _, part := range Parts {
		lines = append(lines, fmt.Sprintf("%s %s: an outcome of weight 1 moves it by %s %%; without outcomes half of its distance to %s is gone after %s",
			part.Word(), unitE9(s.Value(part)), percentE9(p.Rate(part)), unitE9(p.InitialE9), duration(p.HalfLifeSeconds)))
		n := 0
		for _, e := range slices.Backward(s.Events) {
			if e.Part == part {
				lines = append(lines, "  "+e.line())
				n++
			}
		}
		if n == 0 {
			lines = append(lines, "  no events are kept")
		}
	}
	return lines
}

// ExplainFactor says how the vote factor comes about.
func (s Score) ExplainFactor(p Params) string {
	return fmt.Sprintf("vote factor %s = %s + %s x %s, the mean of the three parts",
		unitE6(s.FactorE6(p)), unitE6(p.MinFactorE6), unitE6(Million-p.MinFactorE6), unitE9(s.MeanE9()))
}

// ExplainSegments says how the number of further segments comes about.
func (s Score) ExplainSegments(p Params) string {
	return fmt.Sprintf("proves %d segments more than the base count: %d x (1 - %s, the mean of model and conduct), rounded to the nearest",
		s.ExtraSegments(p), p.MaxExtraSegments, unitE9((s.ModelE9+s.ConductE9)/2))
}

func (e Event) line() string {
	direction := "down"
	if e.OutcomeE9 > 0 {
		direction = "up"
	}
	line := fmt.Sprintf("%s, height %d: %s to %s: %s, weight %s",
		time.Unix(e.Unix, 0).UTC().Format(time.DateTime), e.Height, direction, unitE9(e.AfterE9), e.Reason, unitE6(e.WeightE6))
	if e.Ref != "" {
		line += " (" + e.Ref + ")"
	}
	return line
}

// unitE9 and unitE6 write billionths and millionths as a decimal with three places, rounded down.
func unitE9(v uint64) string { return fmt.Sprintf("%d.%03d", v/Billion, v%Billion/Million) }

func unitE6(v uint64) string { return fmt.Sprintf("%d.%03d", v/Million, v%Million/1_000) }

// percentE9 writes billionths as a percentage with two places, rounded down.
func percentE9(v uint64) string {
	return fmt.Sprintf("%d.%02d", v/(Billion/100), v%(Billion/100)/(Billion/10_000))
}

// duration writes seconds in the largest unit that divides them.
func duration(seconds uint64) string {
	for _, unit := range []struct {
		name   string
		length uint64
	}{{"days", 24 * 3_600}, {"hours", 3_600}, {"minutes", 60}} {
		if seconds%unit.length == 0 {
			return fmt.Sprintf("%d %s", seconds/unit.length, unit.name)
		}
	}
	return fmt.Sprintf("%d seconds", seconds)
}
