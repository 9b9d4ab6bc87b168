package trainer

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/pold-network/pold/sidecar/training"
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

// Text returns a reporter for people. On a terminal progress redraws one line; elsewhere it takes one line every ten seconds.
func Text(w io.Writer, terminal bool) func(Event) {
	var mu sync.Mutex
	live := training.NewLive(w, terminal)
	return func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Event != EventProgress {
			live.Clear()
			fmt.Fprintln(w, line(e))
		} else if live.Due() {
			live.Show(fmt.Sprintf("%s round %d: %s", e.Group, e.Round, e.Progress))
		}
	}
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
