package types_test

import (
	"math"
	"math/big"
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pold-network/pold/x/reputation/types"
)

const (
	billion = types.Billion
	month   = 30 * 24 * 3_600
)

func TestAnOutcomeMovesAValueByItsShareOfTheDistance(t *testing.T) {
	for name, c := range map[string]struct{ value, outcome, rate, weight, want uint64 }{
		"five percent of the way up":                  {500_000_000, billion, 50_000_000, 1_000_000, 525_000_000},
		"five percent of the way down":                {500_000_000, 0, 50_000_000, 1_000_000, 475_000_000},
		"a weight of a fifth":                         {500_000_000, billion, 50_000_000, 200_000, 505_000_000},
		"a weight of ten":                             {500_000_000, 0, 50_000_000, 10_000_000, 250_000_000},
		"a weight that would pass the outcome":        {500_000_000, 0, 50_000_000, 30_000_000, 0},
		"a weight of nothing":                         {500_000_000, 0, 50_000_000, 0, 500_000_000},
		"a rate of nothing":                           {500_000_000, 0, 0, 1_000_000, 500_000_000},
		"an outcome in between":                       {200_000_000, 400_000_000, 500_000_000, 1_000_000, 300_000_000},
		"the outcome itself":                          {billion, billion, billion, 1_000_000, billion},
		"less than one billionth stays":               {3, 0, 50_000_000, 1_000_000, 3},
		"the smallest of everything":                  {0, 1, 1, 1, 0},
		"values above the scale are taken as its end": {math.MaxUint64, 0, 500_000_000, 1_000_000, 500_000_000},
		"all at their largest":                        {math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64, billion},
		"a fall with all at their largest":            {math.MaxUint64, 0, math.MaxUint64, math.MaxUint64, 0},
	} {
		require.Equal(t, c.want, types.Move(c.value, c.outcome, c.rate, c.weight), name)
	}
}

// checkMove holds for all inputs whatever: sign, zero, scale and overflow.
func checkMove(t testing.TB, value, outcome, rate, weight uint64) {
	got := types.Move(value, outcome, rate, weight)
	v, o := min(value, billion), min(outcome, billion)
	require.LessOrEqual(t, got, uint64(billion), "the scale is kept")
	require.LessOrEqual(t, types.StepE9(rate, weight), uint64(billion))
	if o >= v {
		require.True(t, got >= v && got <= o, "moves up, not past the outcome: %d to %d towards %d", v, got, o)
	} else {
		require.True(t, got <= v && got >= o, "moves down, not past the outcome: %d to %d towards %d", v, got, o)
	}
	require.Equal(t, v, types.Move(value, value, rate, weight), "an outcome equal to the value changes nothing")
	require.Equal(t, v, types.Move(value, outcome, rate, 0))
	require.Equal(t, v, types.Move(value, outcome, 0, weight))
	require.Equal(t, billion-got, types.Move(billion-v, billion-o, rate, weight), "up and down are mirror images")

	exact := new(big.Int).Mul(new(big.Int).SetUint64(min(rate, billion)), new(big.Int).SetUint64(min(weight, 1_000*types.Million)))
	exact.Quo(exact, big.NewInt(types.Million))
	if exact.Cmp(big.NewInt(billion)) > 0 {
		exact.SetInt64(billion)
	}
	exact.Mul(exact, new(big.Int).SetUint64(max(v, o)-min(v, o)))
	exact.Quo(exact, big.NewInt(billion))
	require.Equal(t, exact.Uint64(), max(v, got)-min(v, got), "as in unbounded arithmetic")

	if weight < math.MaxUint64 && o >= v {
		require.GreaterOrEqual(t, types.Move(value, outcome, rate, weight+1), got, "more weight moves as far or farther")
	}
	if value < billion {
		require.GreaterOrEqual(t, types.Move(value+1, outcome, rate, weight), got, "a better reputation stays the better one")
	}
}

// wide draws numbers of all magnitudes.
func wide(r *rand.Rand) uint64 { return r.Uint64() >> r.Intn(64) }

func TestPropertiesOfMove(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for range 20_000 {
		checkMove(t, wide(r), wide(r), wide(r), wide(r))
		checkMove(t, uint64(r.Intn(billion+1)), uint64(r.Intn(2)*billion), uint64(r.Intn(billion)), uint64(r.Intn(20*types.Million)))
	}
}

func FuzzMove(f *testing.F) {
	f.Add(uint64(5e8), uint64(billion), uint64(5e7), uint64(1e6))
	f.Add(uint64(math.MaxUint64), uint64(0), uint64(math.MaxUint64), uint64(math.MaxUint64))
	f.Fuzz(func(t *testing.T, value, outcome, rate, weight uint64) { checkMove(t, value, outcome, rate, weight) })
}

