package econ

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// short is a small version of what `make econ` plays; the halving interval is a year.
func short() (supply, years, days Config) {
	supply, years, days = Supply(1, 3), Years(1, 1), Days(1, 1)
	supply.HalvingSeconds = uint64(year.Seconds())
	years.Rounds, days.Rounds = 20, 6
	return supply, years, days
}

func TestTheSupplyIsExplainedAndCheatingDoesNotPay(t *testing.T) {
	supply, years, days := short()
	results := map[string]*Result{}
	for name, c := range map[string]Config{"supply": supply, "years": years, "days": days} {
		r, err := Run(c) // it fails at the first block after which the supply is not genesis + coinbase - burns
		require.NoError(t, err, name)
		require.Equal(t, uint64(c.Rounds), r.Rounds/uint64(max(1, groupsOf(c))), name)
		results[name] = r
	}
	// A few hours are too short for penalties, which wait three days; what they cost is judged with the longer one.
	report := NewReport(results["supply"], results["years"], results["years"])
	require.Empty(t, report.Failures)
	require.Empty(t, results["days"].Problems)

	rates := results["supply"].Years
	require.InDelta(t, 0.08766, rates[0].TrainerRate, 0.001)
	require.InDelta(t, 0.08766/2, rates[1].TrainerRate, 0.001, "the coinbase halves")
	require.InDelta(t, 0.017532, rates[0].VerifierRate, 0.0003)

	var text strings.Builder
	require.NoError(t, report.Print(&text))
	for _, s := range []Strategy{HonestTrainer, CopyAsIs, ForgingTrainer, SelfDealer, CartelValidator, LeakValidator} {
		require.Contains(t, text.String(), string(s))
	}
	names, err := report.WritePlots(t.TempDir())
	require.NoError(t, err)
	for _, name := range names {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Greater(t, info.Size(), int64(5_000), name)
	}

	t.Run("a strategy that pays is reported", func(t *testing.T) {
		thief := results["years"].find(CopyRescaled, "open")
		thief.Coinbase += 1 << 50
		defer func() { thief.Coinbase -= 1 << 50 }()
		found := NewReport(results["supply"], results["years"], results["years"]).Failures
		require.NotEmpty(t, found)
		require.Contains(t, found[0], string(CopyRescaled))
	})
	t.Run("a sybil whose further accounts pay is reported", func(t *testing.T) {
		sybil := results["years"].find(SybilTrainer, "open")
		extra := sybil.Extra
		sybil.Extra = 1
		defer func() { sybil.Extra = extra }()
		require.NotEmpty(t, NewReport(results["supply"], results["years"], results["years"]).Failures)
	})
	t.Run("a missing halving is reported", func(t *testing.T) {
		rates[1].TrainerRate *= 2
		require.NotEmpty(t, NewReport(results["supply"], results["years"], results["years"]).Failures)
	})
}

func groupsOf(c Config) int {
	if c.HonestOnly {
		return 1
	}
	return 4
}

func TestTheSeedDecidesEverything(t *testing.T) {
	_, c, _ := short()
	c.Rounds = 4
	play := func(seed uint64) string {
		c.Seed = seed
		r, err := Run(c)
		require.NoError(t, err)
		b, err := json.Marshal(r.Agents)
		require.NoError(t, err)
		return string(b)
	}
	first := play(5)
	require.Equal(t, first, play(5))
	require.NotEqual(t, first, play(6))
}

func TestBurnsOutsideTheBooksAreFound(t *testing.T) {
	_, c, _ := short()
	w, err := newWorld(c)
	require.NoError(t, err)
	require.NoError(t, w.toCommit())
	require.NoError(t, w.playRound())
	require.NoError(t, w.bank.add(w.ctx, supplyKey, w.bank.get(w.ctx, supplyKey).QuoRaw(-1_000_000)))
	require.ErrorContains(t, w.checkSupply(), "expected genesis")
}
