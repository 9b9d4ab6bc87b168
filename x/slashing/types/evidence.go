package types

import "fmt"

// OfTask reports whether a fault of this kind is about the answer of a task, so that the evidence can be recomputed.
func (k FaultKind) OfTask() bool {
	return k == FAULT_KIND_WRONG_ANSWER || k == FAULT_KIND_WRONG_PERSONAL
}

// OfRound reports whether a fault of this kind was made in a round of a training group, where a bond was lost for it.
func (k FaultKind) OfRound() bool { return k >= FAULT_KIND_UNPROVED && k <= FAULT_KIND_SEALED_KEY }

func (e Evidence) validate() error {
	switch {
	case e.Kind < FAULT_KIND_WRONG_ANSWER || e.Kind > FAULT_KIND_CONDUCT:
		return fmt.Errorf("unknown kind %d", e.Kind)
	case e.Address == "":
		return fmt.Errorf("expected an address")
	case isNegative(e.Lost):
		return fmt.Errorf("lost: expected zero or more, got %s", e.Lost)
	case e.Unix < 0 || e.Height < 0:
		return fmt.Errorf("expected a height and a time of zero or more, got %d and %d", e.Height, e.Unix)
	}
	return nil
}
