package main

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/app"
)

// showNRN writes an amount of unrn for people: 1234500000 is 1,234.5 NRN.
func showNRN(amount math.Int) string {
	if amount.IsNil() {
		return "0 " + app.DisplayDenom
	}
	sign := ""
	if amount.IsNegative() {
		sign, amount = "-", amount.Neg()
	}
	number := strings.TrimSuffix(formatNRN(amount), app.DisplayDenom)
	whole, fraction, broken := strings.Cut(number, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if broken {
		whole += "." + fraction
	}
	return sign + whole + " " + app.DisplayDenom
}

// showShare writes part / all as a percentage with at most two decimals, rounded down: what is shown as 50 % is at least half.
func showShare(part, all math.Int) string {
	if part.IsNil() || all.IsNil() || !all.IsPositive() {
		return "0 %"
	}
	e4 := new(big.Int).Quo(new(big.Int).Mul(part.BigInt(), big.NewInt(10_000)), all.BigInt()).Int64()
	if e4 == 0 && part.IsPositive() {
		return "< 0.01 %"
	}
	return strconv.FormatFloat(float64(e4)/100, 'f', -1, 64) + " %"
}

// showPart writes a number of millionths as a percentage.
func showPart(e6 uint64) string { return percent(float64(e6) / 1e6) }

// fraction9 writes a number of billionths with six decimals.
func fraction9(e9 uint64) string { return strconv.FormatFloat(float64(e9)/1e9, 'f', 6, 64) }

// showTime writes a time of the chain.
func showTime(unix int64) string { return time.Unix(unix, 0).UTC().Format("2006-01-02 15:04 UTC") }

// stamp writes a time of the chain for scripts.
func stamp(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.RFC3339) }

// showSpan writes a length of time in its two largest units.
func showSpan(d time.Duration) string {
	units := []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}}
	for i, u := range units[:len(units)-1] {
		n := d / u.length
		if n == 0 {
			continue
		}
		smaller := units[i+1]
		rest := d % u.length / smaller.length
		if rest == 0 || u.length == time.Minute && n >= 10 {
			return fmt.Sprintf("%d %s", n, u.name)
		}
		return fmt.Sprintf("%d %s %d %s", n, u.name, rest, smaller.name)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

// showSeconds writes a length of time that is given in seconds.
func showSeconds(seconds uint64) string { return showSpan(time.Duration(seconds) * time.Second) }

// showWhen writes how far a time of the chain is away.
func showWhen(unix int64, now time.Time) string {
	switch d := time.Unix(unix, 0).Sub(now); {
	case d > 0:
		return "in " + showSpan(d+time.Second-1)
	default:
		return showSpan(-d) + " ago"
	}
}

// showBytes writes a size for people.
func showBytes(n uint64) string {
	switch {
	case n >= 1<<20:
		return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MiB"
	case n >= 10<<10:
		return strconv.FormatUint(n>>10, 10) + " KiB"
	}
	return thousands(n) + " bytes"
}

// plural writes a number and what it counts; many is one with an s when empty.
func plural[T int | int64 | uint64 | uint32](n T, one, many string) string {
	if many == "" {
		many = one + "s"
	}
	if n != 1 {
		one = many
	}
	return thousands(uint64(n)) + " " + one
}

// short abbreviates a hash.
func short(hash []byte) string {
	text := hex.EncodeToString(hash)
	if len(text) > 12 {
		return text[:12] + "…"
	}
	return text
}

// statusWord is the name of an enum's value without its prefix, in lower case.
func statusWord(name, prefix string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, prefix)), "_", " ")
}
