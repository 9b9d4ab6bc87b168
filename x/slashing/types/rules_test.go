package types_test

import (
	"math/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cosmossdk.io/math"

	"github.com/pold-network/pold/x/slashing/types"
)

func TestParameters(t *testing.T) {
	const day = 86_400
	require.NoError(t, types.DefaultParams().Validate())
	for _, row := range []struct {
		name   string
		change func(p *types.Params)
		want   string
	}{
		{"a window of no time", func(p *types.Params) { p.WindowSeconds = 0 }, "window_seconds"},
		{"more than a tenth of the stake for one fault", func(p *types.Params) { p.SlashE6 = 100_001 }, "slash_e6"},
		{"jail for a first wrong answer", func(p *types.Params) { p.JailAfter = 1 }, "jail_after"},
		{"more wrong answers than are remembered", func(p *types.Params) { p.JailAfter = 101 }, "jail_after"},
		{"jail for no time", func(p *types.Params) { p.JailSeconds = 0 }, "jail_seconds"},
		{"jail for ever", func(p *types.Params) { p.JailSeconds = 1 << 60 }, "jail_seconds"},
		{"no time to appeal", func(p *types.Params) { p.QueueSeconds = 0 }, "queue_seconds"},
		{"a queue that stake could leave", func(p *types.Params) { p.QueueSeconds = 14*day + 1 }, "queue_seconds"},
		{"no power a day", func(p *types.Params) { p.DailyPowerE6 = 0 }, "daily_power_e6"},
		{"a third of power a day", func(p *types.Params) { p.DailyPowerE6 = 333_334 }, "daily_power_e6"},
		{"a window of one task", func(p *types.Params) { p.MissedWindow = 1 }, "missed_window"},
		{"a window that no record holds", func(p *types.Params) { p.MissedWindow = 10_001 }, "missed_window"},
		{"no miss allowed", func(p *types.Params) { p.MissedTasks = 0 }, "missed_tasks"},
		{"all misses allowed", func(p *types.Params) { p.MissedTasks = p.MissedWindow }, "missed_tasks"},
		{"evidence gone before the window", func(p *types.Params) { p.RetentionSeconds = p.WindowSeconds - 1 }, "retention_seconds"},
		{"evidence gone before the appeal", func(p *types.Params) { p.WindowSeconds, p.RetentionSeconds = 1, p.QueueSeconds-1 }, "retention_seconds"},
		{"evidence gone on the same day", func(p *types.Params) { p.WindowSeconds, p.QueueSeconds, p.RetentionSeconds = 1, 1, day-1 }, "retention_seconds"},
	} {
		p := types.DefaultParams()
		row.change(&p)
		err := p.Validate()
		require.ErrorIs(t, err, types.ErrInvalidParams, row.name)
		require.ErrorContains(t, err, row.want, row.name)
	}
	p := types.DefaultParams()
	p.QueueSeconds = 14 * day
	require.NoError(t, p.Validate(), "two weeks are shorter than unbonding")
}

func TestTheDaysBoundOnPower(t *testing.T) {
	p := types.DefaultParams()
	for _, row := range []struct {
		name        string
		used, power int64
		total       int64
		fits        bool
	}{
		{"a small one on a fresh day", 0, 1, 100, true},
		{"a large one alone", 0, 90, 100, true},
		{"up to the bound", 4, 6, 100, true},
		{"one more than the bound", 4, 7, 100, false},
		{"after a large one", 90, 1, 100, false},
		{"sums that need more than 64 bits", 1 << 60, 1 << 60, 1 << 61, false},
		{"no power left", 1, 0, 0, false},
	} {
		require.Equal(t, row.fits, types.Day{Day: 1, Power: row.used}.Fits(row.power, row.total, p), row.name)
	}
	require.Equal(t, types.Day{Day: 2}, types.Day{Day: 1, Power: 5}.At(2*86_400), "a new day begins with nothing")
	require.Equal(t, types.Day{Day: 1, Power: 5}, types.Day{Day: 1, Power: 5}.At(2*86_400-1))
}

