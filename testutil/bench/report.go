package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Row is one line of a benchmark. Ours, Peer and Ratio are nil when they were not measured, Goal is nil for a row that only informs,
// and OK is nil for a row with a goal whose peer is missing.
type Row struct {
	Row      string   `json:"row"`
	Ours     *float64 `json:"ours"`
	Peer     *float64 `json:"peer"`
	PeerName string   `json:"peer_name"`
	Unit     string   `json:"unit"`
	Ratio    *float64 `json:"ratio"`
	Goal     *float64 `json:"goal"`
	OK       *bool    `json:"ok"`

	// Spread is the larger one of the two contenders' Sample.Spread; only the table shows it.
	Spread float64 `json:"-"`
}

// Direction says which numbers of a unit are better.
type Direction bool

// Directions.
const (
	MoreIsBetter Direction = true  // rates
	LessIsBetter Direction = false // times, bytes, counts
)

// Compare makes a row of two measured numbers. A goal of 0 means none.
func Compare(row string, ours, peer float64, peerName, unit string, better Direction, goal float64) Row {
	ratio := ours / peer
	switch {
	case better == MoreIsBetter:
	case ours == 0: // nothing is as little as can be: as good as any limit
		ratio = 1
	default:
		ratio = peer / ours
	}
	r := Row{Row: row, Ours: &ours, Peer: &peer, PeerName: peerName, Unit: unit, Ratio: &ratio}
	return r.withGoal(goal)
}

// Alone makes a row whose peer was not measured.
func Alone(row string, ours float64, peerName, unit string, goal float64) Row {
	r := Row{Row: row, Ours: &ours, PeerName: peerName, Unit: unit}
	if goal != 0 {
		r.Goal = &goal
	}
	return r
}

// GeometricMean makes a row of the geometric mean of the ratios of other rows. Rows without a ratio do not count; when there is none
// left, the row has no ratio either.
func GeometricMean(row, peerName string, of []Row, goal float64) Row {
	sum, n := 0.0, 0
	for _, r := range of {
		if r.Ratio != nil {
			sum += math.Log(*r.Ratio)
			n++
		}
	}
	r := Row{Row: row, PeerName: peerName, Unit: "geometric mean"}
	if n == 0 {
		if goal != 0 {
			r.Goal = &goal
		}
		return r
	}
	ratio := math.Exp(sum / float64(n))
	r.Ratio = &ratio
	return r.withGoal(goal)
}

// withGoal compares a row that has a ratio with a goal; 0 means none.
func (r Row) withGoal(goal float64) Row {
	ok := true
	if goal != 0 {
		r.Goal = &goal
		ok = *r.Ratio >= goal
	}
	r.OK = &ok
	return r
}

// NoisySpread is the spread from which on a row says little: something else ran on the machine.
const NoisySpread = 0.1

func (r Row) noisy() bool { return r.Spread > NoisySpread }

// missed reports whether the row has a goal and was measured to be below it.
func (r Row) missed() bool { return r.OK != nil && !*r.OK }

// Report is the rows of one run in their order.
type Report struct{ Rows []Row }

// Add appends rows.
func (r *Report) Add(rows ...Row) { r.Rows = append(r.Rows, rows...) }

// Missed lists the names of the rows that are below their goal.
func (r *Report) Missed() []string {
	var names []string
	for _, row := range r.Rows {
		if row.missed() {
			names = append(names, row.Row)
		}
	}
	return names
}

// Noisy counts the rows whose spread is too large to be trusted.
func (r *Report) Noisy() int {
	n := 0
	for _, row := range r.Rows {
		if row.noisy() {
			n++
		}
	}
	return n
}

// Print writes rows as a table: names to the left, numbers to the right.
func Print(w io.Writer, rows []Row) error {
	cells := [][]string{{"row", "ours", "peer", "unit", "ratio", "±", "goal", "", "peer"}}
	for _, r := range rows {
		cells = append(cells, []string{r.Row, number(r.Ours), number(r.Peer), r.Unit, ratio(r.Ratio), r.spread(), ratio(r.Goal), r.verdict(), r.PeerName})
	}
	var widths [9]int
	for _, line := range cells {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, line := range cells {
		for i, cell := range line {
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if text := i == 0 || i == 3 || i > 6; text {
				cell += gap
			} else {
				cell = gap + cell
			}
			line[i] = cell
		}
		b.WriteString(strings.TrimRight(strings.Join(line, "  "), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r Row) spread() string {
	if r.Spread == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f%%", 100*r.Spread)
}

func (r Row) verdict() string {
	text := "MISSED"
	switch {
	case r.Goal == nil:
		return ""
	case r.OK == nil:
		return "not measured"
	case *r.OK:
		text = "ok"
	}
	if r.noisy() {
		text += ", noisy"
	}
	return text
}

// number prints three or four significant digits: more would be noise.
func number(v *float64) string {
	switch {
	case v == nil:
		return "-"
	case *v == math.Trunc(*v) || math.Abs(*v) >= 1000:
		return fmt.Sprintf("%.0f", *v)
	case math.Abs(*v) >= 100:
		return fmt.Sprintf("%.1f", *v)
	case math.Abs(*v) >= 1:
		return fmt.Sprintf("%.2f", *v)
	}
	return fmt.Sprintf("%.3f", *v)
}

func ratio(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f", *v)
}

// WriteJSON writes the rows as a JSON list, one row a line, and makes the folder when it is missing.
func (r *Report) WriteJSON(path string) error {
	var b bytes.Buffer
	b.WriteString("[")
	for i, row := range r.Rows {
		line, err := json.Marshal(row)
		if err != nil {
			return fmt.Errorf("row %q: %w", row.Row, err)
		}
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n  ")
		b.Write(line)
	}
	b.WriteString("\n]\n")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}
