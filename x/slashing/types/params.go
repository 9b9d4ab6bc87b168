package types

const (
	day = 86_400
	// MaxQueueSeconds keeps a penalty in stake shorter in the queue than stake takes to unbond (21 days), with a week to
	// spare for penalties that the day's bound on power makes wait: nobody gets away by leaving.
	MaxQueueSeconds = 14 * day
	// MaxSeconds bounds every other length of time.
	MaxSeconds = 10 * 365 * day
	// MaxSlashE6 is the most that one fault may cost: a tenth of the stake. It guards against a slip in a proposal.
	MaxSlashE6 = 100_000
	// MaxDailyPowerE6 keeps what may be jailed or slashed in a day below a third of power.
	MaxDailyPowerE6 = 333_333
	// MaxJailAfter bounds the wrong answers that are remembered of one validator.
	MaxJailAfter = 100
	// MaxMissedWindow bounds the task outcomes that are remembered of one validator.
	MaxMissedWindow = 10_000
	// MaxQueued bounds the penalties of one validator that wait at once, and so what one bad release can cost it before
	// somebody has looked: with the defaults 5 % of its stake.
	MaxQueued = 10
	// MaxEvidence bounds the evidence that is kept against one address.
	MaxEvidence = 1_000
	// MaxReason bounds the reason of a cancellation in bytes.
	MaxReason = 512
)

// DefaultParams returns the parameters of a public network.
func DefaultParams() Params {
	return Params{
		WindowSeconds:    7 * day,
		SlashE6:          5_000,
		JailAfter:        3,
		JailSeconds:      day,
		QueueSeconds:     3 * day,
		DailyPowerE6:     100_000,
		MissedWindow:     100,
		MissedTasks:      50,
		RetentionSeconds: 60 * day,
	}
}

// Validate reports the first parameter that is out of range.
func (p Params) Validate() error {
	for _, r := range []struct {
		name            string
		value, min, max uint64
	}{
		{"window_seconds", p.WindowSeconds, 1, MaxSeconds},
		{"slash_e6", p.SlashE6, 0, MaxSlashE6},
		{"jail_after", uint64(p.JailAfter), 2, MaxJailAfter}, // the first wrong answer costs reputation only
		{"jail_seconds", p.JailSeconds, 1, MaxSeconds},
		{"queue_seconds", p.QueueSeconds, 1, MaxQueueSeconds},
		{"daily_power_e6", p.DailyPowerE6, 1, MaxDailyPowerE6},
		{"missed_window", uint64(p.MissedWindow), 2, MaxMissedWindow},
		{"missed_tasks", uint64(p.MissedTasks), 1, uint64(p.MissedWindow) - 1},
		// A day, because the bound on power counts what was carried out on that day; the window and the queue, because
		// evidence must be there as long as it counts and as long as its penalty can be appealed.
		{"retention_seconds", p.RetentionSeconds, max(day, p.WindowSeconds, p.QueueSeconds), MaxSeconds},
	} {
		if r.value < r.min || r.value > r.max {
			return ErrInvalidParams.Wrapf("%s: expected %d to %d, got %d", r.name, r.min, r.max, r.value)
		}
	}
	return nil
}