// The bitmap against a list of booleans.
func TestTheBitmapOfTasksIsTheLastTasks(t *testing.T) {
	for seed := range int64(40) {
		random := rand.New(rand.NewSource(seed))
		p := types.DefaultParams()
		p.MissedWindow = uint32(2 + random.Intn(30))
		p.MissedTasks = 1 + uint32(random.Intn(int(p.MissedWindow)-1))
		var r types.Record
		var last []bool
		told, seen := false, 0
		for range 300 {
			missed := random.Intn(3) > 0
			last = append(last, missed)
			last = last[max(0, len(last)-int(p.MissedWindow)):]
			seen = min(seen+1, int(p.MissedWindow))
			n := 0
			for _, m := range last {
				if m {
					n++
				}
			}
			want := types.MissedNothing
			switch {
			case n > int(p.MissedTasks) && told:
				want = types.MissedJail
			case n > int(p.MissedTasks):
				want = types.MissedTold
			case seen == int(p.MissedWindow):
				told = false
			}
			if want != types.MissedNothing {
				told, seen, last = !told, 0, nil
				n = 0
			}
			require.Equal(t, want, r.AddTask(missed, p))
			require.Equal(t, n, r.Missed())
			require.Equal(t, told, r.MissesTold)
			require.Equal(t, uint64(seen), r.Seen)
			require.LessOrEqual(t, len(r.Tasks), int(p.MissedWindow+7)/8)
		}
	}
}

func TestAWindowThatGovernanceShrinksForgetsTheOldest(t *testing.T) {
	p := types.DefaultParams()
	var r types.Record
	for range 40 {
		r.AddTask(true, p)
	}
	p.MissedWindow, p.MissedTasks = 10, 9
	require.Equal(t, types.MissedNothing, r.AddTask(false, p))
	require.Equal(t, 9, r.Missed())
}

func TestWrongAnswersAreRememberedUpToABound(t *testing.T) {
	p := types.DefaultParams()
	var r types.Record
	for i := range int64(250) {
		r.AddWrong(1_000_000+i, p)
	}
	require.Len(t, r.WrongUnix, types.MaxJailAfter)
	require.Equal(t, int64(1_000_249), r.WrongUnix[types.MaxJailAfter-1], "the newest")
	r.ForgetWrong(1_000_249)
	r.ForgetWrong(5)
	require.Len(t, r.WrongUnix, types.MaxJailAfter-1)
	require.Zero(t, r.Wrong(1_000_249+7*86_400, p))
}

func genesis() *types.GenesisState {
	g := types.DefaultGenesis()
	g.NextEvidenceId, g.NextPenaltyId = 3, 2
	g.Evidence = []types.Evidence{
		{Id: 1, Kind: types.FAULT_KIND_WRONG_ANSWER, Address: "op", Lost: math.ZeroInt()},
		{Id: 2, Kind: types.FAULT_KIND_CONDUCT, Address: "op", Lost: math.ZeroInt()},
	}
	g.Penalties = []types.Penalty{{
		Id: 1, EvidenceId: 1, Operator: "op", Kind: types.PENALTY_KIND_SLASH, Status: types.PENALTY_STATUS_QUEUED, SlashE6: 5_000, Burned: math.ZeroInt(),
	}}
	g.Records = []types.Record{{Operator: "op", WrongUnix: []int64{1}}}
	return g
}