func TestAValueReturnsToTheInitialOneByHalfLives(t *testing.T) {
	for name, c := range map[string]struct{ value, initial, elapsed, halfLife, want uint64 }{
		"at once":                            {900_000_000, 500_000_000, 0, month, 900_000_000},
		"after one half-life":                {900_000_000, 500_000_000, month, month, 700_000_000},
		"from below":                         {100_000_000, 500_000_000, month, month, 300_000_000},
		"after half of one":                  {900_000_000, 500_000_000, month / 2, month, 782_842_712}, // 4e8 / sqrt 2
		"after a third of one":               {billion, 0, month / 3, month, 793_700_526},               // 1e9 / cbrt 2
		"after three":                        {900_000_000, 500_000_000, 3 * month, month, 550_000_000},
		"one second before ten":              {billion, 0, 10*month - 1, month, 976_562},
		"after ten":                          {billion, 0, 10 * month, month, 0},
		"after ten from below":               {0, billion, 10 * month, month, billion},
		"after the longest time":             {0, 500_000_000, math.MaxUint64, types.MaxHalfLife, 500_000_000},
		"a half-life of a second":            {billion, 0, 3, 1, 125_000_000},
		"a half-life of nothing is a second": {billion, 0, 3, 0, 125_000_000},
		"the initial value stays":            {500_000_000, 500_000_000, 12_345, month, 500_000_000},
	} {
		require.Equal(t, c.want, types.Decay(c.value, c.initial, c.elapsed, c.halfLife), name)
	}
}

func checkDecay(t testing.TB, value, initial, elapsed, halfLife uint64) {
	v, i := min(value, billion), min(initial, billion)
	got := types.Decay(value, initial, elapsed, halfLife)
	if v >= i {
		require.True(t, got >= i && got <= v, "%d to %d, initial %d", v, got, i)
	} else {
		require.True(t, got <= i && got >= v, "%d to %d, initial %d", v, got, i)
	}
	require.Equal(t, v, types.Decay(value, initial, 0, halfLife))
	distance := func(x uint64) uint64 { return max(x, i) - min(x, i) }
	if elapsed < math.MaxUint64 {
		require.LessOrEqual(t, distance(types.Decay(value, initial, elapsed+1, halfLife)), distance(got), "a second more never takes it farther away")
	}
	if value < billion {
		require.GreaterOrEqual(t, types.Decay(value+1, initial, elapsed, halfLife), got, "a better reputation stays the better one")
	}
}

func TestPropertiesOfDecay(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	for range 20_000 {
		checkDecay(t, wide(r), wide(r), wide(r), wide(r))
		half := uint64(1 + r.Intn(types.MaxHalfLife))
		checkDecay(t, uint64(r.Intn(billion+1)), uint64(r.Intn(billion+1)), uint64(r.Int63n(int64(11*half))), half)
	}
	for n := range uint64(types.Horizon + 1) { // where a whole half-life is over
		for _, half := range []uint64{1, 7, month, types.MaxHalfLife} {
			checkDecay(t, billion, 500_000_000, n*half, half)
			checkDecay(t, 0, 333_333_333, max(n*half, 1)-1, half)
		}
	}
}

func FuzzDecay(f *testing.F) {
	f.Add(uint64(9e8), uint64(5e8), uint64(month/2), uint64(month))
	f.Add(uint64(0), uint64(billion), uint64(math.MaxUint64), uint64(0))
	f.Fuzz(func(t *testing.T, value, initial, elapsed, halfLife uint64) {
		checkDecay(t, value, initial, elapsed, halfLife)
	})
}

// Somebody who is heard of every minute must not fade slower than somebody who is heard of once a month.
func TestHowOftenAValueIsWrittenHardlyChangesHowItFades(t *testing.T) {
	for _, step := range []uint64{1, 60, 3_600, 86_400} {
		v := uint64(billion)
		writes := uint64(0)
		for elapsed := uint64(0); elapsed+step <= month && writes < 50_000; elapsed += step {
			v = types.Decay(v, 0, step, month)
			writes++
		}
		once := types.Decay(billion, 0, writes*step, month)
		require.LessOrEqual(t, v, once)
		require.LessOrEqual(t, once-v, 2*writes, "at most rounding: about one billionth each")
	}
}

// The constants are worked out again with 400 binary places.
func TestDecayIsTheTrueExponential(t *testing.T) {
	const places = 400
	root := new(big.Int).Sqrt(new(big.Int).Lsh(big.NewInt(1), 2*places-1)) // 2^-(1/2)
	const half = 1 << 31                                                   // divides 2^32: the bits of f are those of the seconds
	for bit := range 31 {
		elapsed := uint64(half) >> (bit + 1)
		want := new(big.Int).Mul(root, big.NewInt(billion))
		want.Rsh(want, places)
		require.Equal(t, want.Uint64(), types.Decay(billion, 0, elapsed, half), "2^-(2^-%d)", bit+1)
		root.Sqrt(root.Lsh(root, places))
	}
}
