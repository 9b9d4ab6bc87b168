package provider

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// Names of events.
const (
	EventSealed   = "sealed"    // a table was encrypted and its key is on disk
	EventHandedIn = "handed_in" // the chain has the batch
	EventHeld     = "held"      // validators hold it
	EventWaiting  = "waiting"   // for its round
	EventRevealed = "revealed"  // the key is on chain
	EventNote     = "note"
)

// Event is something that happened to a batch.
type Event struct {
	Event  string `json:"event"`
	Group  string `json:"group"`
	Round  uint64 `json:"round,omitempty"`
	Source string `json:"source,omitempty"`
	Rows   uint64 `json:"rows,omitempty"`
	CID    string `json:"cid,omitempty"`
	Tx     string `json:"tx,omitempty"`
	Height int64  `json:"height,omitempty"`
	Note   string `json:"note,omitempty"`
}

// JSON returns a reporter that writes one JSON object per line.
func JSON(w io.Writer) func(Event) {
	var mu sync.Mutex
	encoder := json.NewEncoder(w)
	return func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		_ = encoder.Encode(e) // a reader that went away is no reason to keep a key back
	}
}

// Text returns a reporter for people.
func Text(w io.Writer) func(Event) {
	var mu sync.Mutex
	return func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(w, line(e))
	}
}

func line(e Event) string {
	head := e.Group
	if e.Round > 0 {
		head = fmt.Sprintf("%s round %d", e.Group, e.Round)
	}
	switch e.Event {
	case EventSealed:
		return fmt.Sprintf("%s: sealed %s, %d rows, encrypted as %s", head, e.Source, e.Rows, e.CID)
	case EventHandedIn:
		return fmt.Sprintf("%s: handed in at height %d", head, e.Height)
	case EventHeld:
		return head + ": validators hold the encrypted batch"
	case EventWaiting:
		return head + ": its key is revealed when the round asks for it"
	case EventRevealed:
		return head + ": the key is on chain"
	}
	return fmt.Sprintf("%s: %s", head, e.Note)
}
