package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/pold-network/pold/engine"
	"github.com/pold-network/pold/sidecar/verifier"
)

func printReplayHead(w io.Writer, r replayed) {
	role := ""
	if r.Winner {
		role = " (winner)"
	}
	fmt.Fprintf(w, "group       %s, round %d\ntrainer     %s%s\ntranscript  %s\ncheckpoint  %s\n\n", r.Group, r.Round, r.Trainer, role, r.Transcript, r.Checkpoint)
	fmt.Fprintf(w, "%-9s%-12s%s\n", "SEGMENT", "STEPS", "RESULT")
}

func printSegment(w io.Writer, s verifier.SegmentFinding) {
	result := "✔ the same bits, weights " + s.Computed
	if !s.Equal {
		result = "✘ " + s.Problem
		if len(s.Differs) > 0 {
			result += ": " + strings.Join(s.Differs, ", ")
		}
	}
	fmt.Fprintf(w, "%-9d%-12s%s\n", s.Segment, fmt.Sprintf("%d-%d", s.FirstStep, s.LastStep), result)
}

// print says what all of it means, after the lines of the segments.
func (r replayed) print(w io.Writer) {
	if len(r.Replayed) == 0 {
		fmt.Fprintf(w, "none     -           ✘ %s\n", r.Problem)
	}
	fmt.Fprintln(w)
	if r.Segments > 0 {
		fmt.Fprintf(w, "recipe      %s\n", describeRecipe(r.Recipe))
	}
	if r.FromParent {
		fmt.Fprintln(w, "start       nobody holds the start state of the segment any more, so it was trained from the parent")
	}
	fmt.Fprintf(w, "here        %s\n", r.here())
	fmt.Fprintf(w, "chain       %s%s\n", r.Chain.Verdict, map[verifier.Agreement]string{
		verifier.Agrees: "", verifier.Differs: ": it differs", verifier.Silent: ": it says nothing about what was found here"}[r.Chain.Agreement])
	fmt.Fprintf(w, "next        %s\n", r.Next)
}

// here is the finding in one line, with the first difference.
func (r replayed) here() string {
	if r.Passed() {
		return fmt.Sprintf("%d of %d segments replayed, all right; the header, the recipe and both ends are right", len(r.Replayed), r.Segments)
	}
	s := r.Problem
	if r.Wrong == nil {
		return s
	}
	if first := r.Replayed[len(r.Replayed)-1].First; first != nil {
		return s + "; " + placeLine(*first)
	}
	return s + "; the trainer's own files of this segment can't be had, so the step is not known"
}

func placeLine(p verifier.Place) string {
	what := p.What
	if p.Tensor != "" {
		what += " of " + p.Tensor
	}
	return fmt.Sprintf("first difference in step %d, %s: claimed %s, computed %s", p.Step, what, p.Claimed, p.Computed)
}

// next says what to do with the result.
func (r replayed) next(partly bool) string {
	again := "rule out this machine by running it again with another --backend (" + strings.Join(engine.Backends(), ", ") + ")"
	switch {
	case r.Equal && partly:
		return fmt.Sprintf("replay all segments: trainerd replay --group %s --round %d --trainer %s", r.Group, r.Round, r.Trainer)
	case r.Equal:
		return fmt.Sprintf("recompute the losses too: trainerd verify --group %s --round %d", r.Group, r.Round)
	case r.Chain.Agreement == verifier.Agrees:
		return fmt.Sprintf("see what it cost: pold q polslashing all-evidence --address %s", r.Trainer)
	case r.Passed():
		return again + "; if it stays, the audit was wrong: ask validators to run this command, and governance to make it good"
	}
	return again + "; if it stays, a forgery got past the audit: show this output, which anybody can reproduce, before somebody builds on the checkpoint"
}
