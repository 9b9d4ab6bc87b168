package types

import "math/bits"

// Horizon is the number of half-lives after which a value that heard nothing is the initial one: what is left of the
// distance, less than a thousandth, is dropped, so that the record can be forgotten without changing any answer.
const Horizon = 10

// maxWeightE6 is where weights saturate: a thousand times the rate of a part.
const maxWeightE6 = 1_000 * Million

// StepE9 returns the part of the distance that an outcome of a weight closes, in billionths: rate times weight, at most 1.
func StepE9(rateE9, weightE6 uint64) uint64 {
	return min(min(rateE9, Billion)*min(weightE6, maxWeightE6)/Million, Billion)
}

// Move returns a value after it moved towards an outcome by rate times weight of the distance, rounded towards the
// old value. It never passes the outcome and never leaves 0 to a billion; larger inputs count as a billion.
func Move(valueE9, outcomeE9, rateE9, weightE6 uint64) uint64 {
	value, outcome := min(valueE9, Billion), min(outcomeE9, Billion)
	step := StepE9(rateE9, weightE6)
	if outcome >= value {
		return value + (outcome-value)*step/Billion
	}
	return value - (value-outcome)*step/Billion
}

// Decay returns a value after a time in seconds without outcomes: its distance to the initial value halves with every
// half-life and is gone after Horizon half-lives. The distance is
//
//	floor(floor(distance * 2^-f) / 2^n)
//
// with n the whole half-lives that passed and f the part of the current one in units of 2^-32, rounded down; 2^-f is the
// product of the constants of its bits in fixed point with 63 binary places. It never grows with time, never changes
// sides, and, because it is a true exponential, hardly depends on how often a value is written in between: each
// writing loses at most one billionth.
func Decay(valueE9, initialE9, elapsed, halfLife uint64) uint64 {
	value, initial := min(valueE9, Billion), min(initialE9, Billion)
	halfLife = min(max(halfLife, 1), MaxHalfLife)
	n := elapsed / halfLife
	if n >= Horizon {
		return initial
	}
	f := uint32((elapsed % halfLife) << 32 / halfLife)
	left := func(distance uint64) uint64 { return mul63(distance, halfPower(f)) >> n }
	if value >= initial {
		return initial + left(value-initial)
	}
	return initial - left(initial-value)
}

// halfPower returns 2^-f with 63 binary places; f counts units of 2^-32.
func halfPower(f uint32) uint64 {
	m := uint64(1) << 63
	for i, c := range halfPowers {
		if f&(1<<(31-i)) != 0 {
			m = mul63(m, c)
		}
	}
	return m
}

// mul63 multiplies by a number with 63 binary places that is at most 1, rounding down.
func mul63(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi<<1 | lo>>63
}

// halfPowers are 2^-(1/2), 2^-(1/4), 2^-(1/8), ... with 63 binary places, rounded down.
var halfPowers = [32]uint64{
	0x5a827999fcef3242, 0x6ba27e656b4eb57a, 0x75606373ee921c97, 0x7a92be8a92436616,
	0x7d41d96db915019d, 0x7e9f06067a4360ba, 0x7f4f08ae3dc7c425, 0x7fa765aca88f6452,
	0x7fd3ab290e46d768, 0x7fe9d3a8e07bf085, 0x7ff4e9597bed93aa, 0x7ffa748dff8dc61e,
	0x7ffd3a3f50020332, 0x7ffe9d1dbc0a75a9, 0x7fff4e8e6306ed58, 0x7fffa74712c3cdfd,
	0x7fffd3a381b1fa28, 0x7fffe9d1beed0189, 0x7ffff4e8defb81d7, 0x7ffffa746f5f012f,
	0x7ffffd3a37a7d0a8, 0x7ffffe9d1bd1fc58, 0x7fffff4e8de8832d, 0x7fffffa746f422d6,
	0x7fffffd3a37a09bb, 0x7fffffe9d1bd02f1, 0x7ffffff4e8de80fd, 0x7ffffffa746f4060,
	0x7ffffffd3a37a028, 0x7ffffffe9d1bd012, 0x7fffffff4e8de808, 0x7fffffffa746f404,
}
