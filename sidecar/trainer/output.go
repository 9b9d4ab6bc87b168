package trainer

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// JSON returns a reporter that writes one JSON object per line, without progress.
func JSON(w io.Writer) func(Event) {
	var mu sync.Mutex
	encoder := json.NewEncoder(w)
	return func(e Event) {
		if e.Event == EventProgress {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		_ = encoder.Encode(e) // a reader that went away is no reason to stop training
	}
}

// Text returns a reporter for people. On a terminal progress redraws one line; elsewhere it is left out.
func Text(w io.Writer, terminal bool) func(Event) {
	var mu sync.Mutex
	progress := false
	return func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Event == EventProgress {
			if terminal {
				fmt.Fprintf(w, "\r\x1b[K%s", progressLine(e))
				progress = true
			}
			return
		}
		if progress {
			fmt.Fprint(w, "\r\x1b[K")
			progress = false
		}
		fmt.Fprintln(w, line(e))
	}
}

func progressLine(e Event) string {
	s := fmt.Sprintf("%s round %d: step %d of %d, batch loss %.4f", e.Group, e.Round, e.Step, e.Steps, e.BatchLoss)
	if e.StepsPerSecond > 0 {
		left := time.Duration(float64(e.Steps-e.Step) / e.StepsPerSecond * float64(time.Second))
		s += fmt.Sprintf(", %.0f steps/s, %s left", e.StepsPerSecond, left.Round(time.Second))
	}
	return s
}

// line says an event in words.
func line(e Event) string {
	head := e.Group
	if e.Round > 0 {
		head = fmt.Sprintf("%s round %d", e.Group, e.Round)
	}
	switch e.Event {
	case EventRound:
		return fmt.Sprintf("%s: open; training %d steps from loss %s", head, e.Steps, e9(e.ParentLossE9))
	case EventTrained:
		return fmt.Sprintf("%s: trained to loss %s (parent %s), metric %s", head, e9(e.LossE9), e9(e.ParentLossE9), e9(e.MetricE9))
	case EventSkipped:
		return fmt.Sprintf("%s: skipped: %s", head, e.Note)
	case EventCommitted:
		return fmt.Sprintf("%s: committed at height %d", head, e.Height)
	case EventRevealed:
		return fmt.Sprintf("%s: revealed at height %d, checkpoint %s", head, e.Height, e.CID)
	case EventSettled:
		return head + ": " + settledLine(e)
	case EventMissed:
		return fmt.Sprintf("%s: missed: %s", head, e.Note)
	}
	return fmt.Sprintf("%s: %s", head, e.Note)
}

func settledLine(e Event) string {
	switch {
	case e.Won:
		return fmt.Sprintf("won with loss %s (parent %s): %s NRN", e9(e.LossE9), e9(e.ParentLossE9), NRN(e.RewardUnrn))
	case e.Winner != "":
		s := fmt.Sprintf("settled; %s won", e.Winner)
		if e.Status != "" {
			s += ", ours: " + e.Status
		}
		if e.Note != "" {
			s += " (" + e.Note + ")"
		}
		return s
	}
	if e.Note == "" {
		return "settled without a winner"
	}
	return "settled without a winner: " + e.Note
}

// e9 prints a number in 10^-9 exactly.
func e9(v *uint64) string {
	if v == nil {
		return "?"
	}
	return fmt.Sprintf("%d.%09d", *v/1_000_000_000, *v%1_000_000_000)
}

// NRN prints an amount of unrn (10^-6 NRN) exactly.
func NRN(unrn string) string {
	if len(unrn) < 7 {
		unrn = fmt.Sprintf("%07s", unrn)
	}
	return unrn[:len(unrn)-6] + "." + unrn[len(unrn)-6:]
}
