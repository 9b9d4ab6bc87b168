package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	poltypes "github.com/pold-network/pold/x/pol/types"
)

// evaluationPlan says how many evaluation rows a group needs.
type evaluationPlan struct {
	Candidates int     `json:"candidates"`
	Confidence float64 `json:"confidence"`
	Rounds     int     `json:"rounds"`
	// Gaps are the asked one and others around it, widest first.
	Gaps []gapPlan `json:"gaps"`
}

// gapPlan is the plan for one gap.
type gapPlan struct {
	// Gap is by how much the figure of a candidate may be off. Two candidates that are twice as far apart are then ranked rightly.
	Gap         float64 `json:"gap"`
	RankedApart float64 `json:"ranked_apart"`
	Asked       bool    `json:"asked"`
	// Rows of one round; AllRounds of all of them, as a batch is used once.
	Rows      uint64 `json:"rows"`
	AllRounds uint64 `json:"rows_of_all_rounds"`
	// PairedLeast and PairedMost are how many suffice as a rule, because candidates of one parent agree on most rows.
	PairedLeast uint64 `json:"paired_least"`
	PairedMost  uint64 `json:"paired_most"`
}

// The saving of a paired comparison: of two checkpoints with the same parent only the rows count on which they disagree.
const (
	pairedMostSaving  = 10
	pairedLeastSaving = 5
)

// evaluationRows returns how many rows estimate a figure between 0 and 1 of each of several candidates to within the gap, all at once
// with the given confidence: n >= ln(2M/delta) / (2 D^2), after Hoeffding (1963) and a union bound over the M candidates.
func evaluationRows(candidates int, gap, confidence float64) uint64 {
	return uint64(math.Ceil(math.Log(2*float64(candidates)/(1-confidence)) / (2 * gap * gap)))
}

func newEvaluationPlan(candidates int, gap, confidence float64, rounds int) (evaluationPlan, error) {
	p := evaluationPlan{Candidates: candidates, Confidence: confidence, Rounds: rounds}
	switch {
	case candidates < 1 || candidates > 1_000_000:
		return p, fmt.Errorf("--candidates: expected 1 to 1000000 checkpoints in a round, got %d", candidates)
	case !(gap >= 0.0001 && gap <= 0.5):
		return p, fmt.Errorf("--gap: expected a difference from 0.0001 to 0.5, such as 0.01 or 1%%, got %v", gap)
	case !(confidence >= 0.5 && confidence <= 0.999999):
		return p, fmt.Errorf("--confidence: expected a probability from 0.5 to 0.999999, such as 0.99 or 99%%, got %v", confidence)
	case rounds < 1 || rounds > 1_000_000:
		return p, fmt.Errorf("--rounds: expected 1 to 1000000, got %d", rounds)
	}
	for _, factor := range []float64{4, 2, 1, 0.5} {
		g := gap * factor
		if g > 0.5 {
			continue
		}
		n := evaluationRows(candidates, g, confidence)
		p.Gaps = append(p.Gaps, gapPlan{Gap: g, RankedApart: 2 * g, Asked: factor == 1, Rows: n, AllRounds: n * uint64(rounds),
			PairedLeast: (n + pairedMostSaving - 1) / pairedMostSaving, PairedMost: (n + pairedLeastSaving - 1) / pairedLeastSaving})
	}
	return p, nil
}

func planEvaluationCommand() *cobra.Command {
	var candidates, rounds int
	var gap, confidence string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "plan-evaluation",
		Short: "Say how many hidden evaluation rows a sealed group needs",
		Long: `Say how many rows a sealed batch needs so that the figure of no candidate of a round is off by more than a gap. Candidates that are
more than two gaps apart are then ranked rightly.

The bound is n >= ln(2M/delta) / (2 D^2) for M candidates, a gap of D and a confidence of 1 - delta (Hoeffding and a union bound). It
holds for figures between 0 and 1, such as accuracy; a loss that is not bounded needs more. It supposes that the rows are drawn
at random from what the model is for, and that nobody has seen them: each batch is used for one round.

A paired comparison counts only the rows on which two candidates disagree. Candidates of one parent agree on most, so 5 to 10 times
fewer rows suffice as a rule; how many exactly depends on how often they disagree, which nobody knows beforehand.`,
		Example: `  pold group plan-evaluation --candidates 32 --gap 2% --confidence 99% --rounds 24`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			g, err := parseShare("--gap", gap)
			if err != nil {
				return err
			}
			c, err := parseShare("--confidence", confidence)
			if err != nil {
				return err
			}
			plan, err := newEvaluationPlan(candidates, g, c, rounds)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(plan)
			}
			plan.print(cmd.OutOrStdout())
			return nil
		},
	}
	cmd.Flags().IntVar(&candidates, "candidates", 16, "checkpoints that compete in a round")
	cmd.Flags().StringVar(&gap, "gap", "2%", "by how much the figure of a candidate may be off, as 0.02 or 2%")
	cmd.Flags().StringVar(&confidence, "confidence", "99%", "probability that no candidate of a round is misjudged, as 0.99 or 99%")
	cmd.Flags().IntVar(&rounds, "rounds", 1, "rounds that the rows have to last for")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// parseShare reads 0.02 or 2%.
func parseShare(flag, text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil {
		return 0, fmt.Errorf("%s: expected a number such as 0.02 or 2%%, got %q", flag, text)
	}
	if percent {
		v /= 100
	}
	return v, nil
}

func (p evaluationPlan) print(w io.Writer) {
	fmt.Fprintf(w, "%s, confidence %s, %s\n\n", plural(p.Candidates, "candidate", ""), percent(p.Confidence), plural(p.Rounds, "round", ""))
	fmt.Fprintf(w, "%-8s%14s%15s%20s%20s\n", "GAP", "RANKED APART", "ROWS A ROUND", "PAIRED, AS A RULE", "ROWS OF ALL ROUNDS")
	var asked gapPlan
	for _, g := range p.Gaps {
		mark := ""
		if g.Asked {
			asked, mark = g, "   <- asked for"
		}
		fmt.Fprintf(w, "%-8s%14s%15s%20s%20s%s\n", percent(g.Gap), percent(g.RankedApart), thousands(g.Rows), thousands(g.PairedLeast)+"-"+thousands(g.PairedMost), thousands(g.AllRounds), mark)
	}
	fmt.Fprintf(w, "\nA batch holds at most %s rows and %d MiB; several providers of a group add up.\n", thousands(poltypes.MaxSealedRows), poltypes.MaxSealedSize>>20)
	if asked.Rows > poltypes.MaxSealedRows {
		fmt.Fprintln(w, "The rows asked for do not fit into one batch: name more providers, or accept a wider gap.")
	}
	into, hand := "a table, and hand it in", "TABLE.csv"
	if p.Rounds > 1 {
		into, hand = fmt.Sprintf("each of %s tables, and hand them in", thousands(uint64(p.Rounds))), "TABLE.csv..."
	}
	fmt.Fprintf(w, "next: put %s rows that nobody has seen into %s: trainerd provide --group GROUP --from KEY %s\n", thousands(asked.Rows), into, hand)
}

func percent(v float64) string { return strconv.FormatFloat(math.Round(v*1e8)/1e6, 'f', -1, 64) + " %" }

// thousands writes n with a comma between thousands.
func thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
