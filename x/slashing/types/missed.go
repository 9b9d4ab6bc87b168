package types

import "math/bits"

// MissedStep is what one more task means for a validator that misses tasks.
type MissedStep uint8

// Steps against missed tasks.
const (
	// MissedNothing: nothing follows.
	MissedNothing MissedStep = iota
	// MissedTold: too many were missed; it costs reputation and the count begins anew.
	MissedTold
	// MissedJail: too many were missed again after that; it is jailed and the count begins anew.
	MissedJail
)

// AddTask remembers whether a validator that was live missed a settled task. More than missed_tasks misses among its
// last missed_window tasks: it is told off and counting begins anew. More than missed_tasks again, before a whole
// window without that many has passed: jail.
func (r *Record) AddTask(missed bool, p Params) MissedStep {
	r.shift(missed, int(p.MissedWindow))
	r.Seen = min(r.Seen+1, uint64(p.MissedWindow))
	switch {
	case r.Missed() > int(p.MissedTasks):
		step := MissedTold
		if r.MissesTold {
			step = MissedJail
		}
		r.Tasks, r.Seen, r.MissesTold = nil, 0, !r.MissesTold
		return step
	case r.Seen == uint64(p.MissedWindow):
		r.MissesTold = false
	}
	return MissedNothing
}

// Missed returns how many of the remembered tasks were missed.
func (r Record) Missed() int {
	n := 0
	for _, b := range r.Tasks {
		n += bits.OnesCount8(b)
	}
	return n
}

// ForgetMissed begins to count anew: an appeal against the penalty for missed tasks was granted.
func (r *Record) ForgetMissed() { r.Tasks, r.Seen, r.MissesTold = nil, 0, false }

// shift makes room for the newest outcome at the lowest bit of the first byte and keeps the newest window bits. High
// bytes that are zero are left out, so that a validator without a miss needs no bytes and its record does not change.
func (r *Record) shift(missed bool, window int) {
	size := (window + 7) / 8
	b := make([]byte, size)
	copy(b, r.Tasks)
	var carry byte
	if missed {
		carry = 1
	}
	for i, x := range b {
		b[i], carry = x<<1|carry, x>>7
	}
	if rest := window % 8; rest > 0 {
		b[size-1] &= 1<<rest - 1
	}
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	r.Tasks = b
	if len(b) == 0 {
		r.Tasks = nil
	}
}
