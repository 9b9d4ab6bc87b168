package dataset

import "fmt"

// DeltaFault is a kind of reason to refuse a delta.
type DeltaFault uint8

// The kinds of faults.
const (
	FaultMalformed    DeltaFault = 1 + iota // the text is not a delta, whatever the table
	FaultDoesNotApply                       // the table does not have the lines that the delta shows or removes
	FaultHeader                             // the header line would change
	FaultNoChange                           // the same rows would be left, at most in another order
	FaultResult                             // the result would not be a canonical table
)

// String names the fault in a few words.
func (f DeltaFault) String() string {
	switch f {
	case FaultMalformed:
		return "malformed"
	case FaultDoesNotApply:
		return "does not apply"
	case FaultHeader:
		return "header"
	case FaultNoChange:
		return "no change"
	case FaultResult:
		return "result"
	}
	return fmt.Sprintf("DeltaFault(%d)", uint8(f))
}

// DeltaError is the reason why a delta is refused: where, what was found, why that
// is refused and what to do about it.
type DeltaError struct {
	Fault     DeltaFault
	Line      int    // line of the delta, from 1; 0 when no single line is to blame
	TableLine int    // line of the table, from 1, or of the result for [FaultResult]; 0 when none is meant
	What      string // "expected X, got Y"
	Why       string // the rule behind it
	Fix       string // the next step for a person
	Cause     error  // for [FaultResult], the [*Error] of the result; otherwise nil
}

// Error is one sentence: place, what, why, what to do.
func (e *DeltaError) Error() string {
	where := "delta"
	if e.Line > 0 {
		where = fmt.Sprintf("line %d of the delta", e.Line)
	}
	if e.Cause != nil {
		return fmt.Sprintf("%s: the table it leads to is refused: %v", where, e.Cause)
	}
	if e.TableLine > 0 {
		where += fmt.Sprintf(", line %d of the table", e.TableLine)
	}
	return fmt.Sprintf("%s: %s: %s; %s", where, e.What, e.Why, e.Fix)
}

// Unwrap returns Cause.
func (e *DeltaError) Unwrap() error { return e.Cause }

const remakeFix = "make the delta again from the current table"

func malformed(line int, what, why, fix string) *DeltaError {
	return &DeltaError{Fault: FaultMalformed, Line: line, What: what, Why: why, Fix: fix}
}