func TestGenesisIsChecked(t *testing.T) {
	require.NoError(t, types.DefaultGenesis().Validate())
	require.NoError(t, genesis().Validate())
	for _, row := range []struct {
		name   string
		change func(g *types.GenesisState)
		want   string
	}{
		{"bad parameters", func(g *types.GenesisState) { g.Params.JailAfter = 0 }, "jail_after"},
		{"evidence twice", func(g *types.GenesisState) { g.Evidence[1].Id = 1 }, "evidence 1"},
		{"evidence from the future", func(g *types.GenesisState) { g.Evidence[1].Id = 3 }, "evidence 3"},
		{"evidence of nothing", func(g *types.GenesisState) { g.Evidence[1].Kind = 0 }, "unknown kind"},
		{"evidence against nobody", func(g *types.GenesisState) { g.Evidence[1].Address = "" }, "address"},
		{"a loss that is none", func(g *types.GenesisState) { g.Evidence[1].Lost = math.NewInt(-1) }, "lost"},
		{"a loss that is not said", func(g *types.GenesisState) { g.Evidence[1].Lost = math.Int{} }, "lost"},
		{"evidence before time", func(g *types.GenesisState) { g.Evidence[1].Unix = -1 }, "time"},
		{"a penalty from the future", func(g *types.GenesisState) { g.Penalties[0].Id = 2 }, "penalty 2"},
		{"a penalty that is none", func(g *types.GenesisState) { g.Penalties[0].Kind = types.PENALTY_KIND_REPUTATION }, "unknown kind"},
		{"a penalty without status", func(g *types.GenesisState) { g.Penalties[0].Status = 0 }, "status"},
		{"a penalty against nobody", func(g *types.GenesisState) { g.Penalties[0].Operator = "" }, "operator"},
		{"a queued penalty without evidence", func(g *types.GenesisState) { g.Evidence = g.Evidence[1:] }, "evidence 1"},
		{"a queued penalty against another", func(g *types.GenesisState) { g.Penalties[0].Operator = "other" }, "evidence 1"},
		{"two penalties for one fault", func(g *types.GenesisState) {
			g.NextPenaltyId = 3
			g.Penalties = append(g.Penalties, g.Penalties[0])
			g.Penalties[1].Id = 2
		}, "another penalty"},
		{"two records of one validator", func(g *types.GenesisState) { g.Records = append(g.Records, g.Records[0]) }, "record"},
		{"a record without bound", func(g *types.GenesisState) { g.Records[0].Tasks = make([]byte, 1_251) }, "record"},
		{"a day of negative power", func(g *types.GenesisState) { g.Today.Power = -1 }, "today"},
	} {
		g := genesis()
		row.change(g)
		require.ErrorContains(t, g.Validate(), row.want, row.name)
	}
	g := genesis()
	g.Evidence, g.Penalties[0].Status = g.Evidence[1:], types.PENALTY_STATUS_EXECUTED
	require.NoError(t, g.Validate(), "a finished penalty may outlive its evidence")
}

func TestEveryKindOfFaultIsExplained(t *testing.T) {
	texts := map[string]bool{}
	for kind := types.FAULT_KIND_WRONG_ANSWER; kind <= types.FAULT_KIND_CONDUCT; kind++ {
		e := types.Evidence{Id: 5, Kind: kind, Address: "somebody", TaskId: 1, TaskKind: "score", Group: "digits", Round: 2, Lost: math.NewInt(9)}
		text := e.Explain(nil, "governance", 0)
		require.NotContains(t, text, "fault of kind")
		require.NotContains(t, text, "%!")
		for _, part := range []string{"What happened: somebody ", "What it cost: ", "How to check it: "} {
			require.Contains(t, text, part)
		}
		first, _, _ := strings.Cut(text, "\n")
		require.False(t, texts[first], first)
		texts[first] = true
	}
}

func TestEveryStatusOfAPenaltyIsExplained(t *testing.T) {
	e := types.Evidence{Id: 5, Kind: types.FAULT_KIND_WRONG_ANSWER, Address: "op", Lost: math.ZeroInt()}
	p := types.Penalty{Id: 6, Kind: types.PENALTY_KIND_SLASH_AND_JAIL, SlashE6: 12_500, Burned: math.NewInt(77), DueUnix: 100, FinishedUnix: 200, Note: "note"}
	for status, want := range map[types.PenaltyStatus]string{
		types.PENALTY_STATUS_QUEUED:    "1.25 % of its stake and jail (penalty 6, due, waiting for its turn",
		types.PENALTY_STATUS_EXECUTED:  "carried out 1970-01-01T00:03:20Z, 77 unrn burned",
		types.PENALTY_STATUS_CANCELLED: "cancelled by governance 1970-01-01T00:03:20Z: note",
		types.PENALTY_STATUS_VOID:      "void 1970-01-01T00:03:20Z: note",
	} {
		p.Status = status
		text := e.Explain([]types.Penalty{p}, "governance", 150)
		require.Contains(t, text, want)
		require.Equal(t, status == types.PENALTY_STATUS_QUEUED, strings.Contains(text, "How to appeal"))
	}
}
