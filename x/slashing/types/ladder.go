package types

import "slices"

// Ladder returns what the n-th wrong answer of a window costs: the first one reputation, the next ones a part of the
// stake, from jail_after on jail as well.
func (p Params) Ladder(n int) PenaltyKind {
	switch {
	case n <= 1:
		return PENALTY_KIND_REPUTATION
	case n < int(p.JailAfter):
		return PENALTY_KIND_SLASH
	default:
		return PENALTY_KIND_SLASH_AND_JAIL
	}
}

// Slashes reports whether a penalty of this kind takes stake.
func (k PenaltyKind) Slashes() bool {
	return k == PENALTY_KIND_SLASH || k == PENALTY_KIND_SLASH_AND_JAIL
}

// Jails reports whether a penalty of this kind jails.
func (k PenaltyKind) Jails() bool { return k == PENALTY_KIND_JAIL || k == PENALTY_KIND_SLASH_AND_JAIL }

// AddWrong remembers a wrong answer and returns how many there are in the window that ends now, this one included. At
// most MaxJailAfter are remembered.
func (r *Record) AddWrong(now int64, p Params) int {
	r.WrongUnix = append(r.wrongSince(now, p), now)
	if extra := len(r.WrongUnix) - MaxJailAfter; extra > 0 {
		r.WrongUnix = slices.Clone(r.WrongUnix[extra:])
	}
	return len(r.WrongUnix)
}

// Wrong returns how many wrong answers count now.
func (r Record) Wrong(now int64, p Params) int { return len(r.wrongSince(now, p)) }

// ForgetWrong takes back one wrong answer of the given time: an appeal against its penalty was granted.
func (r *Record) ForgetWrong(unix int64) {
	if i := slices.Index(r.WrongUnix, unix); i >= 0 {
		r.WrongUnix = slices.Delete(slices.Clone(r.WrongUnix), i, i+1)
	}
}

// wrongSince returns the wrong answers that are younger than the window.
func (r Record) wrongSince(now int64, p Params) []int64 {
	var kept []int64
	for _, t := range r.WrongUnix {
		if t > now-int64(p.WindowSeconds) {
			kept = append(kept, t)
		}
	}
	return kept
}
