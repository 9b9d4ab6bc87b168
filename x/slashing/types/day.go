package types

import "cosmossdk.io/math"

// DayOf returns the number of the day of block time, in UTC.
func DayOf(unix int64) int64 { return unix / day }

// At returns the use of the bound on the day of the given time: nothing yet when that day is a later one.
func (d Day) At(unix int64) Day {
	if d.Day == DayOf(unix) {
		return d
	}
	return Day{Day: DayOf(unix)}
}

// Fits reports whether a penalty against this power may be carried out today: the day's sum stays within the bound on
// the part of total bonded power. A single validator above the bound is let through when nothing else was carried out
// that day; otherwise a large one could never be punished.
func (d Day) Fits(power, total int64, p Params) bool {
	if d.Power == 0 {
		return true
	}
	sum := math.NewInt(d.Power).AddRaw(power)
	return sum.MulRaw(1_000_000).LTE(math.NewInt(total).Mul(math.NewIntFromUint64(p.DailyPowerE6)))
}
