package adversaries

import (
	"fmt"
	"strings"

	"cosmossdk.io/math"
)

const (
	begin = "<!-- adversaries:begin -->"
	end   = "<!-- adversaries:end -->"
)

// Table renders the rows with what they measured.
func Table(rows []Row, outcomes []Outcome) string {
	var b strings.Builder
	b.WriteString("| what the cheater does | honest | cheater | what stops it | what a user sees |\n|---|---:|---:|---|---|\n")
	for i, r := range rows {
		o := outcomes[i]
		income := NRN(o.Cheater)
		if o.Expected {
			income += " (mean)"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s; `%s` |\n", r.Name, NRN(o.Honest), income, r.Stops, o.Saw, r.Query)
	}
	return b.String()
}

// NRN writes an amount of unrn in NRN with two digits, rounded to the nearest.
func NRN(unrn math.Int) string {
	sign := ""
	if unrn.IsNegative() {
		sign, unrn = "−", unrn.Neg()
	}
	cents := unrn.AddRaw(nrn / 200).QuoRaw(nrn / 100).Int64()
	if cents == 0 {
		return "0"
	}
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}

// Replace puts a table between the markers of a document.
func Replace(document, table string) (string, error) {
	before, rest, found := strings.Cut(document, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return "", fmt.Errorf("expected the markers %s and %s", begin, end)
	}
	return before + begin + "\n" + table + end + after, nil
}
