package types

import "context"

// Hooks are told about periods. A listener acts on the ballots that it owns; the writes of a call that fails are dropped.
type Hooks interface {
	// PeriodOpened is called when a period has opened.
	PeriodOpened(ctx context.Context, p Period) error
	// PeriodChecking is called some time before the end, to examine the leaders.
	PeriodChecking(ctx context.Context, p Period) error
	// PeriodEnding is called at the end and reports whether the period has to wait for something.
	PeriodEnding(ctx context.Context, p Period) (wait bool, err error)
	// PeriodEnded is called when the votes are weighed, before the next period opens.
	PeriodEnded(ctx context.Context, p Period) error
}
