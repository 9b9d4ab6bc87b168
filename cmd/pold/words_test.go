package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"
)

func TestAmountsAreShownInNRN(t *testing.T) {
	for unrn, text := range map[int64]string{
		0: "0 NRN", 1: "0.000001 NRN", 12_500_000: "12.5 NRN", 1_000_000_000: "1,000 NRN", 1_234_567_890_123: "1,234,567.890123 NRN", -2_000_000: "-2 NRN",
	} {
		require.Equal(t, text, showNRN(math.NewInt(unrn)))
	}
	require.Equal(t, "0 NRN", showNRN(math.Int{}))
}

func TestSharesAreRoundedDownSoThatAHalfIsAHalf(t *testing.T) {
	for _, c := range []struct {
		part, all int64
		want      string
	}{{0, 10, "0 %"}, {5, 10, "50 %"}, {49_999, 100_000, "49.99 %"}, {1, 3, "33.33 %"}, {10, 10, "100 %"}, {1, 1_000_000, "< 0.01 %"}, {1, 0, "0 %"}} {
		require.Equal(t, c.want, showShare(math.NewInt(c.part), math.NewInt(c.all)))
	}
	require.Equal(t, "0 %", showShare(math.Int{}, math.Int{}))
}

func TestTimesAreSaidInTheTwoLargestUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 59 * time.Second: "59 s", time.Minute: "1 min", 90 * time.Second: "1 min 30 s", 10*time.Minute + 5*time.Second: "10 min",
		3 * time.Hour: "3 h", 3*time.Hour + 5*time.Minute: "3 h 5 min", 24*time.Hour + 5*time.Minute: "1 d", 52 * time.Hour: "2 d 4 h",
	} {
		require.Equal(t, want, showSpan(d))
	}
	now := time.Unix(1_000, 0)
	require.Equal(t, "in 1 min", showWhen(1_060, now))
	require.Equal(t, "in 1 s", showWhen(1_001, now.Add(300*time.Millisecond)), "never 0 s while it is still to come")
	require.Equal(t, "1 min ago", showWhen(940, now))
	require.Equal(t, "1970-01-01 00:16 UTC", showTime(1_000))
	require.Equal(t, "1970-01-01T00:16:40Z", stamp(1_000))
}

func TestWordsFitTheirNumber(t *testing.T) {
	require.Equal(t, "1 row", plural(1, "row", ""))
	require.Equal(t, "0 rows", plural(0, "row", ""))
	require.Equal(t, "1,200 rows", plural(uint64(1_200), "row", ""))
	require.Equal(t, "2 added rows have", plural(2, "added row has", "added rows have"))
	require.Equal(t, "fetching", statusWord("PROPOSAL_STATUS_FETCHING", "PROPOSAL_STATUS_"))
	require.Equal(t, "mean squared error", statusWord("OBJECTIVE_MEAN_SQUARED_ERROR", "OBJECTIVE_"))
	require.Equal(t, "1,234 bytes", showBytes(1_234))
	require.Equal(t, "12 KiB", showBytes(12_345))
	require.Equal(t, "2.0 MiB", showBytes(2<<20))
}

func TestLengthsOfTimeAreReadInWholeSeconds(t *testing.T) {
	for text, want := range map[string]uint64{"": 0, "1h": 3_600, "24h": 86_400, "90m": 5_400, "7d": 604_800, "1h30m": 5_400, "45s": 45} {
		got, err := parseSpan("--period", text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"7", "d", "0d", "-1d", "1.5d", "100ms", "1500ms", "-1h", "0s", "week", "99999999d"} {
		_, err := parseSpan("--period", text)
		require.ErrorContains(t, err, "--period: expected a length of whole seconds such as 90m, 24h or 7d", text)
		require.Equal(t, exitUsage, exitCode(err))
	}
}

func TestAQuorumIsWhatTheChainTakesForOne(t *testing.T) {
	require.Equal(t, "10 % of 1,000 NRN that stood since the period opened: 100 NRN", quorumWords(100_000, nrn(1_000)))
	require.Equal(t, "1", quorum(100_000, math.ZeroInt()).String(), "nothing is never enough")
	require.Equal(t, "4", quorum(100_000, math.NewInt(31)).String(), "rounded up")
}
